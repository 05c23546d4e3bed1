"""Plate detectors run by onnxruntime: our own format, and the one that open-image-models publishes.

The input of either has one size, and frames are padded to it; or, in our own format, height and width are free: then the
metadata's ``input_size`` (``640x352``) says how many pixels the model was made for, and every frame gets an input of about as
many in its own aspect.
"""

from __future__ import annotations

import re

import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime

from edge.config import DetectorConfig
from edge.detector.postprocess import one_per_plate, plates_from_boxes, plates_from_corners
from edge.detector.preprocess import STEP, grey_input, input_size, letterbox_rgb
from edge.errors import ModelError
from edge.model_files import ModelFile, session_options
from edge.providers import Chosen, Ran, load_on, one_per_core
from edge.records import Detection, Frame, Image

#: What each format takes: grey, or RGB …
CHANNELS = {"plate-edge-detector/1": 1, "yolov9-end2end": 3}
#: … in these numbers.
ELEMENTS = {"plate-edge-detector/1": "tensor(uint8)", "yolov9-end2end": "tensor(float)"}
#: These may leave the input's height and width free.
FREE_SIZE = {"plate-edge-detector/1"}
#: A side longer than this, in pixels, is no detector for a unit: the frame alone would fill its memory.
MAX_SIDE = 4096


class OnnxDetector:
    """A detector session.  Thread-safe: onnxruntime sessions are, and nothing else is kept between frames."""

    def __init__(self, model: ModelFile, config: DetectorConfig) -> None:
        """Load ``model`` and run it once on grey.  Raises ModelError if it is no such model."""
        self._model = model
        self._threshold = model.threshold if config.threshold is None else config.threshold
        self._colour = CHANNELS[model.format] == 3
        self._candidate = min(model.candidate, self._threshold)
        self._session, self.ran = _open_session(model, config)
        entries = self._session.get_inputs()
        if len(entries) != 1:
            raise ModelError(f"load detector `{model.name}`: it takes {len(entries)} inputs, but {model.format} takes one")
        self._input = entries[0].name
        fixed = _fixed_size(model, entries[0].shape, entries[0].type)
        if fixed is not None and config.pixels is not None:
            raise ModelError(
                f"load detector `{model.name}`: its input is {fixed[0]}x{fixed[1]} and cannot be chosen; take "
                f"`detector.pixels` out of the configuration"
            )
        self._pixels: int | None = None
        if fixed is None:
            width, height = _own_size(model, self._session.get_modelmeta().custom_metadata_map.get("input_size", ""))
            self._pixels = config.pixels or width * height
            fixed = (width, height) if config.pixels is None else input_size(width, height, config.pixels)
        self._size = fixed
        try:
            self._detect(np.full(self._size[::-1], 114, np.uint8))
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"run detector `{model.name}` once: {error}") from error

    @property
    def sha256(self) -> str:
        """Hash of the model file."""
        return self._model.sha256

    @property
    def input_size(self) -> tuple[int, int]:
        """Width and height of the network's input, pixels; where they are free, for frames of the model's own aspect."""
        return self._size

    def size_for(self, frame_width: int, frame_height: int) -> tuple[int, int]:
        """Width and height of the network's input for such frames."""
        return self._size if self._pixels is None else input_size(frame_width, frame_height, self._pixels)

    @property
    def provider(self) -> str:
        """Where it runs."""
        return self.ran.provider

    def detect(self, frame: Frame) -> tuple[Detection, ...]:
        """The plates of one frame, most confident first, one detection per plate."""
        return self._detect(frame.image if frame.grey is None or self._colour else frame.grey)

    def _detect(self, image: Image) -> tuple[Detection, ...]:
        width, height = self.size_for(image.shape[1], image.shape[0])
        if self._model.format == "plate-edge-detector/1":
            plane, placement = grey_input(image, width, height)
            found = plates_from_corners(self._run(plane, 9), placement, self._candidate)
        else:
            planes, placement = letterbox_rgb(image, width, height)
            found = plates_from_boxes(self._run(planes, 7), placement, self._candidate)
        return one_per_plate([self._judged(one) for one in found], image.shape[1], image.shape[0])

    def _judged(self, found: Detection) -> Detection:
        """A candidate says that it is one."""
        return found if found.confidence >= self._threshold else msgspec.structs.replace(found, sure=False)

    def _run(self, tensor: npt.NDArray[np.generic], columns: int) -> npt.NDArray[np.float32]:
        with one_per_core:
            rows = np.asarray(self._session.run(None, {self._input: tensor})[0], np.float32)
        if rows.ndim == 3:
            rows = rows[0]
        if rows.ndim != 2 or rows.shape[1] != columns:
            raise ModelError(
                f"run detector `{self._model.name}`: it gives {list(rows.shape)}, but {self._model.format} gives "
                f"rows of {columns}"
            )
        return rows


def _fixed_size(model: ModelFile, shape: list[int | str | None], element: str) -> tuple[int, int] | None:
    """Width and height of the network's input; None where both are free.  Raises ModelError if the format takes another one."""
    channels, wanted = CHANNELS[model.format], ELEMENTS[model.format]
    sides = [side for side in shape[2:] if isinstance(side, int) and 0 < side <= MAX_SIDE]
    free = model.format in FREE_SIZE and all(not isinstance(side, int) for side in shape[2:])
    one = len(shape) == 4 and (shape[0] == 1 or not isinstance(shape[0], int))
    if not one or shape[1] != channels or not (free or len(sides) == 2):
        raise ModelError(
            f"load detector `{model.name}`: its input is {shape}, but {model.format} takes [1, {channels}, height, width] with "
            f"sides of at most {MAX_SIDE}"
        )
    if element != wanted:
        raise ModelError(f"load detector `{model.name}`: its input is {element}, but {model.format} takes {wanted}")
    return None if free else (sides[1], sides[0])


def _own_size(model: ModelFile, text: str) -> tuple[int, int]:
    """Width and height that a model with a free input names as its own.  Raises ModelError."""
    named = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text)
    width, height = (int(named[1]), int(named[2])) if named else (0, 0)
    if not 0 < width <= MAX_SIDE or not 0 < height <= MAX_SIDE or width % STEP or height % STEP:
        raise ModelError(
            f"load detector `{model.name}`: height and width of its input are free; then its metadata must name the size it "
            f"was made for as `input_size`, such as 640x352, in multiples of {STEP} and at most {MAX_SIDE}; found `{text[:40]}`"
        )
    return width, height


def _open_session(model: ModelFile, config: DetectorConfig) -> tuple[onnxruntime.InferenceSession, Ran]:
    def load(provider: Chosen) -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession(str(model.path), sess_options=session_options(config.threads), providers=[provider])

    try:
        return load_on(config.providers, config.threads, load, lambda session: session)
    except Exception as error:
        raise ModelError(f"load detector `{model.name}` from {model.path}: {error}") from error
