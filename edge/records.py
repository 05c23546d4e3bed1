"""The records that pass from stage to stage, in the order in which they come to be.

Boxes and corners are in full-frame pixels (x right, y down, origin top left).  Images are ``uint8`` arrays, BGR
``(h, w, 3)`` or GRAY ``(h, w)``.  Instants are aware UTC.  Each step returns a *new type*, so that the type checker keeps
the order: ``Outbox.put`` takes only what ``seal`` made of a :class:`Release`, and only ``decide`` makes one.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

Image = npt.NDArray[np.uint8]
Point = tuple[float, float]
#: What lane 1 wants of the frames to come: nothing by itself; another look soon; the very next frame.
Wish = Literal["nothing", "again", "now"]

#: A text as likely as this is no accident of a badge or a lamp.  Chosen on labelled pictures (models/README.md says which),
#: where, with the detector's two thresholds, a third of the extra boxes went and 3 of 11 missed plates of 60 px came back.
TEXT_VOUCHES = 0.1
#: No plate of North America (8 at most) or Europe (9) has more characters: ten and more are a telephone number.
LONGEST_PLATE = 9
#: … and none of North America bears more digits than these without a letter (New Hampshire has seven): a number of eight is
#: part of a telephone's, on a board for rent.  (Israel's plates have eight; a unit for there needs another figure.)
LONGEST_NUMBER = 7
#: Plates of so few characters are rare, and a corner of a time stamp, a badge or a lamp is easily read as one …
SHORT_PLATE = 3
#: … so a short text must be likelier right than wrong, on what the detector is sure of.
SHORT_VOUCHES = 0.5

#: Which pictures go with a read, from none to most: the plate's own, or the street around it too.
ImageScope = Literal["none", "crop", "crop-and-frame"]
PictureKind = Literal["crop", "frame"]
#: What each scope lets through.
KINDS_OF: dict[ImageScope, tuple[PictureKind, ...]] = {"none": (), "crop": ("crop",), "crop-and-frame": ("crop", "frame")}

TimeSource = Literal["gps-pps", "gps", "ntp", "rtc", "holdover", "unset"]


class TimeQuality(Struct, frozen=True, kw_only=True):
    """How far the clock can be trusted, after RFC 5424's ``timeQuality``; ``error_ms`` is None where it is unknown."""

    source: TimeSource
    error_ms: float | None = None

    @property
    def synchronised(self) -> bool:
        """Whether somebody outside disciplines the clock now."""
        return self.source in ("gps-pps", "gps", "ntp")


class Instant(Struct, frozen=True, kw_only=True):
    """One moment: UTC, nanoseconds since boot (suspend counted), which boot, and how good the clock was."""

    utc: datetime
    boottime_ns: int
    boot_id: str
    quality: TimeQuality


class Position(Struct, frozen=True, kw_only=True):
    """Where the unit is: WGS 84 degrees, and the radius in metres inside which it surely is."""

    latitude: float
    longitude: float
    accuracy_m: float


class Frame(Struct, frozen=True, kw_only=True):
    """One picture of one camera.  ``number`` counts every frame of the stream, dropped ones too, from 0;
    ``media_s`` is the stream's own time stamp in seconds since the stream began; ``grey`` is the picture as GRAY where the
    camera made it already, since more than one stage wants it."""

    camera: str
    number: int
    image: Image
    at: Instant
    media_s: float
    grey: Image | None = None


class Box(Struct, frozen=True, kw_only=True):
    """Axis-aligned box, full-frame pixels."""

    x: float
    y: float
    w: float
    h: float


class Detection(Struct, frozen=True, kw_only=True):
    """What may be a plate in one frame: four corners (top left, top right, bottom right, bottom left as the plate is read)
    and the detector's confidence, 0 to 1.  ``sure`` is false for a candidate that only its text can prove to be a plate."""

    box: Box
    corners: tuple[Point, Point, Point, Point]
    confidence: float
    sure: bool = True


class Option(Struct, frozen=True, kw_only=True):
    """One character that a slot may hold, with its probability; ``""`` means that the slot is empty."""

    character: str
    probability: float


class Reading(Struct, frozen=True, kw_only=True):
    """The text of one plate in one frame: ``slots`` holds the likeliest options of each slot, best first, empty slots
    at the end included; ``confidence`` is the product of the best options' probabilities over the text."""

    detection: Detection
    frame_number: int
    media_s: float
    text: str
    confidence: float
    slots: tuple[tuple[Option, ...], ...]
    region: str
    region_confidence: float
    sharpness: float

    @property
    def is_plate(self) -> bool:
        """Whether the reader found the characters of a plate, and the detector was sure or the text vouches for it.

        The bundled reader has learnt to find none on lamps, badges and boards.  A word does not vouch: mud flaps, shops and
        lorries carry words.  A plate of letters alone needs a sure detector."""
        vouches = self.confidence >= TEXT_VOUCHES and any(character.isdigit() for character in self.text)
        if len(self.text) <= SHORT_PLATE:
            return bool(self.text) and self.detection.sure and self.confidence >= SHORT_VOUCHES
        longest = LONGEST_NUMBER if self.text.isdigit() else LONGEST_PLATE
        return len(self.text) <= longest and (self.detection.sure or vouches)


class Track(Struct, frozen=True, kw_only=True):
    """One vehicle passing one camera, complete: when it was seen and everything that was read of its plate."""

    camera: str
    number: int
    first: Instant
    last: Instant
    first_s: float
    last_s: float
    frames: int
    best: Detection
    readings: tuple[Reading, ...]


class Character(Struct, frozen=True, kw_only=True):
    """One voted character: the winner, its share of the vote, and the runners-up."""

    character: str
    confidence: float
    alternatives: tuple[Option, ...] = ()


class Read(Struct, frozen=True, kw_only=True):
    """The voted result of one pass.  ``raw_texts`` are the distinct texts as read, most frequent first, never rewritten;
    ``plate_width_px`` is the width of the best detection's box.  ``id`` is random and safe to log."""

    id: str
    camera: str
    text: str
    confidence: float
    characters: tuple[Character, ...]
    region: str
    region_confidence: float
    raw_texts: tuple[str, ...]
    readings: int
    frames: int
    first: Instant
    last: Instant
    first_s: float
    last_s: float
    plate_width_px: float
    best: Detection


class Capture(Struct, frozen=True, kw_only=True):
    """Who captured a read, where, and with what; written at the point of capture and signed with the read."""

    device: str
    agency: str
    camera: str
    position: Position | None
    detector_sha256: str
    recognizer_sha256: str
    calibration_id: str | None
    software: str


class Hit(Struct, frozen=True, kw_only=True):
    """A match with a hot-list entry that the pack admits; always to be confirmed by a person before anybody acts.

    ``list_…`` say which list it was: the SHA-256 of its file on the unit, its name and version, and when it was issued (aware
    UTC; None where nobody said so), from which follows how old it was at the read.  ``exact``: text and state are the list's
    own; where the text is not, ``listed`` is what the list has instead.
    """

    source: str
    topic: str
    reason: str
    entered_by: str
    list_sha256: str
    exact: bool
    to_be_confirmed: bool = True
    list_name: str = ""
    list_version: str = ""
    list_issued: datetime | None = None
    listed: str = ""


class Recipient(Struct, frozen=True, kw_only=True):
    """Who may have the read beside its owner, and under which rules.  At every one of ``doors`` one of its gates must be
    passed.  ``party`` is a named body whose agreement was in force at capture, empty for anybody of the class; ``barred`` what
    its agreement bars beside the label.  ``now`` is true only for a party whose own copy is sealed at capture; everybody else
    asks the owner later."""

    recipient: str
    doors: tuple[tuple[str, ...], ...]
    rules: tuple[str, ...]
    party: str = ""
    barred: tuple[str, ...] = ()
    now: bool = False


class Mark(Struct, frozen=True, kw_only=True):
    """A field that is to be treated more strictly than the read as a whole."""

    field: str
    classification: str
    rule: str


class SearchWindow(Struct, frozen=True, kw_only=True):
    """Until when ``who`` may still find the read, which is kept longer."""

    who: str
    until: datetime


class LabelLayer(Struct, frozen=True, kw_only=True):
    """One file that shaped a label: a state's pack, an agency's or a device's restrictions."""

    id: str
    version: str
    sha256: str


class Label(Struct, frozen=True, kw_only=True):
    """The sharing scope that travels with a read: under which pack, who owns it, who may have it, for what, until when.

    ``layers`` names the files, the state's first; ``pack_sha256`` is of all of them together.  ``fields`` are those that were
    kept, ``marks`` those of them to be treated more strictly; ``lifts`` what lets the owner keep the read beyond
    ``delete_after``; ``forward_by`` when it must have reached whom the pack names; ``rules`` every rule that had a say."""

    layers: tuple[LabelLayer, ...]
    pack_sha256: str
    jurisdiction: str
    owner: str
    classification: str
    fields: tuple[str, ...]
    marks: tuple[Mark, ...] = ()
    recipients: tuple[Recipient, ...]
    purposes_permitted: tuple[str, ...]
    purposes_barred: tuple[str, ...]
    delete_after: datetime
    lifts: tuple[str, ...] = ()
    forward_by: datetime | None = None
    search_windows: tuple[SearchWindow, ...] = ()
    obligations: tuple[str, ...]
    onward_duties: tuple[str, ...]
    rules: tuple[str, ...]


class PictureRef(Struct, frozen=True, kw_only=True):
    """A picture that goes with a read, by its contents, both SHA-256 in hexadecimal: ``sealed_sha256`` of the file as it lies
    on the unit and goes over the wire, ``jpeg_sha256`` of the picture itself, which so can be proved to be this read's for
    ever and without any key.  ``bytes`` is the size of the JPEG."""

    kind: PictureKind
    sealed_sha256: str
    jpeg_sha256: str
    bytes: int


class LabeledRead(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A read with its capture metadata, its label and, where the pack admits one, its hit: what an agency stores.  Of its
    ``pictures``, if the pack lets any leave, it holds the hashes; they come later, or not at all."""

    read: Read
    capture: Capture
    label: Label
    hit: Hit | None = None
    pictures: tuple[PictureRef, ...] = ()


class CopyFor(Struct, frozen=True, kw_only=True):
    """A party that gets its own copy at capture, and the public key (PEM, P-256) that it is sealed to."""

    party: str
    seal_key: str


class Picture(Struct, frozen=True, kw_only=True):
    """A JPEG that shows the plate of a read, or the street around it."""

    kind: PictureKind
    jpeg: bytes


class Release(Struct, frozen=True, kw_only=True):
    """The decision that a labelled read may leave the unit, the rules that decided, who gets a copy beside the owner, and which
    pictures may go with it.  Made by ``decide`` only; ``pictures`` are those that were then made, no more than ``images``
    permits."""

    labeled: LabeledRead
    rules: tuple[str, ...]
    copies: tuple[CopyFor, ...] = ()
    images: ImageScope = "none"
    pictures: tuple[Picture, ...] = ()


class Reason(Struct, frozen=True, kw_only=True):
    """Why something was withheld: the rule of the pack, the clause it cites, and plain words (no plate)."""

    rule: str
    clause: str
    words: str


class Withhold(Struct, frozen=True, kw_only=True):
    """The decision that a read, or a frame before anything was read, goes nowhere; ``reasons`` holds at least one."""

    subject: str
    reasons: tuple[Reason, ...]


class Slot(Struct, frozen=True, kw_only=True):
    """The place in a device's chain that the next envelope takes: numbered from 1 within an epoch (the life of one outbox
    file), with the SHA-256 of the envelope before it (32 zero bytes for the first)."""

    epoch: str
    seq: int
    previous: bytes


#: How an epoch came to be: the unit's first, or because the outbox before it was damaged or gone.
Began = Literal["first", "damaged", "missing"]


class Head(Struct, frozen=True, kw_only=True):
    """Where a chain ends: the last number that was taken and the SHA-256 of its wire bytes (0 and zeros before the first), how
    the epoch began, and the epochs before it as far as the unit remembers, newest first."""

    epoch: str
    seq: int
    hash: bytes
    began: Began
    before: tuple[str, ...]


class Dropped(Struct, frozen=True, kw_only=True):
    """Reads that a unit forgot undelivered, as inclusive ascending ranges of numbers: for want of space (``budget``), or
    because their label's time was over (``expired``).  Of ``copies`` the copies for parties were forgotten, and of ``pictures``
    the pictures that were not delivered yet, whatever became of the reads."""

    epoch: str
    budget: tuple[tuple[int, int], ...] = ()
    expired: tuple[tuple[int, int], ...] = ()
    copies: tuple[tuple[int, int], ...] = ()
    pictures: tuple[tuple[int, int], ...] = ()


class SealedCopy(Struct, frozen=True, kw_only=True):
    """The same read sealed to a party beside its owner: the exact bytes that go to that party, and to nobody else."""

    party: str
    wire: bytes


class SealedPicture(Struct, frozen=True, kw_only=True):
    """A picture sealed to the read's owner: the exact bytes of its file, whose SHA-256 stands in the signed read."""

    kind: PictureKind
    sha256: bytes
    sealed: bytes


class Envelope(Struct, frozen=True, kw_only=True):
    """A released read, sealed and signed: the exact bytes that lie in the outbox and go over the wire, with the slot
    they take and the read's id; ``copies`` lie and go with it, ``pictures`` lie beside it and go later.  Made by ``seal``
    only."""

    slot: Slot
    read_id: str
    expires: datetime
    hit: bool
    wire: bytes
    copies: tuple[SealedCopy, ...] = ()
    pictures: tuple[SealedPicture, ...] = ()

    @property
    def following(self) -> Slot:
        """The slot after this one."""
        return Slot(epoch=self.slot.epoch, seq=self.slot.seq + 1, previous=hashlib.sha256(self.wire).digest())


def enc_hook(value: Any) -> Any:
    """Teach msgspec to write numpy scalars, which detectors like to leave behind; refuses everything else."""
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"cannot encode {type(value).__name__}")
