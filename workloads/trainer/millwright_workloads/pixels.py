"""Images to numbers, in training and in service alike.

How an image is read is data: its size, and the values that count as 0 and 1. It travels with the model, so a server
reads an image the way the model was trained. The trainer's and the server's image both carry this file; a test keeps
the two the same byte for byte, and every served model carries a probe of both ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

FORMAT = "millwright-pixels/1"


class Reader:
    """Turns images into what one model takes."""

    def __init__(self, reading: dict[str, Any]) -> None:
        """Raises ValueError when the reading was written by a newer version."""
        if reading.get("format") != FORMAT:
            raise ValueError(f'the model reads images by "{reading.get("format")}", this image by "{FORMAT}"')
        self.reading = reading
        self.height = int(reading["height"])
        self.width = int(reading["width"])
        self._low = float(reading["low"])
        self._high = float(reading["high"])

    def encode(self, images: Sequence[Any] | numpy.ndarray) -> numpy.ndarray:
        """float32 of shape [len(images), 1, height, width] from images of [height, width].

        Raises ValueError when one is of another size.
        """
        values = numpy.asarray(images, dtype=numpy.float32)
        if values.shape[1:] != (self.height, self.width):
            raise ValueError(f"images of shape {list(values.shape[1:])}, must be [{self.height}, {self.width}]")
        return ((values - self._low) / (self._high - self._low)).reshape(-1, 1, self.height, self.width)


def reading_of(images: Sequence[Any]) -> dict[str, Any]:
    """How to read images like these: the least value becomes 0, the greatest 1.

    Raises ValueError when they are of several sizes, smaller than 2 x 2, or all of one value.
    """
    values = numpy.asarray(images, dtype=numpy.float64)
    if values.ndim != 3 or min(values.shape[1:]) < 2:
        raise ValueError(f"images of shape {list(values.shape[1:])}")
    low, high = float(values.min()), float(values.max())
    if not low < high:
        raise ValueError(f"all pixels are {low}")
    return {"format": FORMAT, "height": values.shape[1], "width": values.shape[2], "low": low, "high": high}
