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
sys.path[:0] = [str(WORKLOADS / image) for image in ("trainer", "recorder", "server", "keras")]

from millwright_workloads.contract import Surroundings, write_json  # noqa: E402
from millwright_workloads.items import DESCRIPTION, SPLITS, Item, write_split  # noqa: E402

SPLIT = {"format": "spam-assassin", "split": {"train": 0.7, "validation": 0.15, "test": 0.15, "seed": 3}}

TRAINING: dict[str, Any] = {
    "task": "text-classification",
    "labels": ["ham", "spam"],
    "epochs": 3,
    "batchSize": 8,
    "learningRate": 0.01,
    "seed": 5,
    "checkpointSeconds": 60,
    "gangSeconds": 480,
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

DIGITS = {**SPLIT, "format": "digits"}

IMAGE_TRAINING: dict[str, Any] = {
    "task": "image-classification",
    "labels": [str(digit) for digit in range(10)],
    "epochs": 3,
    "batchSize": 32,
    "learningRate": 0.01,
    "seed": 5,
    "checkpointSeconds": 60,
    "gangSeconds": 480,
    "maxRestarts": 3,
    "network": {"kind": "image-cnn", "channels": 8, "deepChannels": 12, "dropout": 0.2},
}

_COMMON = "please with from about would which after other these could first where before their through".split()
_WORDS = {
    "ham": "patch build meeting thanks compile kernel release question branch review server report tuesday list".split(),
    "spam": "winner money offer cheap mortgage pills guarantee urgent bonus credit click prize unsubscribe deal".split(),
}


PACKAGES = {"trainer": "millwright_workloads", "server": "millwright_runtime", "keras": "millwright_keras"}


def copies(name: str, *images: str) -> set[bytes]:
    """A file that these images all carry, each way in which it is written there: one, if they are the same."""
    return {(WORKLOADS / image / PACKAGES[image] / name).read_bytes() for image in images or PACKAGES}


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


def write_dataset(folder: Path, label_values: list[tuple[str, Any]], run: str = "d") -> None:
    """A dataset run's folder of these items, every fourth for validation and every other fourth for the test."""
    places = {0: "validation", 1: "test"}
    for name in SPLITS:
        chosen = [
            Item(f"{at:04}", label, value)
            for at, (label, value) in enumerate(label_values)
            if places.get(at % 4, "train") == name
        ]
        write_split(folder, name, chosen)
    write_json(folder / DESCRIPTION, {"run": run})


def write_texts(folder: Path, each: int = 40, seed: int = 1) -> None:
    draw = random.Random(seed)
    write_dataset(folder, [(label, mail(label, draw).decode()) for _ in range(each) for label in TRAINING["labels"]])


def write_images(folder: Path, each: int = 20, seed: int = 1, size: tuple[int, int] = (8, 8)) -> None:
    """Ten kinds of images, told apart by which of their rows is bright."""
    draw = random.Random(seed)
    height, width = size

    def image(label: str) -> list[list[int]]:
        return [[draw.randrange(4) + 12 * (row == int(label) % height) for _ in range(width)] for row in range(height)]

    write_dataset(folder, [(label, image(label)) for _ in range(each) for label in IMAGE_TRAINING["labels"]])


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
            "MILLWRIGHT_CAPTURED": str(self.root / "captured"),
            "MILLWRIGHT_INPUT": str(self.root / "dataset"),
            "MILLWRIGHT_BASE": str(self.root / "base"),
            "MILLWRIGHT_OUTPUT": str(self.root / ("dataset" if stage == "dataset" else run)),
            "MILLWRIGHT_CHECKPOINT": str(self.root / f"{run}-checkpoint"),
            "MILLWRIGHT_RESULT": str(self.result_path(run, worker)),
            "MILLWRIGHT_PROGRESS": str(self.result_path(run, worker).with_name("progress.json")),
            "MILLWRIGHT_WORKERS": str(workers),
            "MILLWRIGHT_WORKER_INDEX": str(worker),
            "MILLWRIGHT_RENDEZVOUS": f"localhost:{self.port}",
            "MILLWRIGHT_TERMINATION_LOG": str(self.termination(worker)),
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

    def start(self, environment: dict[str, str], image: str = "trainer") -> subprocess.Popen[str]:
        """What `millwright-run` of an image does."""
        log = (self.root / f"{environment['MILLWRIGHT_RUN']}-{environment['MILLWRIGHT_WORKER_INDEX']}.out").open("a")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", f"{PACKAGES[image]}.launch"],
                env={**os.environ, "PYTHONPATH": str(WORKLOADS / image), **environment},
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

    def start(self, environment: dict[str, str], image: str = "trainer") -> subprocess.Popen[str]:
        process = self.place.start(environment, image)

        def end() -> None:
            # The launcher's death takes torchrun and the worker with it.
            if process.poll() is None:
                process.kill()
            process.wait()

        self.addCleanup(end)
        return process
