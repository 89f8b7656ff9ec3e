"""What the records of a namespace say of its models: which version serves, and which triggers there have been."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from .decision import Past, Serving

KINDS = ("training", "compression", "rollout", "trigger")
"""The records that are looked at."""

Record = Mapping[str, Any]


def records_in(config_maps: Mapping[str, Any]) -> list[Record]:
    """From the API's list of record ConfigMaps, the newest first. One that cannot be read is passed over."""
    found = []
    for config_map in config_maps.get("items", []):
        try:
            record = json.loads(config_map["data"]["record.json"])
            _at(record)
            found.append(record)
        except (KeyError, TypeError, ValueError):
            continue
    return sorted(found, key=lambda record: (_at(record), record["run"]), reverse=True)


def serving_of(model: str, records: Sequence[Record]) -> Serving | None:
    """What was promoted last, as components/lifecycle/history.ts has it; `records` have the newest first."""
    by_run = {record["run"]: record for record in reversed(records)}
    for promotion in _of(model, "rollout", records):
        if promotion.get("verdict") != "promote":
            continue
        version = by_run.get(promotion["candidate"])
        training = None if version is None else by_run.get(version.get("training", version["run"]))
        if version is not None and training is not None and training["kind"] == "training":
            accuracy = version["result"] if version["kind"] == "compression" else version["metrics"]
            return Serving(version["run"], float(accuracy["testAccuracy"]), _at(training))
    return None


def triggers_of(model: str, records: Iterable[Record]) -> list[Past]:
    return [Past(each["reason"], each["version"], _at(each)) for each in _of(model, "trigger", records)]


def _of(model: str, kind: str, records: Iterable[Record]) -> list[Record]:
    return [record for record in records if record["kind"] == kind and record["model"] == model]


def _at(record: Record) -> float:
    """Unix time. Raises KeyError, TypeError or ValueError for what is no record."""
    if not all(isinstance(record[name], str) for name in ("kind", "model", "run")):
        raise TypeError("not a record")
    return datetime.fromisoformat(record["completedAt"]).timestamp()
