"""The drive-by proof: passes of known plates, how many were read whole, and a picture of each that was not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from calibration.judge import judged, measure
from calibration.predict import folded, share
from calibration.records import Measure, Miss, Proof
from calibration.thresholds import EXACT_RATE, Threshold
from edge.errors import ConfigError

#: Passes below this prove little: of 20, all read, the rate is above 84 % (Wilson).
FEWEST = 20
_PROOF = Threshold(
    good=EXACT_RATE.good, limit=EXACT_RATE.limit, source="UK NASPLE asks 95 % of plates read; 90 and 70 % chosen here"
)


class PassRead(Struct, frozen=True, kw_only=True):
    """What the line read of one pass: its text, when, and the name of its picture, where one was kept."""

    text: str
    at_s: float | None = None
    picture: str | None = None


def read_passes(path: Path) -> tuple[str, ...]:
    """The plates that were driven past, one a line in the order of the passes; ``KLT 4827 x20`` stands for twenty.

    Raises ConfigError naming the line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"read passes {path}: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}") from error
    passes: list[str] = []
    for number, line in enumerate(lines, start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        times = 1
        if len(words) > 1 and words[-1][:1] in "xX" and words[-1][1:].isdigit():
            times = int(words.pop()[1:])
        text = plain("".join(words))
        if not text or not text.isalnum() or not text.isascii() or len(text) > 10 or not 1 <= times <= 10_000:
            raise ConfigError(
                f"read passes {path}, line {number}: not a plate; write one a line, such as `KLT 4827` or `KLT4827 x20`"
            )
        passes += [text] * times
    if not passes:
        raise ConfigError(f"read passes {path}: it names no plate; write one a line in the order of the passes")
    return tuple(passes)


def plain(text: str) -> str:
    """Capitals without separators."""
    return "".join(character for character in text.upper() if character not in " -.·*")


def prove(wanted: Sequence[str], reads: Sequence[PassRead]) -> Proof:
    """Each pass against the reads, in order as far as both are: a pass is read where its own read has the whole text.

    Passes and reads are brought together like two spellings of one word (Needleman and Wunsch 1970): right ones first, then
    those that share half of their characters; what is left are passes that nobody saw and cars that were not of the test."""
    pairs = _aligned([folded(plain(text)) for text in wanted], [folded(read.text) for read in reads])
    misses, hits, used = [], 0, 0
    for i, j in pairs:
        used += j is not None and i is not None
        if i is None:
            continue
        read = None if j is None else reads[j]
        if read is not None and folded(read.text) == folded(plain(wanted[i])):
            hits += 1
        else:
            misses.append(
                Miss(
                    wanted=plain(wanted[i]),
                    read=None if read is None else read.text,
                    at_s=None if read is None else read.at_s,
                    picture=None if read is None else read.picture,
                )
            )
    return Proof(passes=share(hits, len(wanted)), misses=tuple(misses), extra=len(reads) - used)


def proof_measure(proof: Proof) -> Measure:
    """The read rate; few passes leave it open, whatever they gave."""
    passes = proof.passes
    words = (
        f"{passes.hits} of {passes.total} passes were read; look at the pictures of the misses"
        if judged(passes.share, _PROOF) != "PASS"
        else ""
    )
    line = measure("proof", passes.share * 100, "% of passes", "≥ 90", passes.share, _PROOF, words)
    if line.verdict == "PASS" and passes.total < FEWEST:
        words = f"{passes.total} passes prove no more than {passes.low:.0%}; drive at least {FEWEST}"
        line = Measure(
            name="proof",
            value=line.value,
            unit=line.unit,
            target=line.target,
            verdict="UNKNOWN",
            words=words,
            source=line.source,
        )
    return Measure(
        name=line.name, value=line.value, unit=line.unit, target=line.target, verdict=line.verdict, words=line.words,
        source=line.source, low=round(passes.low * 100, 1), high=round(passes.high * 100, 1),
    )  # fmt: skip


def _aligned(wanted: Sequence[str], reads: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Pairs of places, either of which may be missing; as many equal pairs as there can be, then as many pairs."""
    rows, columns = len(wanted) + 1, len(reads) + 1
    score = [[0.0] * columns for _ in range(rows)]
    for i in range(1, rows):
        for j in range(1, columns):
            score[i][j] = max(score[i - 1][j - 1] + _worth(wanted[i - 1], reads[j - 1]), score[i - 1][j], score[i][j - 1])
    pairs: list[tuple[int | None, int | None]] = []
    i, j = rows - 1, columns - 1
    while i or j:
        if i and j and score[i][j] == score[i - 1][j - 1] + _worth(wanted[i - 1], reads[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and (not j or score[i][j] == score[i - 1][j]):
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return pairs[::-1]


def _worth(wanted: str, read: str) -> float:
    """An equal text counts for more than any number of unequal ones; a similar one for something; others are another car's."""
    if wanted == read:
        return 1000.0
    same = sum(a == b for a, b in zip(wanted, read, strict=False))
    return same / max(len(wanted), len(read)) if same * 2 >= len(wanted) else -1.0
