"""Train the plate detector on the CPU, within a wall-clock budget.

    python -m models.train.detector --minutes 55

Resumes from its last checkpoint by default and prints recall and extra boxes on the dev frames every few minutes; those
are only ever measured. Scenes are made between the steps, half of every batch new and half replayed.
"""

from __future__ import annotations

import argparse
import copy
import ctypes
import itertools
import math
import signal
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge.bench.score import BoxXYWH, iou, overlap
from models.train.detector_eval import PIXELS, EvalFrame, find_all, line, load_dev, onnx_find, score_by_group
from models.train.detector_export import export
from models.train.detector_loss import loss, targets
from models.train.detector_net import DetectorNet
from models.train.scenes import Mined, Scene, SceneMaker, TrainFrame, load_frames

RUN = Path(__file__).with_name(".cache") / "detector"

SMALL, LARGE = (320, 192), (512, 288)
"""Sizes of training pictures, width x height: most are small, plates wider than 260 px come in the large ones."""

BATCH = {SMALL: 16, LARGE: 6}
LARGE_EVERY = 5
POOL = {SMALL: 4000, LARGE: 600}
"""Pictures kept for replay."""

EVAL_THRESHOLDS = (0.25, 0.4, 0.55)
MINE_FROM = 0.25
"""Wrong boxes on training frames scoring this much are shown again as negatives."""

MINE_PIXELS = (2 * PIXELS, PIXELS)
"""Sizes of the network's input at which wrong boxes are looked for in turn: small things are larger in the larger one."""

TRUSTED = ("darkplate", "oi350")
"""Sets whose plates are all labelled or reviewed. Elsewhere a box beside the labels may well be a plate nobody marked,
and only boxes a person called something else serve as negatives."""


@dataclass(frozen=True)
class Plan:
    """What a run was asked for; times in seconds."""

    budget_s: float
    seed: int
    rate: float
    eval_every_s: float
    mine_every_s: float
    folder: Path


def keep_large_blocks() -> None:
    """Let malloc keep big blocks instead of mapping them anew at each step (glibc only): several times faster."""
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD
    except OSError:
        return


class Replay:
    """Pictures of one size; every batch is half new, half drawn again."""

    def __init__(self, maker: SceneMaker, size: tuple[int, int]) -> None:
        self._maker, self._size = maker, size
        self._pool: list[Scene] = []

    def batch(self, rng: np.random.Generator) -> list[Scene]:
        count = BATCH[self._size]
        fresh = [self._maker.make(rng, self._size) for _ in range(count // 2)]
        old = [self._pool[int(i)] for i in rng.integers(len(self._pool), size=count - len(fresh))] if self._pool else []
        for scene in fresh:
            if len(self._pool) < POOL[self._size]:
                self._pool.append(scene)
            else:
                self._pool[int(rng.integers(len(self._pool)))] = scene
        return fresh + old


class Trainer:
    """Network, averaged network, optimiser and clock of one run."""

    def __init__(self, plan: Plan, net: DetectorNet) -> None:
        self.plan = plan
        self.net = net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(net).eval()
        decayed = [p for p in net.parameters() if p.ndim > 1]
        plain = [p for p in net.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 0.03}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=plan.rate, betas=(0.9, 0.99))
        self.steps = 0
        self.crops = 0
        self.spent_s = 0.0

    def step(self, scenes: list[Scene]) -> Tensor:
        """One optimiser step; returns the loss parts (score, corners, box)."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        images = torch.from_numpy(np.stack([scene.image for scene in scenes])[:, None]).float()
        truth = targets(scenes)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits, corners = self.net(images.to(memory_format=torch.channels_last))
        total, parts = loss(logits, corners, truth)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
        self.optimiser.step()
        self.steps += 1
        self.crops += len(scenes)
        self._follow()
        return parts

    def rate(self) -> float:
        """Warm-up over 300 steps, then a cosine over the wall-clock budget down to 1 %."""
        done = min(1.0, self.spent_s / self.plan.budget_s)
        cosine = 0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2
        return self.plan.rate * cosine * min(1.0, (self.steps + 1) / 300)

    def _follow(self) -> None:
        keep = min(0.9985, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            pairs = zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True)
            for mine, theirs in pairs:
                if mine.dtype.is_floating_point:
                    mine.lerp_(theirs, 1 - keep)
                else:
                    mine.copy_(theirs)

    def save(self, path: Path) -> None:
        state = {
            "widths": list(self.net.widths),
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "steps": self.steps,
            "crops": self.crops,
            "spent_s": self.spent_s,
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def file(self) -> Path:
        """The averaged network as a file of the run's folder: a unit runs files, three times as fast as the trainer could."""
        path = self.plan.folder / "detector.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's, on every call
            export(self.average, path)
        return path

    def resume(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps, self.crops, self.spent_s = state["steps"], state["crops"], state["spent_s"]


def evaluate(file: Path, frames: list[EvalFrame]) -> list[str]:
    """Printed lines of dev figures; those of all but the highest threshold name every set."""
    found = find_all(frames, onnx_find(file))
    printed = []
    for threshold in EVAL_THRESHOLDS:
        for name, scores in score_by_group(frames, found, threshold).items():
            if name == "all" or threshold < EVAL_THRESHOLDS[-1]:
                printed.append(f"  at {threshold:.2f} {line(name, scores)}")
    return printed


def mine(file: Path, frames: list[TrainFrame], pixels: int = PIXELS, least: float = MINE_FROM) -> list[Mined]:
    """Wrong boxes of the present model on the training frames at inputs of `pixels`, the most confident first."""
    find = onnx_find(file, least, pixels)
    wrong = []
    for index, frame in enumerate(frames):
        for plate in find(frame.levels[0]):
            x, y, w, h = (plate.box.x, plate.box.y, plate.box.w, plate.box.h)
            known = [_xywh(box) for box in (*frame.plates, *frame.ignore)]
            if any(iou((x, y, w, h), box) > 0.2 or overlap((x, y, w, h), box) > 0.5 * w * h for box in known):
                continue
            wrong.append(Mined(index, np.array([x, y, x + w, y + h], np.float32), plate.confidence))
    return sorted(wrong, key=lambda spot: -spot.score)


def negatives(file: Path, frames: list[TrainFrame], pixels: int) -> list[Mined]:
    """Places on training frames that the present model takes for plates and that surely are none."""

    def sure(spot: Mined) -> bool:
        frame = frames[spot.frame]
        return frame.group in TRUSTED or any(iou(_xywh(spot.box), _xywh(box)) > 0.3 for box in frame.others)

    return [spot for spot in mine(file, frames, pixels) if sure(spot)]


def _xywh(box: NDArray[np.float32]) -> BoxXYWH:
    return float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])


def train(plan: Plan, fresh: bool) -> Trainer:
    """Run until the budget is spent or SIGTERM comes; returns the trainer; its weights are saved."""
    keep_large_blocks()
    torch.set_num_threads(1)
    plan.folder.mkdir(parents=True, exist_ok=True)
    checkpoint = plan.folder / "checkpoint.pt"
    torch.manual_seed(plan.seed)
    trainer = Trainer(plan, DetectorNet())
    if checkpoint.is_file() and not fresh:
        trainer.resume(checkpoint)
        print(f"resumed at step {trainer.steps}, {trainer.spent_s / 60:.1f} min", flush=True)
    rng = np.random.default_rng((plan.seed, trainer.steps))
    frames = load_frames()
    maker = SceneMaker(rng, frames)
    replay = {size: Replay(maker, size) for size in BATCH}
    dev = load_dev()
    scales = itertools.cycle(MINE_PIXELS)
    mined: dict[int, list[Mined]] = {}
    if trainer.steps > 1000:
        mined[MINE_PIXELS[-1]] = maker.mined = negatives(trainer.file(), frames, MINE_PIXELS[-1])
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stop.append(number))
    began, before = time.monotonic(), trainer.spent_s
    next_eval, next_mine = trainer.spent_s + min(120.0, plan.eval_every_s), trainer.spent_s + plan.mine_every_s
    running = torch.zeros(3)
    while trainer.spent_s < plan.budget_s and not stop:
        size = LARGE if trainer.steps % LARGE_EVERY == LARGE_EVERY - 1 else SMALL
        running = running.lerp(trainer.step(replay[size].batch(rng)), 0.01)
        trainer.spent_s = before + time.monotonic() - began
        if trainer.steps % 500 == 0:
            parts = " ".join(f"{value:.3f}" for value in running.tolist())
            print(f"{trainer.spent_s / 60:5.1f} min step {trainer.steps} crops {trainer.crops} loss {parts}", flush=True)
        if trainer.spent_s >= next_mine:
            pixels = next(scales)
            mined[pixels] = negatives(trainer.file(), frames, pixels)
            maker.mined = [spot for spots in mined.values() for spot in spots]
            print(f"  mined {len(maker.mined)} places", flush=True)
            next_mine += plan.mine_every_s
        if trainer.spent_s >= next_eval:
            print(*evaluate(trainer.file(), dev), sep="\n", flush=True)
            trainer.save(checkpoint)
            next_eval += plan.eval_every_s
    trainer.save(checkpoint)
    print(*evaluate(trainer.file(), dev), sep="\n", flush=True)
    return trainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, required=True, help="wall-clock budget, resumed time included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--fresh", action="store_true", help="start anew instead of resuming")
    parser.add_argument("--folder", type=Path, default=RUN, help="where checkpoints go")
    parser.add_argument("--out", type=Path, help="write the ONNX file here at the end")
    arguments = parser.parse_args()
    plan = Plan(arguments.minutes * 60, arguments.seed, arguments.rate, 420.0, 600.0, arguments.folder)
    trainer = train(plan, arguments.fresh)
    if arguments.out:
        export(trainer.average, arguments.out)


if __name__ == "__main__":
    main()
