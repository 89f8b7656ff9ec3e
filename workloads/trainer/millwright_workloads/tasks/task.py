"""What one task decides: how items become tensors, which network answers, and what it must be better than."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy

from ..classifier import Classifier
from ..items import Item, Value
from ..shapes import Shape


class Reader(Protocol):
    """Turns values into rows of the network's input, in training and in service alike."""

    reading: dict[str, Any]

    def encode(self, values: Sequence[Any]) -> numpy.ndarray:
        """[len(values), ...] as the network takes it."""


class Task(ABC):
    name: str
    """As in a spec's `task`."""
    field: str
    """What a value of the task is called in JSON: `text` or `pixels`."""
    input_name: str
    """The exported network's input."""

    @abstractmethod
    def fitted_reader(self, train: Sequence[Item], shape: Shape) -> Reader:
        """What is learned about reading from the training split alone. Raises bad data when it is not of this task."""

    @abstractmethod
    def network(self, shape: Shape, reader: Reader, classes: int) -> Classifier:
        """With weights drawn from PyTorch's generator."""

    @abstractmethod
    def probe_values(self, reader: Reader) -> list[Value]:
        """Values whose answers tell whether somebody else reads and computes as this image does."""

    @abstractmethod
    def simple_answers(self, train: Sequence[Item], asked: Sequence[Item]) -> list[str]:
        """What a simple, well-known model answers that learned from the same items; the network must be better."""

    @abstractmethod
    def description(self, reader: Reader) -> dict[str, Any]:
        """What makes the same reader again, as JSON; short enough for a config file."""

    @abstractmethod
    def write_reader_files(self, folder: Path, reader: Reader) -> None:
        """What the reader needs beside its description, as files of its own."""

    @abstractmethod
    def read_reader(self, folder: Path, description: dict[str, Any]) -> Reader:
        """The reader of `description` and `write_reader_files`. Raises OSError, ValueError or KeyError."""
