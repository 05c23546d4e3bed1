"""`plate-edge store picture` as a detective meets it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from edge.build import open_store
from edge.commands.store import store_commands
from edge.config import load_agency
from edge.demo import run as demo
from edge.errors import ConfigError, StoreError
from edge.records import PictureRef
from edge.store.interface import Arrival, RetentionStore
from tests.stores import arrival, picture

WHO = ("--by", "Det. Example", "--reason", "compare with the stop", "--case", "HPD-2026-0117")


def with_pictures(one: Arrival, *kinds: str) -> Arrival:
    refs = tuple(PictureRef(kind=kind, sealed_sha256="0" * 64, jpeg_sha256="1" * 64, bytes=3000) for kind in kinds)  # type: ignore[arg-type]
    return msgspec.structs.replace(one, labeled=msgspec.structs.replace(one.labeled, pictures=refs))


@pytest.fixture
def agency(tmp_path: Path) -> Path:
    """An agency with a read whose crop is here and whose frame is not, one without pictures, and a neighbour's copy."""
    port = demo.free_port()
    demo.make_keys(tmp_path, port)
    demo.write_configuration(tmp_path, port)
    copy = with_pictures(arrival(3, device="hamden/pole-7"), "crop")
    with closing(opened(tmp_path)) as store:
        store.add([with_pictures(arrival(1), "crop", "frame"), arrival(2), copy])
        store.add_picture(picture(1))
    return tmp_path


def opened(folder: Path) -> RetentionStore:
    return open_store(load_agency(folder / "agency.toml").store)


def ask(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(store_commands, ["picture", *words, "-c", str(folder / "agency.toml")])


def test_a_picture_that_is_here_is_written_out_and_booked(agency: Path) -> None:
    """For its owner alone, to a new file; the book says to whom, why and in which case, and not what is on it."""
    out = agency / "crop.jpg"
    assert ask(agency, "r-pole-7-1", *WHO, "-o", str(out)).exit_code == 0
    assert out.read_bytes() == picture(1).jpeg
    assert out.stat().st_mode & 0o777 == 0o600
    shown = CliRunner().invoke(store_commands, ["proofs", "-c", str(agency / "agency.toml")]).output
    assert "crop of read r-pole-7-1 handed out to Det. Example: compare with the stop, case HPD-2026-0117" in shown
    again = ask(agency, "r-pole-7-1", *WHO, "-o", str(out))
    assert isinstance(again.exception, ConfigError) and "there already" in str(again.exception)


def test_one_that_is_still_on_its_unit_is_asked_for(agency: Path) -> None:
    """Exit code 1, what happens next in plain words, and no file."""
    out = agency / "frame.jpg"
    said = ask(agency, "r-pole-7-1", *WHO, "--frame", "-o", str(out))
    assert (said.exit_code, out.exists()) == (1, False)
    assert "is asked for it" in said.output
    with closing(opened(agency)) as store:
        assert list(store.asked()) == [("pole-7", "e1", 1)]
        assert list(store.book()) == []


@pytest.mark.parametrize(
    ("read", "why"),
    [
        ("r-pole-7-2", "no crop was made of read r-pole-7-2"),
        ("r-hamden/pole-7-3", "is with the read's owner, milltown: ask there"),
    ],
)
def test_one_that_cannot_come_is_not_waited_for(agency: Path, read: str, why: str) -> None:
    """Where the policy let none leave, and of a copy, which came without."""
    said = ask(agency, read, *WHO, "-o", str(agency / "crop.jpg"))
    assert (said.exit_code, why in said.output) == (1, True), said.output
    with closing(opened(agency)) as store:
        assert list(store.asked()) == []


def test_nobody_is_shown_a_picture_of_a_read_that_is_not_here(agency: Path) -> None:
    """In words, and without a file."""
    said = ask(agency, "r-nobody", *WHO, "-o", str(agency / "crop.jpg"))
    assert isinstance(said.exception, StoreError) and "it may have been deleted" in str(said.exception)
    assert not (agency / "crop.jpg").exists()
