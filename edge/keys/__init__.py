"""Make, enrol, rotate, revoke and show the keys of units, agencies and brokers.

Each folder belongs to one owner.  A private key never leaves the folder it was made in; `enrol` copies public ones.

    device/  sign.key sign.pem · tls.key tls.pem · ca.pem · (enrol:) agency-seal.pem agency-receipt.pem
             · (rotate:) next-sign.key sign.handover
    agency/  seal.key seal.pem · receipt.key receipt.pem · tls.key tls.pem · ca.pem · (enrol:) devices/<device>.pem
             · (admit:) devices/<owner>/<device>.pem
    broker/  tls.key tls.pem · ca.pem · crl.pem · mosquitto.conf acl acl-door · emqx.conf emqx-acl.conf
    ca/      ca.key ca.pem · crl.pem · issued/     keep it offline: whoever has it can connect as any unit
    alice/   policy.key policy.pem  one folder a person who signs policy bundles; units are told policy.pem

Private files have mode 0600.  No key is ever overwritten; only `switch`, `retire` and `renew` destroy one, as they should.
"""

from edge.keys.authority import make_ca
from edge.keys.broker import make_broker, make_demo_broker
from edge.keys.enrolment import admit, enrol
from edge.keys.folders import (
    INGEST_PREFIX,
    KeyDescription,
    describe,
    make_agency,
    make_device,
    make_policy_signer,
    renew_certificate,
)
from edge.keys.revocation import hand_to_broker, refuse_at_agency, revoke, take_up
from edge.keys.rotation import WINDOW, accept, retire, rotate_agency, rotate_device, switch_device

__all__ = [
    "INGEST_PREFIX",
    "WINDOW",
    "KeyDescription",
    "accept",
    "admit",
    "describe",
    "enrol",
    "hand_to_broker",
    "make_agency",
    "make_broker",
    "make_ca",
    "make_demo_broker",
    "make_device",
    "make_policy_signer",
    "refuse_at_agency",
    "renew_certificate",
    "retire",
    "revoke",
    "rotate_agency",
    "rotate_device",
    "switch_device",
    "take_up",
]
