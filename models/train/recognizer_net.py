"""The recognizer's network: a small plain convolutional net that counts characters along the plate.

uint8 NHWC (N, 64, 128, 3) RGB in; out ``plate`` (N, 10, 37) and ``region`` (N, R), both softmax. Columns of features
(32 along the plate) carry an estimate of how much of a character lies in each; its running sum says which slot a column
belongs to, so slot k reads where the sum passes k + 1/2. Free attention heads must learn that counting from texts
alone, and double or drop a neighbour on short plates.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
PAD = len(ALPHABET) - 1
SLOTS = 10
COLUMNS = 32
HEIGHT, WIDTH = 64, 128


@dataclass(frozen=True)
class NetOutput:
    """Raw scores: `slots` (N, 10, 37), `columns` (N, 32, 37; the last class is "between characters"), `running`
    (N, 32) characters begun or passed up to each column's right edge, `region` (N, R)."""

    slots: Tensor
    columns: Tensor
    running: Tensor
    region: Tensor


def _conv(
    inside: int,
    outside: int,
    stride: int | tuple[int, int] = 1,
    kernel: int | tuple[int, int] = 3,
    padding: int | tuple[int, int] = 1,
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, stride, padding, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)
    )


class _Block(nn.Module):
    """Two 3x3 convolutions beside an identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class _Along(nn.Module):
    """A convolution along the plate beside an identity: (N, C, 1, 32)."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(channels, channels, (1, kernel), padding=(0, kernel // 2), bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.conv(x))


class RecognizerNet(nn.Module):
    """See the module's docstring. `regions` is the number of region classes, `widths` the channels per stage."""

    def __init__(self, regions: int, widths: tuple[int, int, int, int] = (32, 64, 96, 128), column_width: int = 160) -> None:
        super().__init__()
        stem, one, two, three = widths
        self.stem = nn.Sequential(_conv(12, stem), _conv(stem, one, 2))
        self.stage1 = _Block(one)
        self.stage2 = nn.Sequential(_conv(one, two, (2, 1)), _Block(two))
        self.stage3 = nn.Sequential(_conv(two, three, (2, 1)), _Block(three))
        self.columns = nn.Sequential(_conv(three, column_width, 1, (4, 1), 0), _Along(column_width, 5), _Along(column_width, 3))
        self.column_head = nn.Linear(column_width, len(ALPHABET))
        self.count_head = nn.Linear(column_width, 1)
        self.value = nn.Linear(column_width, 160)
        self.nothing = nn.Parameter(torch.zeros(160))  # what a slot beyond the last character reads
        self.nothing_score = nn.Parameter(torch.tensor(-2.0))
        self.sharpness = nn.Parameter(torch.tensor(6.0))
        self.slot_embedding = nn.Parameter(torch.zeros(SLOTS, 160))
        self.slot_mix = nn.Conv1d(160, 160, 5, padding=2)
        self.slot_head = nn.Linear(160, len(ALPHABET))
        # Names, slogans and pictures differ in detail and place: a grid of 4x8 cells of their own features.
        self.region_conv = nn.Sequential(_conv(two, 64, (1, 2)), _conv(64, 96))
        self.region_head = nn.Sequential(nn.Dropout(0.2), nn.Linear(96 * 4 * 8, regions))
        nn.init.constant_(self.count_head.bias, -1.2)  # about 7 characters over 32 columns
        nn.init.normal_(self.slot_embedding, std=0.02)
        nn.init.normal_(self.nothing, std=0.5)

    def forward(self, image: Tensor) -> NetOutput:
        x = image.permute(0, 3, 1, 2).float()
        # One mean and one spread for the whole crop: a dark or hazy plate looks like any other, its colours stay.
        mean = x.mean((1, 2, 3), keepdim=True)
        spread = (x - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
        x = F.pixel_unshuffle((x - mean) / (spread + 4.0), 2)
        x = self.stage2(self.stage1(self.stem(x)))
        region = self.region_conv(x)  # (N, 96, 8, 16)
        region = self.region_head(F.avg_pool2d(region, 2).flatten(1))
        seq = self.columns(self.stage3(x)).flatten(2).transpose(1, 2).float()  # (N, 32, C)
        column_logits = self.column_head(seq)
        share = torch.sigmoid(self.count_head(seq).squeeze(-1).float())
        running = torch.cumsum(share, 1)
        position = running - share / 2
        slot = torch.arange(SLOTS, device=image.device, dtype=torch.float32)[None, :, None] + 0.5
        score = torch.log(share + 1e-4)[:, None, :] - self.sharpness * (position[:, None, :] - slot).square()
        score = torch.cat([score, self.nothing_score.expand(score.shape[0], SLOTS, 1)], 2)
        values = torch.cat([self.value(seq), self.nothing.expand(seq.shape[0], 1, 160)], 1)
        read = F.relu(torch.softmax(score, 2) @ values + self.slot_embedding)
        read = read + F.relu(self.slot_mix(read.transpose(1, 2)).transpose(1, 2))
        return NetOutput(self.slot_head(read).float(), column_logits.float(), running, region.float())


class ExportNet(nn.Module):
    """What a unit runs: the net with softmax and the calibrated temperatures folded in."""

    def __init__(self, net: RecognizerNet, plate_temperature: float, region_temperature: float) -> None:
        super().__init__()
        self.net, self.plate_temperature, self.region_temperature = net, plate_temperature, region_temperature

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        out = self.net(image)
        return torch.softmax(out.slots / self.plate_temperature, 2), torch.softmax(out.region / self.region_temperature, 1)
