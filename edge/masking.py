"""Secrets that must not be read by whoever reads what this program says: masked where words leave it.

Two nets, since the first has holes wherever somebody writes an address in a way that nobody thought of:

* by form: the user and password of every address, and what stands behind `password=` and the like;
* by value: each secret that was loaded is hidden as it is, percent-encoded, as JSON writes it, and as HTTP's Basic scheme does.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, quote_plus

#: What stands in a secret's place.
MASK = "***"
# Shorter ones stand in half the words there are; they are still masked in an address.
_SHORTEST = 4

_ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^\s'\"]*@", re.IGNORECASE)
_NAMED = re.compile(
    r"(?P<name>\b(?:password|passwd|passphrase|secret|token)\b[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;]+", re.IGNORECASE
)
_AUTHORIZATION = re.compile(
    r"(?P<name>\bauthorization\b[\"']?\s*[:=]\s*[\"']?(?:basic|digest|bearer)\s+)[^\r\n\"']+", re.IGNORECASE
)

_hidden: set[str] = set()
_lock = threading.Lock()
_values: re.Pattern[str] | None = None


def hide(secret: str, user: str = "") -> None:
    """Mask ``secret`` from now on wherever it turns up; with ``user`` also what HTTP makes of the two (RFC 7617)."""
    global _values
    if len(secret) < _SHORTEST:
        return
    forms = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    forms |= {form.replace("%", "%%") for form in forms}
    if user:
        forms.add(base64.b64encode(f"{user}:{secret}".encode()).decode())
    with _lock:
        _hidden.update(forms)
        longest_first = sorted(_hidden, key=len, reverse=True)
        _values = re.compile("|".join(re.escape(form) for form in longest_first), re.IGNORECASE)


def mask_secrets(text: str) -> str:
    """``text`` without secrets.  Of an address everything up to the last ``@`` goes, a slash in the password too; an ``@`` in a
    path takes the host with it, which is the safe side to err on."""
    values = _values
    if values is not None:
        text = values.sub(MASK, text)
    if "@" in text:
        text = _ADDRESS.sub(rf"\g<scheme>{MASK}@", text)
    text = _NAMED.sub(rf"\g<name>{MASK}", text)
    return _AUTHORIZATION.sub(rf"\g<name>{MASK}", text)


def mask_line(text: str) -> str:
    """``mask_secrets`` for one line of output.  Of JSON only the strings are changed, so that it stays JSON: the number 1234 is
    not the password 1234."""
    masked = mask_secrets(text)
    if masked == text or not text.startswith("{"):
        return masked
    try:
        return json.dumps(_inside(json.loads(text))) + text[len(text.rstrip()) :]
    except ValueError:
        return masked


def _inside(value: Any) -> Any:
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, dict):
        return {mask_secrets(key): _inside(each) for key, each in value.items()}
    return [_inside(each) for each in value] if isinstance(value, list) else value


class MaskedStream:
    """A text stream that masks whatever is written to it; else it is the stream that it stands before."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write ``text`` without secrets."""
        self._stream.write(mask_line(text))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write each of ``lines`` without secrets."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def masked_output() -> Iterator[None]:
    """While it lasts nothing leaves by standard output and error unmasked, and a thread that dies says where, not what it held:
    an exception's words may quote a plate.  ``python -X dev`` shows those words, masked."""
    outputs, hooks = (sys.stdout, sys.stderr), (threading.excepthook, sys.unraisablehook)
    sys.stdout, sys.stderr = MaskedStream(sys.stdout), MaskedStream(sys.stderr)
    if not sys.flags.dev_mode:
        threading.excepthook = lambda died: _say("a thread ended", died.exc_value)
        sys.unraisablehook = lambda died: _say("something could not be cleaned up", died.exc_value)
    try:
        yield
    finally:
        (sys.stdout, sys.stderr), (threading.excepthook, sys.unraisablehook) = outputs, hooks


def where(error: BaseException | None) -> str:
    """The kind of an unexpected error and the place in this project that met it; nothing of its words."""
    if error is None:
        return "no error"
    root = str(Path(__file__).resolve().parent)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(root)] or frames[-1:]
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{place}"


def _say(what: str, error: BaseException | None) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"plate-edge: {what}: {where(error)}; please report it\n")
