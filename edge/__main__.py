"""``plate-edge`` and ``python -m edge``: run a command; say what is wrong in one plain line."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from io import TextIOWrapper
from typing import NoReturn

from edge.errors import PlateEdgeError
from edge.masking import mask_secrets, masked_output, where


def main() -> None:
    """Run the command line; no secret leaves by its outputs.  Whatever goes wrong ends as one line on standard error.

    Exit codes: what the command said; 2 for what this project raises on purpose and for a wrong call; 1 for a fault of the
    program, whose words are not shown since they may hold anything (``python -X dev -m edge`` shows all but secrets)."""
    from edge.cli import STOPPED, WRONG_CALL, app

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may hold bytes that are no text
    with masked_output():
        _run(app, WRONG_CALL, STOPPED)


def _run(app: Callable[..., object], wrong_call: type[Exception], stopped: tuple[type[BaseException], ...]) -> NoReturn:
    try:
        code = app(prog_name="plate-edge", standalone_mode=False)
    except PlateEdgeError as error:
        end(str(error), 2)
    except wrong_call as error:
        context = getattr(error, "ctx", None)
        path = "plate-edge" if context is None else context.command_path
        words = error.format_message() if hasattr(error, "format_message") else str(error)
        end(f"{words.rstrip('.') or 'name a command'}; `{path} --help` shows how to call it", 2)
    except stopped:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001  the top: whatever it is ends as one line
        if sys.flags.dev_mode:
            traceback.print_exc()
            sys.exit(1)
        end(f"a fault of the program, not of the call: {where(error)}; please report it", 1)
    sys.exit(code if isinstance(code, int) else 0)


def end(words: str, code: int) -> NoReturn:
    """Say why in one line on standard error, without secrets, and exit."""
    line = " ".join(mask_secrets(words).splitlines())
    sys.stderr.write(f"plate-edge: {line}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
