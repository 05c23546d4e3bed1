"""What the detector learns from: a score that says how well the box fits, and corners.

Score: quality focal loss (Li et al. 2020, "Generalized Focal Loss") towards a small Gaussian round the plate's centre
times the IoU the present corners reach, so that the score means "a plate, and well placed". Corners: smooth L1 in
units of the plate's size where they are known, the same on the box's edges where only a box is, and GIoU for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.train.detector_net import STRIDE
from models.train.scenes import Scene

POSITIVE_FROM = 0.4
"""Cells where the Gaussian is at least this high learn corners."""

QUALITY_FLOOR = 0.5
"""Share of the score target that does not depend on the fit: at the start nothing fits yet."""

FOCUS = 1.5
"""Power of the distance from the goal: at 2, the literature's, a plate's score hardly rises any more beyond 0.7."""

CORNER_WEIGHT, BOX_WEIGHT = 10.0, 1.5


@dataclass(frozen=True)
class Targets:
    """Truth of a batch on the grid. `heat`, `weight` (N, h, w); one row a positive cell in the others."""

    heat: Tensor
    weight: Tensor
    cell: Tensor
    quad: Tensor
    exact: Tensor
    share: Tensor


def targets(scenes: Sequence[Scene]) -> Targets:
    """Lay the truth of some scenes of one size onto the output grid."""
    height, width = (side // STRIDE for side in scenes[0].image.shape)
    heat = np.zeros((len(scenes), height, width), np.float32)
    weight = np.ones_like(heat)
    cells, quads, exact, shares = [], [], [], []
    for index, scene in enumerate(scenes):
        for box in scene.ignore:
            x0, y0, x1, y1 = np.clip(box / STRIDE, 0, (width, height, width, height))
            weight[index, int(np.floor(y0)) : int(np.ceil(y1)), int(np.floor(x0)) : int(np.ceil(x1))] = 0
        for quad, known in zip(scene.quads, scene.exact, strict=True):
            bump = _bump(quad, width, height)
            positive = np.argwhere(bump >= POSITIVE_FROM)
            near = bump > 0.05
            weight[index][near] = 1.0 / np.sqrt(len(positive))
            heat[index] = np.maximum(heat[index], bump)
            for y, x in positive:
                cells.append((index, y, x))
                quads.append(quad.reshape(8))
                exact.append(known)
                shares.append(bump[y, x] / bump[bump >= POSITIVE_FROM].sum())
    return Targets(
        torch.from_numpy(heat),
        torch.from_numpy(weight),
        torch.tensor(np.array(cells, np.int64).reshape(-1, 3)),
        torch.tensor(np.array(quads, np.float32).reshape(-1, 8)),
        torch.tensor(np.array(exact, bool)),
        torch.tensor(np.array(shares, np.float32)),
    )


def _bump(quad: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """A Gaussian over the grid, 1 in the cell that holds the plate's centre, about a fifth of the plate wide."""
    low, high = quad.min(0) / STRIDE, quad.max(0) / STRIDE
    centre, size = (low + high) / 2, high - low
    at = np.clip(np.floor(centre), 0, (width - 1, height - 1))
    sigma = np.clip(0.14 * size, 0.5, 2.0)
    x = (np.arange(width) - at[0]) / sigma[0]
    y = (np.arange(height) - at[1]) / sigma[1]
    return np.exp(-0.5 * (x[None] ** 2 + y[:, None] ** 2)).astype(np.float32)


def box_of(corners: Tensor) -> Tensor:
    """(N, 8) corners to (N, 4) x0 y0 x1 y1."""
    points = corners.view(-1, 4, 2)
    return torch.cat([points.amin(1), points.amax(1)], dim=1)


def giou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU of boxes row by row."""
    shared = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    union = (a[:, 2:] - a[:, :2]).clamp(min=0).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - shared
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    iou = shared / union.clamp(min=1e-6)
    return iou, iou - (hull - union) / hull.clamp(min=1e-6)


def loss(logits: Tensor, corners: Tensor, truth: Targets) -> tuple[Tensor, Tensor]:
    """Total loss, and its parts (score, corners, box) without gradient."""
    logits = logits.float()[:, 0]
    batch, y, x = truth.cell.unbind(1)
    plates = truth.share.sum().clamp(min=1.0)
    goal = truth.heat * QUALITY_FLOOR
    corner_loss = box_loss = logits.new_zeros(())
    if len(truth.cell):
        found = corners[batch, :, y, x]
        box, wanted = box_of(found), box_of(truth.quad)
        size = (wanted[:, 2:] - wanted[:, :2]).sum(1, keepdim=True) / 4
        iou, general = giou(box, wanted)
        by_corner = _smooth((found - truth.quad) / size)
        by_edge = _smooth((box - wanted) / size)
        corner_loss = (torch.where(truth.exact, by_corner, by_edge) * truth.share).sum() / plates
        box_loss = ((1 - general) * truth.share).sum() / plates
        fit = truth.heat[batch, y, x] * (QUALITY_FLOOR + (1 - QUALITY_FLOOR) * iou.detach().clamp(0, 1))
        goal = goal.index_put((batch, y, x), fit)
    score = torch.sigmoid(logits)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, goal, reduction="none")
    score_loss = ((goal - score).abs().pow(FOCUS) * entropy * truth.weight).sum() / plates
    total = score_loss + CORNER_WEIGHT * corner_loss + BOX_WEIGHT * box_loss
    return total, torch.stack([score_loss, corner_loss, box_loss]).detach()


def _smooth(error: Tensor, knee: float = 0.04) -> Tensor:
    """Smooth L1, mean over the columns; errors under `knee` of the plate's size count little."""
    return torch.nn.functional.smooth_l1_loss(error, torch.zeros_like(error), beta=knee, reduction="none").mean(1)
