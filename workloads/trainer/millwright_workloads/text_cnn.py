"""The network for texts: a convolution over words, beside what their mean and each word alone say."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from .classifier import Carrier, ChannelGroup, Classifier
from .shapes import TextShape
from .text import PADDING, UNKNOWN

HIDDEN_WORDS = 0.05
"""Fraction of the words that training hides."""


class TextCnn(Classifier):
    """Indices of words [n, length] to logits [n, classes].

    The widest evidence comes first: every word votes for a class by itself, as in a bag of words, which few examples
    suffice to learn. The mean of the embeddings adds topic, the convolution phrases of three words, where they matter most.
    """

    WIDTH = 3

    def __init__(self, words: int, classes: int, shape: TextShape) -> None:
        super().__init__()
        self.shape: TextShape = shape
        self.words = words
        self.classes = classes
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
        strongest = (functional.relu(phrases) * present.transpose(1, 2)).amax(2)
        features = torch.cat([strongest, (embedded * present).sum(1) / count], 1)
        votes = (self.votes(words) * present).sum(1) / count.sqrt()
        return self.output(self._drop(features, self.dropout)) + votes

    def varied(self, inputs: Tensor) -> Tensor:
        """Without the columns that are padding in every row, and with some words hidden."""
        return hide_words(trimmed(inputs), HIDDEN_WORDS)

    def channel_groups(self) -> list[ChannelGroup]:
        size, channels = self.shape.embedding_size, self.shape.channels
        return [
            ChannelGroup(
                "convolution",
                channels,
                (Carrier("convolution.weight", 0), Carrier("convolution.bias", 0), Carrier("output.weight", 1)),
            ),
            ChannelGroup(
                "embedding",
                size,
                (
                    Carrier("embedding.weight", 1),
                    Carrier("convolution.weight", 1),
                    Carrier("output.weight", 1, channels),
                ),
            ),
        ]

    def _shrunk(self, sizes: Mapping[str, int]) -> TextCnn:
        shape = dataclasses.replace(self.shape, channels=sizes["convolution"], embedding_size=sizes["embedding"])
        return TextCnn(self.words, self.classes, shape)

    def _drop(self, values: Tensor, fraction: float) -> Tensor:
        return functional.dropout(values, fraction, self.training)


def hide_words(words: Tensor, fraction: float) -> Tensor:
    """Replaces a random fraction of the words by the unknown one, so that no single word is relied upon."""
    hidden = (torch.rand(words.shape) < fraction) & (words != PADDING)
    return torch.where(hidden, torch.full_like(words, UNKNOWN), words)


def trimmed(words: Tensor) -> Tensor:
    """Without the columns that are padding in every row."""
    longest = int((words != PADDING).sum(1).max())
    return words[:, : max(longest, 1)]
