"""The network, its optimizer and where in the training they stand: what a checkpoint holds.

Randomness needs no state: it is drawn anew for each step from the seed, so a run that was interrupted ends as one that
was not.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy

from .backend import keras, tensorflow
from .contract import not_verified
from .network import build_network, probabilities_of
from .pixels import Reader
from .retention import contents, keep
from .spec import Spec

WEIGHT_DECAY = 0.01


@dataclass
class Best:
    """The epoch that did best on the validation split."""

    epoch: int
    accuracy: float
    loss: float
    weights: list[numpy.ndarray]


class Learner:
    def __init__(self, spec: Spec, reader: Reader, items: int) -> None:
        self.spec = spec
        self.items = items
        self.steps_an_epoch = math.ceil(items / spec.batch)
        self.steps = self.steps_an_epoch * spec.epochs
        self.epoch = 0
        self.step = 0
        self.best: Best | None = None
        self.network = build_network(
            reader.height, reader.width, len(spec.labels), spec.units, spec.dropout, spec.seed
        )
        rate = keras.optimizers.schedules.CosineDecay(spec.rate, self.steps)
        self.optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY)
        self.optimizer.build(self.network.trainable_variables)
        self._loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self._noise = [layer.seed_generator for layer in self.network.layers if hasattr(layer, "seed_generator")]
        self._compiled = tensorflow.function(self._changed)

    @property
    def steps_done(self) -> int:
        return self.epoch * self.steps_an_epoch + self.step

    def batches(self) -> Iterator[numpy.ndarray]:
        """Indices of the items of each step that is left of this epoch; the last one is filled up from its beginning."""
        order = numpy.random.default_rng(_number(self.spec.seed, "order", self.epoch)).permutation(self.items)
        order = numpy.resize(order, self.steps_an_epoch * self.spec.batch)
        for step in range(self.step, self.steps_an_epoch):
            yield order[step * self.spec.batch : (step + 1) * self.spec.batch]

    def learn(self, inputs: numpy.ndarray, targets: numpy.ndarray) -> float:
        """One step; the loss before it. Raises not-verified where there is none any more."""
        for at, generator in enumerate(self._noise):
            drawn = _number(self.spec.seed, "step", self.epoch, self.step, at) % 2**31
            generator.state.assign([drawn, at])
        loss = float(self._compiled(inputs, targets))
        if not math.isfinite(loss):
            raise not_verified(
                f"the loss is {loss} in epoch {self.epoch + 1}, step {self.step + 1}: training diverged, and would "
                f"again; lower training.learningRate ({self.spec.rate})"
            )
        self.step += 1
        return loss

    def _changed(self, inputs, targets):
        with tensorflow.GradientTape() as tape:
            loss = self._loss(targets, self.network(inputs, training=True))
        gradients = tape.gradient(loss, self.network.trainable_variables)
        self.optimizer.apply(gradients, self.network.trainable_variables)
        return loss

    def validate(self, inputs: numpy.ndarray, targets: numpy.ndarray) -> tuple[float, float]:
        """Accuracy and loss."""
        probabilities = probabilities_of(self.network, inputs)
        right = numpy.maximum(probabilities[numpy.arange(len(targets)), targets], numpy.finfo(numpy.float32).tiny)
        return float((probabilities.argmax(axis=1) == targets).mean()), float(-numpy.log(right).mean())

    def end_epoch(self, accuracy: float, loss: float) -> bool:
        """Goes on to the next epoch; whether this one was the best so far. Of equally accurate ones the surer wins."""
        better = self.best is None or (accuracy, -loss) > (self.best.accuracy, -self.best.loss)
        if better:
            self.best = Best(self.epoch + 1, accuracy, loss, self.network.get_weights())
        self.epoch += 1
        self.step = 0
        return better

    def save(self, folder: Path) -> None:
        """Numbers and text only: what NumPy reads without running code from the file."""
        best = self.best
        position = {
            "determinant": self.spec.determinant,
            "epoch": self.epoch,
            "step": self.step,
            "best": None if best is None else [best.epoch, best.accuracy, best.loss],
        }
        kept = {
            **_numbered("network", self.network.get_weights()),
            **_numbered("optimizer", [each.numpy() for each in self.optimizer.variables]),
            **_numbered("best", [] if best is None else best.weights),
        }
        buffer = io.BytesIO()
        numpy.savez(buffer, position=numpy.array(json.dumps(position)), **kept)
        keep(folder, self.epoch, self.step, buffer.getvalue(), self.spec.retention.last, "npz")

    def restore(self, folder: Path, log: Callable[[str], None] = lambda _: None) -> bool:
        """Whether there was an intact state of this determinant, and this goes on from it; tells of damaged ones."""
        return any(self._takes(content) for content in contents(folder, log))

    def _takes(self, content: bytes) -> bool:
        with numpy.load(io.BytesIO(content), allow_pickle=False) as kept:
            position = json.loads(str(kept["position"]))
            if position["determinant"] != self.spec.determinant:
                return False
            self.network.set_weights(_unnumbered("network", kept))
            for variable, value in zip(self.optimizer.variables, _unnumbered("optimizer", kept), strict=True):
                variable.assign(value)
            self.epoch, self.step = position["epoch"], position["step"]
            if position["best"] is not None:
                self.best = Best(*position["best"], _unnumbered("best", kept))
        return True


def _numbered(prefix: str, arrays: list[numpy.ndarray]) -> dict[str, numpy.ndarray]:
    return {f"{prefix}{at}": array for at, array in enumerate(arrays)}


def _unnumbered(prefix: str, kept) -> list[numpy.ndarray]:
    return [kept[f"{prefix}{at}"] for at in range(sum(name.startswith(prefix) for name in kept.files))]


def _number(*seed: object) -> int:
    text = ":".join(str(part) for part in seed)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big") >> 1
