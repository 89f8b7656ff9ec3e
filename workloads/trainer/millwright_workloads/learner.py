"""One worker's network and all that changes with a step of training: what a checkpoint holds."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .classifier import Classifier
from .contract import not_verified

LABEL_SMOOTHING = 0.05
WEIGHT_DECAY = 0.01
LONGEST_GRADIENT = 5.0
WARM_UP_STEPS = 20
AVERAGE_DECAY = 0.98


@dataclass(frozen=True)
class Plan:
    """How far training goes. A step takes `batch` items for each worker."""

    items: int
    workers: int
    batch: int
    epochs: int
    rate: float
    seed: int

    @property
    def steps_an_epoch(self) -> int:
        return math.ceil(self.items / (self.workers * self.batch))

    @property
    def steps(self) -> int:
        return self.steps_an_epoch * self.epochs

    def batches(self, epoch: int, worker: int, done: int) -> Iterator[Tensor]:
        """Indices of one worker's items for each step of an epoch after the first `done`.

        The order is drawn from the seed and the epoch; the last step is filled up from its beginning, so that all workers
        take the same number of items in every step.
        """
        order = torch.randperm(self.items, generator=generator(self.seed, "order", epoch))
        width = self.workers * self.batch
        order = order.repeat(math.ceil(self.steps_an_epoch * width / self.items))
        for step in range(done, self.steps_an_epoch):
            start = step * width + worker * self.batch
            yield order[start : start + self.batch]

    def learning_rate(self, step: int) -> float:
        """Warms up over the first steps, then falls to zero along half a cosine."""
        warm_up = min(1.0, (step + 1) / WARM_UP_STEPS)
        return self.rate * warm_up * 0.5 * (1 + math.cos(math.pi * step / self.steps))


@dataclass
class Best:
    """The epoch whose averaged weights did best on the validation split."""

    epoch: int
    accuracy: float
    loss: float
    weights: dict[str, Tensor]


class Learner:
    """The network, its optimizer, the moving average of its weights, and where in the plan it stands."""

    RATE = "training.learningRate"
    """Where a user sets the plan's rate."""

    def __init__(self, network: Classifier, plan: Plan, worker: int) -> None:
        self.network = network
        self.plan = plan
        self.worker = worker
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=WEIGHT_DECAY)
        self.average = {name: value.detach().clone() for name, value in network.named_parameters()}
        self.epoch = 0
        self.step = 0
        self.best: Best | None = None
        self.whole = True
        """False while a step is changing the state."""

    @property
    def steps_done(self) -> int:
        return self.epoch * self.plan.steps_an_epoch + self.step

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """What a step lowers; `targets` are those given to `learn`."""
        return functional.cross_entropy(logits, targets, label_smoothing=LABEL_SMOOTHING)

    def learn(self, forward: nn.Module, inputs: Tensor, targets: Tensor) -> float:
        """One step; `forward` is the network or its distributed wrapper. Returns this worker's loss.

        Nothing that `state` holds changes before all workers' gradients have arrived, so a step that a lost worker
        breaks off leaves the state of the step before it.
        """
        torch.manual_seed(_number(self.plan.seed, "step", self.epoch, self.step, self.worker))
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.learning_rate(self.steps_done)
        self.optimizer.zero_grad(set_to_none=True)
        logits = forward(self.network.varied(inputs))
        loss = self.loss(logits, targets)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), LONGEST_GRADIENT)
        if not bool(torch.isfinite(norm)):
            raise not_verified(
                f"the gradient is {float(norm)} in epoch {self.epoch + 1}, step {self.step + 1}: training diverged, "
                f"and would again; lower {self.RATE} ({self.plan.rate})"
            )
        self.whole = False
        self.optimizer.step()
        decay = min(AVERAGE_DECAY, (1 + self.steps_done) / (10 + self.steps_done))
        with torch.no_grad():
            for name, value in self.network.named_parameters():
                self.average[name].mul_(decay).add_(value, alpha=1 - decay)
        self.step += 1
        self.whole = True
        return float(loss.detach())

    def end_epoch(self, accuracy: float, loss: float) -> bool:
        """Goes on to the next epoch; whether this one was the best so far. Of equally accurate ones the surer wins."""
        better = self.best is None or (accuracy, -loss) > (self.best.accuracy, -self.best.loss)
        if better:
            weights = {name: value.clone() for name, value in self.average.items()}
            self.best = Best(self.epoch + 1, accuracy, loss, weights)
        self.epoch += 1
        self.step = 0
        return better

    def state(self) -> dict[str, Any]:
        """Tensors, whole numbers and text only: what every PyTorch reads without running code from the file.

        The optimizer's settings are left out, since the plan sets them.
        """
        best = self.best
        return {
            "network": self.network.state_dict(),
            "moments": self.optimizer.state_dict()["state"],
            "average": self.average,
            "epoch": self.epoch,
            "step": self.step,
            "best": {} if best is None else best.weights,
            "bestScores": "" if best is None else json.dumps([best.epoch, best.accuracy, best.loss]),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state["moments"], "param_groups": groups})
        self.average = state["average"]
        self.epoch = state["epoch"]
        self.step = state["step"]
        self.best = Best(*json.loads(state["bestScores"]), state["best"]) if state["bestScores"] else None


class averaged:
    """While it is entered, a network has the given weights; afterwards its own again."""

    def __init__(self, network: Classifier, weights: dict[str, Tensor]) -> None:
        self._network = network
        self._weights = weights

    def __enter__(self) -> Classifier:
        self._own = {name: value.detach().clone() for name, value in self._network.named_parameters()}
        self._put(self._weights)
        return self._network.eval()

    def __exit__(self, *_: object) -> None:
        self._put(self._own)
        self._network.train()

    def _put(self, weights: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, value in self._network.named_parameters():
                value.copy_(weights[name])


def generator(*seed: object) -> torch.Generator:
    return torch.Generator().manual_seed(_number(*seed))


def _number(*seed: object) -> int:
    text = ":".join(str(part) for part in seed)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big") >> 1
