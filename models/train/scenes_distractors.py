"""Things that look like plates and are none: signs, stickers, badges, grilles, stamps, lamps, number boards.

Each function draws one object with its own transparency; `models.train.scenes` puts it into a picture. What separates
all of them from a plate: no single row of serial characters inside a rectangle of a plate's proportions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.train import fonts

Grey = NDArray[np.uint8]

_WORDS = (
    "SALE OPEN MOTORS PARKING ONLY EXIT BANK CAFE HOTEL PIZZA TAXI POLICE SCHOOL ZONE AHEAD ROAD WORK WELCOME TIRES AUTO "
    "SERVICE CENTER RENT FREE CITY MARKET PHARMACY DELIVERY EXPRESS FARM BABY ON BOARD PROUD PARENT HONOR STUDENT VOTE "
    "LOCAL MUSIC COFFEE GARDEN TOURS CLINIC COLLEGE UNION STADIUM FIRE RESCUE CAUTION WIDE TURNS HOW AM I DRIVING"
)
_BADGES = (
    "TURBO SPORT LIMITED HYBRID AWD 4X4 V6 V8 GT RS LX SE XLT GLS EX-L 2.0T 3.5 QUATTRO TDI HEMI PREMIUM CLASSIC DIESEL "
    "ELECTRIC TITAN RANGER COMET NOVA 1500 2500 HD 330 520d C200 ES350 Z71 OFF-ROAD SUPERCHARGED"
)
WORDS, BADGES = _WORDS.split(), _BADGES.split()
SIGNS = (
    ("SPEED", "LIMIT", "35"), ("SPEED", "LIMIT", "55"), ("NO", "PARKING"), ("ONE WAY",), ("STOP",), ("YIELD",), ("EXIT", "24"),
    ("NO", "TURN", "ON RED"), ("ROAD", "CLOSED"), ("SCHOOL", "20", "MPH"), ("WEST", "90"), ("KEEP", "RIGHT"), ("60",), ("30",),
    ("BUS", "LANE"), ("DETOUR",), ("NO", "OUTLET"), ("TOW", "AWAY", "ZONE"), ("2 HR", "PARKING", "8AM-6PM"),
)  # fmt: skip


@dataclass(frozen=True)
class Patch:
    """A drawn object: grey levels and opacity, both (h, w) uint8; `level` ones are on the screen, not in the world."""

    grey: Grey
    alpha: Grey
    level: bool = False


@functools.lru_cache(maxsize=400)
def _font(kind: str, index: int, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    paths = fonts.families(kind)
    if not paths:
        return ImageFont.load_default(size)
    return ImageFont.truetype(paths[index % len(paths)], size)


def text_mask(rng: np.random.Generator, text: str, kind: str | None = None, size: int = 48) -> Grey:
    """The text in a random font as a tight mask about `size` px high."""
    kind = kind or str(rng.choice(("serial", "sans", "serif", "script", "sans")))
    font = _font(kind, int(rng.integers(1000)), size)
    left, top, right, bottom = font.getbbox(text)
    canvas = Image.new("L", (max(2, int(right - left) + 2), max(2, int(bottom - top) + 2)))
    ImageDraw.Draw(canvas).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(canvas)


def _tones(rng: np.random.Generator) -> tuple[int, int]:
    """Grey levels of ground and ink, far enough apart to be read."""
    light, dark = int(rng.integers(140, 256)), int(rng.integers(0, 110))
    return (light, dark) if rng.random() < 0.6 else (dark, light)


def _stack(rng: np.random.Generator, lines: list[str], ground: int, ink: int, pad: float) -> Grey:
    """Lines of text one under the other, centred on a plain ground."""
    kind = str(rng.choice(("serial", "sans", "serif", "sans")))
    masks = [text_mask(rng, line, kind, int(rng.integers(24, 56))) for line in lines]
    gap = int(rng.integers(3, 14))
    margin = int(pad * max(mask.shape[0] for mask in masks)) + 2
    width = max(mask.shape[1] for mask in masks) + 2 * margin
    height = sum(mask.shape[0] for mask in masks) + gap * (len(masks) - 1) + 2 * margin
    grey = np.full((height, width), ground, np.float32)
    y = margin
    for mask in masks:
        x = (width - mask.shape[1]) // 2
        part = grey[y : y + mask.shape[0], x : x + mask.shape[1]]
        part += (ink - part) * (mask / np.float32(255))
        y += mask.shape[0] + gap
    return grey.astype(np.uint8)


def _solid(grey: Grey) -> Grey:
    return np.full(grey.shape, 255, np.uint8)


def _words(rng: np.random.Generator, low: int, high: int) -> list[str]:
    words = [str(word) for word in rng.choice(WORDS, int(rng.integers(low, high)))]
    return [word.title() for word in words] if rng.random() < 0.4 else words


def road_sign(rng: np.random.Generator) -> Patch:
    """A rectangular, round, triangular or eight-sided traffic sign."""
    ground, ink = _tones(rng)
    lines = list(SIGNS[int(rng.integers(len(SIGNS)))])
    grey = _stack(rng, lines, ground, ink, float(rng.uniform(0.2, 0.9)))
    shape = int(rng.integers(4))
    if shape == 0:
        cv2.rectangle(grey, (2, 2), (grey.shape[1] - 3, grey.shape[0] - 3), ink, int(rng.integers(1, 5)))
        return Patch(grey, _solid(grey))
    side = int(max(grey.shape) * (1.25 if shape < 3 else 1.7))
    canvas = np.full((side, side), ground, np.uint8)
    y, x = (side - grey.shape[0]) // 2, (side - grey.shape[1]) // 2
    canvas[y : y + grey.shape[0], x : x + grey.shape[1]] = grey
    corners = {1: 40, 2: 8, 3: 3}[shape]
    turn = np.arange(corners) * 2 * np.pi / corners + (np.pi / 8 if corners == 8 else np.pi / 2)
    outline = (side / 2 + side / 2 * 0.98 * np.stack([np.cos(turn), np.sin(turn)], 1)).astype(np.int32)
    alpha = np.zeros_like(canvas)
    cv2.fillPoly(alpha, [outline], 255)
    cv2.polylines(canvas, [outline], True, ink, int(rng.integers(2, max(3, side // 10))))
    return Patch(canvas, alpha)


def sticker(rng: np.random.Generator) -> Patch:
    """A bumper sticker: words, usually several lines, or one long line."""
    ground, ink = _tones(rng)
    rows = int(rng.integers(1, 4))
    lines = [" ".join(_words(rng, 2, 5)) for _ in range(rows)]
    return Patch(*(lambda grey: (grey, _solid(grey)))(_stack(rng, lines, ground, ink, float(rng.uniform(0.1, 0.6)))))


def shop_sign(rng: np.random.Generator) -> Patch:
    """Lettering on a facade, van side or dealer frame: one or two words, with or without a board."""
    ground, ink = _tones(rng)
    grey = _stack(rng, [" ".join(_words(rng, 1, 4))], ground, ink, float(rng.uniform(0.1, 0.7)))
    return Patch(grey, _solid(grey))


def badge(rng: np.random.Generator) -> Patch:
    """Chrome letters straight on the body: no rectangle round them."""
    mask = text_mask(rng, str(rng.choice(BADGES)), None, 48)
    tone = int(rng.choice((rng.integers(0, 60), rng.integers(150, 256))))
    grey = np.full(mask.shape, tone, np.uint8)
    return Patch(grey, mask)


def emblem(rng: np.random.Generator) -> Patch:
    """A maker's oval or ring with a word or a mark in it."""
    width, height = int(rng.integers(60, 160)), int(rng.integers(50, 80))
    ground, ink = _tones(rng)
    grey, alpha = np.full((height, width), ground, np.uint8), np.zeros((height, width), np.uint8)
    centre, axes = (width // 2, height // 2), (width // 2 - 2, height // 2 - 2)
    cv2.ellipse(alpha, centre, axes, 0, 0, 360, 255, -1)
    cv2.ellipse(grey, centre, axes, 0, 0, 360, ink, int(rng.integers(2, 9)))
    if rng.random() < 0.6:
        mask = cv2.resize(text_mask(rng, str(rng.choice(BADGES + WORDS))), (width * 2 // 3, height // 3))
        y, x = height // 3, width // 6
        part = grey[y : y + mask.shape[0], x : x + mask.shape[1]]
        part[mask > 128] = ink
    else:
        for _ in range(int(rng.integers(1, 4))):
            a, b = rng.integers(0, (width, height), (2, 2))
            cv2.line(grey, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), ink, int(rng.integers(2, 8)))
    return Patch(grey, alpha)


def grille(rng: np.random.Generator) -> Patch:
    """Bars or a mesh in a dark recess."""
    width, height = int(rng.integers(120, 320)), int(rng.integers(30, 130))
    ground, ink = int(rng.integers(0, 60)), int(rng.integers(60, 240))
    grey = np.full((height, width), ground, np.uint8)
    step, thick = int(rng.integers(6, 28)), int(rng.integers(1, 6))
    if rng.random() < 0.7:
        grey[(np.arange(height) % step) < thick] = ink
    if rng.random() < 0.6:
        grey[:, (np.arange(width) % (step * int(rng.integers(1, 3)))) < thick] = ink
    if rng.random() < 0.5:
        cv2.rectangle(grey, (0, 0), (width - 1, height - 1), ink, int(rng.integers(1, 8)))
    if rng.random() < 0.3:
        cv2.circle(grey, (width // 2, height // 2), height // 3, ink, int(rng.integers(2, 10)))
    alpha = np.zeros_like(grey)
    inset = int(rng.integers(0, max(1, width // 6)))
    outline = np.array([[0, 0], [width - 1, 0], [width - 1 - inset, height - 1], [inset, height - 1]], np.int32)
    cv2.fillPoly(alpha, [outline], 255)
    return Patch(grey, alpha)


def lamp(rng: np.random.Generator) -> Patch:
    """A head or tail lamp, a fog lamp, a lit window: a bright blob with structure and no characters."""
    width, height = int(rng.integers(40, 200)), int(rng.integers(30, 90))
    grey = np.full((height, width), int(rng.integers(60, 220)), np.uint8)
    for _ in range(int(rng.integers(1, 6))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(rng.integers(4, width // 2 + 5)), int(rng.integers(4, height // 2 + 5)))
        cv2.ellipse(grey, centre, axes, float(rng.uniform(0, 180)), 0, 360, int(rng.integers(30, 256)), -1)
    for x in rng.integers(0, width, int(rng.integers(0, 6))):
        cv2.line(grey, (int(x), 0), (int(x), height), int(rng.integers(30, 220)), int(rng.integers(1, 4)))
    grey = cv2.GaussianBlur(grey, (0, 0), float(rng.uniform(0.5, 4))).astype(np.uint8)
    alpha = np.zeros_like(grey)
    points = np.stack([rng.uniform(0, width, 8), rng.uniform(0, height, 8)], 1).astype(np.int32)
    cv2.fillConvexPoly(alpha, cv2.convexHull(points), 255)
    return Patch(grey, alpha)


def fog_lamp(rng: np.random.Generator) -> Patch:
    """A bright rectangle with a bulb or ribs, set in a dark recess: the shape of a plate, and no characters."""
    width, height = int(rng.integers(80, 160)), int(rng.integers(50, 90))
    rim = int(rng.integers(6, 26))
    grey = np.full((height + 2 * rim, width + 2 * rim), int(rng.integers(5, 90)), np.uint8)
    face = np.full((height, width), int(rng.integers(110, 240)), np.float32)
    coarse = rng.normal(0, rng.uniform(5, 40), (int(rng.integers(3, 9)), int(rng.integers(4, 14)))).astype(np.float32)
    face += cv2.resize(coarse, (width, height), interpolation=int(rng.choice((cv2.INTER_NEAREST, cv2.INTER_CUBIC))))
    if rng.random() < 0.5:
        cv2.circle(face, (width // 2, height // 2), height // int(rng.integers(3, 7)), float(rng.uniform(20, 255)), -1)
    grey[rim:-rim, rim:-rim] = np.clip(face, 0, 255).astype(np.uint8)
    return Patch(grey, _solid(grey))


def light_bar(rng: np.random.Generator) -> Patch:
    """A third brake lamp, a neon tube, a reflector: a long evenly lit bar."""
    width, height = int(rng.integers(140, 300)), int(rng.integers(18, 60))
    alpha = np.zeros((height + 8, width + 8), np.uint8)
    radius = height // 2 if rng.random() < 0.7 else 2
    cv2.rectangle(alpha, (4 + radius, 4), (4 + width - radius, 4 + height), 255, -1)
    cv2.rectangle(alpha, (4, 4 + radius), (4 + width, 4 + height - radius), 255, -1)
    for x in (4 + radius, 4 + width - radius):
        cv2.circle(alpha, (x, 4 + height // 2), radius, 255, -1)
    if rng.random() < 0.5:
        alpha = cv2.GaussianBlur(alpha, (0, 0), float(rng.uniform(1, 5))).astype(np.uint8)
    return Patch(np.full(alpha.shape, int(rng.integers(190, 256)), np.uint8), alpha)


def arrows(rng: np.random.Generator) -> Patch:
    """A board of chevrons or one arrow, as bends and diversions have."""
    width, height = int(rng.integers(100, 260)), int(rng.integers(50, 110))
    ground, ink = _tones(rng)
    grey = np.full((height, width), ground, np.uint8)
    count = int(rng.integers(1, 6))
    thick = max(3, int(width / count * rng.uniform(0.2, 0.45)))
    reach = int(height * rng.uniform(0.2, 0.5)) * int(rng.choice((-1, 1)))
    for index in range(count):
        x = int((index + 0.5) * width / count)
        points = np.array([[x - reach, 4], [x, height // 2], [x - reach, height - 4]], np.int32)
        cv2.polylines(grey, [points], False, ink, thick)
    cv2.rectangle(grey, (1, 1), (width - 2, height - 2), ink if rng.random() < 0.5 else ground, int(rng.integers(1, 7)))
    return Patch(grey, _solid(grey))


def windows(rng: np.random.Generator) -> Patch:
    """A facade's windows, vents or a fence: rectangles in rows and columns."""
    rows, columns = int(rng.integers(1, 5)), int(rng.integers(2, 9))
    cell_w, cell_h = int(rng.integers(12, 40)), int(rng.integers(12, 50))
    ground, ink = _tones(rng)
    grey = np.full((rows * cell_h, columns * cell_w), ground, np.uint8)
    inset = int(rng.integers(2, max(3, cell_w // 4)))
    for row in range(rows):
        for column in range(columns):
            tone = int(np.clip(ink + rng.normal(0, 20), 0, 255))
            x, y = column * cell_w, row * cell_h
            cv2.rectangle(grey, (x + inset, y + inset), (x + cell_w - inset, y + cell_h - inset), tone, -1)
    return Patch(grey, _solid(grey))


def stamp(rng: np.random.Generator) -> Patch:
    """A camera's burnt-in date, time or name, with or without a strip under it."""
    day = f"{rng.integers(2015, 2031)}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
    time = f"{rng.integers(24):02d}:{rng.integers(60):02d}:{rng.integers(60):02d}"
    name = f"{rng.choice(('CAM', 'CAMERA', 'GATE', 'LANE', 'NVR', 'CH'))}{rng.choice(('', ' ', '-'))}{rng.integers(1, 40):02d}"
    speed = f"{rng.integers(10, 90)} {rng.choice(('MPH', 'KM/H', 'km/h'))}"
    text = str(rng.choice((f"{day} {time}", day, time, f"{day.replace('-', '/')} {time}", name, f"{name} {time}", speed)))
    mask = text_mask(rng, text, "sans" if rng.random() < 0.5 else "serial", 40)
    mask = cv2.copyMakeBorder(mask, 6, 6, 8, 8, cv2.BORDER_CONSTANT, value=0).astype(np.uint8)
    if rng.random() < 0.4:
        ground, ink = (int(rng.integers(0, 40)), 240) if rng.random() < 0.8 else (250, 10)
        grey = (ground + (ink - ground) * (mask / 255.0)).astype(np.uint8)
        return Patch(grey, np.full(mask.shape, int(rng.integers(120, 256)), np.uint8), level=True)
    grey = np.where(mask > 100, 250, 5).astype(np.uint8)
    halo = cv2.dilate(mask, np.ones((5, 5), np.uint8)) if rng.random() < 0.5 else mask
    return Patch(grey, halo.astype(np.uint8), level=True)


def number_board(rng: np.random.Generator) -> Patch:
    """A price board, a bus number, a house number, a phone number: digits that are no serial."""
    ground, ink = _tones(rng)
    phone = f"{rng.integers(200, 999)}-{rng.integers(200, 999)}-{rng.integers(1000, 9999)}"
    price = f"{rng.integers(1, 9)}.{rng.integers(10, 99)}9"
    choices = (
        phone,
        f"{rng.integers(1, 99)}",
        f"{rng.integers(100, 999)}",
        price,
        f"{price}\n{price[::-1]}",
        f"1-800-{phone}",
    )
    lines = str(rng.choice(choices)).split("\n")
    grey = _stack(rng, lines, ground, ink, float(rng.uniform(0.05, 0.5)))
    return Patch(grey, _solid(grey))


def lease_board(rng: np.random.Generator) -> Patch:
    """A board before a building: a band with a mark, words, and a telephone number as large as on a plate."""
    ground, ink = _tones(rng)
    parts = [str(rng.integers(200, 999)), str(rng.integers(200, 999)), f"{rng.integers(0, 9999):04d}"]
    phone = str(rng.choice((".", "-", " "))).join(parts)
    phone = f"({parts[0]}) {parts[1]}-{parts[2]}" if rng.random() < 0.25 else phone
    offer = str(rng.choice(("FOR LEASE", "FOR SALE", "FOR RENT", "NOW OPEN", "NOW HIRING", "CALL US", "SPACE", "SOLD")))
    lines = [offer, phone] if rng.random() < 0.7 else [" ".join(_words(rng, 1, 3)), offer, phone]
    board = _stack(rng, lines, ground, ink, float(rng.uniform(0.1, 0.8)))
    if rng.random() < 0.6:
        band = np.full((int(board.shape[0] * rng.uniform(0.2, 0.8)), board.shape[1]), int(rng.integers(0, 256)), np.uint8)
        cv2.circle(band, (band.shape[1] // 2, band.shape[0] // 2), band.shape[0] // 3, int(rng.integers(0, 256)), -1)
        board = np.concatenate([band, board] if rng.random() < 0.8 else [board, band])
    return Patch(board, _solid(board))


def lettering(rng: np.random.Generator) -> Patch:
    """A maker's, model's or firm's name, or a fleet number, in single letters on the body, with or without a bar under it."""
    kind = rng.random()
    if kind < 0.3:
        text = "".join(rng.choice(list("0123456789"), int(rng.integers(2, 5))))
    elif kind < 0.6:
        text = str(rng.choice(BADGES + WORDS))
    else:  # a name that nobody has: syllables
        text = "".join(
            str(rng.choice(list("BCDFGLMNPRSTV"))) + str(rng.choice(list("AEIOU"))) for _ in range(int(rng.integers(2, 5)))
        )
        text = text.title() if rng.random() < 0.3 else text
    text = (" " * int(rng.integers(0, 3))).join(text) if rng.random() < 0.5 else text
    mask = text_mask(rng, text, None, 40)
    tone = int(rng.choice((rng.integers(0, 70), rng.integers(140, 256))))
    grey = np.full(mask.shape, tone, np.uint8)
    if rng.random() < 0.35:  # on a bar or in a garnish between the lamps
        room = int(mask.shape[0] * rng.uniform(0.15, 0.8))
        mask = cv2.copyMakeBorder(mask, room, room, 3 * room, 3 * room, cv2.BORDER_CONSTANT, value=0).astype(np.uint8)
        ground = int(np.clip(tone + rng.choice((-1, 1)) * rng.uniform(50, 140), 0, 255))
        bar = (ground + (tone - ground) * (mask / 255.0)).astype(np.uint8)
        return Patch(bar, _solid(bar))
    return Patch(grey, mask)


def headlight(rng: np.random.Generator) -> Patch:
    """A clear cover with bright bowls, rings, a strip of light and chrome edges behind it."""
    width, height = int(rng.integers(120, 260)), int(rng.integers(60, 110))
    grey = np.full((height, width), int(rng.integers(40, 170)), np.uint8)
    coarse = rng.normal(0, rng.uniform(10, 60), (5, 9)).astype(np.float32)
    grey = np.clip(grey + cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), 0, 255).astype(np.uint8)
    count = int(rng.integers(1, 4))
    for index in range(count):
        centre = (int((index + rng.uniform(0.35, 0.65)) * width / count), int(height * rng.uniform(0.35, 0.65)))
        radius = int(height * rng.uniform(0.2, 0.42))
        cv2.circle(grey, centre, radius, int(rng.integers(0, 120)), int(rng.integers(2, 8)), cv2.LINE_AA)
        cv2.circle(grey, centre, int(radius * rng.uniform(0.4, 0.9)), int(rng.integers(150, 256)), -1, cv2.LINE_AA)
        if rng.random() < 0.5:
            cv2.circle(grey, centre, max(1, radius // 4), int(rng.integers(0, 256)), -1, cv2.LINE_AA)
    if rng.random() < 0.5:
        y = int(height * rng.uniform(0.6, 0.95))
        cv2.line(
            grey, (int(width * 0.1), y), (int(width * rng.uniform(0.5, 0.95)), y), 255, int(rng.integers(2, 9)), cv2.LINE_AA
        )
    for _ in range(int(rng.integers(0, 8))):  # ribs and reflections
        x = int(rng.integers(width))
        cv2.line(grey, (x, 0), (x + int(rng.normal(0, 20)), height), int(rng.integers(40, 256)), 1, cv2.LINE_AA)
    grey = cv2.GaussianBlur(grey, (0, 0), float(rng.uniform(0.4, 2))).astype(np.uint8)
    alpha = np.zeros_like(grey)
    slope = int(height * rng.uniform(0, 0.6))
    outline = np.array(
        [[int(width * rng.uniform(0, 0.2)), slope], [width - 1, 0], [width - 1, height - 1 - slope // 2], [0, height - 1]]
    )
    outline[:, 0] = outline[:, 0] if rng.random() < 0.5 else width - 1 - outline[:, 0]
    cv2.fillPoly(alpha, [outline.astype(np.int32)], 255, cv2.LINE_AA)
    return Patch(grey, alpha)


def stripes(rng: np.random.Generator) -> Patch:
    """Crossings, chevrons, barriers, bar codes."""
    width, height = int(rng.integers(80, 300)), int(rng.integers(24, 120))
    ground, ink = _tones(rng)
    y, x = np.mgrid[:height, :width]
    slope, step = float(rng.choice((0.0, 1.0, -1.0, 0.4))), int(rng.integers(5, 36))
    grey = np.where(((x + slope * y) % (2 * step)) < step, ground, ink).astype(np.uint8)
    return Patch(grey, _solid(grey))


def blank(rng: np.random.Generator) -> Patch:
    """An empty board or panel with a rim: bright and rectangular, nothing written on it."""
    width, height = int(rng.integers(60, 300)), int(rng.integers(40, 140))
    ground, ink = _tones(rng)
    ramp = np.linspace(0, rng.uniform(-40, 40), width)[None] + np.linspace(0, rng.uniform(-40, 40), height)[:, None]
    grey = np.clip(ground + ramp, 0, 255).astype(np.uint8)
    cv2.rectangle(grey, (0, 0), (width - 1, height - 1), ink, int(rng.integers(1, 8)))
    return Patch(grey, _solid(grey))


KINDS: tuple[tuple[Callable[[np.random.Generator], Patch], float], ...] = (
    (road_sign, 0.12), (sticker, 0.1), (shop_sign, 0.1), (badge, 0.07), (emblem, 0.09), (grille, 0.06), (lamp, 0.05),
    (fog_lamp, 0.07), (headlight, 0.07), (light_bar, 0.04), (arrows, 0.04), (windows, 0.05), (stamp, 0.05),
    (number_board, 0.05), (lease_board, 0.06), (lettering, 0.1), (stripes, 0.03), (blank, 0.03),
)  # fmt: skip
_SHARES = np.array([share for _, share in KINDS])
_SHARES = _SHARES / _SHARES.sum()


def draw(rng: np.random.Generator) -> Patch:
    """One object of a random kind."""
    return KINDS[int(rng.choice(len(KINDS), p=_SHARES))][0](rng)
