"""Addresses and credentials: what is refused before anything is opened, and what never appears in a text."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.camera.open import make_camera
from edge.camera.source import source_kind, stream_url
from edge.clock import Clock
from edge.config import CameraConfig
from edge.errors import CameraError, ConfigError, PlateEdgeError

PASSWORD = "c4n@ry:p/w%41 #?"


def credentials(tmp_path: Path, content: str = f"viewer:{PASSWORD}\n", mode: int = 0o640) -> Path:
    path = tmp_path / "credentials"
    path.write_text(content)
    path.chmod(mode)
    return path


def config(source: str, path: Path | None = None) -> CameraConfig:
    return CameraConfig(name="north", source=source, credentials=path)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("rtsp://10.0.0.2/live", "stream"),
        ("RTSPS://camera:322/a", "stream"),
        ("/dev/video0", "device"),
        ("drive.mp4", "clip"),
        ("still.JPG", "pictures"),
        (".", "pictures"),
    ],
)
def test_the_kind_of_a_source_is_seen_from_its_text(source: str, kind: str) -> None:
    """A folder or a picture's suffix means pictures, /dev/ a device, an address a stream, the rest a clip."""
    assert source_kind(source) == kind


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://",
        "rtsp:///live",
        "rtsp://host:99999/live",
        "rtsp://host:port/live",
        "rtsp://host:0/live",
        "rtsp://ho st/live",
        "rtsp://host/li\nve",
        "rtsp://[::1/live",
        "http://host/live",
        "udp://host:5000",
    ],
)
def test_a_malformed_address_refuses_the_start(address: str) -> None:
    """No connection is tried to an address that cannot be right."""
    with pytest.raises(ConfigError, match="open camera"):
        make_camera(config(address), Clock())


@pytest.mark.parametrize("address", [f"rtsp://viewer:{PASSWORD}@host/live", f"http://viewer:{PASSWORD}@host/live"])
def test_a_password_in_an_address_is_refused_and_not_repeated(address: str) -> None:
    """The error says where it belongs and holds no part of it."""
    with pytest.raises(ConfigError) as caught:
        make_camera(config(address), Clock())
    assert "c4n" not in str(caught.value)
    assert "p/w" not in str(caught.value)


def test_credentials_are_percent_encoded_into_the_address(tmp_path: Path) -> None:
    """Every character that means something in an address is encoded; the host part stays what it was."""
    url = stream_url(config("rtsp://host:554/live?channel=1", credentials(tmp_path)))
    assert url.reveal() == "rtsp://viewer:c4n%40ry%3Ap%2Fw%2541%20%23%3F@host:554/live?channel=1"


def test_the_secret_address_shows_no_secret(tmp_path: Path) -> None:
    """str, repr and format give the address as configured."""
    url = stream_url(config("rtsp://host/live", credentials(tmp_path)))
    for text in (str(url), repr(url), f"{url}", repr(make_camera(config("rtsp://h/l", credentials(tmp_path)), Clock()))):
        assert "viewer" not in text
        assert "c4n" not in text


@pytest.mark.parametrize("content", ["", "viewer\n", ":secret-one\n", "viewer:secret-one\nmore:secret-two\n"])
def test_a_credentials_file_that_is_not_one_line_is_refused(tmp_path: Path, content: str) -> None:
    """The error names the file and the form, never what it holds."""
    with pytest.raises(ConfigError, match="one line `user:password`") as caught:
        make_camera(config("rtsp://host/live", credentials(tmp_path, content)), Clock())
    assert "secret" not in str(caught.value)


def test_a_credentials_file_open_to_everybody_is_refused(tmp_path: Path) -> None:
    """A password that everybody on the host can read is none."""
    with pytest.raises(ConfigError, match="chmod 0640"):
        make_camera(config("rtsp://host/live", credentials(tmp_path, mode=0o644)), Clock())


def test_a_missing_credentials_file_is_refused(tmp_path: Path) -> None:
    """It is not taken for a camera without a password."""
    with pytest.raises(ConfigError, match="No such file"):
        make_camera(config("rtsp://host/live", tmp_path / "gone"), Clock())


@pytest.mark.parametrize("source", ["/dev/video97", "gone.mp4", "gone.png"])
def test_a_source_that_does_not_exist_refuses_the_start(source: str) -> None:
    """A missing device or file is known before anything runs."""
    with pytest.raises(CameraError, match="north"):
        make_camera(config(source), Clock())


def test_a_folder_in_dev_is_no_camera() -> None:
    """Only a character device can be a USB camera."""
    with pytest.raises(PlateEdgeError, match="not a device"):
        make_camera(config("/dev/shm"), Clock())
