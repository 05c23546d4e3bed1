"""What lies on a unit: the bundle in force, and the counter that never falls.

    <data>/policy/current.bundle   the bundle in force, as it was signed
                  next.bundle      one on its way in
                  accepted.json    the highest counter ever accepted, and which manifest had it
                  refused.json     what was offered last and refused, so that the running unit raises an alarm
                  latest.json      the latest time that a good clock showed here

An installation is four steps, each on the disk before the next begins: ``next.bundle`` is written whole, its counter is
recorded, it is renamed to ``current.bundle``, the folder is synced.  A power cut before the second leaves the old bundle in
force or lets the new one come in; after it only the new one will do, and ``next.bundle`` is there.  A bundle is one file, so
there is never a mix of two.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from edge.errors import ConfigError, PolicyError
from edge.policy.bundle import LIMIT_BYTES, Manifest, Rules, Trust, load, prove, verify
from edge.policy.rules import Aware
from edge.policy.staging import Labeler

CURRENT, NEXT = "current.bundle", "next.bundle"
ACCEPTED, REFUSED, LATEST = "accepted.json", "refused.json", "latest.json"


class Accepted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The highest counter ever accepted, 0 for none, and the SHA-256 of the manifest that had it."""

    counter: int = 0
    manifest_sha256: str = ""


class Refusal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bundle that was refused: its file's name, its SHA-256, and why."""

    file: str
    sha256: str
    why: str


class Look(Struct, frozen=True, kw_only=True):
    """What lies in the folder: the rules that may be obeyed, if any, and everything that was refused.  ``file`` is where those
    rules lie."""

    rules: Rules | None
    file: str
    accepted: Accepted
    refusals: tuple[Refusal, ...]


class Status(Struct, frozen=True, kw_only=True):
    """What a person wants to know of a unit's bundles; ``why`` says why there is none, and what to do."""

    state: Literal["in force", "expired", "none"]
    manifest: Manifest | None
    accepted_counter: int
    refusals: tuple[Refusal, ...]
    why: str = ""


class _Latest(Struct, frozen=True, kw_only=True):
    at: Aware


_S = TypeVar("_S", bound=Struct)


class PolicyFolder:
    """The folder of one unit's bundles.  Everything that fails raises PolicyError and leaves what is in force as it is."""

    def __init__(self, folder: Path, trust: Trust) -> None:
        self._folder, self._trust = folder, trust

    def install(self, path: Path, at: datetime, labeler: Labeler) -> Rules:
        """Check the bundle in the file ``path`` at ``at`` (aware) and put it in force.

        A refusal is noted for the running unit.  ``labeler`` is :func:`edge.labeler.scope.label`, by which the pack's own
        cases are run.  Raises PolicyError saying why it is refused, ConfigError if there is no such file."""
        try:
            with path.open("rb") as file:
                data = file.read(LIMIT_BYTES + 1)
        except OSError as error:
            raise ConfigError(f"read bundle {path}: {error.strerror or error}") from error
        with self._writing(), self._alone():
            accepted = self._accepted()
            try:
                rules = self._fitting(data, accepted, at)
                self._refuse_expired(rules.manifest, at)
                prove(rules.pack, labeler)
            except PolicyError as error:
                with contextlib.suppress(OSError):
                    self._replace(REFUSED, msgspec.json.encode(_refusal(path.name, data, error)))
                raise PolicyError(f"install {path}: {error}; the unit keeps what it had") from error
            self._write(NEXT, data)
            self._sync()
            self._activate(rules, NEXT, accepted)
            (self._folder / REFUSED).unlink(missing_ok=True)
            return rules

    def take_up(self, at: datetime) -> Look:
        """The rules to obey from ``at`` on; finishes an installation that was cut short.  Raises PolicyError if the record of
        accepted counters is damaged or nothing can be written."""
        if not self._folder.is_dir():
            return self.look(at)
        with self._writing(), self._alone():
            look = self.look(at)
            if look.rules is not None:
                self._activate(look.rules, look.file, look.accepted)
            return look

    def look(self, at: datetime) -> Look:
        """What :meth:`take_up` would find; changes nothing."""
        accepted = self._accepted()
        found: Rules | None = None
        where = ""
        refusals = []
        for name in (CURRENT, NEXT):
            data = self._read(name)
            if data is None:
                continue
            try:
                rules = self._fitting(data, accepted, at)
                if rules.manifest.counter > accepted.counter:
                    self._refuse_expired(rules.manifest, at)
            except PolicyError as error:
                refusals.append(_refusal(name, data, error))
                continue
            if found is None or rules.manifest.counter > found.manifest.counter:
                found, where = rules, name
        noted = self._record(REFUSED, Refusal)
        if noted is not None:
            refusals.append(noted)
        return Look(rules=found, file=where, accepted=accepted, refusals=tuple(refusals))

    def status(self, at: datetime) -> Status:
        """How things stand at ``at`` (aware); changes nothing.  Raises PolicyError if the folder cannot be read."""
        look = self.look(at)
        if look.rules is None:
            why = str(self.nothing(look))
            return Status(state="none", manifest=None, accepted_counter=look.accepted.counter, refusals=look.refusals, why=why)
        says = look.rules.manifest
        return Status(
            state="expired" if says.expired(self.latest(at)) else "in force",
            manifest=says,
            accepted_counter=look.accepted.counter,
            refusals=look.refusals,
        )

    def stamp(self) -> tuple[tuple[int, int, int], ...]:
        """Changes whenever a bundle has come in or has been refused; costs two ``stat``."""
        return tuple(stamp_of(self._folder / name) for name in (CURRENT, REFUSED))

    def latest(self, at: datetime) -> datetime:
        """``at``, or the latest time that a good clock showed here if that is later: a clock that was set back makes no
        bundle younger."""
        known = self._record(LATEST, _Latest)
        return at if known is None else max(at, known.at)

    def remember(self, at: datetime) -> None:
        """Record ``at``, which a good clock shows, unless a later time is recorded."""
        if self.latest(at) == at:
            with self._writing():
                self._replace(LATEST, msgspec.json.encode(_Latest(at=at)))

    def nothing(self, look: Look) -> PolicyError:
        """Why nothing may be captured where ``look`` found no rules."""
        whys = "; ".join(f"{each.file}: {each.why}" for each in look.refusals) or "there is none"
        wanted = f"counter {look.accepted.counter} or higher" if look.accepted.counter else "any counter"
        return PolicyError(
            f"take up policy bundle in {self._folder}: {whys}; nothing may be captured; install a bundle with {wanted} by "
            "`plate-edge policy install`"
        )

    def _fitting(self, data: bytes, accepted: Accepted, at: datetime) -> Rules:
        """The rules in a bundle, unless it is older than what was ever accepted."""
        bundle = verify(data, self._trust)
        counter = bundle.manifest.counter
        if counter < accepted.counter:
            raise PolicyError(f"take bundle: it is older (counter {counter}) than one already accepted ({accepted.counter})")
        if counter == accepted.counter and bundle.sha256 != accepted.manifest_sha256:
            raise PolicyError(f"take bundle: another one with counter {counter} was accepted before; give it a higher counter")
        return load(bundle)

    def _refuse_expired(self, manifest: Manifest, at: datetime) -> None:
        if manifest.expired(self.latest(at)):
            raise PolicyError(f"take bundle: it expired at {manifest.expires.isoformat()}; issue a new one")

    def _activate(self, rules: Rules, file: str, accepted: Accepted) -> None:
        """Record the counter first, then let the bundle be found; nothing is done that is done already."""
        manifest = rules.manifest
        if manifest.counter > accepted.counter:
            record = Accepted(counter=manifest.counter, manifest_sha256=rules.sha256)
            self._replace(ACCEPTED, msgspec.json.encode(record))
        if file == NEXT:
            (self._folder / NEXT).replace(self._folder / CURRENT)
            self._sync()

    def _accepted(self) -> Accepted:
        data = self._read(ACCEPTED)
        if data is None:
            return Accepted()
        try:
            return msgspec.json.decode(data, type=Accepted)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PolicyError(
                f"read {self._folder / ACCEPTED}: it is damaged, so an older bundle could not be told from a newer one; see "
                "that the newest bundle is at hand, delete the file and install that bundle"
            ) from error

    def _record(self, name: str, kind: type[_S]) -> _S | None:
        """A record that the unit can do without; a damaged one is none."""
        data = self._read(name)
        try:
            return None if data is None else msgspec.json.decode(data, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _read(self, name: str) -> bytes | None:
        try:
            with (self._folder / name).open("rb") as file:
                return file.read(LIMIT_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise PolicyError(f"read {self._folder / name}: {error.strerror or error}; run as the unit's account") from error

    def _replace(self, name: str, data: bytes) -> None:
        """``name`` holds either what it held or ``data``, whenever the power goes."""
        self._write(f"{name}.new", data)
        (self._folder / f"{name}.new").replace(self._folder / name)
        self._sync()

    def _write(self, name: str, data: bytes) -> None:
        handle = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _give_to_owner_of(self._folder, handle)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        finally:
            os.close(handle)

    def _sync(self) -> None:
        _sync_folder(self._folder)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            words = f"{error.strerror or error}; look at its disk and its owner, or run as the unit's account"
            raise PolicyError(f"write in {self._folder}: {words}") from error

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time; the lock goes with its process, however that ends."""
        if not self._folder.is_dir():
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(self._folder.parent)
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            _give_to_owner_of(self._folder.parent, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def stamp_of(path: Path) -> tuple[int, int, int]:
    """Tells one state of a file from another: inode, time of change in nanoseconds, size; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _refusal(file: str, data: bytes, error: PolicyError) -> Refusal:
    return Refusal(file=file, sha256=hashlib.sha256(data).hexdigest(), why=str(error))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _give_to_owner_of(folder: Path, handle: int) -> None:
    """What root installs must be the unit's to write: it belongs to whoever owns the folder around it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)
