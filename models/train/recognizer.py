"""Trains, measures and exports the recognizer.

    python -m models.train.recognizer --hours 1.1            # resumes from its last checkpoint unless --fresh
    python -m models.train.recognizer --export-only          # calibrate and write models/ocr.onnx, models/ocr.yaml

One core trains, one (low-priority) process renders. Writes ``models/train/.cache/recognizer/`` (checkpoint, log).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import os
import sys
import time
from dataclasses import dataclass
from multiprocessing import Process
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from edge.bench.score import folded
from models.train.plates import REGIONS
from models.train.recognizer_data import IGNORE, NO_REGION, RealPlate, Store, fill, real_plates, upright_crop
from models.train.recognizer_net import ALPHABET, PAD, NetOutput, RecognizerNet

CACHE = Path(__file__).resolve().parent / ".cache" / "recognizer"
# Large activations must be reused, not handed back to the kernel after every step: a step takes a third less time.
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "2000000000", "MALLOC_TRIM_THRESHOLD_": "8000000000", "MALLOC_TOP_PAD_": "500000000"}

LEGIBLE_SETS = ("us_crops", "us_web", "darkplate", "robertlucian", "oi350")


@dataclass(frozen=True)
class Settings:
    hours: float
    seed: int = 1
    batch: int = 128
    peak_rate: float = 2.5e-3
    weight_decay: float = 0.02
    real_share: float = 0.13
    store_crops: int = 48_000
    first_crops: int = 2_500
    measure_every_s: float = 240.0
    workers: int = 1


def texts_of(slots: NDArray[np.int64]) -> list[str]:
    """Slot classes (N, 10) to texts, pads dropped from the end."""
    return ["".join(ALPHABET[i] for i in row).rstrip("_").replace("_", "") for row in slots]


# --- learning --------------------------------------------------------------------------------------------------------


def loss_of(out: NetOutput, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
    """Sum of the slots' cross entropy (what is shipped) and four teachers' terms; also their values by name."""
    slots = F.cross_entropy(out.slots.flatten(0, 1), batch["slots"].flatten())
    placed = batch["placed"]
    lengths = (batch["slots"] != PAD).sum(1)
    columns = F.cross_entropy(out.columns.flatten(0, 1), batch["columns"].flatten(), ignore_index=IGNORE)
    off = (out.running - batch["running"]).abs()
    running = torch.where(placed[:, None], off, off[:, -1:]).mean()
    loose = ~placed
    if bool(loose.any()):
        log_probs = F.log_softmax(out.columns[loose], 2).transpose(0, 1)
        steps = torch.full((int(loose.sum()),), log_probs.shape[0], dtype=torch.long)
        ctc = F.ctc_loss(log_probs, batch["slots"][loose], steps, lengths[loose], blank=PAD, zero_infinity=True)
    else:
        ctc = out.columns.sum() * 0
    region = F.cross_entropy(out.region, batch["region"], ignore_index=NO_REGION)
    region = torch.nan_to_num(region)
    total = slots + 0.3 * columns + 0.4 * running + 0.05 * ctc * loose.float().mean() + 0.12 * region
    return total, {"slots": slots.item(), "columns": columns.item(), "count": running.item(), "region": region.item()}


def draw_batch(store: Store, rng: np.random.Generator, size: int) -> dict[str, Tensor]:
    places = np.sort(rng.integers(0, min(store.made.value, store.capacity) - 64, size))
    kinds = {
        "image": torch.uint8,
        "slots": torch.long,
        "columns": torch.long,
        "running": torch.float32,
        "placed": torch.bool,
        "region": torch.long,
    }
    return {name: torch.from_numpy(store.array(name)[places]).to(kind) for name, kind in kinds.items()}


def rate_at(progress: float, peak: float) -> float:
    """Warm up over 3 % of the run, then a cosine down to 1 % of the peak."""
    if progress < 0.03:
        return peak * (0.05 + 0.95 * progress / 0.03)
    return peak * (0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * min(1.0, (progress - 0.03) / 0.97)))))


class Averaged:
    """Exponential moving average of weights and running statistics, which is what is measured and shipped."""

    def __init__(self, net: RecognizerNet) -> None:
        self.state = {name: value.detach().clone() for name, value in net.state_dict().items()}
        self.steps = 0

    @torch.no_grad()
    def update(self, net: RecognizerNet) -> None:
        self.steps += 1
        keep = min(0.9985, self.steps / (self.steps + 10))
        for name, value in net.state_dict().items():
            mine = self.state[name]
            if value.dtype.is_floating_point:
                mine.lerp_(value, 1 - keep)
            else:
                mine.copy_(value)


# --- measuring -------------------------------------------------------------------------------------------------------


@torch.no_grad()
def read_crops(net: RecognizerNet, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Raw slot and region scores, (N, 10, 37) and (N, R), of crops (N, 64, 128, 3)."""
    net.eval()
    outs = [net(torch.from_numpy(crops[i : i + 64])) for i in range(0, len(crops), 64)]
    net.train()
    return torch.cat([o.slots for o in outs]).numpy(), torch.cat([o.region for o in outs]).numpy()


def measure(net: RecognizerNet, plates: list[RealPlate], grey: bool = False) -> dict[str, dict[str, float]]:
    """Exact texts (O folded into 0, and as written), by set, of upright crops; regions where the set names them."""
    crops = np.stack([upright_crop(plate) for plate in plates])
    if grey:
        crops = np.stack([cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB) for crop in crops])
    slots, regions = read_crops(net, crops)
    texts, best = texts_of(slots.argmax(2)), regions.argmax(1)
    result: dict[str, dict[str, float]] = {}
    for name in LEGIBLE_SETS:
        rows = [
            (plate, text, int(region)) for plate, text, region in zip(plates, texts, best, strict=True) if plate.source == name
        ]
        if not rows:
            continue
        named = [plate.region == region for plate, _, region in rows if plate.region != NO_REGION]
        result[name] = {
            "n": len(rows),
            "exact_folded": round(float(np.mean([folded(p.text) == folded(t) for p, t, _ in rows])), 4),
            "exact": round(float(np.mean([p.text == t for p, t, _ in rows])), 4),
            "region": round(float(np.mean(named)), 4) if named else -1.0,
        }
    return result


# --- the run ---------------------------------------------------------------------------------------------------------


def _log(path: Path, **entry: object) -> None:
    line = json.dumps(entry)
    print(line, flush=True)
    with path.open("a") as file:
        file.write(line + "\n")


class Trainer:
    """Net, optimizer, averaged weights and clock of one run; what `save` writes `restore` brings back."""

    def __init__(self, settings: Settings) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.net = RecognizerNet(len(REGIONS)).to(memory_format=torch.channels_last)
        # Biases and normalisation scales are not decayed.
        groups = [[p for p in self.net.parameters() if p.ndim > 1], [p for p in self.net.parameters() if p.ndim <= 1]]
        decay = [settings.weight_decay, 0.0]
        self.optimizer = torch.optim.AdamW(
            [{"params": group, "weight_decay": value} for group, value in zip(groups, decay, strict=True)], fused=True
        )
        self.averaged = Averaged(self.net)
        self.steps, self.spent_s = 0, 0.0
        self.sums: dict[str, float] = {}

    @property
    def progress(self) -> float:
        """Share of the wall-clock budget used, 0..1."""
        return self.spent_s / (self.settings.hours * 3600)

    def step(self, batch: dict[str, Tensor]) -> float:
        """Learns from one batch; returns its loss and adds to the sums that `take_means` reports."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(self.progress, self.settings.peak_rate)
        with torch.autocast("cpu", torch.bfloat16):
            out = self.net(batch["image"])
        loss, terms = loss_of(out, batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.optimizer.step()
        self.averaged.update(self.net)
        self.steps += 1
        terms["exact"] = float((out.slots.argmax(2) == batch["slots"]).all(1).float().mean())
        for name, value in {**terms, "steps": 1.0}.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        return float(loss.detach())

    def take_means(self) -> dict[str, float]:
        """Means of the losses and of exactly read training crops since the last call."""
        steps = self.sums.pop("steps", 1.0)
        means = {f"train_{name}": round(value / steps, 4) for name, value in self.sums.items()}
        self.sums = {}
        return means

    def save(self, path: Path) -> None:
        state = {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict(), "averaged": self.averaged.state}
        torch.save({**state, "spent_s": self.spent_s, "step": self.steps}, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)

    def restore(self, path: Path) -> None:
        saved = torch.load(path, weights_only=True)
        self.net.load_state_dict(saved["net"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.averaged.state, self.averaged.steps = saved["averaged"], saved["step"]
        self.spent_s, self.steps = saved["spent_s"], saved["step"]


def start_workers(store: Store, settings: Settings, first_step: int) -> list[Process]:
    """Starts the rendering processes and waits until the store holds enough to begin with."""
    seeds = [settings.seed * 1000 + first_step + i for i in range(settings.workers)]
    workers = [mp.Process(target=fill, args=(store, seed, settings.real_share), daemon=True) for seed in seeds]
    for worker in workers:
        worker.start()
    while store.made.value < settings.first_crops:
        if not all(worker.is_alive() for worker in workers):
            raise RuntimeError("render training crops: a rendering process ended; see its message above")
        time.sleep(0.2)
    return workers


def train(settings: Settings, fresh: bool) -> RecognizerNet:
    """Trains for `settings.hours` of wall clock in all, resumed runs included; returns the averaged net."""
    CACHE.mkdir(parents=True, exist_ok=True)
    checkpoint, log = CACHE / "checkpoint.pt", CACHE / "log.jsonl"
    trainer, rng = Trainer(settings), np.random.default_rng(settings.seed)
    if checkpoint.is_file() and not fresh:
        trainer.restore(checkpoint)
    else:
        log.unlink(missing_ok=True)
    store, dev = Store(settings.store_crops), real_plates("dev")
    store.progress.value = trainer.progress
    size = sum(p.numel() for p in trainer.net.parameters())
    _log(log, event="start", settings=vars(settings), step=trainer.steps, parameters=size, dev_crops=len(dev))
    workers = start_workers(store, settings, trainer.steps)
    begun, before_s, measured_s = time.monotonic(), trainer.spent_s, trainer.spent_s
    while trainer.progress < 1.0:
        trainer.step(draw_batch(store, rng, settings.batch))
        trainer.spent_s = before_s + time.monotonic() - begun
        store.progress.value = trainer.progress
        if trainer.spent_s - measured_s > settings.measure_every_s or trainer.progress >= 1.0:
            measured_s = trainer.spent_s
            trainer.save(checkpoint)
            report(log, trainer, store, dev)
    for worker in workers:
        worker.terminate()
    return averaged_net()


def report(log: Path, trainer: Trainer, store: Store, dev: list[RealPlate]) -> None:
    """Measures the averaged weights on dev and writes one line of progress."""
    shipped = RecognizerNet(len(REGIONS))
    shipped.load_state_dict(trainer.averaged.state)
    figures = measure(shipped, dev)
    _log(
        log,
        minutes=round(trainer.spent_s / 60, 1),
        step=trainer.steps,
        crops=trainer.steps * trainer.settings.batch,
        rendered=store.made.value,
        **trainer.take_means(),
        dev={name: row["exact_folded"] for name, row in figures.items()},
        dev_region={name: row["region"] for name, row in figures.items() if row["region"] >= 0},
    )


def averaged_net(*earlier: Path) -> RecognizerNet:
    """The averaged weights of the last checkpoint; with `earlier` checkpoints of the same run, the mean of all of them, which
    keeps what each has learnt better: their errors differ."""
    states = [torch.load(path, weights_only=True)["averaged"] for path in (CACHE / "checkpoint.pt", *earlier)]
    mean = {name: sum(state[name].double() for state in states) / len(states) for name in states[0]}
    net = RecognizerNet(len(REGIONS))
    net.load_state_dict({name: value.to(states[0][name].dtype) for name, value in mean.items()})
    return net.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=1.1, help="wall clock in all, resumed runs included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on from the last checkpoint (--no-resume starts afresh)",
    )
    parser.add_argument("--export-only", action="store_true")
    parser.add_argument(
        "--mean-with", type=Path, nargs="*", default=(), metavar="CHECKPOINT", help="kept earlier checkpoints to average with"
    )
    options = parser.parse_args()
    if not all(name in os.environ for name in _ALLOCATOR):
        os.execve(
            sys.executable, [sys.executable, "-m", "models.train.recognizer", *sys.argv[1:]], {**os.environ, **_ALLOCATOR}
        )
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    mp.set_start_method("fork")
    if not options.export_only:
        train(Settings(hours=options.hours, seed=options.seed, workers=options.workers), not options.resume)
    from models.train.recognizer_export import export

    export(averaged_net(*options.mean_with))


if __name__ == "__main__":
    main()
