"""A detector in the manner of YOLOv8: a small backbone, features of three scales, boxes and scores. No suppression of boxes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BINS = 16


class Conv(nn.Module):
    """Convolution, batch norm, SiLU."""

    def __init__(self, into: int, out: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(out, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """(n, into, h, w) to (n, out, h / stride, w / stride)."""
        return F.silu(self.norm(self.conv(x)))


class Split(nn.Module):
    """Half of the channels goes through two bottlenecks, and all stages are joined."""

    def __init__(self, into: int, out: int, shortcut: bool = True) -> None:
        super().__init__()
        half = out // 2
        self.first, self.last = Conv(into, out), Conv(4 * half, out)
        self.inner = nn.ModuleList(nn.Sequential(Conv(half, half, 3), Conv(half, half, 3)) for _ in range(2))
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """(n, into, h, w) to (n, out, h, w)."""
        parts = list(self.first(x).chunk(2, dim=1))
        for inner in self.inner:
            y = inner(parts[-1])
            parts.append(parts[-1] + y if self.shortcut else y)
        return self.last(torch.cat(parts, dim=1))


class Pools(nn.Module):
    """Three pools in a row, joined."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.last = Conv(width, width // 2), Conv(2 * width, width)
        self.pool = nn.MaxPool2d(5, stride=1, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        stages = [self.first(x)]
        for _ in range(3):
            stages.append(self.pool(stages[-1]))
        return self.last(torch.cat(stages, dim=1))


class Detector(nn.Module):
    """(1, 3, side, side) to (1, 4 + classes, anchors): centre, size in pixels, and a score from 0 to 1 for each class."""

    def __init__(self, side: int = 320, classes: int = 80, base: int = 16) -> None:
        super().__init__()
        a, b, c, d, e = (base * n for n in (1, 2, 4, 8, 16))
        self.early = nn.Sequential(Conv(3, a, 3, 2), Conv(a, b, 3, 2), Split(b, b), Conv(b, c, 3, 2), Split(c, c))
        self.mid = nn.Sequential(Conv(c, d, 3, 2), Split(d, d))
        self.late = nn.Sequential(Conv(d, e, 3, 2), Split(e, e), Pools(e))
        self.up1, self.up2 = Split(e + d, d, False), Split(d + c, c, False)
        self.down1, self.join1 = Conv(c, c, 3, 2), Split(c + d, d, False)
        self.down2, self.join2 = Conv(d, d, 3, 2), Split(d + e, e, False)
        self.boxes = nn.ModuleList(nn.Sequential(Conv(w, c, 3), nn.Conv2d(c, 4 * BINS, 1)) for w in (c, d, e))
        self.scores = nn.ModuleList(nn.Sequential(Conv(w, c, 3), nn.Conv2d(c, classes, 1)) for w in (c, d, e))
        self.register_buffer("bins", torch.arange(BINS, dtype=torch.float32).view(1, BINS, 1, 1))
        centres, strides = [], []
        for stride in (8, 16, 32):
            at = torch.arange(side // stride) + 0.5
            y, x = torch.meshgrid(at, at, indexing="ij")
            centres.append(torch.stack([x.flatten(), y.flatten()]))
            strides.append(torch.full((1, y.numel()), float(stride)))
        self.register_buffer("centres", torch.cat(centres, dim=1)[None])
        self.register_buffer("strides", torch.cat(strides, dim=1)[None])

    def forward(self, image: Tensor) -> Tensor:
        """Features up and down, then distances as expectations over bins."""
        small = self.early(image)
        middle = self.mid(small)
        large = self.late(middle)
        up = self.up1(torch.cat([F.interpolate(large, scale_factor=2.0, mode="nearest"), middle], dim=1))
        p3 = self.up2(torch.cat([F.interpolate(up, scale_factor=2.0, mode="nearest"), small], dim=1))
        p4 = self.join1(torch.cat([self.down1(p3), up], dim=1))
        p5 = self.join2(torch.cat([self.down2(p4), large], dim=1))
        boxes = torch.cat([head(p).flatten(2) for head, p in zip(self.boxes, (p3, p4, p5))], dim=2)
        scores = torch.cat([head(p).flatten(2) for head, p in zip(self.scores, (p3, p4, p5))], dim=2)
        bins = boxes.unflatten(1, (4, BINS)).transpose(1, 2).softmax(dim=1)
        left_top, right_bottom = (bins * self.bins).sum(1).chunk(2, dim=1)
        low, high = self.centres - left_top, self.centres + right_bottom
        return torch.cat([torch.cat([(low + high) / 2, high - low], dim=1) * self.strides, scores.sigmoid()], dim=1)
