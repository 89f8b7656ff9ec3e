"""The watcher's questions, asked of a real Prometheus. Skipped where Debian's `prometheus` is not installed.

Not proven: that its rules make these series; see tests/components/monitoring/rules.service.test.ts.
"""

import json
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import support
from .test_watch_decision import WATCH
from millwright_recorder.watch.decision import Drift, Measured, Serving, Trigger, Watch, decide
from millwright_recorder.watch.prometheus import Prometheus

BINARY = shutil.which("prometheus")


def constant(record: str, value: float, **labels: str) -> dict[str, Any]:
    return {"record": record, "expr": f"vector({value})", "labels": {"model": "triage", "version": "t1", **labels}}


RULES = [
    constant("millwright:psi", 0.31, feature="score"),
    constant("millwright:psi", 0.05, feature="tokens"),
    constant("millwright:psi", 9, feature="score", version="t0"),
    constant("millwright:served_items", 512),
    constant("millwright:labelled_items", 150, outcome="right"),
    constant("millwright:labelled_items", 60, outcome="wrong"),
]


@unittest.skipIf(BINARY is None, "no prometheus on the PATH: apt-get install --no-install-recommends prometheus")
class Real(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        place, port = Path(folder.name), support.free_port()
        # JSON is YAML, too.
        (place / "rules.json").write_text(json.dumps({"groups": [{"name": "g", "rules": RULES}]}))
        (place / "prometheus.json").write_text(
            json.dumps({"global": {"evaluation_interval": "1s"}, "rule_files": [str(place / "rules.json")]})
        )
        assert BINARY is not None
        with (place / "log").open("w") as log:
            process = subprocess.Popen(
                [
                    BINARY,
                    f"--config.file={place}/prometheus.json",
                    f"--storage.tsdb.path={place}/data",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdout=log,
                stderr=log,
            )
        self.addCleanup(lambda: (process.kill(), process.wait()))
        self.url = f"http://127.0.0.1:{port}"
        support.wait_for(self.ready, f"Prometheus: {(place / 'log').read_text()[-500:]}", 30)

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as response:
                return response.status == 200
        except OSError:
            return False

    def measured(self, watch: Watch = WATCH) -> Measured:
        return Prometheus(self.url).measured("triage", "t1", watch, time.time())

    def test_what_it_measured_is_what_is_decided_on(self) -> None:
        watch = replace(WATCH, drift=Drift(0.25, 3600, 500, 10))
        serving = Serving("t1", 0.98, 0)
        began = time.monotonic()
        support.wait_for(lambda: bool(self.measured(watch).samples[-1].psi), "the first values", 30)
        early = self.measured(watch)
        self.assertEqual(early.samples[-1].psi, {"score": 0.31, "tokens": 0.05})
        self.assertEqual(early.samples[-1].items, 512)
        self.assertEqual((early.right, early.labelled), (150, 210))
        drift_only = replace(watch, quality=None)

        def triggered() -> bool:
            return isinstance(decide(drift_only, serving, (), self.measured(watch), time.time()), Trigger)

        self.assertFalse(triggered(), "it has not lasted yet")
        support.wait_for(triggered, "the drift to have lasted", 30)
        self.assertGreater(time.monotonic() - began, 9)
        self.assertIsInstance(decide(watch, serving, (), early, time.time()), Trigger, "the labels are worse at once")


if __name__ == "__main__":
    unittest.main()
