"""A tagger of words: embeddings, a bidirectional LSTM of two layers, scores for each word."""

from __future__ import annotations

from torch import Tensor, nn


class Tagger(nn.Module):
    """Word numbers (1, n) to scores (1, n, tags)."""

    def __init__(self, vocabulary: int = 5000, width: int = 128, hidden: int = 128, tags: int = 17) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.lstm = nn.LSTM(width, hidden, num_layers=2, bidirectional=True, batch_first=True)
        self.scores = nn.Linear(2 * hidden, tags)

    def forward(self, words: Tensor) -> Tensor:
        """A score for each tag of each word."""
        return self.scores(self.lstm(self.words(words))[0])
