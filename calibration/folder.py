"""The folder in which a set-up grows: each command leaves its part there as JSON and pictures, the report is made of all."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import cv2
import msgspec

from calibration.check import Checked
from calibration.records import FocusRun, Geometry, Lens, Prediction, Proof
from edge.errors import ConfigError
from edge.records import Image

T = TypeVar("T")

CHECK, LENS, PLACE, FOCUS, PREDICT, PROOF = (f"{n}.json" for n in ("check", "lens", "place", "focus", "predict", "proof"))


class Folder:
    """A set-up's folder; its files are readable by their owner alone, since their pictures may show plates."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, name: str, part: object) -> None:
        """Write a part.  Raises ConfigError."""
        self._write(name, msgspec.json.format(msgspec.json.encode(part)) + b"\n")

    def text(self, name: str, words: str) -> None:
        """Write a text.  Raises ConfigError."""
        self._write(name, words.encode())

    def picture(self, name: str, image: Image) -> None:
        """Write a picture, PNG or JPEG by its name.  Raises ConfigError."""
        self._write(name, cv2.imencode(Path(name).suffix, image)[1].tobytes())

    def pictures(self) -> dict[str, bytes]:
        """Every picture by its name, in the order of names."""
        if not self.path.is_dir():
            return {}
        return {
            each.name: each.read_bytes()
            for each in sorted(self.path.iterdir())
            if each.suffix in (".png", ".jpg") and each.is_file()
        }

    def checked(self) -> Checked | None:
        """What ``check`` left."""
        return self._read(CHECK, Checked)

    def lens(self) -> Lens | None:
        """What ``lens`` left."""
        return self._read(LENS, Lens)

    def geometry(self) -> Geometry | None:
        """What ``place`` left."""
        return self._read(PLACE, Geometry)

    def focus(self) -> tuple[FocusRun, ...]:
        """What ``focus`` left."""
        return self._read(FOCUS, tuple[FocusRun, ...]) or ()

    def prediction(self) -> Prediction | None:
        """What ``predict`` left."""
        return self._read(PREDICT, Prediction)

    def proof(self) -> Proof | None:
        """What ``proof`` left."""
        return self._read(PROOF, Proof)

    def _read(self, name: str, kind: type[T]) -> T | None:
        path = self.path / name
        if not path.is_file():
            return None
        return read_part(path, kind)

    def _write(self, name: str, data: bytes) -> None:
        path = self.path / name
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_bytes(data)
        except OSError as error:
            raise ConfigError(f"write {path}: {error.strerror or error}") from error


def read_part(path: Path, kind: type[T]) -> T:
    """One part of a set-up.  Raises ConfigError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise ConfigError(f"read {path}: {error.strerror or error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"read {path}: {error}; name a file that plate-edge calibrate wrote, or make it again") from error
