"""Counters and log lines.  A line may hold a read's id, never a plate's text; secrets are masked at the sink.

One :class:`Journal` per process.  Counters are plain integers keyed by (name, reason), so that the accounts can be
closed and proved; the same numbers are offered to Prometheus where a port is configured.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Protocol, TextIO

from edge.errors import ConfigError
from edge.masking import mask_secrets
from edge.records import Withhold


class Book(Protocol):
    """Where counts are kept beyond the life of a process."""

    def add(self, name: str, reason: str, by: int) -> None:
        """Take a count in."""
        ...

    def settle(self) -> None:
        """Write down what was taken in."""
        ...


class Journal:
    """Writes one JSON object a line to ``stream`` (standard error unless told) and keeps the counters."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._ledger: Book | None = None

    def keep_in(self, ledger: Book) -> None:
        """Count into ``ledger`` as well from now on."""
        self._ledger = ledger

    def settle(self) -> None:
        """Let the ledger, if any, write down what was counted."""
        if self._ledger is not None:
            self._ledger.settle()

    def count(self, name: str, reason: str = "", by: int = 1) -> None:
        """Add ``by`` to the counter ``name`` (``frames_in``, ``frames_dropped`` …) under ``reason``."""
        with self._lock:
            self._counts[(name, reason)] += by
        if self._ledger is not None:
            self._ledger.add(name, reason, by)

    def total(self, name: str) -> int:
        """The sum of ``name`` over all reasons."""
        with self._lock:
            return sum(n for (key, _), n in self._counts.items() if key == name)

    def by_reason(self, name: str) -> dict[str, int]:
        """The counts of ``name``, by reason."""
        with self._lock:
            return {reason: n for (key, reason), n in sorted(self._counts.items()) if key == name}

    def snapshot(self) -> dict[str, dict[str, int]]:
        """All counters: name → reason → count."""
        with self._lock:
            result: dict[str, dict[str, int]] = {}
            for (name, reason), n in sorted(self._counts.items()):
                result.setdefault(name, {})[reason] = n
            return result

    def info(self, event: str, **fields: str | int | float | bool | None) -> None:
        """Log what happened, in the past tense, with fields that hold no plate and no secret."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: str | int | float | bool | None) -> None:
        """Log something a person should look at when there is time."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: str | int | float | bool | None) -> None:
        """Log something a person must act on."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: Mapping[str, str | int | float | bool | None]) -> None:
        """One line in one call, so that lines of several threads do not mix; a stream that is gone ends no lane."""
        now = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
        words = {**fields, "event": event, "level": level, "timestamp": now}
        masked = {key: mask_secrets(value) if isinstance(value, str) else value for key, value in words.items()}
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._stream.write(json.dumps(masked, default=str) + "\n")
            self._stream.flush()

    def withheld(self, decision: Withhold) -> None:
        """Count a withheld read once, under the first rule that withheld it, and log that rule and its clause."""
        first = decision.reasons[0]
        self.count("reads_withheld", first.rule)
        self.info("read withheld", subject=decision.subject, rule=first.rule, clause=first.clause)


def serve_metrics(journal: Journal, port: int) -> None:
    """Offer the counters to Prometheus on the loopback address, from a thread of its own.  Raises ConfigError if the port is
    taken."""
    # Here, because a unit that offers nothing need not hold it in memory (4 MB).
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.core import CounterMetricFamily, Metric
    from prometheus_client.registry import Collector

    class Counters(Collector):
        """The journal's counters as Prometheus sees them."""

        def collect(self) -> Iterator[Metric]:
            for name, reasons in journal.snapshot().items():
                family = CounterMetricFamily(f"plate_edge_{name}", name.replace("_", " "), labels=["reason"])
                for reason, number in reasons.items():
                    family.add_metric([reason], number)
                yield family

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Counters())
    try:
        start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise ConfigError(f"offer metrics on port {port}: {error.strerror}; name another as `metrics.port`") from error
