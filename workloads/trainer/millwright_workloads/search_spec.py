"""The spec of a search run, checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from .contract import bad_spec, field
from .space import Categorical, Integer, Space, apply, parse_space

ALGORITHMS = ("tpe", "random", "grid", "nsga2", "cmaes", "gp")
PRUNERS = ("median", "hyperband", "none")
METRICS = ("validationLoss", "validationAccuracy", "validationF1", "parameters", "epochSeconds")
Direction = Literal["minimize", "maximize"]
DIRECTIONS: tuple[Direction, ...] = ("minimize", "maximize")

ONE_OBJECTIVE_ONLY = ("cmaes",)


@dataclass(frozen=True)
class Objective:
    metric: str
    direction: Direction


@dataclass(frozen=True)
class SearchSpec:
    algorithm: str
    pruner: str
    trials: int
    seed: int
    timeout_seconds: float | None
    """From the first worker's start, over all restarts; None without a limit."""
    objectives: tuple[Objective, ...]
    space: Space
    training: dict[str, Any]
    """What a training run's spec would be, before a point is put in."""

    @property
    def directions(self) -> list[Direction]:
        return [objective.direction for objective in self.objectives]

    @property
    def most_epochs(self) -> int:
        """The epochs of the longest trial."""
        epochs = self.space.parameters.get("epochs")
        if isinstance(epochs, Integer):
            return epochs.high
        if isinstance(epochs, Categorical):
            return max(int(choice) for choice in epochs.choices)
        return int(field(self.training, "epochs", int))

    def training_of(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """The spec of a training run with a point's values, as TrainingSpec reads it."""
        return apply(self.training, point)

    @staticmethod
    def of(spec: Mapping[str, Any]) -> SearchSpec:
        """Raises a bad-spec failure that names the field and its value."""
        algorithm = _one_of("search.algorithm", field(spec, "search.algorithm", str), ALGORITHMS)
        pruner = _one_of("search.pruner", field(spec, "search.pruner", str), PRUNERS)
        objectives = _objectives(field(spec, "search.objectives", list))
        trials = _at_least("search.trials", field(spec, "search.trials", int), 1)
        timeout = field(spec, "search.timeoutSeconds", (int, float), None)
        if timeout is not None:
            timeout = float(_at_least("search.timeoutSeconds", timeout, 0))
        if len(objectives) > 1:
            if pruner != "none":
                raise bad_spec(
                    f'spec.search.pruner: is "{pruner}", but trials of several objectives cannot be compared '
                    'halfway; must be "none"'
                )
            if algorithm in ONE_OBJECTIVE_ONLY:
                raise bad_spec(f'spec.search.algorithm: is "{algorithm}", which takes one objective, not several')
        training = {
            **field(spec, "training", dict),
            "task": field(spec, "task", str),
            "labels": field(spec, "labels", list),
        }
        # A trial is one process, whatever the training that follows takes.
        training.pop("workers", None)
        epochs = field(spec, "search.epochs", int, None)
        if epochs is not None:
            training["epochs"] = _at_least("search.epochs", epochs, 1)
        return SearchSpec(
            algorithm=algorithm,
            pruner=pruner,
            trials=trials,
            seed=_at_least("search.seed", field(spec, "search.seed", int, 17), 0),
            timeout_seconds=timeout,
            objectives=objectives,
            space=parse_space(field(spec, "search.space", dict), training),
            training=training,
        )


def _objectives(declared: list[Any]) -> tuple[Objective, ...]:
    if not declared:
        raise bad_spec("spec.search.objectives: is empty, must have at least one")
    objectives: list[Objective] = []
    for at, each in enumerate(declared):
        path = f"search.objectives.{at}"
        if not isinstance(each, dict):
            raise bad_spec(f"spec.{path}: is {json.dumps(each)}, must be an object with metric and direction")
        metric = _one_of(f"{path}.metric", each.get("metric"), METRICS)
        if any(objective.metric == metric for objective in objectives):
            raise bad_spec(f'spec.{path}.metric: "{metric}" is an objective already')
        objectives.append(Objective(metric, _one_of(f"{path}.direction", each.get("direction"), DIRECTIONS)))
    return tuple(objectives)


Name = TypeVar("Name", bound=str)


def _one_of(path: str, value: Any, allowed: tuple[Name, ...]) -> Name:
    for name in allowed:
        if value == name:
            return name
    raise bad_spec(f"spec.{path}: is {json.dumps(value)}, must be one of {', '.join(allowed)}")


def _at_least(path: str, value: Any, least: float) -> Any:
    if not value >= least:
        raise bad_spec(f"spec.{path}: is {value}, must be at least {least}")
    return value
