"""Who may say and hear what at a broker, by the common name of the certificate; and how mosquitto and EMQX are told.

One list of rights, written in both languages.  What no right grants is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from edge.keys.folders import INGEST_PREFIX

_ROOT = "plate-edge/v1"
_OWN = "{own}"


class Right(Struct, frozen=True):
    """``who`` may write to, or read from, ``topic``; None is everybody, and ``{own}`` in the topic their own name."""

    who: str | None
    verb: Literal["write", "read"]
    topic: str


def rights(agencies: Sequence[str]) -> tuple[Right, ...]:
    """A unit writes reads, copies and notices, and pictures, under its own name and reads its own receipts and requests; an
    agency end reads what is addressed to its agency and writes its receipts and requests."""
    units = (
        Right(None, "write", f"{_ROOT}/+/+/{_OWN}/reads"),
        Right(None, "write", f"{_ROOT}/+/+/{_OWN}/pictures"),
        Right(None, "read", f"{_ROOT}/+/+/{_OWN}/receipts"),
        Right(None, "read", f"{_ROOT}/+/+/{_OWN}/requests"),
    )
    ends = (
        right
        for agency in agencies
        for right in (
            Right(f"{INGEST_PREFIX}{agency}", "read", f"{_ROOT}/{agency}/+/+/reads"),
            Right(f"{INGEST_PREFIX}{agency}", "read", f"{_ROOT}/{agency}/+/+/pictures"),
            Right(f"{INGEST_PREFIX}{agency}", "write", f"{_ROOT}/{agency}/+/+/receipts"),
            Right(f"{INGEST_PREFIX}{agency}", "write", f"{_ROOT}/{agency}/+/+/requests"),
        )
    )
    return (*units, *ends)


def mosquitto_acl(granted: Iterable[Right]) -> str:
    """``acl_file`` of mosquitto.conf(5): ``pattern`` lines hold for everybody, ``user`` begins what one may."""
    lines, user = ["# Made by `plate-edge keys broker`.  What is not named is refused."], None
    for right in granted:
        if right.who is None:
            lines.append(f"pattern {right.verb} {right.topic.replace(_OWN, '%u')}")
            continue
        if right.who != user:
            lines += ["", f"user {right.who}"]
            user = right.who
        lines.append(f"topic {right.verb} {right.topic}")
    return "\n".join(lines) + "\n"


def emqx_acl(granted: Iterable[Right], revoked: Iterable[str] = ()) -> str:
    """EMQX 5's ACL file: Erlang tuples, the first that fits decides; a subscription fits a topic word by word, so none that
    reaches further does."""
    verbs = {"write": "publish", "read": "subscribe"}
    lines = ["%% Made by `plate-edge keys broker`.  The first rule that fits decides."]
    lines += [f'{{deny, {{username, "{name}"}}, all, ["#"]}}.' for name in dict.fromkeys(revoked)]
    for right in granted:
        who = "all" if right.who is None else f'{{username, "{right.who}"}}'
        lines.append(f'{{allow, {who}, {verbs[right.verb]}, ["{right.topic.replace(_OWN, "${username}")}"]}}.')
    return "\n".join([*lines, "{deny, all}."]) + "\n"
