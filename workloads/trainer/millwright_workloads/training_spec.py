"""The spec of a training run, checked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from .contract import bad_spec, field


@dataclass(frozen=True)
class Shape:
    """Sizes of a network, from the spec."""

    vocabulary_size: int
    embedding_size: int
    channels: int
    sequence_length: int
    dropout: float

    @staticmethod
    def of(spec: dict[str, Any]) -> Shape:
        kind = field(spec, "network.kind", str)
        if kind != "text-cnn":
            raise bad_spec(f'spec.network.kind: is "{kind}", this image trains "text-cnn"')

        def size(name: str, least: int) -> int:
            value = field(spec, f"network.{name}", int)
            if value < least:
                raise bad_spec(f"spec.network.{name}: is {value}, must be at least {least}")
            return int(value)

        dropout = float(field(spec, "network.dropout", (int, float), 0.3))
        if not 0 <= dropout < 1:
            raise bad_spec(f"spec.network.dropout: is {dropout}, must be at least 0 and below 1")
        return Shape(size("vocabularySize", 3), size("embeddingSize", 1), size("channels", 1), size("sequenceLength", 1), dropout)


@dataclass(frozen=True)
class TrainingSpec:
    labels: list[str]
    epochs: int
    batch: int
    rate: float
    seed: int
    checkpoint_seconds: float
    max_restarts: int
    shape: Shape
    determinant: str
    """Identifies everything the trained state depends on but the data and the code."""

    @staticmethod
    def of(spec: dict[str, Any], run: str, workers: int) -> TrainingSpec:
        """Raises a bad-spec failure that names the field and its value."""
        task = field(spec, "task", str)
        if task != "text-classification":
            raise bad_spec(f'spec.task: is "{task}", this image does "text-classification"')
        labels = field(spec, "labels", list)
        if len(labels) < 2 or not all(isinstance(label, str) and label for label in labels):
            raise bad_spec(f"spec.labels: is {json.dumps(labels)}, must be at least two names")
        if len(set(labels)) != len(labels):
            raise bad_spec(f"spec.labels: {json.dumps(labels)} names a label twice")
        if field(spec, "workers", int, workers) != workers:
            raise bad_spec(f"spec.workers: is {spec['workers']}, the group has MILLWRIGHT_WORKERS={workers}")

        def number(name: str, kind: type | tuple[type, ...], least: float, default: Any = ...) -> Any:
            value = field(spec, name, kind, default)
            if not value >= least:
                raise bad_spec(f"spec.{name}: is {value}, must be at least {least}")
            return value

        shape = Shape.of(spec)
        epochs = number("epochs", int, 1)
        batch = number("batchSize", int, 1, 64)
        rate = float(number("learningRate", (int, float), 1e-12, 0.001))
        seed = number("seed", int, 0, 17)
        depends = [run, workers, labels, epochs, batch, rate, seed, vars(shape)]
        return TrainingSpec(
            labels=labels,
            epochs=epochs,
            batch=batch,
            rate=rate,
            seed=seed,
            checkpoint_seconds=float(number("checkpointSeconds", (int, float), 0, 60)),
            max_restarts=number("maxRestarts", int, 0, 3),
            shape=shape,
            determinant=hashlib.sha256(json.dumps(depends, sort_keys=True).encode("utf-8")).hexdigest(),
        )
