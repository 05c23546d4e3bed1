"""Signed bundles: all that a unit is told about policy, in one file that several people have signed.

A bundle is a msgpack array of four parts::

    format      "plate-edge bundle 1"
    manifest    JSON, as bytes: counter, dates, each file's role, name, size and SHA-256, each hot list's digest
    signatures  of the manifest's exact bytes, one of each signer (ECDSA P-256)
    files       the bytes of the files, in the manifest's order

Which keys count, and how many of them must have signed, stands in the unit's configuration and never in a bundle.  Hot lists
change daily and travel apart; only their digests are here.  All is pure; what lies on a unit is in ``installed.py``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Meta, Struct

from edge.envelope.keyring import key_id
from edge.envelope.signature import sign as sign_bytes
from edge.envelope.signature import verified_by
from edge.errors import EnvelopeError, PolicyError
from edge.policy.cases import run_cases
from edge.policy.layers import combine
from edge.policy.load import parse_agreements, parse_layer
from edge.policy.pack import Pack
from edge.policy.rules import Aware, Text
from edge.policy.staging import Labeler
from edge.policy.zones import Zone, parse_zones

FORMAT = "plate-edge bundle 1"
#: Zones are the largest part, 16 MiB at most.
LIMIT_BYTES = 32 << 20
_DOMAIN = b"plate-edge bundle v1\0"
_MANIFEST_LIMIT_BYTES = 256 << 10
_SIGNATURES_AT_MOST = 16

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Role = Literal["layer", "agreements", "zones"]


class BundleFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a bundle.  ``name`` is for people: nothing is ever written under it on a unit."""

    role: Role
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    size: Annotated[int, Meta(ge=0)]
    sha256: Sha256


class ListDigest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hot list that may be used under a bundle; the list itself travels apart."""

    name: Text
    version: Text
    issued: Aware
    sha256: Sha256


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed.  ``counter`` only grows; at ``expires`` and later nothing is captured; ``devices`` are the units that
    the bundle is for, any that trusts its signers where none is named."""

    counter: Annotated[int, Meta(ge=1, le=2**53)]
    issued: Aware
    expires: Aware
    files: Annotated[tuple[BundleFile, ...], Meta(min_length=1, max_length=32)]
    lists: tuple[ListDigest, ...] = ()
    devices: tuple[Text, ...] = ()

    def expired(self, at: datetime) -> bool:
        """Whether its time is over at ``at`` (aware)."""
        return at >= self.expires


class Bundle(Struct, frozen=True, kw_only=True):
    """A bundle taken apart: its manifest and that manifest's SHA-256, how many signatures it has, and its files' bytes."""

    manifest: Manifest
    sha256: str
    signatures: int
    contents: tuple[bytes, ...]


class Rules(Struct, frozen=True, kw_only=True):
    """What a bundle says, read and found sound."""

    manifest: Manifest
    sha256: str
    pack: Pack
    zones: tuple[Zone, ...]


class Trust(Struct, frozen=True, kw_only=True):
    """Whom a unit believes: ``threshold`` distinct ones of ``keys`` must have signed; ``device`` is the unit's own name."""

    keys: tuple[ec.EllipticCurvePublicKey, ...]
    threshold: int
    device: str


class _Parts(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    format: str
    manifest: bytes
    signatures: tuple[bytes, ...]
    files: tuple[bytes, ...]


_parts = msgspec.msgpack.Decoder(_Parts)
_manifest = msgspec.json.Decoder(Manifest)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def bundle_file(role: Role, name: str, data: bytes) -> BundleFile:
    """The manifest's line about a file.  Raises PolicyError if its name is no plain file name."""
    entry = {"role": role, "name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    try:
        return msgspec.convert(entry, BundleFile)
    except msgspec.ValidationError as error:
        raise PolicyError(f"make bundle: `{name}`: {error}; rename the file") from error


def make(manifest: Manifest, contents: Sequence[bytes]) -> bytes:
    """A bundle that nobody has signed yet.  Raises PolicyError if a unit could not use it."""
    data = msgspec.msgpack.encode(_Parts(FORMAT, msgspec.json.encode(manifest), (), tuple(contents)))
    load(read(data))
    return data


def sign(data: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The bundle with one signature more.  Raises PolicyError if it is no sound bundle or ``key`` has signed it already."""
    parts = _split(data)
    load(_taken_apart(parts))
    if _signers(parts, (key.public_key(),)):
        raise PolicyError(f"sign bundle: key {key_id(key.public_key()).hex()} has signed it already; another person must")
    signed = (*parts.signatures, sign_bytes(key, _DOMAIN, parts.manifest))
    if len(signed) > _SIGNATURES_AT_MOST:
        raise PolicyError(f"sign bundle: it has {_SIGNATURES_AT_MOST} signatures already; that is enough")
    return msgspec.msgpack.encode(msgspec.structs.replace(parts, signatures=signed))


def read(data: bytes) -> Bundle:
    """A bundle taken apart to be looked at, whoever signed it.  Raises PolicyError if it is damaged."""
    return _taken_apart(_split(data))


def verify(data: bytes, trust: Trust) -> Bundle:
    """A bundle of the right signers for this unit; nothing in it is parsed before the signatures are checked.

    Raises PolicyError saying why it is refused.  Counter and expiry are the caller's to check: they depend on what lies on
    the unit and on the time."""
    parts = _split(data)
    signers = len(_signers(parts, trust.keys))
    if signers < trust.threshold:
        raise PolicyError(
            f"take bundle: {signers} of the {trust.threshold} keys needed have signed it (it has {len(parts.signatures)} "
            "signatures; each trusted key counts once); have another person sign it with `plate-edge policy sign`"
        )
    bundle = _taken_apart(parts)
    devices = bundle.manifest.devices
    if devices and trust.device not in devices:
        raise PolicyError(f"take bundle: it is for {', '.join(devices)}, not for `{trust.device}`")
    return bundle


def load(bundle: Bundle) -> Rules:
    """What a bundle says.  Raises PolicyError, as loading the same files does, if any of them is wrong."""
    by_role: dict[Role, list[tuple[str, bytes]]] = {"layer": [], "agreements": [], "zones": []}
    for file, data in zip(bundle.manifest.files, bundle.contents, strict=True):
        by_role[file.role].append((f"{file.name} of bundle {bundle.manifest.counter}", data))
    papers = [paper for name, data in by_role["agreements"] for paper in parse_agreements(name, data)]
    zones = [zone for name, data in by_role["zones"] for zone in parse_zones(name, data)]
    pack = combine([parse_layer(name, data) for name, data in by_role["layer"]], papers)
    return Rules(manifest=bundle.manifest, sha256=bundle.sha256, pack=pack, zones=tuple(zones))


def prove(pack: Pack, labeler: Labeler) -> None:
    """Run the cases that the layers carry; ``labeler`` is :func:`edge.labeler.scope.label`.

    Raises PolicyError naming the first that fails: then this program does not do what the pack's author meant."""
    for result in run_cases(pack, labeler):
        if not result.passed:
            raise PolicyError(f"try pack: case `{result.name}` ({result.clause}): {'; '.join(result.wrong)}")


def _split(data: bytes) -> _Parts:
    """The parts, nothing in them believed yet."""
    if len(data) > LIMIT_BYTES:
        raise PolicyError(f"take bundle: {len(data)} bytes are more than {LIMIT_BYTES}")
    try:
        parts = _parts.decode(data)
    except _UNREADABLE as error:
        raise PolicyError("take bundle: it is half-written, damaged or no bundle; copy it again") from error
    if parts.format != FORMAT:
        raise PolicyError(f"take bundle: it is not of the format `{FORMAT}`, the only one known here")
    if msgspec.msgpack.encode(parts) != data:
        raise PolicyError("take bundle: the same parts can be framed in one way only, and this is another; copy it again")
    if len(parts.manifest) > _MANIFEST_LIMIT_BYTES or len(parts.signatures) > _SIGNATURES_AT_MOST:
        raise PolicyError("take bundle: its manifest or the number of its signatures is absurdly large")
    return parts


def _signers(parts: _Parts, keys: Sequence[ec.EllipticCurvePublicKey]) -> set[ec.EllipticCurvePublicNumbers]:
    """Which of ``keys`` signed the manifest; one that signed or stands twice counts once."""
    found: set[ec.EllipticCurvePublicNumbers] = set()
    for signature in parts.signatures:
        try:
            found.add(verified_by(keys, _DOMAIN, parts.manifest, signature).public_numbers())
        except EnvelopeError:
            continue  # by somebody who is not asked here
    return found


def _taken_apart(parts: _Parts) -> Bundle:
    try:
        manifest = _manifest.decode(parts.manifest)
    except _UNREADABLE as error:
        raise PolicyError(f"take bundle: its manifest cannot be read: {error}") from error
    wrong = next(_wrong(manifest, parts.files), None)
    if wrong is not None:
        raise PolicyError(f"take bundle: {wrong}")
    return Bundle(
        manifest=manifest,
        sha256=hashlib.sha256(parts.manifest).hexdigest(),
        signatures=len(parts.signatures),
        contents=parts.files,
    )


def _wrong(manifest: Manifest, contents: Sequence[bytes]) -> Iterator[str]:
    """What types cannot say, in plain words."""
    if manifest.expires <= manifest.issued:
        yield "it expires before it was issued"
    if len(manifest.files) != len(contents):
        yield f"its manifest names {len(manifest.files)} files and it holds {len(contents)}"
    for file, data in zip(manifest.files, contents, strict=False):
        if len(data) != file.size or hashlib.sha256(data).hexdigest() != file.sha256:
            yield f"file `{file.name}` is not the one that was signed; copy the bundle again"
    for role, count in Counter(file.role for file in manifest.files).items():
        if role != "layer" and count > 1:
            yield f"it holds {count} files of {role}; one is enough"
    for name, count in Counter(file.name for file in manifest.files).items():
        if count > 1:
            yield f"{count} of its files are named `{name}`; rename one"
    for name, count in Counter(each.name for each in manifest.lists).items():
        if count > 1:
            yield f"it names {count} hot lists `{name}`; names must differ"
