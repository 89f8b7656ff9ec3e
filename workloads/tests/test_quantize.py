"""INT8 files and the training that prepares for them. What INT8 does to accuracy and speed is measured, not tested."""

import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch.nn import functional

from . import support
from millwright_workloads.contract import EXIT_BAD_SPEC, WorkloadFailure
from millwright_workloads.export import MODEL_FILE, export_model
from millwright_workloads.fake_quantize import WEIGHT_LIMIT, Layer, Simulated
from millwright_workloads.modelling import Classifier, Prepared, build_network, prepare
from millwright_workloads.quantize import quantized
from millwright_workloads.text_cnn import TextCnn
from millwright_workloads.training_spec import TrainingSpec

# Wide enough that the convolutions are worth integers, so that their weights and not their overhead decide the size.
TEXT = {**support.TRAINING, "network": {**support.TRAINING["network"], "embeddingSize": 64, "channels": 32}}
IMAGE = {**support.IMAGE_TRAINING, "network": {**support.IMAGE_TRAINING["network"], "channels": 16, "deepChannels": 24}}
# So wide that the last layer, which is a product of matrices, is worth it, too.
WIDE = {**support.TRAINING, "network": {**support.TRAINING["network"], "embeddingSize": 64, "channels": 512}}
METHODS = ("dynamic", "static", "qat")


def untrained(_: Classifier) -> None:
    pass


class Quantizing(unittest.TestCase):
    def setUp(self) -> None:
        torch.set_num_threads(1)
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def made(self, spec: dict[str, Any]) -> tuple[Classifier, Prepared]:
        dataset = self.root / spec["task"]
        (support.write_texts if spec["task"].startswith("text") else support.write_images)(dataset)
        checked = TrainingSpec.of(spec, "t", 1)
        prepared = prepare(checked, dataset)
        network = build_network(checked, prepared)
        with torch.no_grad():
            # Fresh votes are all zero, and no grid is needed for that.
            for name, value in network.named_parameters():
                if name == "votes.weight":
                    value[1:].normal_()
        return network.eval(), prepared

    def quantize(self, method: str, network: Classifier, prepared: Prepared, train: Any = untrained) -> Path:
        folder = self.root / f"{prepared.task.name}-{method}"
        quantized(folder, network, prepared, "r", method, prepared.inputs["train"][:32], train)
        return folder

    def answers(self, folder: Path, prepared: Prepared) -> numpy.ndarray:
        session = onnxruntime.InferenceSession(str(folder / MODEL_FILE), providers=["CPUExecutionProvider"])
        inputs = prepared.inputs["validation"].numpy()
        rows = [session.run(None, {prepared.task.input_name: inputs[at : at + 1]})[0] for at in range(len(inputs))]
        return numpy.concatenate(rows)

    def test_every_method_leaves_a_smaller_file_that_answers_nearly_alike(self) -> None:
        for spec in (TEXT, IMAGE, WIDE):
            network, prepared = self.made(spec)
            plain = self.root / "plain"
            export_model(plain, network, prepared, "r")
            for method in METHODS:
                with self.subTest(task=spec["task"], method=method):
                    folder = self.quantize(method, network, prepared)
                    self.assertEqual({path.name for path in folder.iterdir()}, {path.name for path in plain.iterdir()})
                    sizes = [(each / MODEL_FILE).stat().st_size for each in (folder, plain)]
                    self.assertLess(sizes[0], 0.6 * sizes[1])
                    worst = numpy.abs(self.answers(folder, prepared) - self.answers(plain, prepared)).max()
                    self.assertLess(worst, 0.05)
                    self.assertGreater(worst, 0)

    def test_large_weights_are_bytes_and_products_cannot_overflow(self) -> None:
        network, prepared = self.made(TEXT)
        for method in METHODS:
            with self.subTest(method=method):
                graph = onnx.load(str(self.quantize(method, network, prepared) / MODEL_FILE)).graph
                values = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
                floats = {name: value.size for name, value in values.items() if value.dtype == numpy.float32}
                self.assertLess(max(floats.values()), 1024, floats)
                if method != "dynamic":
                    (weights,) = [value for value in values.values() if value.dtype == numpy.int8 and value.ndim == 3]
                    self.assertEqual(int(numpy.abs(weights.astype(int)).max()), WEIGHT_LIMIT)

    def test_training_feels_the_rounding_of_the_file(self) -> None:
        for spec in (TEXT, IMAGE, WIDE):
            with self.subTest(task=spec["task"]):
                network, prepared = self.made(spec)
                simulated: list[torch.Tensor] = []

                def train(copy: Classifier, prepared: Prepared = prepared, into: list = simulated) -> None:
                    copy.train()
                    optimizer = torch.optim.Adam(copy.parameters(), lr=0.02)
                    for _ in range(8):
                        loss = functional.cross_entropy(copy(prepared.inputs["train"]), prepared.targets["train"])
                        optimizer.zero_grad()
                        loss.backward()
                        optimizer.step()
                    with torch.no_grad():
                        into.append(torch.softmax(copy.eval()(prepared.inputs["validation"]), 1))

                folder = self.quantize("qat", network, prepared, train)
                found = self.answers(folder, prepared)
                self.assertLess(numpy.abs(found - simulated[0].numpy()).max(), 2e-3)
                with torch.no_grad():
                    untouched = torch.softmax(network(prepared.inputs["validation"]), 1)
                # Trained away from the network it was copied from by more than the rounding.
                self.assertGreater(numpy.abs(found - untouched.numpy()).max(), 2e-2)

    def test_nothing_worth_quantizing_is_said_so(self) -> None:
        small = {**support.IMAGE_TRAINING["network"], "channels": 2, "deepChannels": 2}
        network, prepared = self.made({**support.IMAGE_TRAINING, "network": small})
        with self.assertRaisesRegex(WorkloadFailure, "no layer has 1024 weights") as caught:
            self.quantize("static", network, prepared)
        self.assertEqual(caught.exception.code, EXIT_BAD_SPEC)


class Simulation(unittest.TestCase):
    def text(self) -> Classifier:
        torch.manual_seed(1)
        return TextCnn(60, 2, TrainingSpec.of(support.TRAINING, "t", 1).shape)

    def test_weights_keep_their_gradient_and_padding_stays_silent(self) -> None:
        simulated = Simulated(self.text(), ["embedding"], [Layer("convolution", True)])
        words = torch.randint(1, 60, (8, 12))
        simulated.calibrate(words)
        network = simulated.network.train()
        network(words).sum().backward()
        for name in ("embedding", "convolution"):
            original = network.get_submodule(name).parametrizations.weight.original
            self.assertGreater(float(original.grad.abs().sum()), 0, name)
        finished, inputs, outputs = simulated.finished()
        self.assertEqual(set(finished.state_dict()), set(self.text().state_dict()))
        self.assertEqual(float(finished.embedding.weight[0].abs().sum()), 0)
        self.assertLessEqual(len(torch.unique(finished.embedding.weight)), 256)
        self.assertEqual((set(inputs), set(outputs)), ({"embedding", "convolution"}, {"convolution"}))
        for low, high in (*inputs.values(), *outputs.values()):
            self.assertTrue(low <= 0 < high)

    def test_ranges_follow_what_passes_in_training_only(self) -> None:
        simulated = Simulated(self.text(), [], [Layer("convolution", True)])
        words = torch.randint(1, 60, (8, 12))
        simulated.calibrate(words)
        grid = simulated.network.convolution.output_grid
        before = grid.range
        passed: list[torch.Tensor] = []
        plain = self.text().eval()
        plain.convolution.register_forward_hook(lambda _module, _given, answer: passed.append(answer.detach()))
        plain(words)
        # The weights are rounded before the ranges are taken, which moves them a little.
        self.assertAlmostEqual(before[0], float(passed[0].min()), delta=0.05 * (before[1] - before[0]))
        self.assertAlmostEqual(before[1], float(passed[0].max()), delta=0.05 * (before[1] - before[0]))
        with torch.no_grad():
            simulated.network.embedding.weight.mul_(10)
            simulated.network.eval()(words)
            self.assertEqual(grid.range, before)
            simulated.network.train()(words)
        self.assertGreater(grid.range[1], before[1])


if __name__ == "__main__":
    unittest.main()
