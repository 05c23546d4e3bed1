"""Bundles for tests: made of the Connecticut pack, signed by people who exist here only."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from edge.policy.bundle import Manifest, Role, Trust, bundle_file, make, sign
from tests.policy.situations import NOW, pack_text

ALICE, BOB, CAROL, MALLORY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(4))
TRUST = Trust(keys=(ALICE.public_key(), BOB.public_key(), CAROL.public_key()), threshold=2, device="unit-1")
CLINIC = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": "clinic", "category": "health-care", "margin_m": 50},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[-72.70, 41.70], [-72.69, 41.70], [-72.69, 41.71], [-72.70, 41.71], [-72.70, 41.70]]],
            },
        }
    ],
}
Files = tuple[tuple[Role, str, bytes], ...]


def files(version: str = "2026.11.1", zones: Any = CLINIC) -> Files:
    """A state's layer that calls itself ``version`` and carries its first case alone, and a zone."""
    says, first, *_ = pack_text().split("[[cases]]")
    layer = re.sub(r"(?m)^version = .*$", f'version = "{version}"', says, count=1) + "[[cases]]" + first
    return (("layer", "us-ct.toml", layer.encode()), ("zones", "zones.geojson", json.dumps(zones).encode()))


def manifest(counter: int = 1, *, days: float = 90, issued: datetime = NOW, of: Files | None = None, **more: Any) -> Manifest:
    entries = tuple(bundle_file(*each) for each in (of or files()))
    return Manifest(counter=counter, issued=issued, expires=issued + timedelta(days=days), files=entries, **more)


def bundle(
    counter: int = 1, *signers: ec.EllipticCurvePrivateKey, of: Files | None = None, days: float = 90, **more: Any
) -> bytes:
    """A bundle signed by ``signers``, Alice and Bob unless told."""
    of = of or files()
    data = make(manifest(counter, days=days, of=of, **more), [each[2] for each in of])
    for key in signers or (ALICE, BOB):
        data = sign(data, key)
    return data


def reframed(data: bytes, **changes: Any) -> bytes:
    """The bundle with a part replaced and everything else left as it is."""
    names = ("format", "manifest", "signatures", "files")
    parts = dict(zip(names, msgspec.msgpack.decode(data), strict=True))
    return msgspec.msgpack.encode([{**parts, **changes}[name] for name in names])


def forged(data: bytes, signers: tuple[ec.EllipticCurvePrivateKey, ...], **changes: Any) -> bytes:
    """The bundle as signers would have made it who check nothing: other words in its manifest, rightly signed."""
    from edge.policy.bundle import _DOMAIN, sign_bytes

    says = {**msgspec.json.decode(msgspec.msgpack.decode(data)[1]), **changes}
    written = msgspec.json.encode(says)
    return reframed(data, manifest=written, signatures=[sign_bytes(key, _DOMAIN, written) for key in signers])
