"""What the result of each stage must hold, as CONTRACT.md says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import checks
from .checks import Check, members

MOST_TRACED = 200
"""Points of a search's trace; every trial is in its artifact."""


def faults_of(result: Any, kind: str) -> list[str]:
    """A sentence for each fault of a stage's result; none when it can be recorded."""
    if not isinstance(result, dict):
        return [f"the result must be an object, is {type(result).__name__}"]
    check = _STAGES.get(kind)
    if check is None:
        return [f'results of stage "{kind}" cannot be recorded, only those of {", ".join(_STAGES)}']
    return [
        *members(result, "", {"seconds": checks.amount}),
        *_object(result, "artifact", _DIGEST),
        *check(result),
    ]


_DIGEST: dict[str, Check] = {"sha256": checks.sha256, "bytes": checks.count}


def _object(of: dict[str, Any], name: str, wanted: dict[str, Check], prefix: str = "") -> list[str]:
    """Faults of a member that must be an object with these members."""
    value = of.get(name)
    if not isinstance(value, dict):
        *most, last = wanted
        return [f"{prefix}{name}: must be an object with {', '.join(most)} and {last}"]
    return members(value, f"{prefix}{name}.", wanted)


def _dataset(result: dict[str, Any]) -> list[str]:
    wanted = {"labels": checks.names, "duplicatesDropped": checks.count, "leakedItems": checks.zero}
    faults = members(result, "", wanted)
    splits = result.get("splits")
    if not isinstance(splits, dict):
        return [*faults, "splits: must be an object with train, validation and test"]
    for name in ("train", "validation", "test"):
        faults += _object(splits, name, {"items": checks.count, "labels": checks.counts}, "splits.")
    return faults


_BEST: dict[str, Check] = {"parameters": checks.parameters, "values": checks.numbers}
_TRACE_POINT: dict[str, Check] = {
    "trial": checks.count,
    "value": checks.number,
    "best": checks.number,
    "seconds": checks.amount,
}


def _search(result: dict[str, Any]) -> list[str]:
    """Of one objective there is a trace, of several a front."""
    faults = [
        *members(result, "", {"dataset": checks.name}),
        *_object(result, "best", _BEST),
        *_object(result, "trials", dict.fromkeys(("completed", "pruned", "failed"), checks.count)),
    ]
    if ("trace" in result) == ("front" in result):
        return [*faults, "trace, front: one of the two must be there, a trace of one objective or a front of several"]
    if "front" in result:
        return faults + _list(result, "front", _BEST)
    faults += _list(result, "trace", _TRACE_POINT)
    if isinstance(result["trace"], list) and len(result["trace"]) > MOST_TRACED:
        faults.append(f"trace: has {len(result['trace'])} points, at most {MOST_TRACED} are recorded")
    return faults


def _list(of: dict[str, Any], name: str, wanted: dict[str, Check]) -> list[str]:
    """Faults of a member that must be a list of at least one object with these members."""
    value = of.get(name)
    if not isinstance(value, list) or not value:
        return [f"{name}: must be a list of at least one object with {', '.join(wanted)}"]
    faults = []
    for at, each in enumerate(value):
        if isinstance(each, dict):
            faults += members(each, f"{name}.{at}.", wanted)
        else:
            faults.append(f"{name}.{at}: must be an object with {', '.join(wanted)}")
    return faults


_METRICS = (
    "testAccuracy",
    "testF1",
    "validationAccuracy",
    "majorityAccuracy",
    "majorityF1",
    "simpleAccuracy",
    "simpleF1",
)


def _training(result: dict[str, Any]) -> list[str]:
    faults = members(
        result, "", {"dataset": checks.name, **dict.fromkeys(("steps", "epochs", "restarts", "workers"), checks.count)}
    )
    if "network" in result:
        faults += _object(result, "network", _DIGEST)
    metrics = result.get("metrics")
    if not isinstance(metrics, dict):
        return [*faults, "metrics: must be an object of numbers"]
    faults += members(metrics, "metrics.", dict.fromkeys(_METRICS, checks.fraction))
    faults += members(metrics, "metrics.", {name: checks.number for name in metrics if name not in _METRICS})
    return faults


_MEASUREMENT: dict[str, Check] = {
    "testAccuracy": checks.fraction,
    "testF1": checks.fraction,
    "bytes": checks.count,
    "parameters": checks.count,
    "latencyP50Ms": checks.amount,
    "latencyP99Ms": checks.amount,
    "throughputPerSecond": checks.amount,
    "sparsity": checks.fraction,
}


def _compression(result: dict[str, Any]) -> list[str]:
    return [
        *members(result, "", {"training": checks.name, "candidate": checks.name, "restarts": checks.count}),
        *_object(result, "baseline", _MEASUREMENT),
        *_object(result, "result", _MEASUREMENT),
    ]


_EVIDENCE: dict[str, Check] = {
    "requests": checks.count,
    "errors": checks.count,
    "p50Ms": checks.amount,
    "p99Ms": checks.amount,
    "accuracy": checks.fraction,
    "liveRequests": checks.count,
    "liveErrors": checks.count,
}
ROLLBACK = "rollback"
VERDICTS = ("advance", "promote", ROLLBACK)


def _rollout(result: dict[str, Any]) -> list[str]:
    wanted: dict[str, Check] = {
        "candidate": checks.name,
        "stable": checks.or_null(checks.name),
        "step": checks.count,
        "weight": checks.percent,
        "verdict": checks.one_of(VERDICTS),
        "reasons": checks.sentences,
    }
    faults = members(result, "", wanted)
    if result.get("verdict") == ROLLBACK and result.get("reasons") == []:
        faults.append("reasons: is [], must say why the verdict is rollback")
    evidence = result.get("evidence")
    if not isinstance(evidence, dict):
        return [*faults, "evidence: must be an object with candidate, stable and agreement"]
    faults += _object(evidence, "candidate", _EVIDENCE, "evidence.")
    if result.get("stable") is None:
        # A model's first version: there was nothing to compare it with.
        return faults + members(evidence, "evidence.", {"stable": checks.null, "agreement": checks.null})
    faults += _object(evidence, "stable", _EVIDENCE, "evidence.")
    return faults + members(evidence, "evidence.", {"agreement": checks.or_null(checks.fraction)})


_STAGES: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "dataset": _dataset,
    "search": _search,
    "training": _training,
    "compression": _compression,
    "rollout": _rollout,
}
