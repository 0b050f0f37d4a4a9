"""A U-Net as diffusion models have it: group norm, SiLU, skip connections, and both kinds of upsampling."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, into), nn.Conv2d(into, out, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(8, out), nn.Conv2d(out, out, 3, padding=1)
        self.shortcut = nn.Conv2d(into, out, 1) if into != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(n, into, h, w) to (n, out, h, w)."""
        y = self.conv1(F.silu(self.norm1(x)))
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(y)))


class UNet(nn.Module):
    """(1, 3, h, w) to scores of 8 classes, (1, 8, h, w)."""

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128)) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1)
        self.down = nn.ModuleList(Residual(w, w) for w in widths)
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in zip(widths, widths[1:]))
        self.middle = Residual(widths[-1], widths[-1])
        pairs = list(zip(widths, widths[1:]))[::-1]
        self.up = nn.ModuleList(Residual(a + b, a) for a, b in pairs)
        self.norm, self.head = nn.GroupNorm(8, widths[0]), nn.Conv2d(widths[0], 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Nearest at the lowest level, bilinear above it."""
        x, skips = self.stem(x), []
        for number, down in enumerate(self.down):
            x = down(x)
            if number < len(self.shrink):
                skips.append(x)
                x = self.shrink[number](x)
        x = self.middle(x)
        for number, up in enumerate(self.up):
            if number == 0:
                x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            else:
                x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = up(torch.cat([x, skips.pop()], dim=1))
        return self.head(F.silu(self.norm(x)))
