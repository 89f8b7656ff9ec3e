"""Sizes of the networks this image trains, and which one a task takes. Free of PyTorch, so a spec is checked fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union

from .contract import bad_spec, field


@dataclass(frozen=True)
class TextShape:
    """Sizes of a TextCnn."""

    vocabulary_size: int
    embedding_size: int
    channels: int
    sequence_length: int
    dropout: float

    KIND = "text-cnn"

    @staticmethod
    def of(spec: Mapping[str, Any]) -> TextShape:
        return TextShape(
            _size(spec, "vocabularySize", 3),
            _size(spec, "embeddingSize", 1),
            _size(spec, "channels", 1),
            _size(spec, "sequenceLength", 1),
            _dropout(spec),
        )

    def spec(self) -> dict[str, Any]:
        """As it stands in a spec's `network`."""
        return {
            "kind": self.KIND,
            "vocabularySize": self.vocabulary_size,
            "embeddingSize": self.embedding_size,
            "channels": self.channels,
            "sequenceLength": self.sequence_length,
            "dropout": self.dropout,
        }


@dataclass(frozen=True)
class ImageShape:
    """Sizes of an ImageCnn."""

    channels: int
    """Of the first convolution."""
    deep_channels: int
    """Of the second."""
    dropout: float

    KIND = "image-cnn"

    @staticmethod
    def of(spec: Mapping[str, Any]) -> ImageShape:
        return ImageShape(_size(spec, "channels", 1), _size(spec, "deepChannels", 1), _dropout(spec))

    def spec(self) -> dict[str, Any]:
        """As it stands in a spec's `network`."""
        return {
            "kind": self.KIND,
            "channels": self.channels,
            "deepChannels": self.deep_channels,
            "dropout": self.dropout,
        }


Shape = Union[TextShape, ImageShape]

TEXT_CLASSIFICATION = "text-classification"
IMAGE_CLASSIFICATION = "image-classification"

_SHAPES: dict[str, type[TextShape] | type[ImageShape]] = {
    TEXT_CLASSIFICATION: TextShape,
    IMAGE_CLASSIFICATION: ImageShape,
}


def shape_of(task: str, spec: Mapping[str, Any]) -> Shape:
    """The shape in a spec's `network`. Raises a bad-spec failure that names the field and its value."""
    wanted = _SHAPES.get(task)
    if wanted is None:
        does = " and ".join(f'"{name}"' for name in _SHAPES)
        raise bad_spec(f'spec.task: is "{task}", this image does {does}')
    kind = field(spec, "network.kind", str)
    if kind != wanted.KIND:
        raise bad_spec(f'spec.network.kind: is "{kind}", for {task} this image trains "{wanted.KIND}"')
    return wanted.of(spec)


def _size(spec: Mapping[str, Any], name: str, least: int) -> int:
    value = field(spec, f"network.{name}", int)
    if value < least:
        raise bad_spec(f"spec.network.{name}: is {value}, must be at least {least}")
    return int(value)


def _dropout(spec: Mapping[str, Any]) -> float:
    dropout = float(field(spec, "network.dropout", (int, float), 0.3))
    if not 0 <= dropout < 1:
        raise bad_spec(f"spec.network.dropout: is {dropout}, must be at least 0 and below 1")
    return dropout
