"""The grey plane that gate and detector look at, made once a frame."""

from __future__ import annotations

import cv2
import numpy as np

from edge.records import Image


def grey_of(image: Image) -> Image:
    """GRAY of a BGR picture; a grey picture as it is."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
