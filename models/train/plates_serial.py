"""The serial of a plate: what it says and how it is struck into the sheet."""

from __future__ import annotations

import string
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.fonts import families
from models.train.formats import SMALL_PAIRS, WORDS, Design
from models.train.plates_art import emblem
from models.train.plates_ink import ALPHABET, Colour, Pixels, blend, jitter, mix, type_glyph
from models.train.strokes import Die, british_die, draw_glyph, random_die

Token = tuple[str, str]  # ("char", "A"), ("gap", "-"), ("small", "CT"), ("emblem", "") the design's, ("emblem", "wheelchair")


def serial_tokens(rng: np.random.Generator, pattern: str) -> list[Token]:
    """Expands a serial pattern of `formats` into what stands on one plate."""
    tokens: list[Token] = []
    i = 0
    while i < len(pattern):
        sign = pattern[i]
        if sign == "!":
            i += 1
            tokens.append(("char", pattern[i]))
        elif sign == "[":
            end = pattern.index("]", i)
            inner = pattern[i + 1 : end]
            if set(inner) == {"N"}:
                inner = "".join(string.digits[int(i)] for i in rng.integers(0, 10, len(inner)))
            elif "?" in inner or inner == "NL":
                inner = str(rng.choice(SMALL_PAIRS))
            tokens.append(("small", inner))
            i = end
        elif sign == "L":
            tokens.append(("char", string.ascii_uppercase[int(rng.integers(26))]))
        elif sign == "N":
            tokens.append(("char", string.digits[int(rng.integers(10))]))
        elif sign == "*":
            tokens.append(("emblem", ""))
        elif sign in "-. ":
            tokens.append(("gap", sign))
        else:
            tokens.append(("char", sign))
        i += 1
    return tokens


def vanity_tokens(rng: np.random.Generator) -> list[Token]:
    kind = rng.random()
    if kind < 0.25:
        text = str(rng.choice(WORDS))
    else:
        count = int(rng.choice([2, 3, 4, 5, 6, 7, 8], p=[0.08, 0.16, 0.2, 0.2, 0.16, 0.14, 0.06]))
        letters = rng.random() < 0.6
        pool = string.ascii_uppercase if letters else ALPHABET
        text = "".join(pool[int(i)] for i in rng.integers(0, len(pool), count))
    tokens: list[Token] = [("char", c) for c in text]
    if len(tokens) > 3 and rng.random() < 0.25:
        tokens.insert(int(rng.integers(2, len(tokens) - 1)), ("gap", str(rng.choice(["-", " ", "."]))))
    return tokens


def with_small_letters(rng: np.random.Generator, tokens: list[Token]) -> list[Token]:
    """One plate in nine gets a small stacked group (a plate type, a county number) before or after its serial, some others
    the sign of access."""
    if rng.random() < 0.02 and len(tokens) < 8:
        sign: Token = ("emblem", "wheelchair")
        return [sign, *tokens] if rng.random() < 0.5 else [*tokens, sign]
    if rng.random() > 0.11 or len(tokens) > 8 or any(kind == "small" for kind, _ in tokens):
        return tokens
    pool = ALPHABET if rng.random() < 0.6 else string.digits
    value = str(rng.choice(SMALL_PAIRS)) if rng.random() < 0.4 else "".join(pool[int(i)] for i in rng.integers(0, len(pool), 2))
    if rng.random() < 0.2:
        value = str(rng.choice(["TRK", "DLR", "TRL", "APP", "VET", "PRP", "MUN"]))
    group: list[Token] = [("small", value)]
    return group + tokens if rng.random() < 0.65 else tokens + group


def fit_text(rng: np.random.Generator, pattern: str, text: str) -> list[Token]:
    """The given serial, with the pattern's separators where the counts agree."""
    shape = serial_tokens(rng, pattern)
    if sum(kind == "char" for kind, _ in shape) != len(text):
        return [("char", c) for c in text]
    letters = iter(text)
    return [("char", next(letters)) if kind == "char" else (kind, value) for kind, value in shape]


@dataclass(frozen=True)
class _Lettering:
    """How the serial is drawn on one plate: our dies or a type font, size, stretch, relief."""

    die: Die | None
    font: str
    height: float
    relief: int
    serifs: dict[str, float]  # how far the slab serifs of a type font's I and 1 reach, in letter widths; 0 is none


def _lettering(rng: np.random.Generator, height: float, european: bool) -> _Lettering:
    fonts = families("serial")
    use_die = not fonts or rng.random() < (0.45 if european else 0.6)
    die = None
    if use_die:
        die = british_die(rng) if european and rng.random() < 0.6 else random_die(rng)
    font = "" if use_die else fonts[int(rng.integers(len(fonts)))]
    # Plate dies tell I from 1 by slabs; most type fonts do not.
    slab, foot = (0.1, 0.1) if european else (0.6, 0.35)
    serifs = {"I": float(rng.uniform(0.45, 0.9)) if rng.random() < slab else 0.0, "1": 0.6 if rng.random() < foot else 0.0}
    return _Lettering(die, font, height, int(rng.choice([0, 1, 2], p=[0.4, 0.35, 0.25])), serifs)


def _glyph_mask(style: _Lettering, char: str, letter_width: float, height: float) -> Pixels:
    if style.die is not None:
        return draw_glyph(style.die, char, letter_width, height)
    mask, ratio = type_glyph(style.font, char)
    reference = type_glyph(style.font, "H")[1]
    width = letter_width * min(max(ratio / reference, 0.2), 1.3)
    shape = cv2.resize(mask, (max(2, round(width)), max(2, round(height))), interpolation=cv2.INTER_AREA)
    return _with_slabs(shape, round(letter_width * style.serifs.get(char, 0.0)), char == "I")


def _with_slabs(shape: Pixels, wide: int, above: bool) -> Pixels:
    """The letter on a foot `wide` px across, and under a bar as wide where `above`; unchanged where it is wider itself."""
    if wide <= shape.shape[1] + 2:
        return shape
    left = (wide - shape.shape[1]) // 2
    canvas = np.zeros((shape.shape[0], wide), np.uint8)
    canvas[:, left : left + shape.shape[1]] = shape
    thick = max(1, shape.shape[0] // 8)
    canvas[-thick:] = 255
    if above:
        canvas[:thick] = 255
    return canvas


def _stamp(image: Pixels, mask: Pixels, x: int, y: int, colour: Colour, relief: int) -> None:
    """Paints one embossed letter: a light edge up left and a shadow down right, then the ink."""
    if relief:
        base = image[min(max(y, 0), image.shape[0] - 1), min(max(x, 0), image.shape[1] - 1)]
        light, dark = (
            mix((int(base[0]), int(base[1]), int(base[2])), (255, 255, 255), 0.6),
            mix((int(base[0]), int(base[1]), int(base[2])), (0, 0, 0), 0.45),
        )
        blend(image, mask, x + relief, y + relief, dark, 0.6)
        blend(image, mask, x - relief, y - relief, light, 0.7)
    blend(image, mask, x, y, colour)


@dataclass(frozen=True)
class SerialField:
    """The part of the plate the serial may take, pixels."""

    left: float
    right: float
    top: float
    bottom: float


def _fit_letters(
    style: _Lettering, tokens: list[Token], wide: list[float], letter: float, monospaced: bool
) -> tuple[list[Pixels | None], list[float]]:
    """Masks of the characters and widths of all tokens for a full letter `letter` px wide; `wide` in letters."""
    masks = [_glyph_mask(style, value, letter, style.height) if kind == "char" else None for kind, value in tokens]
    widths = []
    for own, mask in zip(wide, masks, strict=True):
        drawn = 0.0 if mask is None else float(mask.shape[1])
        widths.append(letter * own if mask is None else max(letter * own, drawn) if monospaced else drawn)
    return masks, widths


def _separator(image: Pixels, sign: str, x: float, y: float, width: float, thick: int, colour: Colour) -> None:
    """A dash or a dot centred at (x, y); a space is nothing."""
    if sign == "-":
        cv2.line(image, (int(x - width * 0.3), int(y)), (int(x + width * 0.3), int(y)), colour, thick, cv2.LINE_AA)
    elif sign == ".":
        cv2.circle(image, (int(x), int(y)), thick, colour, -1, cv2.LINE_AA)


def _stack(image: Pixels, style: _Lettering, value: str, letter: float, x: float, field: SerialField, colour: Colour) -> None:
    """Two or three small characters one below the other, left edge at `x`."""
    height = field.bottom - field.top
    share, pitch = (0.42, 0.56) if len(value) < 3 else (0.29, 0.35)
    for row, char in enumerate(value[:3]):
        small = _glyph_mask(style, char, letter * 0.5, height * share)
        blend(image, small, int(x + 1), int(field.top + row * height * pitch), colour)


def place_serial(
    rng: np.random.Generator,
    image: Pixels,
    tokens: list[Token],
    design: Design,
    field: SerialField,
    colour: Colour,
    european: bool = False,
) -> tuple[str, NDArray[np.float32]]:
    """Draws the serial centred in `field`; returns the text and the boxes of its characters."""
    height = field.bottom - field.top
    style = _lettering(rng, height, european)
    ratio = float(rng.uniform(0.40, 0.62)) if not european else float(rng.uniform(0.48, 0.66))
    spacing = float(rng.uniform(0.10, 0.34))
    gap_widths = {" ": float(rng.uniform(0.35, 0.9)), "-": float(rng.uniform(0.5, 0.8)), ".": float(rng.uniform(0.4, 0.7))}
    emblem_units = float(rng.uniform(0.8, 1.7))

    def units(token: Token) -> float:
        kind, value = token
        return {"char": 1.0, "gap": gap_widths.get(value, 0.5), "small": 0.6, "emblem": emblem_units}[kind]

    wide = [units(token) for token in tokens]
    room = field.right - field.left
    letter = min(height * ratio, room / (sum(wide) + spacing * (len(tokens) - 1)))
    monospaced = rng.random() < 0.55
    masks, widths = _fit_letters(style, tokens, wide, letter, monospaced)
    for _ in range(4):  # M, W and Q are wider than a letter, so a full row may still overflow
        run = sum(widths) + letter * spacing * (len(tokens) - 1)
        if run <= room:
            break
        letter *= 0.99 * room / run
        masks, widths = _fit_letters(style, tokens, wide, letter, monospaced)
    step = letter * spacing
    run = sum(widths) + step * (len(tokens) - 1)
    slack = room - run
    x = field.left + slack * (0.5 if rng.random() < 0.85 else float(rng.uniform(0.1, 0.9)))
    text, boxes = "", []
    for (sort, value), mask, width in zip(tokens, masks, widths, strict=True):
        middle, centre_y = x + width / 2, (field.top + field.bottom) / 2
        if mask is not None:
            left, top = round(middle - mask.shape[1] / 2), round(field.top)
            _stamp(image, mask, left, top, colour, style.relief)
            boxes.append((left, top, mask.shape[1], mask.shape[0]))
            text += value
        elif sort == "gap":
            thick = max(2, round(height * float(rng.uniform(0.07, 0.13)))) if value != " " else 0
            _separator(image, value, middle, centre_y, width, thick, colour)
        elif sort == "small":
            _stack(image, style, value, letter, x, field, colour)
        elif sort == "emblem":
            kind = value or design.emblem or "outline"
            slim = kind in ("pine", "pinebird", "palm", "tower", "lighthouse", "torch", "figure", "rider")
            size = min(width * 1.8, height * 1.6) if slim else min(width * 1.2, height * 1.1)
            emblem(rng, image, kind, jitter(rng, design.emblem_colour), middle, centre_y, size)
        x += width + step
    return text, np.array(boxes, np.float32).reshape(-1, 4)
