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
from millwright_runtime.inputs import MAX_ITEMS
from millwright_runtime.model import Model
from millwright_workloads.classifier import Classifier
from millwright_workloads.export import Answering, export_model, measure_probe
from millwright_workloads.items import Item
from millwright_workloads.prepared import Prepared
from millwright_workloads.tasks import task_of
from millwright_workloads.training_spec import TrainingSpec


def texts() -> list[str]:
    draw = random.Random(4)
    letters = "aA0 .,@:/>!$%\n\t\u00e9\u0130\u4e2d\ufb01\u200b'=<"
    mails = [support.mail(draw.choice(["ham", "spam"]), draw, draw.randrange(1, 90)).decode() for _ in range(100)]
    return mails + ["".join(draw.choices(letters, k=draw.randrange(300))) for _ in range(100)] + ["", " ", "\0"]


def images() -> list[list[list[int]]]:
    draw = random.Random(4)
    brightness = [draw.randrange(1, 17) for _ in range(100)]
    drawn = [[[draw.randrange(bright + 1) for _ in range(8)] for _ in range(8)] for bright in brightness]
    return [*drawn, [[0] * 8] * 8, [[16] * 8] * 8]


def trained(training: dict[str, Any], values: list[Any]) -> tuple[Classifier, Prepared]:
    """A network with weights that matter everywhere, though nothing was learned."""
    torch.manual_seed(3)
    spec = TrainingSpec.of(training, "t", 1)
    task = task_of(spec.task)
    reader = task.fitted_reader([Item(str(at), "", value) for at, value in enumerate(values)], spec.shape)
    network = task.network(spec.shape, reader, len(spec.labels))
    # Large enough to matter, small enough that no label has all of the probability.
    spread = {"text-classification": 0.5, "image-classification": 0.25}[task.name]
    for value in network.parameters():
        torch.nn.init.normal_(value, std=spread)
    for name in ("embedding.weight", "votes.weight"):
        if name in dict(network.named_parameters()):
            with torch.no_grad():
                network.get_parameter(name)[0].zero_()
    return network.eval(), Prepared(spec.labels, task, reader, {}, {}, {})


class ModelTest(unittest.TestCase):
    training = support.TRAINING

    def values(self) -> list[Any]:
        return texts()

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "model"
        self.network, self.prepared = trained(self.training, self.values())
        export_model(self.folder, self.network, self.prepared, "run-1")

    def change(self, **changes: Any) -> None:
        path = self.folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


class Exported(ModelTest):
    files = {"model.onnx", "vocabulary.json", "config.json"}

    def test_answers_anything_in_any_batch_as_training_would(self) -> None:
        given = self.values()
        inputs = torch.from_numpy(self.prepared.reader.encode(given))
        with torch.no_grad():
            expected = Answering(self.network)(inputs).numpy()
        spread = float(expected.std(axis=0).max())
        self.assertGreater(spread, 0.05, "the answers must differ for the comparison to mean anything")
        served = Model(self.folder)
        for size in (1, 7, len(given)):
            parts = [served.probabilities(given[at : at + size]) for at in range(0, len(given), size)]
            numpy.testing.assert_allclose(numpy.concatenate(parts), expected, atol=1e-5)

    def misread(self) -> dict[str, Any]:
        return {"token": "[a-z]+"}

    def test_is_not_served_when_it_would_answer_otherwise_than_in_training(self) -> None:
        config = json.loads((self.folder / "config.json").read_text())
        self.change(reading={**config["reading"], **self.misread()})
        with self.assertRaisesRegex(ValueError, "answers its own probe .* off"):
            Model(self.folder)

    def test_of_another_format_is_refused_by_name(self) -> None:
        config = json.loads((self.folder / "config.json").read_text())
        self.change(format="millwright-model/9")
        with self.assertRaisesRegex(
            ValueError, 'of format "millwright-model/9", this image serves "millwright-model/1"'
        ):
            Model(self.folder)
        self.change(format="millwright-model/1", reading={**config["reading"], "format": "millwright-sound/1"})
        with self.assertRaisesRegex(
            ValueError, 'reads by "millwright-sound/1", this image by "millwright-text/1" and "'
        ):
            Model(self.folder)

    def test_replaces_an_interrupted_export(self) -> None:
        (self.folder / "stray").write_text("x")
        export_model(self.folder, self.network, self.prepared, "run-1")
        self.assertEqual({path.name for path in self.folder.iterdir()}, self.files)

    def test_a_changed_network_is_served_once_its_probe_is_measured_anew(self) -> None:
        with torch.no_grad():
            self.network.get_parameter("output.weight").mul_(1.5)
        other = self.folder.parent / "other"
        export_model(other, self.network, self.prepared, "run-2")
        (self.folder / "model.onnx").write_bytes((other / "model.onnx").read_bytes())
        with self.assertRaisesRegex(ValueError, "answers its own probe"):
            Model(self.folder)
        measure_probe(self.folder)
        given = self.values()
        numpy.testing.assert_allclose(Model(self.folder).probabilities(given), Model(other).probabilities(given))
        config, expected = (json.loads((each / "config.json").read_text()) for each in (self.folder, other))
        self.assertEqual({**config, "probe": [], "run": ""}, {**expected, "probe": [], "run": ""})
        self.assertEqual(config["run"], "run-1")


class Vocabulary(ModelTest):
    def test_is_not_served_with_another_vocabulary(self) -> None:
        path = self.folder / "vocabulary.json"
        path.write_text(json.dumps(json.loads(path.read_text())[::-1]))
        with self.assertRaisesRegex(ValueError, "answers its own probe"):
            Model(self.folder)


class ExportedImage(Exported):
    training = support.IMAGE_TRAINING
    files = {"model.onnx", "config.json"}

    def values(self) -> list[Any]:
        return images()

    def misread(self) -> dict[str, Any]:
        return {"high": 17.0}

    def test_its_probe_tells_rows_from_columns(self) -> None:
        config = json.loads((self.folder / "config.json").read_text())
        turned = [
            {**each, "pixels": [list(column) for column in zip(*each["pixels"], strict=True)]}
            for each in config["probe"]
        ]
        self.change(probe=turned)
        with self.assertRaisesRegex(ValueError, "answers its own probe"):
            Model(self.folder)


class Served(ModelTest):
    def environment(self) -> dict[str, str]:
        """What the server is told beyond what every one is."""
        return {}

    def start(self) -> subprocess.Popen[str]:
        self.port, self.metrics_port = support.free_port(), support.free_port()
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
                    "MILLWRIGHT_METRICS_PORT": str(self.metrics_port),
                    **self.environment(),
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

    def becomes_ready(self) -> subprocess.Popen[str]:
        process = self.start()
        support.wait_for(lambda: self.ready() or process.poll() is not None, "the server to be ready")
        self.assertTrue(self.ready(), self.log.read_text())
        return process

    def classify(self, data: Any, shape: list[int] | None = None, **changes: Any) -> tuple[int, Any]:
        given = {"name": "text", "shape": shape or [len(data)], "datatype": "BYTES", "data": data, **changes}
        return self.call("/v2/models/triage/infer", {"inputs": [given]})

    def refuses(self, answers: dict[str, tuple[int, Any]]) -> None:
        for why, (status, answer) in answers.items():
            with self.subTest(why=why):
                self.assertEqual(status, 400, answer)
                self.assertIn(why, answer["error"])


class ServedText(Served):
    def test_speaks_the_open_inference_protocol(self) -> None:
        process = self.becomes_ready()
        given = texts()[:20]
        status, answer = self.classify(given)
        self.assertEqual((status, answer["model_name"], answer["model_version"]), (200, "triage", "run-1"))
        outputs = {output["name"]: output for output in answer["outputs"]}
        expected = Model(self.folder).probabilities(given)
        self.assertEqual(
            {name: output["shape"] for name, output in outputs.items()},
            {"label": [20], "probability": [20], "probabilities": [20, 2]},
        )
        self.assertEqual(
            {name: output["datatype"] for name, output in outputs.items()},
            {"label": "BYTES", "probability": "FP32", "probabilities": "FP32"},
        )
        numpy.testing.assert_allclose(numpy.reshape(outputs["probabilities"]["data"], (20, 2)), expected, atol=1e-6)
        numpy.testing.assert_allclose(outputs["probability"]["data"], expected.max(1), atol=1e-6)
        self.assertEqual(outputs["label"]["data"], [["ham", "spam"][at] for at in expected.argmax(1)])

        status, described = self.call("/v2/models/triage")
        self.assertEqual((described["versions"], described["inputs"][0]["name"]), (["run-1"], "text"))

        self.refuses(
            {
                "holds 1 items, its shape says 2": self.classify(["x"], [2]),
                "must be BYTES of shape [n]": self.classify([1], datatype="INT32"),
                "BYTES of shape [1, 1]": self.classify(["x"], [1, 1]),
                "item 0 of input text is int": self.classify([5]),
                "item 1 of input text is NoneType": self.classify(["x", None]),
                "at least one is needed": self.classify([], [0]),
                f"at most {MAX_ITEMS}": self.classify(["x"] * (MAX_ITEMS + 1)),
                "must be one input named text": self.classify(["x"], name="words"),
            }
        )

        process.send_signal(signal.SIGTERM)
        self.assertIn(process.wait(30), (0, -signal.SIGTERM))

    def test_is_never_ready_with_a_model_it_must_not_serve(self) -> None:
        self.change(labels=["ham", "spam"], probe=[{"text": "x", "probabilities": [9.0, -8.0]}])
        process = self.start()
        support.wait_for(
            lambda: process.poll() is not None or "answers its own probe" in self.log.read_text(), "the refusal"
        )
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


class ServedImage(Served):
    training = support.IMAGE_TRAINING

    def values(self) -> list[Any]:
        return images()

    def classify(self, data: Any, shape: list[int] | None = None, **changes: Any) -> tuple[int, Any]:
        given = {"name": "pixels", "shape": shape or [len(data), 8, 8], "datatype": "FP32", "data": data, **changes}
        return self.call("/v2/models/triage/infer", {"inputs": [given]})

    def test_speaks_the_open_inference_protocol(self) -> None:
        self.becomes_ready()
        given = images()[:20]
        flat = [pixel for image in given for row in image for pixel in row]
        expected = Model(self.folder).probabilities(given)
        for shape, data in (([20, 8, 8], given), ([20, 8, 8], flat), ([20, 64], flat)):
            status, answer = self.classify(data, shape)
            self.assertEqual(status, 200, answer)
            outputs = {output["name"]: output for output in answer["outputs"]}
            self.assertEqual(outputs["probabilities"]["shape"], [20, 10])
            numpy.testing.assert_allclose(
                numpy.reshape(outputs["probabilities"]["data"], (20, 10)), expected, atol=1e-6
            )
            self.assertEqual(outputs["label"]["data"], [str(at) for at in expected.argmax(1)])

        _, described = self.call("/v2/models/triage")
        asked = described["inputs"][0]
        self.assertEqual((asked["name"], asked["datatype"], asked["shape"]), ("pixels", "FP32", [-1, 8, 8]))

        one = flat[:64]
        self.refuses(
            {
                "must be FP32 of shape [n, 8, 8] or [n, 64]": self.classify(one, [1, 4, 16]),
                "is INT32 of shape": self.classify(one, [1, 64], datatype="INT32"),
                "holds 64 numbers, its shape [2, 64] says 2 images": self.classify(one, [2, 64]),
                "rows of different lengths": self.classify([given[0], given[1][:3]]),
                "something that is not a number": self.classify(["5", *one[1:]], [1, 64]),
                "not finite": self.classify([1e300, *one[1:]], [1, 64]),
                "at least one is needed": self.classify([], [0, 64]),
                f"at most {MAX_ITEMS}": self.classify([0] * 64 * (MAX_ITEMS + 1), [MAX_ITEMS + 1, 64]),
                "must be one input named pixels": self.classify(one, [1, 64], name="text"),
            }
        )


if __name__ == "__main__":
    unittest.main()
