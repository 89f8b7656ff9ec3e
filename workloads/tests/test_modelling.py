"""What all stages build on, for each task. Not here: what a served model answers (test_server), and learning."""

import json
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from . import support
from millwright_workloads.classifier import ChannelGroup, Classifier, logits_of
from millwright_workloads.contract import EXIT_BAD_DATA, EXIT_BAD_SPEC, WorkloadFailure
from millwright_workloads.modelling import Prepared, build_network, load_network, parameter_count, prepare, save_network
from millwright_workloads.training_spec import TrainingSpec

TASKS: tuple[tuple[dict[str, Any], Callable[[Path], None]], ...] = (
    (support.TRAINING, support.write_texts),
    (support.IMAGE_TRAINING, support.write_images),
)


def spec_of(training: dict[str, Any], **changes: Any) -> TrainingSpec:
    return TrainingSpec.of({**training, **changes}, "t", 1)


class FolderTest(unittest.TestCase):
    def setUp(self) -> None:
        torch.set_num_threads(1)
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def prepared(self, training: dict[str, Any], write: Callable[[Path], None]) -> Prepared:
        folder = self.folder / training["task"]
        if not folder.exists():
            write(folder)
        return prepare(spec_of(training), folder, ("train", "validation", "test"))


class Preparing(FolderTest):
    def test_gives_tensors_in_the_order_of_the_files(self) -> None:
        texts, images = (self.prepared(*task) for task in TASKS)
        self.assertEqual((texts.inputs["train"].dtype, images.inputs["train"].dtype), (torch.int64, torch.float32))
        self.assertEqual(texts.inputs["validation"].shape, (20, 32))
        self.assertEqual(images.inputs["validation"].shape, (50, 1, 8, 8))
        self.assertEqual((float(images.inputs["train"].min()), float(images.inputs["train"].max())), (0.0, 1.0))
        for data in (texts, images):
            for name, items in data.items.items():
                found = [data.labels[at] for at in data.targets[name].tolist()]
                self.assertEqual(found, [item.label for item in items])
                self.assertEqual(len(data.inputs[name]), len(items))

    def test_reads_by_the_training_split_whichever_is_asked_for(self) -> None:
        for training, write in TASKS:
            whole = self.prepared(training, write)
            folder = self.folder / training["task"]
            alone = prepare(spec_of(training), folder, ("test",))
            again = prepare(spec_of(training), folder, ("test",), whole.reader)
            self.assertEqual(set(alone.inputs), {"test"})
            for data in (alone, again):
                self.assertTrue(torch.equal(data.inputs["test"], whole.inputs["test"]))

    def test_refuses_items_of_another_task_size_or_label(self) -> None:
        for training, write in TASKS:
            self.prepared(training, write)
        odd = self.folder / "odd"
        support.write_images(odd)
        other = self.folder / "other"
        support.write_images(other, size=(6, 6))
        (odd / "test.jsonl").write_text((other / "test.jsonl").read_text())
        for training, folder, message in (
            (support.TRAINING, "image-classification", "is an image; text-classification needs a dataset of texts"),
            (support.IMAGE_TRAINING, "text-classification", "is a text; image-classification needs a dataset of im"),
            ({**support.TRAINING, "labels": ["ham", "other"]}, "text-classification", 'labelled "spam"'),
            (support.IMAGE_TRAINING, "odd", r"test.jsonl: an item is not what the model reads .*must be \[8, 8\]"),
        ):
            with self.subTest(message=message), self.assertRaisesRegex(WorkloadFailure, message) as caught:
                prepare(spec_of(training), self.folder / folder, ("train", "test"))
            self.assertEqual(caught.exception.code, EXIT_BAD_DATA)

    def test_a_network_of_another_task_is_a_bad_spec(self) -> None:
        for changes, message in (
            ({"task": "forecasting"}, 'spec.task: is "forecasting", this image does "text-classification" and "image-'),
            ({"task": "image-classification"}, 'kind: is "text-cnn", for image-classification this image trains "'),
            ({"network": {**support.TRAINING["network"], "channels": 0}}, "spec.network.channels: is 0"),
            ({"network": {**support.TRAINING["network"], "dropout": 1}}, "spec.network.dropout: is 1"),
        ):
            with self.subTest(message=message), self.assertRaisesRegex(WorkloadFailure, message) as caught:
                spec_of(support.TRAINING, **changes)
            self.assertEqual(caught.exception.code, EXIT_BAD_SPEC)


class Building(FolderTest):
    def test_equal_seeds_give_equal_weights(self) -> None:
        for task in TASKS:
            data, spec = self.prepared(*task), spec_of(task[0])
            one, same, other = (weights(build_network(spec, data, seed)) for seed in (None, spec.seed, 99))
            self.assertTrue(equal(one, same))
            self.assertFalse(equal(one, other))
            self.assertTrue(equal(weights(build_network(spec.shape, data)), weights(build_network(spec.shape, data))))


class Saving(FolderTest):
    def test_what_is_loaded_answers_and_reads_as_what_was_saved(self) -> None:
        for task in TASKS:
            with self.subTest(task=task[0]["task"]):
                data, spec = self.prepared(*task), spec_of(task[0])
                network = build_network(spec, data)
                keep = {group.name: torch.arange(0, group.size, 2) for group in network.channel_groups()}
                for number, each in enumerate((network, network.narrowed(keep))):
                    folder = self.folder / f"network{number}"
                    save_network(folder, each, data, spec)
                    loaded, description = load_network(folder)
                    self.assertFalse(loaded.training)
                    self.assertEqual(description.shape, each.shape)
                    self.assertEqual((description.task, description.labels), (data.task, data.labels))
                    values = [item.value for item in data.items["test"]]
                    inputs = torch.from_numpy(description.reader.encode(values))
                    self.assertTrue(torch.equal(logits_of(loaded, inputs), logits_of(each, data.inputs["test"])))

    def test_what_was_changed_or_is_missing_is_not_loaded(self) -> None:
        data, spec = self.prepared(*TASKS[0]), spec_of(TASKS[0][0])
        folder = self.folder / "network"

        def saved() -> Path:
            save_network(folder, build_network(spec, data), data, spec)
            return folder

        def described(**changes: Any) -> None:
            path = saved() / "description.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

        for spoil, message in (
            (lambda: (saved() / "state.pt").write_bytes(b"x"), "state.pt was changed"),
            (lambda: (saved() / "state.pt").unlink(), "state.pt"),
            (lambda: (saved() / "vocabulary.json").write_text("[]"), "size mismatch"),
            (lambda: described(format="millwright-network/9"), 'is "millwright-network/9", this image reads'),
            (lambda: described(task="forecasting"), "forecasting"),
        ):
            spoil()
            with self.subTest(message=message), self.assertRaisesRegex(WorkloadFailure, message) as caught:
                load_network(folder)
            self.assertEqual(caught.exception.code, EXIT_BAD_DATA)


class Narrowing(FolderTest):
    def networks(self) -> list[tuple[Classifier, Prepared]]:
        found = []
        for task in TASKS:
            data = self.prepared(*task)
            network = build_network(spec_of(task[0]), data).eval()
            with torch.no_grad():
                for value in network.parameters():
                    value.add_(torch.randn_like(value), alpha=0.3)
            found.append((network, data))
        return found

    def test_answers_as_the_network_would_with_the_removed_channels_at_zero(self) -> None:
        for network, data in self.networks():
            inputs = data.inputs["test"]
            before = logits_of(network, inputs)
            groups = network.channel_groups()
            for chosen in [[group] for group in groups] + [groups]:
                with self.subTest(network=type(network).__name__, groups=[group.name for group in chosen]):
                    keep = {group.name: torch.tensor([group.size - 1, 0, 3]) for group in chosen}
                    smaller = network.narrowed(keep)
                    own = weights(network)
                    with torch.no_grad():
                        for group in chosen:
                            silence(network, group, keep[group.name])
                    expected = logits_of(network, inputs)
                    network.load_state_dict(own)
                    self.assertFalse(torch.allclose(expected, before, atol=1e-4), "the channels must matter")
                    self.assertTrue(torch.allclose(logits_of(smaller, inputs), expected, atol=1e-5))
                    self.assertLess(parameter_count(smaller), parameter_count(network))
                    sizes = {group.name: group.size for group in smaller.channel_groups()}
                    for group in groups:
                        self.assertEqual(sizes[group.name], 3 if group in chosen else group.size)
            self.assertTrue(torch.equal(logits_of(network, inputs), before), "the network itself stays as it was")

    def test_every_number_of_a_channel_is_counted_once(self) -> None:
        for network, _ in self.networks():
            for group in network.channel_groups():
                ones = {name: torch.ones_like(value) for name, value in network.named_parameters()}
                without_one = network.narrowed({group.name: torch.arange(1, group.size)})
                counted = group.summed(ones)
                self.assertEqual(counted.shape, (group.size,))
                self.assertEqual(float(counted[0]), parameter_count(network) - parameter_count(without_one))

    def test_refuses_what_leaves_no_network(self) -> None:
        network = self.networks()[0][0]
        for keep, message in (
            ({"depth": torch.tensor([0])}, "no channel group depth; there are convolution, embedding"),
            ({"embedding": torch.tensor([], dtype=torch.int64)}, r"embedding: keeps \[\]"),
            ({"embedding": torch.tensor([8])}, r"keeps \[8\], must be at least one of 0 to 7"),
            ({"embedding": torch.tensor([-1, 2])}, r"keeps \[-1, 2\]"),
        ):
            with self.subTest(message=message), self.assertRaisesRegex(ValueError, message):
                network.narrowed(keep)


class Varying(FolderTest):
    def test_adds_noise_to_images_anew_each_time(self) -> None:
        data = self.prepared(*TASKS[1])
        network = build_network(spec_of(TASKS[1][0]), data)
        inputs = data.inputs["train"]
        torch.manual_seed(1)
        one, other = network.varied(inputs), network.varied(inputs)
        self.assertEqual(one.shape, inputs.shape)
        for difference in (one - inputs, other - inputs, (one - other) / 2**0.5):
            self.assertAlmostEqual(float(difference.std()), 0.1, delta=0.01)
            self.assertAlmostEqual(float(difference.mean()), 0, delta=0.01)

    def test_hides_words_but_no_padding(self) -> None:
        data = self.prepared(*TASKS[0])
        network = build_network(spec_of(TASKS[0][0]), data)
        torch.manual_seed(1)
        words = torch.full((50, 40), 7)
        words[:, 30:] = 0
        varied = network.varied(words)
        self.assertEqual(varied.shape, (50, 30))
        self.assertEqual(set(varied.unique().tolist()), {1, 7})
        self.assertLess(abs(float((varied == 1).float().mean()) - 0.05), 0.03)


def weights(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def silence(network: Classifier, group: ChannelGroup, keep: torch.Tensor) -> None:
    gone = torch.ones(group.size, dtype=torch.bool)
    gone[keep] = False
    for carrier in group.carriers:
        value = network.get_parameter(carrier.parameter).narrow(carrier.dimension, carrier.start, group.size)
        value.index_fill_(carrier.dimension, gone.nonzero().flatten(), 0)


if __name__ == "__main__":
    unittest.main()
