"""The network for images: two convolutions, the second on half the resolution, and a linear layer over its output."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from .classifier import Carrier, ChannelGroup, Classifier
from .shapes import ImageShape

NOISE = 0.1
"""Standard deviation of what training adds to a pixel, of which most lie in [0, 1]."""


class ImageCnn(Classifier):
    """Images [n, 1, height, width], each at least 2 x 2, to logits [n, classes].

    The last layer weighs every channel at every place. It is written as a convolution as large as what it reads: the
    same sums as those of a linear layer over all of it, with the channels still in a dimension of their own.
    """

    WIDTH = 3

    def __init__(self, height: int, width: int, classes: int, shape: ImageShape) -> None:
        super().__init__()
        self.shape: ImageShape = shape
        self.height, self.width = height, width
        self.classes = classes
        self.dropout = shape.dropout
        self.first = nn.Conv2d(1, shape.channels, self.WIDTH, padding=self.WIDTH // 2)
        self.second = nn.Conv2d(shape.channels, shape.deep_channels, self.WIDTH, padding=self.WIDTH // 2)
        self.output = nn.Conv2d(shape.deep_channels, classes, (height // 2, width // 2))

    def forward(self, pixels: Tensor) -> Tensor:
        lines = functional.max_pool2d(functional.relu(self.first(pixels)), 2)
        parts = functional.relu(self.second(lines))
        return self.output(functional.dropout(parts, self.dropout, self.training)).flatten(1)

    def varied(self, inputs: Tensor) -> Tensor:
        """With noise on every pixel. Not moved: in images of so few pixels that cuts off strokes, and costs accuracy."""
        return inputs + NOISE * torch.randn_like(inputs)

    def channel_groups(self) -> list[ChannelGroup]:
        return [
            ChannelGroup(
                "first",
                self.shape.channels,
                (Carrier("first.weight", 0), Carrier("first.bias", 0), Carrier("second.weight", 1)),
            ),
            ChannelGroup(
                "second",
                self.shape.deep_channels,
                (Carrier("second.weight", 0), Carrier("second.bias", 0), Carrier("output.weight", 1)),
            ),
        ]

    def _shrunk(self, sizes: Mapping[str, int]) -> ImageCnn:
        shape = dataclasses.replace(self.shape, channels=sizes["first"], deep_channels=sizes["second"])
        return ImageCnn(self.height, self.width, self.classes, shape)
