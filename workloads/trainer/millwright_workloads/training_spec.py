"""The spec of a training run, checked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from .contract import bad_spec, field
from .retention import Retention
from .shapes import Shape, shape_of


@dataclass(frozen=True)
class Base:
    """A training whose weights this one starts from."""

    run: str
    sha256: str
    """Of what it left to be served."""

    @staticmethod
    def of(spec: dict[str, Any]) -> Base | None:
        """None where training starts from fresh weights."""
        if spec.get("base") is None:
            return None
        return Base(field(spec, "base.run", str), field(spec, "base.sha256", str))


@dataclass(frozen=True)
class TrainingSpec:
    task: str
    labels: list[str]
    epochs: int
    batch: int
    rate: float
    seed: int
    checkpoint_seconds: float
    retention: Retention
    gang_seconds: int
    """How long a worker waits for its group at most; see `gang`."""
    max_restarts: int
    shape: Shape
    base: Base | None
    determinant: str
    """Identifies everything the trained state depends on but the data and the code."""

    @staticmethod
    def of(spec: dict[str, Any], run: str, workers: int) -> TrainingSpec:
        """Raises a bad-spec failure that names the field and its value."""
        task = field(spec, "task", str)
        shape = shape_of(task, spec)
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

        epochs = number("epochs", int, 1)
        batch = number("batchSize", int, 1, 64)
        rate = float(number("learningRate", (int, float), 1e-12, 0.001))
        seed = number("seed", int, 0, 17)
        base = Base.of(spec)
        depends = [run, task, workers, labels, epochs, batch, rate, seed, vars(shape), base and vars(base)]
        return TrainingSpec(
            task=task,
            labels=labels,
            epochs=epochs,
            batch=batch,
            rate=rate,
            seed=seed,
            checkpoint_seconds=float(number("checkpointSeconds", (int, float), 0, 60)),
            retention=Retention.of(spec),
            gang_seconds=number("gangSeconds", int, 1, 600),
            max_restarts=number("maxRestarts", int, 0, 3),
            shape=shape,
            base=base,
            determinant=hashlib.sha256(json.dumps(depends, sort_keys=True).encode("utf-8")).hexdigest(),
        )
