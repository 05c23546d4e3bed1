"""Reads plates with a fast-plate-ocr model; the only file that imports that library.

The model is always given by path and hash: a hub name would download, without a checksum, at construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from fast_plate_ocr import LicensePlateRecognizer

from edge.config import RecognizerConfig
from edge.errors import ModelError
from edge.model_files import ModelFile, session_options
from edge.providers import Chosen, Ran, load_on, one_per_core
from edge.recognizer.straighten import sharpness, straighten
from edge.records import Detection, Frame, Image, Option, Reading

#: How many options are kept for each character, and from which probability: enough for a vote and for a confirmed search.
OPTIONS = 3
MIN_PROBABILITY = 0.01
#: A plate's picture with a longer side, in pixels, would cost more than finding the plate.
MAX_SIDE = 1024
#: How far the probabilities of one slot may add up to something else than 1 (eight-bit outputs are coarse).
SUM_TOLERANCE = 0.2


class FastPlateOcr:
    """A reader session.  Thread-safe, like the onnxruntime session inside."""

    def __init__(self, model: ModelFile, config: RecognizerConfig) -> None:
        """Load ``model`` and read two grey plates.  Raises ModelError if fast-plate-ocr refuses the file, or it gives
        something else than probabilities for every plate of a batch."""
        if model.config is None:
            raise ModelError(f"load reader `{model.name}`: the manifest names no plate configuration (`config`) for it")
        self._model = model
        try:
            self._ocr, self.ran = _load(model, config)
            self._plate = self._ocr.config
            self._check()
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"load reader `{model.name}` from {model.path}: {error}") from error

    @property
    def sha256(self) -> str:
        """Hash of the model file."""
        return self._model.sha256

    @property
    def provider(self) -> str:
        """Where it runs."""
        return self.ran.provider

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that the model can name; empty where it has no region head."""
        return tuple(self._plate.plate_regions or ()) if self._ocr.has_region_head else ()

    def read(self, frame: Frame, detections: Sequence[Detection]) -> tuple[Reading, ...]:
        """One reading per detection, in order, from one call of the model."""
        if not detections:
            return ()
        crops = [straighten(frame.image, d, self._plate.img_width, self._plate.img_height) for d in detections]
        return self._readings(frame, detections, crops)

    def read_crops(self, frame: Frame, detections: Sequence[Detection]) -> tuple[Reading, ...]:
        """As :meth:`read`, for pictures that are crops already: cut by the box, not straightened."""
        crops = []
        for detection in detections:
            box = detection.box
            crops.append(frame.image[int(box.y) : int(box.y + box.h), int(box.x) : int(box.x + box.w)])
        return self._readings(frame, detections, crops)

    def as_read(self, image: Image, detection: Detection | None) -> Image:
        """What the model is given of ``detection`` (or of the whole picture, a crop), in its size and colours, RGB or grey."""
        if detection is not None:
            image = straighten(image, detection, self._plate.img_width, self._plate.img_height)
        return self._model_input(image)

    def _check(self) -> None:
        """Raises ModelError unless two plates give two rows of probabilities, with one region each for the named ones."""
        sides = (self._plate.img_height, self._plate.img_width)
        if not all(isinstance(side, int) and 0 < side <= MAX_SIDE for side in sides):
            raise ModelError(f"load reader `{self._model.name}`: plates of {sides}; each side must be 1 to {MAX_SIDE} pixels")
        plates, regions = self._read_batch([np.full((*sides, 3), 114, np.uint8)] * 2)
        sums = plates.sum(axis=2)
        if not (np.isfinite(plates).all() and plates.min() >= -0.01 and np.abs(sums - 1).max() <= SUM_TOLERANCE):
            raise ModelError(f"load reader `{self._model.name}`: its characters are no probabilities; export it with softmax")
        named = len(self.regions)
        if regions is not None and regions.shape != (2, named):
            raise ModelError(f"load reader `{self._model.name}`: it gives {regions.shape} regions, its configuration {named}")

    def _readings(self, frame: Frame, detections: Sequence[Detection], crops: Sequence[Image]) -> tuple[Reading, ...]:
        plates, regions = self._read_batch(crops)
        return tuple(
            self._reading(frame, detection, sharpness(crop), plates[i], None if regions is None else regions[i])
            for i, (detection, crop) in enumerate(zip(detections, crops, strict=True))
        )

    def _read_batch(self, crops: Sequence[Image]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]:
        """Probabilities ``(n, slots, alphabet)`` and, where there is a region head, ``(n, regions)``."""
        batch = np.stack([self._model_input(crop) for crop in crops])
        names = ["plate", "region"] if self._ocr.has_region_head else [self._ocr.plate_output_name]
        with one_per_core:
            outputs = self._ocr.model.run(names, {"input": batch})
        slots = (self._plate.max_plate_slots, self._plate.vocabulary_size)
        plates = np.asarray(outputs[0], np.float32).reshape(len(crops), *slots)
        return plates, np.asarray(outputs[1], np.float32) if len(outputs) > 1 else None

    def _model_input(self, crop: Image) -> Image:
        size = (self._plate.img_width, self._plate.img_height)
        return self._in_model_colour(cv2.resize(crop, size, interpolation=_shrink(crop, size)))

    def _in_model_colour(self, crop: npt.NDArray[Any]) -> Image:
        if self._plate.image_color_mode == "rgb":
            code = cv2.COLOR_GRAY2RGB if crop.ndim == 2 else cv2.COLOR_BGR2RGB
            return np.asarray(cv2.cvtColor(crop, code), np.uint8)
        grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
        return np.asarray(grey, np.uint8)[:, :, None]

    def _reading(
        self,
        frame: Frame,
        detection: Detection,
        sharp: float,
        plate: npt.NDArray[np.float32],
        region: npt.NDArray[np.float32] | None,
    ) -> Reading:
        slots = tuple(self._options(slot) for slot in plate)
        best = [slot[0] for slot in slots if slot[0].character]
        name, certainty = "unknown", 0.0
        if region is not None and self._plate.plate_regions:
            index = int(region.argmax())
            name, certainty = self._plate.plate_regions[index], float(region[index])
        return Reading(
            detection=detection,
            frame_number=frame.number,
            media_s=frame.media_s,
            text="".join(option.character for option in best),
            confidence=float(np.prod([slot[0].probability for slot in slots])),
            slots=slots,
            region=name,
            region_confidence=certainty,
            sharpness=sharp,
        )

    def _options(self, slot: npt.NDArray[np.float32]) -> tuple[Option, ...]:
        """The likeliest characters of a slot, best first, always at least one."""
        order = np.argsort(slot)[::-1][:OPTIONS]
        kept = [i for i in order if slot[i] >= MIN_PROBABILITY] or [order[0]]
        pad, alphabet = self._plate.pad_char, self._plate.alphabet
        return tuple(Option(character="" if alphabet[i] == pad else alphabet[i], probability=float(slot[i])) for i in kept)


def _load(model: ModelFile, config: RecognizerConfig) -> tuple[LicensePlateRecognizer, Ran]:
    def load(provider: Chosen) -> LicensePlateRecognizer:
        return LicensePlateRecognizer(
            onnx_model_path=model.path,
            plate_config_path=model.config,
            providers=[provider],
            sess_options=session_options(config.threads),
        )

    return load_on(config.providers, config.threads, load, lambda ocr: ocr.model)


def _shrink(crop: Image, size: tuple[int, int]) -> int:
    return cv2.INTER_AREA if crop.shape[1] > 2 * size[0] else cv2.INTER_LINEAR
