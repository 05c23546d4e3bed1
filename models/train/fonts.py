"""Collects the free fonts the plate renderer draws with into ``models/train/.cache/fonts`` (never committed).

    python -m models.train.fonts

Two sources, both with licences that let a rendered picture be used for anything: Debian font packages (Apache 2.0, OFL,
Bitstream Vera) and the OFL families that the npm packages ``@fontsource/*`` carry as woff2. Without this cache the
renderer still works: it then draws every letter with its own strokes (`models.train.strokes`).
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).resolve().parent / ".cache" / "fonts"

DEBIAN_PACKAGES = (
    "fonts-roboto-unhinted", "fonts-bebas-neue", "fonts-opendin", "fonts-dejavu-core", "fonts-dejavu-extra",
    "fonts-liberation2", "fonts-b612", "fonts-league-spartan", "fonts-dosis", "fonts-routed-gothic",
)  # fmt: skip

# kind -> file name patterns below /usr/share/fonts
DEBIAN_FILES: dict[str, tuple[str, ...]] = {
    "serial": (
        "RobotoCondensed-Regular.ttf", "RobotoCondensed-Medium.ttf", "RobotoCondensed-Bold.ttf", "BebasNeue-Bold.otf",
        "BebasNeue-Book.otf", "BebasNeue-Regular.otf", "OSP-DIN.ttf", "DejaVuSansCondensed-Bold.ttf",
        "LiberationSans-Bold.ttf", "Dosis-Bold.otf", "Dosis-SemiBold.otf", "routed-gothic-narrow.ttf",
        "Roboto-Medium.ttf", "B612-Bold.otf", "B612Mono-Bold.otf",
    ),
    "sans": ("LiberationSans-Bold.ttf", "DejaVuSans-Bold.ttf", "Roboto-Bold.ttf", "LeagueSpartan-Bold.otf",
             "RobotoCondensed-Bold.ttf"),
    "serif": ("LiberationSerif-Bold.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSerifCondensed-Bold.ttf",
              "LiberationSerif-Regular.ttf"),
}  # fmt: skip

# npm family -> (kind, weights)
NPM_FAMILIES: dict[str, tuple[str, tuple[int, ...]]] = {
    "oswald": ("serial", (400, 500, 600)), "bebas-neue": ("serial", (400,)),
    "barlow-condensed": ("serial", (500, 600, 700)), "barlow-semi-condensed": ("serial", (500, 600)),
    "saira-condensed": ("serial", (500, 600)), "roboto-condensed": ("serial", (500, 700)),
    "pathway-gothic-one": ("serial", (400,)), "overpass": ("serial", (600, 700)), "rajdhani": ("serial", (600, 700)),
    "league-gothic": ("serial", (400,)), "fjalla-one": ("serial", (400,)), "antonio": ("serial", (500, 600)),
    "big-shoulders-display": ("serial", (500, 700)), "archivo-narrow": ("serial", (500, 700)),
    "share-tech-mono": ("serial", (400,)), "squada-one": ("serial", (400,)), "teko": ("serial", (500,)),
    "khand": ("serial", (500, 600)), "russo-one": ("serial", (400,)),
    "pacifico": ("script", (400,)), "dancing-script": ("script", (600, 700)), "lobster": ("script", (400,)),
    "kaushan-script": ("script", (400,)), "yellowtail": ("script", (400,)), "satisfy": ("script", (400,)),
    "playball": ("script", (400,)), "courgette": ("script", (400,)), "cookie": ("script", (400,)),
    "great-vibes": ("script", (400,)),
    "playfair-display": ("serif", (500, 700, 900)), "roboto-slab": ("serif", (500, 700, 900)), "bitter": ("serif", (500, 700)),
    "merriweather": ("serif", (700,)), "cinzel": ("serif", (600, 800)), "libre-baskerville": ("serif", (400, 700)),
    "rye": ("serif", (400,)),
    "montserrat": ("sans", (600, 800)), "poppins": ("sans", (500, 700)), "josefin-sans": ("sans", (600,)),
    "comfortaa": ("sans", (600,)),
}  # fmt: skip


def _convert_woff2(source: Path, target: Path) -> None:
    from fontTools.ttLib import TTFont  # needs the brotli package for woff2

    font = TTFont(source)
    font.flavor = None
    font.save(target)


def collect() -> int:
    """Fills the cache; returns the number of font files in it. Missing sources are named, not fatal."""
    for kind in ("serial", "sans", "serif", "script"):
        (CACHE / kind).mkdir(parents=True, exist_ok=True)
    installed = {path.name: path for path in Path("/usr/share/fonts").rglob("*") if path.suffix in (".ttf", ".otf")}
    for kind, names in DEBIAN_FILES.items():
        for name in names:
            if name in installed:
                shutil.copyfile(installed[name], CACHE / kind / name)
            else:
                print(f"{name} is missing: apt-get install {' '.join(DEBIAN_PACKAGES)}", file=sys.stderr)
    npm = CACHE.parent / "npm"
    npm.mkdir(exist_ok=True)
    wanted = [f"@fontsource/{family}" for family in NPM_FAMILIES]
    if not all((npm / "node_modules" / name).is_dir() for name in wanted):
        (npm / "package.json").write_text('{"private": true}\n')
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", *wanted], cwd=npm, check=True)
    for family, (kind, weights) in NPM_FAMILIES.items():
        for weight in weights:
            source = npm / "node_modules/@fontsource" / family / "files" / f"{family}-latin-{weight}-normal.woff2"
            target = CACHE / kind / f"{family}-{weight}.ttf"
            if source.is_file() and not target.is_file():
                _convert_woff2(source, target)
    families.cache_clear()
    return sum(1 for _ in CACHE.rglob("*.*tf"))


@functools.lru_cache(maxsize=8)
def families(kind: str) -> tuple[str, ...]:
    """Paths of the cached fonts of one kind ("serial", "sans", "serif", "script"), sorted; empty without a cache."""
    return tuple(sorted(str(path) for path in (CACHE / kind).glob("*.*tf")))


if __name__ == "__main__":
    print(f"{collect()} font files in {CACHE}")
