"""How a process learns that it is to end."""

from __future__ import annotations

import os
import signal
import threading


def stop_on_signals() -> threading.Event:
    """An event that is set when somebody asks this process to end.

    A thread of its own sets it.  A handler that did so itself would run in the main thread, wherever that is: in the middle of
    waiting for the event it would wait for ever for the lock that it holds (found by ending thousands of units)."""
    stop = threading.Event()
    told, tell = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(tell, False)  # as the signal module wants it
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

    def wait() -> None:
        os.read(told, 1)
        stop.set()

    threading.Thread(target=wait, name="stop", daemon=True).start()
    return stop
