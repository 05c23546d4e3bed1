"""``plate-edge`` and ``python -m edge``: run a command; say what is wrong in one plain line."""

from __future__ import annotations

import sys
import traceback
from io import TextIOWrapper
from pathlib import Path

from edge.errors import PlateEdgeError
from edge.journal import mask_secrets


def main() -> None:
    """Run the command line.  Whatever goes wrong ends as one line on standard error.

    Exit codes: what the command said; 2 for what this project raises on purpose and for a wrong call; 1 for a fault of the
    program, whose words are not shown since they may hold anything (``python -X dev -m edge`` shows all)."""
    from edge.cli import STOPPED, WRONG_CALL, app

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may hold bytes that are no text
    try:
        code = app(prog_name="plate-edge", standalone_mode=False)
    except PlateEdgeError as error:
        end(str(error), 2)
    except WRONG_CALL as error:
        context = getattr(error, "ctx", None)
        path = "plate-edge" if context is None else context.command_path
        words = error.format_message() if hasattr(error, "format_message") else str(error)
        end(f"{words.rstrip('.') or 'name a command'}; `{path} --help` shows how to call it", 2)
    except STOPPED:
        sys.exit(130)
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        end(f"a fault of the program, not of the call: {where(error)}; please report it", 1)
    sys.exit(code if isinstance(code, int) else 0)


def end(words: str, code: int) -> None:
    """Say why in one line on standard error, without secrets, and exit."""
    line = " ".join(mask_secrets(words).splitlines())
    sys.stderr.write(f"plate-edge: {line}\n")
    sys.exit(code)


def where(error: BaseException) -> str:
    """The kind of an unexpected error and the place in this project that met it; nothing of its words."""
    root = str(Path(__file__).resolve().parent)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(root)] or frames[-1:]
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{place}"


if __name__ == "__main__":
    main()
