"""What any version ever sealed can still be opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge.envelope.keyring import EnrolledKey, public_key_from
from edge.envelope.open import HpkeOpener
from tests.envelope.golden import FOLDER, load
from tests.labeled import AGENCY


@pytest.mark.parametrize("path", sorted(FOLDER.glob("golden-*.json")), ids=lambda path: path.stem)
def test_messages_of_every_version_open(path: Path) -> None:
    """Bytes sealed by earlier programs verify, open and hold the read they held.  If this fails, a format, a dictionary or a
    record was changed in a way that closes what agencies have stored and what waits in outboxes."""
    golden = load(path)
    device = public_key_from("of the device", golden.device_key.encode())
    for message in golden.messages:
        enrolled = EnrolledKey(key=device, owner=None if message.agency == AGENCY else AGENCY)
        private = ec.derive_private_key(int(message.seal_secret, 16), ec.SECP256R1())
        opener = HpkeOpener(agency=message.agency, device_keys=lambda _, key=enrolled: [key], seal_keys=[private])  # type: ignore[misc]
        assert opener.open(golden.device, message.wire).labeled == golden.labeled
