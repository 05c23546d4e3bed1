"""The street: houses, shops, trees, fences, poles and signs beside the road, all painted here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from models.train.traffic.cars import SHAPES, parked_car
from models.train.traffic.scene import (
    DIFFUSE,
    FOLIAGE,
    PAINT,
    Camera,
    Floats,
    Image,
    Light,
    Mesh,
    Surfaces,
    block,
    grid_mesh,
    merge,
    quad,
)

FONT = cv2.FONT_HERSHEY_DUPLEX
Colour = tuple[int, int, int]


def _grain(image: Image, rng: np.random.Generator, amount: float) -> Image:
    """Stains at two sizes over a painted texture."""
    h, w = image.shape[:2]
    wide = cv2.resize(
        rng.normal(0, 1, (max(h // 48, 2), max(w // 48, 2))).astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC
    )
    fine = rng.normal(0, 1, (h, w)).astype(np.float32)
    out = image[..., :3].astype(np.float32) * (1 + amount * wide[..., None]) + 4 * amount * 10 * fine[..., None] * 0.3
    done = image.copy()
    done[..., :3] = np.clip(out, 0, 255).astype(np.uint8)
    return done


def _window(image: Image, x: int, y: int, w: int, h: int, rng: np.random.Generator, lit: bool) -> None:
    trim: Colour = (225, 224, 218)
    cv2.rectangle(image, (x - 6, y - 6), (x + w + 6, y + h + 8), trim, -1)
    glass = np.linspace(95, 45, h)[:, None, None] * np.array([0.8, 0.95, 1.1]) if not lit else np.full((h, 1, 3), 250.0)
    glass = np.repeat(glass, w, axis=1)
    if not lit:
        streak = np.clip(np.add.outer(np.arange(h), np.arange(w)) % 90 - 62, 0, 14)[..., None] * 2.2
        glass = glass + streak
        side = max(w // 6, 3)
        glass[:, :side] = glass[:, :side] * 0.4 + 105
        glass[:, -side:] = glass[:, -side:] * 0.4 + 105
    image[y : y + h, x : x + w] = np.clip(glass, 0, 255).astype(np.uint8)
    cv2.line(image, (x, y + h // 2), (x + w, y + h // 2), trim, 4)
    cv2.line(image, (x + w // 2, y), (x + w // 2, y + h), trim, 2)
    cv2.rectangle(image, (x - 8, y + h + 6), (x + w + 8, y + h + 12), (190, 188, 180), -1)


def facade(
    rng: np.random.Generator, width_m: float, height_m: float, colour: Colour, *, brick: bool, door: bool, night: bool
) -> Image:
    """The wall of a house: clapboard or brick, windows, perhaps a door, shade under the eaves. 60 px a metre."""
    scale = 60
    w, h = round(width_m * scale), round(height_m * scale)
    image = np.empty((h, w, 3), np.uint8)
    image[:] = colour
    if brick:
        for row, y in enumerate(range(0, h, 6)):
            cv2.line(image, (0, y), (w, y), tuple(int(c * 0.75 + 35) for c in colour), 1)
            for x in range((row % 2) * 7, w, 14):
                image[y + 1 : y + 6, x : x + 13] = np.clip(np.array(colour) * rng.uniform(0.82, 1.15), 0, 255)
    else:
        for y in range(0, h, 8):
            cv2.line(image, (0, y), (w, y), tuple(int(c * 0.72) for c in colour), 2)
    for floor in range(int(height_m // 2.7)):
        y = h - round((floor * 2.75 + 2.25) * scale)
        if y < 8:
            continue
        count = max(int(width_m // 2.6), 1)
        for i in range(count):
            x = round((i + 0.5) * w / count) - 30
            if door and floor == 0 and i == count // 2:
                cv2.rectangle(image, (x - 8, h - 2 * scale - 30), (x + 68, h), (228, 226, 220), -1)
                shade = tuple(int(v) for v in rng.integers(30, 130, 3))
                cv2.rectangle(image, (x, h - 2 * scale - 20), (x + 60, h - 14), shade, -1)
                cv2.rectangle(image, (x + 10, h - 2 * scale - 8), (x + 50, h - 70), tuple(int(v * 0.6) for v in shade), 3)
                cv2.rectangle(image, (x - 30, h - 14), (x + 90, h), (140, 138, 132), -1)
            else:
                _window(image, x, y, 60, 84, rng, night and rng.random() < 0.3)
    image[:26] = (image[:26] * 0.5).astype(np.uint8)
    image[-20:] = (110, 108, 104)
    image[:, :7] = (222, 221, 215)
    image[:, -7:] = (222, 221, 215)
    return _grain(image, rng, 0.05)


def shopfront(rng: np.random.Generator, name: str, line: str, width_m: float, colour: Colour) -> Image:
    """A shop's wall with its name over the window: letters that are no plate."""
    scale = 60
    w, h = round(width_m * scale), 5 * scale
    image = np.empty((h, w, 3), np.uint8)
    image[:] = (132, 84, 66)
    for row, y in enumerate(range(0, h, 6)):
        for x in range((row % 2) * 7, w, 14):
            image[y + 1 : y + 6, x : x + 13] = np.clip(np.array((132, 84, 66)) * rng.uniform(0.8, 1.15), 0, 255)
    top = h - round(3.7 * scale)
    cv2.rectangle(image, (20, top), (w - 20, top + 62), colour, -1)
    cv2.rectangle(image, (24, top + 4), (w - 24, top + 58), (240, 232, 205), 2)
    size = 1.7
    (tw, th), _ = cv2.getTextSize(name, FONT, size, 3)
    size = min(size, size * (w - 80) / tw)
    (tw, th), _ = cv2.getTextSize(name, FONT, size, 3)
    cv2.putText(image, name, ((w - tw) // 2, top + 31 + th // 2), FONT, size, (245, 238, 214), 3, cv2.LINE_AA)
    for x0 in range(30, w - 120, 190):
        _window(image, x0 + 10, h - round(2.5 * scale), 150, round(1.75 * scale), rng, False)
    cv2.putText(image, line, (44, h - 110), FONT, 0.9, (235, 235, 235), 2, cv2.LINE_AA)
    image[:14] = (60, 58, 55)
    return _grain(image, rng, 0.05)


def road_sign(lines: list[tuple[str, float]], *, colour: Colour = (242, 242, 238), ink: Colour = (18, 18, 18)) -> Image:
    """A traffic sign with a border, 24 by 30 inches."""
    image = np.zeros((500, 400, 4), np.uint8)
    cv2.rectangle(image, (20, 0), (379, 499), (*colour, 255), -1)
    cv2.rectangle(image, (0, 20), (399, 479), (*colour, 255), -1)
    for x, y in ((20, 20), (379, 20), (20, 479), (379, 479)):
        cv2.circle(image, (x, y), 20, (*colour, 255), -1)
    cv2.rectangle(image, (14, 14), (385, 485), (*ink, 255), 7)
    y = 0
    for text, size in lines:
        (tw, th), _ = cv2.getTextSize(text, FONT, size, max(int(size * 4), 4))
        y += th + 38
        cv2.putText(image, text, ((400 - tw) // 2, y), FONT, size, (*ink, 255), max(int(size * 4), 4), cv2.LINE_AA)
    return image


def tree_sprite(rng: np.random.Generator, *, bush: bool = False) -> Image:
    """A crown of some thousand leaf clusters, lit from above left, on a trunk; RGBA."""
    w, h = (520, 300) if bush else (560, 760)
    image = np.zeros((h, w, 4), np.uint8)
    if not bush:
        trunk = np.array([(262, 759), (270, 430), (292, 430), (304, 759)], np.int32)
        cv2.fillPoly(image, [trunk], (70, 58, 48, 255))
        for _ in range(60):
            x = int(rng.integers(264, 300))
            y = int(rng.integers(430, 740))
            cv2.line(image, (x, y), (x + int(rng.integers(-2, 3)), y + 18), (48, 40, 34, 255), 2)
        for _ in range(9):
            end = (int(rng.integers(110, 450)), int(rng.integers(200, 400)))
            cv2.line(image, (281, int(rng.integers(430, 500))), end, (62, 52, 44, 255), int(rng.integers(4, 10)))
    cx, cy = w / 2, h * (0.62 if bush else 0.34)
    rx, ry = w * 0.42, h * (0.36 if bush else 0.30)
    lobes = [
        (
            cx + rx * 0.62 * math.cos(a) * rng.uniform(0.3, 1),
            cy + ry * 0.62 * math.sin(a) * rng.uniform(0.3, 1),
            rng.uniform(0.38, 0.55),
        )
        for a in rng.uniform(0, 6.28, 14)
    ]
    hue = np.array([rng.uniform(52, 80), rng.uniform(88, 112), rng.uniform(28, 46)])
    leaves = []
    for lx, ly, size in lobes:
        for _ in range(420):
            a, r = rng.uniform(0, 6.28), math.sqrt(rng.uniform(0, 1))
            x, y = lx + rx * size * r * math.cos(a), ly + ry * size * r * math.sin(a)
            light = 0.62 - 0.45 * (y - ly) / (ry * size) - 0.22 * (x - lx) / (rx * size)
            light *= 0.8 + 0.35 * (cy + ry - y) / (2 * ry)
            leaves.append((r + rng.uniform(0, 0.8), x, y, max(light, 0.18) * rng.uniform(0.65, 1.3)))
    for _, x, y, light in sorted(leaves, key=lambda v: -v[0]):
        c = np.clip(hue * light * 1.15, 0, 255)
        axes = (int(rng.integers(3, 8)), int(rng.integers(2, 5)))
        cv2.ellipse(
            image, (int(x), int(y)), axes, float(rng.uniform(0, 180)), 0, 360, (int(c[0]), int(c[1]), int(c[2]), 255), -1
        )
    return image


def fence_texture(rng: np.random.Generator) -> Image:
    image = np.zeros((120, 400, 4), np.uint8)
    for x in range(4, 400, 20):
        tone = int(rng.integers(205, 235))
        cv2.fillPoly(
            image,
            [np.array([(x, 119), (x, 16), (x + 6, 6), (x + 12, 16), (x + 12, 119)], np.int32)],
            (tone, tone, tone - 6, 255),
        )
    for y in (34, 92):
        cv2.rectangle(image, (0, y), (399, y + 9), (214, 214, 207, 255), -1)
    return image


def turned(profile: tuple[tuple[float, float], ...], x: float, z: float, material: int) -> Mesh:
    """A turned body: `profile` of (radius, height) around an upright axis."""
    angle = np.linspace(0, 2 * math.pi, 25)
    rings = [np.stack([x + r * np.sin(angle), np.full_like(angle, y), z + r * np.cos(angle)], 1) for r, y in profile]
    return grid_mesh(np.stack(rings).astype(np.float32), np.zeros((len(profile), 25, 3)), material)


@dataclass(frozen=True)
class Place:
    """A place where the unit stands: what the street looks like, seen once and for all.

    `side` +1: the street lies to the left of the camera and traffic drives away from it; -1: it lies to the right and
    traffic comes towards it.
    """

    name: str
    camera: Camera
    light: Light
    side: int
    lanes: tuple[float, ...]  # lateral offsets of the lane middles, metres
    road_edge_m: float
    shops: tuple[tuple[str, str], ...]
    signs: tuple[tuple[float, tuple[tuple[str, float], ...]], ...]  # distance along the road, lines
    board: tuple[str, ...] = ()  # a standing name board
    seed: int = 1
    driveway_m: float = 0.0  # distance along the road of a driveway with a parked car; 0: none


def build_street(place: Place, surfaces: Surfaces, rng: np.random.Generator) -> tuple[Mesh, Floats, Floats, Floats]:
    """Meshes, road table, shadow boxes and tree crowns of a place."""
    side, night = place.side, place.light.night
    meshes: list[Mesh] = []
    boxes: list[tuple[float, ...]] = []
    crowns: list[tuple[float, float, float, float]] = []
    edge = place.road_edge_m

    def xs(a: float, b: float) -> tuple[float, float]:
        """Two distances from the camera's line, as increasing x."""
        return (-b, -a) if side > 0 else (a, b)

    def billboard(near: float, z: float, width: float, height: float, material: int, sink: float = 0.0) -> None:
        """An upright picture at distance `near` from the camera's line, turned to the camera."""
        x = -near if side > 0 else near
        away = math.hypot(x, z)
        rx, rz = z / away, -x / away
        p = [
            (x - rx * width / 2, height - sink, z - rz * width / 2),
            (x + rx * width / 2, height - sink, z + rz * width / 2),
            (x + rx * width / 2, -sink, z + rz * width / 2),
            (x - rx * width / 2, -sink, z - rz * width / 2),
        ]
        meshes.append(quad(p, material))

    trees = [surfaces.add(FOLIAGE, (0.9, 0.9, 0.9), texture=surfaces.texture(tree_sprite(rng))) for _ in range(4)]
    bushes = [
        surfaces.add(FOLIAGE, (0.85, 0.85, 0.85), texture=surfaces.texture(tree_sprite(rng, bush=True))) for _ in range(3)
    ]
    fence = surfaces.add(DIFFUSE, (0.85, 0.85, 0.85), texture=surfaces.texture(fence_texture(rng)))
    wood = surfaces.add(DIFFUSE, (0.10, 0.08, 0.065))
    steel = surfaces.add(DIFFUSE, (0.33, 0.34, 0.35))
    roof = surfaces.add(DIFFUSE, (0.07, 0.068, 0.07))
    glow = surfaces.add(DIFFUSE, (1.0, 0.95, 0.8), glow=0.55)
    walls: list[Colour] = [(206, 202, 188), (122, 138, 150), (176, 160, 122), (150, 82, 66), (214, 214, 212), (118, 132, 112)]
    z = 19.0
    number = 0
    for name, line in place.shops:
        x0, x1 = xs(edge + 4.4, edge + 14)
        front = surfaces.add(DIFFUSE, texture=surfaces.texture(shopfront(rng, name, line, 10.0, (28, 62, 48))))
        flank = surfaces.add(DIFFUSE, texture=surfaces.texture(shopfront(rng, name, line, 9.6, (28, 62, 48))))
        faces = {"front": flank, "right" if side > 0 else "left": front, "top": roof}
        meshes.append(block(x0, x1, 0, 5.0, z + 5, z + 16, faces))
        boxes.append((x0, x1, 0, 5.0, z + 5, z + 16))
        z += 24
    while z < 190:
        width, depth = rng.uniform(8, 10.5), rng.uniform(9, 12)
        setback = edge + rng.uniform(6.2, 8.5)
        x0, x1 = xs(setback, setback + width)
        height = 5.6
        colour = walls[number % len(walls)]
        brick = number % 6 == 3
        a = surfaces.add(
            DIFFUSE, texture=surfaces.texture(facade(rng, width, height, colour, brick=brick, door=False, night=night))
        )
        b = surfaces.add(
            DIFFUSE, texture=surfaces.texture(facade(rng, depth, height, colour, brick=brick, door=True, night=night))
        )
        meshes.append(block(x0, x1, 0, height, z, z + depth, {"front": a, "right" if side > 0 else "left": b}))
        mid, ridge = (x0 + x1) / 2, height + 3.0
        gable = surfaces.add(DIFFUSE, tuple(float((c / 255) ** 2.2 * 0.9) for c in colour))  # type: ignore[arg-type]
        meshes.append(quad([(x0 - 0.4, height, z), (mid, ridge, z), (x1 + 0.4, height, z), (mid, height - 0.01, z)], gable))
        slope_x = x1 + 0.5 if side > 0 else x0 - 0.5
        meshes.append(
            quad(
                [
                    (mid, ridge, z - 0.4),
                    (mid, ridge, z + depth + 0.4),
                    (slope_x, height - 0.3, z + depth + 0.4),
                    (slope_x, height - 0.3, z - 0.4),
                ],
                roof,
            )
        )
        boxes.append((x0, x1, 0, height + 1.5, z, z + depth))
        px0, px1 = xs(setback - 1.9, setback)  # porch
        meshes.append(
            block(
                px0,
                px1,
                0,
                0.45,
                z + depth * 0.3,
                z + depth * 0.75,
                {"front": steel, "right" if side > 0 else "left": steel, "top": wood},
            )
        )
        meshes.append(
            block(
                px0 - 0.2,
                px1 + 0.2,
                2.6,
                2.74,
                z + depth * 0.3 - 0.2,
                z + depth * 0.75 + 0.2,
                {"front": gable, "right" if side > 0 else "left": gable, "top": roof},
            )
        )
        for zz in (z + depth * 0.31, z + depth * 0.73):
            qx = px1 - 0.1 if side > 0 else px0 + 0.1
            meshes.append(
                block(qx - 0.07, qx + 0.07, 0.45, 2.6, zz, zz + 0.14, {"front": fence, "right" if side > 0 else "left": gable})
            )
        for zz in np.arange(z - 3, z + depth, 2.1):
            if rng.random() < 0.75:
                billboard(
                    setback - 2.3 + rng.uniform(-0.3, 0.3),
                    float(zz),
                    2.4,
                    rng.uniform(1.0, 1.7),
                    bushes[int(rng.integers(3))],
                    0.1,
                )
        if number % 2 == 0:
            for zz in np.arange(z - 4, z + depth + 2, 4.0):
                fx = -(edge + 3.1) if side > 0 else edge + 3.1
                meshes.append(quad([(fx, 1.05, zz), (fx, 1.05, zz + 4), (fx, 0, zz + 4), (fx, 0, zz)], fence))
        z += depth + rng.uniform(4.5, 8)
        number += 1
    for zz in (47.0, 56.0, 66.0, 84.0, 99.0, 118.0, 140.0, 165.0):
        near = edge + (0.6 if rng.random() < 0.4 else rng.uniform(3.6, 5.0))
        height = rng.uniform(8, 11)
        billboard(near, zz, height * 0.74, height, trees[int(rng.integers(4))])
        crowns.append((-near if side > 0 else near, height * 0.66, zz, height * 0.3))
    for near, zz, height in (
        (edge + 17, 60, 13),
        (edge + 19, 80, 14),
        (edge + 16, 110, 15),
        (edge + 26, 70, 15),
        (edge + 30, 100, 16),
        (edge + 9, 150, 15),
        (edge + 14, 190, 17),
        (edge + 4, 200, 16),
        (edge + 0, 240, 17),
        (edge + 22, 200, 17),
    ):
        billboard(near, zz, height * 0.9, height, trees[int(rng.integers(4))])
    for near, zz in ((3.5, 46.0), (1.0, 22.0), (-2.0, 12.0)):  # crowns out of view whose shadows reach the road
        crowns.append((near * side, 8.0, zz - 9, 2.6))
    iron = surfaces.add(PAINT, (0.30, 0.05, 0.02), 0.5, dirt=0.3)
    bin_green = surfaces.add(PAINT, (0.015, 0.05, 0.03), 0.4, dirt=0.4)
    hydrant = (
        (0.16, 0.0),
        (0.16, 0.04),
        (0.10, 0.05),
        (0.10, 0.42),
        (0.13, 0.43),
        (0.13, 0.48),
        (0.10, 0.5),
        (0.06, 0.6),
        (0.0, 0.63),
    )
    can = ((0.22, 0.0), (0.26, 0.02), (0.28, 0.85), (0.30, 0.86), (0.30, 0.92), (0.24, 0.98), (0.0, 1.0))
    at = -(edge + 0.55) if side > 0 else edge + 0.55
    meshes.append(turned(hydrant, at, 21.0, iron))
    meshes.append(block(at - 0.15, at + 0.15, 0.30, 0.38, 20.96, 21.04, {"front": iron}))  # its outlets
    for zz in (22.6, 35.6):
        meshes.append(turned(can, -(edge + 3.2) if side > 0 else edge + 3.2, zz, bin_green))
    if place.driveway_m:
        shape = SHAPES["suv"]
        rear_x = -(edge + 3.4 + shape.length_m) if side > 0 else edge + 3.4 + shape.length_m
        meshes.append(parked_car(shape, (0.05, 0.055, 0.06), (rear_x, place.driveway_m), side, surfaces))
        x0, x1 = sorted((rear_x, rear_x + side * shape.length_m))
        boxes.append((x0, x1, 0.15, 1.5, place.driveway_m - 0.9, place.driveway_m + 0.9))
    for zz in (36.0, 74.0, 112.0):
        px = -(edge + 0.6) if side > 0 else edge + 0.6
        meshes.append(block(px - 0.14, px + 0.14, 0, 10, zz, zz + 0.28, {"front": wood, "right" if side > 0 else "left": wood}))
        boxes.append((px - 0.14, px + 0.14, 0, 10, zz, zz + 0.28))
    for zz, lines in place.signs:
        px = -(edge + 0.75) if side > 0 else edge + 0.75
        plate = surfaces.add(DIFFUSE, (0.9, 0.9, 0.9), texture=surfaces.texture(road_sign(list(lines))))
        meshes.append(
            block(px - 0.03, px + 0.03, 0, 2.75, zz + 0.02, zz + 0.08, {"front": steel, "right" if side > 0 else "left": steel})
        )
        meshes.append(
            quad([(px - 0.305, 2.7, zz), (px + 0.305, 2.7, zz), (px + 0.305, 1.94, zz), (px - 0.305, 1.94, zz)], plate)
        )
        boxes.append((px - 0.305, px + 0.305, 1.94, 2.7, zz, zz + 0.02))
    if place.board:
        image = np.empty((260, 620, 3), np.uint8)
        image[:] = (38, 66, 104)
        cv2.rectangle(image, (10, 10), (609, 249), (236, 238, 240), 4)
        for i, text in enumerate(place.board):
            (tw, _), _ = cv2.getTextSize(text, FONT, 1.9 if i == 0 else 1.4, 4)
            cv2.putText(
                image, text, ((620 - tw) // 2, 105 + 85 * i), FONT, 1.9 if i == 0 else 1.4, (244, 245, 246), 4, cv2.LINE_AA
            )
        bx = -(edge + 3.9) if side > 0 else edge + 3.9
        m = surfaces.add(DIFFUSE, (0.9, 0.9, 0.9), texture=surfaces.texture(image))
        meshes.append(quad([(bx - 1.3, 2.0, 25), (bx + 1.3, 2.0, 25), (bx + 1.3, 0.9, 25), (bx - 1.3, 0.9, 25)], m))
        for off in (-1.2, 1.1):
            meshes.append(block(bx + off, bx + off + 0.1, 0, 0.95, 25.05, 25.15, {"front": steel}))
    if night:
        for x, _, zz, _ in place.light.street_lamps:
            meshes.append(block(x - 0.3, x + 0.3, 7.9, 8.1, zz, zz + 0.5, {"front": glow}))
    lines = sorted(place.lanes)
    dash = -(lines[0] + lines[1]) / 2 if len(lines) > 1 else -1e3
    # Tables are kept for a street to the left; `side` mirrors them.
    road = [float(side), 60.0, -edge, -(lines[0] - 1.65), dash, -(lines[-1] + 1.7), place.driveway_m, *[-v for v in lines]]
    return (
        merge(meshes),
        np.array(road, np.float32),
        np.array(boxes, np.float32).reshape(-1, 6),
        np.array(crowns, np.float32).reshape(-1, 4),
    )
