"""EMQX's access list as its documentation says that it is read: Erlang tuples, the first that fits decides.

Sources: "Use ACL File" of the EMQX 5 documentation, and the formal grammar in the `acl.conf` that EMQX comes with.  A reading
of the documents, not EMQX.
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

Verb = Literal["publish", "subscribe"]

_WHO = r'(?P<who>all|\{username, "(?P<username>[^"\\]+)"\})'
_RULE = re.compile(rf'\{{(?P<perm>allow|deny), (?:{_WHO}, (?P<verb>publish|subscribe|all), \["(?P<topic>[^"\\]+)"\]|all)\}}\.')


class Rule(Struct, frozen=True, kw_only=True):
    """One tuple; None is everybody, everything."""

    allows: bool
    username: str | None
    verb: str
    topic: str

    def fits(self, username: str, verb: Verb, topic: str) -> bool:
        """A topic or a subscription is held against the rule's topic word by word; wildcards of a subscription are words."""
        if self.username not in (None, username) or self.verb not in ("all", verb):
            return False
        wanted, given = self.topic.replace("${username}", username).split("/"), topic.split("/")
        if wanted[-1] == "#":
            return all(want in ("+", word) for want, word in zip(wanted[:-1], given, strict=False))
        return len(wanted) == len(given) and all(want in ("+", word) for want, word in zip(wanted, given, strict=True))


def parse(text: str) -> list[Rule]:
    """Every line must be a comment or a rule."""
    rules = []
    for line in text.splitlines():
        if line.startswith("%%") or not line:
            continue
        found = _RULE.fullmatch(line)
        assert found is not None, f"no rule of EMQX's grammar: {line}"
        rules.append(
            Rule(
                allows=found["perm"] == "allow",
                username=found["username"],
                verb=found["verb"] or "all",
                topic=found["topic"] or "#",
            )
        )
    return rules


def allowed(rules: list[Rule], username: str, verb: Verb, topic: str) -> bool:
    """What the first rule that fits says; nothing fits: no."""
    return next((rule.allows for rule in rules if rule.fits(username, verb, topic)), False)
