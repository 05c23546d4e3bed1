"""Renew the hashes in ``models/manifest.toml`` after an export: ``python -m models.train.manifest``."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent


def renewed(text: str, folder: Path) -> str:
    """``text`` with the ``sha256`` and ``config_sha256`` after each ``file`` and ``config`` replaced by those of the files."""
    named: dict[str, str] = {}
    lines = []
    for line in text.splitlines():
        if match := re.fullmatch(r'(file|config) = "([^"]+)"', line):
            named[match[1]] = hashlib.sha256((folder / match[2]).read_bytes()).hexdigest()
        elif line.startswith("sha256 = "):
            line = f'sha256 = "{named["file"]}"'
        elif line.startswith("config_sha256 = "):
            line = f'config_sha256 = "{named["config"]}"'
        lines.append(line)
    return "\n".join(lines) + "\n"


def main() -> None:
    path = FOLDER / "manifest.toml"
    path.write_text(renewed(path.read_text(encoding="utf-8"), FOLDER), encoding="utf-8")
    print(f"renewed {path}")


if __name__ == "__main__":
    main()
