"""What the tests share: a small made-up corpus, surroundings in a temporary folder, and the stages as processes."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORKLOADS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(WORKLOADS / "trainer"), str(WORKLOADS / "recorder"), str(WORKLOADS / "server")]

from millwright_workloads.contract import Surroundings  # noqa: E402

SPLIT = {"format": "spam-assassin", "split": {"train": 0.7, "validation": 0.15, "test": 0.15, "seed": 3}}

TRAINING: dict[str, Any] = {
    "task": "text-classification",
    "labels": ["ham", "spam"],
    "epochs": 3,
    "batchSize": 8,
    "learningRate": 0.01,
    "seed": 5,
    "checkpointSeconds": 60,
    "maxRestarts": 3,
    "network": {
        "kind": "text-cnn",
        "vocabularySize": 400,
        "embeddingSize": 8,
        "channels": 8,
        "sequenceLength": 32,
        "dropout": 0.2,
    },
}

_COMMON = "please with from about would which after other these could first where before their through".split()
_WORDS = {
    "ham": "patch build meeting thanks compile kernel release question branch review server report tuesday list".split(),
    "spam": "winner money offer cheap mortgage pills guarantee urgent bonus credit click prize unsubscribe deal".split(),
}


def mail(label: str, draw: random.Random, words: int = 40) -> bytes:
    chosen = [draw.choice(_WORDS[label] if draw.random() < 0.4 else _COMMON) for _ in range(words)]
    subject = " ".join(draw.sample(_WORDS[label], 3))
    body = " ".join(chosen)
    return f"From: {label}@x.example\nX-Spam-Status: {label}\nSubject: {subject}\n\n{body}\n".encode()


def write_corpus(folder: Path, each: int = 80, seed: int = 1) -> None:
    draw = random.Random(seed)
    for label in ("ham", "spam"):
        place = folder / (f"easy-{label}-1" if label == "ham" else f"{label}-1")
        place.mkdir(parents=True)
        for number in range(each):
            (place / f"{number:05}.txt").write_bytes(mail(label, draw))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.05)


class Place:
    """A run's folders and files below a temporary folder, as the pod of each of its workers would see them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()

    def spec(self, name: str, value: Any) -> Path:
        path = self.root / f"{name}.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return path

    def environment(self, stage: str, run: str, spec: Any, workers: int = 1, worker: int = 0) -> dict[str, str]:
        return {
            "MILLWRIGHT_STAGE": stage,
            "MILLWRIGHT_MODEL": "triage",
            "MILLWRIGHT_RUN": run,
            "MILLWRIGHT_SPEC": str(self.spec(run, spec)),
            "MILLWRIGHT_SOURCE": str(self.root / "source"),
            "MILLWRIGHT_INPUT": str(self.root / "dataset"),
            "MILLWRIGHT_OUTPUT": str(self.root / ("dataset" if stage == "dataset" else run)),
            "MILLWRIGHT_CHECKPOINT": str(self.root / f"{run}-checkpoint"),
            "MILLWRIGHT_RESULT": str(self.result_path(run, worker)),
            "MILLWRIGHT_PROGRESS": str(self.result_path(run, worker).with_name("progress.json")),
            "MILLWRIGHT_WORKERS": str(workers),
            "MILLWRIGHT_WORKER_INDEX": str(worker),
            "MILLWRIGHT_RENDEZVOUS": f"localhost:{self.port}",
            "MILLWRIGHT_TERMINATION_LOG": str(self.termination(worker)),
            "MILLWRIGHT_GROUP_SECONDS": "120",
            "OMP_NUM_THREADS": "1",
        }

    def surroundings(self, stage: str, run: str, spec: Any) -> Surroundings:
        return Surroundings.of(self.environment(stage, run, spec))

    def result_path(self, run: str, worker: int = 0) -> Path:
        return self.root / f"{run}-result-{worker}" / "result.json"

    def result(self, run: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.result_path(run).read_text(encoding="utf-8"))
        return value

    def termination(self, worker: int = 0) -> Path:
        path = self.root / f"termination-{worker}"
        path.touch()
        return path

    def start(self, environment: dict[str, str]) -> subprocess.Popen[str]:
        log = (self.root / f"{environment['MILLWRIGHT_RUN']}-{environment['MILLWRIGHT_WORKER_INDEX']}.out").open("a")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", "millwright_workloads.launch"],
                env={**os.environ, "PYTHONPATH": str(WORKLOADS / "trainer"), **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def output(self, run: str, worker: int = 0) -> str:
        path = self.root / f"{run}-{worker}.out"
        return path.read_text(encoding="utf-8") if path.exists() else ""


class PlaceTest(unittest.TestCase):
    """A test with a Place of its own, and no process left when it ends."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        self.place = Place(Path(folder.name))

    def start(self, environment: dict[str, str]) -> subprocess.Popen[str]:
        process = self.place.start(environment)

        def end() -> None:
            # The launcher's death takes torchrun and the worker with it.
            if process.poll() is None:
                process.kill()
            process.wait()

        self.addCleanup(end)
        return process
