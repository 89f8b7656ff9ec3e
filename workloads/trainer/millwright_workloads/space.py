"""The typed space of a search: what can be varied, under which condition, and every point of its grid.

A point is `{path: value}`; a path leads into the model's `training` object ("learningRate", "network.channels"). A
parameter with a condition is part of a point only where the parameter it hangs on has the value the condition names.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .contract import bad_spec

Value = bool | int | float | str
Point = dict[str, Value]

MISSING: Any = object()
"""What value_at gives where there is nothing."""

MOST_GRID_POINTS = 100_000
"""A grid is enumerated, so a larger one than any search could finish is refused before it takes all memory."""


@dataclass(frozen=True)
class Condition:
    parameter: str
    equals: Value


@dataclass(frozen=True)
class Categorical:
    choices: tuple[Value, ...]
    when: Condition | None = None

    def values(self) -> list[Value] | None:
        return list(self.choices)

    def has(self, value: Any) -> bool:
        return any(same(choice, value) for choice in self.choices)


@dataclass(frozen=True)
class Integer:
    low: int
    high: int
    step: int | None = None
    log: bool = False
    when: Condition | None = None

    def values(self) -> list[Value] | None:
        """None on a logarithmic scale, where no two values are equally far apart."""
        return None if self.log else list(range(self.low, self.high + 1, self.step or 1))

    def has(self, value: Any) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.low <= value <= self.high and (value - self.low) % (self.step or 1) == 0


@dataclass(frozen=True)
class Float:
    low: float
    high: float
    step: float | None = None
    log: bool = False
    when: Condition | None = None

    def values(self) -> list[Value] | None:
        """None where there is a value between any two."""
        if self.step is None:
            return None
        # Multiplied, not added up, so that the last one is not lost to rounding.
        count = math.floor((self.high - self.low) / self.step + 1e-9) + 1
        return [round(self.low + at * self.step, 12) for at in range(count)]

    def has(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        values = self.values()
        return self.low <= value <= self.high if values is None else value in values


Parameter = Categorical | Integer | Float


@dataclass(frozen=True)
class Space:
    parameters: dict[str, Parameter]
    """By path, every parameter after the one its condition names."""

    def is_active(self, path: str, point: Mapping[str, Value]) -> bool:
        """Whether a parameter belongs to a point that holds everything before it."""
        when = self.parameters[path].when
        return when is None or (when.parameter in point and same(point[when.parameter], when.equals))

    def grid(self) -> list[Point]:
        """Every point of the declared choices and steps once, in the order they are declared.

        Raises a bad-spec failure that names the parameters without a finite number of values.
        """
        endless = [path for path, parameter in self.parameters.items() if parameter.values() is None]
        if endless:
            raise bad_spec(f"spec.search.space: a grid needs a step for {', '.join(endless)}, and none on a log scale")
        points: list[Point] = []
        for point in self._points(list(self.parameters), {}):
            points.append(point)
            if len(points) > MOST_GRID_POINTS:
                raise bad_spec(
                    f"spec.search.space: its grid has more than {MOST_GRID_POINTS} points; take wider steps, or random"
                )
        return points

    def written(self, training: Mapping[str, Any]) -> Point | None:
        """The point that the training's own values are, so that a search can begin there; None where one is outside."""
        point: Point = {}
        for path, parameter in self.parameters.items():
            if self.is_active(path, point):
                value = value_at(training, path)
                if not parameter.has(value):
                    return None
                point[path] = float(value) if isinstance(parameter, Float) else value
        return point

    def _points(self, paths: Sequence[str], point: Point) -> Iterator[Point]:
        if not paths:
            yield dict(point)
            return
        path, rest = paths[0], paths[1:]
        if not self.is_active(path, point):
            yield from self._points(rest, point)
            return
        for value in self.parameters[path].values() or []:
            yield from self._points(rest, {**point, path: value})


def parse_space(declared: Any, training: Mapping[str, Any]) -> Space:
    """The space of a spec. Raises one bad-spec failure that names everything that is wrong with it."""
    if not isinstance(declared, dict) or not declared:
        raise bad_spec(
            f"spec.search.space: is {json.dumps(declared)}, must be an object of at least one parameter by path"
        )
    problems: list[str] = []
    found: dict[str, Parameter] = {}
    for path, each in declared.items():
        at = f"spec.search.space.{path}"
        if not has_parameter(training, path):
            problems.append(f"{at}: the training has no such parameter")
        parameter = _parameter(at, each, problems)
        if parameter is not None:
            found[path] = parameter
    for path, parameter in found.items():
        _check_condition(f"spec.search.space.{path}.when", parameter.when, declared, found, problems)
    ordered = _parents_first(found)
    if len(ordered) < len(found):
        rest = ", ".join(path for path in found if path not in ordered)
        problems.append(f"spec.search.space: the conditions of {rest} go round in a circle")
    if problems:
        raise bad_spec("; ".join(problems))
    return Space(ordered)


def has_parameter(training: Mapping[str, Any], path: str) -> bool:
    """Whether the training has a value there that a point could replace."""
    value = value_at(training, path)
    return value is not MISSING and not isinstance(value, (Mapping, list))


def value_at(training: Mapping[str, Any], path: str) -> Any:
    """What the training has there, or MISSING."""
    value: Any = training
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value


def apply(training: Mapping[str, Any], point: Mapping[str, Value]) -> dict[str, Any]:
    """The training with a point's values put in; the given one stays as it is."""
    changed: dict[str, Any] = copy.deepcopy(dict(training))
    for path, value in point.items():
        *parents, last = path.split(".")
        place = changed
        for name in parents:
            place = place[name]
        place[last] = value
    return changed


def same(one: Any, other: Any) -> bool:
    """Equality that tells true from 1, which Python does not."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _parameter(at: str, declared: Any, problems: list[str]) -> Parameter | None:
    if not isinstance(declared, dict):
        problems.append(f"{at}: is {json.dumps(declared)}, must be an object with kind")
        return None
    kind = declared.get("kind")
    if kind not in ("categorical", "integer", "float"):
        problems.append(f'{at}.kind: is {json.dumps(kind)}, must be "categorical", "integer" or "float"')
        return None
    before = len(problems)
    when = _condition(f"{at}.when", declared.get("when"), problems)
    if kind == "categorical":
        choices = _choices(f"{at}.choices", declared.get("choices"), problems)
        return None if len(problems) > before else Categorical(tuple(choices), when)
    whole = kind == "integer"
    low, high = (_number(f"{at}.{name}", declared.get(name), whole, problems) for name in ("low", "high"))
    step = declared.get("step")
    if step is not None:
        step = _number(f"{at}.step", step, whole, problems)
        if step is not None and step <= 0:
            problems.append(f"{at}.step: is {step}, must be above 0")
    log = declared.get("log", False)
    if not isinstance(log, bool):
        problems.append(f"{at}.log: is {json.dumps(log)}, must be true or false")
    elif log and step is not None:
        problems.append(f"{at}.step: is {step}, but values on a log scale have no step; remove one of the two")
    if low is not None and high is not None:
        if low >= high:
            problems.append(f"{at}.low: is {low}, must be below high ({high})")
        elif log is True and low <= 0:
            problems.append(f"{at}.low: is {low}, must be above 0 on a log scale")
    if len(problems) > before:
        return None
    return Integer(low, high, step, log, when) if whole else Float(float(low), float(high), step, log, when)


def _number(at: str, value: Any, whole: bool, problems: list[str]) -> Any:
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
        problems.append(f"{at}: is {json.dumps(value)}, must be a {'whole ' if whole else ''}number")
        return None
    return value


def _choices(at: str, value: Any, problems: list[str]) -> list[Value]:
    if not isinstance(value, list) or len(value) < 2:
        problems.append(f"{at}: is {json.dumps(value)}, must be a list of at least two values")
        return []
    for number, choice in enumerate(value):
        if not isinstance(choice, (bool, int, float, str)):
            problems.append(f"{at}.{number}: is {json.dumps(choice)}, must be a number, a text, true or false")
        elif choice in value[:number]:
            # True and 1 are the same to Python, and so to the samplers.
            problems.append(f"{at}.{number}: {json.dumps(choice)} is there twice")
    return value


def _condition(at: str, value: Any, problems: list[str]) -> Condition | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("parameter"), str) or "equals" not in value:
        problems.append(f"{at}: is {json.dumps(value)}, must be an object with parameter and equals")
        return None
    return Condition(value["parameter"], value["equals"])


def _check_condition(
    at: str, when: Condition | None, declared: Mapping[str, Any], found: Mapping[str, Parameter], problems: list[str]
) -> None:
    if when is None:
        return
    if when.parameter not in declared:
        problems.append(f"{at}.parameter: the space has no {when.parameter}")
        return
    parent = found.get(when.parameter)
    if parent is None:
        # What is wrong with it is said where it is declared.
        return
    if not isinstance(parent, Categorical):
        problems.append(f"{at}.parameter: {when.parameter} is not categorical")
    elif not any(same(choice, when.equals) for choice in parent.choices):
        allowed = ", ".join(json.dumps(choice) for choice in parent.choices)
        problems.append(f"{at}.equals: is {json.dumps(when.equals)}, must be one of {allowed}")


def _parents_first(parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """In the order declared as far as conditions allow; without those whose conditions go round in a circle."""
    ordered: dict[str, Parameter] = {}
    waiting = dict(parameters)
    while waiting:
        ready = [
            path
            for path, parameter in waiting.items()
            if parameter.when is None
            or parameter.when.parameter in ordered
            or parameter.when.parameter not in parameters
        ]
        if not ready:
            break
        for path in ready:
            ordered[path] = waiting.pop(path)
    return ordered
