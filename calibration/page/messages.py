"""What the tablet may send: each message with its bounds, checked before anything is done with it.

Points are in shares of the picture's width and height, 0 to 1, so that they hold whatever size the tablet shows.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Coordinate = Annotated[float, Meta(ge=0, le=1)]
Spot = tuple[Coordinate, Coordinate]
Polygon = Annotated[tuple[Spot, ...], Meta(min_length=3, max_length=24)]
Passes = Annotated[str, Meta(min_length=1, max_length=600, pattern=r"^[A-Za-z0-9 \n-]+$")]
Name = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f<>]+$")]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What cannot be seen: the expected speed, how long the camera exposes, how much it sees across, what the card's printed
    ruler of 100 mm measures, and how far a tape says the first card is."""

    speed_mph: Annotated[float, Meta(ge=1, le=150)]
    exposure_s: Annotated[float, Meta(gt=0, le=1)] | None = None
    field_of_view_deg: Annotated[float, Meta(ge=2, le=170)] | None = None
    ruler_mm: Annotated[float, Meta(ge=50, le=200)] | None = None
    tape_m: Annotated[float, Meta(ge=0.5, le=100)] | None = None


class Patch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where focus is measured; both left out: on the plate or card, wherever it is."""

    corner: Spot | None = None
    size: tuple[Annotated[float, Meta(ge=0.01, le=1)], Annotated[float, Meta(ge=0.01, le=1)]] | None = None


class Drawing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a finger drew: the lane, where nothing is to be read, and which way traffic goes (from, to)."""

    lane: Polygon | None = None
    masks: Annotated[tuple[Polygon, ...], Meta(max_length=12)] = ()
    travel: tuple[Spot, Spot] | None = None


class Capture(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take the card where it is now: at the ``near`` or the ``far`` edge of the zone, or ``between``."""

    place: Literal["near", "far", "between"]


class Watch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the tablet shows how focus goes."""

    on: bool


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plates that will drive by, one a line in their order; ``KLT 4827 x20`` stands for twenty passes."""

    passes: Passes


class Save(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who answers for the record."""

    technician: Name


class Nothing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For what needs no words."""
