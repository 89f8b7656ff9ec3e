"""The judge against real HTTP servers on this machine: two versions and the router's metrics.

The router is a stand-in that tells counts in HAProxy's format, of which one sample is HAProxy's own. What does not
depend on how counts came about is in test_verdict.
"""

from __future__ import annotations

import json
import os
import threading
import time
import unittest
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock

from . import support
from millwright_recorder.results import faults_of
from millwright_workloads import rollout
from millwright_workloads.contract import EXIT_BAD_SPEC, EXIT_UNAVAILABLE, WorkloadFailure
from millwright_workloads.items import Item, write_split
from millwright_workloads.router_metrics import Counts, LiveTraffic, RouterSilent, counts_in

ITEMS = [Item(f"i{number}", "spam" if number % 3 == 0 else "ham", f"text {number}") for number in range(60)]
TRUTH = {str(item.value): item.label for item in ITEMS}

CANARY = {
    "stepSeconds": 1,
    "minRequests": 40,
    "maxErrorRate": 0.01,
    # Far from what a busy machine does to a request, so that only a version that is meant to be slow is.
    "maxLatencyIncrease": 0.5,
    "minLatencyIncreaseMs": 100,
    "maxAccuracyDrop": 0.02,
    "minAgreement": 0.9,
}


class Server(ThreadingHTTPServer):
    """Answers each path by `respond(method, path, body) -> (status, body)`."""

    daemon_threads = True

    def __init__(self, respond: Callable[[str, str, bytes], tuple[int, bytes]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = respond(self.command, self.path, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = handle_one

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def handle_error(self, *_: Any) -> None:
        """The judge hangs up on a server that takes too long."""


class FakeVersion(Server):
    """A version of the model: right about every text, at once, unless told otherwise."""

    def __init__(
        self, error_every: int = 0, wrong_every: int = 0, delay_seconds: float = 0.0, ready_after: int = 0
    ) -> None:
        self.asked: list[Any] = []
        self._error_every, self._wrong_every, self._delay = error_every, wrong_every, delay_seconds
        self._ready_after = ready_after
        super().__init__(self._respond)

    def _respond(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if (method, path) == ("GET", "/v2/models/triage/ready"):
            self._ready_after -= 1
            return (200 if self._ready_after < 0 else 400), b""
        assert (method, path) == ("POST", "/v2/models/triage/infer"), (method, path)
        (given,) = json.loads(body)["inputs"]
        self.asked.append(given)
        time.sleep(self._delay)
        if self._error_every and len(self.asked) % self._error_every == 0:
            return 500, b"{}"
        label = TRUTH.get(str(given["data"][0]), "ham")
        if self._wrong_every and len(self.asked) % self._wrong_every == 0:
            label = {"ham": "spam", "spam": "ham"}[label]
        outputs = [
            {"name": "probability", "datatype": "FP32", "shape": [1], "data": [0.9]},
            {"name": "label", "datatype": "BYTES", "shape": [1], "data": [label]},
        ]
        return 200, json.dumps({"model_name": "triage", "outputs": outputs}).encode()


def exposition(**servers: tuple[int, int]) -> str:
    """HAProxy's format with (2xx, 5xx) of each server; more of what it tells beside."""
    lines = ["# TYPE haproxy_server_http_responses_total counter"]
    for server, (fine, failed) in servers.items():
        of = f'proxy="versions",server="{server}"'
        lines += [f'haproxy_server_http_responses_total{{{of},code="2xx"}} {fine}']
        lines += [f'haproxy_server_http_responses_total{{{of},code="5xx"}} {failed}']
        lines += [f"haproxy_server_connection_errors_total{{{of}}} 0", f"haproxy_server_weight{{{of}}} 20"]
    return "\n".join([*lines, 'haproxy_backend_http_responses_total{proxy="versions",code="5xx"} 99', ""])


class Router(Server):
    """Each reading is the next of the given ones; the last stays."""

    def __init__(self, *readings: str) -> None:
        self._readings = list(readings)
        super().__init__(self._respond)

    def _respond(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        reading = self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]
        return 200, reading.encode()


class OtherVersion(Server):
    """A version that is right about every text, in another protocol; it answers nothing but that protocol's paths."""

    def __init__(self, ready: str, ask: str, answer: Callable[[Any], Any]) -> None:
        self.asked: list[Any] = []
        self._paths = {("GET", ready), ("POST", ask)}
        self._answer = answer
        super().__init__(self._respond)

    def _respond(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if (method, path) not in self._paths:
            return 404, b""
        if method == "GET":
            return 200, b"{}"
        self.asked.append(json.loads(body))
        return 200, json.dumps(self._answer(self.asked[-1])).encode()


def predicted(given: Any) -> Any:
    """TensorFlow Serving's answer, with a number for each of ham and spam."""
    return {"predictions": [[0.9, 0.1] if TRUTH.get(text, "ham") == "ham" else [0.2, 0.8] for text in given["instances"]]}


def completed(given: Any) -> Any:
    """OpenAI's answer, with the white space language models leave."""
    text = given["messages"][0]["content"]
    return {"choices": [{"message": {"role": "assistant", "content": f" {TRUTH.get(text, 'ham')}\n"}}]}


class Judging(support.PlaceTest):
    def setUp(self) -> None:
        super().setUp()
        write_split(self.place.root / "dataset", "test", ITEMS)

    def served(self, server: Server) -> Server:
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def judge(
        self,
        candidate: Server,
        stable: Server | None,
        router: Server | None = None,
        step: int = 0,
        canary: dict[str, Any] = CANARY,
        **environment: str,
    ) -> dict[str, Any]:
        given = {
            "candidate": "triage-training-0000000002",
            "stable": None if stable is None else "triage-training-0000000001",
            "step": step,
            "steps": 2,
            "weight": 20,
            "canary": canary,
            "task": "text-classification",
            "labels": ["ham", "spam"],
        }
        router = router or self.served(Router(exposition(candidate=(5, 0), stable=(50, 0))))
        urls = {
            "MILLWRIGHT_CANDIDATE_URL": candidate.url,
            **({} if stable is None else {"MILLWRIGHT_STABLE_URL": stable.url}),
            "MILLWRIGHT_ROUTER_METRICS": f"{router.url}/metrics",
            "MILLWRIGHT_READY_SECONDS": "1",
            "MILLWRIGHT_ROUTER_SECONDS": "1",
            **environment,
        }
        with mock.patch.dict(os.environ, urls):
            rollout.run(self.place.surroundings("rollout", "run", given))
        result = self.place.result("run")
        self.assertEqual(faults_of(result, "rollout"), [])
        return result

    def good(self) -> FakeVersion:
        version = FakeVersion()
        self.served(version)
        return version

    def test_equals_advance_and_on_the_last_step_are_promoted(self) -> None:
        for step, verdict in ((0, "advance"), (1, "promote")):
            with self.subTest(verdict):
                (self.place.root / "run/result.json").unlink(missing_ok=True)
                candidate, stable = self.good(), self.good()
                result = self.judge(candidate, stable, step=step)
                self.assertEqual((result["verdict"], result["reasons"]), (verdict, []))
                self.assertEqual((result["step"], result["weight"]), (step, 20))
                evidence = result["evidence"]
                self.assertEqual(evidence["agreement"], 1)
                for side in ("candidate", "stable"):
                    self.assertEqual((evidence[side]["requests"], evidence[side]["errors"]), (40, 0))
                    self.assertEqual(evidence[side]["accuracy"], 1)
                    self.assertTrue(0 < evidence[side]["p50Ms"] <= evidence[side]["p99Ms"])
                self.assertEqual(len(candidate.asked), 40 + 3, "and three to warm up")
                self.assertEqual(
                    candidate.asked[0], {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["text 0"]}
                )
                self.assertGreaterEqual(
                    result["seconds"], CANARY["stepSeconds"], "live requests are watched all the time"
                )
                kept = json.loads((self.place.root / "run/evidence.json").read_text())
                self.assertEqual(kept["limits"]["min_requests"], 40)

    def test_wrong_labels_are_rolled_back_before_the_end(self) -> None:
        candidate, stable = self.served(FakeVersion(wrong_every=2)), self.good()
        result = self.judge(candidate, stable, step=1)
        self.assertEqual(result["verdict"], "rollback")
        self.assertTrue(any("labelled items" in reason for reason in result["reasons"]), result["reasons"])
        self.assertLess(result["evidence"]["candidate"]["requests"], 40)

    def test_a_slow_version_is_rolled_back(self) -> None:
        # Slow enough that nothing a busy machine does to a request of the good one comes near.
        canary = {**CANARY, "minRequests": 15}
        result = self.judge(self.served(FakeVersion(delay_seconds=0.3)), self.good(), canary=canary)
        self.assertEqual(result["verdict"], "rollback")
        (reason,) = result["reasons"]
        self.assertRegex(reason, r"the (p99|median) latency is [\d.]+ ms, at most [\d.]+ ms")

    def test_a_version_that_fails_is_rolled_back_at_once(self) -> None:
        result = self.judge(self.served(FakeVersion(error_every=2)), self.good())
        self.assertEqual(result["verdict"], "rollback")
        self.assertRegex(result["reasons"][0], r"\d+ of \d+ requests failed")
        self.assertLess(result["evidence"]["candidate"]["requests"], 20)
        kept = json.loads((self.place.root / "run/evidence.json").read_text())
        self.assertEqual(list(kept["problems"]["candidate"]), ["status 500"])

    def test_the_first_version_is_promoted_on_its_health_and_accuracy_and_a_bad_one_is_not(self) -> None:
        result = self.judge(self.good(), None, step=1)
        self.assertEqual((result["verdict"], result["stable"]), ("promote", None))
        self.assertEqual((result["evidence"]["stable"], result["evidence"]["agreement"]), (None, None))
        (self.place.root / "run/result.json").unlink()
        result = self.judge(self.served(FakeVersion(wrong_every=2)), None, step=1)
        self.assertEqual(result["verdict"], "rollback")
        self.assertIn("always answering the most frequent label", result["reasons"][0])

    def test_the_stable_versions_own_errors_are_not_held_against_the_candidate(self) -> None:
        result = self.judge(self.good(), self.served(FakeVersion(error_every=3)))
        self.assertEqual((result["verdict"], result["reasons"]), ("advance", []))
        self.assertGreater(result["evidence"]["stable"]["errors"], 5)

    def test_a_stable_version_that_is_down_does_not_hold_the_candidate_up(self) -> None:
        gone = FakeVersion()
        gone.shutdown()
        gone.server_close()
        result = self.judge(self.good(), gone, step=1)
        self.assertEqual((result["verdict"], result["evidence"]["agreement"]), ("promote", None))

    def test_errors_of_live_requests_count_and_those_of_before_do_not(self) -> None:
        before, after = (
            exposition(candidate=(100, 500), stable=(900, 0)),
            exposition(candidate=(160, 540), stable=(1400, 0)),
        )
        result = self.judge(self.good(), self.good(), self.served(Router(before, after)))
        self.assertEqual(result["verdict"], "rollback")
        self.assertRegex(result["reasons"][0], r"40 of 100 live requests failed \(40 %\)")
        self.assertEqual(result["evidence"]["stable"]["liveRequests"], 500)

    def test_a_candidate_that_is_never_ready_is_rolled_back_and_one_that_becomes_ready_is_waited_for(self) -> None:
        result = self.judge(self.served(FakeVersion(ready_after=1000)), self.good())
        self.assertEqual(result["verdict"], "rollback")
        self.assertIn("was not ready to answer within 1 s", result["reasons"][0])
        (self.place.root / "run/result.json").unlink()
        result = self.judge(self.served(FakeVersion(ready_after=2)), self.good())
        self.assertEqual(result["verdict"], "advance")

    def test_answers_that_are_none_are_errors(self) -> None:
        class Broken(FakeVersion):
            def _respond(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
                status, answer = super()._respond(method, path, body)
                return (status, b'{"outputs": []}') if method == "POST" else (status, answer)

        result = self.judge(self.served(Broken()), self.good())
        self.assertEqual(result["verdict"], "rollback")
        self.assertIn("requests failed (100 %)", result["reasons"][0])
        self.assertEqual(result["evidence"]["candidate"]["accuracy"], 0)

    def test_images_are_sent_as_pixels(self) -> None:
        write_split(self.place.root / "dataset", "test", [Item("d", "ham", [[1, 2, 3], [4, 5, 6]])])
        candidate = self.good()
        self.judge(candidate, None, step=1, canary={**CANARY, "minRequests": 1, "stepSeconds": 0.1})
        self.assertEqual(
            candidate.asked[0], {"name": "pixels", "datatype": "FP32", "shape": [1, 2, 3], "data": [1, 2, 3, 4, 5, 6]}
        )

    def test_versions_are_asked_in_the_protocol_of_their_engine(self) -> None:
        for protocol, ready, ask, answer, first in (
            (
                "tensorflow",
                "/v1/models/triage",
                "/v1/models/triage:predict",
                predicted,
                {"instances": ["text 0"]},
            ),
            (
                "openai",
                "/health",
                "/v1/chat/completions",
                completed,
                {
                    "model": "org/triage",
                    "messages": [{"role": "user", "content": "text 0"}],
                    "max_tokens": 16,
                    "temperature": 0,
                },
            ),
        ):
            with self.subTest(protocol):
                self.place.result_path("run").unlink(missing_ok=True)
                (self.place.root / "run/result.json").unlink(missing_ok=True)
                versions = [OtherVersion(ready, ask, answer) for _ in range(2)]
                for version in versions:
                    self.served(version)
                environment = {"MILLWRIGHT_PROTOCOL": protocol, "MILLWRIGHT_SERVED_NAME": "org/triage"}
                result = self.judge(versions[0], versions[1], **environment)
                self.assertEqual((result["verdict"], result["reasons"]), ("advance", []))
                self.assertEqual(result["evidence"]["candidate"]["accuracy"], 1)
                self.assertEqual(versions[0].asked[0], first)

    def test_a_server_that_tells_its_readiness_elsewhere_is_asked_there(self) -> None:
        candidate = OtherVersion("/ready", "/v1/models/triage:predict", predicted)
        self.served(candidate)
        environment = {"MILLWRIGHT_PROTOCOL": "tensorflow", "MILLWRIGHT_READY_PATH": "/ready"}
        self.assertEqual(self.judge(candidate, None, step=1, **environment)["verdict"], "promote")

    def test_numbers_that_do_not_fit_the_labels_are_no_answer(self) -> None:
        candidate = OtherVersion(
            "/v1/models/triage", "/v1/models/triage:predict", lambda _: {"predictions": [[0.1, 0.2, 0.7]]}
        )
        self.served(candidate)
        result = self.judge(candidate, None, step=1, MILLWRIGHT_PROTOCOL="tensorflow")
        self.assertEqual(result["verdict"], "rollback")
        self.assertIn("requests failed (100 %)", result["reasons"][0])

    def test_without_the_routers_word_there_is_no_verdict(self) -> None:
        with self.assertRaisesRegex(WorkloadFailure, "the router did not tell what it counted for 1 s") as caught:
            self.judge(self.good(), self.good(), MILLWRIGHT_ROUTER_METRICS="http://127.0.0.1:1/metrics")
        self.assertEqual(caught.exception.code, EXIT_UNAVAILABLE)
        self.assertFalse(self.place.result_path("run").exists())

    def test_a_judged_step_is_reported_not_judged_again(self) -> None:
        candidate = self.good()
        first = self.judge(candidate, self.good())
        asked = len(candidate.asked)
        self.place.result_path("run").unlink()
        self.assertEqual(self.judge(candidate, self.good()), first)
        self.assertEqual(len(candidate.asked), asked)

    def test_names_what_is_wrong_with_spec_and_environment(self) -> None:
        for canary, environment, why in (
            ({**CANARY, "minRequests": 0}, {}, r"canary\.minRequests: is 0, must be at least 1"),
            ({**CANARY, "maxErrorRate": 2}, {}, r"canary\.maxErrorRate: is 2, must be from 0 to 1"),
            (CANARY, {"MILLWRIGHT_CANDIDATE_URL": ""}, "MILLWRIGHT_CANDIDATE_URL is not set"),
            (CANARY, {"MILLWRIGHT_STABLE_URL": "ftp://x"}, 'MILLWRIGHT_STABLE_URL is "ftp://x", must be http'),
            (CANARY, {"MILLWRIGHT_PROTOCOL": "grpc"}, 'MILLWRIGHT_PROTOCOL is "grpc", must be v2, tensorflow or openai'),
            (CANARY, {"MILLWRIGHT_ROUTER_METRICS": "nowhere"}, 'MILLWRIGHT_ROUTER_METRICS is "nowhere"'),
        ):
            with self.subTest(why), self.assertRaisesRegex(WorkloadFailure, why) as caught:
                self.judge(self.good(), self.good(), canary=canary, **environment)
            self.assertEqual(caught.exception.code, EXIT_BAD_SPEC)


HAPROXY = """\
haproxy_backend_http_responses_total{proxy="versions",code="5xx"} 10
haproxy_server_connection_errors_total{proxy="versions",server="stable"} 0
haproxy_server_connection_errors_total{proxy="versions",server="candidate"} 5
haproxy_server_response_errors_total{proxy="versions",server="stable"} 0
haproxy_server_response_errors_total{proxy="versions",server="candidate"} 0
haproxy_server_retry_warnings_total{proxy="versions",server="candidate"} 5
haproxy_server_http_responses_total{proxy="versions",server="stable",code="2xx"} 15
haproxy_server_http_responses_total{proxy="versions",server="stable",code="5xx"} 0
haproxy_server_http_responses_total{proxy="versions",server="candidate",code="2xx"} 5
haproxy_server_http_responses_total{proxy="versions",server="candidate",code="4xx"} 0
haproxy_server_http_responses_total{proxy="versions",server="candidate",code="5xx"} 5
"""
"""What HAProxy 2.6.12 told of 30 requests to two servers in turn, of which one answered five with 500, then was gone:
its clients got 20 times 200, five times 500, five times 503."""


class RouterMetrics(unittest.TestCase):
    def test_haproxys_counts_are_what_its_clients_saw(self) -> None:
        self.assertEqual(counts_in(HAPROXY), {"candidate": Counts(15, 10), "stable": Counts(15, 0)})

    def test_requests_are_responses_and_what_was_never_answered(self) -> None:
        text = exposition(candidate=(7, 2), stable=(30, 0)).replace(
            'connection_errors_total{proxy="versions",server="candidate"} 0',
            'connection_errors_total{proxy="versions",server="candidate"} 3',
        )
        self.assertEqual(counts_in(text), {"candidate": Counts(12, 5), "stable": Counts(30, 0)})
        self.assertEqual(counts_in(""), {})

    def test_what_a_version_refused_and_the_other_answered_is_held_against_it(self) -> None:
        text = exposition(candidate=(7, 0), stable=(30, 0))
        text += 'haproxy_server_redispatch_warnings_total{proxy="versions",server="candidate"} 3\n'
        self.assertEqual(counts_in(text), {"candidate": Counts(10, 3), "stable": Counts(30, 0)})

    def test_routers_are_added_up_and_restarts_and_newcomers_do_not_distort(self) -> None:
        live = LiveTraffic("http://router:1/metrics", 1)
        readings = [
            {"10.0.0.1": (100, 5)},
            {"10.0.0.1": (110, 5), "10.0.0.2": (1000, 900)},
            {"10.0.0.1": (3, 1), "10.0.0.2": (1004, 900)},
            {"10.0.0.2": (1005, 901)},
        ]
        sums = []
        for reading in readings:
            with (
                mock.patch.object(live, "_addresses", return_value=list(reading)),
                mock.patch.object(live, "_fetch", lambda address, found=reading: exposition(candidate=found[address])),
            ):
                live.read()
            sums.append(live.of("candidate"))
        # Counted anew after the restart of the first: 3 fine and 1 failed.
        self.assertEqual(sums, [Counts(0, 0), Counts(10, 0), Counts(18, 1), Counts(20, 2)])

    def test_one_router_that_answers_is_enough_and_none_is_too_few(self) -> None:
        server = Router(exposition(candidate=(1, 0)))
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        live = LiveTraffic(f"{server.url}/metrics", 1)
        with mock.patch.object(live, "_addresses", return_value=["127.0.0.1", "127.0.0.99"]):
            live.read()
        with mock.patch.object(live, "_addresses", return_value=["127.0.0.99"]), self.assertRaises(RouterSilent):
            live.read()


if __name__ == "__main__":
    unittest.main()
