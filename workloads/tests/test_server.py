"""The runtime on models the trainer exports, and MLServer as the image starts it. Needs server/requirements.txt."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy
import torch

from . import support
from millwright_runtime.classifier import MAX_TEXTS, Model
from millwright_workloads.export import Answering, export_model
from millwright_workloads.network import TextCnn
from millwright_workloads.text import READING, Reader, most_frequent
from millwright_workloads.training_spec import TrainingSpec

SHAPE = TrainingSpec.of(support.TRAINING, "t", 1).shape


def texts() -> list[str]:
    draw = random.Random(4)
    letters = "aA0 .,@:/>!$%\n\t\u00e9\u0130\u4e2d\ufb01\u200b'=<"
    mails = [support.mail(draw.choice(["ham", "spam"]), draw, draw.randrange(1, 90)).decode() for _ in range(100)]
    return mails + ["".join(draw.choices(letters, k=draw.randrange(300))) for _ in range(100)] + ["", " ", "\0"]


def trained() -> tuple[TextCnn, list[str]]:
    """A network with weights that matter everywhere, though nothing was learned."""
    torch.manual_seed(3)
    tokens = Reader(READING, SHAPE.sequence_length)
    vocabulary = most_frequent([tokens.tokens(text) for text in texts()], SHAPE.vocabulary_size)
    network = TextCnn(len(vocabulary) + 2, 2, SHAPE)
    for value in network.parameters():
        torch.nn.init.normal_(value, std=0.5)
    with torch.no_grad():
        network.embedding.weight[0].zero_()
        network.votes.weight[0].zero_()
    return network.eval(), vocabulary


class ModelTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "model"
        self.network, self.vocabulary = trained()
        export_model(self.folder, self.network, self.vocabulary, ["ham", "spam"], SHAPE.sequence_length, "run-1")

    def change(self, **changes: Any) -> None:
        path = self.folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


class Exported(ModelTest):
    def test_answers_any_text_in_any_batch_as_training_would(self) -> None:
        given = texts()
        words = torch.from_numpy(Reader(READING, SHAPE.sequence_length, self.vocabulary).encode(given))
        with torch.no_grad():
            expected = Answering(self.network)(words).numpy()
        self.assertGreater(float(expected[:, 0].std()), 0.05, "the answers must differ for the comparison to mean anything")
        served = Model(self.folder)
        for size in (1, 7, len(given)):
            found = numpy.concatenate([served.probabilities(given[at : at + size]) for at in range(0, len(given), size)])
            numpy.testing.assert_allclose(found, expected, atol=1e-5)

    def test_is_not_served_when_it_would_answer_otherwise_than_in_training(self) -> None:
        config = json.loads((self.folder / "config.json").read_text())
        self.change(reading={**config["reading"], "token": "[a-z]+"})
        with self.assertRaisesRegex(ValueError, "answers its own probe .* off"):
            Model(self.folder)

    def test_is_not_served_with_another_vocabulary(self) -> None:
        (self.folder / "vocabulary.json").write_text(json.dumps(self.vocabulary[::-1]))
        with self.assertRaisesRegex(ValueError, "answers its own probe"):
            Model(self.folder)

    def test_of_another_format_is_refused_by_name(self) -> None:
        self.change(format="millwright-model/9")
        with self.assertRaisesRegex(ValueError, 'is of format "millwright-model/9", this image serves "millwright-model/1"'):
            Model(self.folder)

    def test_replaces_an_interrupted_export(self) -> None:
        (self.folder / "stray").write_text("x")
        export_model(self.folder, self.network, self.vocabulary, ["ham", "spam"], SHAPE.sequence_length, "run-1")
        self.assertEqual({path.name for path in self.folder.iterdir()}, {"model.onnx", "vocabulary.json", "config.json"})


class Served(ModelTest):
    def start(self) -> subprocess.Popen[str]:
        self.port = support.free_port()
        temporary = self.folder.parent / "tmp"
        temporary.mkdir()
        self.log = self.folder.parent / "server.log"
        # As in the pod: the model is read-only, and only the temporary folder may be written.
        for path in (*self.folder.iterdir(), self.folder):
            path.chmod(0o555 if path.is_dir() else 0o444)
        with self.log.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "millwright_runtime"],
                cwd="/",
                env={
                    **os.environ,
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                    "PYTHONPATH": str(support.WORKLOADS / "server"),
                    "HOME": str(temporary),
                    "TMPDIR": str(temporary),
                    "MLSERVER_MODEL_NAME": "triage",
                    "MLSERVER_MODEL_URI": str(self.folder),
                    "MILLWRIGHT_VERSION": "run-1",
                    "MILLWRIGHT_HTTP_PORT": str(self.port),
                    "MILLWRIGHT_GRPC_PORT": str(support.free_port()),
                    "MILLWRIGHT_METRICS_PORT": str(support.free_port()),
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.addCleanup(lambda: (process.kill(), process.wait()))
        return process

    def ready(self) -> bool:
        try:
            return self.call("/v2/models/triage/ready")[0] == 200
        except urllib.error.URLError:
            return False

    def call(self, path: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                text = response.read()
                return response.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text)

    def classify(self, data: Any, shape: list[int] | None = None, **changes: Any) -> tuple[int, Any]:
        given = {"name": "text", "shape": shape or [len(data)], "datatype": "BYTES", "data": data, **changes}
        return self.call("/v2/models/triage/infer", {"inputs": [given]})

    def test_speaks_the_open_inference_protocol(self) -> None:
        process = self.start()
        support.wait_for(lambda: self.ready() or process.poll() is not None, "the server to be ready")
        self.assertTrue(self.ready(), self.log.read_text())

        given = texts()[:20]
        status, answer = self.classify(given)
        self.assertEqual((status, answer["model_name"], answer["model_version"]), (200, "triage", "run-1"))
        outputs = {output["name"]: output for output in answer["outputs"]}
        expected = Model(self.folder).probabilities(given)
        self.assertEqual({name: output["shape"] for name, output in outputs.items()}, {"label": [20], "probability": [20], "probabilities": [20, 2]})
        self.assertEqual({name: output["datatype"] for name, output in outputs.items()}, {"label": "BYTES", "probability": "FP32", "probabilities": "FP32"})
        numpy.testing.assert_allclose(numpy.reshape(outputs["probabilities"]["data"], (20, 2)), expected, atol=1e-6)
        numpy.testing.assert_allclose(outputs["probability"]["data"], expected.max(1), atol=1e-6)
        self.assertEqual(outputs["label"]["data"], [["ham", "spam"][at] for at in expected.argmax(1)])

        status, described = self.call("/v2/models/triage")
        self.assertEqual((described["versions"], described["inputs"][0]["name"]), (["run-1"], "text"))

        for why, (status, answer) in {
            "holds 1 items, its shape says 2": self.classify(["x"], [2]),
            "must be BYTES of shape [n]": self.classify([1], datatype="INT32"),
            "BYTES of shape [1, 1]": self.classify(["x"], [1, 1]),
            "item 0 of input text is int": self.classify([5]),
            "item 1 of input text is NoneType": self.classify(["x", None]),
            "at least one is needed": self.classify([], [0]),
            f"at most {MAX_TEXTS}": self.classify(["x"] * (MAX_TEXTS + 1)),
            "must be one input named text": self.classify(["x"], name="words"),
        }.items():
            with self.subTest(why=why):
                self.assertEqual(status, 400, answer)
                self.assertIn(why, answer["error"])

        process.send_signal(signal.SIGTERM)
        self.assertIn(process.wait(30), (0, -signal.SIGTERM))

    def test_is_never_ready_with_a_model_it_must_not_serve(self) -> None:
        self.change(labels=["ham", "spam"], probe=[{"text": "x", "probabilities": [9.0, -8.0]}])
        process = self.start()
        support.wait_for(lambda: process.poll() is not None or "answers its own probe" in self.log.read_text(), "the refusal")
        time.sleep(1)
        self.assertFalse(self.ready())

    def test_says_what_the_environment_lacks(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MLSERVER_")}
        found = subprocess.run(
            [sys.executable, "-m", "millwright_runtime"],
            env={**environment, "PYTHONPATH": str(support.WORKLOADS / "server")},
            capture_output=True,
            text=True,
        )
        self.assertEqual(found.returncode, 64)
        self.assertIn("MLSERVER_MODEL_NAME, MLSERVER_MODEL_URI not set", found.stderr)


if __name__ == "__main__":
    unittest.main()
