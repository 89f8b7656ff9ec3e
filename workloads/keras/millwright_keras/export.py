"""The folder a server loads; CONTRACT.md says what is in it.

The network is written as ONNX layer by layer, since the converters there are lag behind TensorFlow and NumPy. That it
answers as Keras does is checked on the probe and the validation split, by the runtime that will serve it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from .backend import keras
from .contract import not_verified, write_json
from .data import Split
from .features import REFERENCE_FILE, Reference, features_of
from .network import probabilities_of
from .pixels import Reader
from .spec import TASK

FORMAT = "millwright-model/1"
OPSET = 13
IR_VERSION = 8
"""Of the file; what onnx writes by itself is newer than servers in use can read."""

TOLERANCE = 1e-4

_BATCH = 256
_INPUT = "pixels"
_OUTPUT = "probabilities"


def export_model(folder: Path, network, reader: Reader, labels: Sequence[str], validation: Split, run: str) -> None:
    """Leaves nothing of an earlier, interrupted export in the folder. Raises not-verified where ONNX answers otherwise."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(onnx_of(network, reader.height, reader.width).SerializeToString())
    values = probe_values(reader)
    probe = reader.encode(values)
    answers = probabilities_of(network, probe)
    served = _answers(folder / "model.onnx", numpy.concatenate([probe, validation.inputs]))
    expected = numpy.concatenate([answers, probabilities_of(network, validation.inputs)])
    worst = float(numpy.abs(served - expected).max())
    if not worst <= TOLERANCE:
        raise not_verified(f"model.onnx answers {worst:.2g} off what Keras does, more than {TOLERANCE:g}")
    write_json(
        folder / "config.json",
        {
            "format": FORMAT,
            "run": run,
            "task": TASK,
            "labels": list(labels),
            "reading": reader.reading,
            "probe": [
                {"pixels": value, "probabilities": answer}
                for value, answer in zip(values, answers.tolist(), strict=True)
            ],
        },
    )
    found = features_of(
        reader.reading["format"], [item.value for item in validation.items], validation.inputs, served[len(probe) :]
    )
    write_json(folder / REFERENCE_FILE, Reference.measured(found, labels).document())


def onnx_of(network, height: int, width: int) -> onnx.ModelProto:
    """Of flattening, dense and dropping layers. Raises TypeError for any other."""
    nodes, weights, at = [], [], _INPUT
    for layer in network.layers:
        if isinstance(layer, (keras.layers.GaussianNoise, keras.layers.Dropout)):
            # Only training knows of them.
            continue
        if isinstance(layer, keras.layers.Flatten):
            nodes.append(helper.make_node("Flatten", [at], [layer.name], axis=1))
        elif isinstance(layer, keras.layers.Dense):
            names = [f"{layer.name}.kernel", f"{layer.name}.bias"]
            weights += [
                numpy_helper.from_array(value, name) for name, value in zip(names, layer.get_weights(), strict=True)
            ]
            nodes.append(helper.make_node("Gemm", [at, *names], [layer.name]))
            if layer.activation is keras.activations.relu:
                nodes.append(helper.make_node("Relu", [layer.name], [f"{layer.name}.relu"]))
            elif layer.activation is not keras.activations.linear:
                raise TypeError(f"{layer.name}: an activation that is not exported, {layer.activation}")
        else:
            raise TypeError(f"{layer.name}: a layer that is not exported, {type(layer).__name__}")
        at = nodes[-1].output[0]
    classes = network.output_shape[-1]
    nodes.append(helper.make_node("Softmax", [at], [_OUTPUT], axis=1))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(_INPUT, TensorProto.FLOAT, ["n", 1, height, width])],
        [helper.make_tensor_value_info(_OUTPUT, TensorProto.FLOAT, ["n", classes])],
        weights,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="millwright-keras"
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def probe_values(reader: Reader) -> list[Any]:
    """Both extremes, and patterns without symmetry: a server that swaps rows and columns must not pass."""
    low, high = float(reader.reading["low"]), float(reader.reading["high"])
    rows, columns = range(reader.height), range(reader.width)
    last = max(1, reader.height * reader.width - 1)
    return [
        [[low for _ in columns] for _ in rows],
        [[high for _ in columns] for _ in rows],
        [[low + (high - low) * (row * reader.width + column) / last for column in columns] for row in rows],
        [[high if row % 3 == 0 or column % 5 == 1 else low for column in columns] for row in rows],
        [[high if column > row else low for column in columns] for row in rows],
    ]


def _answers(path: Path, inputs: numpy.ndarray) -> numpy.ndarray:
    """float32 [n, labels], computed with the same settings as the server's."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
    parts = [inputs[at : at + _BATCH] for at in range(0, len(inputs), _BATCH)]
    return numpy.concatenate([session.run([_OUTPUT], {_INPUT: part})[0] for part in parts])
