"""The edge to MLflow: reads what it holds of a model, and does what is to be done, by its REST API (2.0).

The API is stable and its client is not small: it would take 200 MB to send a dozen kinds of requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from .desired import RUN_TAG, DesiredModel, DesiredRun
from .difference import (
    RECORD_FILE,
    Action,
    CreateExperiment,
    CreateRun,
    CreateVersion,
    FinishRun,
    Log,
    RegisterModel,
    RemoveAlias,
    RestoreExperiment,
    RestoreRun,
    SetAlias,
    StoreArtifact,
    StoreRecord,
    TagVersion,
)
from .measures import Metric
from .rest import ABSENT, Rest, RestError
from .state import HeldModel, HeldRun, HeldVersion
from .store import StoreError, artifact_files, open_file

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
SCHEME = "mlflow-artifacts:"

PAGE = 1000
MOST_METRICS = 500
MOST_NAMED = 100
"""Metrics, and parameters or tags, of one request; MLflow takes 1000 and 100."""

T = TypeVar("T")


class MlflowEdge:
    def __init__(self, rest: Rest, store: Path) -> None:
        self._rest = rest
        self._store = store
        self._files: dict[str, dict[str, int]] = {}
        """Artifacts by run_id, asked for once a process: only the mirror writes them."""

    def read(self, name: str) -> HeldModel:
        experiment = self._ask("experiment", "experiments/get-by-name", experiment_name=name)
        registered = self._ask("registered_model", "registered-models/get", name=name)
        return HeldModel(
            experiment_id=None if experiment is None else experiment["experiment_id"],
            experiment_deleted=experiment is not None and experiment["lifecycle_stage"] == "deleted",
            registered=registered is not None,
            runs={} if experiment is None else self._runs(experiment["experiment_id"]),
            versions={} if registered is None else self._versions(name),
            aliases={each["alias"]: str(each["version"]) for each in (registered or {}).get("aliases", [])},
        )

    def _ask(self, what: str, path: str, **query: str) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = self._rest.get(f"{API}/{path}", **query)[what]
            return answer
        except RestError as error:
            if error.code != ABSENT:
                raise
            return None

    def _runs(self, experiment_id: str) -> dict[str, HeldRun]:
        found: dict[str, HeldRun] = {}
        query = {"experiment_ids": [experiment_id], "run_view_type": "ALL", "max_results": PAGE}
        for run in self._pages("runs", lambda page: self._rest.post(f"{API}/runs/search", **query, **page)):
            tags = {each["key"]: each["value"] for each in run["data"].get("tags", [])}
            name = tags.get(RUN_TAG)
            if name is None:
                continue
            held = self._held_run(run, tags)
            other = found.get(name)
            # A second of one name is somebody's copy: of two, the one not in MLflow's bin, else the first by identity.
            if other is None or (held.deleted, held.run_id) < (other.deleted, other.run_id):
                found[name] = held
        return found

    def _held_run(self, run: dict[str, Any], tags: dict[str, str]) -> HeldRun:
        info, data = run["info"], run["data"]
        return HeldRun(
            run_id=info["run_id"],
            deleted=info["lifecycle_stage"] == "deleted",
            artifact_uri=info["artifact_uri"],
            finished=info["status"] == "FINISHED",
            parameters={each["key"]: each["value"] for each in data.get("params", [])},
            metrics={
                each["key"]: Metric(each["key"], float(each["value"]), int(each["timestamp"]), int(each.get("step", 0)))
                for each in data.get("metrics", [])
            },
            tags=tags,
            files=self._stored(info["run_id"], info["artifact_uri"]),
        )

    def _stored(self, run_id: str, artifact_uri: str) -> dict[str, int]:
        if run_id not in self._files:
            self._files[run_id] = dict(self._list(_below(artifact_uri), ""))
        return self._files[run_id]

    def _list(self, root: str, folder: str) -> Iterator[tuple[str, int]]:
        path = f"{root}/{folder}" if folder else root
        for each in self._rest.get(ARTIFACTS, path=path).get("files", []):
            name = f"{folder}/{each['path']}" if folder else str(each["path"])
            if each["is_dir"]:
                yield from self._list(root, name)
            else:
                yield name, int(each.get("file_size", 0))

    def _versions(self, name: str) -> dict[str, HeldVersion]:
        found: dict[str, HeldVersion] = {}
        query = {"filter": f"name='{name}'", "max_results": str(PAGE)}
        for each in self._pages(
            "model_versions", lambda page: self._rest.get(f"{API}/model-versions/search", **query, **page)
        ):
            tags = {tag["key"]: tag["value"] for tag in each.get("tags", [])}
            run = tags.get(RUN_TAG)
            version = HeldVersion(str(each["version"]), tags)
            if run is not None and (run not in found or int(version.number) < int(found[run].number)):
                found[run] = version
        return found

    @staticmethod
    def _pages(what: str, ask: Any) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            answer = ask({"page_token": token} if token else {})
            yield from answer.get(what, [])
            token = answer.get("next_page_token", "")
            if not token:
                return

    def apply(self, model: DesiredModel, held: HeldModel, actions: Iterable[Action]) -> Iterator[str | None]:
        """Does one action after the other; for each yields None, or a sentence where its artifact cannot be copied.

        Raises RestError where MLflow refuses or fails; what was done until then stays done.
        """
        change = _Change(self._rest, self._store, self._files, model.name, held)
        for action in actions:
            try:
                change.do(action)
                yield None
            except (StoreError, OSError) as error:
                yield f"its artifact cannot be copied: {error}"


class _Change:
    """Actions name runs and versions; MLflow's own identities of them become known on the way."""

    def __init__(self, rest: Rest, store: Path, files: dict[str, dict[str, int]], model: str, held: HeldModel) -> None:
        self._rest = rest
        self._store = store
        self._files = files
        self._model = model
        self._experiment_id = held.experiment_id
        self._runs = {name: (run.run_id, run.artifact_uri) for name, run in held.runs.items()}
        self._versions = {name: version.number for name, version in held.versions.items()}

    def do(self, action: Action) -> None:
        rest, model = self._rest, self._model
        if isinstance(action, CreateExperiment):
            answer = rest.post(f"{API}/experiments/create", name=model, tags=_pairs({"millwright.model": model}))
            self._experiment_id = answer["experiment_id"]
        elif isinstance(action, RestoreExperiment):
            rest.post(f"{API}/experiments/restore", experiment_id=action.experiment_id)
        elif isinstance(action, CreateRun):
            self._create_run(action.run)
        elif isinstance(action, RestoreRun):
            rest.post(f"{API}/runs/restore", run_id=self._runs[action.run][0])
        elif isinstance(action, Log):
            self._log(action)
        elif isinstance(action, StoreRecord):
            content = action.run.record.encode("utf-8")
            self._put(action.run.name, RECORD_FILE, content, len(content))
        elif isinstance(action, StoreArtifact):
            self._copy(action.run)
        elif isinstance(action, FinishRun):
            run_id, _ = self._runs[action.run.name]
            rest.post(f"{API}/runs/update", run_id=run_id, status="FINISHED", end_time=action.run.completed)
        elif isinstance(action, RegisterModel):
            rest.post(f"{API}/registered-models/create", name=model, tags=_pairs({"millwright.model": model}))
        elif isinstance(action, CreateVersion):
            self._create_version(action)
        elif isinstance(action, TagVersion):
            version = self._versions[action.version]
            rest.post(f"{API}/model-versions/set-tag", name=model, version=version, key=action.key, value=action.value)
        elif isinstance(action, SetAlias):
            version = self._versions[action.version]
            rest.post(f"{API}/registered-models/alias", name=model, alias=action.alias, version=version)
        elif isinstance(action, RemoveAlias):
            rest.delete(f"{API}/registered-models/alias", name=model, alias=action.alias)

    def _create_run(self, run: DesiredRun) -> None:
        answer = self._rest.post(
            f"{API}/runs/create",
            experiment_id=self._experiment_id,
            run_name=run.name,
            start_time=run.started,
            tags=_pairs(run.tags),
        )
        info = answer["run"]["info"]
        self._runs[run.name] = (info["run_id"], info["artifact_uri"])
        self._files[info["run_id"]] = {}

    def _log(self, action: Log) -> None:
        run_id, _ = self._runs[action.run]
        path = f"{API}/runs/log-batch"
        for metrics in _chunks(action.metrics, MOST_METRICS):
            self._rest.post(path, run_id=run_id, metrics=[vars(metric) for metric in metrics])
        for parameters in _chunks(_pairs(action.parameters), MOST_NAMED):
            self._rest.post(path, run_id=run_id, params=parameters)
        for tags in _chunks(_pairs(action.tags), MOST_NAMED):
            self._rest.post(path, run_id=run_id, tags=tags)

    def _copy(self, run: DesiredRun) -> None:
        assert run.artifact is not None
        for file in artifact_files(self._store, run.artifact):
            with open_file(file.path) as content:
                self._put(run.name, f"{run.folder}/{file.name}", content, file.bytes)

    def _put(self, run: str, name: str, content: Any, size: int) -> None:
        run_id, artifact_uri = self._runs[run]
        self._rest.put_file(f"{ARTIFACTS}/{_below(artifact_uri)}/{name}", content, size)
        self._files.setdefault(run_id, {})[name] = size

    def _create_version(self, action: CreateVersion) -> None:
        run_id, artifact_uri = self._runs[action.version.run]
        answer = self._rest.post(
            f"{API}/model-versions/create",
            name=self._model,
            source=f"{artifact_uri}/{action.version.folder}",
            run_id=run_id,
            tags=_pairs(action.version.tags),
        )
        self._versions[action.version.run] = str(answer["model_version"]["version"])


def _below(artifact_uri: str) -> str:
    """A run's artifacts below MLflow's own folder. Raises RestError where MLflow does not serve them itself."""
    if not artifact_uri.startswith(f"{SCHEME}/"):
        raise RestError(f"{artifact_uri} is not served by MLflow; start its server with --serve-artifacts")
    return artifact_uri[len(SCHEME) :].strip("/")


def _pairs(values: Any) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _chunks(values: Any, size: int) -> Iterator[Any]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
