"""From a request's input to the values a model answers. What is wrong with it the caller reads, with status 400."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, MetadataTensor, RequestInput

from . import pixels, text

MAX_ITEMS = 1024
"""A request; what one may cost is bounded, so that it does not keep others waiting."""


class Inputs(Protocol):
    """How one kind of model is asked."""

    field: str
    """The input's name in a request, and an item's in the model's probe."""
    network_input: str

    def metadata(self) -> MetadataTensor:
        """What the server tells of the input."""

    def values_of(self, payload: InferenceRequest) -> Sequence[Any] | numpy.ndarray:
        """At least one, at most MAX_ITEMS. Raises InferenceError, which the caller sees as status 400."""

    def encode(self, values: Sequence[Any] | numpy.ndarray) -> numpy.ndarray:
        """[len(values), ...] as the network takes it."""


class TextInputs:
    """`text`: BYTES of shape [n]."""

    field = "text"
    network_input = "words"

    def __init__(self, config: dict[str, Any], vocabulary: Sequence[str]) -> None:
        self._reader = text.Reader(config["reading"], config["sequenceLength"], vocabulary)

    def metadata(self) -> MetadataTensor:
        return MetadataTensor(name=self.field, datatype="BYTES", shape=[-1])

    def values_of(self, payload: InferenceRequest) -> list[str]:
        given = _only_input(payload, self.field)
        if given.datatype != "BYTES" or len(given.shape) != 1:
            raise InferenceError(f"input text is {given.datatype} of shape {given.shape}, must be BYTES of shape [n]")
        texts = _decoded(_data(given))
        if len(texts) != given.shape[0] or not texts:
            raise InferenceError(
                f"input text holds {len(texts)} items, its shape says {given.shape[0]}; at least one is needed"
            )
        _require_few(self.field, len(texts))
        return texts

    def encode(self, values: Sequence[Any] | numpy.ndarray) -> numpy.ndarray:
        return self._reader.encode(values)


class PixelInputs:
    """`pixels`: FP32 of shape [n, height, width] or [n, height * width], rows first."""

    field = "pixels"
    network_input = "pixels"

    def __init__(self, config: dict[str, Any]) -> None:
        self._reader = pixels.Reader(config["reading"])
        self._size = [self._reader.height, self._reader.width]

    def metadata(self) -> MetadataTensor:
        return MetadataTensor(name=self.field, datatype="FP32", shape=[-1, *self._size])

    def values_of(self, payload: InferenceRequest) -> numpy.ndarray:
        given = _only_input(payload, self.field)
        height, width = self._size
        if given.datatype != "FP32" or list(given.shape[1:]) not in (self._size, [height * width]):
            raise InferenceError(
                f"input pixels is {given.datatype} of shape {given.shape}, "
                f"must be FP32 of shape [n, {height}, {width}] or [n, {height * width}]"
            )
        values = _numbers(_data(given))
        count = given.shape[0]
        if count < 1 or values.size != count * height * width:
            raise InferenceError(
                f"input pixels holds {values.size} numbers, its shape {given.shape} says {count} images of "
                f"{height * width}; at least one is needed"
            )
        _require_few(self.field, count)
        return values.reshape(count, height, width)

    def encode(self, values: Sequence[Any] | numpy.ndarray) -> numpy.ndarray:
        return self._reader.encode(values)


def _only_input(payload: InferenceRequest, name: str) -> RequestInput:
    names = [each.name for each in payload.inputs]
    if names != [name]:
        raise InferenceError(f"the inputs are {names}, must be one input named {name}")
    return payload.inputs[0]


def _require_few(name: str, count: int) -> None:
    if count > MAX_ITEMS:
        raise InferenceError(f"input {name} holds {count} items, at most {MAX_ITEMS} a request are answered")


def _data(given: RequestInput) -> list[Any]:
    data = given.data.root
    return data if isinstance(data, list) else [data]


def _decoded(texts: list[Any]) -> list[str]:
    for at, each in enumerate(texts):
        if not isinstance(each, (str, bytes)):
            raise InferenceError(f"item {at} of input text is {type(each).__name__}, must be a string")
    try:
        return [each if isinstance(each, str) else each.decode("utf-8") for each in texts]
    except UnicodeDecodeError as error:
        raise InferenceError(f"input text is not UTF-8 ({error})") from None


def _numbers(data: list[Any]) -> numpy.ndarray:
    """float32 from numbers, flat or in rows of equal length."""
    try:
        values = numpy.array(data)
    except ValueError:
        raise InferenceError("input pixels has rows of different lengths") from None
    if values.size and values.dtype.kind not in "iuf":
        raise InferenceError("input pixels holds something that is not a number")
    values = values.astype(numpy.float32)
    if not numpy.isfinite(values).all():
        raise InferenceError("input pixels holds a number that is not finite, or too large for FP32")
    return values
