"""INT8: a network's weights, and where it pays its activations, as eight-bit integers with a scale.

A real number r is stored as q = round(r / scale) + zero point (Jacob et al., "Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, equation 1). The methods differ in where the
scales of activations come from: from each request (dynamic), from calibration items (static), or from training that
felt the rounding (qat). Tables of embeddings are stored as integers by all three, and have no activations.

The file is written by ONNX Runtime's own tools, so that what was measured here is what the server's runtime was made
for.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from torch import Tensor

from .contract import bad_spec
from .export import MODEL_FILE, export_model
from .fake_quantize import Layer, Range, Simulated
from .modelling import Classifier, Prepared

LEAST_WEIGHTS = 1024
"""A layer of fewer weights stays in floating point: it would gain no bytes and lose the time of two conversions."""

Train = Callable[[Classifier], None]

_LAYERS = ("Conv", "Gemm")
_TABLES = ("Gather",)
_PASSED = ("Transpose",)
"""Moves numbers without changing them, so it works on integers as well."""


@dataclass(frozen=True)
class _Node:
    """A node with weights of its own, and what it is in the network that was exported."""

    name: str
    operator: str
    module: str
    weight: str
    weights: int
    input: str
    output: str


def quantized(
    folder: Path, network: Classifier, prepared: Prepared, run: str, method: str, calibration: Tensor, train: Train
) -> None:
    """Leaves a model folder whose `model.onnx` is INT8. Its probe is still that of the floating-point network.

    `calibration` are inputs of the training split. `train` trains the simulated network of quantisation-aware
    training in place; the other methods do not call it. Raises a bad-spec failure when there is nothing to
    quantise.
    """
    export_model(folder, network, prepared, run)
    path = folder / MODEL_FILE
    graph = _Graph(path)
    if not graph.chosen:
        raise bad_spec(
            f"spec.candidate.steps: no layer has {LEAST_WEIGHTS} weights that would be worth it; leave out the last step"
        )
    if method == "dynamic":
        _dynamic(path, graph)
        return
    ranges: dict[str, Range] = {}
    if method == "qat":
        simulated = Simulated(network, graph.tables(), graph.layers())
        simulated.calibrate(calibration)
        train(simulated.network)
        network, inputs, outputs = simulated.finished()
        ranges = graph.tensors(inputs, outputs)
        export_model(folder, network, prepared, run)
    _static(path, graph, prepared.task.input_name, calibration, ranges)


class _Graph:
    """What of an exported network is quantised."""

    def __init__(self, path: Path) -> None:
        graph = onnx.load(str(path)).graph
        sizes = {each.name: int(numpy.prod(each.dims)) for each in graph.initializer}
        self._made_by = {output: node for node in graph.node for output in node.output}
        known = [found for node in graph.node if (found := _with_weights(node, sizes)) is not None]
        self.chosen = [node for node in known if node.weights >= LEAST_WEIGHTS]
        names = {node.name for node in self.chosen}
        self.left_out = [
            node.name for node in graph.node if node.op_type in (*_LAYERS, *_TABLES) and node.name not in names
        ]

    def tables(self) -> list[str]:
        return [node.module for node in self.chosen if node.operator in _TABLES]

    def layers(self) -> list[Layer]:
        return [Layer(node.module, not self._from_table(node)) for node in self.chosen if node.operator in _LAYERS]

    def tensors(self, inputs: Mapping[str, Range], outputs: Mapping[str, Range]) -> dict[str, Range]:
        """Ranges by module as ranges by tensor."""
        found: dict[str, Range] = {}
        for node in self.chosen:
            if node.module in inputs:
                found[node.weight if node.operator in _TABLES else node.input] = inputs[node.module]
            if node.module in outputs:
                found[node.output] = outputs[node.module]
        return found

    def _from_table(self, node: _Node) -> bool:
        maker = self._made_by.get(node.input)
        while maker is not None and maker.op_type in _PASSED:
            maker = self._made_by.get(maker.input[0])
        return maker is not None and any(maker.name == each.name for each in self.chosen if each.operator in _TABLES)


def _with_weights(node: onnx.NodeProto, sizes: Mapping[str, int]) -> _Node | None:
    if node.op_type in _TABLES and node.input[0] in sizes:
        weight, given = node.input[0], node.input[1]
    elif node.op_type in _LAYERS and node.input[1] in sizes:
        weight, given = node.input[1], node.input[0]
    else:
        return None
    # The exporter names weights by the module that has them, below the wrapper that adds the softmax.
    module = weight.removeprefix("network.").removesuffix(".weight")
    return _Node(node.name, node.op_type, module, weight, sizes[weight], given, node.output[0])


def _dynamic(path: Path, graph: _Graph) -> None:
    """Unsigned weights: ONNX Runtime has no other integer convolution of floating-point inputs on CPUs."""
    with _quiet(), _replacing(path) as target:
        quantize_dynamic(
            str(path),
            str(target),
            # The tool turns each Gemm into a MatMul of another name, which the list of exclusions would miss.
            op_types_to_quantize=sorted({node.operator.replace("Gemm", "MatMul") for node in graph.chosen}),
            nodes_to_exclude=graph.left_out,
            weight_type=QuantType.QUInt8,
        )


def _static(
    path: Path, graph: _Graph, input_name: str, calibration: Tensor, ranges: Mapping[str, Range]
) -> None:
    """Ranges are the least and greatest value on the calibration items, except for those that are given."""
    overrides: dict[str, list[dict[str, Any]]] = {
        name: [{"rmin": numpy.float32(low), "rmax": numpy.float32(high)}] for name, (low, high) in ranges.items()
    }
    for node in graph.chosen:
        if node.operator in _LAYERS:
            # Why not all eight bits: see WEIGHT_LIMIT.
            overrides[node.weight] = [{"axis": 0, "reduce_range": True, "symmetric": True}]
    with _quiet(), _replacing(path) as target:
        quantize_static(
            str(path),
            str(target),
            _Calibration(input_name, calibration),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=[*_LAYERS, *_TABLES, *_PASSED],
            nodes_to_exclude=graph.left_out,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"TensorQuantOverrides": overrides},
        )


class _Calibration(CalibrationDataReader):
    """Calibration items, a few at a time."""

    def __init__(self, name: str, inputs: Tensor) -> None:
        self._parts: Iterator[numpy.ndarray] = (part.numpy() for part in inputs.split(32))
        self._name = name

    def get_next(self) -> dict[str, numpy.ndarray] | None:
        part = next(self._parts, None)
        return None if part is None else {self._name: part}


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A file beside another that takes its place when all went well."""
    target = path.with_name(f".{path.name}.partial")
    try:
        yield target
        os.replace(target, path)
    finally:
        target.unlink(missing_ok=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the tools' advice to optimise the graph first, which the exporter did."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
