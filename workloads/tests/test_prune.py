"""Which channels go, and what is left. That a smaller network is faster and still accurate is measured, not tested."""

import unittest

import torch
from torch import nn
from torch.nn import functional

from . import support
from millwright_workloads.compression_spec import Prune
from millwright_workloads.image_cnn import ImageCnn
from millwright_workloads.importance import channel_importance, kept_above_threshold, kept_at_sparsity
from millwright_workloads.modelling import Classifier, parameter_count
from millwright_workloads.prune import channel_counts, channel_penalty, pruned
from millwright_workloads.text_cnn import TextCnn
from millwright_workloads.training_spec import TrainingSpec

FORMS = ("taylor", "taylor-sqrt", "magnitude")


def text() -> tuple[Classifier, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    network = TextCnn(60, 2, TrainingSpec.of(support.TRAINING, "t", 1).shape)
    return alive(network), torch.randint(1, 60, (40, 12)), torch.randint(0, 2, (40,))


def image() -> tuple[Classifier, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    network = ImageCnn(8, 8, 10, TrainingSpec.of(support.IMAGE_TRAINING, "t", 1).shape)
    return alive(network), torch.rand(40, 1, 8, 8), torch.randint(0, 10, (40,))


def alive(network: Classifier) -> Classifier:
    """No channel is below zero on every item, as some fresh ones are: those would have no importance either."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, (nn.Conv1d, nn.Conv2d)):
                module.bias.fill_(1.0)
    return network


def step(sparsity: float | None = None, threshold: float | None = None, importance: str = "taylor") -> Prune:
    return Prune(importance, sparsity, threshold, calibration_items=40, epochs=0, rate=0.01, penalty=0.0)


def silence(network: Classifier, group_name: str, channels: list[int]) -> None:
    """Nothing makes or reads these channels any more."""
    (group,) = [each for each in network.channel_groups() if each.name == group_name]
    with torch.no_grad():
        own = dict(network.named_parameters())
        for carrier in group.carriers:
            for channel in channels:
                own[carrier.parameter].select(carrier.dimension, carrier.start + channel).zero_()


class Importance(unittest.TestCase):
    def test_is_the_gradient_times_the_weight_of_all_that_makes_or_reads_a_channel(self) -> None:
        network, inputs, targets = text()
        network.eval()
        expected = torch.zeros(8, dtype=torch.float64)
        roots = torch.zeros(8, dtype=torch.float64)
        for part in (slice(0, 16), slice(16, 32), slice(32, 40)):
            network.zero_grad()
            functional.cross_entropy(network(inputs[part]), targets[part]).backward()
            terms = [
                (value.grad * value).detach().abs().double()
                for value in (network.convolution.weight, network.convolution.bias)
            ]
            reads = (network.output.weight.grad * network.output.weight).detach().abs().double()[:, :8]
            expected += terms[0].sum((1, 2)) + terms[1] + reads.sum(0)
            roots += terms[0].sqrt().sum((1, 2)) + terms[1].sqrt() + reads.sqrt().sum(0)
        for form, wanted in (("taylor", expected), ("taylor-sqrt", roots)):
            with self.subTest(form=form):
                found = channel_importance(network, form, inputs, targets, 16)["convolution"]
                self.assertTrue(torch.allclose(found, wanted / wanted.mean(), rtol=1e-5))
        self.assertFalse(torch.allclose(expected / expected.mean(), roots / roots.mean(), rtol=1e-2))

    def test_estimates_what_the_loss_loses_with_a_single_weight(self) -> None:
        # A channel that only its output weight w reads changes the loss by g * w to first order.
        network, inputs, targets = text()
        network.eval()
        weight = network.output.weight
        with torch.no_grad():
            weight[1, 3] = 1e-3
        loss = functional.cross_entropy(network(inputs), targets)
        (gradient,) = torch.autograd.grad(loss, weight)
        with torch.no_grad():
            weight[1, 3] = 0
            change = float(functional.cross_entropy(network(inputs), targets) - loss)
        self.assertAlmostEqual(abs(change), abs(float(gradient[1, 3]) * 1e-3), delta=abs(change) * 0.1 + 1e-7)

    def test_does_not_cancel_out_between_batches(self) -> None:
        network, inputs, _ = text()
        same = torch.cat([inputs[:8], inputs[:8]])
        opposed = torch.tensor([0] * 8 + [1] * 8)
        silence(network, "embedding", [2])
        with torch.no_grad():
            network.output.weight.mul_(0.01)
            network.output.bias.zero_()
        found = channel_importance(network, "taylor", same, opposed, 8)["embedding"]
        self.assertEqual(float(found[2]), 0)
        self.assertTrue((found[torch.arange(8) != 2] > 0.1).all())

    def test_channels_that_say_nothing_come_last_and_the_network_is_left_alone(self) -> None:
        for make, group in ((text, "convolution"), (text, "embedding"), (image, "first"), (image, "second")):
            for form in FORMS:
                with self.subTest(group=group, form=form):
                    network, inputs, targets = make()
                    silence(network, group, [1, 5])
                    before = {name: value.clone() for name, value in network.state_dict().items()}
                    found = channel_importance(network.train(), form, inputs, targets, 16)[group]
                    self.assertEqual((found == 0).nonzero().flatten().tolist(), [1, 5])
                    self.assertAlmostEqual(float(found.mean()), 1)
                    self.assertTrue(network.training)
                    for name, value in network.named_parameters():
                        self.assertTrue(torch.equal(value, before[name]) and value.grad is None, name)

    def test_where_nothing_matters_all_are_equal(self) -> None:
        network, inputs, targets = text()
        with torch.no_grad():
            for value in network.parameters():
                value.zero_()
        self.assertEqual(set(channel_importance(network, "taylor", inputs, targets, 16)["embedding"].tolist()), {1.0})


class Choosing(unittest.TestCase):
    def test_by_sparsity_and_by_threshold(self) -> None:
        values = {"a": torch.tensor([0.2, 3.0, 0.8, 0.0], dtype=torch.float64), "b": torch.ones(3, dtype=torch.float64)}
        for choose, bound, a, b in (
            (kept_at_sparsity, 0.0, [0, 1, 2, 3], [0, 1, 2]),
            (kept_at_sparsity, 0.5, [1, 2], [0, 1]),
            (kept_at_sparsity, 0.74, [1, 2], [0]),
            (kept_at_sparsity, 0.99, [1], [0]),
            (kept_above_threshold, 0.001, [0, 1, 2], [0, 1, 2]),
            (kept_above_threshold, 0.5, [1, 2], [0, 1, 2]),
            (kept_above_threshold, 1.0, [1], [0, 1, 2]),
            (kept_above_threshold, 99.0, [1], [0, 1, 2]),
        ):
            with self.subTest(choose=choose.__name__, bound=bound):
                kept = choose(values, bound)
                self.assertEqual((kept["a"].tolist(), kept["b"].tolist()), (a, b))


class Pruning(unittest.TestCase):
    def test_what_said_nothing_is_not_missed(self) -> None:
        for make, silent in ((text, {"convolution": 2, "embedding": 3}), (image, {"first": 2, "second": 5})):
            with self.subTest(make=make.__name__):
                network, inputs, targets = make()
                for group, count in silent.items():
                    silence(network, group, list(range(1, 1 + count)))
                smaller = pruned(network, step(threshold=1e-9), inputs, targets, 16)
                before = channel_counts(network)
                self.assertEqual(
                    channel_counts(smaller), {group: before[group] - count for group, count in silent.items()}
                )
                self.assertLess(parameter_count(smaller), parameter_count(network))
                with torch.no_grad():
                    self.assertTrue(torch.allclose(smaller.eval()(inputs), network.eval()(inputs), atol=1e-5))

    def test_halves_what_it_is_told_to_halve(self) -> None:
        for form in FORMS:
            network, inputs, targets = image()
            smaller = pruned(network, step(sparsity=0.5, importance=form), inputs, targets, 16)
            self.assertEqual(channel_counts(smaller), {"first": 4, "second": 6})

    def test_the_penalty_pulls_on_channels_and_on_no_table_of_words(self) -> None:
        network, _, _ = text()
        channel_penalty(network).backward()
        self.assertIsNone(network.embedding.weight.grad)
        self.assertIsNone(network.votes.weight.grad)
        for value in (network.convolution.weight, network.convolution.bias, network.output.weight):
            self.assertTrue(torch.equal(value.grad, value.detach().sign()))


if __name__ == "__main__":
    unittest.main()
