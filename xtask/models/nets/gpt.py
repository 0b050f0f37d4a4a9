"""A decoder of GPT-2's layout and size. What it has read is kept between calls: Core ML's states."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    """One layer: attention over what the cache holds, and a perceptron; norms before each."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.before_inner = nn.LayerNorm(width)
        self.inner = nn.Linear(width, 4 * width)
        self.outer = nn.Linear(4 * width, width)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(batch, tokens, width) to query, key and value, (batch, heads, tokens, width / heads) each."""
        parts = self.qkv(self.before_attention(x)).chunk(3, dim=-1)
        query, key, value = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in parts)
        return query, key, value

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """The rest of the layer, after attention."""
        x = x + self.joined(attended.transpose(1, 2).flatten(2))
        return x + self.outer(F.gelu(self.inner(self.before_inner(x)), approximate="tanh"))


class Gpt(nn.Module):
    """The decoder, for one sequence.

    The states `keys` and `values` are (layers, heads, context, width / heads); tokens at and after the place that is being
    written are hidden by the mask, so what the caches hold there does not matter.
    """

    def __init__(self, vocabulary: int, context: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.register_buffer("keys", torch.zeros(layers, heads, context, width // heads))
        self.register_buffer("values", torch.zeros(layers, heads, context, width // heads))
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.08 if name.startswith("words") else 0.04)

    def forward(self, token: Tensor, position: Tensor, mask: Tensor) -> Tensor:
        """Logits (1, 1, vocabulary) after `token` (1, 1), which stands at `position` (1); `mask` (1, 1, 1, context) is added."""
        x = self.words(token) + self.positions(position)
        at = position[0]
        for number, block in enumerate(self.blocks):
            query, key, value = block.split(x)
            self.keys[number : number + 1, :, at : at + 1] = key
            self.values[number : number + 1, :, at : at + 1] = value
            keys, values = self.keys[number : number + 1], self.values[number : number + 1]
            x = block.finish(x, F.scaled_dot_product_attention(query, keys, values, attn_mask=mask))
        return F.linear(self.norm(x), self.words.weight)


class FlexibleGpt(Gpt):
    """The same, reading any number of tokens at a time, as Apple's articles on language models do it: places come from shapes."""

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Logits (1, tokens, vocabulary); `mask` is (1, 1, tokens, tokens so far with these)."""
        end = mask.shape[-1]
        start = end - tokens.shape[-1]
        x = self.words(tokens) + self.positions.weight[start:end]
        for number, block in enumerate(self.blocks):
            query, key, value = block.split(x)
            self.keys[number : number + 1, :, start:end] = key
            self.values[number : number + 1, :, start:end] = value
            keys, values = self.keys[number : number + 1, :, :end], self.values[number : number + 1, :, :end]
            x = block.finish(x, F.scaled_dot_product_attention(query, keys, values, attn_mask=mask))
        return F.linear(self.norm(x), self.words.weight)
