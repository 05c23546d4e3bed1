"""The plate detector's network: one grey plane in, a plate score and four corners per cell of 8x8 px out.

Plain conv3x3-BN-ReLU blocks: they fuse to one kernel each in every runtime we ship to, and quantise well. Strides go
to 32 for the context that tells a plate from a shop sign; everything is read out at stride 8, where a plate of
20 px still covers two cells.
"""

import torch
from torch import Tensor, nn

STRIDE = 8
"""Input pixels per cell of the output grid."""

MEAN, SPREAD = 112.0, 60.0
"""Grey level statistics used for normalisation inside the graph (typical of the training frames)."""

# A level plate twice as wide as high, in units of its scale: TL, TR, BR, BL. The corners start here.
TEMPLATE = (-1.4, -0.7, 1.4, -0.7, 1.4, 0.7, -1.4, 0.7)

SCALE_RANGE = (-1.5, 4.0)
"""Clamp on the log of the scale, in cells: 1.8 px to 437 px."""


def conv(c_in: int, c_out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True)
    )


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(self.first(x)))


class DetectorNet(nn.Module):
    """(N, 1, H, W) grey levels 0..255 → (N, 1, H/8, W/8) score logits and (N, 8, H/8, W/8) corners in input px.

    H and W must be multiples of 32.
    """

    def __init__(self, widths: tuple[int, int, int, int, int] = (16, 32, 48, 64, 64)) -> None:
        super().__init__()
        c2, c4, c8, c16, c32 = widths
        self.widths = widths
        self.stem = nn.Sequential(conv(1, c2, stride=2), conv(c2, c4, stride=2))
        self.at8 = nn.Sequential(conv(c4, c8, stride=2), Block(c8))
        self.at16 = nn.Sequential(conv(c8, c16, stride=2), Block(c16))
        self.at32 = nn.Sequential(conv(c16, c32, stride=2), Block(c32))
        self.down32 = conv(c32, c16, kernel=1)
        self.mix16 = conv(c16, c16)
        self.down16 = conv(c16, c8, kernel=1)
        self.mix8 = conv(c8, c8)
        self.score = nn.Conv2d(c8, 1, 1)
        last = nn.Conv2d(c4, 9, 1)
        self.geometry = nn.Sequential(conv(c8, c4), last)
        nn.init.constant_(self.score.bias, -4.6)  # a plate is in about one cell of a hundred
        nn.init.normal_(last.weight, std=0.01)
        nn.init.zeros_(last.bias)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        logits, raw = self.maps(image)
        cells = torch.arange(raw.shape[2] * raw.shape[3], device=raw.device)
        found = corners(raw.float().flatten(2), cells, raw.shape[3])
        return logits, found.unflatten(2, raw.shape[2:])

    def maps(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Score logits (N, 1, H/8, W/8) and what `corners` makes corners of (N, 9, H/8, W/8)."""
        x8 = self.at8(self.stem((image - MEAN) / SPREAD))
        x16 = self.at16(x8)
        x32 = self.at32(x16)
        x16 = self.mix16(x16 + nn.functional.interpolate(self.down32(x32), scale_factor=2.0, mode="nearest"))
        x8 = self.mix8(x8 + nn.functional.interpolate(self.down16(x16), scale_factor=2.0, mode="nearest"))
        return self.score(x8), self.geometry(x8)


def corners(raw: Tensor, cells: Tensor, columns: int) -> Tensor:
    """Raw geometry (N, 9, K) of some cells to their corners (N, 8, K) in input px, x and y alternating; `cells` (K,) or (N, K)
    are their numbers on a grid of so many `columns`."""
    y = torch.div(cells, columns, rounding_mode="trunc")
    x = cells - y * columns
    middles = (torch.stack([x, y] * 4, dim=-2) + 0.5) * STRIDE
    template = torch.tensor(TEMPLATE, device=raw.device, dtype=raw.dtype)[:, None]
    scale = torch.exp(torch.clamp(raw[:, :1] * 2.0 + 0.9, *SCALE_RANGE)) * STRIDE
    return middles + scale * (template + raw[:, 1:])
