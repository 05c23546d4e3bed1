"""A unit without a camera, to be killed: ``python -m tests.delivery.unit_process FOLDER PORT DEVICE COUNT PAUSE_S TEXT
FRAME_BYTES``.

Commits COUNT reads, each with a crop and a frame unless FRAME_BYTES is 0, and prints ``<epoch> <seq> <read id>`` after each
commit has returned; then drains, prints ``drained`` and ends.
"""

from __future__ import annotations

import sys
import threading
import time
import uuid
from datetime import datetime, timezone
from pathlib import Path

from edge.journal import Journal
from tests.delivery.town import Town
from tests.labeled import jpeg, release


def main(folder: str, port: str, device: str, count: str, pause_s: str, text: str, frame_bytes: str) -> None:
    town = Town(Path(folder), int(port))
    sealer, outbox = town.sealer(device), town.outbox(device)
    stop = threading.Event()
    lane_2 = threading.Thread(target=town.drain(device, outbox, Journal()).run, args=(stop,))
    lane_2.start()
    try:
        for _ in range(int(count)):
            name = f"r-{uuid.uuid4().hex[:12]}"
            pictures = (jpeg(name), jpeg(name, "frame", int(frame_bytes))) if int(frame_bytes) else ()
            made = release(name, text, device=device, at=datetime.now(timezone.utc), pictures=pictures)
            envelope = sealer.seal(made, outbox.next_slot())
            outbox.put(envelope)
            print(envelope.slot.epoch, envelope.slot.seq, envelope.read_id, flush=True)
            time.sleep(float(pause_s))
        while outbox.backlog().waiting or outbox.pictures.account().waiting:
            time.sleep(0.05)
        print("drained", flush=True)
    finally:
        stop.set()
        lane_2.join()
        outbox.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
