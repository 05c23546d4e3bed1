"""Renders licence plates: the training material of the recognizer, the detector's scenes and the demo clip.

    python -m models.train.plates OUT.png [--region US-XX] [--seed N]    # a contact sheet to look at

    plate = render_plate(np.random.default_rng(7), region="US-CT")
    plate.image   # uint8 RGB, 320x160 for a 12x6 in plate
    plate.text    # "251RGF": the serial alone, A-Z0-9, no separators, no small stacked letters

Every picture is drawn from facts (`formats`), free fonts (`fonts`, optional) and our own strokes (`strokes`); nothing is
cut from a photograph. About 3 ms a plate on one core.
"""

from __future__ import annotations

import argparse
import functools
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.formats import (
    CAUSES,
    COLOURS,
    COUNTIES,
    COUNTY,
    DEALERS,
    DESIGNS,
    ELSEWHERE,
    EUROPEAN,
    PLACES,
    REGIONS,
    Design,
)
from models.train.plates_around import bend, bolts, county, dealer_frame, rim, sticker, wear
from models.train.plates_art import ANY_SCENE, emblem, ground, scenery
from models.train.plates_ink import ALPHABET, Colour, Pixels, blend, jitter, mix, words_mask, write_name
from models.train.plates_serial import SerialField, fit_text, place_serial, serial_tokens, vanity_tokens, with_small_letters

__all__ = ["ALPHABET", "REGIONS", "RenderedPlate", "infrared", "render_plate"]

MAX_CHARS = 10
INVENTED = 0.05  # of the plates of no asked-for region
INVENTED_EMBLEMS = (
    "outline", "star", "pine", "diamond", "tower", "seal", "sun", "shield", "oranges", "blob", "rider", "anchor",
    "flag", "wave", "figure", "figure", "figure", "figure", "figure",
)  # fmt: skip


@dataclass(frozen=True)
class RenderedPlate:
    """One drawn plate, head-on and clean of any camera effect.

    `image` uint8 RGB (H, W, 3); `text` the serial; `region` one of `REGIONS`; `char_boxes` float32 (len(text), 4), x y w h
    in pixels of `image`, in reading order; `header_visible` false where a frame hides the region's name.
    """

    image: Pixels
    text: str
    region: str
    char_boxes: NDArray[np.float32]
    header_visible: bool = True


@functools.lru_cache(maxsize=1)
def _weights() -> NDArray[np.float64]:
    """Running share of each design: a region counts by the root of its designs' weights, so that none is rare; Canada less."""
    weight = np.array([design.weight for design in DESIGNS])
    of_region = {region: sum(d.weight for d in DESIGNS if d.region == region) for region in REGIONS}
    weight *= [of_region[d.region] ** -0.5 * (0.6 if d.region.startswith("CA-") else 1.0) for d in DESIGNS]
    return np.cumsum(weight / weight.sum())


@functools.lru_cache(maxsize=128)
def _designs_of(region: str) -> tuple[Design, ...]:
    return tuple(design for design in DESIGNS if design.region == region)


_PALE = ("white", "white", "white", "cream", "ice", "pale", "lemon", "mint", "sky", "pink", "lilac", "peach", "gold", "yellow",
         "silver", "tan", "sage")  # fmt: skip
_DARK = ("navy", "black", "black", "black", "green", "blue", "maroon", "teal", "royal", "red", "forest", "purple")
_INKS = ("black", "navy", "blue", "maroon", "red", "green", "forest", "purple", "brown", "teal", "royal")
_FACES = ("sans", "sans", "serif", "serif", "script", "condensed")


def _colours(rng: np.random.Generator) -> tuple[tuple[str, ...], str, str]:
    """A ground's stops, a serial's ink and a name's ink that can be read on it."""
    if rng.random() < 0.17:
        pale = ("white", "white", "yellow", "gold", "cream", "silver")
        return (str(rng.choice(_DARK)),), str(rng.choice(pale)), str(rng.choice(pale))
    stops = tuple(str(rng.choice(_PALE)) for _ in range(int(rng.choice([1, 1, 2, 3, 4]))))
    return stops, str(rng.choice(_INKS)), str(rng.choice(_INKS))


def _random_pattern(rng: np.random.Generator) -> str:
    count = int(rng.choice([3, 4, 5, 6, 7, 8], p=[0.08, 0.1, 0.17, 0.3, 0.28, 0.07]))
    pattern = "".join(str(rng.choice(["L", "N"])) for _ in range(count))
    if rng.random() < 0.75:
        cut = int(rng.integers(1, count))
        pattern = pattern[:cut] + str(rng.choice(["-", ".", " ", "*", "*", " "])) + pattern[cut:]
    if rng.random() < 0.15:
        pattern = "[?]" + pattern if rng.random() < 0.6 else pattern + "[?]"
    return pattern


def _random_design(rng: np.random.Generator) -> Design:
    """An invented design: random colours and words, so that no ground or emblem is new to the reader later."""
    names = list(COLOURS)
    stops, ink, name_ink = _colours(rng)
    bare = rng.random() < 0.2
    header = "" if bare else str(rng.choice(ELSEWHERE if rng.random() < 0.4 else DEALERS))
    return Design(
        "unknown",
        header,
        str(rng.choice(_FACES)),
        name_ink,
        stops,
        ink,
        (_random_pattern(rng),),
        slogan=str(rng.choice(DEALERS if rng.random() < 0.6 else CAUSES)),
        top_band=str(rng.choice(names)) if rng.random() < 0.12 else "",
        bottom_band=str(rng.choice(names)) if rng.random() < 0.12 else "",
        emblem=str(rng.choice(INVENTED_EMBLEMS)),
        emblem_colour=str(rng.choice(names)),
        scenery=str(rng.choice(ANY_SCENE)) if rng.random() < 0.5 else "",
        header_low=bool(rng.random() < 0.2),
    )


def _repainted(rng: np.random.Generator, design: Design) -> Design:
    """The region's own design in other hands: another face, another slogan, a faded or exchanged colour."""
    place = PLACES[design.region]
    changes: dict[str, object] = {}
    if rng.random() < 0.5:
        changes["header_kind"] = str(rng.choice(_FACES))
    if rng.random() < 0.35 and not design.extra:
        changes["header"] = design.header.upper() if rng.random() < 0.5 else design.header.title()
    if rng.random() < 0.5:
        changes["slogan"] = str(rng.choice(place.sayings if rng.random() < 0.7 else CAUSES))
    if rng.random() < 0.35 and not design.top_band and COLOURS[design.ground[0]][1] > 150:
        changes["ground"] = tuple(str(rng.choice(_PALE)) for _ in design.ground)
    if (
        rng.random() < 0.25
        and COLOURS[design.serial_colour][1] < 120
        and COLOURS[design.ground[len(design.ground) // 2]][1] > 150
    ):
        changes["serial_colour"] = str(rng.choice(_INKS))
    if rng.random() < 0.3:
        changes["patterns"] = (_random_pattern(rng),)
    return replace(design, **changes)  # type: ignore[arg-type]


def _specialty(rng: np.random.Generator, design: Design) -> Design:
    """A plate of the region that looks like none of its usual ones: only its name, and often a saying, tell it."""
    place = PLACES[design.region]
    name = str(rng.choice(place.names))
    case = rng.random()
    name = name.upper() if case < 0.55 else name
    stops, ink, name_ink = _colours(rng)
    saying = str(rng.choice(place.sayings)) if rng.random() < 0.45 else str(rng.choice(CAUSES)) if rng.random() < 0.8 else ""
    return Design(
        design.region,
        name,
        str(rng.choice(_FACES)),
        name_ink,
        stops,
        ink,
        design.patterns if rng.random() < 0.5 else (_random_pattern(rng),),
        slogan=saying.upper() if rng.random() < 0.4 else saying,
        slogan_kind=str(rng.choice(_FACES)),
        slogan_box=str(rng.choice(["white", "navy", "maroon"])) if rng.random() < 0.05 else "",
        rules=str(rng.choice(_INKS)) if rng.random() < 0.06 else "",
        emblem=str(rng.choice(INVENTED_EMBLEMS)),
        emblem_colour=str(rng.choice(list(COLOURS))),
        emblem_place=str(rng.choice(["left", "left", "behind", "corner"])),
        scenery=str(rng.choice(ANY_SCENE)) if rng.random() < (0.15 if stops[0] in _DARK else 0.55) else "",
        header_low=bool(rng.random() < 0.25),
        header_x=0.5 if rng.random() < 0.7 else float(rng.uniform(0.35, 0.65)),
    )


def _render_north_american(rng: np.random.Generator, design: Design, text: str | None) -> RenderedPlate:
    motorcycle = rng.random() < 0.04
    width, height = (280, 160) if motorcycle else (320, 160)
    image = ground(rng, design.ground, width, height)
    top = height * float(rng.uniform(0.19, 0.27))
    bottom = height * float(rng.uniform(0.17, 0.24))
    if design.top_band:
        cv2.rectangle(image, (0, 0), (width, int(top)), jitter(rng, design.top_band), -1)
    if design.bottom_band:
        cv2.rectangle(image, (0, int(height - bottom * 0.85)), (width, height), jitter(rng, design.bottom_band), -1)
    if design.scenery:
        scenery(rng, image, design.scenery)
    elif rng.random() < 0.04:
        scenery(rng, image, "picture")
    pattern = str(rng.choice(design.patterns))
    if text is not None:
        tokens = fit_text(rng, pattern, text)
    elif rng.random() < 0.14:
        tokens = vanity_tokens(rng)
    else:
        tokens = with_small_letters(rng, serial_tokens(rng, pattern))
    left, right = width * float(rng.uniform(0.03, 0.06)), width * float(rng.uniform(0.94, 0.97))
    colour = _legible(jitter(rng, design.serial_colour), image)
    has_gap_emblem = any(kind == "emblem" for kind, _ in tokens)
    if design.emblem and not has_gap_emblem and (rng.random() < (0.85 if design.emblem_place else 0.7)):
        left, right = _emblem_off_serial(rng, image, design, len(tokens), left, right)
    serial_h = height * float(rng.uniform(0.40, 0.53))
    middle = (top + (height - bottom)) / 2 + float(rng.normal(0, 1.5))
    area = SerialField(left, right, middle - serial_h / 2, middle + serial_h / 2)
    serial, boxes = place_serial(rng, image, tokens, design, area, colour)
    name_top, name_end = _lettering_round_serial(rng, image, design, top, bottom)
    if rng.random() < 0.4:
        rim(rng, image, colour if rng.random() < 0.6 else (200, 200, 200))
    for fx in (0.09, 0.91):
        for fy in (0.13, 0.9):
            if rng.random() < 0.35:
                sticker(rng, image, (fx + float(rng.normal(0, 0.015))) * width, (fy + float(rng.normal(0, 0.012))) * height)
    bolts(rng, image)
    seen = name_end - name_top
    if rng.random() < 0.28:
        above, below = dealer_frame(rng, image, top * 0.95, bottom * 0.9)
        seen = min(name_end, height - below) - max(name_top, above)
    if rng.random() < 0.3:
        image = bend(rng, image, boxes)
    header_visible = name_end > name_top and seen > 0.55 * (name_end - name_top)
    return RenderedPlate(wear(rng, image), serial, design.region, boxes, header_visible)


def _emblem_off_serial(
    rng: np.random.Generator, image: Pixels, design: Design, tokens: int, left: float, right: float
) -> tuple[float, float]:
    """Draws the emblem beside the serial (which then moves over), pale behind it, or small in a corner.

    Returns the left and right limit that remain for the serial.
    """
    height, width = image.shape[:2]
    size = height * float(rng.uniform(0.35, 0.75))
    place = design.emblem_place or str(rng.choice(["left", "behind", "corner"], p=[0.5, 0.25, 0.25]))
    ink = jitter(rng, design.emblem_colour)
    if place == "left" and tokens <= 7:
        share = float(rng.uniform(0.16, 0.3 if tokens < 7 else 0.22))
        at_left = rng.random() < (0.97 if design.emblem_place else 0.8)
        centre = width * (share * 0.5 + 0.01 if at_left else 1 - share * 0.5 - 0.01)
        emblem(
            rng,
            image,
            design.emblem,
            ink,
            centre,
            height * float(rng.uniform(0.45, 0.6)),
            min(size * 1.1, width * share * 1.25),
        )
        return (width * share, right) if at_left else (left, width * (1 - share))
    if place == "corner":
        at = float(rng.choice([0.08, 0.92])) if not design.emblem_place else float(rng.uniform(0.06, 0.14))
        emblem(rng, image, design.emblem, ink, width * at, height * 0.14, height * float(rng.uniform(0.13, 0.2)))
    else:
        red, green, blue = (int(v) for v in image[height // 2, width // 2])
        pale = mix(ink, (red, green, blue), float(rng.uniform(0.45, 0.75)))
        kind = "seal" if design.emblem == "figure" else design.emblem
        emblem(rng, image, kind, pale, width * float(rng.uniform(0.2, 0.8)), height * 0.52, size)
    return left, right


def _legible(ink: Colour, image: Pixels) -> Colour:
    """`ink` for the serial, or near black or white where more than a quarter of the sheet's middle is about as bright."""
    weights = np.array([0.3, 0.59, 0.11])
    under = image[40:124:6, 12:-12:8].reshape(-1, 3) @ weights

    def lost(level: float) -> float:
        return float((np.abs(under - level) < 45).mean())

    if lost(float(np.array(ink) @ weights)) < 0.25:
        return ink
    return (28, 30, 40) if lost(31.0) <= lost(237.0) else (236, 238, 236)


def _readable(ink: Colour, image: Pixels, x: float, y: float) -> Colour:
    """`ink`, or near white or near black where the sheet at (x, y) px is about as bright as the ink."""
    height, width = image.shape[:2]
    row, column = min(max(int(y), 0), height - 1), min(max(int(x), 16), width - 17)
    under = image[row, column - 16 : column + 17].mean(axis=0)
    weights = np.array([0.3, 0.59, 0.11])
    if abs(float(under @ weights) - float(np.array(ink) @ weights)) > 55:
        return ink
    return (28, 30, 52) if float(under @ weights) > 125 else (236, 238, 236)


def _lettering_round_serial(
    rng: np.random.Generator, image: Pixels, design: Design, top: float, bottom: float
) -> tuple[int, int]:
    """Writes the region's name, the slogan and the small lines; returns the rows of the name, first and past the last."""
    height, width = image.shape[:2]
    slogan, header = design.slogan, design.header
    if slogan == COUNTY:
        slogan = str(rng.choice(COUNTIES))
    if design.header_kind == "script" and header.isupper():  # script capitals in a row can hardly be read
        header = header.title()
    name_ink = jitter(rng, design.header_colour)
    slogan_ink = jitter(rng, design.slogan_colour or (design.header_colour if rng.random() < 0.5 else design.serial_colour))
    upper_y = top / 2 + float(rng.normal(0, 1.0))
    lower_y = height - bottom / 2 + 1
    if design.rules:
        tone = jitter(rng, design.rules)
        for y in (top * 1.02, height - bottom * 0.95):
            cv2.line(image, (8, int(y)), (width - 9, int(y)), tone, int(rng.integers(1, 4)), cv2.LINE_AA)
    name_zone, slogan_zone = (bottom, top) if design.header_low else (top, bottom)
    name_y, slogan_y = (lower_y, upper_y) if design.header_low else (upper_y, lower_y)
    name_x = width * design.header_x + float(rng.normal(0, 4))
    for line in design.extra:
        small = words_mask(rng, line.kind, line.text, height * line.high * float(rng.uniform(0.85, 1.15)), width * 0.6)
        x, y = width * line.x + float(rng.normal(0, 2)), height * line.y + float(rng.normal(0, 1))
        write_name(rng, image, small, x, y, jitter(rng, line.colour))
    if slogan and rng.random() < 0.92:
        low = 0.4 if design.header_low else 0.45
        mask = words_mask(
            rng,
            design.slogan_kind or (design.header_kind if rng.random() < 0.6 else "sans"),
            slogan,
            slogan_zone * float(rng.uniform(low, 0.8)),
            width * 0.72,
        )
        if design.slogan_box:
            county(rng, image, jitter(rng, design.slogan_box), width / 2, slogan_y, mask)
        write_name(
            rng, image, mask, width / 2 + float(rng.normal(0, 3)), slogan_y, _readable(slogan_ink, image, width / 2, slogan_y)
        )
    if not header:
        return 0, 0
    room = 2 * min(design.header_x, 1 - design.header_x) * width * 0.96
    high = (
        name_zone * float(rng.uniform(0.55, 0.95)) * (1.2 if design.header_kind == "script" else 1.0)
    )  # its strokes reach far
    wide = width * (0.62 if rng.random() < 0.75 else 0.78)  # mostly between the corners' stickers
    name = words_mask(rng, design.header_kind, header, high, min(wide, room))
    return write_name(rng, image, name, name_x, name_y, _readable(name_ink, image, name_x, name_y))


def _render_european(rng: np.random.Generator, text: str | None) -> RenderedPlate:
    weights = np.array([entry[3] for entry in EUROPEAN])
    sheet, ink, patterns, _ = EUROPEAN[int(rng.choice(len(EUROPEAN), p=weights / weights.sum()))]
    pattern = str(rng.choice(patterns))
    tokens = fit_text(rng, pattern, text) if text is not None else serial_tokens(rng, pattern)
    width, height = 520, 110
    image = ground(rng, (sheet,), width, height)
    left = width * 0.03
    if rng.random() < 0.75:
        band = int(width * float(rng.uniform(0.07, 0.1)))
        cv2.rectangle(image, (0, 0), (band, height), jitter(rng, "blue"), -1)
        cv2.circle(image, (band // 2, height // 3), band // 4, jitter(rng, "gold"), 2, cv2.LINE_AA)
        mask = words_mask(
            rng, "sans", str(rng.choice(["RO", "D", "F", "GB", "NL", "E", "S", "PL", "H"])), height * 0.22, band * 0.8
        )
        blend(image, mask, band // 2 - mask.shape[1] // 2, int(height * 0.65), (235, 235, 235))
        left = band + width * 0.02
    high = height * float(rng.uniform(0.64, 0.78))
    area = SerialField(left, width * 0.975, (height - high) / 2, (height + high) / 2)
    design = Design(
        "unknown",
        "",
        "sans",
        "black",
        (sheet,),
        ink,
        patterns,
        emblem="seal",
        emblem_colour=str(rng.choice(["red", "blue", "grey", "gold"])),
    )
    serial, boxes = place_serial(rng, image, tokens, design, area, jitter(rng, ink), european=True)
    if rng.random() < 0.6:
        rim(rng, image, (30, 30, 32))
    if rng.random() < 0.3:
        cv2.rectangle(image, (0, height - int(height * 0.1)), (width, height), jitter(rng, "black"), -1)
    return RenderedPlate(wear(rng, image), serial, "unknown", boxes, False)


def render_plate(
    rng: np.random.Generator, region: str | None = None, text: str | None = None, style: str = "random"
) -> RenderedPlate:
    """Draws one plate.

    `region`: one of `REGIONS`, or None for a random one (of which 10 % are European rows and 5 % invented designs, both
    region "unknown"). `text`: the serial to show (A-Z0-9, at most 10), or None for a random one in the region's formats.
    `style`: "random", "us" (12x6 in and motorcycle plates only) or "european" (520x110 mm rows only).
    Raises ValueError for an unknown region or style or a serial that cannot be drawn.
    """
    if region is not None and region not in REGIONS:
        raise ValueError(f"draw plate: region {region!r} is none of models.train.plates.REGIONS")
    if style not in ("random", "us", "european"):
        raise ValueError(f"draw plate: style {style!r} is none of random, us, european")
    if text is not None and not (0 < len(text) <= MAX_CHARS and set(text) <= set(ALPHABET)):
        raise ValueError("draw plate: the serial must be 1 to 10 of A-Z and 0-9")
    named = region is not None and region != "unknown"
    if style == "european" or (style == "random" and not named and rng.random() < (0.5 if region == "unknown" else 0.1)):
        return _render_european(rng, text)
    if region == "unknown" or (region is None and rng.random() < INVENTED):
        return _render_north_american(rng, _random_design(rng), text)
    if region is None:
        design = DESIGNS[int(np.searchsorted(_weights(), rng.random()))]
    else:
        choices = _designs_of(region)
        weights = np.cumsum([choice.weight for choice in choices])
        design = choices[int(np.searchsorted(weights, rng.random() * weights[-1]))]
    kind = rng.random()
    if kind < 0.22:
        design = _specialty(rng, design)
    elif kind < 0.42:
        design = _repainted(rng, design)
    if kind > 0.42 and kind < 0.52:  # any picture may stand where the region's own does
        design = replace(design, emblem="figure", emblem_colour=str(rng.choice(list(COLOURS))), emblem_place="")
    return _render_north_american(rng, design, text)


def infrared(image: Pixels, rng: np.random.Generator) -> Pixels:
    """What an infra-red plate camera sees of a rendered plate: three equal channels, bright sheet, dark letters.

    The sheet is retro-reflective and pale inks are nearly clear in infra-red, so ground and pictures go to bright grey
    while dark inks stay dark; white letters on a dark sheet stay white.
    """
    weights = rng.dirichlet(np.array([6.0, 3.0, 1.0])).astype(np.float32)  # red carries most of what near infra-red shows
    grey = cv2.transform(image, weights[None, :])
    level = float(rng.uniform(95, 140))
    table = 255.0 / (1.0 + np.exp(-(np.arange(256) - level) / float(rng.uniform(12, 30))))
    low, high = float(rng.uniform(15, 70)), float(rng.uniform(190, 255))
    table = low + (high - low) * table / 255.0
    single = cv2.LUT(grey, np.clip(table, 0, 255).astype(np.uint8))
    return np.repeat(single[:, :, None] if single.ndim == 2 else single, 3, axis=2)


def contact_sheet(region: str | None, seed: int) -> Pixels:
    """56 plates at 200 px, seven in a row, uint8 RGB: of one region, or of all regions in turn."""
    rng = np.random.default_rng(seed)
    first = 56 * seed % len(REGIONS)
    tiles = []
    for k in range(56):
        plate = render_plate(rng, region=region or REGIONS[(first + k) % len(REGIONS)], style="us")
        tile = np.full((118, 204, 3), 255 if plate.header_visible else 190, np.uint8)
        tile[16:116, 2:202] = cv2.resize(plate.image, (200, 100), interpolation=cv2.INTER_AREA)
        cv2.putText(tile, f"{plate.region} {plate.text}", (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
        tiles.append(tile)
    return np.vstack([np.hstack(tiles[i : i + 7]) for i in range(0, 56, 7)])


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws a contact sheet; a grey margin marks a hidden name.")
    parser.add_argument("out", help="the PNG file to write")
    parser.add_argument("--region", choices=REGIONS, help="all regions in turn where left out")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cv2.imwrite(options.out, cv2.cvtColor(contact_sheet(options.region, options.seed), cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
