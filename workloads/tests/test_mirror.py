"""The mirror: what it makes of records (tables), and what of it is in a real MLflow server on SQLite.

Not proved here: that the cluster's API answers as the made-up one does, that the role is enough, and PostgreSQL, which
MLflow hides from its clients (test_tracking starts MLflow on it).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import queue
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
from collections.abc import Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from . import support
from .mlflow_server import MLFLOW, MlflowServer

from millwright_mirror.desired import DesiredModel, desired  # noqa: E402
from millwright_mirror.difference import (  # noqa: E402
    MOST_COPIED_BYTES,
    Log,
    RemoveAlias,
    RestoreRun,
    SetAlias,
    StoreArtifact,
    difference,
)
from millwright_mirror.measures import Metric, latest, metrics_of, parameters_of  # noqa: E402
from millwright_mirror.mirror import Mirror  # noqa: E402
from millwright_mirror.mlflow_edge import MlflowEdge  # noqa: E402
from millwright_mirror.records import Artifact, Holdings, Record, RecordError, Snapshot, Spec, read  # noqa: E402
from millwright_mirror.rest import Rest, RestError  # noqa: E402
from millwright_mirror.state import HeldModel, HeldRun, HeldVersion  # noqa: E402
from millwright_mirror.store import StoreError, artifact_files  # noqa: E402

BEGAN = 1_767_225_600
"""2026-01-01T00:00:00Z."""

EMPTY = hashlib.sha256(b"").hexdigest()


def time_of(minute: float) -> str:
    return datetime.fromtimestamp(BEGAN + 60 * minute, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def body(kind: str, name: str, minute: float, model: str = "triage", **more: Any) -> dict[str, Any]:
    run = f"{model}-{kind}-{name}"
    folders = {"training": "training/{}/model", "compression": "compression/{}/model", "search": "searches/{}"}
    path = folders.get(kind, kind + "s/{}").format(run)
    return {
        "kind": kind,
        "model": model,
        "run": run,
        "completedAt": time_of(minute),
        "seconds": 30,
        "artifact": {"path": path, "sha256": EMPTY, "bytes": 0},
        **more,
    }


def config_map(record: dict[str, Any]) -> dict[str, Any]:
    labels = {"record": record["kind"], "model": record["model"], "run": record["run"]}
    return {
        "metadata": {
            "name": f"record-{record['run']}",
            "labels": {f"millwright.dev/{name}": value for name, value in labels.items()},
        },
        "data": {"record.json": json.dumps(record)},
    }


def spec_map(kind: str, run: str, spec: dict[str, Any], model: str = "triage") -> dict[str, Any]:
    labels = {"app.kubernetes.io/component": kind, "millwright.dev/model": model, "millwright.dev/run": run}
    return {"metadata": {"name": f"{run}-spec", "labels": labels}, "data": {"spec.json": json.dumps(spec)}}


def record_of(value: dict[str, Any]) -> Record:
    held = read(config_map(value))
    assert isinstance(held, Record)
    return held


def dataset(name: str = "1", minute: float = 0, **more: Any) -> dict[str, Any]:
    splits = {split: {"items": 10, "labels": {"ham": 6, "spam/junk": 4}} for split in ("train", "validation", "test")}
    return body(
        "dataset", name, minute, labels=["ham", "spam/junk"], splits=splits, duplicatesDropped=3, leakedItems=0, **more
    )


def search(name: str = "1", minute: float = 1, **more: Any) -> dict[str, Any]:
    trace = [
        {"trial": 0, "value": 0.5, "best": 0.5, "seconds": 4.5},
        {"trial": 2, "value": 0.7, "best": 0.5, "seconds": 9},
        {"trial": 1, "value": 0.2, "best": 0.2, "seconds": 12},
    ]
    best = {"parameters": {"learningRate": 0.01, "network.channels": 32}, "values": [0.2]}
    trials = {"completed": 2, "pruned": 1, "failed": 0}
    more = {"dataset": "triage-dataset-1", "best": best, "trials": trials, "trace": trace, **more}
    return body("search", name, minute, **more)


def training(name: str = "1", minute: float = 2, model: str = "triage", **more: Any) -> dict[str, Any]:
    metrics = {"testAccuracy": 0.98, "testF1": 0.97, "validationAccuracy": 0.96}
    more = {"dataset": f"{model}-dataset-1", "metrics": metrics, "steps": 10, "epochs": 2, "restarts": 0, **more}
    return body("training", name, minute, model, workers=1, **more)


MEASURED = {"testAccuracy": 0.97, "bytes": 5, "latencyP99Ms": 1.5}


def compression(name: str = "1", minute: float = 3, **more: Any) -> dict[str, Any]:
    more = {"training": "triage-training-1", "candidate": "int8", "baseline": MEASURED, "result": MEASURED, **more}
    return body("compression", name, minute, restarts=0, **more)


def rollout(name: str, minute: float, candidate: str, verdict: str, **more: Any) -> dict[str, Any]:
    evidence = {"candidate": {"requests": 60, "p99Ms": 2.5}, "stable": None, "agreement": None}
    more = {"candidate": f"triage-{candidate}", "stable": None, "evidence": evidence, "reasons": [], **more}
    return body("rollout", name, minute, verdict=verdict, step=0, weight=20, **more)


def wanted_of(*bodies: dict[str, Any], specs: dict[str, Spec] | None = None) -> DesiredModel:
    return desired([record_of(each) for each in bodies], specs or {})["triage"]


class ConfigMaps(unittest.TestCase):
    def test_a_record_is_read_with_its_times(self) -> None:
        record = record_of(training(minute=2, seconds=12.5))
        self.assertEqual((record.kind, record.model, record.run), ("training", "triage", "triage-training-1"))
        self.assertEqual((record.started, record.completed), (1000 * (BEGAN + 120) - 12_500, 1000 * (BEGAN + 120)))

    def test_others_are_left_alone(self) -> None:
        for other in (
            {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": ""}},
            {"metadata": {"name": "x", "labels": None}, "data": None},
            spec_map("training", "", [1]) | {"data": {"spec.json": "[1]"}},
            spec_map("training", "r", {}) | {"data": {"spec.json": "{"}},
        ):
            with self.subTest(other=other):
                self.assertIsNone(read(other))

    def test_what_cannot_be_read_is_named_and_keeps_nothing_else_from_being_read(self) -> None:
        for change in (
            {"completedAt": "yesterday"},
            {"completedAt": "2026-01-01T00:00:00"},
            {"artifact": None},
            {"artifact": {"path": "x", "sha256": "y"}},
            {"seconds": "long"},
            {"run": ""},
            {"model": 5},
        ):
            with self.subTest(change=change):
                broken = config_map(training()) | {"data": {"record.json": json.dumps({**training(), **change})}}
                with self.assertRaisesRegex(RecordError, "record-triage-training-1 holds no record"):
                    read(broken)
                holdings = Holdings()
                holdings.replace([broken, config_map(dataset())])
                snapshot = holdings.snapshot()
                self.assertEqual([record.kind for record in snapshot.records], ["dataset"])
                self.assertRegex("; ".join(snapshot.faults), "record-triage-training-1")
        with self.assertRaisesRegex(RecordError, "has no record.json"):
            read(config_map(training()) | {"data": None})

    def test_a_spec_is_remembered_when_it_is_gone(self) -> None:
        holdings = Holdings()
        holdings.replace([spec_map("training", "r1", {"epochs": 2}), spec_map("training", "r2", {"epochs": 3})])
        holdings.remove("r1-spec")
        self.assertEqual(holdings.snapshot().specs["r1"], Spec("training", "triage", "r1", {"epochs": 2}, False))
        holdings.replace([config_map(dataset())])
        specs = holdings.snapshot().specs
        self.assertEqual({run: spec.declared for run, spec in specs.items()}, {"r1": False, "r2": False})
        holdings.put(spec_map("training", "r2", {"epochs": 4}))
        self.assertEqual(holdings.snapshot().specs["r2"].declared, True)
        holdings.remove("record-triage-dataset-1")
        holdings.remove("never-seen")
        self.assertEqual(holdings.snapshot().records, ())


class Measures(unittest.TestCase):
    def values(self, value: dict[str, Any]) -> dict[str, float]:
        return {key: metric.value for key, metric in latest(metrics_of(record_of(value))).items()}

    def test_the_numbers_of_each_kind_are_metrics(self) -> None:
        for value, some in (
            (dataset(), {"splits.train.items": 10, "splits.test.labels.spam_junk": 4, "duplicatesDropped": 3}),
            (search(), {"best.0": 0.2, "trials.pruned": 1, "trial.best": 0.5, "trial.value": 0.7}),
            (training(), {"testAccuracy": 0.98, "steps": 10, "seconds": 30, "artifactBytes": 0}),
            (compression(), {"testAccuracy": 0.97, "latencyP99Ms": 1.5, "baseline.bytes": 5, "restarts": 0}),
            (rollout("1", 4, "training-1", "promote"), {"candidate.p99Ms": 2.5, "step": 0, "weight": 20}),
            (body("trigger", "1", 5, details={"psi": {"a?b": 0.3}}), {"details.psi.a_b": 0.3}),
        ):
            with self.subTest(kind=value["kind"]):
                values = self.values(value)
                self.assertEqual({key: values.get(key) for key in some}, some)

    def test_what_is_no_number_is_no_metric(self) -> None:
        self.assertEqual(
            set(self.values(body("x", "1", 0, a=True, b="1", c=None, d=[1], e={}))), {"seconds", "artifactBytes"}
        )

    def test_a_trace_has_the_trials_numbers_as_steps_and_ends_within_the_run(self) -> None:
        record = record_of(search(seconds=10))
        best = [metric for metric in metrics_of(record) if metric.key == "trial.best"]
        self.assertEqual([(metric.step, metric.value) for metric in best], [(0, 0.5), (2, 0.5), (1, 0.2)])
        self.assertEqual([metric.timestamp - record.started for metric in best], [4500, 9000, 10_000])
        self.assertEqual(metrics_of(record_of(search(trace=None)))[-1].key, "trials.pruned")

    def test_parameters_are_texts_what_was_found_and_what_was_asked(self) -> None:
        for value, asked, expected in (
            (dataset(), None, {"labels": '["ham", "spam/junk"]'}),
            (search(), None, {"best.learningRate": "0.01", "best.network.channels": "32"}),
            (compression(), {"candidate": {"name": "int8", "steps": [{"kind": "quantize"}]}}, {
                "candidate": "int8", "candidate.name": "int8", "candidate.steps.0.kind": "quantize",
            }),
            (rollout("1", 4, "training-1", "promote"), None, {}),
            (body("trigger", "1", 5, reason="drift", version="v"), None, {"reason": "drift"}),
            (
                training(),
                {"epochs": 2, "network": {"kind": "text-cnn"}, "labels": ["a"], "resources": {"cpu": 1}, "log": False},
                {"epochs": "2", "network.kind": "text-cnn", "log": "false"},
            ),
        ):  # fmt: skip
            with self.subTest(kind=value["kind"]):
                spec = None if asked is None else Spec(value["kind"], "triage", value["run"], asked)
                self.assertEqual(parameters_of(record_of(value), spec), expected)

    def test_parameters_come_from_the_record_itself_where_it_holds_its_spec(self) -> None:
        seen = {"triage-training-1": Spec("training", "triage", "triage-training-1", {"epochs": 9}, declared=False)}
        asked = {"epochs": 2, "network": {"channels": 8}, "resources": {"cpu": 1}}
        for what, value, specs, expected in (
            ("nothing but the record is left", training(spec=asked), {}, {"epochs": "2", "network.channels": "8"}),
            ("the record goes before what was seen", training(spec=asked), seen, {"epochs": "2", "network.channels": "8"}),
            ("a record of before, whose spec was seen", training(), seen, {"epochs": "9"}),
            ("a record of before, alone", training(), {}, {}),
            ("a spec that is none", training(spec=3), {}, {}),
        ):  # fmt: skip
            with self.subTest(what):
                run = wanted_of(value, specs=specs).runs["triage-training-1"]
                self.assertEqual(run.parameters, expected)
                self.assertNotIn("spec", {metric.key.partition(".")[0] for metric in run.metrics})

    def test_names_and_values_stay_within_mlflows_bounds(self) -> None:
        record = record_of(body("x", "1", 0, **{"n" * 300: "v" * 9000, "k:/\n": "v"}))
        self.assertEqual(
            {(len(key), len(value)) for key, value in parameters_of(record, None).items()}, {(250, 5000), (4, 1)}
        )


class Lineage(unittest.TestCase):
    def tags(self, run: str, *bodies: dict[str, Any], specs: dict[str, Spec] | None = None) -> dict[str, str]:
        stages = ("dataset", "search", "base", "training", "compression", "version", "stable", "rollout", "trigger")
        tags = wanted_of(*bodies, specs=specs).runs[f"triage-{run}"].tags
        return {stage: tags[f"millwright.{stage}"] for stage in stages if f"millwright.{stage}" in tags}

    def test_each_run_says_where_it_comes_from(self) -> None:
        whole = (dataset(), search(), training(), compression(), rollout("1", 4, "compression-1", "promote"))
        chain = {stage: f"triage-{stage}-1" for stage in ("dataset", "search", "training", "compression")}
        for run, expected in (
            ("dataset-1", {"dataset"}),
            ("search-1", {"dataset", "search"}),
            ("training-1", {"dataset", "search", "training"}),
            ("compression-1", set(chain)),
        ):
            with self.subTest(run=run):
                self.assertEqual(self.tags(run, *whole), {stage: chain[stage] for stage in expected})
        expected_rollout = {**chain, "version": chain["compression"], "rollout": "triage-rollout-1"}
        self.assertEqual(self.tags("rollout-1", *whole), expected_rollout)
        self.assertEqual(
            self.tags("rollout-1", training(), rollout("1", 4, "training-1", "advance", stable="other")),
            {"dataset": "triage-dataset-1", "training": "triage-training-1", "version": "triage-training-1",
             "stable": "other", "rollout": "triage-rollout-1"},
        )  # fmt: skip
        self.assertEqual(
            self.tags("trigger-1", body("trigger", "1", 9, version="triage-training-1")),
            {"version": "triage-training-1", "trigger": "triage-trigger-1"},
        )

    def test_a_training_and_what_comes_of_it_say_what_it_started_from(self) -> None:
        tuned = training(spec={"base": {"run": "triage-training-0", "sha256": "0" * 64}})
        for run in ("training-1", "compression-1", "rollout-1"):
            with self.subTest(run=run):
                bodies = (tuned, compression(), rollout("1", 4, "compression-1", "promote"))
                self.assertEqual(self.tags(run, *bodies)["base"], "triage-training-0")
        self.assertNotIn("base", self.tags("training-1", training(spec={"epochs": 2})))

    def test_what_is_gone_leaves_its_name(self) -> None:
        self.assertEqual(self.tags("compression-1", compression()), {
            "training": "triage-training-1", "compression": "triage-compression-1",
        })  # fmt: skip
        self.assertEqual(self.tags("rollout-1", rollout("1", 4, "compression-1", "advance")), {
            "version": "triage-compression-1", "rollout": "triage-rollout-1",
        })  # fmt: skip

    def test_a_trainings_search_is_the_newest_before_it_on_its_data_that_found_its_parameters(self) -> None:
        found = {"learningRate": 0.01, "network": {"channels": 32}}
        other = search("2", 1.5, best={"parameters": {"learningRate": 0.5}, "values": [0.1]})
        for what, bodies, asked, expected in (
            ("the newest", (search(), other), None, "2"),
            ("one before it", (search(), search("2", 5)), None, "1"),
            ("one on its data", (search(), search("2", 1.5, dataset="triage-dataset-2")), None, "1"),
            ("one that found its parameters", (search(), other), found, "1"),
            ("none that found others", (other,), found, None),
            ("none", (), found, None),
        ):
            with self.subTest(what):
                specs = (
                    {}
                    if asked is None
                    else {"triage-training-1": Spec("training", "triage", "triage-training-1", asked)}
                )
                tags = self.tags("training-1", training(), *bodies, specs=specs)
                self.assertEqual(tags.get("search"), None if expected is None else f"triage-search-{expected}")


def spec_of(name: str, candidate: str, stable: str | None, **more: Any) -> Spec:
    run = f"triage-rollout-{name}"
    asked = {"candidate": f"triage-{candidate}", "stable": stable and f"triage-{stable}"}
    return Spec(more.get("kind", "rollout"), more.get("model", "triage"), run, asked, more.get("declared", True))


class Aliases(unittest.TestCase):
    VERSIONS = (training(), compression(), training("2", 10))

    def test_champion_and_challenger(self) -> None:
        def trial_of(**more: Any) -> Spec:
            return spec_of("2", "compression-1", "training-1", **more)

        trial = trial_of()
        first = rollout("1", 4, "training-1", "promote")
        tried = rollout("2", 5, "compression-1", "advance", stable="triage-training-1")
        promoted = rollout("3", 6, "compression-1", "promote", stable="triage-training-1")
        rolled_back = rollout("3", 6, "compression-1", "rollback", stable="triage-training-1", reasons=["slow"])
        for what, rollouts, specs, champion, challenger in (
            ("nothing was tried", (), (), None, None),
            ("the first is on trial", (), (spec_of("1", "training-1", None),), None, "training-1"),
            ("the first was promoted", (first,), (), "training-1", None),
            ("a second is on trial", (first,), (trial,), "training-1", "compression-1"),
            ("it passed a step", (first, tried), (), "training-1", "compression-1"),
            ("it was promoted", (first, tried, promoted), (), "compression-1", None),
            ("it was rolled back", (first, tried, rolled_back), (), "training-1", None),
            ("rolled back at once", (rollout("1", 4, "training-1", "rollback"),), (), None, None),
            (
                "another follows one that was rolled back",
                (first, tried, rolled_back, rollout("4", 11, "training-2", "advance")),
                (),
                "training-1",
                "training-2",
            ),
            ("a trial against what no longer serves is over", (first, tried, promoted),
             (spec_of("9", "training-2", "training-1"),), "compression-1", None),
            ("a spec that is gone is no trial", (first,),
             (trial_of(declared=False),), "training-1", None),
            ("a recorded step is under way no more", (first, tried, rolled_back),
             (spec_of("3", "compression-1", "training-1"),), "training-1", None),
            ("another model's trial", (first,), (trial_of(model="x"),), "training-1", None),
            ("a spec of another kind", (first,), (trial_of(kind="training"),), "training-1", None),
            ("a version without a record", (first, rollout("2", 5, "training-9", "promote")), (), "training-1", None),
            ("its trial", (first, rollout("2", 5, "training-9", "advance")),
             (spec_of("3", "training-9", "training-1"),), "training-1", None),
            ("two promoted in one second", (first, rollout("2", 4, "training-2", "promote")), (), "training-2", None),
        ):  # fmt: skip
            with self.subTest(what):
                bodies = (*self.VERSIONS, *rollouts)
                for ordered in (bodies, bodies[::-1], (*bodies, *bodies)):
                    aliases = wanted_of(*ordered, specs={spec.run: spec for spec in specs}).aliases
                    expected = {"champion": champion, "challenger": challenger}
                    self.assertEqual(aliases, {key: f"triage-{value}" for key, value in expected.items() if value})

    def test_versions_are_what_can_serve_the_oldest_first(self) -> None:
        wanted = wanted_of(*self.VERSIONS[::-1], compression("9", 1, training="triage-training-9"), dataset())
        self.assertEqual(list(wanted.versions), ["triage-training-1", "triage-compression-1", "triage-training-2"])
        self.assertEqual(wanted.versions["triage-compression-1"].tags["millwright.candidate"], "int8")
        self.assertEqual(len(wanted.runs), 5)


def held_of(wanted: DesiredModel) -> HeldModel:
    """MLflow when all is as it should be."""
    runs = {
        name: HeldRun(
            run_id=f"id-{name}",
            deleted=False,
            artifact_uri="mlflow-artifacts:/1/x/artifacts",
            finished=True,
            parameters=run.parameters,
            metrics=latest(run.metrics),
            tags={**run.tags, "mlflow.runName": name, "owner": "somebody"},
            files={"record.json": len(run.record), **({f"{run.folder}/x": run.artifact.bytes} if run.artifact else {})},
        )
        for name, run in wanted.runs.items()
    }
    versions = {name: HeldVersion(str(at + 1), each.tags) for at, (name, each) in enumerate(wanted.versions.items())}
    aliases = {alias: versions[run].number for alias, run in wanted.aliases.items()}
    return HeldModel("1", False, True, runs, versions, {**aliases, "best-of-may": "1"})


class Differences(unittest.TestCase):
    WANTED = wanted_of(
        training(artifact={"path": "training/x/model", "sha256": "a" * 64, "bytes": 7}),
        search(),
        rollout("1", 4, "training-1", "promote"),
    )

    def with_run(self, run: str, **changes: Any) -> HeldModel:
        held = held_of(self.WANTED)
        changed = {**vars(held.runs[run]), **changes}
        return HeldModel(**{**vars(held), "runs": {**held.runs, run: HeldRun(**changed)}})

    def test_nothing_is_to_be_done_where_all_is_there(self) -> None:
        found = difference(self.WANTED, held_of(self.WANTED))
        self.assertEqual((found.actions, found.faults), ([], []))

    def test_what_is_missing_is_added_and_nothing_else(self) -> None:
        run = "triage-training-1"
        there = held_of(self.WANTED).runs[run]
        metrics = {key: value for key, value in there.metrics.items() if key != "testF1"}
        for what, changes, expected in (
            ("a run in the bin", {"deleted": True}, [RestoreRun(run)]),
            ("a tag", {"tags": {**there.tags, "millwright.kind": "x"}},
             [Log(run, (), {}, {"millwright.kind": "training"})]),
            ("a metric", {"metrics": metrics}, [Log(run, (there.metrics["testF1"],), {}, {})]),
            ("a copied file", {"files": {"record.json": there.files["record.json"], "model/x": 6}},
             [StoreArtifact(self.WANTED.runs[run])]),
        ):  # fmt: skip
            with self.subTest(what):
                found = difference(self.WANTED, self.with_run(run, **changes))
                self.assertEqual((found.actions, found.faults), (expected, []))

    def test_a_trace_is_logged_whole_when_its_last_point_is_missing(self) -> None:
        run = "triage-search-1"
        there = held_of(self.WANTED).runs[run].metrics
        found = difference(
            self.WANTED, self.with_run(run, metrics={**there, "trial.best": Metric("trial.best", 0.5, 1, 0)})
        )
        (log,) = found.actions
        assert isinstance(log, Log)
        self.assertEqual(
            [(metric.key, metric.step) for metric in log.metrics], [("trial.best", step) for step in (0, 2, 1)]
        )

    def test_what_mlflow_does_not_let_be_changed_is_told_and_not_tried(self) -> None:
        run = "triage-search-1"
        held = held_of(self.WANTED).runs[run]
        for changes, message in (
            (
                {"parameters": {**held.parameters, "best.learningRate": "0.1"}},
                "parameter best.learningRate is 0.1 in MLflow",
            ),
            (
                {"metrics": {**held.metrics, "trial.best": Metric("trial.best", 9, 1, 7)}},
                "metric trial.best is 9 in MLflow",
            ),
        ):
            with self.subTest(message):
                found = difference(self.WANTED, self.with_run(run, **changes))
                self.assertEqual(found.actions, [])
                self.assertRegex("; ".join(found.faults), message)

    def test_an_artifact_that_is_too_large_stays_where_it_is(self) -> None:
        wanted = wanted_of(
            training(artifact={"path": "training/x/model", "sha256": "a" * 64, "bytes": MOST_COPIED_BYTES + 1})
        )
        found = difference(wanted, HeldModel())
        self.assertNotIn(StoreArtifact, {type(action) for action in found.actions})
        self.assertRegex("; ".join(found.faults), "stays in the artifact store at training/x/model")

    def test_raw_data_are_never_copied(self) -> None:
        wanted = wanted_of(dataset(artifact={"path": "datasets/x", "sha256": "a" * 64, "bytes": 7}))
        self.assertNotIn(StoreArtifact, {type(action) for action in difference(wanted, HeldModel()).actions})

    def test_aliases_move_and_go(self) -> None:
        held = held_of(self.WANTED)
        for aliases, expected in (
            ({"champion": "9"}, [SetAlias("champion", "triage-training-1")]),
            ({"champion": "1", "challenger": "1"}, [RemoveAlias("challenger")]),
        ):
            with self.subTest(aliases):
                self.assertEqual(
                    difference(self.WANTED, HeldModel(**{**vars(held), "aliases": aliases})).actions, expected
                )

    def test_a_run_comes_back_with_its_experiment(self) -> None:
        held = self.with_run("triage-training-1", deleted=True)
        found = difference(self.WANTED, HeldModel(**{**vars(held), "experiment_deleted": True}))
        self.assertEqual([type(action).__name__ for action in found.actions], ["RestoreExperiment"])


class Store(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def test_the_files_that_count(self) -> None:
        artifact = leave(self.root, "training/r/model", {"model.onnx": b"12345", "a/b": b"67"})
        for name in ("log.txt", "result.json", "a/model.partial"):
            (self.root / "training/r/model" / name).write_text("not of it")
        files = artifact_files(self.root, artifact)
        self.assertEqual([(file.name, file.bytes) for file in files], [("a/b", 2), ("model.onnx", 5)])

    def test_anything_else_than_the_record_says_is_refused(self) -> None:
        artifact = leave(self.root, "training/r/model", {"model.onnx": b"12345"})
        (self.root / "secret").mkdir()
        (self.root / "secret/token").write_text("t")
        (self.root / "link").symlink_to(self.root / "training")
        leave(self.root, "training/linked/model", {"model.onnx": b"12345"})
        (self.root / "training/linked/model/vocabulary.json").symlink_to(self.root / "secret/token")
        for path, message in (
            ("training/../secret", "not one below the artifact store"),
            ("/etc", "not one below the artifact store"),
            ("training//r", "not one below the artifact store"),
            ("training/gone/model", "not in the artifact store"),
            ("training/r/model/model.onnx", "is no folder"),
            ("link/r/model", "is no folder"),
            ("training/linked/model", "vocabulary.json of it is a link"),
        ):
            with self.subTest(path), self.assertRaisesRegex(StoreError, message):
                artifact_files(self.root, Artifact(path, artifact.sha256, artifact.bytes))
        with self.assertRaisesRegex(StoreError, "its record says bbbb"):
            artifact_files(self.root, Artifact(artifact.path, "b" * 64, 5))


def leave(root: Path, path: str, files: dict[str, bytes]) -> Artifact:
    """An artifact as a run leaves it."""
    lines = ""
    for name, content in sorted(files.items()):
        place = root / path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        lines += f"{hashlib.sha256(content).hexdigest()}  {name}\n"
    return Artifact(path, hashlib.sha256(lines.encode()).hexdigest(), sum(map(len, files.values())))


def with_artifact(value: dict[str, Any], artifact: Artifact) -> dict[str, Any]:
    return {**value, "artifact": vars(artifact)}


_server: MlflowServer


def setUpModule() -> None:
    global _server
    _server = MlflowServer()


def tearDownModule() -> None:
    _server.close()
    MlflowServer.forget_tables()


class MlflowTest(unittest.TestCase):
    """Each test has models of its own on the one server."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        self.store = Path(folder.name)
        self.rest = Rest(_server.url)
        self.model = f"triage-{self._testMethodName[-20:].strip('_')}"

    def life(self) -> list[dict[str, Any]]:
        """The records of a model's whole life."""
        model = leave(self.store, f"training/{self.model}-training-1/model", {"model.onnx": b"12345", "a/b": b"6"})
        small = leave(self.store, f"compression/{self.model}-compression-1/model", {"model.onnx": b"1"})
        evidence = leave(self.store, f"rollouts/{self.model}-rollout-1", {"evidence.json": b"{}"})
        records = [
            with_artifact(dataset(), leave(self.store, "datasets/x", {"train.jsonl": b"private"})),
            search(),
            with_artifact(training(), model),
            with_artifact(compression(), small),
            with_artifact(rollout("1", 4, "training-1", "promote"), evidence),
            rollout("2", 5, "compression-1", "advance", stable="triage-training-1"),
        ]
        return [self.own(record) for record in records]

    def own(self, record: dict[str, Any]) -> dict[str, Any]:
        own: dict[str, Any] = json.loads(json.dumps(record).replace('"triage', f'"{self.model}'))
        return {**own, "artifact": record["artifact"]}

    def mirror(self, store: Path | None = None) -> Mirror:
        return Mirror(MlflowEdge(self.rest, store or self.store))

    def snapshot(self, records: list[dict[str, Any]], *specs: Spec) -> Snapshot:
        return Snapshot(tuple(map(record_of, records)), {spec.run: spec for spec in specs}, ())

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        return self.rest.post(f"/api/2.0/mlflow/{path}", **body)

    def held(self) -> HeldModel:
        return MlflowEdge(self.rest, self.store).read(self.model)

    def quietly(self, work: Any) -> tuple[Any, str]:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            return work(), output.getvalue()

    def bring(self, mirror: Mirror, snapshot: Snapshot) -> int:
        done: int = self.quietly(lambda: mirror.bring_in_step(snapshot))[0]
        return done


class InMlflow(MlflowTest):
    def test_all_of_a_life_is_there_once_also_after_a_restart(self) -> None:
        snapshot = self.snapshot(self.life())
        mirror = self.mirror()
        self.assertGreater(self.bring(mirror, snapshot), 20)
        self.assertEqual(self.bring(mirror, snapshot), 0)
        self.assertEqual(self.bring(self.mirror(), snapshot), 0)

        held = self.held()
        self.assertEqual({name.removeprefix(f"{self.model}-") for name in held.runs}, {
            "dataset-1", "search-1", "training-1", "compression-1", "rollout-1", "rollout-2",
        })  # fmt: skip
        trained = held.runs[f"{self.model}-training-1"]
        self.assertEqual((trained.finished, trained.metrics["testAccuracy"].value), (True, 0.98))
        self.assertEqual(trained.tags["millwright.search"], f"{self.model}-search-1")
        self.assertEqual(held.runs[f"{self.model}-search-1"].parameters["best.network.channels"], "32")
        self.assertEqual({path: size for path, size in trained.files.items() if path != "record.json"}, {
            "model/model.onnx": 5, "model/a/b": 1,
        })  # fmt: skip
        self.assertEqual(set(held.runs[f"{self.model}-dataset-1"].files), {"record.json"})
        self.assertEqual(set(held.runs[f"{self.model}-rollout-1"].files), {"record.json", "artifact/evidence.json"})
        self.assertEqual({name: version.number for name, version in held.versions.items()}, {
            f"{self.model}-training-1": "1", f"{self.model}-compression-1": "2",
        })  # fmt: skip
        self.assertEqual(held.aliases, {"champion": "1", "challenger": "2"})
        lineage = held.versions[f"{self.model}-compression-1"].tags
        for stage in ("dataset", "search", "training", "compression"):
            self.assertEqual(lineage[f"millwright.{stage}"], f"{self.model}-{stage}-1")
        self.assertEqual(lineage["millwright.version"], f"{self.model}-compression-1")

    def test_times_are_the_records_own(self) -> None:
        self.bring(self.mirror(), self.snapshot([self.own(training(seconds=90))]))
        held = self.held().runs[f"{self.model}-training-1"]
        info = self.rest.get("/api/2.0/mlflow/runs/get", run_id=held.run_id)["run"]["info"]
        completed = 1000 * (BEGAN + 120)
        self.assertEqual((info["run_name"], info["status"]), (f"{self.model}-training-1", "FINISHED"))
        self.assertEqual((info["start_time"], info["end_time"]), (completed - 90_000, completed))

    def test_a_trace_is_a_curve(self) -> None:
        self.bring(self.mirror(), self.snapshot([self.own(search())]))
        run_id = self.held().runs[f"{self.model}-search-1"].run_id
        answer = self.rest.get("/api/2.0/mlflow/metrics/get-history", run_id=run_id, metric_key="trial.best")
        self.assertEqual({point["step"]: point["value"] for point in answer["metrics"]}, {0: 0.5, 1: 0.2, 2: 0.5})

    def test_mlflows_own_client_gets_the_champion(self) -> None:
        self.bring(self.mirror(), self.snapshot(self.life()))
        program = (
            "import mlflow, sys; from pathlib import Path;"
            f"uri = 'models:/{self.model}@champion';"
            "folder = Path(mlflow.artifacts.download_artifacts(uri, dst_path=sys.argv[1]));"
            "print({p.name: p.read_text() for p in folder.rglob('*') if p.is_file() and p.name in ('model.onnx', 'b')})"
        )
        environment = {**os.environ, "MLFLOW_TRACKING_URI": _server.url, "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(
            [sys.executable, "-c", program, str(self.store / "copy")],
            env=environment, cwd=self.store, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        self.assertIn("'model.onnx': '12345'", done.stdout, done.stderr[-3000:])
        self.assertIn("'b': '6'", done.stdout)

    def test_aliases_follow_the_rollouts(self) -> None:
        records = self.life()
        mirror = self.mirror()
        self.bring(mirror, self.snapshot(records))
        promoted = self.own(rollout("3", 6, "compression-1", "promote", stable="triage-training-1"))
        self.assertEqual(self.bring(mirror, self.snapshot([*records, promoted])) > 0, True)
        self.assertEqual(self.held().aliases, {"champion": "2"})

    def test_what_was_lost_or_altered_in_mlflow_is_put_right(self) -> None:
        snapshot = self.snapshot(self.life())
        self.bring(self.mirror(), snapshot)
        before = self.held()
        trained, name = before.runs[f"{self.model}-training-1"], self.model
        version = before.versions[f"{name}-training-1"].number

        def delete_version() -> None:
            self.rest.delete("/api/2.0/mlflow/model-versions/delete", name=name, version=version)

        for what, damage in (
            ("a tag", lambda: self.post("runs/delete-tag", run_id=trained.run_id, key="millwright.dataset")),
            ("a tag's value", lambda: self.post(
                "runs/set-tag", run_id=trained.run_id, key="millwright.kind", value="x")),
            ("the state", lambda: self.post("runs/update", run_id=trained.run_id, status="RUNNING")),
            ("a run", lambda: self.post("runs/delete", run_id=trained.run_id)),
            ("the experiment", lambda: self.post("experiments/delete", experiment_id=before.experiment_id)),
            ("an alias", lambda: self.post("registered-models/alias", name=name, alias="champion", version="2")),
            ("a version's tag", lambda: self.post(
                "model-versions/set-tag", name=name, version=version, key="millwright.kind", value="x")),
        ):  # fmt: skip
            with self.subTest(what):
                damage()
                self.assertNotEqual(self.held(), before)
                self.bring(self.mirror(), snapshot)
                self.assertEqual(self.held(), before)
        delete_version()
        self.bring(self.mirror(), snapshot)
        self.assertEqual(self.held().aliases, {"champion": "3", "challenger": "2"})
        self.rest.delete("/api/2.0/mlflow/registered-models/delete", name=name)
        self.bring(self.mirror(), snapshot)
        self.assertEqual(self.held(), before)

    def test_what_others_added_stays(self) -> None:
        snapshot = self.snapshot(self.life())
        self.bring(self.mirror(), snapshot)
        held = self.held()
        run_id = held.runs[f"{self.model}-training-1"].run_id
        self.post("runs/set-tag", run_id=run_id, key="mlflow.note.content", value="A good one.")
        self.post("registered-models/alias", name=self.model, alias="mine", version="2")
        self.post("runs/create", experiment_id=held.experiment_id, run_name="by hand", start_time=1)
        self.assertEqual(self.bring(self.mirror(), snapshot), 0)
        self.assertEqual(self.held().aliases["mine"], "2")

    def test_a_lost_database_is_filled_again(self) -> None:
        snapshot = self.snapshot(self.life())
        self.bring(self.mirror(), snapshot)
        before = self.held()
        fresh = MlflowServer()
        self.addCleanup(fresh.close)
        self.rest = Rest(fresh.url)
        self.assertIsNone(self.held().experiment_id)
        self.bring(self.mirror(), snapshot)
        after = self.held()
        self.assertEqual((after.versions, after.aliases), (before.versions, before.aliases))
        for name, run in before.runs.items():
            again = after.runs[name]
            for field in ("finished", "parameters", "metrics", "tags", "files"):
                self.assertEqual(getattr(again, field), getattr(run, field), f"{name}: {field}")

    def test_whatever_it_was_killed_at_nothing_is_there_twice(self) -> None:
        base = self.model
        total = len(difference(desired(self.snapshot(self.life()).records, {})[base], HeldModel()).actions)
        self.assertGreater(total, 20)
        for steps in range(1, total, 4):
            with self.subTest(steps=steps):
                self.model = f"{base}-{steps}"
                snapshot = self.snapshot(self.life())
                wanted = desired(snapshot.records, {})[self.model]
                edge = MlflowEdge(self.rest, self.store)
                held = edge.read(self.model)
                for _ in edge.apply(wanted, held, difference(wanted, held).actions[:steps]):
                    pass
                self.assertEqual(self.bring(self.mirror(), snapshot), total - steps)
                after = self.held()
                names = self.post("runs/search", experiment_ids=[after.experiment_id])["runs"]
                self.assertEqual((len(names), len(after.runs), len(after.versions)), (6, 6, 2))

    def test_an_artifact_that_is_gone_is_told_once_and_holds_nothing_up(self) -> None:
        snapshot = self.snapshot(self.life())
        mirror = self.mirror(self.store / "elsewhere")
        _, first = self.quietly(lambda: mirror.bring_in_step(snapshot))
        self.assertRegex(
            first, rf"run {self.model}-training-1: its artifact cannot be copied: .* not in the artifact store"
        )
        self.assertEqual(self.held().aliases, {"champion": "1", "challenger": "2"})
        done, second = self.quietly(lambda: mirror.bring_in_step(snapshot))
        self.assertEqual((done, second), (0, ""))
        self.assertEqual(self.bring(self.mirror(), snapshot), 3)
        self.assertIn("model/model.onnx", self.held().runs[f"{self.model}-training-1"].files)

    def test_a_model_that_mlflow_refuses_keeps_no_other_from_its_turn(self) -> None:
        refused = {**self.own(training()), "model": f"a/{self.model}"}
        with self.assertRaisesRegex(RestError, "400"):
            self.bring(self.mirror(), self.snapshot([refused, self.own(dataset())]))
        self.assertIn(f"{self.model}-dataset-1", self.held().runs)

    def test_more_runs_than_a_page_holds(self) -> None:
        edge = MlflowEdge(self.rest, self.store)
        from millwright_mirror import mlflow_edge

        page, mlflow_edge.PAGE = mlflow_edge.PAGE, 2
        self.addCleanup(setattr, mlflow_edge, "PAGE", page)
        self.bring(Mirror(edge), self.snapshot([self.own(training(str(at), at)) for at in range(5)]))
        held = self.held()
        self.assertEqual((len(held.runs), len(held.versions)), (5, 5))

    def test_mlflow_that_is_away_is_an_error(self) -> None:
        mirror = Mirror(MlflowEdge(Rest(f"http://127.0.0.1:{support.free_port()}"), self.store))
        with self.assertRaisesRegex(RestError, "ConnectionRefused"):
            self.bring(mirror, self.snapshot(self.life()))


class FakeCluster:
    """The ConfigMaps of one namespace, over TLS: a list, and a watch that tells what is put into it."""

    def __init__(self, folder: Path, items: list[dict[str, Any]]) -> None:
        self.items = items
        self.requests: list[tuple[str, str]] = []
        self.events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.refuse = 0
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place = urlsplit(self.path)
                query = parse_qs(place.query)
                fake.requests.append((place.path, self.headers.get("Authorization", "")))
                if fake.refuse > 0:
                    fake.refuse -= 1
                    self.send_response(503)
                    self.end_headers()
                    self.wfile.write(b"etcd is away")
                    return
                self.send_response(200)
                self.end_headers()
                if query["labelSelector"] != ["millwright.dev/run"]:
                    return
                for line in fake.watch() if "watch" in query else [fake.list(query)]:
                    self.wfile.write(json.dumps(line).encode() + b"\n")
                    self.wfile.flush()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
                *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
                *("-keyout", str(folder / "key"), "-out", str(folder / "ca.crt")),
            ],
            check=True,
            capture_output=True,
        )
        (folder / "token").write_text("first\n")
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "ca.crt", folder / "key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def list(self, query: dict[str, list[str]]) -> dict[str, Any]:
        """A page for each ConfigMap, so that paging is used."""
        at = int(query.get("continue", ["0"])[0])
        more = {"continue": str(at + 1)} if at + 1 < len(self.items) else {}
        return {"metadata": {"resourceVersion": "1", **more}, "items": self.items[at : at + 1]}

    def watch(self) -> Iterator[dict[str, Any]]:
        while True:
            event = self.events.get()
            if event is None:
                return
            yield event

    def tell(self, kind: str, config_map: dict[str, Any]) -> None:
        metadata = {**config_map["metadata"], "resourceVersion": "2"}
        self.events.put({"type": kind, "object": {**config_map, "metadata": metadata}})

    def stop(self) -> None:
        self.events.put(None)
        self.server.shutdown()
        self.server.server_close()


class Process(MlflowTest):
    def start(self, fake: FakeCluster, folder: Path, **changes: str) -> subprocess.Popen[str]:
        self.signs = folder / "signs"
        self.signs.mkdir(exist_ok=True)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(MLFLOW),
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(fake.port),
            "MILLWRIGHT_SERVICE_ACCOUNT": str(folder),
            "MILLWRIGHT_NAMESPACE": "models",
            "MILLWRIGHT_TRACKING_URL": _server.url,
            "MILLWRIGHT_ARTIFACTS": str(self.store),
            "MILLWRIGHT_SIGNS": str(self.signs),
            **changes,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "millwright_mirror"],
            env={name: value for name, value in environment.items() if value},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
        )
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process

    def cluster(self, items: list[dict[str, Any]]) -> tuple[FakeCluster, Path]:
        folder = self.store / "account"
        folder.mkdir()
        fake = FakeCluster(folder, items)
        self.addCleanup(fake.stop)
        return fake, folder

    def wait(self, condition: Any, what: str) -> None:
        support.wait_for(condition, what, 40)

    def test_follows_the_cluster(self) -> None:
        fake, folder = self.cluster([config_map(self.own(dataset())), config_map(self.own(training()))])
        process = self.start(fake, folder)
        self.wait((self.signs / "ready").exists, "the first look to be done")
        self.assertEqual(len(self.held().runs), 2)
        self.assertEqual(set(fake.requests), {("/api/v1/namespaces/models/configmaps", "Bearer first")})

        spec = {"candidate": f"{self.model}-training-1", "stable": None}
        trial = spec_map("rollout", f"{self.model}-rollout-1", spec, self.model)
        fake.tell("ADDED", trial)
        fake.tell("BOOKMARK", {"metadata": {}})
        self.wait(lambda: self.held().aliases == {"challenger": "1"}, "the challenger")
        fake.tell("ADDED", config_map(self.own(rollout("1", 4, "training-1", "promote"))))
        fake.tell("DELETED", trial)
        self.wait(lambda: self.held().aliases == {"champion": "1"}, "the champion")
        held = self.held().runs[f"{self.model}-rollout-1"]
        self.assertEqual(held.parameters, {"candidate": f"{self.model}-training-1"})

        # A watch that the API server ends for good is followed by a new list.
        fake.items = [*fake.items, config_map(self.own(compression()))]
        fake.events.put({"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}})
        self.wait(lambda: len(self.held().versions) == 2, "what the new list has")

        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=20)[0]
        self.assertEqual(process.returncode, 143, output)
        self.assertIn("410 too old resource version", output)

    def test_a_cluster_or_mlflow_that_is_away_is_asked_again(self) -> None:
        fake, folder = self.cluster([config_map(self.own(dataset()))])
        fake.refuse = 2
        (folder / "signs").mkdir()
        (folder / "signs/ready").touch()
        port = support.free_port()
        process = self.start(fake, folder, MILLWRIGHT_TRACKING_URL=f"http://127.0.0.1:{port}")
        assert process.stdout is not None
        lines = iter(process.stdout)
        self.assertTrue(any("the cluster: ClusterError('GET" in line and "503 etcd is away" in line for line in lines))
        self.assertTrue(any("MLflow: GET http" in line and "trying again in 4 s" in line for line in lines))
        self.assertFalse((self.signs / "ready").exists())
        self.assertTrue((self.signs / "alive").exists())

    def test_names_all_that_is_wrong_with_its_environment(self) -> None:
        fake, folder = self.cluster([])
        for changes, message in (
            (
                {"MILLWRIGHT_NAMESPACE": "", "KUBERNETES_SERVICE_HOST": ""},
                "not set: MILLWRIGHT_NAMESPACE, KUBERNETES_SERVICE_HOST",
            ),
            ({"MILLWRIGHT_TRACKING_URL": "mlflow:5000"}, '"mlflow:5000" must be http://host:port'),
        ):
            with self.subTest(message):
                process = self.start(fake, folder, **changes)
                output = process.communicate(timeout=20)[0]
                self.assertEqual(process.returncode, 64, output)
                self.assertIn(message, output)


if __name__ == "__main__":
    unittest.main()
