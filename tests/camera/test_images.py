"""Pictures from files: what is read, what is counted, and what is refused before a decoder sees it."""

from __future__ import annotations

import contextlib
import struct
import threading
import zlib
from pathlib import Path

import cv2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.camera import images
from edge.camera.images import ImageCamera, decode_image, read_image
from edge.clock import Clock
from edge.config import CameraConfig
from edge.errors import CameraError
from tests.camera.clips import number_in, numbered, write_pictures


def camera_of(path: Path) -> ImageCamera:
    return ImageCamera(CameraConfig(name="north", source=str(path)), Clock())


def jpeg() -> bytes:
    return bytes(cv2.imencode(".jpg", numbered(77))[1])


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    """JPEG, PNG and BMP files come sorted; other files are not looked at."""
    folder = write_pictures(tmp_path / "pictures", 6)
    (folder / "notes.txt").write_text("not a picture")
    camera = camera_of(folder)
    frames = list(camera.frames(threading.Event()))
    assert [number_in(frame.image) for frame in frames] == list(range(6))
    assert camera.counts().received == 6
    assert not camera.live


def test_a_picture_that_cannot_be_decoded_is_counted_and_skipped(tmp_path: Path) -> None:
    """The pictures behind a damaged one still come, with their own numbers."""
    folder = write_pictures(tmp_path / "pictures", 4)
    (folder / "001.png").write_bytes(b"\x89PNG but no more")
    (folder / "002.bmp").write_bytes(png_header(20_000, 20_000))
    camera = camera_of(folder)
    assert [frame.number for frame in camera.frames(threading.Event())] == [0, 3]
    assert camera.counts().dropped == {"undecodable": 2}
    assert camera.counts().received == 4


@pytest.mark.parametrize("name", ["gone", "gone.jpg"])
def test_a_missing_folder_or_picture_refuses_the_start(tmp_path: Path, name: str) -> None:
    """The error names the camera and the path."""
    with pytest.raises(CameraError, match=f"north.*no such.*{name}"):
        camera_of(tmp_path / name)


def test_a_folder_without_pictures_refuses_the_start(tmp_path: Path) -> None:
    """An empty folder is a mistake, not an empty stream."""
    with pytest.raises(CameraError, match="no JPEG, PNG or BMP"):
        camera_of(tmp_path)


def bombs() -> dict[str, bytes]:
    """Small files that ask for much."""
    at = jpeg().index(b"\xff\xc0")
    return {
        "a JPEG of 65535 x 65535": jpeg()[: at + 5] + b"\xff\xff\xff\xff" + jpeg()[at + 9 :],
        "a PNG of 30000 x 30000": png_header(30_000, 30_000),
        "a BMP of 30000 x -30000": b"BM" + bytes(12) + struct.pack("<Iii", 40, 30_000, -30_000) + bytes(40),
        "a JPEG of a thousand scans": jpeg()[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 1000 + b"\xff\xd9",
        "a JPEG whose second frame header is huge": jpeg()[:2]
        + b"\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00"
        + jpeg()[2:],
        "a picture of no size": png_header(0, 5),
        "a GIF": b"GIF89a" + bytes(100),
        "a header and nothing else": jpeg()[: at + 4],
    }


@pytest.mark.parametrize("name", bombs())
def test_a_picture_bomb_never_reaches_the_decoder(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Size, scans and kind are judged from the header alone."""

    def decoder(*_: object) -> None:
        raise AssertionError("the decoder was called")

    monkeypatch.setattr(images.cv2, "imdecode", decoder)
    with pytest.raises(CameraError, match="read picture x"):
        decode_image(bombs()[name], "x")


def test_a_file_over_the_limit_is_not_even_read(tmp_path: Path) -> None:
    """Seventeen mebibytes are refused by the file's size."""
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(17 << 20)
    with pytest.raises(CameraError, match="larger than 16 MiB"):
        read_image(path)


def test_the_header_says_what_the_decoder_gives(tmp_path: Path) -> None:
    """For each kind of file, progressive JPEG included, the size read from the header is the picture's."""
    image = numbered(3, (200, 90))
    coded = [cv2.imencode(suffix, image)[1] for suffix in (".jpg", ".png", ".bmp")]
    coded.append(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1])
    for each in coded:
        assert images._size(bytes(each), "x") == (200, 90)
        assert decode_image(bytes(each), "x").shape == (90, 200, 3)


@settings(deadline=None)
@given(data=st.binary(max_size=200), kind=st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b""]))
def test_no_bytes_bring_the_reader_down(data: bytes, kind: bytes) -> None:
    """Whatever a file holds, the answer is a picture or CameraError."""
    with contextlib.suppress(CameraError):
        assert decode_image(kind + data, "x").ndim == 3


@settings(deadline=None)
@given(at=st.integers(0, 2000), value=st.integers(0, 255))
def test_no_altered_byte_brings_the_reader_down(at: int, value: int) -> None:
    """One wrong byte in a JPEG gives a picture or CameraError, never a larger one than the limit."""
    data = bytearray(jpeg())
    data[at % len(data)] = value
    try:
        image = decode_image(bytes(data), "x")
    except CameraError:
        return
    assert image.shape[0] * image.shape[1] <= images.MAX_PIXELS
