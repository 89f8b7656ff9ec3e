"""One trial of a search: a training with one point's values, in one process, that never sees the test split."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Protocol

from torch.nn import functional

from .learner import Learner, Plan, averaged
from .metrics import macro_f1
from .modelling import Prepared, build_network, logits_of, parameter_count, prepare
from .shapes import Shape, TextShape
from .training_spec import TrainingSpec

Metrics = dict[str, float]
"""By the names of search_spec.METRICS."""


class Watch(Protocol):
    """Told how far a trial is; may end it by raising."""

    def after_step(self) -> None: ...

    def after_epoch(self, epoch: int, epochs: int, metrics: Metrics) -> None:
        """`epoch` counts from 1."""


class TrialTrainer:
    """Trains trials of one dataset, which is read again only where a trial reads it differently."""

    def __init__(self, folder: Path, run: str) -> None:
        self._folder = folder
        self._run = run
        self._read: tuple[object, Prepared] | None = None

    def __call__(self, training: dict[str, Any], watch: Watch) -> Metrics:
        """The metrics of the epoch that training would keep; `epochSeconds` is the mean over all.

        Raises a bad-spec failure where the point makes no training, a not-verified one where training diverges, and
        whatever `watch` raises.
        """
        spec = TrainingSpec.of(training, self._run, 1)
        data = self._prepared(spec)
        inputs, targets = data.inputs["train"], data.targets["train"]
        plan = Plan(len(inputs), 1, spec.batch, spec.epochs, spec.rate, spec.seed)
        learner = Learner(build_network(spec, data), plan, 0)
        kept: Metrics = {}
        spent = 0.0
        while learner.epoch < spec.epochs:
            started = time.monotonic()
            learner.network.train()
            for batch in plan.batches(learner.epoch, 0, learner.step):
                learner.learn(learner.network, inputs[batch], targets[batch])
                watch.after_step()
            found = self._validate(learner, data)
            spent += time.monotonic() - started
            found["epochSeconds"] = spent / (learner.epoch + 1)
            if learner.end_epoch(found["validationAccuracy"], found["validationLoss"]):
                kept = found
            watch.after_epoch(learner.epoch, spec.epochs, found)
        return {**kept, "epochSeconds": spent / spec.epochs}

    def _prepared(self, spec: TrainingSpec) -> Prepared:
        key = (spec.task, spec.labels, reading_of(spec.shape))
        if self._read is None or self._read[0] != key:
            self._read = (key, prepare(spec, self._folder, ("train", "validation")))
        return self._read[1]

    def _validate(self, learner: Learner, data: Prepared) -> Metrics:
        targets = data.targets["validation"]
        with averaged(learner.network, learner.average) as network:
            logits = logits_of(network, data.inputs["validation"])
        answers = logits.argmax(1)
        return {
            "validationLoss": float(functional.cross_entropy(logits, targets)),
            "validationAccuracy": float((answers == targets).double().mean()),
            "validationF1": macro_f1(
                [data.labels[at] for at in targets.tolist()], [data.labels[at] for at in answers.tolist()]
            ),
            "parameters": float(parameter_count(learner.network)),
        }


def reading_of(shape: Shape) -> object:
    """What of a network's shape decides how items are read; trials that differ in the rest share the tensors."""
    return (shape.vocabulary_size, shape.sequence_length) if isinstance(shape, TextShape) else None
