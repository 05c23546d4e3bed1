"""What a Raspberry Pi's ``vcgencmd`` says (https://www.raspberrypi.com/documentation/computers/os.html#vcgencmd).  Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Bits of ``get_throttled``: 0 to 3 are so now, 16 to 19 were so at some time since the start.
THROTTLE_BITS = {
    0: "under-voltage",
    1: "clock capped",
    2: "throttled",
    3: "soft temperature limit",
    16: "under-voltage since the start",
    17: "clock capped since the start",
    18: "throttled since the start",
    19: "soft temperature limit since the start",
}
_PMIC = re.compile(r"^\s*(\w+)_([AV])\s+(?:current|volt)\(\d+\)=([0-9.]+)[AV]\s*$", re.MULTILINE)


def throttled(said: str) -> tuple[str, ...] | None:
    """The bits of ``throttled=0x50000`` in words; None if that is not what was said."""
    found = re.fullmatch(r"\s*throttled=0x([0-9a-fA-F]+)\s*", said)
    if found is None:
        return None
    bits = int(found[1], 16)
    unknown = [f"throttle bit {bit}" for bit in range(bits.bit_length()) if bits >> bit & 1 and bit not in THROTTLE_BITS]
    return (*(words for bit, words in THROTTLE_BITS.items() if bits >> bit & 1), *unknown)


def temperature_c(said: str) -> float | None:
    """The figure of ``temp=48.3'C``; None if that is not what was said."""
    found = re.fullmatch(r"\s*temp=(-?[0-9.]+)'C\s*", said)
    return float(found[1]) if found else None


def rails_mw(said: str) -> Mapping[str, float]:
    """Power of each rail that ``pmic_read_adc`` (Pi 5) gives a current and a voltage of, mW.

    The 5 V input has no current there, so what is plugged into the board is in no rail."""
    values = {(rail, kind): float(value) for rail, kind, value in _PMIC.findall(said)}
    return {
        rail: round(1000 * amperes * values[(rail, "V")], 1)
        for (rail, kind), amperes in values.items()
        if kind == "A" and (rail, "V") in values
    }
