"""all-MiniLM-L6-v2, with its published weights."""

from __future__ import annotations

import os

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH, HEADS, LAYERS, INNER, VOCABULARY, POSITIONS = 384, 12, 6, 1536, 30522, 512


class Attention(nn.Module):
    """Self-attention with a mask that is added to the scores, and the residual and norm after it."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.dense = nn.Linear(WIDTH, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`x` is (batch, tokens, width), `mask` (batch, 1, 1, tokens)."""

        def heads(y: Tensor) -> Tensor:
            return y.view(y.shape[0], y.shape[1], HEADS, WIDTH // HEADS).transpose(1, 2)

        q, k, v = heads(self.query(x)), heads(self.key(x)), heads(self.value(x))
        weights = torch.softmax(q @ k.transpose(2, 3) * (WIDTH // HEADS) ** -0.5 + mask, dim=-1)
        together = (weights @ v).transpose(1, 2).reshape(x.shape[0], x.shape[1], WIDTH)
        return self.norm(x + self.dense(together))


class Layer(nn.Module):
    """Attention and the two products after it."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.intermediate = nn.Linear(WIDTH, INNER)
        self.output = nn.Linear(INNER, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(batch, tokens, width) to the same."""
        x = self.attention(x, mask)
        return self.norm(x + self.output(F.gelu(self.intermediate(x))))


class MiniLM(nn.Module):
    """Token numbers and a mask of ones and zeros, (batch, tokens) each, to embeddings of length 1, (batch, width)."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.types = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The mean over the tokens that the mask keeps."""
        kept = attention_mask.to(torch.float32)
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.norm(self.words(input_ids) + self.positions(positions) + self.types.weight[0])
        mask = ((1.0 - kept) * -1e4)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        kept = kept.unsqueeze(-1)
        return F.normalize((x * kept).sum(1) / kept.sum(1), dim=1)


# Names here, and in the published file.
_NAMES = {
    "words": "embeddings.word_embeddings",
    "positions": "embeddings.position_embeddings",
    "types": "embeddings.token_type_embeddings",
    "norm": "embeddings.LayerNorm",
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.dense": "attention.output.dense",
    "attention.norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "layer norm": "output.LayerNorm",
}


def _published(name: str) -> str:
    module, _, parameter = name.rpartition(".")
    if not module.startswith("layers."):
        return f"{_NAMES[module]}.{parameter}"
    _, number, part = module.split(".", 2)
    return f"encoder.layer.{number}.{_NAMES['layer norm' if part == 'norm' else part]}.{parameter}"


def minilm(directory: str) -> MiniLM:
    """The network with the weights in `directory`/model.safetensors."""
    weights, network = load_file(os.path.join(directory, "model.safetensors")), MiniLM()
    network.load_state_dict({name: weights[_published(name)] for name in network.state_dict()})
    return network.eval()
