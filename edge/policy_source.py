"""Where the rules come from that a unit obeys: files that stay as they are, or signed bundles that come in while it runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.clock import Clock
from edge.errors import ConfigError, PolicyError
from edge.journal import Journal
from edge.memory import StartAgain
from edge.policy.bundle import Rules
from edge.policy.installed import PolicyFolder, stamp_of
from edge.records import Instant, Reason
from edge.rules import Policy

#: Clocks whose time is remembered, so that setting one back makes no bundle younger.
_GOOD_CLOCKS = ("gps-pps", "gps", "ntp")
_LOOK_EVERY_NS = 10**9
#: A clock may thus be set back by an hour unnoticed after a power cut, but not past the end of a bundle that has expired.
_REMEMBER_EVERY = timedelta(hours=1)
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


class FixedPolicy:
    """The rules in files, as they were at the start."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def now(self) -> Policy:
        """The same, always."""
        return self._policy


class _Term(Struct, frozen=True, kw_only=True):
    """A bundle's policy, and what becomes of it when the bundle's time is over."""

    rules: Rules
    policy: Policy
    afterwards: Policy


class InstalledPolicy:
    """The rules in the newest bundle of a folder.  A bundle that comes in is taken up as a whole between two calls of
    :meth:`now`; what is refused leaves the last good one in force and raises an alarm, once for each file.  Thread-safe.

    The camera that asks first after a bundle has come in waits while it is loaded; the others go on under the old one.  A good
    bundle that only another process can obey ends this one: :meth:`now` raises StartAgain.
    """

    def __init__(
        self, folder: PolicyFolder, make: Callable[[Rules], Policy], lists: Sequence[Path], clock: Clock, journal: Journal
    ) -> None:
        """``make`` adds kind of unit and hot lists to what a bundle says; ``lists`` are the files that it reads.

        Raises PolicyError if no bundle may be used, or what ``make`` raises."""
        self._folder, self._make, self._lists, self._clock, self._journal = folder, make, tuple(lists), clock, journal
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self._lists_fit = True
        at = clock.now()
        self._latest = self._remembered = folder.latest(_LONG_AGO)
        self._next_look_ns = at.boottime_ns + _LOOK_EVERY_NS
        self._seen = self._stamps()
        self._term = self._newest(None, at)
        self._watch_time(at)

    def now(self) -> Policy:
        """The policy in force at this moment; one whose bundle has expired forbids all capture."""
        at = self._clock.now()
        if at.boottime_ns >= self._next_look_ns and self._lock.acquire(blocking=False):
            try:
                self._next_look_ns = at.boottime_ns + _LOOK_EVERY_NS
                self._look(at)
            finally:
                self._lock.release()
        term = self._term
        return term.afterwards if self._expired(term, at.utc) else term.policy

    def _look(self, at: Instant) -> None:
        stamps = self._stamps()
        if stamps != self._seen:
            self._seen = stamps
            try:
                self._term = self._newest(self._term, at)
            except StartAgain:
                raise
            except (PolicyError, ConfigError) as error:
                self._alarm(str(error), why=str(error))
        self._watch_time(at)

    def _newest(self, running: _Term | None, at: Instant) -> _Term:
        """The term of the newest bundle; the one that runs where that is the same, or none may be used any more."""
        look = self._folder.take_up(at.utc)
        told = len(self._told)
        for refusal in look.refusals:
            self._alarm(f"{refusal.sha256} {refusal.why}", file=refusal.file, why=refusal.why)
        if look.rules is None:
            if running is None or len(self._told) == told:
                raise self._folder.nothing(look)
            return running
        if running is not None and running.rules.sha256 == look.rules.sha256:
            return running
        self._lists_fit = False
        policy = self._make(look.rules)
        self._lists_fit = True
        says = look.rules.manifest
        self._journal.info(
            "policy bundle in force",
            counter=says.counter,
            expires=says.expires.isoformat(),
            pack=policy.pack.identity.id,
            version=policy.pack.identity.version,
        )
        over = Reason(
            rule="engine-bundle-expired",
            clause="none: default deny of the engine",
            words=f"the policy bundle {says.counter} expired at {says.expires.isoformat()}; install a newer one",
        )
        return _Term(rules=look.rules, policy=policy, afterwards=msgspec.structs.replace(policy, barred=(over,)))

    def _stamps(self) -> tuple[tuple[int, int, int], ...]:
        """The lists in memory are those that the bundle names; their files matter only while they do not fit a new one."""
        waited_for = () if self._lists_fit else self._lists
        return (*self._folder.stamp(), *(stamp_of(path) for path in waited_for))

    def _expired(self, term: _Term, at: datetime) -> bool:
        return term.rules.manifest.expired(max(at, self._latest))

    def _watch_time(self, at: Instant) -> None:
        """Remember what a good clock shows, and say once that a bundle's time is over."""
        if at.quality.source in _GOOD_CLOCKS:
            self._latest = max(self._latest, at.utc)
        over = self._term.afterwards.barred[0].words
        ends_now = self._expired(self._term, at.utc) and over not in self._told
        if ends_now:
            self._told.add(over)
            self._journal.count("alarms", "bundle-expired")
            self._journal.error("policy bundle has expired: nothing is captured", why=over)
        if ends_now or self._latest - self._remembered >= _REMEMBER_EVERY:
            self._remembered = self._latest
            with contextlib.suppress(PolicyError):  # a disk that takes nothing is loud elsewhere
                self._folder.remember(self._latest)

    def _alarm(self, about: str, **words: str) -> None:
        if about not in self._told:
            self._told.add(about)
            self._journal.count("alarms", "bundle-refused")
            self._journal.error("policy bundle refused: what was in force stays so", **words)
