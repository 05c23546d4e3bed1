"""The words of the rendered street: camera, light, surfaces, triangles.

World frame: metres, x to the right of the road, y up, z along the road, origin on the road below the camera. Light is linear
inside; pictures leave as 8-bit RGB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

# Surface kinds of the shading kernel.
DIFFUSE, PAINT, GLASS, CHROME, LAMP, PLATE, FOLIAGE, CARSHELL = 0, 1, 2, 3, 4, 5, 7, 10


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with square pixels, the principal point in the middle and no distortion."""

    width: int = 1280
    height: int = 720
    focal_px: float = 2900.0
    height_m: float = 1.35
    yaw_left_deg: float = 17.0
    pitch_down_deg: float = 3.2

    def rotation(self) -> Floats:
        """World to camera (x right, y down, z forward)."""
        yaw, pitch = math.radians(self.yaw_left_deg), math.radians(self.pitch_down_deg)
        forward = np.array([-math.sin(yaw) * math.cos(pitch), -math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
        right = np.array([math.cos(yaw), 0.0, math.sin(yaw)])
        down = np.cross(right, forward)
        return np.stack([right, down, forward]).astype(np.float32)

    def position(self) -> Floats:
        return np.array([0.0, self.height_m, 0.0], np.float32)

    def project(self, points: Floats) -> Floats:
        """World points (n, 3) to pixels (n, 2); points behind the camera become NaN."""
        local = (points - self.position()) @ self.rotation().T
        depth = np.where(local[:, 2] > 0.2, local[:, 2], np.nan)
        pixels = local[:, :2] / depth[:, None] * self.focal_px
        return (pixels + np.array([self.width / 2 - 0.5, self.height / 2 - 0.5])).astype(np.float32)


@dataclass(frozen=True)
class Light:
    """Sun, sky and lamps of one stretch, in arbitrary linear units; `exposure` brings them to 0..1."""

    sun_direction: tuple[float, float, float] = (0.42, 0.72, -0.55)
    sun: tuple[float, float, float] = (2.85, 2.58, 2.2)
    zenith: tuple[float, float, float] = (0.42, 0.62, 1.0)
    horizon: tuple[float, float, float] = (1.0, 1.05, 1.1)
    bounce: tuple[float, float, float] = (0.2, 0.19, 0.17)
    lamp_power: float = 0.0  # the unit's own infra-red lamp, beside the lens
    night: bool = False
    exposure: float = 0.47
    noise: float = 0.006
    street_lamps: tuple[tuple[float, float, float, float], ...] = ()  # x, y, z, power

    def packed(self) -> Floats:
        d = np.array(self.sun_direction)
        d = d / np.linalg.norm(d)
        head = [*d, *self.sun, *self.zenith, *self.horizon, *self.bounce, self.lamp_power, float(self.night)]
        return np.array(head, np.float32)

    def lamps(self) -> Floats:
        return np.array(self.street_lamps, np.float32).reshape(-1, 4)


@dataclass
class Mesh:
    """Triangles of one object: vertices, normals, three free values a vertex (uv or own coordinates), material a triangle."""

    pos: Floats
    nrm: Floats
    aux: Floats
    tri: NDArray[np.int32]
    mat: NDArray[np.int32]


def merge(meshes: list[Mesh]) -> Mesh:
    offsets = np.cumsum([0, *[len(m.pos) for m in meshes[:-1]]])
    return Mesh(
        np.concatenate([m.pos for m in meshes]),
        np.concatenate([m.nrm for m in meshes]),
        np.concatenate([m.aux for m in meshes]),
        np.concatenate([m.tri + o for m, o in zip(meshes, offsets, strict=True)]).astype(np.int32),
        np.concatenate([m.mat for m in meshes]),
    )


def grid_mesh(points: Floats, aux: Floats, material: int) -> Mesh:
    """A smooth surface from a grid of points (rows, columns, 3)."""
    normal = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    length = np.linalg.norm(normal, axis=2, keepdims=True)
    normal = normal / np.maximum(length, 1e-9)
    rows, cols = points.shape[:2]
    i = (np.arange(rows - 1)[:, None] * cols + np.arange(cols - 1)[None]).ravel()
    tri = np.concatenate([np.stack([i, i + 1, i + cols], 1), np.stack([i + 1, i + cols + 1, i + cols], 1)])
    return Mesh(
        points.reshape(-1, 3).astype(np.float32),
        normal.reshape(-1, 3).astype(np.float32),
        aux.reshape(-1, 3).astype(np.float32),
        tri.astype(np.int32),
        np.full(len(tri), material, np.int32),
    )


def quad(corners: list[tuple[float, float, float]], material: int, uv: tuple[float, float] = (1.0, 1.0)) -> Mesh:
    """A flat patch; corners top left, top right, bottom right, bottom left as its texture is meant to be seen."""
    p = np.array(corners, np.float32)
    n = np.cross(p[1] - p[0], p[3] - p[0])
    n = n / max(float(np.linalg.norm(n)), 1e-9)
    aux = np.array([(0, 0, 0), (uv[0], 0, 0), (uv[0], uv[1], 0), (0, uv[1], 0)], np.float32)
    return Mesh(
        p,
        np.tile(-n, (4, 1)).astype(np.float32),
        aux,
        np.array([(0, 1, 2), (0, 2, 3)], np.int32),
        np.full(2, material, np.int32),
    )


def block(x0: float, x1: float, y0: float, y1: float, z0: float, z1: float, materials: dict[str, int]) -> Mesh:
    """A box from the faces a camera in front of it can see: front (towards -z), right (+x), left (-x), top."""
    faces = {
        "front": [(x0, y1, z0), (x1, y1, z0), (x1, y0, z0), (x0, y0, z0)],
        "right": [(x1, y1, z0), (x1, y1, z1), (x1, y0, z1), (x1, y0, z0)],
        "left": [(x0, y1, z1), (x0, y1, z0), (x0, y0, z0), (x0, y0, z1)],
        "top": [(x0, y1, z1), (x1, y1, z1), (x1, y1, z0), (x0, y1, z0)],
    }
    return merge([quad(faces[name], m) for name, m in materials.items()])


class Surfaces:
    """The table of materials and the textures they use, as flat arrays for the kernel."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []
        self.textures: list[Image] = []

    def texture(self, image: Image) -> int:
        self.textures.append(np.ascontiguousarray(image))
        return len(self.textures) - 1

    def add(
        self,
        kind: int,
        rgb: tuple[float, float, float] = (1.0, 1.0, 1.0),
        gloss: float = 1.0,
        *,
        dirt: float = 0.0,
        texture: int = -1,
        glow: float = 0.0,
        shell: tuple[int, int, int, float, float, int, float] | None = None,
    ) -> int:
        self.rows.append(
            [
                kind,
                *rgb,
                gloss,
                dirt,
                texture,
                glow,
                *(shell[:3] if shell else (0, 0, 0)),
                *(shell[3:] if shell else (0, 0, 0, 0)),
            ]
        )
        return len(self.rows) - 1

    def packed(self) -> tuple[Floats, Image, NDArray[np.int64]]:
        info, offset = [], 0
        for t in self.textures:
            info.append((offset, t.shape[1], t.shape[0], t.shape[2] if t.ndim == 3 else 1))
            offset += t.size
        flat = np.concatenate([t.ravel() for t in self.textures]) if self.textures else np.zeros(1, np.uint8)
        return (np.array(self.rows, np.float32), flat, np.array(info or [(0, 1, 1, 1)], np.int64))
