"""Training of one network by one process inside a compression step: the training stage's learner under another loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from .checkpoint import read_state, write_state
from .contract import Log
from .learner import Learner, Plan, averaged
from .modelling import Classifier, Prepared, logits_of

Loss = Callable[[Tensor, Tensor], Tensor]
"""Logits [n, classes] of a batch and the items' indices [n] in the training split, to what a step lowers."""


@dataclass(frozen=True)
class Tuning:
    """One step's training: where it is kept, and whom it tells."""

    place: str
    """The step as messages name it, e.g. `candidate.steps[0]`."""
    plan: Plan
    checkpoint: Path
    determinant: str
    """Identifies everything the state depends on; another's is not taken."""
    log: Log
    progress: Callable[[Learner], None]


class _Tuner(Learner):
    def __init__(self, network: Classifier, tuning: Tuning, loss: Loss) -> None:
        super().__init__(network, tuning.plan, 0)
        self.RATE = f"{tuning.place}.learningRate"
        self._loss = loss

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return self._loss(logits, targets)


def tuned(network: Classifier, prepared: Prepared, tuning: Tuning, loss: Loss) -> Classifier:
    """The same network with the averaged weights of the epoch that did best on the validation split, ready to answer.

    Goes on from the checkpoint of an earlier try, and leaves one after every epoch and when it is interrupted. With
    no epochs the network stays as it is. Raises a not-verified failure when training diverges.
    """
    learner = _Tuner(network, tuning, loss)
    state = read_state(tuning.checkpoint, tuning.determinant)
    if state is not None:
        learner.restore(state)
        tuning.log(f"{tuning.place}: going on after {learner.steps_done} of {tuning.plan.steps} steps")
    inputs = prepared.inputs["train"]
    try:
        while learner.epoch < tuning.plan.epochs:
            network.train()
            for batch in tuning.plan.batches(learner.epoch, 0, learner.step):
                learner.learn(network, inputs[batch], batch)
                tuning.progress(learner)
            accuracy, loss_ = _validated(learner, prepared)
            learner.end_epoch(accuracy, loss_)
            tuning.log(
                f"{tuning.place}: epoch {learner.epoch} of {tuning.plan.epochs}: validation accuracy {accuracy:.4f}, "
                f"loss {loss_:.4f}"
            )
            write_state(tuning.checkpoint, tuning.determinant, learner.state())
    except BaseException:
        if learner.whole:
            write_state(tuning.checkpoint, tuning.determinant, learner.state())
        raise
    if learner.best is not None:
        with torch.no_grad():
            for name, value in network.named_parameters():
                value.copy_(learner.best.weights[name])
    return network.eval()


def _validated(learner: Learner, prepared: Prepared) -> tuple[float, float]:
    """Accuracy and mean loss of the averaged weights on the validation split."""
    targets = prepared.targets["validation"]
    with averaged(learner.network, learner.average) as network:
        logits = logits_of(network, prepared.inputs["validation"])
    return float((logits.argmax(1) == targets).float().mean()), float(functional.cross_entropy(logits, targets))
