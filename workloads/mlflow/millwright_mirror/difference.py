"""From what MLflow should hold and what it holds to what is to be done. Pure.

Nothing is removed but an alias of the mirror's own that no version has any more: MLflow outlives the records. What
people add to MLflow (tags, aliases, runs, notes) stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from .desired import ALIASES, DesiredModel, DesiredRun, DesiredVersion
from .measures import Metric, latest
from .state import HeldModel, HeldRun

RECORD_FILE = "record.json"

MOST_COPIED_BYTES = 2 * 1024**3
"""A larger artifact stays in the store alone: a copy of it would cost more than it is worth."""


@dataclass(frozen=True)
class CreateExperiment:
    pass


@dataclass(frozen=True)
class RestoreExperiment:
    experiment_id: str


@dataclass(frozen=True)
class CreateRun:
    run: DesiredRun


@dataclass(frozen=True)
class RestoreRun:
    run: str


@dataclass(frozen=True)
class Log:
    """Adds to a run; what is there already may be among it."""

    run: str
    metrics: tuple[Metric, ...]
    parameters: dict[str, str]
    tags: dict[str, str]


@dataclass(frozen=True)
class StoreRecord:
    run: DesiredRun


@dataclass(frozen=True)
class StoreArtifact:
    run: DesiredRun


@dataclass(frozen=True)
class FinishRun:
    run: DesiredRun


@dataclass(frozen=True)
class RegisterModel:
    pass


@dataclass(frozen=True)
class CreateVersion:
    version: DesiredVersion


@dataclass(frozen=True)
class TagVersion:
    version: str
    """By the run that made it."""
    key: str
    value: str


@dataclass(frozen=True)
class SetAlias:
    alias: str
    version: str
    """By the run that made it."""


@dataclass(frozen=True)
class RemoveAlias:
    alias: str


Action = (
    CreateExperiment
    | RestoreExperiment
    | CreateRun
    | RestoreRun
    | Log
    | StoreRecord
    | StoreArtifact
    | FinishRun
    | RegisterModel
    | CreateVersion
    | TagVersion
    | SetAlias
    | RemoveAlias
)


@dataclass
class Difference:
    actions: list[Action] = field(default_factory=list)
    """In an order in which each finds what it needs."""
    faults: list[str] = field(default_factory=list)
    """A sentence for each thing that MLflow does not let the mirror put right."""


def difference(wanted: DesiredModel, held: HeldModel) -> Difference:
    """What is to be done about one model. Where all of it has been done, the difference is empty of actions."""
    found = Difference()
    if held.experiment_id is None:
        found.actions.append(CreateExperiment())
    elif held.experiment_deleted:
        found.actions.append(RestoreExperiment(held.experiment_id))
    for name, run in wanted.runs.items():
        _compare_run(run, held.runs.get(name), held.experiment_deleted, found)
    if wanted.versions and not held.registered:
        found.actions.append(RegisterModel())
    for name, version in wanted.versions.items():
        there = held.versions.get(name)
        if there is None:
            found.actions.append(CreateVersion(version))
        else:
            missing = _missing(version.tags, there.tags)
            found.actions += [TagVersion(name, key, value) for key, value in missing.items()]
    _compare_aliases(wanted, held, found)
    return found


def _compare_run(run: DesiredRun, held: HeldRun | None, restored: bool, found: Difference) -> None:
    if held is None:
        found.actions.append(CreateRun(run))
    elif held.deleted and not restored:
        # With its experiment a run comes back by itself.
        found.actions.append(RestoreRun(run.name))

    parameters = _missing(run.parameters, {} if held is None else held.parameters)
    if held is not None:
        for key in parameters.keys() & held.parameters.keys():
            was, said = held.parameters[key], parameters.pop(key)
            found.faults.append(_stays(run, f"parameter {key}", was, said))
    # A tag is put in its place when a run is created, so that a run is known from its first moment on.
    tags = {} if held is None else _missing(run.tags, held.tags)
    metrics = _missing_metrics(run, held, found)
    if parameters or tags or metrics:
        found.actions.append(Log(run.name, metrics, parameters, tags))

    files = {} if held is None else held.files
    if files.get(RECORD_FILE) != len(run.record.encode("utf-8")):
        found.actions.append(StoreRecord(run))
    if run.artifact is not None and run.artifact.bytes > MOST_COPIED_BYTES:
        found.faults.append(
            f"run {run.name}: its artifact has {run.artifact.bytes} bytes, more than {MOST_COPIED_BYTES}; "
            f"it is not copied and stays in the artifact store at {run.artifact.path}"
        )
    elif run.artifact is not None:
        copied = sum(size for path, size in files.items() if path.startswith(f"{run.folder}/"))
        if copied != run.artifact.bytes:
            found.actions.append(StoreArtifact(run))
    if held is None or not held.finished:
        found.actions.append(FinishRun(run))


def _missing(wanted: Mapping[str, str], held: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in wanted.items() if held.get(key) != value}


def _missing_metrics(run: DesiredRun, held: HeldRun | None, found: Difference) -> tuple[Metric, ...]:
    """All metrics of each name whose latest is not there: MLflow takes a point it has a second time without effect."""
    there = {} if held is None else held.metrics
    missing = {key for key, metric in latest(run.metrics).items() if there.get(key) != metric}
    for key in sorted(missing & there.keys()):
        wanted = latest(run.metrics)[key]
        if latest((wanted, there[key]))[key] != wanted:
            # What is shown comes after what the record says, so logging it again would change nothing, for ever.
            found.faults.append(_stays(run, f"metric {key}", there[key].value, wanted.value))
            missing.discard(key)
    return tuple(metric for metric in run.metrics if metric.key in missing)


def _stays(run: DesiredRun, what: str, held: object, wanted: object) -> str:
    return f"run {run.name}: {what} is {held} in MLflow and {wanted} by its record; MLflow does not let it be changed"


def _compare_aliases(wanted: DesiredModel, held: HeldModel, found: Difference) -> None:
    for alias in ALIASES:
        run = wanted.aliases.get(alias)
        if run is None:
            if alias in held.aliases:
                found.actions.append(RemoveAlias(alias))
            continue
        version = held.versions.get(run)
        if version is None or held.aliases.get(alias) != version.number:
            found.actions.append(SetAlias(alias, run))
