"""A model behind the Open Inference Protocol."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import numpy
from fastapi import Request
from mlserver import MLModel
from mlserver.errors import InferenceError, ModelNotFound
from mlserver.handlers import custom_handler
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput, TensorData
from mlserver.utils import generate_uuid

from .feedback import Feedback, FeedbackError, parsed
from .model import Model
from .observation import Observation

CAPTURE_VARIABLE = "MILLWRIGHT_CAPTURE"
ACCURACY_VARIABLE = "MILLWRIGHT_ACCURACY"


def _recorded_accuracy(text: str | None) -> float | None:
    """Raises ValueError for what is no fraction: a server that compared with that would tell of nothing, or always."""
    if not text:
        return None
    accuracy = float(text)
    if not 0 <= accuracy <= 1:
        raise ValueError(f'{ACCURACY_VARIABLE} is "{text}", must be a fraction from 0 to 1')
    return accuracy


class Classifier(MLModel):
    """One input, which the model decides (`inputs`); outputs `label`, `probability` and `probabilities`."""

    async def load(self) -> bool:
        parameters = self.settings.parameters
        if parameters is None or parameters.uri is None:
            raise ValueError("the model's settings name no folder")
        self._model = Model(Path(parameters.uri))
        self.inputs = [self._model.inputs.metadata()]
        folder = os.environ.get(CAPTURE_VARIABLE)
        self._observation = Observation(
            self.name,
            self.version or "unversioned",
            self._model.inputs.field,
            self._model.labels,
            self._model.reference,
            Path(folder) if folder else None,
            _recorded_accuracy(os.environ.get(ACCURACY_VARIABLE)),
        )
        self._observation.start()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        values = self._model.inputs.values_of(payload)
        # In a thread, so that a large batch does not make the probes of this server wait.
        payload.id = payload.id or generate_uuid()
        probabilities = await asyncio.to_thread(self._answer, payload, values)
        best = probabilities.argmax(axis=1)
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            id=payload.id,
            outputs=[
                _output("label", "BYTES", [len(values)], [self._model.labels[at] for at in best]),
                _output("probability", "FP32", [len(values)], probabilities.max(axis=1).tolist()),
                _output("probabilities", "FP32", list(probabilities.shape), probabilities.ravel().tolist()),
            ],
        )

    def _answer(self, payload: InferenceRequest, values: Any) -> numpy.ndarray:
        probabilities, found = self._model.answer(values)
        if getattr(payload.parameters, "observe", True) is not False:
            self._observation.answered(str(payload.id), values, found)
        return probabilities

    @custom_handler(rest_path="/v2/models/{model_name}/feedback")
    async def feedback(self, model_name: str, request: Request) -> Any:
        """Right labels for earlier answers: `{"feedback": [{"id", "labels"}]}`; answers how many were taken."""
        if model_name != self.name:
            raise ModelNotFound(model_name)
        if not self._observation.keeps:
            raise InferenceError("labels are not kept for this model; give it a watch in its stack file")
        labels = await _feedback_in(request, self._model.labels)
        await asyncio.to_thread(self._observation.labelled, labels)
        return {"taken": len(labels)}


async def _feedback_in(request: Request, labels: list[str]) -> list[Feedback]:
    try:
        return parsed(await request.json(), labels)
    except FeedbackError as error:
        raise InferenceError(str(error)) from None
    except ValueError as error:
        raise InferenceError(f"the body is not JSON ({error})") from None


def _output(name: str, datatype: str, shape: list[int], data: list[Any]) -> ResponseOutput:
    # By hand: MLServer's codecs answer [n, 1] where the contract says [n].
    return ResponseOutput(name=name, datatype=datatype, shape=shape, data=TensorData(root=data))
