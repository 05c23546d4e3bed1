"""The technician's hour as a clip: the card at the near edge of the lane, at the far edge, then cars with known plates.

The street and its cars are the demo clip's, which is rendered; the card is photographed onto it at poses that are known.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from calibration.scene import Eye, Pose, Sensor, corners_of, photograph
from calibration.target import card_picture, make_card
from edge.records import Image

DEMO = Path(__file__).resolve().parents[3] / "edge" / "demo" / "clip.mp4"
FPS = 10
SIZE = (1280, 720)
#: How much the camera sees across, degrees, and from it the focal length in pixels.
SEES_DEG = 26.0
EYE = Eye(frame_size=SIZE, focal_px=SIZE[0] / 2 / float(np.tan(np.deg2rad(SEES_DEG / 2))))
NEAR = Pose(z_m=4.6, x_m=0.25, y_m=0.30, yaw=12.0, pitch=8.0, roll=1.0)
FAR = Pose(z_m=5.9, x_m=0.10, y_m=0.25, yaw=9.0, pitch=7.0, roll=1.0)
NEAR_S, FAR_S, TRAFFIC_S = 6.0, 5.0, 6.2
#: Plates of the cars that pass in the clip's last part.
PLATES = ("BK27419", "KLT4827")


def with_card(street: Image, pose: Pose, seed: int = 0) -> Image:
    """The street (BGR) with the card held at ``pose``."""
    card = make_card()
    size_mm = (card.width_mm, card.height_mm)
    grey = cv2.cvtColor(street, cv2.COLOR_BGR2GRAY)
    taken = photograph(card_picture(card), size_mm, pose, EYE, Sensor(noise=1.5), seed, np.asarray(grey, np.uint8))
    mask = np.zeros(grey.shape, np.uint8)
    cv2.fillConvexPoly(mask, np.rint(np.array(corners_of(size_mm, pose, EYE))).astype(np.int32), 255)
    mask = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    return np.where(mask[..., None] > 0, taken[..., None], street).astype(np.uint8)


def make_clip(path: Path, near_s: float = NEAR_S, far_s: float = FAR_S, traffic_s: float = TRAFFIC_S) -> None:
    """Write the clip (H.264, 10 pictures a second); ffmpeg encodes it."""
    street = demo_frames()
    empty = next(street)
    pictures: list[Image] = []
    for pose, seconds in ((NEAR, near_s), (FAR, far_s)):
        grains = [with_card(empty, pose, n) for n in range(3 if seconds else 0)]  # the noise of neighbours differs
        pictures += [grains[n % 3] for n in range(int(seconds * FPS))]
    for number, frame in enumerate(street, 1):  # 15 pictures a second become 10
        if number >= traffic_s * 15:
            break
        if number % 3 != 2:
            pictures.append(frame)
    encode = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", "1280x720", "-r", str(FPS), "-i", "-"]
    encode += ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-threads", "1", "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(encode, input=b"".join(picture.tobytes() for picture in pictures), check=True)


def demo_frames() -> Iterator[Image]:
    """The demo clip's pictures, in order."""
    clip = cv2.VideoCapture(str(DEMO))
    while True:
        good, frame = clip.read()
        if not good:
            return
        yield np.asarray(frame, np.uint8)
