"""From records to what MLflow should hold. Pure: no MLflow, no cluster, no clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .measures import LONGEST_VALUE, Metric, metrics_of, parameters_of
from .records import Artifact, Record, Spec

RUN_TAG = "millwright.run"
"""By this a run or version of MLflow is known to be a record's: its value is the run's name."""

CHAMPION = "champion"
CHALLENGER = "challenger"
ALIASES = (CHAMPION, CHALLENGER)
"""The aliases that are the mirror's; others are whoever's set them."""

SERVABLE = ("training", "compression")
"""The kinds whose artifact is a version."""

NOT_COPIED = ("dataset",)
"""Kinds whose artifact stays in the store alone: raw data, possibly personal, and MLflow asks nobody for a password."""


@dataclass(frozen=True)
class DesiredRun:
    name: str
    started: int
    """Milliseconds since 1970, as `completed`."""
    completed: int
    parameters: Mapping[str, str]
    metrics: tuple[Metric, ...]
    tags: Mapping[str, str]
    record: str
    """The record itself, kept as an artifact."""
    artifact: Artifact | None
    """To be copied; None where there is nothing, or where it stays where it is."""
    folder: str
    """Below the run's artifacts, for the copy."""


@dataclass(frozen=True)
class DesiredVersion:
    run: str
    """The run that made it, and that MLflow links it with."""
    folder: str
    """Below the run's artifacts: what is served."""
    tags: Mapping[str, str]


@dataclass(frozen=True)
class DesiredModel:
    """One experiment and one registered model, both of the model's name."""

    name: str
    runs: Mapping[str, DesiredRun]
    """By name, the oldest first."""
    versions: Mapping[str, DesiredVersion]
    """By the run's name, the oldest first, so that MLflow's numbers rise with time."""
    aliases: Mapping[str, str]
    """The run whose version has each alias."""


def desired(records: Collection[Record], specs: Mapping[str, Spec]) -> dict[str, DesiredModel]:
    """What MLflow should hold of each model, by its name; the order of the records changes nothing.

    `specs` are those that were seen beside the records, by the run's name. A record's own goes before it; only one that
    was written before records held specs has none.
    """
    specs = {**specs, **_recorded(records)}
    names = sorted({record.model for record in records})
    return {name: _model(name, [each for each in records if each.model == name], specs) for name in names}


def _recorded(records: Collection[Record]) -> dict[str, Spec]:
    """The specs that records hold, by the run's name. Of no run any more that is declared."""
    return {
        record.run: Spec(record.kind, record.model, record.run, record.body["spec"], declared=False)
        for record in records
        if isinstance(record.body.get("spec"), dict)
    }


def _model(name: str, records: list[Record], specs: Mapping[str, Spec]) -> DesiredModel:
    distinct = {record.run: record for record in sorted(records, key=_age)}
    history = sorted(distinct.values(), key=_age)
    lineage = _Lineage(distinct, specs)
    servable = [record for record in history if record.kind in SERVABLE and lineage.training(record) is not None]
    versions = {
        record.run: DesiredVersion(record.run, _folder(record), _cut(_version_tags(record, lineage)))
        for record in servable
    }
    return DesiredModel(
        name=name,
        runs={record.run: _run(record, lineage, specs.get(record.run)) for record in history},
        versions=versions,
        aliases=_aliases(name, history, versions, specs),
    )


def _age(record: Record) -> tuple[int, str]:
    """Rises with time; of two in the same instant the order of their names decides, as in the plan."""
    return record.completed, record.run


class _Lineage:
    """Where a record comes from: data, search, training, compression."""

    def __init__(self, records: Mapping[str, Record], specs: Mapping[str, Spec]) -> None:
        self._records = records
        self._specs = specs

    def training(self, record: Record) -> Record | None:
        """The training a version, or a rollout of it, comes from; None where its record is gone."""
        if record.kind == "training":
            return record
        if record.kind == "compression":
            return self._of("training", record.body.get("training"))
        if record.kind != "rollout":
            return None
        candidate = record.body.get("candidate")
        version = self._of("training", candidate) or self._of("compression", candidate)
        return None if version is None else self.training(version)

    def tags(self, record: Record) -> dict[str, str]:
        """`millwright.<stage>` for each run it comes from, itself among them."""
        training = self.training(record)
        found: dict[str, Any] = {
            "dataset": record.body.get("dataset") if training is None else training.body.get("dataset"),
            "search": self._search(training) if training is not None else None,
            "training": record.body.get("training") if training is None else training.run,
            "base": self._base(training) if training is not None else None,
        }
        if record.kind == "rollout":
            candidate = record.body.get("candidate")
            found["version"] = candidate
            found["compression"] = candidate if self._of("compression", candidate) is not None else None
            found["stable"] = record.body.get("stable")
        elif record.kind not in SERVABLE:
            found["version"] = record.body.get("version")
        found[record.kind] = record.run
        return {f"millwright.{stage}": run for stage, run in found.items() if isinstance(run, str) and run}

    def _base(self, training: Record) -> Any:
        """The training whose weights a training started from, by the name its spec has."""
        spec = self._specs.get(training.run)
        base = None if spec is None else spec.body.get("base")
        return base.get("run") if isinstance(base, dict) else None

    def _search(self, training: Record) -> str | None:
        """The search whose parameters a training took: of those on its dataset that ended before, the newest.

        The training's record does not name it. Where the training's spec is known, its parameters must be what the
        search found; else they are taken to be.
        """
        spec = self._specs.get(training.run)
        found = [
            each
            for each in self._records.values()
            if each.kind == "search"
            and each.body.get("dataset") == training.body.get("dataset")
            and each.completed <= training.completed
            and (spec is None or _has(spec.body, each))
        ]
        return max(found, key=_age).run if found else None

    def _of(self, kind: str, run: Any) -> Record | None:
        record = self._records.get(run) if isinstance(run, str) else None
        return record if record is not None and record.kind == kind else None


def _has(training: Mapping[str, Any], search: Record) -> bool:
    """Whether a training's spec has the parameters a search found."""
    best = search.body.get("best")
    chosen = best.get("parameters") if isinstance(best, dict) else None
    return isinstance(chosen, dict) and all(_at(training, path) == value for path, value in chosen.items())


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _run(record: Record, lineage: _Lineage, spec: Spec | None) -> DesiredRun:
    copied = record.kind not in NOT_COPIED and record.artifact.bytes > 0
    return DesiredRun(
        name=record.run,
        started=record.started,
        completed=record.completed,
        parameters=parameters_of(record, spec),
        metrics=metrics_of(record),
        tags=_cut(_run_tags(record, lineage)),
        record=record.text,
        artifact=record.artifact if copied else None,
        folder=_folder(record),
    )


def _folder(record: Record) -> str:
    return "model" if record.kind in SERVABLE else "artifact"


def _run_tags(record: Record, lineage: _Lineage) -> dict[str, str]:
    tags = {
        RUN_TAG: record.run,
        "millwright.kind": record.kind,
        "millwright.model": record.model,
        "millwright.artifact": record.artifact.path,
        "millwright.artifact.sha256": record.artifact.sha256,
        **lineage.tags(record),
    }
    if isinstance(record.body.get("verdict"), str):
        tags["millwright.verdict"] = record.body["verdict"]
    if record.body.get("reasons"):
        tags["millwright.reasons"] = "; ".join(str(reason) for reason in record.body["reasons"])
    return tags


def _version_tags(record: Record, lineage: _Lineage) -> dict[str, str]:
    tags = {**_run_tags(record, lineage), "millwright.version": record.run}
    if record.kind == "compression" and isinstance(record.body.get("candidate"), str):
        tags["millwright.candidate"] = record.body["candidate"]
    return tags


def _cut(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value[:LONGEST_VALUE] for key, value in tags.items()}


def _aliases(
    model: str, history: list[Record], versions: Mapping[str, DesiredVersion], specs: Mapping[str, Spec]
) -> dict[str, str]:
    """Champion: the version promoted last. Challenger: the one on trial against it, if there is one."""
    rollouts = [each for each in history if each.kind == "rollout" and each.body.get("candidate") in versions]
    promotions = [at for at, each in enumerate(rollouts) if each.body.get("verdict") == "promote"]
    since = rollouts[promotions[-1] + 1 :] if promotions else rollouts
    champion = rollouts[promotions[-1]].body["candidate"] if promotions else None
    challenger = _on_trial(model, champion, since, history, specs)
    found = {CHAMPION: champion, CHALLENGER: challenger if challenger in versions else None}
    return {alias: run for alias, run in found.items() if run is not None}


def _on_trial(
    model: str, champion: str | None, since: list[Record], history: list[Record], specs: Mapping[str, Spec]
) -> str | None:
    """The candidate of a step that is under way, or of the newest verdict where that was to go on.

    A step under way has a spec and no record yet. One against another version than the champion was left behind when
    something else was promoted.
    """
    recorded = {record.run for record in history}
    under_way = sorted(
        spec.run
        for spec in specs.values()
        if spec.model == model and spec.kind == "rollout" and spec.declared and spec.run not in recorded
        if spec.body.get("stable") == champion and isinstance(spec.body.get("candidate"), str)
    )
    if under_way:
        return str(specs[under_way[-1]].body["candidate"])
    newest = since[-1] if since else None
    return newest.body["candidate"] if newest is not None and newest.body.get("verdict") == "advance" else None
