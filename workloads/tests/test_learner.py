import tempfile
import unittest
from pathlib import Path

import torch

from . import support
from millwright_workloads.checkpoint import read_state, write_state
from millwright_workloads.contract import EXIT_NOT_VERIFIED, WorkloadFailure
from millwright_workloads.learner import Learner, Plan, averaged
from millwright_workloads.text_cnn import TextCnn
from millwright_workloads.training_spec import TrainingSpec

SHAPE = TrainingSpec.of(support.TRAINING, "t", 1).shape
ITEMS = 50


def learner(plan: Plan, worker: int = 0) -> Learner:
    torch.manual_seed(plan.seed)
    return Learner(TextCnn(60, 2, SHAPE), plan, worker)


def plan(workers: int = 1, epochs: int = 3, rate: float = 0.01) -> Plan:
    return Plan(ITEMS, workers, 8, epochs, rate, 5)


class Learning(unittest.TestCase):
    def setUp(self) -> None:
        torch.set_num_threads(1)
        draw = torch.Generator().manual_seed(1)
        self.words = torch.randint(0, 60, (ITEMS, 12), generator=draw)
        self.labels = (self.words.sum(1) % 2).long()

    def advance(self, one: Learner, steps: int) -> None:
        """The training loop without its group, ending after a number of steps."""
        while steps and one.epoch < one.plan.epochs:
            for batch in one.plan.batches(one.epoch, one.worker, one.step):
                one.learn(one.network, self.words[batch], self.labels[batch])
                steps -= 1
                if not steps:
                    break
            if one.step == one.plan.steps_an_epoch:
                one.end_epoch(0.5 + one.epoch / 10, 1.0)

    def test_going_on_from_a_checkpoint_equals_never_stopping_bit_by_bit(self) -> None:
        whole = learner(plan())
        self.advance(whole, whole.plan.steps)
        for stop in (1, 6, 7, 8, 13):
            with self.subTest(stop=stop), tempfile.TemporaryDirectory() as folder:
                first = learner(plan())
                self.advance(first, stop)
                write_state(Path(folder), "k", first.state())
                second = learner(plan())
                torch.manual_seed(99)
                state = read_state(Path(folder), "k")
                assert state is not None
                second.restore(state)
                self.advance(second, whole.plan.steps - stop)
                self.assertEqual((second.epoch, second.step), (whole.epoch, whole.step))
                for name, value in whole.network.state_dict().items():
                    self.assertTrue(torch.equal(value, second.network.state_dict()[name]), name)
                    self.assertTrue(torch.equal(whole.average[name], second.average[name]), name)
                assert whole.best is not None and second.best is not None
                self.assertEqual(whole.best.epoch, second.best.epoch)
                for name, value in whole.best.weights.items():
                    self.assertTrue(torch.equal(value, second.best.weights[name]), name)

    def test_a_checkpoint_of_other_parameters_is_not_taken(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assertIsNone(read_state(Path(folder), "k"))
            write_state(Path(folder), "k", learner(plan()).state())
            self.assertIsNotNone(read_state(Path(folder), "k"))
            self.assertIsNone(read_state(Path(folder), "other"))

    def test_workers_share_each_step_and_leave_out_no_item(self) -> None:
        for workers in (1, 2, 3):
            for epoch in (0, 1):
                with self.subTest(workers=workers, epoch=epoch):
                    given = plan(workers)
                    shares = [list(given.batches(epoch, worker, 0)) for worker in range(workers)]
                    self.assertEqual({len(share) for share in shares}, {given.steps_an_epoch})
                    self.assertEqual({len(batch) for share in shares for batch in share}, {8})
                    seen = torch.cat([batch for share in shares for batch in share])
                    self.assertEqual(set(seen.tolist()), set(range(ITEMS)))
        one, other = (torch.cat(list(plan().batches(epoch, 0, 0))) for epoch in (0, 1))
        self.assertFalse(torch.equal(one, other))

    def test_fewer_items_than_a_step_takes_are_repeated(self) -> None:
        given = Plan(5, 2, 8, 1, 0.01, 1)
        self.assertEqual([len(batch) for worker in (0, 1) for batch in given.batches(0, worker, 0)], [8, 8])

    def test_divergence_ends_training_for_good_and_says_what_to_change(self) -> None:
        one = learner(plan())
        with torch.no_grad():
            one.network.get_parameter("output.weight").fill_(float("nan"))
        with self.assertRaisesRegex(WorkloadFailure, r"epoch 1, step 1.*lower training.learningRate \(0.01\)") as caught:
            self.advance(one, 1)
        self.assertEqual(caught.exception.code, EXIT_NOT_VERIFIED)

    def test_a_step_that_is_broken_off_leaves_the_state_of_the_one_before(self) -> None:
        one = learner(plan())
        self.advance(one, 2)
        before = {name: value.clone() for name, value in one.network.state_dict().items()}

        def lost(_words: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("Connection closed by peer")

        with self.assertRaises(RuntimeError):
            one.learn(lost, self.words[:8], self.labels[:8])  # type: ignore[arg-type]
        self.assertTrue(one.whole)
        self.assertEqual(one.steps_done, 2)
        for name, value in before.items():
            self.assertTrue(torch.equal(value, one.network.state_dict()[name]), name)

    def test_keeps_the_best_epoch_and_of_equals_the_surer(self) -> None:
        one = learner(plan(epochs=4))
        told = [one.end_epoch(*scores) for scores in ((0.8, 0.5), (0.9, 0.4), (0.9, 0.3), (0.85, 0.1))]
        self.assertEqual(told, [True, True, True, False])
        assert one.best is not None
        self.assertEqual(one.best.epoch, 3)

    def test_averaged_weights_are_lent_and_taken_back(self) -> None:
        one = learner(plan())
        self.advance(one, 3)
        own = {name: value.clone() for name, value in one.network.state_dict().items()}
        with averaged(one.network, one.average) as network:
            self.assertFalse(network.training)
            self.assertFalse(torch.equal(network.state_dict()["output.weight"], own["output.weight"]))
        for name, value in own.items():
            self.assertTrue(torch.equal(value, one.network.state_dict()[name]), name)


class Network(unittest.TestCase):
    def test_padding_says_nothing(self) -> None:
        torch.manual_seed(1)
        network = TextCnn(60, 3, SHAPE).eval()
        torch.nn.init.normal_(network.votes.weight[1:])
        words = torch.randint(1, 60, (4, 10))
        padded = torch.cat([words, torch.zeros(4, 5, dtype=torch.long)], 1)
        longer = torch.cat([padded, torch.zeros(4, 9, dtype=torch.long)], 1)
        with torch.no_grad():
            for other in (padded, longer):
                self.assertTrue(torch.allclose(network(words), network(other), atol=1e-6))
            self.assertTrue(torch.isfinite(network(torch.zeros(1, 5, dtype=torch.long))).all())


if __name__ == "__main__":
    unittest.main()
