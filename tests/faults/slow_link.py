"""A thin link between a unit and the broker, made by the kernel: a network namespace, a cable, and ``tc tbf`` on both ends.

Needs root and iproute2; where there is none of them, :class:`Cable` says so by ``missing``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

# Two benches on one machine need two networks; what they start is told which by the environment.
_NET = int(os.environ.setdefault("PLATE_EDGE_FAULTS_NET", str(os.getpid() % (64 * 256))))
HERE, THERE = (f"10.213.{_NET // 64}.{4 * (_NET % 64) + end}" for end in (1, 2))


def missing() -> str:
    """Why no such link can be made here; empty if it can."""
    if os.geteuid() != 0:
        return "a network namespace needs root"
    if not (shutil.which("ip") and shutil.which("tc")):
        return "there is no `ip` and `tc`; on Debian: apt-get install iproute2"
    probe = f"pe-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False).returncode == 0
    subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=False)
    return "" if made else "the kernel makes no network namespaces here"


class Cable:
    """A namespace at the other end of a cable.  Programs in it reach this machine as ``HERE``; nothing else is there."""

    def __init__(self, bits_per_s: int | None = None) -> None:
        """As fast as it gets, or so fast in each direction."""
        self._name = f"pe-{os.getpid()}"
        self._ours, self._theirs = f"pe{os.getpid() % 100_000}a", f"pe{os.getpid() % 100_000}b"
        self._bits_per_s = bits_per_s

    def __enter__(self) -> Cable:
        there = ["-n", self._name]
        try:
            _run("ip", "netns", "add", self._name)
            _run("ip", "link", "add", self._ours, "type", "veth", "peer", "name", self._theirs, "netns", self._name)
            _run("ip", "addr", "add", f"{HERE}/30", "dev", self._ours)
            _run("ip", *there, "addr", "add", f"{THERE}/30", "dev", self._theirs)
            _run("ip", "link", "set", self._ours, "up")
            _run("ip", *there, "link", "set", self._theirs, "up")
            _run("ip", *there, "link", "set", "lo", "up")
            if self._bits_per_s is not None:
                # Whole packets must fit the bucket: no offload may make them longer than a modem would.
                for side, device in (([], self._ours), (there, self._theirs)):
                    _run("ip", *side, "link", "set", device, "gso_max_size", "1514", "gso_max_segs", "1")
                    shape = ["root", "tbf", "rate", f"{self._bits_per_s}bit", "burst", "3200", "latency", "400ms"]
                    _run("tc", *side, "qdisc", "add", "dev", device, *shape)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._remove()

    def command(self, words: Sequence[str]) -> list[str]:
        """``words`` as a command that runs at the other end."""
        return ["ip", "netns", "exec", self._name, *words]

    def widen(self) -> None:
        """From now on as fast as it gets."""
        _run("tc", "qdisc", "del", "dev", self._ours, "root")
        _run("tc", "-n", self._name, "qdisc", "del", "dev", self._theirs, "root")

    def unplug(self) -> None:
        """Our end is gone; the other is told nothing and goes on sending."""
        _run("ip", "link", "set", self._ours, "down")

    def plug(self) -> None:
        """As before."""
        _run("ip", "link", "set", self._ours, "up")

    @property
    def carried(self) -> tuple[int, int]:
        """Bytes of all packets, Ethernet headers not counted, that came from the other end and that went there."""
        came, went = (self._count("rx"), self._count("tx"))
        return came, went

    def _count(self, way: str) -> int:
        folder = Path("/sys/class/net") / self._ours / "statistics"
        size, packets = (int((folder / f"{way}_{what}").read_text()) for what in ("bytes", "packets"))
        return size - 14 * packets

    def _remove(self) -> None:
        for words in (("ip", "link", "del", self._ours), ("ip", "netns", "del", self._name)):
            with contextlib.suppress(subprocess.CalledProcessError):
                _run(*words)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
