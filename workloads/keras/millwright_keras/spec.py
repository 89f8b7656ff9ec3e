"""The spec of a training run, checked. Free of TensorFlow, so that a wrong one fails at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .contract import bad_spec, field
from .retention import Retention

TASK = "image-classification"
NETWORK = "keras-mlp"


@dataclass(frozen=True)
class Spec:
    labels: tuple[str, ...]
    epochs: int
    batch: int
    rate: float
    seed: int
    checkpoint_seconds: float
    retention: Retention
    units: tuple[int, ...]
    """Of the hidden layers, from the pixels on."""
    dropout: float
    determinant: str
    """Identifies everything the trained state depends on but the data and the code."""

    @staticmethod
    def of(spec: Mapping[str, Any], run: str, workers: int) -> Spec:
        """Raises a bad-spec failure that names the field and its value."""
        for name, wanted in (("task", TASK), ("network.kind", NETWORK)):
            value = field(spec, name, str)
            if value != wanted:
                raise bad_spec(f'spec.{name}: is "{value}", this image does "{wanted}"')
        for name, count in (("spec.workers", field(spec, "workers", int, workers)), ("MILLWRIGHT_WORKERS", workers)):
            if count != 1:
                raise bad_spec(f"{name}: is {count}, must be 1: this image trains in one process")

        if spec.get("base") is not None:
            raise bad_spec("spec.base: must be left out: this image trains from scratch and keeps no network to go on from")

        def number(name: str, kind: type | tuple[type, ...], least: float, default: Any = ...) -> Any:
            value = field(spec, name, kind, default)
            if not value >= least:
                raise bad_spec(f"spec.{name}: is {value}, must be at least {least}")
            return value

        labels = _labels(spec)
        epochs = number("epochs", int, 1)
        batch = number("batchSize", int, 1, 64)
        rate = float(number("learningRate", (int, float), 1e-12, 0.001))
        seed = number("seed", int, 0, 17)
        units = _units(spec)
        dropout = float(number("network.dropout", (int, float), 0, 0.3))
        if not dropout < 1:
            raise bad_spec(f"spec.network.dropout: is {dropout}, must be below 1")
        depends = json.dumps([run, labels, epochs, batch, rate, seed, units, dropout])
        return Spec(
            labels=labels,
            epochs=epochs,
            batch=batch,
            rate=rate,
            seed=seed,
            checkpoint_seconds=float(number("checkpointSeconds", (int, float), 0, 60)),
            retention=Retention.of(spec),
            units=units,
            dropout=dropout,
            determinant=hashlib.sha256(depends.encode("utf-8")).hexdigest(),
        )


def _labels(spec: Mapping[str, Any]) -> tuple[str, ...]:
    labels = field(spec, "labels", list)
    if len(labels) < 2 or not all(isinstance(label, str) and label for label in labels):
        raise bad_spec(f"spec.labels: is {json.dumps(labels)}, must be at least two names")
    if len(set(labels)) != len(labels):
        raise bad_spec(f"spec.labels: {json.dumps(labels)} names a label twice")
    return tuple(labels)


def _units(spec: Mapping[str, Any]) -> tuple[int, ...]:
    units = field(spec, "network.units", list)
    if not units or not all(isinstance(each, int) and not isinstance(each, bool) and each >= 1 for each in units):
        raise bad_spec(f"spec.network.units: is {json.dumps(units)}, must be whole numbers of at least 1")
    return tuple(units)
