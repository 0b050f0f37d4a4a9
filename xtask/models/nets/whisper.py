"""Encoder and decoder in the shape of Whisper tiny."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH, HEADS, LAYERS, BANDS, FRAMES, VOCABULARY, CONTEXT = 384, 6, 4, 80, 1500, 51865, 448


class Attention(nn.Module):
    """Attention to the same sequence or to another; keys have no bias."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH, bias=False)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, source: Tensor, mask: Tensor | None = None) -> Tensor:
        """`x` asks, `source` answers: (1, tokens, width) each."""
        q, k, v = (
            y.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)
            for y in (self.query(x), self.key(source), self.value(source))
        )
        return self.out(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """A layer of the encoder, or of the decoder with `cross`."""

    def __init__(self, cross: bool) -> None:
        super().__init__()
        self.attention, self.attention_norm = Attention(), nn.LayerNorm(WIDTH)
        self.cross = Attention() if cross else None
        self.cross_norm = nn.LayerNorm(WIDTH) if cross else None
        self.inner, self.outer = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.inner_norm = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor, audio: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """(1, tokens, width) to the same."""
        normed = self.attention_norm(x)
        x = x + self.attention(normed, normed, mask)
        if self.cross is not None:
            x = x + self.cross(self.cross_norm(x), audio)
        return x + self.outer(F.gelu(self.inner(self.inner_norm(x))))


class Encoder(nn.Module):
    """A log-mel spectrogram (1, 80, 3000) to features (1, 1500, 384)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(BANDS, WIDTH, 3, padding=1)
        self.second = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        scales = torch.exp(-math.log(10000) / (WIDTH // 2 - 1) * torch.arange(WIDTH // 2))
        angles = torch.arange(FRAMES)[:, None] * scales[None, :]
        self.register_buffer("positions", torch.cat([angles.sin(), angles.cos()], dim=1))
        self.layers = nn.ModuleList(Layer(cross=False) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, mel: Tensor) -> Tensor:
        """Two convolutions, then the layers."""
        x = F.gelu(self.second(F.gelu(self.first(mel)))).transpose(1, 2) + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class Decoder(nn.Module):
    """Tokens (1, n) and the encoder's features to logits (1, n, vocabulary)."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Parameter(torch.empty(CONTEXT, WIDTH).normal_(std=0.02))
        self.layers = nn.ModuleList(Layer(cross=True) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        nn.init.normal_(self.words.weight, std=0.05)

    def forward(self, tokens: Tensor, audio: Tensor) -> Tensor:
        """No token sees those after it."""
        n = tokens.shape[-1]
        mask = torch.full((n, n), -1e4).triu(1)
        x = self.words(tokens) + self.positions[:n]
        for layer in self.layers:
            x = layer(x, audio, mask)
        return F.linear(self.norm(x), self.words.weight)
