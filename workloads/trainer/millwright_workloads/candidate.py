"""One compression candidate: the steps that make it from a trained network, each begun where an earlier try left it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from .compression_spec import CompressionSpec, Distill, Prune, Quantize
from .contract import Log, Surroundings, WorkloadFailure, bad_data, bad_spec, write_progress
from .distill import distillation_loss
from .export import export_model, measure_probe, measure_reference
from .finetune import Loss, Tuning, tuned
from .items import SPLITS
from .learner import LABEL_SMOOTHING, Learner, Plan, generator
from .modelling import (
    Classifier,
    Prepared,
    build_network,
    load_network,
    logits_of,
    parameter_count,
    prepare,
    save_network,
)
from .prune import channel_counts, channel_penalty, pruned
from .quantize import quantized
from .training_spec import TrainingSpec

_PROGRESS_SECONDS = 1.0


class Candidate:
    """What is made of one network; a finished step and every epoch of training survive a restart."""

    def __init__(self, place: Surroundings, spec: CompressionSpec, log: Log) -> None:
        self._place = place
        self._spec = spec
        self._log = log
        self._told_at = 0.0
        # Trained here alone, however many workers trained the baseline.
        self._training = TrainingSpec.of({**spec.training, "workers": 1}, place.run, 1)

    def load(self, folder: Path) -> tuple[Classifier, Prepared]:
        """A saved network and the dataset as it reads it. Raises bad data when it was made for another task."""
        network, description = load_network(folder)
        if description.labels != self._training.labels or description.task.name != self._training.task:
            raise bad_data(
                f"{folder}: a network for {description.task.name} with the labels {', '.join(description.labels)}; the "
                f"spec says {self._training.task} with {', '.join(self._training.labels)}"
            )
        return network, prepare(self._training, self._place.input, SPLITS, reader=description.reader)

    def make(self, folder: Path, network: Classifier, prepared: Prepared) -> int:
        """Leaves the model folder a server loads, with the probe its own file answers; returns its number of
        weights."""
        last = self._spec.steps[-1]
        for at, step in enumerate(self._spec.steps):
            if not isinstance(step, Quantize):
                network, prepared = self._kept(at, step, network, prepared)
        self.say("exporting")
        if isinstance(last, Quantize):
            self._quantize(len(self._spec.steps) - 1, last, network, prepared, folder)
        else:
            export_model(folder, network, prepared, self._place.run)
        measure_probe(folder)
        measure_reference(folder, prepared)
        return parameter_count(network)

    def say(self, message: str) -> None:
        write_progress(self._place, 0, 1, 0, 1, message)

    def _kept(
        self, at: int, step: Prune | Distill, network: Classifier, prepared: Prepared
    ) -> tuple[Classifier, Prepared]:
        """The network after one step, taken from an earlier try where that finished it."""
        folder = self._checkpoint("step", at)
        if folder.exists():
            self._log(f"{_name(at)}: was finished before")
            return self.load(folder)
        if isinstance(step, Prune):
            network = self._prune(at, step, network, prepared)
        else:
            network, prepared = self._distill(at, step, network, prepared)
        partial = folder.with_name(f"{folder.name}.partial")
        save_network(partial, network, prepared, self._training)
        os.replace(partial, folder)
        return network, prepared

    def _prune(self, at: int, step: Prune, network: Classifier, prepared: Prepared) -> Classifier:
        self.say(f"{_name(at)}: pruning")
        inputs, truth = prepared.inputs["train"], prepared.targets["train"]
        chosen = self._calibration(at, step.calibration_items, prepared)
        smaller = pruned(network, step, inputs[chosen], truth[chosen], self._training.batch)
        before, after = channel_counts(network), channel_counts(smaller)
        self._log(f"{_name(at)}: channels {', '.join(f'{name} {before[name]} to {after[name]}' for name in before)}")

        def loss(logits: Tensor, indices: Tensor) -> Tensor:
            own = functional.cross_entropy(logits, truth[indices], label_smoothing=LABEL_SMOOTHING)
            return own + step.penalty * channel_penalty(smaller)

        return self._tuned(at, step.epochs, step.rate, smaller, prepared, loss)

    def _distill(
        self, at: int, step: Distill, network: Classifier, prepared: Prepared
    ) -> tuple[Classifier, Prepared]:
        self.say(f"{_name(at)}: asking the teacher")
        spec = self._student(at, step, network)
        # The student reads by itself: what words it knows follows from how much of a text it sees.
        own = prepare(spec, self._place.input, SPLITS)
        student = build_network(spec, own)
        teacher, truth = logits_of(network, prepared.inputs["train"]), own.targets["train"]
        weights, taught_by = parameter_count(student), parameter_count(network)
        self._log(f"{_name(at)}: a student of {weights} weights, a teacher of {taught_by}")

        def loss(logits: Tensor, indices: Tensor) -> Tensor:
            return distillation_loss(
                logits, teacher[indices], truth[indices], step.temperature, step.weight, LABEL_SMOOTHING
            )

        return self._tuned(at, step.epochs, step.rate, student, own, loss), own

    def _student(self, at: int, step: Distill, teacher: Classifier) -> TrainingSpec:
        shape = teacher.shape.spec()
        unknown = sorted(set(step.network) - set(shape))
        if unknown:
            raise bad_spec(f"spec.{_name(at)}.network: has {', '.join(unknown)}; there are {', '.join(sorted(shape))}")
        try:
            return TrainingSpec.of(
                {**self._spec.training, "workers": 1, "network": {**shape, **step.network}}, self._place.run, 1
            )
        except WorkloadFailure as failure:
            raise WorkloadFailure(failure.code, f"spec.{_name(at)}: the student's {failure}") from None

    def _quantize(self, at: int, step: Quantize, network: Classifier, prepared: Prepared, folder: Path) -> None:
        truth = prepared.targets["train"]

        def train(simulated: Classifier) -> None:
            def loss(logits: Tensor, indices: Tensor) -> Tensor:
                return functional.cross_entropy(logits, truth[indices], label_smoothing=LABEL_SMOOTHING)

            self._tuned(at, step.epochs, step.rate, simulated, prepared, loss)

        chosen = self._calibration(at, step.calibration_items, prepared)
        quantized(folder, network, prepared, self._place.run, step.method, prepared.inputs["train"][chosen], train)

    def _tuned(
        self, at: int, epochs: int, rate: float, network: Classifier, prepared: Prepared, loss: Loss
    ) -> Classifier:
        training = self._training
        plan = Plan(len(prepared.items["train"]), 1, training.batch, epochs, rate, training.seed)

        def progress(learner: Learner) -> None:
            now = time.monotonic()
            if now - self._told_at >= _PROGRESS_SECONDS:
                self._told_at = now
                epoch = min(learner.epoch + 1, epochs)
                write_progress(self._place, learner.steps_done, plan.steps, epoch, epochs, f"{_name(at)}: training")

        tuning = Tuning(
            _name(at), plan, self._checkpoint("training", at), self._spec.determinant, self._log, progress
        )
        return tuned(network, prepared, tuning, loss)

    def _checkpoint(self, what: str, at: int) -> Path:
        # Another spec's steps may lie in the same folder only when somebody put them there; they must not be taken.
        return self._place.checkpoint / f"{what}-{at}-{self._spec.determinant[:12]}"

    def _calibration(self, at: int, items: int, prepared: Prepared) -> Tensor:
        """Indices of so many items of the training split, drawn from the seed; all of them when there are fewer."""
        order = torch.randperm(
            len(prepared.items["train"]), generator=generator(self._training.seed, "calibration", at)
        )
        return order[:items]


def _name(at: int) -> str:
    """A step as messages name it."""
    return f"candidate.steps[{at}]"
