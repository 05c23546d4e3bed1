"""``plate-edge`` and ``python -m edge``: run a command; say what is wrong in one plain line."""

from __future__ import annotations

import sys

from edge.errors import PlateEdgeError
from edge.journal import mask_secrets


def main() -> None:
    """Run the command line.  What this project raises on purpose ends as one line and exit code 2."""
    from edge.cli import app

    try:
        app()
    except PlateEdgeError as error:
        sys.stderr.write(f"plate-edge: {mask_secrets(str(error))}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
