"""What every source of frames offers: a recorded clip, a folder of pictures, a network stream, a USB camera."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Protocol

from msgspec import Struct

from edge.records import Frame


class CameraCounts(Struct, frozen=True, kw_only=True):
    """What became of every frame of the source so far: ``received`` = frames handed out + ``rested`` + sum of ``dropped``.

    ``dropped`` is keyed by reason (``late``: a newer frame replaced it before it was taken; ``undecodable``: the source
    has a place for it but no picture came of it).  ``gaps`` counts interruptions of a live stream and ``gap_s`` how long
    they lasted in all, one that still lasts included; the frames a camera never sent are not known, so they are told as
    time.  ``rested`` are frames that came while none was wanted (:meth:`Camera.rest`).
    """

    received: int
    dropped: Mapping[str, int]
    gaps: int = 0
    gap_s: float = 0.0
    rested: int = 0


class GapBegan(Struct, frozen=True, kw_only=True):
    """A live stream was lost: what was followed in it is over, and when pictures come again is not known."""


class Camera(Protocol):
    """One source of frames."""

    @property
    def name(self) -> str:
        """The camera's name in the configuration."""
        ...

    @property
    def live(self) -> bool:
        """True for a stream that goes on by itself; false for a recording, of which every frame is handed out."""
        ...

    def frames(self, stop: threading.Event) -> Iterator[Frame | GapBegan]:
        """Hand out frames in order until the source ends or ``stop`` is set.

        A live source hands out the newest frame and counts the older ones as dropped; when it is lost it says so once, and
        reconnects by itself.
        Each call begins anew, counts included.  Raises CameraError if the source cannot be opened at all.
        """
        ...

    def rest(self, until_s: float) -> None:
        """No frame is wanted whose ``media_s`` is below ``until_s``.  A source to which a frame costs something passes over
        them and counts them as rested; it may hand them out all the same."""
        ...

    def counts(self) -> CameraCounts:
        """The accounts so far; they add up at any moment after :meth:`frames` has ended."""
        ...
