"""The agency end, to be killed: ``python -m tests.delivery.ingest_process FOLDER PORT``."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from edge.journal import Journal
from edge.store.sqlite import SqliteStore
from tests.delivery.town import Town


def main(folder: str, port: str) -> None:
    town = Town(Path(folder), int(port))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    store = SqliteStore(town.store_path)
    try:
        town.worker(store, Journal()).run(stop)
    finally:
        store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
