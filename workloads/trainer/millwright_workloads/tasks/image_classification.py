"""Which of the labels an image has: grey values, one number a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..classifier import Classifier
from ..contract import bad_data
from ..image_cnn import ImageCnn
from ..items import PIXELS, Item, Value
from ..metrics import logistic_regression
from ..pixels import Reader, reading_of
from ..shapes import IMAGE_CLASSIFICATION, ImageShape, Shape
from .task import Reader as AnyReader
from .task import Task


class ImageClassification(Task):
    name = IMAGE_CLASSIFICATION
    field = PIXELS
    input_name = "pixels"

    def fitted_reader(self, train: Sequence[Item], shape: Shape) -> Reader:
        """With the training split's size of images and range of values."""
        for item in train:
            if isinstance(item.value, str):
                raise bad_data(f"{item.id} is a text; {IMAGE_CLASSIFICATION} needs a dataset of images")
        try:
            return Reader(reading_of([item.value for item in train]))
        except ValueError as error:
            raise bad_data(f"the training split's images must have one size and differing values ({error})") from None

    def network(self, shape: Shape, reader: AnyReader, classes: int) -> Classifier:
        assert isinstance(shape, ImageShape) and isinstance(reader, Reader)
        return ImageCnn(reader.height, reader.width, classes, shape)

    def probe_values(self, reader: AnyReader) -> list[Value]:
        """Patterns without symmetry, since a server that swaps rows and columns must not pass, and both extremes."""
        assert isinstance(reader, Reader)
        low, high = float(reader.reading["low"]), float(reader.reading["high"])
        rows, columns = range(reader.height), range(reader.width)
        last = max(1, reader.height * reader.width - 1)
        return [
            [[low for _ in columns] for _ in rows],
            [[high for _ in columns] for _ in rows],
            [[low + (high - low) * (row * reader.width + column) / last for column in columns] for row in rows],
            [[high if row % 3 == 0 or column % 5 == 1 else low for column in columns] for row in rows],
            [[high if column > row else low for column in columns] for row in rows],
        ]

    def simple_answers(self, train: Sequence[Item], asked: Sequence[Item]) -> list[str]:
        return logistic_regression(train, asked)

    def description(self, reader: AnyReader) -> dict[str, Any]:
        return {"reading": reader.reading}

    def write_reader_files(self, folder: Path, reader: AnyReader) -> None:
        """An image's reading is all there is."""

    def read_reader(self, folder: Path, description: dict[str, Any]) -> Reader:
        return Reader(description["reading"])
