"""What of a record are metrics and what are parameters, in the names and bounds MLflow has for both.

Numbers of a record are metrics, texts and what a search found are parameters, and so is all of a spec that determines
the run's result. It is a rule rather than a list, so that what a workload adds to its result is in MLflow, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from .records import Record, Spec

LONGEST_KEY = 250
LONGEST_VALUE = 5000
"""Of MLflow's releases the smallest bounds; a longer value is cut."""


@dataclass(frozen=True)
class Metric:
    key: str
    value: float
    timestamp: int
    """Milliseconds since 1970."""
    step: int = 0


_ELSEWHERE = {
    # What every record has, and what says where it comes from: times, tags.
    *("kind", "model", "run", "completedAt", "artifact", "spec"),
    *("dataset", "training", "candidate", "stable", "version", "verdict", "reasons"),
    # Told apart below.
    *("best", "trace", "front"),
}

_UNNAMED = {"training": "metrics", "compression": "result", "rollout": "evidence"}
"""By kind, the member whose members stand for themselves: so metrics of a trained and a compressed version compare."""

_OPERATIONAL = {
    *("resources", "deadlineSeconds", "checkpointSeconds", "checkpointRetention", "maxRestarts", "gangSeconds"),
    "labels",
}
"""Members of a spec that do not determine the result, or that the dataset's record has."""


def metrics_of(record: Record) -> tuple[Metric, ...]:
    """The record's numbers. A search's trace is a metric for each of its columns, the trial's number being the step."""
    body = record.body
    found = {key: value for key, value in _leaves(_own(record)) if _is_number(value)}
    found["artifactBytes"] = record.artifact.bytes
    best = body.get("best")
    if isinstance(best, dict):
        found.update((f"best.{at}", value) for at, value in enumerate(best.get("values", [])) if _is_number(value))
    single = [Metric(_key(key), float(value), record.completed) for key, value in sorted(found.items())]
    return (*single, *_trace(record))


def parameters_of(record: Record, spec: Spec | None) -> dict[str, str]:
    """The record's texts, what a search found, and what the spec, where it is known, says of the run."""
    asked = {} if spec is None else dict(_leaves(spec.body, without=_OPERATIONAL))
    texts = {key: value for key, value in _leaves(_own(record)) if not _is_number(value)}
    best = record.body.get("best")
    chosen = best.get("parameters") if isinstance(best, dict) else None
    named = {f"best.{path}": value for path, value in chosen.items()} if isinstance(chosen, dict) else {}
    return {_key(key): text_of(value)[:LONGEST_VALUE] for key, value in {**asked, **texts, **named}.items()}


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _own(record: Record) -> dict[str, Any]:
    """The members of a record that are its kind's own."""
    own = {name: value for name, value in record.body.items() if name not in _ELSEWHERE}
    if record.kind == "compression" and "candidate" in record.body:
        own["candidate"] = record.body["candidate"]
    inner = own.pop(_UNNAMED[record.kind], None) if record.kind in _UNNAMED else None
    return {**own, **inner} if isinstance(inner, dict) else own


def _leaves(value: Mapping[str, Any], prefix: str = "", without: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
    """Every value inside, by its path with dots. A list of objects goes by their places, any other is one value."""
    for name, member in value.items():
        if name in without or member is None:
            continue
        path = f"{prefix}{name}"
        if isinstance(member, list) and member and all(isinstance(each, dict) for each in member):
            member = {str(at): each for at, each in enumerate(member)}
        if isinstance(member, dict):
            yield from _leaves(member, f"{path}.", without)
        else:
            yield path, member


_COLUMNS = ("value", "best", "seconds")


def _trace(record: Record) -> Iterator[Metric]:
    trace = record.body.get("trace")
    points = [point for point in trace if isinstance(point, dict)] if isinstance(trace, list) else []
    for column in _COLUMNS:
        for point in points:
            value, trial, seconds = (point.get(name) for name in (column, "trial", "seconds"))
            if _is_number(value) and _is_number(trial) and _is_number(seconds):
                at = min(record.started + round(1000 * seconds), record.completed)
                yield Metric(f"trial.{column}", float(value), at, int(trial))


def latest(metrics: tuple[Metric, ...]) -> dict[str, Metric]:
    """Of each name the one MLflow shows as its value: the last by step, then by time, then the largest."""
    last: dict[str, Metric] = {}
    for metric in metrics:
        other = last.get(metric.key)
        if other is None or _order(metric) > _order(other):
            last[metric.key] = metric
    return last


def _order(metric: Metric) -> tuple[int, int, float]:
    return metric.step, metric.timestamp, metric.value


def _key(path: str) -> str:
    """MLflow takes letters, digits and a few signs; a '/' would make a folder of the name."""
    return re.sub(r"[^A-Za-z0-9_.\- ]", "_", path)[:LONGEST_KEY]


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
