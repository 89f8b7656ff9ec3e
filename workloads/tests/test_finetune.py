"""Training inside a compression step, and what a student's loss is."""

import tempfile
import unittest
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from . import support
from millwright_workloads.contract import EXIT_NOT_VERIFIED, Log, WorkloadFailure
from millwright_workloads.distill import distillation_loss
from millwright_workloads.finetune import Loss, Tuning, tuned
from millwright_workloads.learner import Learner, Plan
from millwright_workloads.modelling import Classifier, Prepared, build_network, prepare
from millwright_workloads.training_spec import TrainingSpec

SPEC = TrainingSpec.of(support.TRAINING, "t", 1)


class Stop(Exception):
    pass


class FineTuning(unittest.TestCase):
    def setUp(self) -> None:
        torch.set_num_threads(1)
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        support.write_texts(self.root)
        self.steps: list[int] = []
        self.prepared: Prepared = prepare(SPEC, self.root)

    def tune(self, kept: str, loss: Loss | None = None, stop: int | None = None, **plan: Any) -> Classifier:
        items = len(self.prepared.items["train"])
        truth = self.prepared.targets["train"]

        def progress(learner: Learner) -> None:
            self.steps.append(learner.steps_done)
            if learner.steps_done == stop:
                raise Stop

        tuning = Tuning(
            "candidate.steps[0]",
            Plan(**{"items": items, "workers": 1, "batch": 8, "epochs": 3, "rate": 0.01, "seed": 5, **plan}),
            self.root / kept,
            "determinant",
            Log(None),
            progress,
        )
        own = loss or (lambda logits, indices: functional.cross_entropy(logits, truth[indices]))
        return tuned(build_network(SPEC, self.prepared), self.prepared, tuning, own)

    def test_going_on_after_any_interruption_ends_alike(self) -> None:
        whole = self.tune("whole").state_dict()
        for stop in (1, 5, 6, 11):
            with self.subTest(stop=stop):
                with self.assertRaises(Stop):
                    self.tune(f"kept-{stop}", stop=stop)
                self.steps.clear()
                again = self.tune(f"kept-{stop}").state_dict()
                self.assertEqual(self.steps, list(range(stop + 1, 16)))
                for name, value in again.items():
                    self.assertTrue(torch.equal(value, whole[name]), name)

    def test_the_loss_is_told_which_items_it_judges(self) -> None:
        seen: list[int] = []

        def loss(logits: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
            seen.extend(indices.tolist())
            return functional.cross_entropy(logits, 1 - self.prepared.targets["train"][indices])

        network = self.tune("other", loss)
        self.assertEqual(set(seen), set(range(len(self.prepared.items["train"]))))
        with torch.no_grad():
            answers = network(self.prepared.inputs["train"]).argmax(1)
        # It learned what it was told, which is the opposite of the truth.
        self.assertLess(float((answers == self.prepared.targets["train"]).float().mean()), 0.5)

    def test_no_epochs_change_nothing(self) -> None:
        fresh = build_network(SPEC, self.prepared).state_dict()
        for name, value in self.tune("none", epochs=0).state_dict().items():
            self.assertTrue(torch.equal(value, fresh[name]), name)

    def test_divergence_names_the_step_and_its_rate(self) -> None:
        with self.assertRaisesRegex(WorkloadFailure, r"candidate.steps\[0\].learningRate \(0.01\)") as caught:
            self.tune("diverging", lambda logits, _: logits.sum() * float("nan"))
        self.assertEqual(caught.exception.code, EXIT_NOT_VERIFIED)


class Distillation(unittest.TestCase):
    def setUp(self) -> None:
        torch.manual_seed(1)
        self.student, self.teacher = torch.randn(6, 3), torch.randn(6, 3)
        self.truth = torch.randint(0, 3, (6,))

    def test_is_between_the_labels_and_the_teacher(self) -> None:
        hard = functional.cross_entropy(self.student, self.truth, label_smoothing=0.1)
        for weight in (0.0, 0.25, 1.0):
            divergence = sum(
                float((p * (p.log() - q.log())).sum())
                for p, q in zip(torch.softmax(self.teacher / 3, 1), torch.softmax(self.student / 3, 1), strict=True)
            )
            found = distillation_loss(self.student, self.teacher, self.truth, 3.0, weight, 0.1)
            self.assertAlmostEqual(float(found), weight * 9 * divergence / 6 + (1 - weight) * float(hard), places=5)

    def test_a_student_that_answers_like_its_teacher_has_nothing_to_learn(self) -> None:
        self.assertAlmostEqual(
            float(distillation_loss(self.teacher + 7, self.teacher, self.truth, 2.0, 1.0, 0.0)), 0, places=5
        )

    def test_its_gradient_is_of_one_size_at_every_temperature(self) -> None:
        sizes = []
        for temperature in (20.0, 200.0):
            student = self.student.clone().requires_grad_()
            distillation_loss(student, self.teacher, self.truth, temperature, 1.0, 0.0).backward()
            assert student.grad is not None
            sizes.append(float(student.grad.norm()))
        self.assertAlmostEqual(sizes[0] / sizes[1], 1, delta=0.1)


if __name__ == "__main__":
    unittest.main()
