"""The spec of a compression run, checked: one candidate, which is a sequence of steps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .contract import bad_spec, field

IMPORTANCES = ("taylor", "taylor-sqrt", "magnitude")
METHODS = ("dynamic", "static", "qat")

CALIBRATION_ITEMS = 256
MEASUREMENT_SECONDS = 10.0


@dataclass(frozen=True)
class Prune:
    """Removes channels, then fine-tunes what is left. Exactly one of `sparsity` and `threshold` is set."""

    importance: str
    sparsity: float | None
    """Fraction of each group's channels to remove."""
    threshold: float | None
    """Fraction of its group's mean importance below which a channel goes."""
    calibration_items: int
    epochs: int
    rate: float
    penalty: float
    """Lambda in L + lambda R."""


@dataclass(frozen=True)
class Quantize:
    """INT8. `epochs` and `rate` are those of quantisation-aware training and mean nothing to the other methods."""

    method: str
    calibration_items: int
    epochs: int
    rate: float


@dataclass(frozen=True)
class Distill:
    """Trains a student of another shape on what the network so far answers."""

    network: Mapping[str, Any]
    """Members of the training's `network` that are different in the student."""
    epochs: int
    rate: float
    temperature: float
    weight: float
    """Share of the teacher's answers in the loss; the rest is the labels'."""


Step = Prune | Quantize | Distill


@dataclass(frozen=True)
class CompressionSpec:
    name: str
    steps: tuple[Step, ...]
    training: Mapping[str, Any]
    """The spec of the training run that made the baseline."""
    measurement_seconds: float
    determinant: str
    """Identifies everything the result depends on but the data, the baseline and the code."""

    @staticmethod
    def of(spec: Mapping[str, Any], run: str) -> CompressionSpec:
        """Raises a bad-spec failure that names the field and its value."""
        steps = field(spec, "candidate.steps", list)
        if not steps:
            raise bad_spec("spec.candidate.steps: is empty, a candidate needs at least one step")
        checked = tuple(_step(spec, at) for at in range(len(steps)))
        for at, step in enumerate(checked[:-1]):
            if isinstance(step, Quantize):
                raise bad_spec(
                    f"spec.candidate.steps[{at}]: quantize must be the last step; what it makes is no longer trained"
                )
        training = {**field(spec, "training", Mapping), "task": field(spec, "task", str)}
        training["labels"] = field(spec, "labels", list)
        depends = [run, spec["candidate"], training]
        return CompressionSpec(
            name=field(spec, "candidate.name", str),
            steps=checked,
            training=training,
            measurement_seconds=_number(spec, "measurement.seconds", 0.01, MEASUREMENT_SECONDS),
            determinant=hashlib.sha256(json.dumps(depends, sort_keys=True).encode("utf-8")).hexdigest(),
        )


def _step(spec: Mapping[str, Any], at: int) -> Step:
    step = spec["candidate"]["steps"][at]
    if not isinstance(step, Mapping):
        raise bad_spec(f"spec.candidate.steps[{at}]: is {json.dumps(step)}, must be an object")
    place = f"candidate.steps[{at}]"
    # `field` follows names, not positions.
    named = {"candidate": {f"steps[{at}]": step}}
    kind = _choice(named, f"{place}.kind", tuple(_KINDS))
    return _KINDS[kind](named, place)


def _prune(spec: Mapping[str, Any], place: str) -> Prune:
    target = _choice(spec, f"{place}.target.kind", ("sparsity", "threshold"))
    bound = _number(spec, f"{place}.target.{target}", 0)
    if target == "sparsity" and bound >= 1:
        raise bad_spec(f"spec.{place}.target.sparsity: is {bound}, must be below 1")
    return Prune(
        importance=_choice(spec, f"{place}.importance", IMPORTANCES, "taylor"),
        sparsity=bound if target == "sparsity" else None,
        threshold=bound if target == "threshold" else None,
        calibration_items=_count(spec, f"{place}.calibrationItems", 1, CALIBRATION_ITEMS),
        epochs=_count(spec, f"{place}.epochs", 0, 1),
        rate=_number(spec, f"{place}.learningRate", 1e-12, 0.001),
        penalty=_number(spec, f"{place}.penalty", 0, 0.0001),
    )


def _quantize(spec: Mapping[str, Any], place: str) -> Quantize:
    return Quantize(
        method=_choice(spec, f"{place}.method", METHODS, "dynamic"),
        calibration_items=_count(spec, f"{place}.calibrationItems", 1, CALIBRATION_ITEMS),
        epochs=_count(spec, f"{place}.epochs", 0, 1),
        rate=_number(spec, f"{place}.learningRate", 1e-12, 0.001),
    )


def _distill(spec: Mapping[str, Any], place: str) -> Distill:
    weight = _number(spec, f"{place}.weight", 0, 0.5)
    if weight > 1:
        raise bad_spec(f"spec.{place}.weight: is {weight}, must be at most 1")
    return Distill(
        network=field(spec, f"{place}.network", Mapping, {}),
        epochs=_count(spec, f"{place}.epochs", 1, 3),
        rate=_number(spec, f"{place}.learningRate", 1e-12, 0.01),
        temperature=_number(spec, f"{place}.temperature", 1e-3, 2.0),
        weight=weight,
    )


_KINDS = {"prune": _prune, "quantize": _quantize, "distill": _distill}


def _count(spec: Mapping[str, Any], path: str, least: int, default: int) -> int:
    return _at_least(least, field(spec, path, int, default), path)


def _number(spec: Mapping[str, Any], path: str, least: float, default: Any = ...) -> float:
    return float(_at_least(least, field(spec, path, (int, float), default), path))


def _at_least(least: float, value: Any, path: str) -> Any:
    if not value >= least:
        raise bad_spec(f"spec.{path}: is {value}, must be at least {least}")
    return value


def _choice(spec: Mapping[str, Any], path: str, choices: tuple[str, ...], default: Any = ...) -> str:
    value: str = field(spec, path, str, default)
    if value not in choices:
        raise bad_spec(f'spec.{path}: is "{value}", must be one of {", ".join(choices)}')
    return value
