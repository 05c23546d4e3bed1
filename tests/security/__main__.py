"""The long form of what the claims in this folder show in short: ``python -m tests.security [--seed N] [--json]``.

Every single-bit change of 200 stored envelopes; 5,000 reads with another key every 100; hostile pictures and models.
Exit code 1 if something did not hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.security import hostile
from tests.security.bits import flip
from tests.security.rotating import Rotating


def bits(folder: Path, seed: int) -> tuple[bool, Struct]:
    """Line 6 of what must be shown."""
    done = flip(folder, 200, seed)
    return done.taken == 0 and done.changed == 8 * done.bytes, done


def rotation(folder: Path, seed: int) -> tuple[bool, Struct]:
    """Row 31 of the promises."""
    del seed  # the keys are random, the order is not
    done = Rotating(folder, every=100).run(5000)
    return done.stored == done.committed == 5000 and not (done.others or done.refused or done.left_in_files), done


def hostile_files(folder: Path, seed: int) -> tuple[bool, Struct]:
    """Row 26 of the promises."""
    del seed
    done = hostile.run(folder)
    return not done.over, done


CLAIMS: dict[str, Callable[[Path, int], tuple[bool, Struct]]] = {
    "bits": bits,
    "rotation": rotation,
    "hostile": hostile_files,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.security", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=CLAIMS, action="append")
    parser.add_argument("--json", action="store_true", help="one JSON object a claim")
    asked, failed = parser.parse_args(), 0
    for name in asked.only or CLAIMS:
        with tempfile.TemporaryDirectory(prefix="plate-edge-security-") as folder:
            holds, found = CLAIMS[name](Path(folder), asked.seed)
        failed += not holds
        numbers = msgspec.to_builtins(found)
        if asked.json:
            print(msgspec.json.encode({"claim": name, "holds": holds, **numbers}).decode(), flush=True)
        else:
            words = ", ".join(f"{key} {value}" for key, value in numbers.items())
            print(f"{'PASS' if holds else 'FAIL'}  {name:10}{words}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
