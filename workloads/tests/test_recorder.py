"""The recorder as a process against an API server of the tests' own, over TLS."""

import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from . import support
from millwright_recorder.api import Api, ApiError
from millwright_recorder.record import MAX_BYTES, ResultError, config_map, record_of

RESULT: dict[str, Any] = {
    "seconds": 12.5,
    "artifact": {"sha256": "a" * 64, "bytes": 10},
    "dataset": "triage-dataset-1",
    "metrics": {
        "testAccuracy": 0.98,
        "testF1": 0.97,
        "validationAccuracy": 0.97,
        "majorityAccuracy": 0.7,
        "majorityF1": 0.4,
        "simpleAccuracy": 0.96,
        "simpleF1": 0.95,
        "validationLoss": 1.5,
    },
    "steps": 10,
    "epochs": 2,
    "restarts": 0,
    "workers": 2,
}
DATASET: dict[str, Any] = {
    "seconds": 1,
    "artifact": RESULT["artifact"],
    "labels": ["ham", "spam"],
    "splits": {name: {"items": 2, "labels": {"ham": 1, "spam": 1}} for name in ("train", "validation", "test")},
    "duplicatesDropped": 0,
    "leakedItems": 0,
}
SEARCH: dict[str, Any] = {
    "seconds": 90,
    "artifact": RESULT["artifact"],
    "dataset": "triage-dataset-1",
    "best": {"parameters": {"learningRate": 0.01, "network.channels": 32, "batchSize": 64}, "values": [0.2]},
    "trials": {"completed": 7, "pruned": 3, "failed": 1},
    "trace": [
        {"trial": 0, "value": 0.3, "best": 0.3, "seconds": 4.5},
        {"trial": 2, "value": -0.2, "best": -0.2, "seconds": 9},
    ],
}
FRONT: dict[str, Any] = {
    **{name: value for name, value in SEARCH.items() if name != "trace"},
    "best": {"parameters": {"network.channels": 8}, "values": [0.97, 1200]},
    "front": [{"parameters": {"network.channels": 8}, "values": [0.97, 1200]}],
}
MEASUREMENT: dict[str, Any] = {
    "testAccuracy": 0.98,
    "testF1": 0.97,
    "bytes": 100_000,
    "parameters": 25_000,
    "latencyP50Ms": 0.4,
    "latencyP99Ms": 1.2,
    "throughputPerSecond": 900.5,
    "sparsity": 0.5,
}
COMPRESSION: dict[str, Any] = {
    "seconds": 40,
    "artifact": RESULT["artifact"],
    "training": "triage-training-1",
    "candidate": "int8",
    "baseline": {**MEASUREMENT, "sparsity": 0},
    "result": MEASUREMENT,
    "restarts": 0,
}
EVIDENCE: dict[str, Any] = {
    "requests": 60,
    "errors": 0,
    "p50Ms": 2.5,
    "p99Ms": 8.5,
    "accuracy": 0.98,
    "liveRequests": 200,
    "liveErrors": 1,
}
ROLLOUT: dict[str, Any] = {
    "seconds": 20,
    "artifact": RESULT["artifact"],
    "candidate": "triage-compression-1",
    "stable": "triage-training-1",
    "step": 0,
    "weight": 20,
    "verdict": "advance",
    "reasons": [],
    "evidence": {"candidate": EVIDENCE, "stable": EVIDENCE, "agreement": 0.97},
}
FIRST: dict[str, Any] = {
    **ROLLOUT,
    "stable": None,
    "verdict": "promote",
    "evidence": {"candidate": EVIDENCE, "stable": None, "agreement": None},
}
SPEC: dict[str, Any] = {"epochs": 2, "network": {"kind": "text-cnn", "channels": 8}, "labels": ["ham", "spam"]}
AT: dict[str, Any] = {
    "model": "triage",
    "run": "triage-training-1",
    "spec": SPEC,
    "artifact_path": "training/x/model",
    "completed_at": "2026-01-02T03:04:05Z",
}

Answer = tuple[int, dict[str, Any]]


def pod(exit_code: int | None) -> dict[str, Any]:
    workload = {"running": {}} if exit_code is None else {"terminated": {"exitCode": exit_code}}
    return {
        "status": {
            "containerStatuses": [
                {"name": "recorder", "state": {"running": {}}},
                {"name": "workload", "state": workload},
            ]
        }
    }


class FakeCluster:
    """Answers from a script: a list of answers for each method, of which the last stays."""

    def __init__(self, folder: Path, pods: list[Answer], created: list[Answer] | None = None) -> None:
        self.scripts = {"GET": pods, "POST": created or [(201, {})]}
        self.requests: list[tuple[str, str, str, Any]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                fake.requests.append((self.command, self.path, self.headers.get("Authorization", ""), body))
                script = fake.scripts[self.command]
                status, value = script.pop(0) if len(script) > 1 else script[0]
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = answer

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.account = folder
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
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "ca.crt", folder / "key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def of(self, method: str) -> list[tuple[str, str, str, Any]]:
        return [request for request in self.requests if request[0] == method]


class ClusterTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "spec.json").write_text(json.dumps(SPEC))

    def cluster(self, pods: list[Answer], created: list[Answer] | None = None) -> FakeCluster:
        fake = FakeCluster(self.folder, pods, created)
        self.addCleanup(fake.stop)
        return fake


class Recorder(ClusterTest):
    def start(self, fake: FakeCluster, index: int = 0, **changes: str) -> subprocess.Popen[str]:
        self.termination = self.folder / "termination"
        self.termination.touch()
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(support.WORKLOADS / "recorder"),
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(fake.port),
            "MILLWRIGHT_SERVICE_ACCOUNT": str(self.folder),
            "MILLWRIGHT_TERMINATION_LOG": str(self.termination),
            "MILLWRIGHT_STAGE": "training",
            "MILLWRIGHT_MODEL": "triage",
            "MILLWRIGHT_RUN": "triage-training-1",
            "MILLWRIGHT_SPEC": str(self.folder / "spec.json"),
            "MILLWRIGHT_RESULT": str(self.folder / "result.json"),
            "MILLWRIGHT_WORKER_INDEX": str(index),
            "MILLWRIGHT_POD": "triage-training-1-0-abcde",
            "MILLWRIGHT_NAMESPACE": "models",
            "MILLWRIGHT_ARTIFACT_PATH": "training/triage-training-1/model",
            **changes,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "millwright_recorder"],
            env={name: value for name, value in environment.items() if value},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process

    def ends(self, code: int, fake: FakeCluster, index: int = 0, **changes: str) -> str:
        process = self.start(fake, index, **changes)
        output = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, code, output)
        return output

    def leave(self, result: Any) -> None:
        (self.folder / "result.json").write_text(result if isinstance(result, str) else json.dumps(result))

    def test_waits_for_the_workload_and_writes_the_record(self) -> None:
        self.leave(RESULT)
        fake = self.cluster([(200, {"status": {}}), (200, pod(None)), (200, pod(0))])
        self.ends(0, fake)
        self.assertEqual(
            [path for _, path, _, _ in fake.of("GET")], ["/api/v1/namespaces/models/pods/triage-training-1-0-abcde"] * 3
        )
        ((_, path, token, body),) = fake.of("POST")
        self.assertEqual((path, token), ("/api/v1/namespaces/models/configmaps", "Bearer first"))
        self.assertEqual((body["metadata"]["name"], body["immutable"]), ("record-triage-training-1", True))
        for label, value in (("record", "training"), ("model", "triage"), ("run", "triage-training-1")):
            self.assertEqual(body["metadata"]["labels"][f"millwright.dev/{label}"], value)
        record = json.loads(body["data"]["record.json"])
        self.assertRegex(record.pop("completedAt"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(record.pop("artifact"), {**RESULT["artifact"], "path": "training/triage-training-1/model"})
        self.assertEqual(
            (record.pop("kind"), record.pop("model"), record.pop("run")), ("training", "triage", "triage-training-1")
        )
        self.assertEqual(record.pop("spec"), SPEC)
        self.assertEqual(record, {name: value for name, value in RESULT.items() if name != "artifact"})

    def test_a_record_that_is_there_is_fine(self) -> None:
        self.leave(RESULT)
        self.assertIn(
            "already there", self.ends(0, self.cluster([(200, pod(0))], [(409, {"reason": "AlreadyExists"})]))
        )

    def test_writes_nothing_for_a_failed_workload_or_another_worker(self) -> None:
        self.leave(RESULT)
        for code, index in ((1, 0), (64, 0), (143, 0), (137, 1), (0, 1)):
            with self.subTest(code=code, index=index):
                fake = self.cluster([(200, pod(code))])
                self.ends(0, fake, index)
                self.assertEqual(fake.of("POST"), [])

    def test_a_workload_that_ends_well_without_a_good_result_fails_the_pod(self) -> None:
        for result, why in (
            (None, "left no result at"),
            ("{", "not JSON"),
            ({**RESULT, "steps": -1}, "steps: is -1, must be a whole number"),
        ):
            with self.subTest(why=why):
                if result is not None:
                    self.leave(result)
                fake = self.cluster([(200, pod(0))])
                self.ends(65, fake)
                self.assertIn(why, self.termination.read_text())
                self.assertEqual(fake.of("POST"), [])

    def test_tries_again_while_that_can_help(self) -> None:
        self.leave(RESULT)
        trouble = [(500, {"message": "etcd"}), (429, {}), (403, {"message": "no binding yet"}), (401, {})]
        fake = self.cluster([*trouble, (200, pod(0))], [(503, {}), (201, {})])
        self.ends(0, fake)
        self.assertEqual((len(fake.of("GET")), len(fake.of("POST"))), (5, 2))

    def test_what_is_refused_for_good_ends_it_with_the_clusters_words(self) -> None:
        self.leave(RESULT)
        fake = self.cluster([(200, pod(0))], [(422, {"message": "data: Too long"})])
        self.ends(1, fake)
        self.assertEqual(len(fake.of("POST")), 1)
        self.assertIn("422 data: Too long", self.termination.read_text())

    def test_sigterm_ends_it_at_once(self) -> None:
        fake = self.cluster([(200, pod(None))])
        process = self.start(fake)
        support.wait_for(lambda: bool(fake.requests), "its first request", 30)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        self.assertEqual(process.returncode, 143)

    def test_a_spec_that_is_none_is_not_recorded(self) -> None:
        self.leave(RESULT)
        for spec, why in (("[]", "must be a JSON object, is list"), ("{", "cannot be read"), (None, "No such file")):
            with self.subTest(why=why):
                path = self.folder / "spec.json"
                path.unlink() if spec is None else path.write_text(spec)
                fake = self.cluster([(200, pod(0))])
                self.ends(64, fake)
                self.assertIn(why, self.termination.read_text())
                self.assertEqual(fake.of("POST"), [])

    def test_names_all_that_is_not_set(self) -> None:
        output = self.ends(64, self.cluster([(200, pod(0))]), MILLWRIGHT_RUN="", MILLWRIGHT_POD="")
        self.assertIn("not set: MILLWRIGHT_RUN, MILLWRIGHT_POD", output)


class Calls(ClusterTest):
    def api(self, fake: FakeCluster, pause: Callable[[float], None], patience: float = 600) -> Api:
        return Api("127.0.0.1", fake.port, self.folder, pause, patience)

    def test_reads_the_token_anew_for_each_try(self) -> None:
        fake = self.cluster([(401, {}), (200, {})])
        self.api(fake, lambda _: (self.folder / "token").write_text("second") and None).call("GET", "/x")
        self.assertEqual([token for _, _, token, _ in fake.requests], ["Bearer first", "Bearer second"])

    def test_gives_up_when_patience_ends(self) -> None:
        pauses: list[float] = []
        fake = self.cluster([(503, {"message": "down"})])
        with self.assertRaisesRegex(ApiError, "503 down"):
            self.api(fake, pauses.append, patience=0).call("GET", "/x")
        fake.stop()
        with self.assertRaisesRegex(ApiError, "ConnectionRefused"):
            self.api(fake, pauses.append, patience=0).call("GET", "/x")
        self.assertEqual(pauses, [])

    def test_talks_to_nobody_the_clusters_authority_did_not_sign(self) -> None:
        fake = self.cluster([(200, {})])
        other = FakeCluster(Path(tempfile.mkdtemp(dir=self.folder)), [(200, {})])
        self.addCleanup(other.stop)
        with self.assertRaisesRegex(ApiError, "CERTIFICATE_VERIFY_FAILED"):
            Api("127.0.0.1", other.port, self.folder, lambda _: None, 0).call("GET", "/x")
        self.assertEqual((fake.requests, other.requests), ([], []))


class Records(unittest.TestCase):
    def fault(self, kind: str, result: Any, message: str) -> None:
        with self.subTest(message=message), self.assertRaisesRegex(ResultError, message):
            record_of(result, kind, **AT)

    def test_takes_what_the_stages_leave(self) -> None:
        self.assertEqual(record_of(RESULT, "training", **AT)["kind"], "training")
        self.assertEqual(
            record_of({**RESULT, "network": RESULT["artifact"]}, "training", **AT)["network"], RESULT["artifact"]
        )
        self.assertEqual(record_of(DATASET, "dataset", **AT)["labels"], ["ham", "spam"])
        for kind, result in (
            ("search", SEARCH),
            ("search", FRONT),
            ("compression", COMPRESSION),
            ("rollout", ROLLOUT),
            ("rollout", FIRST),
            ("rollout", {**ROLLOUT, "verdict": "rollback", "reasons": ["accuracy 0.8 fell by more than 0.02"]}),
        ):
            with self.subTest(kind=kind):
                record = record_of(result, kind, **AT)
                self.assertEqual(
                    {name: record[name] for name in result if name != "artifact"},
                    {name: value for name, value in result.items() if name != "artifact"},
                )

    def test_names_all_that_is_missing(self) -> None:
        for kind, result in (
            ("dataset", DATASET),
            ("search", SEARCH),
            ("training", RESULT),
            ("compression", COMPRESSION),
            ("rollout", ROLLOUT),
        ):
            with self.subTest(kind=kind):
                with self.assertRaises(ResultError) as caught:
                    record_of({}, kind, **AT)
                for name in result:
                    self.assertRegex(str(caught.exception), rf"\b{name}\b")
                for outer, inside in result.items():
                    if not isinstance(inside, dict):
                        continue
                    with self.assertRaises(ResultError) as caught:
                        record_of({**result, outer: {}}, kind, **AT)
                    for name in inside:
                        if name != "validationLoss":
                            self.assertRegex(str(caught.exception), rf"\b{outer}\.{name}: ")

    def test_names_every_fault(self) -> None:
        metrics = RESULT["metrics"]
        self.fault("training", [], "must be an object, is list")
        self.fault(
            "training",
            {**RESULT, "artifact": {"sha256": "A" * 64, "bytes": True}},
            r"sha256: is .*artifact\.bytes: is true",
        )
        self.fault("training", {**RESULT, "seconds": -1, "workers": 1.5}, "seconds: is -1.*workers: is 1.5")
        self.fault(
            "training",
            {**RESULT, "metrics": {**metrics, "testF1": 1.2}},
            r"metrics\.testF1: is 1\.2, must be a number from 0 to 1",
        )
        self.fault("training", {**RESULT, "metrics": {**metrics, "extra": "x"}}, r"metrics\.extra: is \"x\"")
        self.fault("training", {**RESULT, "metrics": {**metrics, "extra": float("nan")}}, r"metrics\.extra: is NaN")
        self.fault("training", {**RESULT, "dataset": ""}, 'dataset: is "", must be a name')
        self.fault("dataset", {**DATASET, "leakedItems": 1}, "leakedItems: is 1, must be 0")
        self.fault(
            "dataset", {**DATASET, "splits": {"train": DATASET["splits"]["train"]}}, r"splits\.validation: must be"
        )
        self.fault("dataset", {**DATASET, "labels": ["one"]}, "labels: .* at least two")
        self.fault("training", {**RESULT, "note": "x" * MAX_BYTES}, r"of them its spec; at most \d+ are")
        self.fault(
            "training", {**RESULT, "network": {"sha256": "x"}}, r"network\.sha256: is \"x\".*network\.bytes: is missing"
        )
        self.fault("forecast", RESULT, 'stage "forecast" cannot be recorded, only those of dataset, search, ')

    def test_a_search_has_one_of_trace_and_front(self) -> None:
        best, point = SEARCH["best"], SEARCH["trace"][0]
        self.fault("search", {**SEARCH, "front": FRONT["front"]}, "trace, front: one of the two")
        self.fault("search", {name: SEARCH[name] for name in SEARCH if name != "trace"}, "trace, front: one of the two")
        self.fault("search", {**SEARCH, "trace": []}, "trace: must be a list of at least one")
        self.fault("search", {**SEARCH, "trace": [point] * 201}, "trace: has 201 points, at most 200")
        self.fault(
            "search",
            {**SEARCH, "trace": [point, {**point, "best": None}, 5]},
            r"trace\.1\.best: is null.*trace\.2: must",
        )
        self.fault(
            "search",
            {**FRONT, "front": [{"values": []}]},
            r"front\.0\.parameters: is missing.*front\.0\.values: is \[\]",
        )
        self.fault(
            "search", {**SEARCH, "best": {**best, "parameters": {"a": [1]}}}, r"best\.parameters: is .* numbers, texts"
        )
        self.fault("search", {**SEARCH, "best": {**best, "values": [float("inf")]}}, r"best\.values: is \[Infinity\]")

    def test_a_compression_has_two_whole_measurements(self) -> None:
        self.fault(
            "compression",
            {**COMPRESSION, "baseline": None},
            "baseline: must be an object with testAccuracy, .* and sparsity",
        )
        less = {**MEASUREMENT, "sparsity": 1.5, "bytes": 1.5, "latencyP99Ms": -1}
        self.fault(
            "compression",
            {**COMPRESSION, "result": less},
            r"result\.bytes: .*result\.latencyP99Ms: .*result\.sparsity: is 1.5",
        )

    def test_a_rollout_says_against_what_and_why(self) -> None:
        evidence = ROLLOUT["evidence"]
        self.fault(
            "rollout", {**ROLLOUT, "verdict": "wait"}, 'verdict: is "wait", must be one of advance, promote, rollback'
        )
        self.fault(
            "rollout", {**ROLLOUT, "verdict": "rollback"}, "reasons: is \[\], must say why the verdict is rollback"
        )
        self.fault("rollout", {**ROLLOUT, "reasons": [""]}, "reasons: .* a list of sentences")
        self.fault("rollout", {**ROLLOUT, "weight": 101}, "weight: is 101, must be a number from 0 to 100")
        self.fault(
            "rollout",
            {**ROLLOUT, "stable": None},
            r"evidence\.stable: .* must be null; evidence\.agreement: is 0.97, must be null",
        )
        self.fault(
            "rollout", {**ROLLOUT, "evidence": {**evidence, "stable": None}}, r"evidence\.stable: must be an object"
        )
        self.fault(
            "rollout",
            {**ROLLOUT, "evidence": {**evidence, "agreement": 2}},
            r"agreement: is 2, must be a number from 0 to 1, or null",
        )
        lost = {name: value for name, value in EVIDENCE.items() if name != "liveErrors"}
        self.fault(
            "rollout",
            {**ROLLOUT, "evidence": {**evidence, "candidate": lost}},
            r"evidence\.candidate\.liveErrors: is missing",
        )
        for name in ("stable", "agreement"):
            without = {each: value for each, value in FIRST["evidence"].items() if each != name}
            self.fault("rollout", {**FIRST, "evidence": without}, rf"evidence\.{name}: is missing, must be null")

    def test_fits_the_ground_a_config_map_gives(self) -> None:
        whole = config_map(record_of(RESULT, "training", **AT), "models")
        self.assertEqual(
            (whole["kind"], whole["metadata"]["namespace"], whole["immutable"]), ("ConfigMap", "models", True)
        )


if __name__ == "__main__":
    unittest.main()
