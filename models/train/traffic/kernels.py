"""The compiled part: shading, rasteriser, ground, shadows. Arrays in, arrays out; see `stage.py` for who calls what."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from models.train.traffic.scene import CARSHELL, CHROME, DIFFUSE, FOLIAGE, GLASS, PAINT, PLATE


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
    return (
        0.5 * _noise(x, z)
        + 0.27 * _noise(2.1 * x + 7, 2.1 * z)
        + 0.15 * _noise(4.3 * x, 4.3 * z + 3)
        + 0.08 * _noise(8.9 * x, 8.9 * z)
    )


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
    return (
        sr * low + (1 - low) * light[12] * 1.25,
        sg * low + (1 - low) * light[13] * 1.25,
        sb * low + (1 - low) * light[14] * 1.25,
    )


@njit(cache=True, fastmath=True)
def environment_map(light: Any) -> Any:
    """The environment down to 12 degrees below the horizon, in stereographic projection from below: (256, 256, 3)."""
    out = np.empty((256, 256, 3), np.float32)
    for j in range(256):
        for i in range(256):
            a, b = (i - 127.5) / 102.0, (j - 127.5) / 102.0
            q = a * a + b * b
            ry = (1 - q) / (1 + q)
            out[j, i, 0], out[j, i, 1], out[j, i, 2] = _environment(a * (1 + ry), ry, b * (1 + ry), light)
    return out


@njit(cache=True, fastmath=True)
def _mirror(rx: float, ry: float, rz: float, env: Any) -> tuple[float, float, float]:
    """The environment map seen along a direction."""
    k = 102.0 / (1.0 + max(ry, -0.2))
    x = min(max(127.5 + rx * k, 0.0), 254.99)
    y = min(max(127.5 + rz * k, 0.0), 254.99)
    i, j = int(x), int(y)
    x -= i
    y -= j
    a, b, c, d = (1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y
    return (
        a * env[j, i, 0] + b * env[j, i + 1, 0] + c * env[j + 1, i, 0] + d * env[j + 1, i + 1, 0],
        a * env[j, i, 1] + b * env[j, i + 1, 1] + c * env[j + 1, i, 1] + d * env[j + 1, i + 1, 1],
        a * env[j, i, 2] + b * env[j, i + 1, 2] + c * env[j + 1, i, 2] + d * env[j + 1, i + 1, 2],
    )


@njit(cache=True, fastmath=True)
def _shade(
    kind: int,
    r: float,
    g: float,
    b: float,
    gloss: float,
    glow: float,
    px: float,
    py: float,
    pz: float,
    nx: float,
    ny: float,
    nz: float,
    cx: float,
    cy: float,
    cz: float,
    light: Any,
    lamps: Any,
    env: Any,
    sun_seen: float,
) -> tuple[float, float, float]:
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
        retro = 3.6 * own * _smooth(0.3, 0.9, facing)
        ir += retro
        ig += retro
        ib += retro
    if kind in (DIFFUSE, PLATE, FOLIAGE):
        cr, cg, cb = r * ir, g * ig, b * ib
        if kind == PLATE:
            fresnel = 0.03 + 0.4 * (1 - facing) ** 5
            er, eg, eb = _mirror(2 * facing * nx - vx, 2 * facing * ny - vy, 2 * facing * nz - vz, env)
            cr, cg, cb = cr + fresnel * er, cg + fresnel * eg, cb + fresnel * eb
        return cr + glow * r, cg + glow * g, cb + glow * b
    rx, ry, rz = 2 * facing * nx - vx, 2 * facing * ny - vy, 2 * facing * nz - vz
    er, eg, eb = _mirror(rx, ry, rz, env)
    sun_line = max(rx * light[0] + ry * light[1] + rz * light[2], 0.0)
    spark = (sun_line**60 * 1.2 + sun_line**900 * 8.0) * sun_seen * gloss
    fresnel = (1 - facing) ** 5
    if kind == PAINT:
        f = (0.075 + 0.85 * fresnel) * gloss
        return (
            r * ir + f * er + spark * light[3] * 0.4 + glow * r,
            g * ig + f * eg + spark * light[4] * 0.4 + glow * g,
            b * ib + f * eb + spark * light[5] * 0.4 + glow * b,
        )
    if kind == GLASS:
        f = 0.09 + 0.8 * fresnel
        return r * ir + f * er + spark * light[3], g * ig + f * eg + spark * light[4], b * ib + f * eb + spark * light[5]
    if kind == CHROME:
        return (
            r * er * 0.75 + spark + r * 0.15 * ir,
            g * eg * 0.75 + spark + g * 0.15 * ig,
            b * eb * 0.75 + spark + b * 0.15 * ib,
        )
    # A lamp: coloured lens with a ribbed reflector behind a clear front.
    rib = 0.9 + 0.12 * math.sin(px * 210.0) * math.sin(py * 210.0)
    f = 0.06 + 0.5 * fresnel
    return (
        r * ir * rib + f * er + spark * light[3] + glow * r,
        g * ig * rib + f * eg + spark * light[4] + glow * g,
        b * ib * rib + f * eb + spark * light[5] + glow * b,
    )


@njit(cache=True, fastmath=True)
def raster(
    pos: Any,
    nrm: Any,
    aux: Any,
    tri: Any,
    tri_mat: Any,
    mats: Any,
    tex: Any,
    tex_info: Any,
    rot: Any,
    cam: Any,
    focal: float,
    mid_x: float,
    mid_y: float,
    light: Any,
    lamps: Any,
    env: Any,
    color: Any,
    depth: Any,
    dyn: Any,
) -> None:
    """Draw triangles with depth test and per-sample shading into color (h, w, 3) and depth (h, w), which may be a part
    of the picture: (mid_x, mid_y) is the principal point in it."""
    height, width = depth.shape
    n = pos.shape[0]
    local = np.empty((n, 3), np.float32)
    for i in range(n):
        dx, dy, dz = pos[i, 0] - cam[0], pos[i, 1] - cam[1], pos[i, 2] - cam[2]
        z = rot[2, 0] * dx + rot[2, 1] * dy + rot[2, 2] * dz
        local[i, 2] = z
        if z > 0.2:
            local[i, 0] = focal * (rot[0, 0] * dx + rot[0, 1] * dy + rot[0, 2] * dz) / z + mid_x
            local[i, 1] = focal * (rot[1, 0] * dx + rot[1, 1] * dy + rot[1, 2] * dz) / z + mid_y
    for t in range(tri.shape[0]):
        a, b, c = tri[t, 0], tri[t, 1], tri[t, 2]
        za, zb, zc = local[a, 2], local[b, 2], local[c, 2]
        if za < 0.21 or zb < 0.21 or zc < 0.21:
            continue
        ax, ay = local[a, 0], local[a, 1]
        bx, by = local[b, 0], local[b, 1]
        qx, qy = local[c, 0], local[c, 1]
        x0 = max(math.ceil(min(ax, bx, qx)), 0)
        x1 = min(math.floor(max(ax, bx, qx)), width - 1)
        y0 = max(math.ceil(min(ay, by, qy)), 0)
        y1 = min(math.floor(max(ay, by, qy)), height - 1)
        if x0 > x1 or y0 > y1:
            continue
        area = (bx - ax) * (qy - ay) - (by - ay) * (qx - ax)
        if abs(area) < 1e-9:
            continue
        m = tri_mat[t]
        if area < 0 and mats[m, 0] == CARSHELL:
            continue  # the far side of a closed shell
        inv = 1.0 / area
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
                    # Which of the car's maps: +-1 it stands along the road, +-2 across it.
                    sign = mats[m, 11]
                    across = abs(sign) > 1.5
                    onz = 0.5 * nx * sign if across else nz * sign
                    if abs(nz if across else nx) > 0.8:
                        ti = int(mats[m, 8])
                        tx = int(s * 500.0)
                        ty = int((2.1 - v) * 500.0)
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
                    label = 0  # bare paint
                    if ti >= 0:
                        tw, th = tex_info[ti, 1], tex_info[ti, 2]
                        if 0 <= tx < tw and 0 <= ty < th:
                            label = tex[tex_info[ti, 0] + ty * tw + tx]
                    elif mats[m, 14] > 0 and v < mats[m, 14] and s < mats[m, 12] * 0.395 and s > 0.14 and abs(u) < 0.80:
                        label = 2  # the cover of a pick-up's bed
                    row = int(mats[m, 13]) + label
                    kind = int(mats[row, 0])
                r, g, bl = mats[row, 1], mats[row, 2], mats[row, 3]
                ti = int(mats[row, 6])
                if kind == PLATE:  # three sizes of the picture follow each other: none may be shrunk so far that it aliases
                    shrink = z * tex_info[ti, 1] / (focal * 0.3048)
                    ti += 2 if shrink > 3.4 else (1 if shrink > 1.7 else 0)
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
                        alpha = (tex[o + 3] * (1 - fx) + tex[o + o1 + 3] * fx) * (1 - fy) + (
                            tex[o2 + 3] * (1 - fx) + tex[o2 + o1 + 3] * fx
                        ) * fy
                        if alpha < 128:
                            continue
                    tr = (tex[o] * (1 - fx) + tex[o + o1] * fx) * (1 - fy) + (tex[o2] * (1 - fx) + tex[o2 + o1] * fx) * fy
                    tg = (tex[o + 1] * (1 - fx) + tex[o + o1 + 1] * fx) * (1 - fy) + (
                        tex[o2 + 1] * (1 - fx) + tex[o2 + o1 + 1] * fx
                    ) * fy
                    tb = (tex[o + 2] * (1 - fx) + tex[o + o1 + 2] * fx) * (1 - fy) + (
                        tex[o2 + 2] * (1 - fx) + tex[o2 + o1 + 2] * fx
                    ) * fy
                    r *= (tr / 255.0) ** 2.2
                    g *= (tg / 255.0) ** 2.2
                    bl *= (tb / 255.0) ** 2.2
                if mats[row, 5] > 0 and py < 1.1:  # road dirt, more of it lower down
                    dirt = mats[row, 5] * _smooth(1.0, 0.15, py) * (0.5 + _fractal(u * 3 + s * 3 + 5, v * 3))
                    dirt = min(dirt, 0.9)
                    r, g, bl = r * (1 - dirt) + 0.12 * dirt, g * (1 - dirt) + 0.10 * dirt, bl * (1 - dirt) + 0.08 * dirt
                cr, cg, cb = _shade(
                    kind,
                    r,
                    g,
                    bl,
                    mats[row, 4],
                    mats[row, 7],
                    px,
                    py,
                    pz,
                    nx,
                    ny,
                    nz,
                    cam[0],
                    cam[1],
                    cam[2],
                    light,
                    lamps,
                    env,
                    1.0,
                )
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
    """Road, markings, kerb, pavement and grass; `road`: mirror, right edge, left edge, right line, dashes, left line,
    z of a driveway (0: none), lanes."""
    x = x * road[0]
    fine = _noise(x * 90, z * 90)
    mid = _fractal(x * 3.1, z * 1.3)
    wide = _fractal(x * 0.5 + 11, z * 0.13)
    if road[2] < x < road[1]:
        base = 0.15 + 0.06 * (fine - 0.5) + 0.05 * (mid - 0.5) + 0.05 * (wide - 0.5)
        for i in range(7, road.shape[0]):  # darker wheel tracks and oil along the middle of each lane
            off = abs(x - road[i])
            base *= 1 - 0.12 * math.exp(-(((off - 0.78) / 0.3) ** 2)) - 0.14 * math.exp(-((off / 0.25) ** 2)) * wide * 2
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
        if road[6] > 0 and abs(z - road[6]) < 1.6 and 0.18 <= d < 14 and not 1.0 < d < 2.7:
            v = 0.10 + 0.05 * (mid - 0.5) + 0.04 * (fine - 0.5)
            return v, v, v
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
def ground(
    rot: Any,
    cam: Any,
    focal: float,
    ox: float,
    oy: float,
    light: Any,
    lamps: Any,
    env: Any,
    road: Any,
    boxes: Any,
    crowns: Any,
    color: Any,
    depth: Any,
    dyn: Any,
    seed: int,
) -> None:
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
            cr, cg, cb = _shade(
                DIFFUSE, r, g, b, 0.0, 0.0, px, 0.0, pz, 0.0, 1.0, 0.0, cam[0], cam[1], cam[2], light, lamps, env, 0.0
            )
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
def cast(
    rot: Any,
    cam: Any,
    focal: float,
    light: Any,
    cars: Any,
    boxes: Any,
    lamp_light: Any,
    base: Any,
    dyn: Any,
    out: Any,
    mid_x: float,
    mid_y: float,
    sx: float,
    sz: float,
) -> None:
    """Ground of one sample under the cars: contact shade, sun shadow, head and tail lamps' light.

    cars (n, 4): x, z middle, half width, half length. boxes: what blocks the sun. lamp_light (h, w): light by
    lamps (day: ones).
    """
    height, width = out.shape[0], out.shape[1]
    for y in range(height):
        for x in range(width):
            if dyn[y, x, 0] <= 0.0:
                continue
            lx, ly = (x - mid_x) / focal, (y - mid_y) / focal
            dx = rot[0, 0] * lx + rot[1, 0] * ly + rot[2, 0]
            dy = rot[0, 1] * lx + rot[1, 1] * ly + rot[2, 1]
            dz = rot[0, 2] * lx + rot[1, 2] * ly + rot[2, 2]
            k = -cam[1] / dy
            px, pz = cam[0] + dx * k, cam[2] + dz * k
            ao = 1.0
            near = False
            for i in range(cars.shape[0]):
                near = near or (abs(px - cars[i, 0]) < cars[i, 2] + 3.0 and abs(pz - cars[i, 1]) < cars[i, 3] + 3.5)
            if not near:
                continue
            for i in range(cars.shape[0]):
                ex, ez = abs(px - cars[i, 0]) - cars[i, 2], abs(pz - cars[i, 1]) - cars[i, 3]
                outside = math.sqrt(max(ex, 0.0) ** 2 + max(ez, 0.0) ** 2)
                inside = min(max(ex, ez), 0.0)
                if outside > 0:
                    ao *= 1 - 0.55 * math.exp(-outside / 0.28)
                else:
                    ao *= 0.45 - 0.35 * min(-inside / 0.5, 1.0)
            lit = 1.0
            if light[16] < 0.5 and _blocked(px, 0.0, pz, light[0] + sx, light[1], light[2] + sz, boxes):
                lit = 0.0
            for c in range(3):
                out[y, x, c] = base[y, x, c] * ao + dyn[y, x, c] * lamp_light[y, x] * lit * (0.4 + 0.6 * ao)


@njit(cache=True, fastmath=True)
def lamp_light(rot: Any, cam: Any, focal: float, beams: Any, height: int, width: int) -> Any:
    """What head and tail lamps throw on the road, at a quarter of the picture's size."""
    out = np.zeros((height // 4, width // 4), np.float32)
    for y in range(height // 4):
        for x in range(width // 4):
            lx, ly = (4 * x + 1.5 - width / 2 + 0.5) / focal, (4 * y + 1.5 - height / 2 + 0.5) / focal
            dx = rot[0, 0] * lx + rot[1, 0] * ly + rot[2, 0]
            dy = rot[0, 1] * lx + rot[1, 1] * ly + rot[2, 1]
            dz = rot[0, 2] * lx + rot[1, 2] * ly + rot[2, 2]
            if dy > -0.004:
                continue
            k = -cam[1] / dy
            px, pz = cam[0] + dx * k, cam[2] + dz * k
            for i in range(beams.shape[0]):
                bx, by, bz = px - beams[i, 0], -beams[i, 1], pz - beams[i, 2]
                d2 = bx * bx + by * by + bz * bz
                d = math.sqrt(d2)
                ahead = (bz * beams[i, 3] * 0.998 - by * 0.06) / d
                if ahead > 0:
                    out[y, x] += beams[i, 4] * ahead ** beams[i, 5] * (-by / d) / d2
    return out
