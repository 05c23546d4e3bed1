"""The JSON of a labelled read in few bytes, and back.  Pure; the README describes the bytes for other languages.

Under one pack almost all of a label is the same in every read, so the text is deflated against a dictionary that both ends
have: a file that is never changed once units use it, and what the message's own header says already.  Two things are lifted
out first.  Hashes and random ids do not deflate, and their digits spoil the code for everything else: they are carried as
bytes.  Numbers would break what is alike into pieces: they follow the text, one after another.
"""

from __future__ import annotations

import re
import zlib
from datetime import datetime, timezone
from functools import cache
from importlib import resources

from msgspec import Struct

from edge.errors import EnvelopeError

#: How a text is packed; the number names the dictionary too.
FORM = 1
# The first byte of a zlib stream: so were texts packed in version 1, before there were forms.
_PLAIN_ZLIB = 0x78

_RAW_DEFLATE = -15
_LIFTED = re.compile(
    rb"(?P<number>(?<=[:,\[])-?[0-9]+(?:\.[0-9]+)?(?=[,\]}]))"
    rb"|(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    # 32 bytes are a SHA-256; a run shorter than 16 digits deflates well enough.
    rb"|(?P<hex>(?:[0-9a-f]{2}){8,127})"
)
# What stands in their place, and what ends the text: JSON escapes control characters, so none of these can stand in it.
# Behind the first two stands which value it is, counted from a byte that is none of them.
_HEX, _UUID, _NUMBER, _END = 1, 2, b"\3", b"\0"
_FIRST_VALUE, _VALUES_AT_MOST = 0x80, 100
_PLACE = re.compile(rb"[\x01\x02]([\x80-\xff]?)")


class Lifted(Struct, frozen=True):
    """A text without what was lifted out of it; ``values`` are the bytes of hashes and ids, each once."""

    text: bytes
    values: tuple[bytes, ...]
    numbers: tuple[bytes, ...]


def known_text(*, owner: str, device: str, created: datetime, delete_after: datetime) -> bytes:
    """What the reader of a message knows before opening it, in the words in which it will stand inside."""
    return (
        f'"delete_after":"{_to_the_second(delete_after)}","owner":"{owner}","utc":"{_to_the_second(created)}",'
        f'"device":"{device}","agency":"{owner}","camera":"'
    ).encode()


def lift(text: bytes, dictionary: bytes) -> Lifted:
    """Lift numbers, hashes and ids out of ``text``, but no hash that ``dictionary`` has."""
    values, numbers = list[bytes](), list[bytes]()

    def take(found: re.Match[bytes]) -> bytes:
        if found["number"]:
            numbers.append(found[0])
            return _NUMBER
        value = bytes.fromhex(found[0].replace(b"-", b"").decode())
        if found[0] in dictionary or (value not in values and len(values) == _VALUES_AT_MOST):
            return found[0]
        if value not in values:
            values.append(value)
        return bytes((_UUID if found["uuid"] else _HEX, _FIRST_VALUE + values.index(value)))

    without = _LIFTED.sub(take, text)
    return Lifted(without, tuple(values), tuple(numbers))


def shrink(text: bytes, known: bytes) -> bytes:
    """``text``, the JSON of a read, in this program's form; ``known`` is :func:`known_text` of its header."""
    dictionary = _dictionary(FORM)
    lifted = lift(text, dictionary)
    deflate = zlib.compressobj(9, zlib.DEFLATED, _RAW_DEFLATE, 9, zlib.Z_DEFAULT_STRATEGY, dictionary + known)
    stream = deflate.compress(lifted.text + _END + b",".join(lifted.numbers)) + deflate.flush()
    values = b"".join(bytes((len(value),)) + value for value in lifted.values)
    return bytes((FORM, len(lifted.values))) + values + stream


def restore(packed: bytes, known: bytes, limit: int) -> bytes:
    """The text in ``packed``, which may have zeros behind it; never makes more than ``limit`` bytes.

    Raises EnvelopeError (form, bundle)."""
    form = packed[0] if packed else None
    if form == _PLAIN_ZLIB:
        return _inflate(zlib.decompressobj(), packed, limit)
    if form != FORM:
        raise EnvelopeError("form", f"open envelope: it is packed in form {form}, which is not known here; upgrade this end")
    values, at = _values(packed)
    inflated = _inflate(zlib.decompressobj(_RAW_DEFLATE, _dictionary(FORM) + known), packed[at:], limit)
    text, end, numbers = inflated.partition(_END)
    if not end:
        raise EnvelopeError("bundle", "open envelope: the sealed part has no end")
    return _put_back(Lifted(text, values, tuple(numbers.split(b",")) if numbers else ()), limit)


def _put_back(lifted: Lifted, limit: int) -> bytes:
    """The text with everything in its place again, which the hashes may make longer than what was inflated."""
    pieces = lifted.text.split(_NUMBER)
    if len(pieces) != len(lifted.numbers) + 1:
        raise EnvelopeError("bundle", "open envelope: the sealed part has another number of numbers than of places for them")
    text = b"".join(part for pair in zip(pieces, (*lifted.numbers, b""), strict=True) for part in pair)
    values = [value.hex().encode() for value in lifted.values]
    size = len(text)

    def put(found: re.Match[bytes]) -> bytes:
        nonlocal size
        index = found[1][0] - _FIRST_VALUE if found[1] else len(values)
        if index >= len(values):
            raise EnvelopeError("bundle", "open envelope: the sealed part names a value that it does not have")
        size += len(values[index])
        if size > limit:
            raise EnvelopeError("bundle", "open envelope: the sealed part is too long")
        return _with_hyphens(values[index]) if found[0][0] == _UUID else values[index]

    return _PLACE.sub(put, text)


def _values(packed: bytes) -> tuple[tuple[bytes, ...], int]:
    """The hashes and ids that were lifted out, and where the stream begins."""
    values, at = list[bytes](), 2
    for _ in range(packed[1] if len(packed) > 1 else 0):
        if at >= len(packed):
            raise EnvelopeError("bundle", "open envelope: the sealed part is cut")
        end = at + 1 + packed[at]
        values.append(packed[at + 1 : end])
        at = end
    return tuple(values), at


def _inflate(inflate: zlib._Decompress, packed: bytes, limit: int) -> bytes:
    try:
        text = inflate.decompress(packed, limit)
    except zlib.error as error:
        raise EnvelopeError("bundle", "open envelope: the sealed part is not a bundle") from error
    if not inflate.eof or inflate.unused_data.strip(b"\0"):
        raise EnvelopeError("bundle", "open envelope: the sealed part is cut, too long, or carries something else")
    return text


def _with_hyphens(digits: bytes) -> bytes:
    return b"-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _to_the_second(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds")


@cache
def _dictionary(form: int) -> bytes:
    return (resources.files("edge.envelope") / f"dictionary-{form}.txt").read_bytes()
