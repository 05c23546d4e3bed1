"""The agency end deletes what its time has come for by itself: at its start and every quarter of an hour."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from edge.clock import Clock
from edge.errors import StoreError
from edge.journal import Journal
from edge.store.interface import Notary, RetentionStore

#: With shelves of half an hour, a read is gone 45 minutes after its time at the latest.
EVERY_S = 900.0
_JOIN_S = 20.0


class Expiry:
    """Runs retention in a thread of its own, on a store of its own, so that it never keeps reads from being stored."""

    def __init__(
        self,
        open_store: Callable[[], RetentionStore],
        notary: Notary,
        clock: Clock,
        journal: Journal,
        every_s: float = EVERY_S,
    ) -> None:
        self._open_store, self._notary, self._clock, self._journal = open_store, notary, clock, journal
        self._every_s = every_s

    @contextlib.contextmanager
    def beside(self) -> Iterator[None]:
        """Run while the block runs."""
        stop = threading.Event()
        thread = threading.Thread(target=self.run, args=(stop,), name="expiry", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(_JOIN_S)  # a run that is cut off is finished by the next

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set; trouble is an alarm, and the next run tries again."""
        while not stop.is_set():
            try:
                self.once()
            except StoreError as error:
                self._journal.count("alarms", "retention")
                self._journal.error("expired reads could not be deleted", reason=str(error))
            except Exception as error:  # noqa: BLE001
                # Its words may quote a row.
                self._journal.count("alarms", "retention")
                self._journal.error("expired reads could not be deleted", reason=f"unexpected {type(error).__name__}")
            stop.wait(self._every_s)

    def once(self) -> None:
        """One run.  Raises StoreError."""
        store = self._open_store()
        try:
            event = store.expire(self._clock.now().utc, self._notary)
        finally:
            store.close()
        if event is not None:
            self._journal.count("reads_deleted", by=event.reads)
            self._journal.info("expired reads deleted", reads=event.reads)
            for words in event.beyond:
                self._journal.warning("deleted reads may still be found", where=words)
