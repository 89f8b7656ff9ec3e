"""From the ConfigMaps of a namespace to records of runs, and to the specs of runs that have none yet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

MODEL_LABEL = "millwright.dev/model"
RUN_LABEL = "millwright.dev/run"
RECORD_LABEL = "millwright.dev/record"
COMPONENT_LABEL = "app.kubernetes.io/component"

RECORD_KEY = "record.json"
SPEC_KEY = "spec.json"


class RecordError(Exception):
    """A ConfigMap that is labelled as a record and holds none."""


@dataclass(frozen=True)
class Artifact:
    path: str
    """Below the artifact store's root."""
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Record:
    kind: str
    model: str
    run: str
    completed: int
    """Milliseconds since 1970, as MLflow counts."""
    seconds: float
    artifact: Artifact
    body: Mapping[str, Any]
    """All of the record."""
    text: str
    """As it stands in the ConfigMap."""

    @property
    def started(self) -> int:
        """Milliseconds since 1970. A run that was interrupted began earlier: it knows what it took, not when."""
        return max(0, self.completed - round(1000 * self.seconds))


@dataclass(frozen=True)
class Spec:
    """What a run was asked to do. Its object is there as long as its Job is declared; the record, which comes then, holds
    it for good."""

    kind: str
    model: str
    run: str
    body: Mapping[str, Any]
    declared: bool = True
    """Still in the cluster."""


Held = Record | Spec


@dataclass(frozen=True)
class Snapshot:
    """What the cluster holds, as far as it matters here."""

    records: tuple[Record, ...]
    specs: Mapping[str, Spec]
    """By the run's name; those that were seen and are gone among them."""
    faults: tuple[str, ...]
    """A sentence for each record that cannot be read."""


class Holdings:
    """The ConfigMaps as they come and go."""

    def __init__(self) -> None:
        self._held: dict[str, Held | RecordError] = {}
        """By the ConfigMap's name."""
        self._gone: dict[str, Spec] = {}
        """Specs that were removed, by the run's name: the spec of a record is often gone before it is mirrored."""

    def replace(self, config_maps: Iterable[Mapping[str, Any]]) -> None:
        """Takes a whole list in place of all there was."""
        listed = {config_map["metadata"]["name"]: config_map for config_map in config_maps}
        for name in self._held.keys() - listed.keys():
            self.remove(name)
        for config_map in listed.values():
            self.put(config_map)

    def put(self, config_map: Mapping[str, Any]) -> None:
        name = config_map["metadata"]["name"]
        try:
            held = read(config_map)
        except RecordError as error:
            self._held[name] = error
            return
        if held is None:
            self._held.pop(name, None)
        else:
            self._held[name] = held

    def remove(self, name: str) -> None:
        held = self._held.pop(name, None)
        if isinstance(held, Spec):
            self._gone[held.run] = replace(held, declared=False)

    def snapshot(self) -> Snapshot:
        held = list(self._held.values())
        specs = {spec.run: spec for spec in held if isinstance(spec, Spec)}
        return Snapshot(
            records=tuple(record for record in held if isinstance(record, Record)),
            specs={**self._gone, **specs},
            faults=tuple(sorted(str(error) for error in held if isinstance(error, RecordError))),
        )


def read(config_map: Mapping[str, Any]) -> Held | None:
    """The record or spec a ConfigMap holds; None where it holds neither.

    Raises RecordError for one that is labelled as a record and cannot be read. A field that only some kinds have is not
    asked for: it is mirrored where it is there.
    """
    metadata = config_map["metadata"]
    labels = metadata.get("labels") or {}
    data = config_map.get("data") or {}
    if RECORD_LABEL in labels:
        return _record(metadata["name"], data.get(RECORD_KEY))
    run, model = labels.get(RUN_LABEL), labels.get(MODEL_LABEL)
    if run is None or model is None or SPEC_KEY not in data:
        return None
    try:
        body = json.loads(data[SPEC_KEY])
    except ValueError:
        return None
    return Spec(labels.get(COMPONENT_LABEL, ""), model, run, body) if isinstance(body, dict) else None


def _record(name: str, text: str | None) -> Record:
    if text is None:
        raise RecordError(f"ConfigMap {name} is labelled as a record and has no {RECORD_KEY}")
    try:
        body = json.loads(text)
        completed = datetime.fromisoformat(body["completedAt"].replace("Z", "+00:00"))
        if completed.tzinfo is None:
            raise ValueError("completedAt has no time zone")
        return Record(
            kind=_text(body["kind"]),
            model=_text(body["model"]),
            run=_text(body["run"]),
            completed=round(1000 * completed.timestamp()),
            seconds=float(body["seconds"]),
            artifact=Artifact(
                path=_text(body["artifact"]["path"]),
                sha256=_text(body["artifact"]["sha256"]),
                bytes=int(body["artifact"]["bytes"]),
            ),
            body=body,
            text=text,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"ConfigMap {name} holds no record that can be read ({error!r})") from error


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} must be a text")
    return value
