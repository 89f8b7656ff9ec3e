"""The training stage as a pod runs it: `millwright-run` above torchrun above a worker, two of them on this machine."""

import json
import os
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path
from typing import Any

import torch

from . import support
from millwright_workloads import dataset
from millwright_workloads.contract import EXIT_BAD_DATA, EXIT_BAD_SPEC, EXIT_UNAVAILABLE, digest
from millwright_workloads.launch import REJOIN_SECONDS
from millwright_workloads.modelling import load_network, logits_of, prepare
from millwright_workloads.retention import checkpoints
from millwright_workloads.story import STORY_FILE
from millwright_workloads.training_spec import TrainingSpec

KEPT = {"last": 3, "whenDone": "keep"}
LONG = {**support.TRAINING, "epochs": 120, "checkpointSeconds": 1, "workers": 2, "checkpointRetention": KEPT}
ENOUGH_STEPS = 60


class Group(support.PlaceTest):
    def setUp(self) -> None:
        super().setUp()
        support.write_corpus(self.place.root / "source")
        dataset.run(self.place.surroundings("dataset", "d", support.SPLIT))

    def worker(self, run: str, index: int, spec: dict[str, Any] = LONG, workers: int = 2) -> subprocess.Popen[str]:
        return self.start(self.place.environment("training", run, spec, workers, index))

    def pair(self, run: str, spec: dict[str, Any] = LONG) -> list[subprocess.Popen[str]]:
        return [self.worker(run, index, spec) for index in (1, 0)][::-1]

    def ends(self, run: str, processes: list[subprocess.Popen[str]], codes: list[int]) -> None:
        found = [process.wait(300) for process in processes]
        self.assertEqual(found, codes, "\n".join(self.place.output(run, index) for index in (0, 1)))

    def steps_kept(self, run: str) -> int:
        kept = checkpoints(self.place.root / f"{run}-checkpoint")
        return kept[0].epoch * 7 + kept[0].step if kept else 0

    def reaches_the_middle(self, run: str) -> None:
        support.wait_for(lambda: self.steps_kept(run) >= ENOUGH_STEPS, f"{run} to reach step {ENOUGH_STEPS}")
        self.assertLess(self.steps_kept(run), 120 * 7, "too fast to be interrupted: raise LONG's epochs")

    def best(self, run: str) -> dict[str, torch.Tensor]:
        state = torch.load(checkpoints(self.place.root / f"{run}-checkpoint")[0].path, weights_only=True)
        weights: dict[str, torch.Tensor] = state["best"]
        return weights

    def same_outcome(self, one: str, other: str) -> None:
        """Where and how often it was interrupted changed nothing but the time and the count of restarts."""
        self.assertEqual(self.place.result(one)["metrics"], self.place.result(other)["metrics"])
        for name, value in self.best(one).items():
            self.assertTrue(torch.allclose(value, self.best(other)[name], atol=1e-6), name)

    def keeps_its_network(self, run: str, spec: dict[str, Any]) -> None:
        """What it left in network/ answers the test split as the result says."""
        folder, result = self.place.root / run / "network", self.place.result(run)
        self.assertEqual(result["network"], digest(folder))
        network, description = load_network(folder)
        parsed = TrainingSpec.of(spec, run, result["workers"])
        data = prepare(parsed, self.place.root / "dataset", ("test",), description.reader)
        right = (logits_of(network, data.inputs["test"]).argmax(1) == data.targets["test"]).sum()
        self.assertAlmostEqual(float(right) / len(data.targets["test"]), result["metrics"]["testAccuracy"], places=5)

    def test_survives_every_kind_of_interruption_with_the_same_outcome(self) -> None:
        self.ends("calm", self.pair("calm"), [0, 0])
        calm = self.place.result("calm")
        self.assertEqual((calm["restarts"], calm["workers"], calm["epochs"], calm["steps"]), (0, 2, 120, 840))
        self.assertEqual(calm["dataset"], "d")
        self.assertGreater(calm["metrics"]["testAccuracy"], calm["metrics"]["majorityAccuracy"])
        self.assertFalse(self.place.result_path("calm", 1).exists(), "only worker 0 reports")
        folder = self.place.root / "calm" / "model"
        self.assertEqual(calm["artifact"], digest(folder))
        files = {"model.onnx", "vocabulary.json", "config.json", "reference.json"}
        self.assertEqual({path.name for path in folder.iterdir()}, files)
        self.keeps_its_network("calm", LONG)

        with self.subTest("kill -9 of one worker's process: its container goes on"):
            group = self.pair("process")
            self.reaches_the_middle("process")
            os.kill(worker_process(self.place.root, "process", 1), signal.SIGKILL)
            self.ends("process", group, [0, 0])
            self.assertEqual(self.place.result("process")["restarts"], 1)
            self.same_outcome("calm", "process")

        for index in (0, 1):
            with self.subTest("kill -9 of a whole container: its successor joins the other", worker=index):
                run = f"container{index}"
                group = self.pair(run)
                self.reaches_the_middle(run)
                group[index].kill()
                group[index].wait()
                # No kubelet starts a pod's successor sooner.
                time.sleep(REJOIN_SECONDS)
                group[index] = self.worker(run, index)
                self.ends(run, group, [0, 0])
                self.assertGreaterEqual(self.place.result(run)["restarts"], 1)
                self.same_outcome("calm", run)

        with self.subTest("SIGTERM of all: a checkpoint, 143, and on from there"):
            group = self.pair("stopped")
            self.reaches_the_middle("stopped")
            for process in group:
                process.send_signal(signal.SIGTERM)
            self.ends("stopped", group, [143, 143])
            kept = self.steps_kept("stopped")
            self.assertFalse(self.place.result_path("stopped").exists())
            self.ends("stopped", self.pair("stopped"), [0, 0])
            self.assertIn(f"going on from the checkpoint after {kept} of 840 steps", self.place.output("stopped"))
            self.same_outcome("calm", "stopped")

        with self.subTest("the newest checkpoint is damaged: on from the one before"):
            group = self.pair("damaged")
            self.reaches_the_middle("damaged")
            for process in group:
                process.send_signal(signal.SIGTERM)
            self.ends("damaged", group, [143, 143])
            newest, before, *_ = checkpoints(self.place.root / "damaged-checkpoint")
            newest.path.write_bytes(newest.path.read_bytes()[:-100])
            self.ends("damaged", self.pair("damaged"), [0, 0])
            self.assertIn(f"{newest.path.name} is damaged", self.place.output("damaged"))
            steps = before.epoch * 7 + before.step
            self.assertIn(f"going on from the checkpoint after {steps} of 840 steps", self.place.output("damaged"))
            self.same_outcome("calm", "damaged")

        with self.subTest("as many checkpoints stay as the spec says"):
            kept = checkpoints(self.place.root / "calm-checkpoint")
            self.assertEqual((len(kept), kept[0].epoch), (3, 120))

        with self.subTest("the last checkpoint is damaged when only the evaluation is left: all train on"):
            (self.place.root / "calm" / "result.json").unlink()
            kept[0].path.write_bytes(b"x")
            self.ends("calm", self.pair("calm"), [0, 0])
            self.assertIn(f"going on from the checkpoint after {kept[1].epoch * 7 + kept[1].step} of 840", self.place.output("calm"))
            self.same_outcome("process", "calm")

        with self.subTest("only the evaluation was left: worker 0 does it alone"):
            before = self.place.result("calm")
            (self.place.root / "calm" / "result.json").unlink()
            self.place.result_path("calm").unlink()
            self.ends("calm", [self.worker("calm", 1)], [0])
            self.ends("calm", [self.worker("calm", 0)], [0])
            self.assertEqual(self.place.result("calm")["metrics"], before["metrics"])

        with self.subTest("a finished run is reported, not computed, again"):
            before = self.place.result("calm")
            self.place.result_path("calm").unlink()
            (self.place.root / "calm-checkpoint" / STORY_FILE).unlink()
            self.ends("calm", self.pair("calm"), [0, 0])
            self.assertEqual(self.place.result("calm"), before)
            self.assertIn("is intact: reporting that result", self.place.output("calm"))

        with self.subTest("a finished run whose network is damaged is computed again"):
            before = self.place.result("calm")
            (self.place.root / "calm" / "network" / "state.pt").write_bytes(b"x")
            self.ends("calm", self.pair("calm"), [0, 0])
            self.assertEqual(self.place.result("calm")["metrics"], before["metrics"])
            self.keeps_its_network("calm", LONG)

    def test_goes_on_from_what_another_training_left_and_from_nothing_else(self) -> None:
        self.ends("first", [self.worker("first", 0, support.TRAINING, workers=1)], [0])
        first = self.place.result("first")
        (self.place.root / "base").symlink_to(self.place.root / "first")
        base = {"run": "first", "sha256": first["artifact"]["sha256"]}

        # Another data set, whose own vocabulary is another, and a rate at which nothing is learned in an epoch.
        shutil.rmtree(self.place.root / "dataset")
        shutil.rmtree(self.place.root / "source")
        support.write_corpus(self.place.root / "source", each=60, seed=2)
        dataset.run(self.place.surroundings("dataset", "d2", support.SPLIT))
        spec = {**support.TRAINING, "epochs": 1, "learningRate": 1e-9, "base": base, "workers": 2}
        self.ends("tuned", self.pair("tuned", spec), [0, 0])
        self.assertIn("starting from the weights of first", self.place.output("tuned"))
        was, described = load_network(self.place.root / "first" / "network")
        found, description = load_network(self.place.root / "tuned" / "network")
        self.assertEqual(description.reader.vocabulary, described.reader.vocabulary)
        for (name, value), other in zip(was.state_dict().items(), found.state_dict().values()):
            self.assertTrue(torch.allclose(value, other, atol=1e-4), name)
        fresh = {**spec, "base": None}
        self.ends("fresh", self.pair("fresh", fresh), [0, 0])
        tuned_accuracy, fresh_accuracy = (self.place.result(run)["metrics"]["testAccuracy"] for run in ("tuned", "fresh"))
        self.assertGreater(tuned_accuracy, fresh_accuracy + 0.1)
        self.assertNotEqual(
            load_network(self.place.root / "fresh" / "network")[1].reader.vocabulary, described.reader.vocabulary
        )

        network = {**support.TRAINING["network"], "channels": 16, "sequenceLength": 16, "dropout": 0.5}
        for changes, code, why in (
            ({"network": network}, EXIT_BAD_SPEC, "network.channels is 16, and 8 there; network.sequenceLength is 16"),
            ({"labels": ["spam", "ham"]}, EXIT_BAD_SPEC, "labels is spam, ham, and ham, spam there"),
            ({"base": {**base, "sha256": "0" * 64}}, EXIT_BAD_DATA, "not what first left, by its record"),
            ({"base": {"run": "first"}}, EXIT_BAD_SPEC, "spec.base.sha256: missing"),
        ):
            with self.subTest(why=why):
                self.place.termination().write_text("")
                self.ends("other", [self.worker("other", 0, {**spec, **changes, "workers": 1}, workers=1)], [code])
                self.assertIn(why, self.place.termination().read_text())
        with self.subTest("another dropout is no other network"):
            tuned = {**spec, "workers": 1, "network": {**support.TRAINING["network"], "dropout": 0.5}}
            self.ends("dropout", [self.worker("dropout", 0, tuned, workers=1)], [0])
        with self.subTest("what it left to go on from is gone"):
            shutil.rmtree(self.place.root / "first" / "network")
            self.ends("gone", [self.worker("gone", 0, {**spec, "workers": 1}, workers=1)], [EXIT_BAD_DATA])
            self.assertIn("not a network this image saved", self.place.termination().read_text())

    def test_one_worker_needs_no_group(self) -> None:
        self.ends("one", [self.worker("one", 0, support.TRAINING, workers=1)], [0])
        self.assertEqual(self.place.result("one")["workers"], 1)
        left = self.place.root / "one-checkpoint"
        self.assertEqual(list(left.iterdir()), [], "none is of use any more")
        self.place.result_path("one").unlink()
        (left / "checkpoint-000001-000000000-0123456789abcdef.pt").write_text("left by one that was killed")
        self.ends("one", [self.worker("one", 0, support.TRAINING, workers=1)], [0])
        self.assertEqual(list(left.iterdir()), [])

    def test_learns_digits_better_than_the_simple_model(self) -> None:
        shutil.rmtree(self.place.root / "dataset")
        dataset.run(self.place.surroundings("dataset", "digits", support.DIGITS))
        network = {**support.IMAGE_TRAINING["network"], "channels": 16, "deepChannels": 32}
        spec = {**support.IMAGE_TRAINING, "epochs": 20, "workers": 2, "network": network}
        self.ends("digits", self.pair("digits", spec), [0, 0])
        metrics = self.place.result("digits")["metrics"]
        self.assertGreater(metrics["testAccuracy"], metrics["simpleAccuracy"])
        self.assertGreater(metrics["simpleAccuracy"], 0.9)
        self.assertLess(metrics["majorityAccuracy"], 0.15)
        self.assertEqual(self.place.result("digits")["dataset"], "digits")
        self.keeps_its_network("digits", spec)

    def test_sigterm_while_it_waits_for_the_others_ends_it_at_once(self) -> None:
        process = self.worker("waiting", 0)
        support.wait_for(lambda: listens(self.place.port), "torchrun to wait for worker 1")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 143)

    def test_a_worker_whose_group_does_not_come_together_gives_its_place_back_in_time(self) -> None:
        hurried = {**LONG, "gangSeconds": 4}
        with self.subTest("worker 0 has no place"):
            environment = {
                **self.place.environment("training", "nameless", hurried, 2, 1),
                "MILLWRIGHT_RENDEZVOUS": "no-such-host.invalid:29500",
            }
            self.assertEqual(self.start(environment).wait(60), EXIT_UNAVAILABLE)
            self.assertIn("no-such-host.invalid does not resolve", self.place.termination(1).read_text())
        for index in (0, 1):
            with self.subTest("the other has none", index=index):
                run = f"half{index}"
                began = time.monotonic()
                self.ends(run, [self.worker(run, index, hurried)], [EXIT_UNAVAILABLE])
                # Not tried again in place, though maxRestarts is 3: that would hold the place.
                self.assertLess(time.monotonic() - began, 4 + 15)
                said = self.place.termination(index).read_text()
                self.assertRegex(said, rf"worker {index} waited \d+ s for its group of 2 workers .* gives its place back")
                told = json.loads(self.place.result_path(run, index).with_name("progress.json").read_text())
                self.assertIn("for its group of 2 workers", told["message"])
        with self.subTest("the other comes in time"):
            spec = {**support.TRAINING, "workers": 2}
            first = self.worker("late", 0, spec)
            support.wait_for(lambda: listens(self.place.port), "torchrun to wait for worker 1")
            self.ends("late", [first, self.worker("late", 1, spec)], [0, 0])

    def test_a_group_that_is_lost_for_good_gives_its_place_back_and_goes_on_later(self) -> None:
        spec = {**LONG, "gangSeconds": 80}
        group = self.pair("torn", spec)
        self.reaches_the_middle("torn")
        group[1].kill()
        group[1].wait()
        self.ends("torn", group[:1], [EXIT_UNAVAILABLE])
        kept = self.steps_kept("torn")
        self.assertGreaterEqual(kept, ENOUGH_STEPS)
        self.ends("torn", self.pair("torn"), [0, 0])
        self.assertIn(f"going on from the checkpoint after {kept} of 840 steps", self.place.output("torn"))

    def test_what_another_try_would_not_change_ends_with_its_code(self) -> None:
        for spec, code, why in (
            ({**support.TRAINING, "epochs": 0}, EXIT_BAD_SPEC, "spec.epochs: is 0"),
            ({**support.TRAINING, "labels": ["ham", "other"]}, EXIT_BAD_DATA, 'is labelled "spam"'),
        ):
            with self.subTest(why=why):
                self.ends("bad", [self.worker("bad", 0, spec, workers=1)], [code])
                self.assertIn(why, self.place.termination().read_text())
                self.assertFalse(self.place.result_path("bad").exists())


def worker_process(root: Path, run: str, index: int) -> int:
    """The process torchrun started for one worker of a run of this test."""
    wanted = {f"MILLWRIGHT_CHECKPOINT={root / f'{run}-checkpoint'}", f"MILLWRIGHT_WORKER_INDEX={index}"}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (place / "cmdline").read_text().split("\0")
            environment = set((place / "environ").read_text().split("\0"))
        except OSError:
            continue
        if (
            wanted <= environment
            and "millwright_workloads.train_worker" in arguments
            and "torch.distributed.run" not in arguments
        ):
            return int(place.name)
    raise AssertionError(f"no worker {index} of {run}")


def listens(port: int) -> bool:
    wanted = f":{port:04X}"
    tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    return any(line.split()[1].endswith(wanted) and line.split()[3] == "0A" for table in tables for line in table)


if __name__ == "__main__":
    unittest.main()
