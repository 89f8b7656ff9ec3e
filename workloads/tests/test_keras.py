"""The image workloads/keras, its stage as a pod runs it. Needs keras/requirements.txt.

That the server's image serves what it leaves is shown by the model's own probe there, and by the integration tests.
"""

import json
import os
import signal
import subprocess
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import numpy
import onnxruntime

from . import support
from millwright_keras import export, metrics, network
from millwright_keras.backend import keras
from millwright_keras.contract import EXIT_BAD_SPEC, EXIT_NOT_VERIFIED, WorkloadFailure
from millwright_keras.data import read
from millwright_keras.learner import Learner
from millwright_keras.retention import checkpoints
from millwright_keras.spec import Spec
from millwright_recorder.results import faults_of
from millwright_runtime.features import Reference
from millwright_workloads.contract import digest
from millwright_workloads.items import read_split
from millwright_workloads.pixels import Reader

TRAINING: dict[str, Any] = {
    **support.IMAGE_TRAINING,
    "workers": 1,
    "network": {"kind": "keras-mlp", "units": [24, 12], "dropout": 0.1},
}
LONG = {**TRAINING, "epochs": 200, "checkpointSeconds": 1}
ENOUGH_STEPS = 100


def changed(**members: Any) -> dict[str, Any]:
    return {**TRAINING, **members}


class TheSpec(unittest.TestCase):
    def test_names_the_field_and_the_value(self) -> None:
        for spec, message in (
            (changed(task="text-classification"), r'spec\.task: is "text-classification", this image does'),
            (changed(network={"kind": "image-cnn"}), r'spec\.network\.kind: is "image-cnn", this image does'),
            (changed(network={"kind": "keras-mlp"}), r"spec\.network\.units: missing"),
            (changed(network={"kind": "keras-mlp", "units": [8, 0]}), r"spec\.network\.units: is \[8, 0\]"),
            (changed(network={"kind": "keras-mlp", "units": []}), r"spec\.network\.units: is \[\]"),
            (changed(network={"kind": "keras-mlp", "units": [8], "dropout": 1}), r"spec\.network\.dropout: is 1\.0"),
            (changed(workers=2), r"spec\.workers: is 2, must be 1"),
            (changed(base={"run": "x", "sha256": "0" * 64}), r"spec\.base: must be left out: this image trains from scratch"),
            (changed(labels=["a", "a"]), r"spec\.labels: .* names a label twice"),
            (changed(epochs=0), r"spec\.epochs: is 0, must be at least 1"),
        ):
            with self.subTest(message=message), self.assertRaisesRegex(WorkloadFailure, message) as caught:
                Spec.of(spec, "t", 1)
            self.assertEqual(caught.exception.code, EXIT_BAD_SPEC)
        with self.assertRaisesRegex(WorkloadFailure, "MILLWRIGHT_WORKERS: is 2, must be 1"):
            Spec.of({**TRAINING, "workers": 1}, "t", 2)

    def test_determines_a_state_by_what_is_learned(self) -> None:
        first = Spec.of(TRAINING, "t", 1).determinant
        self.assertEqual(Spec.of(changed(checkpointSeconds=5, maxRestarts=9), "t", 1).determinant, first)
        self.assertNotEqual(Spec.of(TRAINING, "u", 1).determinant, first)
        for other in ({"seed": 6}, {"epochs": 4}, {"batchSize": 8}, {"learningRate": 0.1}):
            self.assertNotEqual(Spec.of(changed(**other), "t", 1).determinant, first)


class Measures(unittest.TestCase):
    def test_count_a_label_that_is_never_answered_as_nothing(self) -> None:
        truth, answers = numpy.array([0, 0, 1, 2]), numpy.array([0, 1, 1, 0])
        self.assertEqual(metrics.accuracy(truth, answers), 0.5)
        self.assertAlmostEqual(metrics.macro_f1(truth, answers), (2 / 4 + 2 / 3 + 0) / 3)
        self.assertEqual(metrics.majority(truth, 2).tolist(), [0, 0])


class Exported(support.PlaceTest):
    def parts(self) -> tuple[Any, Reader, Any]:
        folder = self.place.root / "dataset"
        support.write_images(folder)
        train, reader = read(folder, "train", TRAINING["labels"])
        validation, _ = read(folder, "validation", TRAINING["labels"], reader)
        return train, reader, validation

    def test_answers_as_keras_does_and_is_refused_where_it_would_not(self) -> None:
        _, reader, validation = self.parts()
        model = network.build_network(8, 8, 10, [24, 12], 0.1, 5)
        target = self.place.root / "model"
        export.export_model(target, model, reader, TRAINING["labels"], validation, "t")
        expected = network.probabilities_of(model, validation.inputs)
        found = onnxruntime.InferenceSession(str(target / "model.onnx")).run(None, {"pixels": validation.inputs})[0]
        self.assertLess(float(numpy.abs(found - expected).max()), 1e-5)
        wrong = mock.patch.object(export, "_answers", lambda *_: numpy.full((5 + len(expected), 10), 0.1))
        with wrong, self.assertRaisesRegex(WorkloadFailure, "off what Keras does") as caught:
            export.export_model(target, model, reader, TRAINING["labels"], validation, "t")
        self.assertEqual(caught.exception.code, EXIT_NOT_VERIFIED)

    def test_knows_the_layers_it_can_write(self) -> None:
        for layer in (keras.layers.Dense(3, activation="tanh"), keras.layers.BatchNormalization()):
            model = keras.Sequential([keras.Input((1, 2, 2)), keras.layers.Flatten(), layer])
            with self.assertRaisesRegex(TypeError, "not exported"):
                export.onnx_of(model, 2, 2)

    def test_a_training_that_diverged_says_so(self) -> None:
        train, reader, _ = self.parts()
        learner = Learner(Spec.of(TRAINING, "t", 1), reader, len(train.items))
        batch = next(learner.batches())
        with self.assertRaisesRegex(WorkloadFailure, r"lower training\.learningRate \(0\.01\)") as caught:
            learner.learn(numpy.full_like(train.inputs[batch], numpy.nan), train.targets[batch])
        self.assertEqual(caught.exception.code, EXIT_NOT_VERIFIED)


class Stage(support.PlaceTest):
    def setUp(self) -> None:
        super().setUp()
        support.write_images(self.place.root / "dataset")

    def begin(self, run: str, spec: Any, stage: str = "training") -> subprocess.Popen[str]:
        environment = {**self.place.environment(stage, run, spec), "MILLWRIGHT_INPUT": str(self.place.root / "dataset")}
        return self.start(environment, "keras")

    def ends(self, run: str, process: subprocess.Popen[str], code: int) -> None:
        self.assertEqual(process.wait(120), code, self.place.output(run))

    def steps_kept(self, run: str) -> int:
        kept = checkpoints(self.place.root / f"{run}-checkpoint")
        return kept[0].epoch * 4 + kept[0].step if kept else 0

    def reaches_the_middle(self, run: str, beyond: int) -> None:
        support.wait_for(lambda: self.steps_kept(run) >= beyond + ENOUGH_STEPS, f"{run} to get on")
        self.assertLess(self.steps_kept(run), 200 * 4, "too fast to be interrupted: raise LONG's epochs")

    def test_ends_the_same_however_often_it_is_interrupted(self) -> None:
        self.ends("calm", self.begin("calm", LONG), 0)
        calm = self.place.result("calm")
        self.assertEqual(faults_of(calm, "training"), [])
        self.assertEqual((calm["restarts"], calm["workers"], calm["epochs"], calm["dataset"]), (0, 1, 200, "d"))
        self.assertGreater(calm["metrics"]["testAccuracy"], calm["metrics"]["majorityAccuracy"])
        self.is_a_served_model(self.place.root / "calm" / "model", calm)

        kept = 0
        for number, code in ((signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)):
            process = self.begin("rough", LONG)
            self.reaches_the_middle("rough", kept)
            os.kill(process.pid, number)
            self.ends("rough", process, code)
            kept = self.steps_kept("rough")
        newest, before, *_ = checkpoints(self.place.root / "rough-checkpoint")
        newest.path.write_bytes(newest.path.read_bytes()[:-100])
        self.ends("rough", self.begin("rough", LONG), 0)
        self.assertIn(f"{newest.path.name} is damaged", self.place.output("rough"))
        self.assertIn(f"after {before.epoch * 4 + before.step} of 800 steps", self.place.output("rough"))
        self.assertEqual(list((self.place.root / "rough-checkpoint").iterdir()), [], "none is of use any more")
        rough = self.place.result("rough")
        self.assertEqual(rough["restarts"], 2)
        self.assertEqual(rough["metrics"], calm["metrics"])
        one, other = ((self.place.root / run / "model/model.onnx").read_bytes() for run in ("calm", "rough"))
        self.assertEqual(one, other)

        # Once more: what is there is reported, not computed.
        self.place.result_path("rough").unlink()
        self.ends("rough", self.begin("rough", LONG), 0)
        self.assertEqual(self.place.result("rough"), rough)
        self.assertIn("reporting that result", self.place.output("rough"))

    def is_a_served_model(self, folder: Path, result: dict[str, Any]) -> None:
        """By the trainer's reader and the server's reference, as CONTRACT.md has it."""
        self.assertEqual(result["artifact"], digest(folder))
        config = json.loads((folder / "config.json").read_text())
        self.assertEqual((config["format"], config["labels"]), ("millwright-model/1", TRAINING["labels"]))
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
        reader = Reader(config["reading"])
        asked = reader.encode([each["pixels"] for each in config["probe"]])
        found = session.run(["probabilities"], {"pixels": asked})[0]
        expected = numpy.array([each["probabilities"] for each in config["probe"]])
        self.assertLess(float(numpy.abs(found - expected).max()), 1e-4)
        test = read_split(self.place.root / "dataset", "test")
        answers = session.run(["probabilities"], {"pixels": reader.encode([item.value for item in test])})[0]
        right = [config["labels"][at] == item.label for at, item in zip(answers.argmax(axis=1), test, strict=True)]
        self.assertAlmostEqual(sum(right) / len(right), result["metrics"]["testAccuracy"], places=5)
        reference = Reference.read(json.loads((folder / "reference.json").read_text()))
        self.assertEqual(set(reference.features), {"mean", "contrast", "score", "label"})

    def test_does_no_other_stage_and_says_what_is_wrong(self) -> None:
        for stage, spec, code, message in (
            ("compression", TRAINING, 64, 'MILLWRIGHT_STAGE is "compression", this image does "training"'),
            ("training", changed(labels=["0", "1"]), 65, 'is labelled "2", the spec knows 0, 1'),
        ):
            with self.subTest(stage=stage):
                self.ends(f"bad-{stage}", self.begin(f"bad-{stage}", spec, stage), code)
                self.assertIn(message, self.place.termination().read_text())


if __name__ == "__main__":
    unittest.main()
