"""One exported text classifier behind the Open Inference Protocol."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import onnxruntime
from mlserver import MLModel
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse, RequestInput, ResponseOutput, TensorData

from .text import Reader

MODEL_FORMAT = "millwright-model/1"

MAX_TEXTS = 1024
"""A request; what one may cost is bounded, so that it does not keep others waiting."""

# ONNX Runtime and PyTorch add in different orders.
PROBE_TOLERANCE = 1e-4


class Model:
    """The network, the labels and how to read text, from a model folder."""

    def __init__(self, folder: Path) -> None:
        """Raises ValueError where another version wrote the folder, or it answers differently than in training."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if config.get("format") != MODEL_FORMAT:
            raise ValueError(f'{folder}/config.json is of format "{config.get("format")}", this image serves "{MODEL_FORMAT}"')
        vocabulary = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        self.labels: list[str] = config["labels"]
        self._reader = Reader(config["reading"], config["sequenceLength"], vocabulary)
        options = onnxruntime.SessionOptions()
        # The container's CPU limit is about one core; more threads would only wait for each other.
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._answer_probe(config["probe"])

    def probabilities(self, texts: Sequence[str]) -> numpy.ndarray:
        """float32 of shape [len(texts), labels]."""
        (answer,) = self._session.run(["probabilities"], {"words": self._reader.encode(texts)})
        return answer

    def _answer_probe(self, probe: Sequence[dict]) -> None:
        expected = numpy.array([each["probabilities"] for each in probe], dtype=numpy.float32)
        found = self.probabilities([each["text"] for each in probe])
        worst = float(numpy.abs(expected - found).max())
        if worst > PROBE_TOLERANCE:
            raise ValueError(f"the model answers its own probe {worst:.2g} off what training measured; it is not served")


class TextClassifier(MLModel):
    """Input `text`, BYTES of shape [n]; outputs `label`, `probability` and `probabilities`."""

    async def load(self) -> bool:
        parameters = self.settings.parameters
        if parameters is None or parameters.uri is None:
            raise ValueError("the model's settings name no folder")
        self._model = Model(Path(parameters.uri))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        texts = texts_of(payload)
        # In a thread, so that a large batch does not make the probes of this server wait.
        probabilities = await asyncio.to_thread(self._model.probabilities, texts)
        best = probabilities.argmax(axis=1)
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            id=payload.id,
            outputs=[
                _output("label", "BYTES", [len(texts)], [self._model.labels[at] for at in best]),
                _output("probability", "FP32", [len(texts)], probabilities.max(axis=1).tolist()),
                _output("probabilities", "FP32", list(probabilities.shape), probabilities.ravel().tolist()),
            ],
        )


def texts_of(payload: InferenceRequest) -> list[str]:
    """Raises InferenceError, which the caller sees as status 400."""
    names = [each.name for each in payload.inputs]
    if names != ["text"]:
        raise InferenceError(f"the inputs are {names}, must be one input named text")
    given = payload.inputs[0]
    if given.datatype != "BYTES" or len(given.shape) != 1:
        raise InferenceError(f"input text is {given.datatype} of shape {given.shape}, must be BYTES of shape [n]")
    texts = _decoded(given)
    if len(texts) != given.shape[0] or not texts:
        raise InferenceError(f"input text holds {len(texts)} items, its shape says {given.shape[0]}; at least one is needed")
    if len(texts) > MAX_TEXTS:
        raise InferenceError(f"input text holds {len(texts)} items, at most {MAX_TEXTS} a request are answered")
    return texts


def _decoded(given: RequestInput) -> list[str]:
    texts = given.data.root if isinstance(given.data.root, list) else [given.data.root]
    for at, text in enumerate(texts):
        if not isinstance(text, (str, bytes)):
            raise InferenceError(f"item {at} of input text is {type(text).__name__}, must be a string")
    try:
        return [text if isinstance(text, str) else text.decode("utf-8") for text in texts]
    except UnicodeDecodeError as error:
        raise InferenceError(f"input text is not UTF-8 ({error})") from None


def _output(name: str, datatype: str, shape: list[int], data: list[Any]) -> ResponseOutput:
    # By hand: MLServer's codecs answer [n, 1] where the contract says [n].
    return ResponseOutput(name=name, datatype=datatype, shape=shape, data=TensorData(root=data))
