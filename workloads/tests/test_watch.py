"""The watcher's edges: records in, Prometheus asked over HTTP, a trigger's record out; and the watcher as a process.

The Kubernetes API here is a stand-in that keeps ConfigMaps; how calls are tried again is shown in test_recorder.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from . import support
from .test_watch_decision import NOW, SPEC, WATCH
from millwright_recorder.api import ApiError
from millwright_recorder.record import config_map
from millwright_recorder.watch.__main__ import Watcher, watches_in
from millwright_recorder.watch.decision import Past, Sample, Serving, Watch
from millwright_recorder.watch.history import records_in, serving_of, triggers_of
from millwright_recorder.watch.prometheus import Prometheus, PrometheusError, moments_of, samples_of

ARTIFACT = {"path": "x", "sha256": "a" * 64, "bytes": 1}


def record(kind: str, run: str, day: int, model: str = "triage", **more: Any) -> dict[str, Any]:
    at = f"2026-01-{day:02}T00:00:00Z"
    return {"kind": kind, "model": model, "run": run, "completedAt": at, "artifact": ARTIFACT, "seconds": 1, **more}


TRAINED = record("training", "t1", 1, metrics={"testAccuracy": 0.98})
SMALLER = record("compression", "c1", 2, training="t1", result={"testAccuracy": 0.97})
PROMOTED = record("rollout", "r1", 3, candidate="t1", verdict="promote")
FIRST_OF_JANUARY = 1767225600.0


def listed(*records: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "ConfigMapList", "items": [config_map(each, "models") for each in records]}


class History(unittest.TestCase):
    def serving(self, *records: dict[str, Any]) -> Serving | None:
        return serving_of("triage", records_in(listed(*records)))

    def test_serves_what_was_promoted_last(self) -> None:
        old = Serving("t1", 0.98, FIRST_OF_JANUARY)
        advanced = record("rollout", "r2", 4, candidate="c1", verdict="advance")
        self.assertIsNone(self.serving(TRAINED))
        self.assertEqual(self.serving(PROMOTED, TRAINED), old)
        self.assertEqual(self.serving(TRAINED, PROMOTED, advanced, SMALLER), old)
        promoted = {**advanced, "verdict": "promote"}
        self.assertEqual(self.serving(promoted, TRAINED, PROMOTED, SMALLER), Serving("c1", 0.97, FIRST_OF_JANUARY))
        self.assertEqual(self.serving(promoted, TRAINED, PROMOTED), old, "what is promoted without its record")
        self.assertIsNone(self.serving({**TRAINED, "model": "other"}, {**PROMOTED, "model": "other"}))

    def test_passes_over_what_it_cannot_read(self) -> None:
        broken = listed(TRAINED, {**PROMOTED, "completedAt": "yesterday"})
        broken["items"] += [{}, {"data": {}}, {"data": {"record.json": "{"}}, {"data": {"record.json": "[]"}}]
        self.assertEqual([each["run"] for each in records_in(broken)], ["t1"])

    def test_knows_the_triggers_there_have_been(self) -> None:
        trigger = record("trigger", "triage-trigger-1", 1, reason="drift", version="t1")
        other = {**trigger, "model": "other"}
        found = triggers_of("triage", records_in(listed(TRAINED, trigger, other)))
        self.assertEqual(found, [Past("drift", "t1", FIRST_OF_JANUARY)])


class Stub(ThreadingHTTPServer):
    """A Prometheus that has one series by name of the metric asked for, with one value at every moment."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.values: dict[str, list[tuple[dict[str, str], str]]] = {}
        self.body: bytes | None = None
        self.status = 200
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                asked = {name: each[0] for name, each in parse_qs(url.query).items()}
                stub.asked.append({"path": url.path, **asked})
                body = stub.answer(asked) if stub.body is None else stub.body
                self.send_response(stub.status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def answer(self, asked: dict[str, str]) -> bytes:
        start, end, step = (float(asked[name]) for name in ("start", "end", "step"))
        moments = [start + step * at for at in range(int((end - start) / step + 0.001) + 1)]
        found = self.values.get(asked["query"].partition("{")[0], [])
        result = [{"metric": labels, "values": [[at, value] for at in moments]} for labels, value in found]
        return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class StubTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stub = Stub()
        threading.Thread(target=self.stub.serve_forever, daemon=True).start()
        self.addCleanup(lambda: (self.stub.shutdown(), self.stub.server_close()))
        self.stub.values = {
            "millwright:psi": [({"feature": "score"}, "0.31"), ({"feature": "tokens"}, "0.05")],
            "millwright:served_items": [({}, "512.4")],
            "millwright:labelled_items": [({"outcome": "right"}, "199"), ({"outcome": "wrong"}, "2")],
        }


class Asked(StubTest):
    def measured(self, watch: Watch = WATCH) -> Any:
        return Prometheus(self.stub.url).measured("triage", "t1", watch, NOW)

    def test_every_moment_that_drift_must_last_is_looked_at(self) -> None:
        found = self.measured()
        self.assertEqual(found.samples, [Sample(512.4, {"score": 0.31, "tokens": 0.05})] * 30)
        self.assertEqual((found.right, found.labelled), (199, 201))
        asked = self.stub.asked[0]
        self.assertEqual(asked["path"], "/api/v1/query_range")
        self.assertEqual(asked["query"], 'millwright:psi{model="triage",version="t1"}')
        self.assertEqual(float(asked["end"]), NOW)
        self.assertAlmostEqual(float(asked["start"]), NOW - 600, delta=1)

    def test_only_what_is_watched_is_asked_for(self) -> None:
        self.measured(replace(WATCH, drift=None, quality=None))
        self.assertEqual(self.stub.asked, [])

    def test_what_was_not_measured_at_a_moment_is_missing_there(self) -> None:
        moments = moments_of(10, 1000)
        self.assertEqual(moments, [990, 995, 1000])
        labels = {"feature": "score"}
        found = samples_of(moments, [({}, [(995.0, 7.0)])], [(labels, [(990.0, 0.5), (995.1, float("nan"))])])
        self.assertEqual(found, [Sample(0, {"score": 0.5}), Sample(7, {}), Sample(0, {})])
        self.assertEqual(moments_of(0, 1000), [1000])

    def test_one_that_does_not_answer_is_told_of_with_its_address(self) -> None:
        for status, body, why in ((503, b"not yet", "503 not yet"), (200, b"<html>", "JSON"), (200, b"{}", "data")):
            self.stub.status, self.stub.body = status, body
            with self.subTest(why), self.assertRaisesRegex(PrometheusError, f"{self.stub.url}.*{why}"):
                self.measured()
        with self.assertRaisesRegex(PrometheusError, "refused"):
            Prometheus(f"http://127.0.0.1:{support.free_port()}").measured("triage", "t1", WATCH, NOW)


class Cluster:
    """ConfigMaps by name, as the watcher's account sees them."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.maps = {each["metadata"]["name"]: each for each in listed(*records)["items"]}
        self.selectors: list[str] = []
        self.hidden: str | None = None
        """The kind of records that a list does not show yet."""

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        where, _, selector = path.partition("?labelSelector=")
        assert where == "/api/v1/namespaces/models/configmaps", path
        if method == "GET":
            self.selectors.append(unquote(selector))
            shown = [name for name in self.maps if self.hidden is None or self.hidden not in name]
            return {"items": [self.maps[name] for name in shown]}
        assert body is not None
        if body["metadata"]["name"] in self.maps:
            raise ApiError(409, "already there")
        self.maps[body["metadata"]["name"]] = body
        return body

    def triggers(self) -> list[dict[str, Any]]:
        found = [json.loads(each["data"]["record.json"]) for each in self.maps.values()]
        return [each for each in found if each["kind"] == "trigger"]


class Watched(StubTest):
    def watcher(self, cluster: Cluster, watch: Watch = WATCH) -> Watcher:
        api: Any = cluster
        return Watcher({"triage": watch}, "models", api, Prometheus(self.stub.url), lambda: NOW)

    def test_drift_leaves_one_record_that_the_lifecycle_can_read(self) -> None:
        cluster = Cluster(TRAINED, PROMOTED)
        watcher = self.watcher(cluster)
        watcher.look()
        watcher.look()
        self.watcher(cluster).look()
        (found,) = cluster.triggers()
        name = found.pop("run")
        self.assertRegex(name, r"^triage-trigger-[0-9a-f]{10}$")
        self.assertEqual(found, {
            "kind": "trigger",
            "model": "triage",
            "completedAt": "2027-01-15T08:00:00Z",
            "reason": "drift",
            "version": "t1",
            "details": {"psi": {"score": 0.31}, "requests": 512, "windowSeconds": 3600},
            "seconds": 0,
            "artifact": {"path": "-", "sha256": "0" * 64, "bytes": 0},
        })
        labels = cluster.maps[f"record-{name}"]["metadata"]["labels"]
        self.assertEqual((labels["millwright.dev/record"], labels["millwright.dev/model"]), ("trigger", "triage"))
        self.assertEqual(set(cluster.selectors), {"millwright.dev/record in (training,compression,rollout,trigger)"})

    def test_two_watchers_at_once_leave_one_record(self) -> None:
        cluster = Cluster(TRAINED, PROMOTED)
        self.watcher(cluster).look()
        # The second one saw the records before the first one wrote.
        cluster.hidden = "trigger"
        self.watcher(cluster).look()
        self.assertEqual(len(cluster.triggers()), 1)

    def test_without_prometheus_only_the_schedule_goes_on(self) -> None:
        self.stub.status = 503
        cluster = Cluster(TRAINED, PROMOTED)
        self.watcher(cluster).look()
        self.assertEqual(cluster.triggers(), [])
        self.watcher(cluster, replace(WATCH, every_hours=6)).look()
        self.assertEqual([each["reason"] for each in cluster.triggers()], ["schedule"])

    def test_nothing_is_asked_before_a_version_serves(self) -> None:
        self.watcher(Cluster(TRAINED)).look()
        self.assertEqual(self.stub.asked, [])


class Started(unittest.TestCase):
    def run_watcher(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "millwright_recorder.watch"],
            env={**os.environ, "PYTHONPATH": str(support.WORKLOADS / "recorder"), **environment},
            capture_output=True,
            text=True,
            timeout=30,
        )

    def test_says_what_its_environment_lacks(self) -> None:
        found = self.run_watcher(MILLWRIGHT_NAMESPACE="models", KUBERNETES_SERVICE_HOST="", KUBERNETES_SERVICE_PORT="1")
        self.assertEqual(found.returncode, 64)
        self.assertIn("not set: MILLWRIGHT_PROMETHEUS, MILLWRIGHT_WATCH, KUBERNETES_SERVICE_HOST", found.stderr)

    def test_reads_what_to_watch_or_says_that_it_cannot(self) -> None:
        with tempfile.TemporaryDirectory(prefix="millwright-test-") as folder:
            path = Path(folder) / "watch.json"
            path.write_text(json.dumps({"models": [{"name": "triage", "watch": SPEC}]}))
            self.assertEqual(watches_in(path), {"triage": replace(WATCH, every_hours=6)})
            path.write_text(json.dumps({"models": [{"name": "triage"}]}))
            found = self.run_watcher(
                MILLWRIGHT_NAMESPACE="models",
                MILLWRIGHT_PROMETHEUS="http://127.0.0.1:1",
                MILLWRIGHT_WATCH=str(path),
                KUBERNETES_SERVICE_HOST="127.0.0.1",
                KUBERNETES_SERVICE_PORT="1",
            )
        self.assertEqual(found.returncode, 64)
        self.assertIn("watch.json: does not say what to watch (KeyError('watch'))", found.stderr)


if __name__ == "__main__":
    unittest.main()
