"""What a search found, from its trials: the best point, the front, and how the best value came down. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .search_spec import Objective

MOST_TRACE_POINTS = 200
"""A trace is for looking at; every trial is in the artifact."""

MOST_FRONT_POINTS = 100


@dataclass(frozen=True)
class Finished:
    """A complete trial. `values` are in the order of the objectives; `seconds` count from the first trial's start."""

    number: int
    parameters: Mapping[str, Any]
    values: Sequence[float]
    seconds: float


def summary(finished: Sequence[Finished], objectives: Sequence[Objective]) -> dict[str, Any]:
    """`best`, and `trace` for one objective or `front` for several. At least one trial must be given."""
    if len(objectives) == 1:
        best = min(finished, key=lambda trial: (_costs(trial.values, objectives), trial.number))
        return {"best": _point(best), "trace": trace(finished, objectives[0])}
    points = front(finished, objectives)
    # Nearest first, so that what is left out of a long front is what nobody would choose.
    by_distance = _by_distance(points, objectives)
    return {
        "best": _point(by_distance[0]),
        "front": [_point(each) for each in sorted(by_distance[:MOST_FRONT_POINTS], key=lambda each: each.number)],
    }


def front(finished: Sequence[Finished], objectives: Sequence[Objective]) -> list[Finished]:
    """The trials that no other one beats: none is at least as good in every objective and better in one.

    Of trials with equal values the first is kept.
    """
    by_cost: dict[tuple[float, ...], Finished] = {}
    for trial in sorted(finished, key=lambda each: each.number):
        by_cost.setdefault(_costs(trial.values, objectives), trial)
    return [
        trial
        for costs, trial in by_cost.items()
        if not any(other != costs and all(a <= b for a, b in zip(other, costs, strict=True)) for other in by_cost)
    ]


def knee(points: Sequence[Finished], objectives: Sequence[Objective]) -> Finished:
    """The point of a front nearest to the ideal, which is the best of every objective at once.

    Distances are Euclidean, with every objective scaled to [0, 1] over the front: the compromise solution with p = 2 of
    M. Zeleny, "Compromise Programming", in Multiple Criteria Decision Making (1973).
    """
    return _by_distance(points, objectives)[0]


def trace(finished: Sequence[Finished], objective: Objective) -> list[dict[str, Any]]:
    """In order of completion: each trial's value and the best so far. Of many trials every n-th, and the last."""
    best = math.inf
    points: list[dict[str, Any]] = []
    for trial in sorted(finished, key=lambda each: (each.seconds, each.number)):
        cost = _cost(trial.values[0], objective)
        best = min(best, cost)
        points.append(
            {
                "trial": trial.number,
                "value": trial.values[0],
                "best": _cost(best, objective),
                "seconds": round(trial.seconds, 3),
            }
        )
    # The best so far only ever falls, so the last of every group shows what the group found.
    width = math.ceil(len(points) / MOST_TRACE_POINTS) or 1
    return [points[min(start + width, len(points)) - 1] for start in range(0, len(points), width)]


def _by_distance(points: Sequence[Finished], objectives: Sequence[Objective]) -> list[Finished]:
    costs = {point.number: _costs(point.values, objectives) for point in points}
    lowest = [min(column) for column in zip(*costs.values(), strict=True)]
    spans = [max(column) - min(column) for column in zip(*costs.values(), strict=True)]

    def distance(point: Finished) -> float:
        scaled = (
            (cost - low) / span if span > 0 else 0.0
            for cost, low, span in zip(costs[point.number], lowest, spans, strict=True)
        )
        return math.hypot(*scaled)

    return sorted(points, key=lambda point: (distance(point), point.number))


def _point(trial: Finished) -> dict[str, Any]:
    return {"parameters": dict(trial.parameters), "values": list(trial.values)}


def _costs(values: Sequence[float], objectives: Sequence[Objective]) -> tuple[float, ...]:
    return tuple(_cost(value, objective) for value, objective in zip(values, objectives, strict=True))


def _cost(value: float, objective: Objective) -> float:
    """What is to be small, whichever way is better; applied twice, the value again."""
    return value if objective.direction == "minimize" else -value
