"""The network: a convolution over words, beside what their mean and each word alone say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .contract import bad_spec, field
from .text import PADDING, UNKNOWN


@dataclass(frozen=True)
class Shape:
    """Sizes of a network, from the spec."""

    vocabulary_size: int
    embedding_size: int
    channels: int
    sequence_length: int
    dropout: float

    @staticmethod
    def of(spec: dict[str, Any]) -> Shape:
        kind = field(spec, "network.kind", str)
        if kind != "text-cnn":
            raise bad_spec(f'spec.network.kind: is "{kind}", this image trains "text-cnn"')

        def size(name: str, least: int) -> int:
            value = field(spec, f"network.{name}", int)
            if value < least:
                raise bad_spec(f"spec.network.{name}: is {value}, must be at least {least}")
            return int(value)

        dropout = float(field(spec, "network.dropout", (int, float), 0.3))
        if not 0 <= dropout < 1:
            raise bad_spec(f"spec.network.dropout: is {dropout}, must be at least 0 and below 1")
        return Shape(size("vocabularySize", 3), size("embeddingSize", 1), size("channels", 1), size("sequenceLength", 1), dropout)


class TextCnn(nn.Module):
    """Indices of words [n, length] to logits [n, classes].

    The widest evidence comes first: every word votes for a class by itself, as in a bag of words, which few examples
    suffice to learn. The mean of the embeddings adds topic, the convolution phrases of three words, where they matter most.
    """

    WIDTH = 3

    def __init__(self, words: int, classes: int, shape: Shape) -> None:
        super().__init__()
        size, channels = shape.embedding_size, shape.channels
        self.dropout = shape.dropout
        self.embedding = nn.Embedding(words, size, padding_idx=PADDING)
        self.votes = nn.Embedding(words, classes, padding_idx=PADDING)
        self.convolution = nn.Conv1d(size, channels, self.WIDTH, padding=self.WIDTH // 2)
        self.output = nn.Linear(channels + size, classes)
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.zeros_(self.votes.weight)
        with torch.no_grad():
            self.embedding.weight[PADDING].zero_()

    def forward(self, words: Tensor) -> Tensor:
        present = (words != PADDING).unsqueeze(2).to(torch.float32)
        count = present.sum(1).clamp(min=1.0)
        embedded = self.embedding(words)
        phrases = self.convolution(self._drop(embedded, self.dropout / 2).transpose(1, 2))
        features = torch.cat([functional.relu(phrases).amax(2), (embedded * present).sum(1) / count], 1)
        votes = (self.votes(words) * present).sum(1) / count.sqrt()
        return self.output(self._drop(features, self.dropout)) + votes

    def _drop(self, values: Tensor, fraction: float) -> Tensor:
        return functional.dropout(values, fraction, self.training)


def hide_words(words: Tensor, fraction: float) -> Tensor:
    """Replaces a random fraction of the words by the unknown one, so that no single word is relied upon."""
    hidden = (torch.rand(words.shape) < fraction) & (words != PADDING)
    return torch.where(hidden, torch.full_like(words, UNKNOWN), words)
