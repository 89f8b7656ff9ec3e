"""One exported classifier, from the folder a run left."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import onnxruntime

from . import pixels, text
from .features import REFERENCE_FILE, Reference, Values, features_of
from .inputs import Inputs, PixelInputs, TextInputs

MODEL_FORMAT = "millwright-model/1"

# ONNX Runtime and PyTorch add in different orders.
PROBE_TOLERANCE = 1e-4


class Model:
    """The network, the labels and how to read what is asked."""

    def __init__(self, folder: Path) -> None:
        """Raises ValueError where another version wrote the folder, or it answers differently than its run measured."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if config.get("format") != MODEL_FORMAT:
            raise ValueError(
                f'{folder}/config.json is of format "{config.get("format")}", this image serves "{MODEL_FORMAT}"'
            )
        self.labels: list[str] = config["labels"]
        self.inputs = _inputs_of(folder, config)
        self.reference = _reference_of(folder)
        """None where the run that exported the model left none."""
        self._read_by = config["reading"]["format"]
        options = onnxruntime.SessionOptions()
        # The container's CPU limit is about one core; more threads would only wait for each other.
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._answer_probe(config["probe"])

    def probabilities(self, values: Sequence[Any] | numpy.ndarray) -> numpy.ndarray:
        """float32 of shape [len(values), labels]."""
        return self._run(self.inputs.encode(values))

    def answer(self, values: Sequence[Any] | numpy.ndarray) -> tuple[numpy.ndarray, Values]:
        """The probabilities, and what is watched of the items and their answers."""
        encoded = self.inputs.encode(values)
        probabilities = self._run(encoded)
        return probabilities, features_of(self._read_by, values, encoded, probabilities)

    def _run(self, encoded: numpy.ndarray) -> numpy.ndarray:
        (answer,) = self._session.run(["probabilities"], {self.inputs.network_input: encoded})
        return answer

    def _answer_probe(self, probe: Sequence[dict]) -> None:
        expected = numpy.array([each["probabilities"] for each in probe], dtype=numpy.float32)
        found = self.probabilities([each[self.inputs.field] for each in probe])
        worst = float(numpy.abs(expected - found).max())
        if not worst <= PROBE_TOLERANCE:
            raise ValueError(f"the model answers its own probe {worst:.2g} off what its run measured; it is not served")


def _inputs_of(folder: Path, config: dict[str, Any]) -> Inputs:
    read_by = config["reading"].get("format")
    if read_by == text.FORMAT:
        return TextInputs(config, json.loads((folder / "vocabulary.json").read_text(encoding="utf-8")))
    if read_by == pixels.FORMAT:
        return PixelInputs(config)
    known = f'"{text.FORMAT}" and "{pixels.FORMAT}"'
    raise ValueError(f'{folder}/config.json: the model reads by "{read_by}", this image by {known}')


def _reference_of(folder: Path) -> Reference | None:
    path = folder / REFERENCE_FILE
    try:
        return Reference.read(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a reference that this image reads ({error})") from None
