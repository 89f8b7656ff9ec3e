"""A dataset run's folder as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy

from .contract import bad_data
from .items import Item, read_split
from .pixels import Reader, reading_of


@dataclass(frozen=True)
class Split:
    items: Sequence[Item]
    inputs: numpy.ndarray
    """float32 [n, 1, height, width]."""
    targets: numpy.ndarray
    """int64 [n]: indices of the labels."""


def fitted_reader(train: Sequence[Item]) -> Reader:
    """With the training split's size of images and range of values. Raises bad data when it has none."""
    for item in train:
        if isinstance(item.value, str):
            raise bad_data(f"{item.id} is a text; this image needs a dataset of images")
    try:
        return Reader(reading_of([item.value for item in train]))
    except ValueError as error:
        raise bad_data(f"the training split's images must have one size and differing values ({error})") from None


def read(folder: Path, name: str, labels: Sequence[str], reader: Reader | None = None) -> tuple[Split, Reader]:
    """One split; without a reader, one is made from it. Raises bad data for what the reader or the labels do not know."""
    items = read_split(folder, name)
    reader = reader or fitted_reader(items)
    index = {label: at for at, label in enumerate(labels)}
    for item in items:
        if item.label not in index:
            raise bad_data(f'{item.id} is labelled "{item.label}", the spec knows {", ".join(index)}')
    try:
        inputs = reader.encode([item.value for item in items])
    except (ValueError, TypeError) as error:
        raise bad_data(f"{folder / name}.jsonl: an item is not what the model reads ({error})") from None
    return Split(items, inputs, numpy.array([index[item.label] for item in items])), reader
