"""What a request for one item looks like in each protocol a server may speak, and where its answer has the label."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .contract import bad_spec
from .items import Item


class Dialect(Protocol):
    """One protocol, for one model."""

    ready_path: str
    ask_path: str

    def request_of(self, item: Item) -> dict[str, Any]: ...

    def label_in(self, answer: Any) -> str:
        """Raises KeyError, IndexError, TypeError or ValueError where there is none."""
        ...


@dataclass(frozen=True)
class OpenInference:
    """The Open Inference Protocol (V2)."""

    ready_path: str
    ask_path: str

    def request_of(self, item: Item) -> dict[str, Any]:
        """A text as BYTES [1], an image as FP32 [1, height, width], row by row.

        It is not to be counted among what is asked in service, nor kept as such.
        """
        if isinstance(item.value, str):
            value = {"name": "text", "datatype": "BYTES", "shape": [1], "data": [item.value]}
        else:
            rows = item.value
            shape = [1, len(rows), len(rows[0])]
            value = {
                "name": "pixels",
                "datatype": "FP32",
                "shape": shape,
                "data": [each for row in rows for each in row],
            }
        return {"parameters": {"observe": False}, "inputs": [value]}

    def label_in(self, answer: Any) -> str:
        for output in answer["outputs"]:
            if output["name"] == "label":
                return _text(output["data"][0])
        raise ValueError("no output named label")


@dataclass(frozen=True)
class TensorFlow:
    """TensorFlow Serving's REST API: labels, or a probability of each in the order of the dataset's labels."""

    ready_path: str
    ask_path: str
    labels: Sequence[str]

    def request_of(self, item: Item) -> dict[str, Any]:
        return {"instances": [item.value]}

    def label_in(self, answer: Any) -> str:
        prediction = answer["predictions"][0]
        if not isinstance(prediction, list):
            return _text(prediction)
        if len(prediction) != len(self.labels):
            raise ValueError(f"{len(prediction)} numbers for {len(self.labels)} labels")
        return self.labels[max(range(len(prediction)), key=lambda at: prediction[at])]


@dataclass(frozen=True)
class OpenAi:
    """OpenAI's chat completions: a language model is asked the text, and its answer is the label."""

    ready_path: str
    ask_path: str
    model: str

    def request_of(self, item: Item) -> dict[str, Any]:
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": item.value}],
            "max_tokens": 16,
            "temperature": 0,
        }

    def label_in(self, answer: Any) -> str:
        return _text(answer["choices"][0]["message"]["content"]).strip()


def dialect_of(name: str, model: str, labels: Sequence[str], ready_path: str, served_name: str) -> Dialect:
    """`ready_path` and `served_name` as the surroundings have them, empty where they say nothing.

    Raises a bad-spec failure that names the variable where there is no such protocol.
    """
    if name == "v2":
        base = f"/v2/models/{model}"
        return OpenInference(ready_path or f"{base}/ready", f"{base}/infer")
    if name == "tensorflow":
        base = f"/v1/models/{model}"
        return TensorFlow(ready_path or base, f"{base}:predict", labels)
    if name == "openai":
        return OpenAi(ready_path or "/health", "/v1/chat/completions", served_name or model)
    raise bad_spec(f'MILLWRIGHT_PROTOCOL is "{name}", must be v2, tensorflow or openai')


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"label is {json.dumps(value)}")
    return value
