"""From a workload's result to the record of its run."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_BYTES = 256 * 1024
"""A record is read on every `up`; a ConfigMap could take four times as much."""


class ResultError(Exception):
    """The workload's result is not what CONTRACT.md asks for."""


def record_of(result: Any, kind: str, model: str, run: str, artifact_path: str, completed_at: str) -> dict[str, Any]:
    """The record. Raises ResultError that names every fault of the result."""
    faults = _faults(result, kind)
    if faults:
        raise ResultError("; ".join(faults))
    record = {
        **result,
        "kind": kind,
        "model": model,
        "run": run,
        "completedAt": completed_at,
        "artifact": {**result["artifact"], "path": artifact_path},
    }
    size = len(json.dumps(record).encode("utf-8"))
    if size > MAX_BYTES:
        raise ResultError(f"the record takes {size} bytes, at most {MAX_BYTES} are allowed; leave detail in the artifact")
    return record


def config_map(record: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The immutable ConfigMap that holds a record."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"record-{record['run']}",
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/name": record["model"],
                "app.kubernetes.io/component": record["kind"],
                "app.kubernetes.io/part-of": "millwright",
                "app.kubernetes.io/managed-by": "millwright-recorder",
                "millwright.dev/model": record["model"],
                "millwright.dev/run": record["run"],
                "millwright.dev/record": record["kind"],
            },
        },
        "immutable": True,
        "data": {"record.json": json.dumps(record, sort_keys=True, indent=2, ensure_ascii=False)},
    }


def _faults(result: Any, kind: str) -> list[str]:
    if not isinstance(result, dict):
        return [f"the result must be an object, is {type(result).__name__}"]
    faults = _members(result, "", {"seconds": _amount})
    artifact = result.get("artifact")
    if isinstance(artifact, dict):
        faults += _members(artifact, "artifact.", {"sha256": _sha256, "bytes": _count})
    else:
        faults.append("artifact: must be an object with sha256 and bytes")
    faults += {"dataset": _dataset_faults, "training": _training_faults}.get(kind, lambda _: [])(result)
    return faults


def _dataset_faults(result: dict[str, Any]) -> list[str]:
    faults = _members(result, "", {"labels": _names, "duplicatesDropped": _count, "leakedItems": _zero})
    splits = result.get("splits")
    if not isinstance(splits, dict):
        return [*faults, "splits: must be an object with train, validation and test"]
    for name in ("train", "validation", "test"):
        split = splits.get(name)
        if not isinstance(split, dict):
            faults.append(f"splits.{name}: must be an object with items and labels")
        else:
            faults += _members(split, f"splits.{name}.", {"items": _count, "labels": _counts})
    return faults


_METRICS = (
    "testAccuracy",
    "testF1",
    "validationAccuracy",
    "majorityAccuracy",
    "majorityF1",
    "bagOfWordsAccuracy",
    "bagOfWordsF1",
)


def _training_faults(result: dict[str, Any]) -> list[str]:
    checks = {"dataset": _name, "steps": _count, "epochs": _count, "restarts": _count, "workers": _count}
    faults = _members(result, "", checks)
    metrics = result.get("metrics")
    if not isinstance(metrics, dict):
        return [*faults, "metrics: must be an object of numbers"]
    faults += _members(metrics, "metrics.", dict.fromkeys(_METRICS, _fraction))
    faults += _members(metrics, "metrics.", {name: _number for name in metrics if name not in _METRICS})
    return faults


def _members(of: dict[str, Any], prefix: str, checks: dict[str, Any]) -> list[str]:
    faults = []
    for name, check in checks.items():
        wanted = check(of.get(name))
        if wanted is not None:
            found = json.dumps(of[name])[:80] if name in of else "missing"
            faults.append(f"{prefix}{name}: is {found}, must be {wanted}")
    return faults


# Each check answers None when the value is right, else what it must be.


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) != float("inf") and value == value


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _number(value: Any) -> str | None:
    return None if _is_number(value) else "a finite number"


def _amount(value: Any) -> str | None:
    return None if _is_number(value) and value >= 0 else "a number of at least 0"


def _fraction(value: Any) -> str | None:
    return None if _is_number(value) and 0 <= value <= 1 else "a number from 0 to 1"


def _count(value: Any) -> str | None:
    return None if _is_count(value) else "a whole number of at least 0"


def _zero(value: Any) -> str | None:
    return None if _is_count(value) and value == 0 else "0"


def _counts(value: Any) -> str | None:
    right = isinstance(value, dict) and all(_is_count(each) for each in value.values())
    return None if right else "an object of whole numbers"


def _name(value: Any) -> str | None:
    return None if isinstance(value, str) and value else "a name"


def _names(value: Any) -> str | None:
    right = isinstance(value, list) and len(value) > 1 and all(isinstance(each, str) and each for each in value)
    return None if right else "a list of at least two names"


def _sha256(value: Any) -> str | None:
    right = isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value)
    return None if right else "a SHA-256 in lower-case hexadecimal"
