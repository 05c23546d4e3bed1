"""One place and its cars, frame by frame.

The still street is drawn once, several times over with sub-pixel offsets. The cars of a frame are rasterised over each of
these samples with a depth test, each sample a little later in the shutter time, so anti-aliasing and motion blur come out of
the same average. Then lens, sensor noise, tone curve and sharpening.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.train.traffic.cars import Car, build_car
from models.train.traffic.kernels import cast, environment_map, ground, lamp_light, raster
from models.train.traffic.scene import Floats, Image, Mesh, Surfaces
from models.train.traffic.street import Place, build_street

SAMPLES = 4
# Sub-pixel offsets of the samples (a rotated grid); their order is the shutter's.
_JITTER = np.array([(-0.125, -0.375), (0.375, -0.125), (0.125, 0.375), (-0.375, 0.125)], np.float32)


class Stage:
    """One place with its fixed picture; renders frames with cars in it."""

    def __init__(self, place: Place, cars: list[Car], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.place, self.cars = place, cars
        self.rot, self.cam = place.camera.rotation(), place.camera.position()
        self.light, self.lamps = place.light.packed(), place.light.lamps()
        self.env = environment_map(self.light)
        surfaces = Surfaces()
        mesh, road, boxes, crowns = build_street(place, surfaces, rng)
        for car in cars:
            build_car(car, surfaces, rng)
        self.mats, self.tex, self.tex_info = surfaces.packed()
        h, w = place.camera.height, place.camera.width
        self.base = np.zeros((SAMPLES, h, w, 3), np.float32)
        self.depth = np.zeros((SAMPLES, h, w), np.float32)
        self.dyn = np.zeros((SAMPLES, h, w, 3), np.float32)
        for k, (ox, oy) in enumerate(_JITTER):
            ground(
                self.rot,
                self.cam,
                place.camera.focal_px,
                ox,
                oy,
                self.light,
                self.lamps,
                self.env,
                road,
                boxes,
                crowns,
                self.base[k],
                self.depth[k],
                self.dyn[k],
                11 + k,
            )
            self._draw(mesh, *self._middle(k), self.base[k], self.depth[k], self.dyn[k])
            # The lens is focused on the plates; what is farther than some 30 m is a little soft.
            soft = cv2.GaussianBlur(self.base[k], (0, 0), 1.3)
            far = np.clip((self.depth[k] - 22) / 25, 0, 1)[..., None]
            self.base[k] = self.base[k] * (1 - far) + soft * far
        self.still = (self.base + (0 if place.light.night else self.dyn)).mean(axis=0)
        yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
        radius2 = ((xx - w / 2) ** 2 + (yy - h / 2) ** 2) / (w / 2) ** 2
        self.vignette = (1 - 0.16 * radius2)[..., None]

    def _draw(self, mesh: Mesh, mid_x: float, mid_y: float, color: Floats, depth: Floats, dyn: Floats) -> None:
        raster(
            mesh.pos,
            mesh.nrm,
            mesh.aux,
            mesh.tri,
            mesh.mat,
            self.mats,
            self.tex,
            self.tex_info,
            self.rot,
            self.cam,
            self.place.camera.focal_px,
            mid_x,
            mid_y,
            self.light,
            self.lamps,
            self.env,
            color,
            depth,
            dyn,
        )

    def _window(self, cars: list[Car], time_s: float) -> tuple[int, int, int, int]:
        """Rows and columns that cars, shadows or lamps may touch."""
        camera = self.place.camera
        if self.place.light.night:
            return 0, camera.height, 0, camera.width
        low, high = [], []
        for car in cars:
            length, half = car.shape.length_m, car.shape.width_m / 2 + 0.3
            local = np.array(
                [(x, y, z) for x in (-half - 2.2, half + 2.2) for y in (0.0, 2.1) for z in (-2.2, length + 2.2)], np.float32
            )
            p = camera.project(car.place(local, time_s))
            if np.isnan(p).any():
                return 0, camera.height, 0, camera.width
            if p[:, 0].max() > 0 and p[:, 0].min() < camera.width:
                low.append(p.min(axis=0))
                high.append(p.max(axis=0))
        if not low:
            return 0, 0, 0, 0
        a, b = np.min(low, axis=0), np.max(high, axis=0)
        return (
            int(np.clip(a[1] - 3, 0, camera.height)),
            int(np.clip(b[1] + 4, 0, camera.height)),
            int(np.clip(a[0] - 3, 0, camera.width)),
            int(np.clip(b[0] + 4, 0, camera.width)),
        )

    def linear(self, time_s: float, shutter_s: float) -> Floats:
        """The frame in linear light, before the sensor."""
        near = [c for c in self.cars if -12 < c.plate_z(time_s) < 75]
        if not near:
            return self.still.copy()
        out = self.still.copy()
        y0, y1, x0, x1 = self._window(near, time_s)
        if y0 >= y1 or x0 >= x1:
            return out
        part = (slice(y0, y1), slice(x0, x1))
        total = np.zeros((y1 - y0, x1 - x0, 3), np.float32)
        focal = self.place.camera.focal_px
        lamp_light = self._lamp_light(near, time_s)
        for k in range(SAMPLES):
            moment = time_s + shutter_s * ((k + 0.5) / SAMPLES - 0.5)
            mid_x, mid_y = self._middle(k)
            mid_x, mid_y = mid_x - x0, mid_y - y0
            base, dyn, depth = self.base[k][part], self.dyn[k][part], self.depth[k][part].copy()
            color = base + dyn * lamp_light[part][..., None]
            foot, sun_boxes, _ = self._footprints(near, moment)
            cast(
                self.rot,
                self.cam,
                focal,
                self.light,
                foot,
                sun_boxes,
                lamp_light[part],
                base,
                dyn,
                color,
                mid_x,
                mid_y,
                0.06 * (k / 3 - 0.5),
                0.06 * ((k * 2 % 5) / 3 - 0.5),
            )
            scratch = np.empty_like(dyn)
            for car in sorted(near, key=lambda c: c.plate_z(moment)):
                assert car.mesh is not None
                m = car.mesh
                flip = np.array([car.heading, 1, car.heading], np.float32)
                world = Mesh(car.place(m.pos, moment), m.nrm * flip, m.aux, m.tri, m.mat)
                self._draw(world, mid_x, mid_y, color, depth, scratch)
            total += color
        out[part] = total / SAMPLES
        return out

    def _middle(self, sample: int) -> tuple[float, float]:
        """Principal point of a sample, pixels."""
        camera = self.place.camera
        return camera.width / 2 - 0.5 + float(_JITTER[sample, 0]), camera.height / 2 - 0.5 + float(_JITTER[sample, 1])

    def _lamp_light(self, cars: list[Car], time_s: float) -> Floats:
        camera = self.place.camera
        if not self.place.light.night:
            return np.ones((camera.height, camera.width), np.float32)
        beams = self._footprints(cars, time_s)[2]
        small = lamp_light(self.rot, self.cam, camera.focal_px, beams, camera.height, camera.width)
        return cv2.resize(small, (camera.width, camera.height), interpolation=cv2.INTER_LINEAR)

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
                    beams.append((car.lane_x + s, 0.68, front, float(car.heading), 60.0, 40.0))
                    beams.append((car.lane_x + s, 0.85, car.origin_z(time_s), float(-car.heading), 0.12, 1.0))
        return (np.array(foot, np.float32), np.array(boxes, np.float32), np.array(beams, np.float32).reshape(-1, 6))

    def frame(self, time_s: float, rng: np.random.Generator, *, shutter_s: float = 0.002) -> Image:
        """One picture as the camera would give it, RGB."""
        linear = self.linear(time_s, shutter_s)
        light = self.place.light
        bright = np.maximum(linear - (0.9 if light.night else 1.6), 0)
        if light.night or bright.max() > 0:
            small = cv2.resize(np.minimum(bright, 14.0), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
            halo = (
                0.55 * cv2.GaussianBlur(small, (0, 0), 2.0)
                + 0.30 * cv2.GaussianBlur(small, (0, 0), 7)
                + 0.15 * cv2.GaussianBlur(small, (0, 0), 22)
            )
            linear = linear + (0.30 if light.night else 0.12) * cv2.resize(halo, (linear.shape[1], linear.shape[0]))
        if light.night:  # the infra-red filter is out: no colour
            grey = linear @ np.array([0.45, 0.35, 0.2], np.float32)
            linear = np.repeat(grey[..., None], 3, axis=2)
        value = linear * (light.exposure * self.vignette)
        value += rng.standard_normal(value.shape[:2] + ((1,) if light.night else (3,)), dtype=np.float32) * (
            light.noise * np.sqrt(np.maximum(value, 0) + 0.02)
        )
        value = np.clip(value, 0, None)
        # A soft shoulder above 0.7, then the sRGB curve.
        value = np.where(value > 0.7, 0.7 + 0.3 * (1 - np.exp(-(value - 0.7) / 0.3)), value)
        encoded = np.where(
            value < 0.0031308,
            12.92 * value,
            1.055 * np.power(value, 1 / 2.4, where=value > 0, out=np.zeros_like(value)) - 0.055,
        )
        image = (np.clip(encoded, 0, 1) * 255 + 0.5).astype(np.uint8)
        blur = cv2.GaussianBlur(image, (0, 0), 1.0)
        return cv2.addWeighted(image, 1.25, blur, -0.25, 0)  # the mild sharpening every camera does
