"""A small rendered street: cars that pass a parked camera, for clips whose truth is known exactly.

Nothing here is photographed or copied. A stretch of road, houses, trees and signs is drawn once per camera place
(several jittered samples of it); the cars of a frame are rasterised over it with a depth test, each sample a little
later in the shutter time, so anti-aliasing and motion blur come out of the same average.

World frame: metres, x to the right of the road, y up, z along the road, origin on the road below the camera.
Images leave as 8-bit RGB; inside everything is linear light.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

PLATE_WIDTH_M = 0.3048  # US plates are 12 by 6 inches
PLATE_HEIGHT_M = 0.1524

# Surface kinds of the shading kernel.
DIFFUSE, PAINT, GLASS, CHROME, LAMP, PLATE, CARSHELL, FOLIAGE = 0, 1, 2, 3, 4, 5, 10, 7
# Labels painted into the side, rear and front maps of a car; they index the car's palette of surfaces.
(L_PAINT, L_GLASS, L_PLASTIC, L_CHROME, L_RED, L_CLEAR, L_AMBER, L_SEAM, L_RECESS, L_TAIL, L_HEAD, L_SEAT, L_RUBBER,
 L_GRILLE, L_RIM) = range(15)
SIDE_PX_PER_M = 250.0
END_PX_PER_M = 400.0
MAP_TOP_M = 2.1  # the maps reach from the road to this height
END_HALF_WIDTH_M = 1.1
SAMPLES = 6
# Sub-pixel offsets and shutter phases of the samples, spread evenly (rotated grid).
_JITTER = np.array([(-0.33, -0.17), (0.0, 0.42), (0.33, -0.42), (-0.42, 0.25), (0.17, 0.08), (0.42, 0.33)], np.float32)


# --------------------------------------------------------------------------------------------------- camera


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


# --------------------------------------------------------------------------------------------------- light


@dataclass(frozen=True)
class Light:
    """Sun, sky and lamps of one stretch, in arbitrary linear units; `exposure` brings them to 0..1."""

    sun_direction: tuple[float, float, float] = (0.42, 0.72, -0.55)
    sun: tuple[float, float, float] = (2.25, 2.05, 1.8)
    zenith: tuple[float, float, float] = (0.42, 0.62, 1.0)
    horizon: tuple[float, float, float] = (1.0, 1.05, 1.1)
    bounce: tuple[float, float, float] = (0.2, 0.19, 0.17)
    lamp_power: float = 0.0  # the unit's own infra-red lamp, beside the lens
    night: bool = False
    exposure: float = 0.46
    noise: float = 0.006
    street_lamps: tuple[tuple[float, float, float, float], ...] = ()  # x, y, z, power

    def packed(self) -> Floats:
        d = np.array(self.sun_direction)
        d = d / np.linalg.norm(d)
        head = [*d, *self.sun, *self.zenith, *self.horizon, *self.bounce, self.lamp_power, float(self.night)]
        return np.array(head, np.float32)

    def lamps(self) -> Floats:
        return np.array(self.street_lamps, np.float32).reshape(-1, 4)


@njit(cache=True, fastmath=True)
def _hash(ix: int, iz: int) -> float:
    h = (ix * 374761393 + iz * 668265263) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFF) / 65535.0


@njit(cache=True, fastmath=True)
def _noise(x: float, z: float) -> float:
    fx, fz = math.floor(x), math.floor(z)
    ix, iz = int(fx), int(fz)
    u, v = x - fx, z - fz
    u = u * u * (3 - 2 * u)
    v = v * v * (3 - 2 * v)
    a = _hash(ix, iz) * (1 - u) + _hash(ix + 1, iz) * u
    b = _hash(ix, iz + 1) * (1 - u) + _hash(ix + 1, iz + 1) * u
    return a * (1 - v) + b * v


@njit(cache=True, fastmath=True)
def _fractal(x: float, z: float) -> float:
    return 0.5 * _noise(x, z) + 0.27 * _noise(2.1 * x + 7, 2.1 * z) + 0.15 * _noise(4.3 * x, 4.3 * z + 3) + \
        0.08 * _noise(8.9 * x, 8.9 * z)


@njit(cache=True, fastmath=True)
def _smooth(a: float, b: float, x: float) -> float:
    t = min(max((x - a) / (b - a), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@njit(cache=True, fastmath=True)
def _environment(rx: float, ry: float, rz: float, light: Any) -> tuple[float, float, float]:
    """What a mirror would see: sky, a dark band of trees and houses, the road."""
    azimuth = math.atan2(rx, rz)
    skyline = 0.16 + 0.1 * math.sin(azimuth * 3.1 + 0.7) + 0.06 * math.sin(azimuth * 7.7) + 0.03 * math.sin(azimuth * 19)
    t = math.sqrt(max(ry, 0.0))
    cloud = 0.25 * (_noise(rx * 6 / (ry + 0.3), rz * 6 / (ry + 0.3)) - 0.4) if ry > 0.02 else 0.0
    sr = light[9] * (1 - t) + light[6] * t + cloud * light[9]
    sg = light[10] * (1 - t) + light[7] * t + cloud * light[10]
    sb = light[11] * (1 - t) + light[8] * t + cloud * light[11]
    band = _smooth(skyline - 0.03, skyline + 0.03, ry)
    shade = 0.10 + 0.1 * _noise(azimuth * 14, ry * 20)
    sr = sr * band + (1 - band) * shade * light[9]
    sg = sg * band + (1 - band) * shade * 1.08 * light[10]
    sb = sb * band + (1 - band) * shade * 0.9 * light[11]
    low = _smooth(-0.06, 0.01, ry)
    return (sr * low + (1 - low) * light[12] * 1.25, sg * low + (1 - low) * light[13] * 1.25,
            sb * low + (1 - low) * light[14] * 1.25)


@njit(cache=True, fastmath=True)
def _shade(kind: int, r: float, g: float, b: float, gloss: float, glow: float, px: float, py: float, pz: float,
           nx: float, ny: float, nz: float, cx: float, cy: float, cz: float, light: Any, lamps: Any,
           sun_seen: float) -> tuple[float, float, float]:
    """Linear colour of a surface point P with normal N seen from C."""
    vx, vy, vz = cx - px, cy - py, cz - pz
    dist2 = vx * vx + vy * vy + vz * vz
    inv = 1.0 / math.sqrt(dist2)
    vx *= inv
    vy *= inv
    vz *= inv
    facing = nx * vx + ny * vy + nz * vz
    if facing < 0 and kind != FOLIAGE:
        nx, ny, nz, facing = nx - 2 * facing * vx, ny - 2 * facing * vy, nz - 2 * facing * vz, -facing
    ndl = max(nx * light[0] + ny * light[1] + nz * light[2], 0.0) * sun_seen
    if kind == FOLIAGE:
        ndl = 0.45 * sun_seen
    up = 0.5 + 0.5 * ny
    occlusion = 1.0 if py > 0.6 or ny > 0.7 else 0.45 + 0.55 * max(py, 0.0) / 0.6
    ar = (light[12] * (1 - up) + (0.55 * light[9] + 0.45 * light[6]) * up) * occlusion
    ag = (light[13] * (1 - up) + (0.55 * light[10] + 0.45 * light[7]) * up) * occlusion
    ab = (light[14] * (1 - up) + (0.55 * light[11] + 0.45 * light[8]) * up) * occlusion
    ir = light[3] * ndl + ar
    ig = light[4] * ndl + ag
    ib = light[5] * ndl + ab
    extra = 0.0
    for i in range(lamps.shape[0]):
        lx, ly, lz = lamps[i, 0] - px, lamps[i, 1] - py, lamps[i, 2] - pz
        d2 = lx * lx + ly * ly + lz * lz
        cosine = (nx * lx + ny * ly + nz * lz) / math.sqrt(d2)
        if cosine > 0:
            extra += lamps[i, 3] * cosine * (ly / math.sqrt(d2)) / d2
    own = light[15] / dist2
    extra += own * max(facing, 0.05)
    ir += extra
    ig += extra
    ib += extra
    if kind == PLATE and light[15] > 0:
        retro = 7.0 * own * _smooth(0.3, 0.9, facing)
        ir += retro
        ig += retro
        ib += retro
    if kind == DIFFUSE or kind == PLATE or kind == FOLIAGE:
        cr, cg, cb = r * ir, g * ig, b * ib
        if kind == PLATE:
            fresnel = 0.03 + 0.4 * (1 - facing) ** 5
            er, eg, eb = _environment(2 * facing * nx - vx, 2 * facing * ny - vy, 2 * facing * nz - vz, light)
            cr, cg, cb = cr + fresnel * er, cg + fresnel * eg, cb + fresnel * eb
        return cr + glow * r, cg + glow * g, cb + glow * b
    rx, ry, rz = 2 * facing * nx - vx, 2 * facing * ny - vy, 2 * facing * nz - vz
    er, eg, eb = _environment(rx, ry, rz, light)
    sun_line = max(rx * light[0] + ry * light[1] + rz * light[2], 0.0)
    spark = (sun_line ** 60 * 1.2 + sun_line ** 900 * 8.0) * sun_seen * gloss
    fresnel = (1 - facing) ** 5
    if kind == PAINT:
        f = (0.045 + 0.75 * fresnel) * gloss
        return (r * ir + f * er + spark * light[3] * 0.4 + glow * r, g * ig + f * eg + spark * light[4] * 0.4 + glow * g,
                b * ib + f * eb + spark * light[5] * 0.4 + glow * b)
    if kind == GLASS:
        f = 0.09 + 0.8 * fresnel
        return r * ir + f * er + spark * light[3], g * ig + f * eg + spark * light[4], b * ib + f * eb + spark * light[5]
    if kind == CHROME:
        return (r * er * 0.75 + spark + r * 0.15 * ir, g * eg * 0.75 + spark + g * 0.15 * ig,
                b * eb * 0.75 + spark + b * 0.15 * ib)
    # A lamp: coloured lens with a ribbed reflector behind a clear front.
    rib = 0.75 + 0.35 * math.sin(px * 320.0) * math.sin(py * 320.0)
    f = 0.06 + 0.5 * fresnel
    return (r * ir * rib + f * er + spark * light[3] + glow * r, g * ig * rib + f * eg + spark * light[4] + glow * g,
            b * ib * rib + f * eb + spark * light[5] + glow * b)


# --------------------------------------------------------------------------------------------------- rasteriser


@njit(cache=True, fastmath=True)
def _raster(pos: Any, nrm: Any, aux: Any, tri: Any, tri_mat: Any, mats: Any, tex: Any, tex_info: Any, rot: Any, cam: Any,
            focal: float, ox: float, oy: float, light: Any, lamps: Any, color: Any, depth: Any, dyn: Any) -> None:
    """Draw triangles with depth test and per-sample shading into color (h, w, 3) and depth (h, w)."""
    height, width = depth.shape
    n = pos.shape[0]
    local = np.empty((n, 3), np.float32)
    for i in range(n):
        dx, dy, dz = pos[i, 0] - cam[0], pos[i, 1] - cam[1], pos[i, 2] - cam[2]
        z = rot[2, 0] * dx + rot[2, 1] * dy + rot[2, 2] * dz
        local[i, 2] = z
        if z > 0.2:
            local[i, 0] = focal * (rot[0, 0] * dx + rot[0, 1] * dy + rot[0, 2] * dz) / z + width / 2 - 0.5 + ox
            local[i, 1] = focal * (rot[1, 0] * dx + rot[1, 1] * dy + rot[1, 2] * dz) / z + height / 2 - 0.5 + oy
    for t in range(tri.shape[0]):
        a, b, c = tri[t, 0], tri[t, 1], tri[t, 2]
        za, zb, zc = local[a, 2], local[b, 2], local[c, 2]
        if za < 0.21 or zb < 0.21 or zc < 0.21:
            continue
        ax, ay = local[a, 0], local[a, 1]
        bx, by = local[b, 0], local[b, 1]
        qx, qy = local[c, 0], local[c, 1]
        x0 = max(int(math.ceil(min(ax, bx, qx))), 0)
        x1 = min(int(math.floor(max(ax, bx, qx))), width - 1)
        y0 = max(int(math.ceil(min(ay, by, qy))), 0)
        y1 = min(int(math.floor(max(ay, by, qy))), height - 1)
        if x0 > x1 or y0 > y1:
            continue
        area = (bx - ax) * (qy - ay) - (by - ay) * (qx - ax)
        if abs(area) < 1e-9:
            continue
        inv = 1.0 / area
        m = tri_mat[t]
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                w0 = ((bx - x) * (qy - y) - (by - y) * (qx - x)) * inv
                w1 = ((qx - x) * (ay - y) - (qy - y) * (ax - x)) * inv
                w2 = 1.0 - w0 - w1
                if w0 < 0 or w1 < 0 or w2 < 0:
                    continue
                iz = w0 / za + w1 / zb + w2 / zc
                z = 1.0 / iz
                if z >= depth[y, x]:
                    continue
                k0, k1, k2 = w0 * z / za, w1 * z / zb, w2 * z / zc
                u = k0 * aux[a, 0] + k1 * aux[b, 0] + k2 * aux[c, 0]
                v = k0 * aux[a, 1] + k1 * aux[b, 1] + k2 * aux[c, 1]
                s = k0 * aux[a, 2] + k1 * aux[b, 2] + k2 * aux[c, 2]
                nx = k0 * nrm[a, 0] + k1 * nrm[b, 0] + k2 * nrm[c, 0]
                ny = k0 * nrm[a, 1] + k1 * nrm[b, 1] + k2 * nrm[c, 1]
                nz = k0 * nrm[a, 2] + k1 * nrm[b, 2] + k2 * nrm[c, 2]
                nn = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-12)
                nx, ny, nz = nx * nn, ny * nn, nz * nn
                px = k0 * pos[a, 0] + k1 * pos[b, 0] + k2 * pos[c, 0]
                py = k0 * pos[a, 1] + k1 * pos[b, 1] + k2 * pos[c, 1]
                pz = k0 * pos[a, 2] + k1 * pos[b, 2] + k2 * pos[c, 2]
                row = m
                kind = int(mats[m, 0])
                if kind == CARSHELL:
                    sign = mats[m, 11]
                    onz = nz * sign
                    if abs(nx) > 0.8:
                        ti = int(mats[m, 8])
                        tx = int(s * 250.0)
                        ty = int((2.1 - v) * 250.0)
                    elif onz < -0.22:
                        ti = int(mats[m, 9])
                        tx = int((u + 1.1) * 400.0)
                        ty = int((2.1 - v) * 400.0)
                    elif onz > 0.22:
                        ti = int(mats[m, 10])
                        tx = int((u + 1.1) * 400.0)
                        ty = int((2.1 - v) * 400.0)
                    else:
                        ti = -1
                        tx = 0
                        ty = 0
                    label = 0
                    if ti >= 0:
                        tw, th = tex_info[ti, 1], tex_info[ti, 2]
                        if 0 <= tx < tw and 0 <= ty < th:
                            label = tex[tex_info[ti, 0] + ty * tw + tx]
                    row = int(mats[m, 13]) + label
                    kind = int(mats[row, 0])
                r, g, bl = mats[row, 1], mats[row, 2], mats[row, 3]
                ti = int(mats[row, 6])
                if ti >= 0:
                    tw, th, ch = tex_info[ti, 1], tex_info[ti, 2], tex_info[ti, 3]
                    fx = min(max(u * tw - 0.5, 0.0), tw - 1.001)
                    fy = min(max(v * th - 0.5, 0.0), th - 1.001)
                    jx, jy = int(fx), int(fy)
                    fx -= jx
                    fy -= jy
                    o = tex_info[ti, 0] + (jy * tw + jx) * ch
                    o2 = o + (tw * ch if jy + 1 < th else 0)
                    o1 = ch if jx + 1 < tw else 0
                    if ch == 4:
                        alpha = (tex[o + 3] * (1 - fx) + tex[o + o1 + 3] * fx) * (1 - fy) + \
                            (tex[o2 + 3] * (1 - fx) + tex[o2 + o1 + 3] * fx) * fy
                        if alpha < 128:
                            continue
                    tr = (tex[o] * (1 - fx) + tex[o + o1] * fx) * (1 - fy) + (tex[o2] * (1 - fx) + tex[o2 + o1] * fx) * fy
                    tg = (tex[o + 1] * (1 - fx) + tex[o + o1 + 1] * fx) * (1 - fy) + \
                        (tex[o2 + 1] * (1 - fx) + tex[o2 + o1 + 1] * fx) * fy
                    tb = (tex[o + 2] * (1 - fx) + tex[o + o1 + 2] * fx) * (1 - fy) + \
                        (tex[o2 + 2] * (1 - fx) + tex[o2 + o1 + 2] * fx) * fy
                    r *= (tr / 255.0) ** 2.2
                    g *= (tg / 255.0) ** 2.2
                    bl *= (tb / 255.0) ** 2.2
                if mats[row, 5] > 0 and py < 1.1:  # road dirt, more of it lower down
                    dirt = mats[row, 5] * _smooth(1.0, 0.15, py) * (0.5 + _fractal(u * 3 + s * 3 + 5, v * 3))
                    dirt = min(dirt, 0.9)
                    r, g, bl = r * (1 - dirt) + 0.12 * dirt, g * (1 - dirt) + 0.10 * dirt, bl * (1 - dirt) + 0.08 * dirt
                cr, cg, cb = _shade(kind, r, g, bl, mats[row, 4], mats[row, 7], px, py, pz, nx, ny, nz,
                                    cam[0], cam[1], cam[2], light, lamps, 1.0)
                depth[y, x] = z
                color[y, x, 0] = cr
                color[y, x, 1] = cg
                color[y, x, 2] = cb
                dyn[y, x, 0] = 0.0
                dyn[y, x, 1] = 0.0
                dyn[y, x, 2] = 0.0


@njit(cache=True, fastmath=True)
def _blocked(px: float, py: float, pz: float, dx: float, dy: float, dz: float, boxes: Any) -> bool:
    """Does a ray from P along d meet one of the boxes (x0, x1, y0, y1, z0, z1)?"""
    for i in range(boxes.shape[0]):
        near, far = 0.0, 1e9
        for axis in range(3):
            p = px if axis == 0 else (py if axis == 1 else pz)
            d = dx if axis == 0 else (dy if axis == 1 else dz)
            d = d if abs(d) > 1e-6 else 1e-6
            a, b = (boxes[i, 2 * axis] - p) / d, (boxes[i, 2 * axis + 1] - p) / d
            near, far = max(near, min(a, b)), min(far, max(a, b))
        if near < far:
            return True
    return False


@njit(cache=True, fastmath=True)
def _ground_albedo(x: float, z: float, road: Any) -> tuple[float, float, float]:
    """Road, markings, kerb, pavement and grass; `road`: mirror, right edge, left edge, right line, dashes, left line."""
    x = x * road[0]
    fine = _noise(x * 90, z * 90)
    mid = _fractal(x * 3.1, z * 1.3)
    wide = _fractal(x * 0.5 + 11, z * 0.13)
    if road[2] < x < road[1]:
        base = 0.115 + 0.05 * (fine - 0.5) + 0.05 * (mid - 0.5) + 0.05 * (wide - 0.5)
        for i in range(6, road.shape[0]):  # darker wheel tracks and oil along the middle of each lane
            off = abs(x - road[i])
            base *= 1 - 0.12 * math.exp(-((off - 0.78) / 0.3) ** 2) - 0.14 * math.exp(-(off / 0.25) ** 2) * wide * 2
        crack = abs(_fractal(x * 0.9 + 31, z * 0.42) - 0.5)
        if crack < 0.006:
            base *= 0.45
        if 0.52 < _noise(x * 0.11 + 3.3, z * 0.045 + 0.4) < 0.60:
            base *= 0.82  # a trench that was filled later
        r, g, b = base * 1.02, base, base * 0.97
        wear = _smooth(0.32, 0.62, _fractal(x * 9, z * 5) * 0.6 + fine * 0.4)
        white = abs(x - road[3]) < 0.055
        white = white or (abs(x - road[4]) < 0.055 and z % 9.0 < 3.0)
        yellow = abs(x - road[5]) < 0.055
        if white:
            k = 0.85 * (0.55 + 0.45 * wear)
            r, g, b = r + (0.62 - r) * k, g + (0.62 - g) * k, b + (0.58 - b) * k
        if yellow:
            k = 0.85 * (0.55 + 0.45 * wear)
            r, g, b = r + (0.60 - r) * k, g + (0.40 - g) * k, b + (0.06 - b) * k
        gutter = _smooth(road[2] + 0.5, road[2], x)
        return r * (1 - 0.35 * gutter), g * (1 - 0.38 * gutter), b * (1 - 0.42 * gutter)
    if x < road[2]:
        d = road[2] - x
        if d < 0.18:
            v = 0.34 + 0.1 * (mid - 0.5) + 0.06 * (fine - 0.5)
            return v, v * 0.98, v * 0.93
        if 1.0 < d < 2.7:
            v = 0.33 + 0.12 * (mid - 0.5) + 0.05 * (fine - 0.5)
            if z % 1.52 < 0.025 or abs(d - 1.0) < 0.04:
                v *= 0.45
            return v, v * 0.97, v * 0.92
    blade = 0.6 + 0.8 * _noise(x * 40, z * 22) * (0.5 + fine)
    v = (0.07 + 0.06 * wide + 0.03 * mid) * blade
    return v * 0.75 + 0.035 * mid, v * 1.05, v * 0.32


@njit(cache=True, fastmath=True)
def _ground(rot: Any, cam: Any, focal: float, ox: float, oy: float, light: Any, lamps: Any, road: Any, boxes: Any,
            crowns: Any, color: Any, depth: Any, dyn: Any, seed: int) -> None:
    """Sky and ground of one sample. `dyn` gets what a car's shadow takes away (day) or its lamps add to (night)."""
    height, width = depth.shape
    np.random.seed(seed)
    for y in range(height):
        for x in range(width):
            lx, ly = (x - ox - width / 2 + 0.5) / focal, (y - oy - height / 2 + 0.5) / focal
            dx = rot[0, 0] * lx + rot[1, 0] * ly + rot[2, 0]
            dy = rot[0, 1] * lx + rot[1, 1] * ly + rot[2, 1]
            dz = rot[0, 2] * lx + rot[1, 2] * ly + rot[2, 2]
            norm = 1.0 / math.sqrt(dx * dx + dy * dy + dz * dz)
            dyn[y, x, 0] = 0.0
            dyn[y, x, 1] = 0.0
            dyn[y, x, 2] = 0.0
            if dy > -0.004:
                e = max(dy * norm, 0.0)
                t = min(math.sqrt(e * 3), 1.0)
                cloud = _fractal(dx * 9, dy * 40) - 0.4
                cloud = max(cloud, 0.0) * 1.2
                for c in range(3):
                    color[y, x, c] = light[9 + c] * (1 - t) + light[6 + c] * t + cloud * light[9 + c] * (1 - t * 0.5)
                depth[y, x] = 1e6
                continue
            k = -cam[1] / dy
            px, pz = cam[0] + dx * k, cam[2] + dz * k
            r, g, b = _ground_albedo(px, pz, road)
            seen = 1.0
            if light[16] < 0.5:
                sx = light[0] + 0.02 * (np.random.random() - 0.5)
                sz = light[2] + 0.02 * (np.random.random() - 0.5)
                if _blocked(px, 0.0, pz, sx, light[1], sz, boxes):
                    seen = 0.0
                for i in range(crowns.shape[0]):  # shadow of a tree crown: a disc with leaf-shaped holes
                    t = crowns[i, 1] / light[1]
                    ex, ez = px + sx * t - crowns[i, 0], pz + sz * t - crowns[i, 2]
                    d = math.sqrt(ex * ex + ez * ez) / crowns[i, 3]
                    if d < 1.25 and _fractal(ex * 1.6 + i * 9, ez * 1.6) + 0.25 > d * 0.75:
                        seen = min(seen, 0.12)
            haze = 1 - math.exp(-k / 900.0)
            cr, cg, cb = _shade(DIFFUSE, r, g, b, 0.0, 0.0, px, 0.0, pz, 0.0, 1.0, 0.0, cam[0], cam[1], cam[2],
                                light, lamps, 0.0)
            color[y, x, 0] = cr * (1 - haze) + haze * light[9] * 0.7
            color[y, x, 1] = cg * (1 - haze) + haze * light[10] * 0.7
            color[y, x, 2] = cb * (1 - haze) + haze * light[11] * 0.7
            if light[16] < 0.5:
                gain = light[1] * seen * (1 - haze)
                dyn[y, x, 0] = r * light[3] * gain + 1e-6
                dyn[y, x, 1] = g * light[4] * gain + 1e-6
                dyn[y, x, 2] = b * light[5] * gain + 1e-6
            else:
                dyn[y, x, 0], dyn[y, x, 1], dyn[y, x, 2] = r + 1e-6, g + 1e-6, b + 1e-6
            depth[y, x] = k
    return


@njit(cache=True, fastmath=True)
def _cast(rot: Any, cam: Any, focal: float, ox: float, oy: float, light: Any, cars: Any, boxes: Any, beams: Any,
          base: Any, dyn: Any, out: Any, y0: int, y1: int, x0: int, x1: int, sx: float, sz: float) -> None:
    """Ground of one sample under the cars: contact shade, sun shadow, head and tail lamps' light.

    cars (n, 4): x, z middle, half width, half length. boxes: what blocks the sun. beams (m, 7): x, y, z, direction z,
    power, red share, exponent.
    """
    height, width = out.shape[0], out.shape[1]
    for y in range(y0, y1):
        for x in range(x0, x1):
            if dyn[y, x, 0] <= 0.0:
                continue
            lx, ly = (x - ox - width / 2 + 0.5) / focal, (y - oy - height / 2 + 0.5) / focal
            dx = rot[0, 0] * lx + rot[1, 0] * ly + rot[2, 0]
            dy = rot[0, 1] * lx + rot[1, 1] * ly + rot[2, 1]
            dz = rot[0, 2] * lx + rot[1, 2] * ly + rot[2, 2]
            k = -cam[1] / dy
            px, pz = cam[0] + dx * k, cam[2] + dz * k
            ao = 1.0
            for i in range(cars.shape[0]):
                ex, ez = abs(px - cars[i, 0]) - cars[i, 2], abs(pz - cars[i, 1]) - cars[i, 3]
                outside = math.sqrt(max(ex, 0.0) ** 2 + max(ez, 0.0) ** 2)
                inside = min(max(ex, ez), 0.0)
                if outside > 0:
                    ao *= 1 - 0.55 * math.exp(-outside / 0.28)
                else:
                    ao *= 0.45 - 0.35 * min(-inside / 0.5, 1.0)
            if light[16] < 0.5:
                lit = 0.0 if _blocked(px, 0.0, pz, light[0] + sx, light[1], light[2] + sz, boxes) else 1.0
                for c in range(3):
                    out[y, x, c] = base[y, x, c] * ao + dyn[y, x, c] * lit * (0.4 + 0.6 * ao)
            else:
                red, white = 0.0, 0.0
                for i in range(beams.shape[0]):
                    bx, by, bz = px - beams[i, 0], -beams[i, 1], pz - beams[i, 2]
                    d2 = bx * bx + by * by + bz * bz
                    d = math.sqrt(d2)
                    ahead = (bz * beams[i, 3] * 0.998 + by * 0.05) / d
                    if ahead > 0:
                        e = beams[i, 4] * ahead ** beams[i, 6] * (-by / d) / d2
                        red += e * beams[i, 5]
                        white += e * (1 - beams[i, 5])
                for c in range(3):
                    out[y, x, c] = base[y, x, c] * ao + dyn[y, x, c] * (white + (red if c == 0 else 0.15 * red))


# --------------------------------------------------------------------------------------------------- meshes


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
        np.concatenate([m.pos for m in meshes]), np.concatenate([m.nrm for m in meshes]),
        np.concatenate([m.aux for m in meshes]),
        np.concatenate([m.tri + o for m, o in zip(meshes, offsets, strict=True)]).astype(np.int32),
        np.concatenate([m.mat for m in meshes]))


def grid_mesh(points: Floats, aux: Floats, material: int) -> Mesh:
    """A smooth surface from a grid of points (rows, columns, 3)."""
    normal = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    length = np.linalg.norm(normal, axis=2, keepdims=True)
    normal = normal / np.maximum(length, 1e-9)
    rows, cols = points.shape[:2]
    i = (np.arange(rows - 1)[:, None] * cols + np.arange(cols - 1)[None]).ravel()
    tri = np.concatenate([np.stack([i, i + 1, i + cols], 1), np.stack([i + 1, i + cols + 1, i + cols], 1)])
    return Mesh(points.reshape(-1, 3).astype(np.float32), normal.reshape(-1, 3).astype(np.float32),
                aux.reshape(-1, 3).astype(np.float32), tri.astype(np.int32), np.full(len(tri), material, np.int32))


def quad(corners: list[tuple[float, float, float]], material: int, uv: tuple[float, float] = (1.0, 1.0)) -> Mesh:
    """A flat patch; corners top left, top right, bottom right, bottom left as its texture is meant to be seen."""
    p = np.array(corners, np.float32)
    n = np.cross(p[1] - p[0], p[3] - p[0])
    n = n / max(float(np.linalg.norm(n)), 1e-9)
    aux = np.array([(0, 0, 0), (uv[0], 0, 0), (uv[0], uv[1], 0), (0, uv[1], 0)], np.float32)
    return Mesh(p, np.tile(-n, (4, 1)).astype(np.float32), aux, np.array([(0, 1, 2), (0, 2, 3)], np.int32),
                np.full(2, material, np.int32))


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

    def add(self, kind: int, rgb: tuple[float, float, float] = (1.0, 1.0, 1.0), gloss: float = 1.0, *, dirt: float = 0.0,
            texture: int = -1, glow: float = 0.0, shell: tuple[int, int, int, float, float, int] | None = None) -> int:
        self.rows.append([kind, *rgb, gloss, dirt, texture, glow, *(shell[:3] if shell else (0, 0, 0)),
                          *(shell[3:] if shell else (0, 0, 0))])
        return len(self.rows) - 1

    def packed(self) -> tuple[Floats, Image, NDArray[np.int64]]:
        info, offset = [], 0
        for t in self.textures:
            info.append((offset, t.shape[1], t.shape[0], t.shape[2] if t.ndim == 3 else 1))
            offset += t.size
        flat = np.concatenate([t.ravel() for t in self.textures]) if self.textures else np.zeros(1, np.uint8)
        return (np.array(self.rows, np.float32), flat, np.array(info or [(0, 1, 1, 1)], np.int64))


# --------------------------------------------------------------------------------------------------- cars


@dataclass(frozen=True)
class Shape:
    """A body style: size, height of the top line along the length, where plates sit (heights in metres)."""

    name: str
    length_m: float
    width_m: float
    top: tuple[tuple[float, float], ...]
    belt: float
    rear_plate_m: float
    front_plate_m: float
    wheel_m: float
    axles: tuple[float, float]
    glass_rear: tuple[float, float, float, float]  # bottom, top, half width at bottom, half width at top
    glass_front: tuple[float, float, float, float]
    lamp: str


SHAPES = {
    "sedan": Shape("sedan", 4.75, 1.83,
                   ((0, 0.97), (0.03, 1.04), (0.10, 1.09), (0.165, 1.12), (0.31, 1.39), (0.40, 1.455), (0.50, 1.46),
                    (0.60, 1.39), (0.74, 1.03), (0.80, 0.99), (0.93, 0.87), (1.0, 0.74)),
                   0.94, 0.80, 0.46, 0.33, (0.215, 0.805), (1.13, 1.38, 0.62, 0.50), (1.02, 1.37, 0.66, 0.52), "wrap"),
    "hatch": Shape("hatch", 4.2, 1.77,
                   ((0, 1.0), (0.02, 1.08), (0.05, 1.16), (0.14, 1.43), (0.22, 1.50), (0.48, 1.52), (0.60, 1.42),
                    (0.75, 1.05), (0.82, 1.0), (0.94, 0.88), (1.0, 0.74)),
                   0.96, 0.84, 0.46, 0.32, (0.17, 0.80), (1.12, 1.42, 0.58, 0.47), (1.04, 1.40, 0.64, 0.50), "tall"),
    "suv": Shape("suv", 4.7, 1.88,
                 ((0, 1.06), (0.015, 1.14), (0.035, 1.22), (0.09, 1.58), (0.15, 1.67), (0.30, 1.70), (0.52, 1.69),
                  (0.62, 1.58), (0.75, 1.15), (0.82, 1.10), (0.95, 1.0), (1.0, 0.86)),
                 1.06, 0.92, 0.55, 0.37, (0.18, 0.80), (1.19, 1.56, 0.66, 0.55), (1.14, 1.57, 0.70, 0.56), "tall"),
    "van": Shape("van", 5.1, 1.95,
                 ((0, 1.08), (0.012, 1.16), (0.028, 1.26), (0.06, 1.66), (0.11, 1.77), (0.30, 1.80), (0.62, 1.76),
                  (0.72, 1.58), (0.86, 1.12), (0.91, 1.05), (0.97, 0.95), (1.0, 0.80)),
                 1.05, 0.90, 0.50, 0.34, (0.19, 0.82), (1.22, 1.64, 0.72, 0.62), (1.12, 1.62, 0.76, 0.62), "tall"),
    "pickup": Shape("pickup", 5.6, 1.96,
                    ((0, 1.12), (0.01, 1.17), (0.03, 1.19), (0.385, 1.20), (0.40, 1.30), (0.43, 1.70), (0.46, 1.80),
                     (0.62, 1.80), (0.67, 1.68), (0.75, 1.24), (0.80, 1.20), (0.96, 1.12), (1.0, 0.95)),
                    1.14, 0.60, 0.55, 0.40, (0.19, 0.80), (1.34, 1.66, 0.62, 0.56), (1.24, 1.67, 0.72, 0.60), "stack"),
}


def _curve(points: tuple[tuple[float, float], ...], at: NDArray[Any]) -> NDArray[Any]:
    """Smooth (monotone, Catmull-like) interpolation by blurring a piecewise line a little."""
    xs, ys = np.array(points).T
    fine = np.linspace(0, 1, 801)
    line = np.interp(fine, xs, ys)
    kernel = np.hanning(29)
    padded = np.pad(line, 14, mode="edge")
    smooth = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return np.interp(at, fine, smooth)


_REAR_SHEAR = ((0.0, 0.16), (0.22, 0.10), (0.32, 0.015), (0.40, 0.0), (0.56, 0.0), (0.61, 0.05), (0.68, 0.075),
               (1.0, 0.095), (1.2, 0.13), (2.1, 0.16))
_FRONT_SHEAR = ((0.0, 0.20), (0.2, 0.12), (0.32, 0.02), (0.42, 0.0), (0.55, 0.01), (0.66, 0.07), (0.8, 0.16), (1.0, 0.24),
                (2.1, 0.3))


def _end_z(shape: Shape, y: NDArray[Any], x: NDArray[Any], front: bool) -> NDArray[Any]:
    """How far the face of the car's end lies inside its length at height y and side x (metres)."""
    half = shape.width_m / 2
    s = np.minimum(np.abs(x) / half, 1.0)
    bow = 0.09 * s**2 + 0.07 * s**10
    table = np.array(_FRONT_SHEAR if front else _REAR_SHEAR)
    lift = (shape.rear_plate_m - 0.80) if shape.name in ("suv", "van") else 0.0
    return bow + np.interp(y - lift * 0.8, table[:, 0], table[:, 1])


def _body(shape: Shape, material: int) -> Mesh:
    """The outer shell: cross-sections along the length, closed by rounded ends; own coordinates in `aux`."""
    stations = np.unique(np.concatenate([np.linspace(0, 0.12, 15), np.linspace(0.12, 0.9, 44), np.linspace(0.9, 1, 13)]))
    top = _curve(shape.top, stations)
    half = shape.width_m / 2
    sections = []
    for u, t in zip(stations, top, strict=True):
        belt = shape.belt + 0.05 * (0.5 - u)
        w = half * (1 - 0.05 * max(0.0, (u - 0.72) / 0.28) ** 2 - 0.03 * max(0.0, (0.2 - u) / 0.2) ** 2)
        shoulder = min(belt, t - 0.05)
        cabin = max(t - belt, 0.0)
        roof = w * (0.955 - 0.42 * min(cabin, 0.62))
        key = [(0.0, 0.20), (0.55 * w, 0.20), (0.90 * w, 0.21), (0.965 * w, 0.27), (0.985 * w, 0.36), (0.995 * w, 0.52),
               (1.0 * w, 0.62), (0.995 * w, shoulder - 0.12), (0.985 * w, shoulder - 0.05), (0.955 * w, shoulder)]
        rise = t - 0.045 - shoulder
        edge = 0.955 * w if cabin < 0.02 else roof
        key += [(0.955 * w + (edge - 0.955 * w) * k, shoulder + rise * k) for k in (0.12, 0.3, 0.5, 0.7, 0.88)]
        key += [(edge, t - 0.045), (edge * 0.955, t - 0.02), (edge * 0.86, t - 0.004), (edge * 0.6, t + 0.008),
                (edge * 0.3, t + 0.016), (0.0, t + 0.018)]
        pts = np.array(key)
        chord = np.arange(len(pts))
        fine = np.linspace(0, len(pts) - 1, 42)
        xs, ys = np.interp(fine, chord, pts[:, 0]), np.interp(fine, chord, pts[:, 1])
        xs[1:-1] = 0.25 * xs[:-2] + 0.5 * xs[1:-1] + 0.25 * xs[2:]
        ys[1:-1] = 0.25 * ys[:-2] + 0.5 * ys[1:-1] + 0.25 * ys[2:]
        sections.append(np.stack([xs, ys], 1))
    side = np.stack(sections)  # stations, points, (x, y), right half from bottom to top
    full = np.concatenate([side, side[:, -2::-1] * np.array([-1, 1])], axis=1)
    length = shape.length_m
    z = np.repeat((stations * length)[:, None], full.shape[1], axis=1)
    rear = np.clip(1 - stations / 0.10, 0, 1)[:, None] ** 1.5
    nose = np.clip(1 - (1 - stations) / 0.12, 0, 1)[:, None] ** 1.5
    z = z + rear * (_end_z(shape, full[..., 1], full[..., 0], False)) - nose * _end_z(shape, full[..., 1], full[..., 0], True)
    points = np.stack([full[..., 0], full[..., 1], z], -1)

    def cap(section: NDArray[Any], front: bool) -> NDArray[Any]:
        rings = []
        for s in (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.88, 0.94, 0.97, 0.985, 0.995):
            x, y = section[:, 0] * s, section[:, 1]
            inset = _end_z(shape, y, x, front)
            rings.append(np.stack([x, y, length - inset if front else inset], 1))
        return np.stack(rings[::-1] if front else rings)

    points = np.concatenate([cap(full[0], False), points, cap(full[-1], True)])
    mesh = grid_mesh(points.astype(np.float32), points, material)
    mesh.nrm = -mesh.nrm  # outwards: the surface map is chosen by it
    return mesh


def _disc(x: float, y: float, z: float, radius: float, out: float, material: int) -> Mesh:
    """A wheel's face, seen from the side, looking along x; uv over its square."""
    angle = np.linspace(0, 2 * math.pi, 37)
    rings = []
    auxs = []
    for s, depth in ((0.02, -0.01), (0.6, -0.025), (0.72, 0.0), (0.95, 0.0), (1.0, -0.03)):
        rings.append(np.stack([np.full_like(angle, x + out * depth), y + radius * s * np.sin(angle),
                               z + radius * s * np.cos(angle)], 1))
        auxs.append(np.stack([0.5 + 0.5 * s * np.cos(angle), 0.5 - 0.5 * s * np.sin(angle), np.zeros_like(angle)], 1))
    return grid_mesh(np.stack(rings).astype(np.float32), np.stack(auxs), material)


def _tread(x0: float, x1: float, y: float, z: float, radius: float, material: int) -> Mesh:
    angle = np.linspace(0, 2 * math.pi, 37)
    rings = [np.stack([np.full_like(angle, x), y + r * np.sin(angle), z + r * np.cos(angle)], 1)
             for x, r in ((x0, radius * 0.96), (x0 + 0.02, radius), (x1 - 0.02, radius), (x1, radius * 0.96))]
    return grid_mesh(np.stack(rings).astype(np.float32), np.zeros((4, 37, 3)), material)


def _end_px(x: float, y: float) -> tuple[int, int]:
    return round((x + END_HALF_WIDTH_M) * END_PX_PER_M), round((MAP_TOP_M - y) * END_PX_PER_M)


def _fill(image: Image, points: list[tuple[float, float]], label: int, mirror: bool = True) -> None:
    """Fill a polygon given in metres (x from the middle, y above the road) and, if asked, its mirror image."""
    for sign in (1, -1) if mirror else (1,):
        cv2.fillPoly(image, [np.array([_end_px(sign * x, y) for x, y in points], np.int32)], label)


def _line(image: Image, points: list[tuple[float, float]], label: int, width: int = 3, mirror: bool = True) -> None:
    for sign in (1, -1) if mirror else (1,):
        cv2.polylines(image, [np.array([_end_px(sign * x, y) for x, y in points], np.int32)], False, label, width)


def _round(points: list[tuple[float, float]], radius: float = 0.03) -> list[tuple[float, float]]:
    """The polygon with its corners cut into short curves."""
    out = []
    n = len(points)
    for i in range(n):
        p, a, b = np.array(points[i]), np.array(points[i - 1]), np.array(points[(i + 1) % n])
        da, db = (a - p), (b - p)
        ka, kb = min(radius / np.linalg.norm(da), 0.5), min(radius / np.linalg.norm(db), 0.5)
        for t in (0, 0.25, 0.5, 0.75, 1):
            q = (1 - t) ** 2 * (p + da * ka) + 2 * t * (1 - t) * p + t * t * (p + db * kb)
            out.append((float(q[0]), float(q[1])))
    return out


def _rect(x0: float, x1: float, y0: float, y1: float) -> list[tuple[float, float]]:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _rear_map(shape: Shape, badge: str) -> Image:
    """Labels of everything seen on the back of a car."""
    image = np.zeros((round(MAP_TOP_M * END_PX_PER_M), round(2 * END_HALF_WIDTH_M * END_PX_PER_M)), np.uint8)
    half = shape.width_m / 2
    low, high, w0, w1 = shape.glass_rear
    _fill(image, _round([(-w0 - 0.035, low - 0.03), (w0 + 0.035, low - 0.03), (w1 + 0.03, high + 0.03), (-w1 - 0.03, high + 0.03)], 0.06),
          L_PLASTIC, False)
    _fill(image, _round([(-w0, low), (w0, low), (w1, high), (-w1, high)], 0.05), L_GLASS, False)
    for x in (-0.36, 0.36):
        _fill(image, _round(_rect(x - 0.12, x + 0.12, low - 0.02, low + (high - low) * 0.42), 0.05), L_SEAT, False)
    _fill(image, _round([(-w0, low), (w0, low), (w0, low + 0.012), (-w0, low + 0.012)], 0.004), L_PLASTIC, False)
    if shape.name in ("suv", "hatch", "van"):
        _line(image, [(0, low + 0.02), (0.28, low + 0.05)], L_PLASTIC, 5, False)  # wiper
        _fill(image, _rect(-0.16, 0.16, high + 0.045, high + 0.06), L_RED, False)
    y = shape.rear_plate_m
    _fill(image, _rect(0, half + 0.1, 0.0, 0.30), L_PLASTIC)
    if shape.name == "pickup":
        _fill(image, _round(_rect(-0.80, 0.80, 0.72, 1.13), 0.03), L_SEAM, False)
        _fill(image, _round(_rect(-0.79, 0.79, 0.73, 1.12), 0.03), L_PAINT, False)
        _fill(image, _round(_rect(-half, half, 0.50, 0.69), 0.03), L_CHROME, False)
        _fill(image, _rect(-0.26, 0.26, 0.50, 0.70), L_PLASTIC, False)
        _fill(image, _rect(-half, half, 0.30, 0.50), L_PLASTIC, False)
        _fill(image, _round(_rect(-0.14, 0.14, 0.98, 1.03), 0.02), L_PLASTIC, False)
        _fill(image, _round(_rect(0.815, half + 0.05, 0.74, 1.10), 0.02), L_SEAM)
        _fill(image, _round(_rect(0.822, half + 0.05, 0.92, 1.09), 0.02), L_TAIL)
        _fill(image, _round(_rect(0.822, half + 0.05, 0.84, 0.915), 0.01), L_CLEAR)
        _fill(image, _round(_rect(0.822, half + 0.05, 0.75, 0.835), 0.01), L_RED)
    else:
        top = shape.top[1][1]
        seam = [(0.0, 0.605), (0.52, 0.605), (0.57, 0.66), (0.60, 0.80)]
        if shape.lamp == "tall":
            seam = [(0.0, 0.63), (0.60, 0.63), (0.66, 0.70), (0.68, 1.0), (w0 + 0.06, low), (w1 + 0.05, high + 0.03)]
        _line(image, seam, L_SEAM, 4)
        _line(image, [(0, 0.585), (half, 0.60)], L_SEAM, 3)
        # Recess of the plate, shaded, with a strip of trim and two small lamps above.
        _fill(image, _round([(-0.27, y - 0.115), (0.27, y - 0.115), (0.235, y + 0.115), (-0.235, y + 0.115)], 0.03), L_SEAM, False)
        _fill(image, _round([(-0.262, y - 0.108), (0.262, y - 0.108), (0.23, y + 0.11), (-0.23, y + 0.11)], 0.03), L_RECESS, False)
        _fill(image, _round(_rect(-0.29, 0.29, y + 0.105, y + 0.14), 0.012), L_CHROME if shape.name != "hatch" else L_PLASTIC, False)
        if shape.lamp == "wrap":
            lens = [(0.50, top - 0.22), (0.56, top - 0.09), (half + 0.05, top - 0.08), (half + 0.05, top - 0.27), (0.62, top - 0.27)]
            _fill(image, _round([(x - 0.008 if x < 0.7 else x, v) for x, v in lens], 0.03), L_SEAM)
            _fill(image, _round(lens, 0.03), L_RED)
            _fill(image, _round(_rect(0.60, half, top - 0.145, top - 0.115), 0.008), L_TAIL)
            _fill(image, _round(_rect(0.56, 0.70, top - 0.22, top - 0.18), 0.01), L_CLEAR)
            _fill(image, _round(_rect(0.72, half, top - 0.245, top - 0.195), 0.008), L_TAIL)
        else:
            base = 0.74 if shape.name != "van" else 0.85
            peak = min(low + (0.12 if shape.name != "suv" else 0.02), 1.34)
            lens = [(0.66, base), (0.69, peak - 0.05), (half - 0.06, peak), (half + 0.05, peak - 0.02), (half + 0.05, base + 0.02)]
            _fill(image, _round([(x - 0.008 if x < 0.7 else x, v) for x, v in lens], 0.03), L_SEAM)
            _fill(image, _round(lens, 0.03), L_RED)
            _fill(image, _round(_rect(0.72, half, base + 0.20, base + 0.25), 0.01), L_TAIL)
            _fill(image, _round(_rect(0.70, half, base + 0.05, base + 0.10), 0.01), L_CLEAR)
            _fill(image, _round(_rect(0.72, half, base + 0.13, base + 0.16), 0.008), L_AMBER)
        _fill(image, _round([(0, 0.30), (0.62, 0.30), (0.56, 0.40), (0, 0.40)], 0.03), L_PLASTIC)
        _fill(image, _round(_rect(0.60, 0.80, 0.43, 0.465), 0.01), L_RED)
        _fill(image, _round(_rect(0.42, 0.54, 0.285, 0.335), 0.02), L_CHROME)
        _fill(image, _round(_rect(0.435, 0.525, 0.295, 0.325), 0.012), L_SEAM)
    cv2.circle(image, _end_px(0, min(y + 0.21, 1.06)), 13, L_CHROME, -1)
    cv2.circle(image, _end_px(0, min(y + 0.21, 1.06)), 8, L_SEAM, 2)
    cv2.putText(image, badge, _end_px(-0.62, y + 0.10 if shape.name != "pickup" else 0.82), cv2.FONT_HERSHEY_DUPLEX, 0.62, L_CHROME, 2, cv2.LINE_8)
    cv2.putText(image, "AWD", _end_px(0.42, y + 0.10 if shape.name != "pickup" else 0.82), cv2.FONT_HERSHEY_DUPLEX, 0.5, L_CHROME, 1, cv2.LINE_8)
    return image


def _front_map(shape: Shape) -> Image:
    """Labels of everything seen on the front of a car."""
    image = np.zeros((round(MAP_TOP_M * END_PX_PER_M), round(2 * END_HALF_WIDTH_M * END_PX_PER_M)), np.uint8)
    half = shape.width_m / 2
    low, high, w0, w1 = shape.glass_front
    _fill(image, _round([(-w0 - 0.04, low - 0.05), (w0 + 0.04, low - 0.05), (w1 + 0.03, high + 0.02), (-w1 - 0.03, high + 0.02)], 0.06), L_PLASTIC, False)
    _fill(image, _round([(-w0, low), (w0, low), (w1, high), (-w1, high)], 0.05), L_GLASS, False)
    for x in (-0.36, 0.36):
        _fill(image, _round(_rect(x - 0.13, x + 0.13, low + 0.02, low + (high - low) * 0.55), 0.05), L_SEAT, False)
    _line(image, [(-0.5, low + 0.01), (0.05, low + 0.03)], L_PLASTIC, 4, False)
    _line(image, [(0.0, low + 0.01), (0.5, low + 0.03)], L_PLASTIC, 4, False)
    nose = shape.top[-1][1]
    y = shape.front_plate_m
    _line(image, [(0, nose + 0.01), (0.55, nose - 0.01), (0.72, nose - 0.04)], L_SEAM, 4)
    grille = [(-0.50, nose - 0.05), (0.50, nose - 0.05), (0.42, nose - 0.20), (-0.42, nose - 0.20)]
    _fill(image, _round([(x * 1.03, v + (0.01 if i < 2 else -0.01)) for i, (x, v) in enumerate(grille)], 0.04), L_CHROME, False)
    _fill(image, _round(grille, 0.04), L_GRILLE, False)
    for k in range(1, 4):
        _line(image, [(-0.47, nose - 0.05 - 0.037 * k), (0.47, nose - 0.05 - 0.037 * k)], L_PLASTIC, 3, False)
    cv2.circle(image, _end_px(0, nose - 0.12), 20, L_CHROME, -1)
    cv2.circle(image, _end_px(0, nose - 0.12), 13, L_SEAM, 3)
    lens = [(0.50, nose - 0.16), (0.54, nose - 0.04), (half + 0.05, nose + 0.02), (half + 0.05, nose - 0.13), (0.72, nose - 0.19)]
    _fill(image, _round([(x * 0.985 if x < 0.7 else x, v) for x, v in lens], 0.03), L_SEAM)
    _fill(image, _round(lens, 0.03), L_CLEAR)
    cv2.circle(image, _end_px(0.66, nose - 0.105), 24, L_HEAD, -1)
    cv2.circle(image, _end_px(-0.66, nose - 0.105), 24, L_HEAD, -1)
    _fill(image, _round(_rect(0.74, half + 0.03, nose - 0.10, nose - 0.07), 0.01), L_AMBER)
    _fill(image, _round([(0, 0.24), (0.58, 0.24), (0.50, y - 0.10), (0, y - 0.10)], 0.03), L_GRILLE)
    _fill(image, _round(_rect(0.64, 0.84, 0.30, 0.40), 0.03), L_PLASTIC)
    cv2.circle(image, _end_px(0.73, 0.35), 14, L_CLEAR, -1)
    cv2.circle(image, _end_px(-0.73, 0.35), 14, L_CLEAR, -1)
    _fill(image, _rect(0, half + 0.1, 0.0, 0.22), L_PLASTIC)
    return image


def _side_map(shape: Shape) -> Image:
    """Labels of everything seen from the side, from the rear (left edge) to the front."""
    length = shape.length_m
    image = np.zeros((round(MAP_TOP_M * SIDE_PX_PER_M), round(length * SIDE_PX_PER_M) + 1), np.uint8)

    def px(z: float, y: float) -> tuple[int, int]:
        return round(z * SIDE_PX_PER_M), round((MAP_TOP_M - y) * SIDE_PX_PER_M)

    def fill(points: list[tuple[float, float]], label: int) -> None:
        cv2.fillPoly(image, [np.array([px(*p) for p in points], np.int32)], label)

    us = np.linspace(0, 1, 240)
    top = _curve(shape.top, us)
    belt = shape.belt + 0.05 * (0.5 - us) + 0.02
    roof = top - 0.10
    ok = roof - belt > 0.06
    if ok.any():
        zs = us[ok] * length
        if shape.name == "pickup":
            zs = zs
        outline = [*zip(zs, belt[ok], strict=True), *list(zip(zs, roof[ok], strict=True))[::-1]]
        fill([(float(a), float(b)) for a, b in outline], L_GLASS)
        start, end = float(zs[0]), float(zs[-1])
        pillars = {"sedan": (0.33, 0.62), "hatch": (0.33, 0.62), "suv": (0.22, 0.42, 0.66), "van": (0.22, 0.46, 0.70), "pickup": (0.5,)}
        for share in pillars[shape.name]:
            z = start + (end - start) * share
            fill([(z - 0.045, 0.9), (z + 0.045, 0.9), (z + 0.01, 2.0), (z - 0.07, 2.0)], L_PLASTIC)
        mask = np.zeros_like(image)
        cv2.fillPoly(mask, [np.array([px(float(a), float(b)) for a, b in outline], np.int32)], 1)
        image[(mask == 0)] = L_PAINT
        door_top = float(belt[ok].mean())
        cuts = [start + (end - start) * s for s in pillars[shape.name]]
        for z in [*cuts, min(end + 0.02, shape.axles[1] * length - 0.42)]:
            cv2.line(image, px(z, 0.34), px(z, door_top), L_SEAM, 2)
        for z in cuts:
            fill([(z + 0.06, door_top - 0.12), (z + 0.24, door_top - 0.12), (z + 0.24, door_top - 0.09), (z + 0.06, door_top - 0.09)], L_SEAM)
    cv2.line(image, px(0.2, 0.34), px(length - 0.2, 0.34), L_SEAM, 2)
    fill([(0, 0), (length, 0), (length, 0.27), (0, 0.27)], L_PLASTIC)
    for share in shape.axles:
        cv2.circle(image, px(share * length, shape.wheel_m), round((shape.wheel_m + 0.055) * SIDE_PX_PER_M), L_SEAM, -1)
    rear_top = shape.top[1][1]
    if shape.lamp == "wrap":
        fill(_rect(0, 0.30, rear_top - 0.26, rear_top - 0.09), L_RED)
    elif shape.lamp == "tall":
        fill(_rect(0, 0.24, 0.78, min(shape.glass_rear[0] + 0.08, 1.3)), L_RED)
    else:
        fill(_rect(0, 0.14, 0.76, 1.09), L_RED)
    nose = shape.top[-1][1]
    fill(_rect(length - 0.42, length, nose - 0.13, nose + 0.02), L_CLEAR)
    fill(_rect(length - 0.16, length, 0.45, 0.49), L_AMBER)
    return image


def _rim_texture(rng: np.random.Generator) -> Image:
    """A tyre and an alloy wheel whose spokes are smeared by turning."""
    size = 256
    y, x = np.mgrid[0:size, 0:size]
    r = np.hypot(x - 127.5, y - 127.5) / 127.5
    a = np.arctan2(y - 127.5, x - 127.5)
    spokes = 0.5 + 0.5 * np.cos(a * int(rng.integers(5, 11)))
    value = np.where(r > 0.70, 30.0, 60 + 110 * spokes)
    value = np.where((r > 0.66) & (r < 0.70), 185.0, value)
    value = np.where(r < 0.13, 140.0, value)
    value = np.where((r > 0.93), 24.0, value)
    image = np.repeat(value[..., None], 3, axis=2) + rng.normal(0, 3, (size, size, 1))
    return cv2.GaussianBlur(np.clip(image, 0, 255).astype(np.uint8), (0, 0), 1.2)


@dataclass
class Car:
    """One vehicle: where it is, how fast, what plate it shows. `heading` +1 drives away (rear seen), -1 towards us."""

    shape: Shape
    lane_x: float
    heading: int
    speed_mps: float
    passing_s: float  # the moment its plate is `passing_z` metres ahead of the camera
    passing_z: float
    plate: Image
    rgb: tuple[float, float, float]
    badge: str = "ORVANE"
    dirt: float = 0.25
    plate_offset: tuple[float, float] = (0.0, 0.0)
    plate_roll_deg: float = 0.0
    lamps_on: bool = False
    mesh: Mesh | None = field(default=None, repr=False)
    plate_local: Floats | None = field(default=None, repr=False)

    def plate_z(self, time_s: float) -> float:
        return self.passing_z + self.heading * self.speed_mps * (time_s - self.passing_s)

    def origin_z(self, time_s: float) -> float:
        """World z of the rear of the body."""
        return self.plate_z(time_s) + (-0.1 if self.heading > 0 else self.shape.length_m - 0.1)

    def place(self, points: Floats, time_s: float) -> Floats:
        """Own coordinates (x, y, z from the rear) to world."""
        out = points.copy()
        out[:, 0] = self.lane_x + self.heading * points[:, 0]
        out[:, 2] = self.origin_z(time_s) + self.heading * points[:, 2]
        return out

    def plate_world(self, time_s: float) -> Floats:
        """World corners of the plate as its reader sees them: top left, top right, bottom right, bottom left."""
        assert self.plate_local is not None
        return self.place(self.plate_local, time_s)


def build_car(car: Car, surfaces: Surfaces, rng: np.random.Generator) -> None:
    """Make the mesh and materials of a car (once)."""
    shape, night = car.shape, car.lamps_on
    base = len(surfaces.rows)
    d = car.dirt
    palette = {
        L_PAINT: (PAINT, car.rgb, 1.0, d, 0.0), L_GLASS: (GLASS, (0.012, 0.014, 0.014), 1.0, 0.0, 0.0),
        L_PLASTIC: (PAINT, (0.022, 0.022, 0.023), 0.35, d, 0.0), L_CHROME: (CHROME, (0.75, 0.76, 0.78), 1.0, d * 0.5, 0.0),
        L_RED: (LAMP, (0.24, 0.008, 0.008), 1.0, d * 0.4, 1.1 if night else 0.0),
        L_CLEAR: (LAMP, (0.42, 0.43, 0.44), 1.0, d * 0.4, 0.10 if night else 0.0),
        L_AMBER: (LAMP, (0.5, 0.16, 0.01), 1.0, d * 0.4, 0.5 if night else 0.0),
        L_SEAM: (DIFFUSE, (0.012, 0.012, 0.012), 0.0, 0.0, 0.0),
        L_RECESS: (PAINT, (car.rgb[0] * 0.5, car.rgb[1] * 0.5, car.rgb[2] * 0.5), 0.5, d, 0.0),
        L_TAIL: (LAMP, (0.42, 0.014, 0.012), 1.0, d * 0.4, 7.0 if night else 0.05),
        L_HEAD: (LAMP, (0.62, 0.64, 0.66), 1.0, 0.0, 22.0 if night else 0.0),
        L_SEAT: (GLASS, (0.035, 0.034, 0.033), 1.0, 0.0, 0.0), L_RUBBER: (DIFFUSE, (0.02, 0.02, 0.02), 0.0, d * 2, 0.0),
        L_GRILLE: (DIFFUSE, (0.02, 0.02, 0.021), 0.0, d * 0.6, 0.0), L_RIM: (CHROME, (0.5, 0.5, 0.52), 0.5, d, 0.0),
    }
    for label in range(15):
        kind, rgb, gloss, dirt, glow = palette[label]
        surfaces.add(kind, rgb, gloss, dirt=dirt, glow=glow)
    maps = (surfaces.texture(_side_map(shape)), surfaces.texture(_rear_map(shape, car.badge)),
            surfaces.texture(_front_map(shape)))
    shell = surfaces.add(CARSHELL, shell=(*maps, float(car.heading), shape.length_m, base))
    wheel = surfaces.add(DIFFUSE, texture=surfaces.texture(_rim_texture(rng)), dirt=d * 0.8)
    parts = [_body(shape, shell)]
    half = shape.width_m / 2
    for share in shape.axles:
        for sign in (-1, 1):
            parts.append(_disc(sign * (half + 0.004), shape.wheel_m, share * shape.length_m, shape.wheel_m, sign, wheel))
            x0, x1 = sorted((sign * (half - 0.22), sign * (half + 0.0)))
            parts.append(_tread(x0, x1, shape.wheel_m, share * shape.length_m, shape.wheel_m, base + L_RUBBER))
    mirror_z = shape.length_m * 0.69
    for sign in (-1, 1):  # door mirrors: small ellipsoids
        th, ph = np.meshgrid(np.linspace(0.01, math.pi - 0.01, 9), np.linspace(0, 2 * math.pi, 13), indexing="ij")
        pts = np.stack([sign * (half + 0.09) + 0.11 * np.sin(th) * np.cos(ph), shape.belt + 0.06 + 0.07 * np.cos(th),
                        mirror_z + 0.06 * np.sin(th) * np.sin(ph)], -1)
        m = grid_mesh(pts.astype(np.float32), np.zeros((9, 13, 3)), base + L_PAINT)
        m.nrm = -m.nrm
        parts.append(m)
    front = car.heading < 0
    dx, dy = car.plate_offset
    y = (shape.front_plate_m if front else shape.rear_plate_m) + dy
    inset = float(_end_z(shape, np.array([y]), np.array([0.0]), front)[0])
    roll = math.radians(car.plate_roll_deg)
    # A plate hangs square to the road; its lower edge may stand a centimetre off the sloping panel.
    edges = _end_z(shape, np.array([y - 0.076, y, y + 0.076]), np.array([0.0]), front)
    z = float(edges.min()) - 0.012
    side = -1.0 if front else 1.0

    def corners(wide: float, tall: float, depth: float) -> list[tuple[float, float, float]]:
        out = []
        for sx, sy in ((-1, 1), (1, 1), (1, -1), (-1, -1)):
            a, b = sx * wide / 2, sy * tall / 2
            rx, ry = a * math.cos(roll) - b * math.sin(roll), a * math.sin(roll) + b * math.cos(roll)
            zz = shape.length_m - depth if front else depth
            out.append((side * (rx + dx), y + ry, zz))
        return out

    del inset
    plate = surfaces.add(PLATE, (0.88, 0.88, 0.88), texture=surfaces.texture(car.plate), dirt=d * 0.25)
    frame = [quad(corners(PLATE_WIDTH_M + 0.02, PLATE_HEIGHT_M + 0.018, z + 0.004), base + (L_SEAM if rng.random() < 0.6 else L_CHROME)),
             quad(corners(PLATE_WIDTH_M, PLATE_HEIGHT_M, z), plate)]
    car.plate_local = np.array(corners(PLATE_WIDTH_M, PLATE_HEIGHT_M, z), np.float32)
    for q in frame:
        q.nrm[:] = (0, 0, 1 if front else -1)
    car.mesh = merge([*parts, *frame])


# --------------------------------------------------------------------------------------------------- the street


FONT = cv2.FONT_HERSHEY_DUPLEX
Colour = tuple[int, int, int]


def _grain(image: Image, rng: np.random.Generator, amount: float) -> Image:
    """Stains at two sizes over a painted texture."""
    h, w = image.shape[:2]
    wide = cv2.resize(rng.normal(0, 1, (max(h // 48, 2), max(w // 48, 2))).astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
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
    image[y:y + h, x:x + w] = np.clip(glass, 0, 255).astype(np.uint8)
    cv2.line(image, (x, y + h // 2), (x + w, y + h // 2), trim, 4)
    cv2.line(image, (x + w // 2, y), (x + w // 2, y + h), trim, 2)
    cv2.rectangle(image, (x - 8, y + h + 6), (x + w + 8, y + h + 12), (190, 188, 180), -1)


def facade(rng: np.random.Generator, width_m: float, height_m: float, colour: Colour, *, brick: bool, door: bool, night: bool) -> Image:
    """The wall of a house: clapboard or brick, windows, perhaps a door, shade under the eaves. 60 px a metre."""
    scale = 60
    w, h = round(width_m * scale), round(height_m * scale)
    image = np.empty((h, w, 3), np.uint8)
    image[:] = colour
    if brick:
        for row, y in enumerate(range(0, h, 6)):
            cv2.line(image, (0, y), (w, y), tuple(int(c * 0.75 + 35) for c in colour), 1)
            for x in range((row % 2) * 7, w, 14):
                image[y + 1:y + 6, x:x + 13] = np.clip(np.array(colour) * rng.uniform(0.82, 1.15), 0, 255)
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
            image[y + 1:y + 6, x:x + 13] = np.clip(np.array((132, 84, 66)) * rng.uniform(0.8, 1.15), 0, 255)
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
    lobes = [(cx + rx * 0.62 * math.cos(a) * rng.uniform(0.3, 1), cy + ry * 0.62 * math.sin(a) * rng.uniform(0.3, 1),
              rng.uniform(0.38, 0.55)) for a in rng.uniform(0, 6.28, 14)]
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
        cv2.ellipse(image, (int(x), int(y)), axes, float(rng.uniform(0, 180)), 0, 360, (int(c[0]), int(c[1]), int(c[2]), 255), -1)
    return image


def fence_texture(rng: np.random.Generator) -> Image:
    image = np.zeros((120, 400, 4), np.uint8)
    for x in range(4, 400, 20):
        tone = int(rng.integers(205, 235))
        cv2.fillPoly(image, [np.array([(x, 119), (x, 16), (x + 6, 6), (x + 12, 16), (x + 12, 119)], np.int32)], (tone, tone, tone - 6, 255))
    for y in (34, 92):
        cv2.rectangle(image, (0, y), (399, y + 9), (214, 214, 207, 255), -1)
    return image


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


def _street(place: Place, surfaces: Surfaces, rng: np.random.Generator) -> tuple[Mesh, Floats, Floats, Floats]:
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
        p = [(x - rx * width / 2, height - sink, z - rz * width / 2), (x + rx * width / 2, height - sink, z + rz * width / 2),
             (x + rx * width / 2, -sink, z + rz * width / 2), (x - rx * width / 2, -sink, z - rz * width / 2)]
        meshes.append(quad(p, material))

    trees = [surfaces.add(FOLIAGE, (0.9, 0.9, 0.9), texture=surfaces.texture(tree_sprite(rng))) for _ in range(4)]
    bushes = [surfaces.add(FOLIAGE, (0.85, 0.85, 0.85), texture=surfaces.texture(tree_sprite(rng, bush=True))) for _ in range(3)]
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
        a = surfaces.add(DIFFUSE, texture=surfaces.texture(facade(rng, width, height, colour, brick=brick, door=False, night=night)))
        b = surfaces.add(DIFFUSE, texture=surfaces.texture(facade(rng, depth, height, colour, brick=brick, door=True, night=night)))
        meshes.append(block(x0, x1, 0, height, z, z + depth, {"front": a, "right" if side > 0 else "left": b}))
        mid, ridge = (x0 + x1) / 2, height + 3.0
        gable = surfaces.add(DIFFUSE, tuple(float((c / 255) ** 2.2 * 0.9) for c in colour))  # type: ignore[arg-type]
        meshes.append(quad([(x0 - 0.4, height, z), (mid, ridge, z), (x1 + 0.4, height, z), (mid, height - 0.01, z)], gable))
        slope_x = x1 + 0.5 if side > 0 else x0 - 0.5
        meshes.append(quad([(mid, ridge, z - 0.4), (mid, ridge, z + depth + 0.4), (slope_x, height - 0.3, z + depth + 0.4),
                            (slope_x, height - 0.3, z - 0.4)], roof))
        boxes.append((x0, x1, 0, height + 1.5, z, z + depth))
        px0, px1 = xs(setback - 1.9, setback)  # porch
        meshes.append(block(px0, px1, 0, 0.45, z + depth * 0.3, z + depth * 0.75, {"front": steel, "right" if side > 0 else "left": steel, "top": wood}))
        meshes.append(block(px0 - 0.2, px1 + 0.2, 2.6, 2.85, z + depth * 0.3 - 0.2, z + depth * 0.75 + 0.2,
                            {"front": gable, "right" if side > 0 else "left": gable, "top": roof}))
        for zz in (z + depth * 0.31, z + depth * 0.73):
            qx = px1 - 0.1 if side > 0 else px0 + 0.1
            meshes.append(block(qx - 0.07, qx + 0.07, 0.45, 2.6, zz, zz + 0.14, {"front": fence, "right" if side > 0 else "left": gable}))
        for zz in np.arange(z - 3, z + depth, 2.1):
            if rng.random() < 0.75:
                billboard(setback - 2.3 + rng.uniform(-0.3, 0.3), float(zz), 2.4, rng.uniform(1.0, 1.7), bushes[int(rng.integers(3))], 0.1)
        if number % 2 == 0:
            for zz in np.arange(z - 4, z + depth + 2, 4.0):
                fx = -(edge + 3.1) if side > 0 else edge + 3.1
                meshes.append(quad([(fx, 1.05, zz), (fx, 1.05, zz + 4), (fx, 0, zz + 4), (fx, 0, zz)], fence))
        z += depth + rng.uniform(4.5, 8)
        number += 1
    for zz in (31.0, 52.0, 66.0, 84.0, 99.0, 118.0, 140.0, 165.0):
        near = edge + (0.6 if rng.random() < 0.4 else rng.uniform(3.6, 5.0))
        height = rng.uniform(8, 11)
        billboard(near, zz, height * 0.74, height, trees[int(rng.integers(4))])
        crowns.append((-near if side > 0 else near, height * 0.66, zz, height * 0.3))
    for near, zz, height in ((edge + 17, 60, 13), (edge + 19, 80, 14), (edge + 16, 110, 15), (edge + 26, 70, 15), (edge + 30, 100, 16),
                             (edge + 9, 150, 15), (edge + 14, 190, 17), (edge + 4, 200, 16), (edge + 0, 240, 17), (edge + 22, 200, 17)):
        billboard(near, zz, height * 0.9, height, trees[int(rng.integers(4))])
    for near, zz in ((3.5, 46.0), (1.0, 22.0), (-2.0, 12.0)):  # crowns out of view whose shadows reach the road
        crowns.append((near * side, 8.0, zz - 9, 2.6))
    for zz in (36.0, 74.0, 112.0):
        px = -(edge + 0.6) if side > 0 else edge + 0.6
        meshes.append(block(px - 0.14, px + 0.14, 0, 10, zz, zz + 0.28, {"front": wood, "right" if side > 0 else "left": wood}))
        boxes.append((px - 0.14, px + 0.14, 0, 10, zz, zz + 0.28))
    for zz, lines in place.signs:
        px = -(edge + 0.75) if side > 0 else edge + 0.75
        plate = surfaces.add(DIFFUSE, (0.9, 0.9, 0.9), texture=surfaces.texture(road_sign(list(lines))))
        meshes.append(block(px - 0.03, px + 0.03, 0, 2.75, zz + 0.02, zz + 0.08, {"front": steel, "right" if side > 0 else "left": steel}))
        meshes.append(quad([(px - 0.305, 2.7, zz), (px + 0.305, 2.7, zz), (px + 0.305, 1.94, zz), (px - 0.305, 1.94, zz)], plate))
        boxes.append((px - 0.305, px + 0.305, 1.94, 2.7, zz, zz + 0.02))
    if place.board:
        image = np.empty((260, 620, 3), np.uint8)
        image[:] = (38, 66, 104)
        cv2.rectangle(image, (10, 10), (609, 249), (236, 238, 240), 4)
        for i, text in enumerate(place.board):
            (tw, _), _ = cv2.getTextSize(text, FONT, 1.9 if i == 0 else 1.4, 4)
            cv2.putText(image, text, ((620 - tw) // 2, 105 + 85 * i), FONT, 1.9 if i == 0 else 1.4, (244, 245, 246), 4, cv2.LINE_AA)
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
    road = [float(side), 60.0, -edge, -(lines[0] - 1.65), dash, -(lines[-1] + 1.7), *[-v for v in lines]]
    return (merge(meshes), np.array(road, np.float32), np.array(boxes, np.float32).reshape(-1, 6),
            np.array(crowns, np.float32).reshape(-1, 4))


# --------------------------------------------------------------------------------------------------- a stretch


class Stage:
    """One place with its fixed picture; renders frames with cars in it."""

    def __init__(self, place: Place, cars: list[Car], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.place, self.cars = place, cars
        self.rot, self.cam = place.camera.rotation(), place.camera.position()
        self.light, self.lamps = place.light.packed(), place.light.lamps()
        surfaces = Surfaces()
        mesh, road, boxes, crowns = _street(place, surfaces, rng)
        for car in cars:
            build_car(car, surfaces, rng)
        self.mats, self.tex, self.tex_info = surfaces.packed()
        h, w = place.camera.height, place.camera.width
        self.base = np.zeros((SAMPLES, h, w, 3), np.float32)
        self.depth = np.zeros((SAMPLES, h, w), np.float32)
        self.dyn = np.zeros((SAMPLES, h, w, 3), np.float32)
        for k, (ox, oy) in enumerate(_JITTER):
            _ground(self.rot, self.cam, place.camera.focal_px, ox, oy, self.light, self.lamps, road, boxes, crowns,
                    self.base[k], self.depth[k], self.dyn[k], 11 + k)
            self._draw(mesh, ox, oy, self.base[k], self.depth[k], self.dyn[k])
            # The lens is focused on the plates; what is farther than some 30 m is a little soft.
            soft = cv2.GaussianBlur(self.base[k], (0, 0), 1.3)
            far = np.clip((self.depth[k] - 22) / 25, 0, 1)[..., None]
            self.base[k] = self.base[k] * (1 - far) + soft * far
        self.still = (self.base + (0 if place.light.night else self.dyn)).mean(axis=0)
        yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
        radius2 = ((xx - w / 2) ** 2 + (yy - h / 2) ** 2) / (w / 2) ** 2
        self.vignette = (1 - 0.16 * radius2)[..., None]

    def _draw(self, mesh: Mesh, ox: float, oy: float, color: Floats, depth: Floats, dyn: Floats) -> None:
        _raster(mesh.pos, mesh.nrm, mesh.aux, mesh.tri, mesh.mat, self.mats, self.tex, self.tex_info, self.rot, self.cam,
                self.place.camera.focal_px, float(ox), float(oy), self.light, self.lamps, color, depth, dyn)

    def _window(self, cars: list[Car], time_s: float) -> tuple[int, int, int, int]:
        """Rows and columns that cars, shadows or lamps may touch."""
        camera = self.place.camera
        if self.place.light.night:
            return 0, camera.height, 0, camera.width
        low, high = [], []
        for car in cars:
            length, half = car.shape.length_m, car.shape.width_m / 2 + 0.3
            local = np.array([(x, y, z) for x in (-half - 2.2, half + 2.2) for y in (0.0, 2.1) for z in (-2.2, length + 2.2)], np.float32)
            p = camera.project(car.place(local, time_s))
            if np.isnan(p).any():
                return 0, camera.height, 0, camera.width
            low.append(p.min(axis=0))
            high.append(p.max(axis=0))
        a, b = np.min(low, axis=0), np.max(high, axis=0)
        return (int(np.clip(a[1] - 3, 0, camera.height)), int(np.clip(b[1] + 4, 0, camera.height)),
                int(np.clip(a[0] - 3, 0, camera.width)), int(np.clip(b[0] + 4, 0, camera.width)))

    def linear(self, time_s: float, shutter_s: float) -> Floats:
        """The frame in linear light, before the sensor."""
        near = [c for c in self.cars if -12 < c.plate_z(time_s) < 75]
        if not near:
            return self.still.copy()
        out = self.still.copy()
        y0, y1, x0, x1 = self._window(near, time_s)
        if y0 >= y1 or x0 >= x1:
            return out
        total = np.zeros_like(out)
        for k, (ox, oy) in enumerate(_JITTER):
            moment = time_s + shutter_s * ((k + 0.5) / SAMPLES - 0.5)
            color = self.base[k].copy() if self.place.light.night else self.base[k] + self.dyn[k]
            depth, dyn = self.depth[k].copy(), self.dyn[k]
            foot, sun_boxes, beams = self._footprints(near, moment)
            _cast(self.rot, self.cam, self.place.camera.focal_px, float(ox), float(oy), self.light, foot, sun_boxes, beams,
                  self.base[k], dyn, color, y0, y1, x0, x1, 0.07 * ((k * 5 % 6) / 5 - 0.5), 0.07 * ((k * 3 % 7) / 6 - 0.5))
            scratch = dyn.copy()
            for car in near:
                assert car.mesh is not None
                m = car.mesh
                flip = np.array([car.heading, 1, car.heading], np.float32)
                world = Mesh(car.place(m.pos, moment), m.nrm * flip, m.aux, m.tri, m.mat)
                self._draw(world, ox, oy, color, depth, scratch)
            total += color
        out[y0:y1, x0:x1] = total[y0:y1, x0:x1] / SAMPLES
        return out

    def _footprints(self, cars: list[Car], time_s: float) -> tuple[Floats, Floats, Floats]:
        foot, boxes, beams = [], [], []
        for car in cars:
            shape = car.shape
            half = shape.width_m / 2
            ends = sorted((car.origin_z(time_s), car.origin_z(time_s) + car.heading * shape.length_m))
            foot.append((car.lane_x, (ends[0] + ends[1]) / 2, half - 0.06, shape.length_m / 2 - 0.1))
            tall = max(t for _, t in shape.top)
            cabin = [u for u, t in shape.top if t > tall - 0.12]
            a, b = (car.origin_z(time_s) + car.heading * shape.length_m * u for u in (min(cabin), max(cabin)))
            boxes.append((car.lane_x - half, car.lane_x + half, 0.18, shape.belt, ends[0] + 0.1, ends[1] - 0.1))
            boxes.append((car.lane_x - half * 0.75, car.lane_x + half * 0.75, shape.belt - 0.1, tall, min(a, b), max(a, b)))
            if car.lamps_on:
                front = car.origin_z(time_s) + car.heading * shape.length_m
                for s in (-0.66, 0.66):
                    beams.append((car.lane_x + s, 0.68, front, float(car.heading), 26.0, 0.0, 60.0))
                    beams.append((car.lane_x + s, 0.85, car.origin_z(time_s), float(-car.heading), 0.25, 1.0, 1.0))
        return (np.array(foot, np.float32), np.array(boxes, np.float32),
                np.array(beams, np.float32).reshape(-1, 7))

    def frame(self, time_s: float, rng: np.random.Generator, *, shutter_s: float = 0.002) -> Image:
        """One picture as the camera would give it, RGB."""
        linear = self.linear(time_s, shutter_s)
        light = self.place.light
        bright = np.maximum(linear - (0.9 if light.night else 1.6), 0)
        if light.night or bright.max() > 0:
            small = cv2.resize(np.minimum(bright, 14.0), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
            halo = 0.55 * cv2.GaussianBlur(small, (0, 0), 2.0) + 0.30 * cv2.GaussianBlur(small, (0, 0), 7) + \
                0.15 * cv2.GaussianBlur(small, (0, 0), 22)
            linear = linear + (0.30 if light.night else 0.12) * cv2.resize(halo, (linear.shape[1], linear.shape[0]))
        if light.night:  # the infra-red filter is out: no colour
            grey = linear @ np.array([0.45, 0.35, 0.2], np.float32)
            linear = np.repeat(grey[..., None], 3, axis=2)
        value = linear * (light.exposure * self.vignette)
        value += rng.standard_normal(value.shape[:2] + ((1,) if light.night else (3,)), dtype=np.float32) * (
            light.noise * np.sqrt(np.maximum(value, 0) + 0.02))
        value = np.clip(value, 0, None)
        # A soft shoulder above 0.7, then the sRGB curve.
        value = np.where(value > 0.7, 0.7 + 0.3 * (1 - np.exp(-(value - 0.7) / 0.3)), value)
        encoded = np.where(value < 0.0031308, 12.92 * value, 1.055 * np.power(value, 1 / 2.4, where=value > 0, out=np.zeros_like(value)) - 0.055)
        image = (np.clip(encoded, 0, 1) * 255 + 0.5).astype(np.uint8)
        blur = cv2.GaussianBlur(image, (0, 0), 1.0)
        return cv2.addWeighted(image, 1.25, blur, -0.25, 0)  # the mild sharpening every camera does
