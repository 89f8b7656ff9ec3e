"""The compression stage on small made-up data: what it leaves, how it goes on, how it fails.

That a candidate is faster and about as accurate depends on the machine and the data, and is measured, not tested.
"""

import json
import os
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy
import torch

from . import support
from millwright_workloads import candidate, compress
from millwright_workloads.contract import EXIT_BAD_DATA, EXIT_BAD_SPEC, Stopped, WorkloadFailure, digest
from millwright_workloads.finetune import Tuning, tuned
from millwright_workloads.learner import Plan
from millwright_workloads.measure import Served, race
from millwright_workloads.modelling import Classifier, build_network, export_model, load_network, prepare, save_network
from millwright_workloads.prune import channel_counts
from millwright_workloads.training_spec import TrainingSpec

# Wide enough that there is something to quantise in it.
TEXT = {**support.TRAINING, "network": {**support.TRAINING["network"], "embeddingSize": 64}}
IMAGE = {**support.IMAGE_TRAINING, "network": {**support.IMAGE_TRAINING["network"], "channels": 16, "deepChannels": 24}}

MEASURED = {
    "testAccuracy",
    "testF1",
    "bytes",
    "parameters",
    "latencyP50Ms",
    "latencyP99Ms",
    "throughputPerSecond",
    "sparsity",
}

PRUNE = {"kind": "prune", "target": {"kind": "sparsity", "sparsity": 0.5}, "epochs": 2, "learningRate": 0.01}
SHORT = {"kind": "distill", "network": {"sequenceLength": 16}, "epochs": 2}
NARROW = {"kind": "distill", "network": {"deepChannels": 10}, "epochs": 25}
STATIC = {"kind": "quantize", "method": "static"}
QAT = {"kind": "quantize", "method": "qat", "epochs": 1}


class Compressing(support.PlaceTest):
    def setUp(self) -> None:
        super().setUp()
        torch.set_num_threads(1)
        self.training: dict[str, Any] = TEXT

    def baseline(self, training: dict[str, Any] = TEXT) -> None:
        """What a training run leaves, made by a few steps in this process."""
        self.training = training
        dataset = self.place.root / "dataset"
        (support.write_texts if training["task"].startswith("text") else support.write_images)(dataset)
        spec = TrainingSpec.of(training, "t", 1)
        prepared = prepare(spec, dataset)
        truth = prepared.targets["train"]
        plan = Plan(len(truth), 1, 16, 6, 0.02, 1)
        kept = self.place.root / f"t-{spec.task}"
        tuning = Tuning("training", plan, kept, "t", lambda _: None, lambda _: None)

        def loss(logits: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.cross_entropy(logits, truth[indices])

        network: Classifier = tuned(build_network(spec, prepared), prepared, tuning, loss)
        save_network(self.place.root / "training" / "network", network, prepared, spec)
        export_model(self.place.root / "training" / "model", network, prepared, "t")

    def run_stage(self, run: str, *steps: dict[str, Any]) -> dict[str, Any]:
        spec = {
            "candidate": {"name": "small", "steps": list(steps)},
            "training": {name: value for name, value in self.training.items() if name not in ("task", "labels")},
            "task": self.training["task"],
            "labels": self.training["labels"],
            "measurement": {"seconds": 0.1},
        }
        environment = {compress.BASELINE_VARIABLE: str(self.place.root / "training")}
        with mock.patch.dict(os.environ, environment):
            compress.run(self.place.surroundings("compression", run, spec))
        return self.place.result(run)

    def model(self, run: str) -> Path:
        return self.place.root / run / "model"

    def test_every_kind_of_candidate_leaves_a_model_that_answers_its_probe(self) -> None:
        for training, candidates in (
            (TEXT, {"prune": [PRUNE], "short-static": [SHORT, PRUNE, STATIC], "qat": [QAT]}),
            (IMAGE, {"image": [NARROW, STATIC], "image-prune": [PRUNE, QAT]}),
        ):
            self.baseline(training)
            for run, steps in candidates.items():
                with self.subTest(run=run):
                    result = self.run_stage(run, *steps)
                    self.assertEqual((result["training"], result["candidate"], result["restarts"]), ("t", "small", 0))
                    self.assertEqual(result["artifact"], digest(self.model(run)))
                    for name in ("baseline", "result"):
                        self.assertEqual(set(result[name]), MEASURED)
                        self.assertLessEqual(result[name]["latencyP50Ms"], result[name]["latencyP99Ms"])
                    one, other = result["baseline"], result["result"]
                    self.assertEqual(one["sparsity"], 0)
                    self.assertAlmostEqual(other["sparsity"], 1 - other["parameters"] / one["parameters"], places=5)
                    self.assertGreater(other["testAccuracy"], 0.6)
                    self.answers_its_probe(run)

    def answers_its_probe(self, run: str) -> None:
        config = json.loads((self.model(run) / "config.json").read_text(encoding="utf-8"))
        self.assertEqual(config["run"], run)
        field = "text" if "text" in config["probe"][0] else "pixels"
        found = Served(self.model(run)).probabilities([each[field] for each in config["probe"]])
        expected = numpy.array([each["probabilities"] for each in config["probe"]], dtype=numpy.float32)
        self.assertLess(numpy.abs(found - expected).max(), 1e-6)

    def test_steps_work_on_what_the_ones_before_them_left(self) -> None:
        self.baseline()
        result = self.run_stage("both", SHORT, PRUNE)
        config = json.loads((self.model("both") / "config.json").read_text(encoding="utf-8"))
        self.assertEqual(config["sequenceLength"], 16)
        (kept,) = (self.place.root / "both-checkpoint").glob("step-1-*")
        network, _ = load_network(kept)
        self.assertEqual(channel_counts(network), {"convolution": 4, "embedding": 32})
        self.assertLess(result["result"]["bytes"], result["baseline"]["bytes"])

    def test_goes_on_from_the_step_and_the_epoch_it_was_stopped_in_and_ends_alike(self) -> None:
        self.baseline()
        whole = self.run_stage("same", PRUNE, SHORT)
        for stop_at in ("pruning", "candidate.steps[1]: training", "exporting", "measuring"):
            with self.subTest(stop_at=stop_at):
                (self.place.root / "same" / "result.json").unlink()
                for path in (self.place.root / "same-checkpoint").iterdir():
                    path.rename(self.place.root / f"{path.name}-{stop_at[:3]}-{len(stop_at)}")
                with self.stopping(stop_at), self.assertRaises(Stopped):
                    self.run_stage("same", PRUNE, SHORT)
                again = self.run_stage("same", PRUNE, SHORT)
                self.assertEqual(again["restarts"], 1)
                self.assertEqual(again["artifact"], whole["artifact"])

    def stopping(self, message: str) -> Any:
        """SIGTERM, raised by the launcher's handler, when the stage says so."""
        real: Callable[..., None] = candidate.write_progress

        def write_progress(*told: Any) -> None:
            real(*told)
            if message in told[-1]:
                raise Stopped

        return mock.patch.multiple(candidate, write_progress=write_progress, _PROGRESS_SECONDS=0)

    def test_a_finished_run_is_reported_and_not_made_again(self) -> None:
        self.baseline()
        first = self.run_stage("once", PRUNE)
        self.place.result_path("once").unlink()
        with mock.patch.object(compress, "Candidate", side_effect=AssertionError("made again")):
            self.assertEqual(self.run_stage("once", PRUNE), first)

    def test_says_what_is_wrong_with_what_it_is_given(self) -> None:
        with self.assertRaisesRegex(WorkloadFailure, "BASELINE is .*/training, where there is no model") as caught:
            self.run_stage("none", PRUNE)
        self.assertEqual(caught.exception.code, EXIT_BAD_SPEC)
        self.baseline()
        for steps, code, why in (
            ([{**SHORT, "network": {"sequencelength": 3}}], EXIT_BAD_SPEC, r"steps\[0\].network: has sequencelength"),
            ([{**SHORT, "network": {"channels": 0}}], EXIT_BAD_SPEC, r"steps\[0\]: the student's spec.network.c"),
        ):
            with self.subTest(why=why), self.assertRaisesRegex(WorkloadFailure, why) as caught:
                self.run_stage("wrong", *steps)
            self.assertEqual(caught.exception.code, code)
        self.training = {**TEXT, "labels": ["spam", "ham"]}
        with self.assertRaisesRegex(WorkloadFailure, "labels ham, spam; the spec says .* with spam, ham") as caught:
            self.run_stage("labels", PRUNE)
        self.assertEqual(caught.exception.code, EXIT_BAD_DATA)


class Busy:
    """A model that takes as much of a core as it is told to."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.asked: list[Any] = []

    def probabilities(self, values: list[Any]) -> None:
        self.asked.append(values[0])
        sum(range(self.rounds))


class Racing(unittest.TestCase):
    def test_takes_turns_over_all_items_and_tells_fast_from_slow(self) -> None:
        slow, fast = Busy(40_000), Busy(2_000)
        told: list[float] = []
        speeds = race([slow, fast], list(range(100)), 0.01, told.append)  # type: ignore[list-item]
        self.assertEqual(slow.asked, fast.asked)
        self.assertEqual(set(slow.asked), set(range(100)))
        self.assertGreater(speeds[1].throughput_per_second, 5 * speeds[0].throughput_per_second)
        self.assertLess(speeds[1].latency_p50_ms, speeds[0].latency_p50_ms)
        self.assertEqual(told[-1], 1.0)


if __name__ == "__main__":
    unittest.main()
