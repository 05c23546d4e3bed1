"""Pick the implementation by the kind of source."""

from __future__ import annotations

from collections.abc import Callable

from edge.camera.clip import ClipCamera
from edge.camera.images import ImageCamera
from edge.camera.interface import Camera
from edge.camera.source import source_kind
from edge.camera.stream import StreamCamera
from edge.clock import Clock
from edge.config import CameraConfig


def make_camera(config: CameraConfig, clock: Clock, tell: Callable[[str], None] | None = None) -> Camera:
    """The camera that ``config`` describes.  ``tell`` hears of lost and resumed streams in plain words, never a secret.

    Raises CameraError if a file, folder or device does not exist, ConfigError if an address or a credentials file is
    wrong.  A network stream that does not answer is no reason to refuse: a unit may start before its camera.
    """
    kind = source_kind(config.source)
    if kind == "clip":
        return ClipCamera(config, clock)
    if kind == "pictures":
        return ImageCamera(config, clock)
    return StreamCamera(config, clock, tell)
