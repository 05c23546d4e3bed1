"""Makes the demonstration clip and its truth: `python -m models.train.demo_clip --out edge/demo`.

A unit on a parked cruiser stands at three invented places in turn: a street by day, a street inside a no-capture zone,
a street at night under infra-red light. Every plate, name and position is invented and rendered. Beside the clip go
`truth.json` (what passes when), `positions.csv` (where the unit is, once a second), `zones.geojson` and `hotlist.csv`.

With `--minutes` it makes other clips of the same street instead, with random traffic, for the benchmark:
`python -m models.train.demo_clip --out DIR --minutes 5 --share-with-plates 0.3`.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from models.train.plates import infrared, render_plate
from models.train.traffic import SHAPES, Camera, Car, Floats, Image, Light, Place, Stage

FPS = 15
LANES_M = (2.0, 5.0)
# A plate counts as in view while all four corners are in the frame and it is at least this wide.
SEEN_FROM_PX = 40.0

WHITE, SILVER, GREY, BLACK = (0.68, 0.68, 0.66), (0.36, 0.37, 0.38), (0.085, 0.09, 0.095), (0.010, 0.010, 0.012)
BLUE, NAVY, RED, GREEN, SAND = (
    (0.016, 0.055, 0.17),
    (0.008, 0.014, 0.045),
    (0.26, 0.008, 0.010),
    (0.010, 0.05, 0.03),
    (0.26, 0.21, 0.15),
)
PAINTS = (WHITE, SILVER, GREY, BLACK, BLUE, NAVY, RED, GREEN, SAND)
BADGES = ("ORVANE", "TELMOR", "KESTIN", "ALDURA", "BRENNA")

DAY = Light()
OVERCAST = Light(sun=(0.75, 0.72, 0.68), zenith=(0.75, 0.80, 0.88), horizon=(1.05, 1.08, 1.1), exposure=0.52)
NIGHT = Light(
    sun=(0.0, 0.0, 0.0),
    zenith=(0.006, 0.007, 0.009),
    horizon=(0.02, 0.02, 0.021),
    bounce=(0.008, 0.008, 0.008),
    lamp_power=10.0,
    night=True,
    exposure=0.95,
    noise=0.007,
    street_lamps=((9.0, 8.0, 14.0, 26.0), (9.0, 8.0, 40.0, 30.0), (9.0, 8.0, 70.0, 30.0), (9.0, 8.0, 104.0, 30.0)),
)

PLACE_A = Place(
    "main street by day",
    Camera(yaw_left_deg=19.2, pitch_down_deg=2.0),
    DAY,
    1,
    LANES_M,
    6.9,
    (("HILLSIDE BAKERY", "FRESH DAILY"),),
    ((26.0, (("SPEED", 1.9), ("LIMIT", 2.1), ("35", 5.5))),),
    seed=3,
    driveway_m=39.0,
)
PLACE_B = Place(
    "health centre, overcast",
    Camera(yaw_left_deg=19.2, pitch_down_deg=2.0),
    OVERCAST,
    1,
    LANES_M,
    6.9,
    (),
    ((34.0, (("NO", 2.6), ("STOPPING", 1.35), ("ANY TIME", 1.3))),),
    ("LARKFIELD", "HEALTH CENTER"),
    seed=8,
)
PLACE_C = Place(
    "side street at night",
    Camera(yaw_left_deg=-19.2, pitch_down_deg=2.0),
    NIGHT,
    -1,
    LANES_M,
    6.9,
    (("CORNER DELI", "OPEN LATE"),),
    ((29.0, (("STREET", 1.7), ("PARKING", 1.45), ("2 HR", 3.0))),),
    seed=5,
    driveway_m=39.0,
)


@dataclass(frozen=True)
class Stretch:
    """The clip from `start_s` to `end_s` at one place."""

    name: str
    place: Place
    start_s: float
    end_s: float
    latitude: float
    longitude: float
    in_zone: bool = False


STRETCHES = (
    Stretch("day", PLACE_A, 0.0, 34.0, 41.76618, -72.67712),
    Stretch("zone", PLACE_B, 34.0, 41.0, 41.75827, -72.69043, in_zone=True),
    Stretch("night", PLACE_C, 41.0, 60.0, 41.74893, -72.66124),
)


@dataclass(frozen=True)
class Pass:
    """One vehicle passing: `at_s` is when its plate is `z_m` ahead of the camera."""

    id: str
    stretch: str
    at_s: float
    text: str
    region: str
    shape: str
    rgb: tuple[float, float, float]
    plate_seed: int
    lane: int = 0
    z_m: float = 9.0
    speed_mps: float = 9.0
    legible: bool = True
    hot: str | None = None
    dirt: float = 0.25
    plate_image: Image | None = field(default=None, repr=False, compare=False)


PASSES = (
    Pass("p01", "day", 1.6, "BK27419", "US-CT", "sedan", BLUE, 3),
    Pass("p02", "day", 4.5, "KLT4827", "US-NY", "suv", BLACK, 3, speed_mps=8.5),
    Pass("p03", "day", 7.6, "4VNK63", "US-MA", "sedan", WHITE, 2),
    Pass("p04", "day", 7.6, "JZ19346", "US-CT", "hatch", RED, 0, lane=1, z_m=10.0, speed_mps=6.2),
    Pass("p05", "day", 10.8, "LV582", "US-RI", "hatch", SILVER, 0, speed_mps=9.5),
    Pass("p06", "day", 13.6, "D41JXR", "US-NJ", "van", GREEN, 1, hot="stolen"),
    Pass("p07", "day", 16.6, "HB60274", "US-CT", "pickup", SAND, 3, legible=False, dirt=1.3),
    Pass("p08", "day", 19.6, "VO10852", "US-CT", "suv", SILVER, 7, speed_mps=9.5),
    Pass("p09", "day", 22.4, "4827TM", "US-ME", "pickup", WHITE, 2, speed_mps=8.5),
    Pass("p10", "day", 25.6, "4826719", "US-NH", "sedan", BLACK, 1),
    Pass("p11", "day", 29.6, "BK27419", "US-CT", "sedan", BLUE, 3, speed_mps=9.5),
    Pass("p12", "zone", 37.2, "XN77733", "US-CT", "suv", NAVY, 3, speed_mps=8.5),
    Pass("p13", "night", 45.3, "AX53086", "US-CT", "sedan", SILVER, 3),
    Pass("p14", "night", 48.3, "GWZ5193", "US-NY", "suv", GREY, 3, hot="immigration"),
    Pass("p15", "night", 51.4, "2RWS84", "US-MA", "hatch", BLUE, 6),
    Pass("p16", "night", 51.4, "TK40917", "US-CT", "sedan", WHITE, 7, lane=1, z_m=10.0, speed_mps=6.2),
    Pass("p17", "night", 54.6, "HKR427", "US-VT", "van", SAND, 2, speed_mps=8.5),
    Pass("p18", "night", 57.4, "CM68125", "US-CT", "hatch", GREY, 0),
)

ZONE_NAME, ZONE_CATEGORY, ZONE_MARGIN_M = "Larkfield health centre", "health-care", 50.0
# About 150 m around the second place, longitude and latitude, closed.
ZONE = (
    (-72.69225, 41.75752),
    (-72.69038, 41.75690),
    (-72.68862, 41.75765),
    (-72.68871, 41.75910),
    (-72.69049, 41.75962),
    (-72.69218, 41.75897),
    (-72.69225, 41.75752),
)


# --------------------------------------------------------------------------------------------------- plates


def mud(image: Image, rng: np.random.Generator) -> Image:
    """A plate under dried mud: nothing of the serial can be made out."""
    h, w = image.shape[:2]
    thick = np.zeros((h, w), np.float32)
    for size, gain in ((3, 0.55), (7, 0.35), (18, 0.22)):
        thick += gain * cv2.resize(rng.random((size, 2 * size)).astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
    row, column = np.mgrid[0:h, 0:w].astype(np.float32)
    row, column = row / h - 0.54, column / w - 0.5  # thickest over the serial, thin at the rim
    thick += 0.62 * np.exp(-((row / 0.30) ** 4)) * np.exp(-((column / 0.52) ** 6)) - 0.18
    cover = np.clip((thick - 0.42) * 6, 0, 0.97)[..., None]
    tone = np.array([104, 86, 66], np.float32) * (0.75 + 0.45 * thick[..., None]) + rng.normal(0, 5, (h, w, 1))
    return np.clip(image * (1 - cover) + tone * cover, 0, 255).astype(np.uint8)


def _stands_out(image: Image, boxes: Floats) -> float:
    """How clearly the faintest character stands out from its ground, grey levels."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    cells = [grey[max(int(y), 0) : int(y + h) + 1, max(int(x), 0) : int(x + w) + 1] for x, y, w, h in boxes]
    return min(float(np.percentile(c, 90)) - float(np.percentile(c, 10)) for c in cells)


def plate_picture(item: Pass, night: bool) -> Image:
    """The plate of a pass as the camera's band of light shows it: the clearest of five drawings for its seed."""
    best: tuple[float, Image] | None = None
    for k in range(5):
        plate = render_plate(np.random.default_rng(100 * item.plate_seed + k), region=item.region, text=item.text, style="us")
        image = infrared(plate.image, np.random.default_rng(item.plate_seed + 5)) if night else plate.image
        clear = _stands_out(image, plate.char_boxes) + 40 * plate.header_visible
        if best is None or clear > best[0]:
            best = (clear, image)
    assert best is not None
    return best[1] if item.legible else mud(best[1], np.random.default_rng(77))


def make_car(item: Pass, place: Place) -> Car:
    image = item.plate_image if item.plate_image is not None else plate_picture(item, place.light.night)
    rng = np.random.default_rng(sum(map(ord, item.text)))
    return Car(
        shape=SHAPES[item.shape],
        lane_x=-place.side * place.lanes[item.lane],
        heading=place.side,
        speed_mps=item.speed_mps,
        passing_s=item.at_s,
        passing_z=item.z_m,
        plate=image,
        rgb=item.rgb,
        badge=str(rng.choice(BADGES)),
        dirt=item.dirt,
        plate_offset=(float(rng.uniform(-0.004, 0.004)), 0.0),
        plate_roll_deg=float(rng.normal(0, 0.5)),
        lamps_on=place.light.night,
    )


# --------------------------------------------------------------------------------------------------- truth


def seen(car: Car, camera: Camera, time_s: float) -> tuple[Floats, float] | None:
    """Corners (4, 2) in pixels and mean width of a plate wholly in the frame and wide enough, else None."""
    corners = camera.project(car.plate_world(time_s))
    if (
        np.isnan(corners).any()
        or corners.min() < 1
        or corners[:, 0].max() > camera.width - 2
        or corners[:, 1].max() > camera.height - 2
    ):
        return None
    width = float((np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3])) / 2)
    return (corners, width) if width >= SEEN_FROM_PX else None


def pass_truth(item: Pass, car: Car, camera: Camera, first: int, end: int, in_zone: bool) -> dict[str, Any]:
    """One entry of `passes` in truth.json; frames from `first` to before `end` belong to the stretch."""
    views = {i: view for i in range(first, end) if (view := seen(car, camera, i / FPS)) is not None}
    frames = sorted(views)
    widths = [views[i][1] for i in frames]
    return {
        "id": item.id,
        "text": item.text,
        "region": item.region,
        "first_s": round(frames[0] / FPS, 3),
        "last_s": round(frames[-1] / FPS, 3),
        "first_frame": frames[0],
        "last_frame": frames[-1],
        "legible": item.legible,
        "in_zone": in_zone,
        "hot": item.hot,
        "night": car.lamps_on,
        "side": "rear" if car.heading > 0 else "front",
        "lane": item.lane,
        "nearest_width_px": round(max(widths), 1),
        "frames_from_60_px": sum(w >= 60 for w in widths),
        "corners": {str(i): [[round(float(v), 1) for v in c] for c in views[i][0]] for i in frames[::5]},
    }


# --------------------------------------------------------------------------------------------------- rendering


def render(stretches: list[tuple[Place, list[Car], int, int, int]], progress: Progress) -> Iterator[Image]:
    """All frames, RGB; each stretch is (place, cars, first frame, end frame, seed)."""
    total = sum(end - first for _, _, first, end, _ in stretches)
    task = progress.add_task("frames", total=total)
    for place, cars, first, end, seed in stretches:
        stage = Stage(place, cars, seed)
        noise = np.random.default_rng(seed + 1000)
        for i in range(first, end):
            yield stage.frame(i / FPS, noise, shutter_s=0.0025 if place.light.night else 0.002)
            progress.advance(task)


def encode(frames: Iterator[Image], path: Path, size: tuple[int, int], crf: int) -> str:
    """H.264 by the system's ffmpeg; returns the file's SHA-256."""
    command = [
        "ffmpeg",
        "-y",
        "-loglevel",
        "error",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-s",
        f"{size[0]}x{size[1]}",
        "-r",
        str(FPS),
        "-i",
        "-",
        "-an",
        "-c:v",
        "libx264",
        "-preset",
        "slow",
        "-crf",
        str(crf),
        "-maxrate",
        "800k",
        "-bufsize",
        "1600k",
        "-g",
        "30",
        "-pix_fmt",
        "yuv420p",
        "-threads",
        "1",
        "-colorspace",
        "bt709",
        "-color_primaries",
        "bt709",
        "-color_trc",
        "bt709",
        "-vf",
        "scale=out_color_matrix=bt709",
        "-map_metadata",
        "-1",
        "-fflags",
        "+bitexact",
        "-flags:v",
        "+bitexact",
        "-movflags",
        "+faststart",
        str(path),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for image in frames:
            process.stdin.write(np.ascontiguousarray(image).tobytes())
        process.stdin.close()
        if process.wait() != 0:
            raise SystemExit("encode clip: ffmpeg failed; is Debian's ffmpeg with libx264 installed?")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def clip_facts(path: Path, sha256: str, frames: int, camera: Camera) -> dict[str, Any]:
    return {
        "file": path.name,
        "sha256": sha256,
        "fps": FPS,
        "frames": frames,
        "duration_s": round(frames / FPS, 3),
        "width": camera.width,
        "height": camera.height,
        "codec": "h264",
        "bytes": path.stat().st_size,
    }


# --------------------------------------------------------------------------------------------------- the demo's other files


def write_positions(path: Path, rng: np.random.Generator) -> None:
    """Once a second; a row holds from its own second on. The unit changes place at a whole second of empty road."""
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["time_s", "latitude", "longitude", "accuracy_m"])
        for second in range(int(STRETCHES[-1].end_s) + 1):
            place = next((s for s in STRETCHES if s.start_s <= second < s.end_s), STRETCHES[-1])
            wander = rng.normal(0, 6e-6, 2)  # about half a metre
            out.writerow(
                [
                    second,
                    f"{place.latitude + wander[0]:.6f}",
                    f"{place.longitude + wander[1]:.6f}",
                    f"{rng.uniform(3.5, 6.5):.1f}",
                ]
            )


def write_zones(path: Path) -> None:
    feature = {
        "type": "Feature",
        "properties": {"name": ZONE_NAME, "category": ZONE_CATEGORY, "margin_m": ZONE_MARGIN_M},
        "geometry": {"type": "Polygon", "coordinates": [[list(p) for p in ZONE]]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}, indent=2) + "\n")


_TOPICS = (
    ("stolen-vehicle", "NCIC", "vehicle reported stolen"),
    ("stolen-plate", "NCIC", "plate reported stolen"),
    ("wanted-person", "NCIC", "felony warrant, vehicle of the wanted person"),
    ("missing-person", "NCIC", "missing adult, endangered"),
    ("stolen-vehicle", "state", "taken without the owner's consent"),
    ("silver-alert", "state", "missing elder, vehicle in use"),
    ("amber-alert", "state", "child abduction alert"),
    ("felony-warrant", "local", "warrant of this agency"),
    ("immigration-violator", "NCIC", "administrative warrant of removal"),
)
_FORMATS = (
    ("US-CT", "AA99999"),
    ("US-NY", "AAA9999"),
    ("US-MA", "9AAA99"),
    ("US-RI", "AA999"),
    ("US-NJ", "A99AAA"),
    ("US-ME", "9999AA"),
)


def write_hotlist(path: Path, rng: np.random.Generator) -> None:
    """Invented entries around the two that the clip shows: a stolen van and an entry under a barred topic."""
    taken = {p.text for p in PASSES}
    rows: list[list[str]] = []
    while len(rows) < 38:
        region, form = _FORMATS[int(rng.integers(len(_FORMATS)))]
        text = "".join(str(rng.choice(list("BCDFGHJKLMNPRSTVWXZ" if c == "A" else "0123456789"))) for c in form)
        topic, source, reason = _TOPICS[int(rng.choice(len(_TOPICS), p=[0.3, 0.16, 0.1, 0.08, 0.1, 0.06, 0.04, 0.06, 0.1]))]
        if text in taken:
            continue
        taken.add(text)
        day = f"2026-{int(rng.integers(5, 11)):02d}-{int(rng.integers(1, 29)):02d}"
        rows.append(
            [
                text,
                region,
                source,
                topic,
                reason,
                {"NCIC": "CT0000000", "state": "CTDMV0001", "local": "CTPD00012"}[source],
                day,
                "2036-12-31",
            ]
        )
    for item, topic, reason in (
        (next(p for p in PASSES if p.hot == "stolen"), "stolen-vehicle", "vehicle reported stolen"),
        (next(p for p in PASSES if p.hot == "immigration"), "immigration-violator", "administrative warrant of removal"),
    ):
        rows.insert(
            int(rng.integers(4, 30)), [item.text, item.region, "NCIC", topic, reason, "CT0000000", "2026-10-14", "2036-12-31"]
        )
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["plate", "region", "source", "topic", "reason", "entered_by", "entered_on", "expires_on"])
        out.writerows(rows)


# --------------------------------------------------------------------------------------------------- the two kinds of clip


def make_demo(out: Path, crf: int, progress: Progress) -> None:
    """The demonstration: clip.mp4, truth.json, positions.csv, zones.geojson, hotlist.csv."""
    plan, entries = [], []
    for number, stretch in enumerate(STRETCHES):
        items = [p for p in PASSES if p.stretch == stretch.name]
        cars = [make_car(item, stretch.place) for item in items]
        first, end = round(stretch.start_s * FPS), round(stretch.end_s * FPS)
        plan.append((stretch.place, cars, first, end, stretch.place.seed + number))
        entries += [(item, car, stretch, first, end) for item, car in zip(items, cars, strict=True)]
    clip = out / "clip.mp4"
    camera = PLACE_A.camera
    frames = plan[-1][3]
    sha256 = encode(render(plan, progress), clip, (camera.width, camera.height), crf)
    passes = [pass_truth(item, car, s.place.camera, first, end, s.in_zone) for item, car, s, first, end in entries]
    zone = next(s for s in STRETCHES if s.in_zone)
    rng = np.random.default_rng(2026)
    truth = {
        "about": "Rendered wholly by this project: every plate, serial, name, place and hot-list entry is invented.",
        "made_by": "python -m models.train.demo_clip --out edge/demo",
        "clip": clip_facts(clip, sha256, frames, camera),
        "plate_seen_from_px": SEEN_FROM_PX,
        "cameras": {
            s.name: {
                "focal_px": s.place.camera.focal_px,
                "height_m": s.place.camera.height_m,
                "yaw_left_deg": s.place.camera.yaw_left_deg,
                "pitch_down_deg": s.place.camera.pitch_down_deg,
            }
            for s in STRETCHES
        },
        "stretches": [
            {
                "name": s.name,
                "first_frame": round(s.start_s * FPS),
                "last_frame": round(s.end_s * FPS) - 1,
                "start_s": s.start_s,
                "end_s": s.end_s,
                "latitude": s.latitude,
                "longitude": s.longitude,
                "in_zone": s.in_zone,
                "night": s.place.light.night,
            }
            for s in STRETCHES
        ],
        "zone": {
            "name": ZONE_NAME,
            "category": ZONE_CATEGORY,
            "margin_m": ZONE_MARGIN_M,
            "polygon": [list(p) for p in ZONE],
            "first_frame": round(zone.start_s * FPS),
            "last_frame": round(zone.end_s * FPS) - 1,
            "first_s": zone.start_s,
            "last_s": round(zone.end_s - 1 / FPS, 3),
        },
        "signs": sorted(
            {
                word
                for s in STRETCHES
                for word in (
                    *(" ".join(w for w, _ in lines) for _, lines in s.place.signs),
                    *(n for shop in s.place.shops for n in shop),
                    " ".join(s.place.board),
                )
                if word
            }
        ),
        "passes": passes,
    }
    (out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    write_positions(out / "positions.csv", rng)
    write_zones(out / "zones.geojson")
    write_hotlist(out / "hotlist.csv", rng)


def make_traffic(out: Path, minutes: float, share: float, night: bool, seed: int, crf: int, progress: Progress) -> None:
    """Random traffic on one street: clip.mp4 and truth.json; in about `share` of the frames a plate is in view."""
    rng = np.random.default_rng(seed)
    place = PLACE_C if night else PLACE_A
    frames = round(minutes * 60 * FPS)
    in_view_s = 1.4  # of the near lane at its speed
    gap_s = in_view_s / max(share, 1e-3)
    passes, cars, at = [], [], 1.5 + gap_s * 0.5
    while at < minutes * 60 - 3:
        far = bool(rng.random() < 0.2)
        drawn = render_plate(rng, region=str(rng.choice(["US-CT", "US-NY", "US-MA", "US-RI", "US-NJ", "US-ME"])), style="us")
        image = infrared(drawn.image, rng) if night else drawn.image
        item = Pass(
            f"p{len(passes) + 1:03d}",
            "traffic",
            at,
            drawn.text,
            drawn.region,
            str(rng.choice(list(SHAPES))),
            PAINTS[int(rng.integers(len(PAINTS)))],
            0,
            lane=int(far),
            z_m=10.0,
            speed_mps=6.2 if far else float(rng.uniform(8.2, 8.8)),
            plate_image=image,
        )
        passes.append(item)
        cars.append(make_car(item, place))
        at += gap_s * float(rng.uniform(0.9, 1.1))
    clip = out / "clip.mp4"
    sha256 = encode(render([(place, cars, 0, frames, seed)], progress), clip, (place.camera.width, place.camera.height), crf)
    entries = [pass_truth(item, car, place.camera, 0, frames, False) for item, car in zip(passes, cars, strict=True)]
    with_plate = {i for e in entries for i in range(e["first_frame"], e["last_frame"] + 1)}
    truth = {
        "about": "Rendered wholly by this project: every plate is invented.",
        "seed": seed,
        "clip": clip_facts(clip, sha256, frames, place.camera),
        "share_with_plates": round(len(with_plate) / frames, 3),
        "passes": entries,
    }
    (out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--crf", type=int, default=27, help="libx264 quality, smaller is better and larger")
    parser.add_argument("--minutes", type=float, help="make a clip of random traffic of this length instead of the demo")
    parser.add_argument("--share-with-plates", type=float, default=0.5, help="share of frames with a plate, for --minutes")
    parser.add_argument("--night", action="store_true", help="the night street, for --minutes")
    parser.add_argument("--seed", type=int, default=1, help="for --minutes")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        if args.minutes is None:
            make_demo(args.out, args.crf, progress)
        else:
            make_traffic(args.out, args.minutes, args.share_with_plates, args.night, args.seed, args.crf, progress)


if __name__ == "__main__":
    main()
