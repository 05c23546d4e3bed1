"""Renders licence plates: the training material of the recognizer, the detector's scenes and the demo clip.

    plate = render_plate(np.random.default_rng(7), region="US-CT")
    plate.image   # uint8 RGB, 320x160 for a 12x6 in plate
    plate.text    # "251RGF": the serial alone, A-Z0-9, no separators, no small stacked letters

Every picture is drawn from facts (`formats`), free fonts (`fonts`, optional) and our own strokes (`strokes`); nothing is
cut from a photograph. About 3 ms a plate on one core.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.formats import COLOURS, DEALERS, DESIGNS, EUROPEAN, REGIONS, Design
from models.train.plates_around import bend, bolts, dealer_frame, rim, sticker, wear
from models.train.plates_art import emblem, ground, scenery
from models.train.plates_ink import ALPHABET, Pixels, blend, jitter, mix, words_mask
from models.train.plates_serial import SerialField, fit_text, place_serial, serial_tokens, vanity_tokens, with_small_letters

__all__ = ["ALPHABET", "REGIONS", "RenderedPlate", "infrared", "render_plate"]

MAX_CHARS = 10
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
    weight = np.array([design.weight for design in DESIGNS])
    return np.cumsum(weight / weight.sum())


@functools.lru_cache(maxsize=128)
def _designs_of(region: str) -> tuple[Design, ...]:
    return tuple(design for design in DESIGNS if design.region == region)


def _random_design(rng: np.random.Generator) -> Design:
    """An invented design: random colours and words, so that no ground or emblem is new to the reader later."""
    names = list(COLOURS)
    stops = [
        str(
            rng.choice(
                ["white", "cream", "ice", "pale", "lemon", "mint", "sky", "pink", "lilac", "peach", "gold", "yellow", "silver"]
            )
        )
        for _ in range(int(rng.integers(1, 4)))
    ]
    ink = str(rng.choice(["black", "navy", "blue", "maroon", "red", "green", "forest", "purple", "brown", "teal"]))
    if rng.random() < 0.2:
        stops, ink = (
            [str(rng.choice(["navy", "black", "green", "blue", "maroon", "teal", "royal", "red"]))],
            str(rng.choice(["white", "yellow", "gold", "cream"])),
        )
    count = int(rng.choice([3, 4, 5, 6, 7, 8], p=[0.08, 0.1, 0.17, 0.3, 0.28, 0.07]))
    pattern = "".join(str(rng.choice(["L", "N"])) for _ in range(count))
    if rng.random() < 0.75:
        cut = int(rng.integers(1, count))
        pattern = pattern[:cut] + str(rng.choice(["-", ".", " ", "*", "*", " "])) + pattern[cut:]
    if rng.random() < 0.15:
        pattern = "[?]" + pattern if rng.random() < 0.6 else pattern + "[?]"
    scenes = ["", "", "mountains", "hills", "waves", "city", "picture", "picture", "plane", "rainbow", "desert"]
    return Design(
        "unknown",
        str(rng.choice(DEALERS)),
        str(rng.choice(["sans", "serif", "script"])),
        str(rng.choice(names)),
        tuple(stops),
        ink,
        (pattern,),
        slogan=str(rng.choice(DEALERS)),
        top_band=str(rng.choice(names)) if rng.random() < 0.2 else "",
        bottom_band=str(rng.choice(names)) if rng.random() < 0.15 else "",
        emblem=str(rng.choice(INVENTED_EMBLEMS)),
        emblem_colour=str(rng.choice(names)),
        scenery=str(rng.choice(scenes)),
        header_low=bool(rng.random() < 0.2),
    )


def _render_north_american(rng: np.random.Generator, design: Design, text: str | None) -> RenderedPlate:
    motorcycle = rng.random() < 0.04
    width, height = (280, 160) if motorcycle else (320, 160)
    image = ground(rng, design.ground, width, height)
    if design.scenery:
        scenery(rng, image, design.scenery)
    elif rng.random() < 0.04:
        scenery(rng, image, "picture")
    top = height * float(rng.uniform(0.19, 0.27))
    bottom = height * float(rng.uniform(0.17, 0.24))
    if design.top_band:
        cv2.rectangle(image, (0, 0), (width, int(top)), jitter(rng, design.top_band), -1)
    if design.bottom_band:
        cv2.rectangle(image, (0, int(height - bottom * 0.85)), (width, height), jitter(rng, design.bottom_band), -1)
    pattern = str(rng.choice(design.patterns))
    if text is not None:
        tokens = fit_text(rng, pattern, text)
    elif rng.random() < 0.14:
        tokens = vanity_tokens(rng)
    else:
        tokens = with_small_letters(rng, serial_tokens(rng, pattern))
    left, right = width * float(rng.uniform(0.03, 0.06)), width * float(rng.uniform(0.94, 0.97))
    colour = jitter(rng, design.serial_colour)
    has_gap_emblem = any(kind == "emblem" for kind, _ in tokens)
    if design.emblem and not has_gap_emblem and rng.random() < 0.7:
        left, right = _emblem_off_serial(rng, image, design, len(tokens), left, right)
    serial_h = height * float(rng.uniform(0.40, 0.53))
    middle = (top + (height - bottom)) / 2 + float(rng.normal(0, 1.5))
    area = SerialField(left, right, middle - serial_h / 2, middle + serial_h / 2)
    serial, boxes = place_serial(rng, image, tokens, design, area, colour)
    _lettering_round_serial(rng, image, design, top, bottom)
    header_visible = True
    if rng.random() < 0.4:
        rim(rng, image, colour if rng.random() < 0.6 else (200, 200, 200))
    for fx in (0.09, 0.91):
        for fy in (0.13, 0.9):
            if rng.random() < 0.35:
                sticker(rng, image, fx * width, fy * height)
    bolts(rng, image)
    if rng.random() < 0.28:
        header_visible = not dealer_frame(rng, image, top * 0.95, bottom * 0.9)
    if rng.random() < 0.3:
        image = bend(rng, image, boxes)
    return RenderedPlate(wear(rng, image), serial, design.region, boxes, header_visible)


def _emblem_off_serial(
    rng: np.random.Generator, image: Pixels, design: Design, tokens: int, left: float, right: float
) -> tuple[float, float]:
    """Draws the emblem beside the serial (which then moves over), pale behind it, or small in a corner.

    Returns the left and right limit that remain for the serial.
    """
    height, width = image.shape[:2]
    size = height * float(rng.uniform(0.35, 0.75))
    place = rng.random()
    ink = jitter(rng, design.emblem_colour)
    if place < 0.5 and tokens <= 7:
        share = float(rng.uniform(0.16, 0.3 if tokens < 7 else 0.22))
        at_left = rng.random() < 0.8
        centre = width * (share * 0.5 + 0.01 if at_left else 1 - share * 0.5 - 0.01)
        emblem(rng, image, design.emblem, ink, centre, height * float(rng.uniform(0.45, 0.6)), min(size, width * share))
        return (width * share, right) if at_left else (left, width * (1 - share))
    if place < 0.75:
        red, green, blue = (int(v) for v in image[height // 2, width // 2])
        pale = mix(ink, (red, green, blue), float(rng.uniform(0.45, 0.75)))
        kind = "seal" if design.emblem == "figure" else design.emblem
        emblem(rng, image, kind, pale, width * float(rng.uniform(0.2, 0.8)), height * 0.52, size)
    else:
        emblem(rng, image, design.emblem, ink, width * float(rng.choice([0.08, 0.92])), height * 0.14, height * 0.16)
    return left, right


def _lettering_round_serial(rng: np.random.Generator, image: Pixels, design: Design, top: float, bottom: float) -> None:
    height, width = image.shape[:2]
    above, below = (design.slogan, design.header) if design.header_low else (design.header, design.slogan)
    name_colour = jitter(rng, design.header_colour)
    slogan_colour = name_colour if rng.random() < 0.5 else jitter(rng, design.serial_colour)
    if design.bottom_band and not design.header_low:
        slogan_colour = (235, 235, 235) if sum(COLOURS[design.bottom_band]) < 330 else (30, 30, 60)
    upper = words_mask(rng, design.header_kind, above, top * float(rng.uniform(0.6, 0.95)), width * 0.72)
    blend(
        image,
        upper,
        int(width / 2 - upper.shape[1] / 2 + rng.normal(0, 3)),
        max(1, int(top / 2 - upper.shape[0] / 2)),
        slogan_colour if design.header_low else name_colour,
    )
    if below and rng.random() < 0.92:
        lower = words_mask(
            rng,
            design.header_kind if rng.random() < 0.6 else "sans",
            below,
            bottom * float(rng.uniform(0.45, 0.8)),
            width * 0.72,
        )
        blend(
            image,
            lower,
            int(width / 2 - lower.shape[1] / 2),
            int(height - bottom / 2 - lower.shape[0] / 2 + 1),
            name_colour if design.header_low else slogan_colour,
        )


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

    `region`: one of `REGIONS`, or None for a random one (of which 10 % are European rows and 14 % invented designs, both
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
    if region == "unknown" or (region is None and rng.random() < 0.14):
        return _render_north_american(rng, _random_design(rng), text)
    if region is None:
        design = DESIGNS[int(np.searchsorted(_weights(), rng.random()))]
    else:
        choices = _designs_of(region)
        design = choices[int(rng.integers(len(choices)))]
    if rng.random() < 0.3:  # any picture may stand where the region's own does
        design = replace(design, emblem="figure", emblem_colour=str(rng.choice(list(COLOURS))))
    elif rng.random() < 0.06:  # a specialty plate: the region's name and colours, other pictures
        design = replace(
            design,
            scenery=str(rng.choice(["picture", "waves", "mountains"])),
            emblem=str(rng.choice(["seal", "blob", "bird", "shield"])),
        )
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
