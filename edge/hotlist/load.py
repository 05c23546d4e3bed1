"""Hot-list files → what may be matched.  Entries that the pack refuses are dropped here, before anything is matched, and
counted under the rule that refused them; nothing of them is kept."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from edge.config import HotListConfig
from edge.errors import PolicyError
from edge.hotlist.files import Row, read_bytes, read_rows, read_stamp
from edge.hotlist.keyed import MAGIC, ListKey, digest_of_keyed, lies_in_memory, load_key, open_keyed
from edge.hotlist.match import HotList, LoadedList
from edge.hotlist.table import TableBuilder
from edge.policy.bundle import ListDigest
from edge.policy.pack import Pack
from edge.policy.rules import HotListRule, folded_words
from edge.records import Instant

EXPIRED = "engine-hotlist-expired"
_MANUAL = folded_words("manual")


def load_hotlist(config: HotListConfig, pack: Pack, at: Instant, vouched: Sequence[ListDigest] | None = None) -> HotList:
    """Read the configured lists, plain or keyed, each with its stamp.

    What ``pack`` does not admit, and what has ended at ``at``, is dropped and counted in ``refused``.  Where ``vouched`` is
    given, those lists alone may be used, and it says which they are.  Raises PolicyError naming file, line and column, never
    what stands there, or ConfigError about the key."""
    secrecy = next((rule for rule in pack.hotlists if rule.at_rest == "keyed"), None)
    if secrecy is not None and config.key is not None and not lies_in_memory(config.key):
        raise PolicyError(
            f"read key of hot lists {config.key}: it lies on a disk, where whoever steals the unit finds it with the lists, "
            f"and {_cite(secrecy)} lets no list be readable there; hand it over as a systemd credential or under /run"
        )
    key = load_key(config.key) if config.key is not None else None
    # What stands for a plate in memory: the lists' own digests, or any where there is no keyed list.
    digests = key or ListKey.random()
    table, refused, lists = TableBuilder(), Counter[str](), list[LoadedList]()
    admission = _Admission(pack, at.utc)
    for number, path in enumerate(config.files):
        which, rows = _open(path, key, digests, secrecy, vouched)
        lists.append(which)
        for row in rows:
            refused_by = admission.refusal(row)
            if refused_by is None:
                table.add(number, row)
            else:
                refused[refused_by] += 1
    return HotList(table.table(), lists, refused, digests, pack)


def _open(
    path: Path, key: ListKey | None, digests: ListKey, secrecy: HotListRule | None, vouched: Sequence[ListDigest] | None
) -> tuple[LoadedList, Iterator[Row]]:
    data = read_bytes(path)
    sha256 = hashlib.sha256(data).hexdigest()
    stamp: ListDigest | None
    if data.startswith(MAGIC):
        if key is None:
            raise PolicyError(f"read hot list {path}: it is keyed; name the key that it was compiled with as `hotlist.key`")
        stamp, content = open_keyed(path, data, key)
        rows = read_rows(path, content, digest_of_keyed)
    else:
        if secrecy is not None:
            raise PolicyError(
                f"read hot list {path}: it lies here in plain text, and {_cite(secrecy)} lets a unit have keyed lists only: "
                "run `plate-edge hotlist compile` at the agency, put the result here, and destroy this file"
            )
        stamp = read_stamp(path, sha256)
        rows = read_rows(path, io.BytesIO(data), digests.digest_cell)
    if vouched is not None:
        stamp = next((each for each in vouched if each.sha256 == sha256), None)
        if stamp is None:
            raise PolicyError(f"read hot list {path}: the policy bundle does not name it; deliver the list that it names")
    if stamp is None:
        return LoadedList(name=path.stem, version="", issued=None, sha256=sha256), rows
    return LoadedList(name=stamp.name, version=stamp.version, issued=stamp.issued, sha256=sha256), rows


class _Admission:
    """Which rule refuses a row.  Lists repeat source, topic and reason, so the last answers are kept, bounded."""

    _KEPT = 4096

    def __init__(self, pack: Pack, at: datetime) -> None:
        self._pack, self._at = pack, at
        self._known: dict[tuple[str, str, str], str | None] = {}

    def refusal(self, row: Row) -> str | None:
        """The id of the rule, or None where the row may be matched."""
        words = (row.source, row.topic, row.reason)
        if words not in self._known:
            if len(self._known) >= self._KEPT:
                self._known.clear()
            rule = self._pack.refusal(*words)
            self._known[words] = rule.id if rule is not None else None
        return self._known[words] or self._too_long(row) or (EXPIRED if row.ends and row.ends <= self._at else None)

    def _too_long(self, row: Row) -> str | None:
        """The rule whose longest time for a manual entry is exceeded; one that was entered in the future counts from now."""
        if folded_words(row.source) != _MANUAL:
            return None
        entered = min(row.entered, self._at)
        for rule in self._pack.hotlists:
            if rule.manual_max is not None and (row.ends is None or row.ends > rule.manual_max.after(entered)):
                return rule.id
        return None


def _cite(rule: HotListRule) -> str:
    return f"rule `{rule.id}` ({rule.clause})"
