"""The folder a server loads: the network as ONNX, and how to read items for it.

`config.json` carries a probe: a few items and the probabilities the network gives them. A server answers them before it
calls itself ready, which shows that it reads items and runs the network as the run did that left them.

`reference.json` says how the validation split and the answers to it are distributed, to tell when what is asked in
service is no longer like it.
"""

from __future__ import annotations

import inspect
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor, nn

from .classifier import logits_of
from .contract import write_json
from .features import REFERENCE_FILE, Reference, features_of
from .prepared import Prepared
from .tasks import task_of

OPSET = 13
FORMAT = "millwright-model/1"
MODEL_FILE = "model.onnx"
CONFIG_FILE = "config.json"
OUTPUT_NAME = "probabilities"
VALIDATION = "validation"

_BATCH = 256


class Answering(nn.Module):
    """The network with its logits turned into probabilities."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.softmax(self.network(inputs), 1)


def export_model(folder: Path, network: nn.Module, prepared: Prepared, run: str) -> None:
    """Leaves nothing of an earlier, interrupted export in the folder.

    Without the validation split in `prepared` there is no reference, and drift cannot be told.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    task, reader = prepared.task, prepared.reader
    values = task.probe_values(reader)
    inputs = torch.from_numpy(reader.encode(values))
    export_onnx(folder / MODEL_FILE, network, inputs, task.input_name)
    with torch.no_grad():
        answers = Answering(network).eval()(inputs).tolist()
    task.write_reader_files(folder, reader)
    write_json(
        folder / CONFIG_FILE,
        {
            "format": FORMAT,
            "run": run,
            "task": task.name,
            "labels": prepared.labels,
            **task.description(reader),
            "probe": _probe(task.field, values, answers),
        },
    )
    if VALIDATION in prepared.inputs:
        probabilities = torch.softmax(logits_of(network, prepared.inputs[VALIDATION]), 1).numpy()
        write_json(folder / REFERENCE_FILE, _reference(prepared, probabilities).document())


def _reference(prepared: Prepared, probabilities: numpy.ndarray) -> Reference:
    values = [item.value for item in prepared.items[VALIDATION]]
    encoded = prepared.inputs[VALIDATION].numpy()
    found = features_of(prepared.reader.reading["format"], values, encoded, probabilities)
    return Reference.measured(found, prepared.labels)


def measure_probe(folder: Path) -> None:
    """Writes into config.json what `model.onnx` itself answers to the probe: for a file changed after its export.

    Needs onnxruntime, and computes with the same settings as the server.
    """
    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    task = task_of(config["task"])
    reader = task.read_reader(folder, config)
    values = [each[task.field] for each in config["probe"]]
    answers = _answers(folder, task.input_name, reader.encode(values))
    config["probe"] = _probe(task.field, values, answers.tolist())
    write_json(folder / CONFIG_FILE, config)


def measure_reference(folder: Path, prepared: Prepared) -> None:
    """Writes how `model.onnx` itself answers the validation split. Needs onnxruntime, as `measure_probe` does."""
    probabilities = _answers(folder, prepared.task.input_name, prepared.inputs[VALIDATION].numpy())
    write_json(folder / REFERENCE_FILE, _reference(prepared, probabilities).document())


def _answers(folder: Path, input_name: str, inputs: numpy.ndarray) -> numpy.ndarray:
    """float32 [n, labels] from the exported network."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(folder / MODEL_FILE), sess_options=options, providers=["CPUExecutionProvider"]
    )
    parts = [inputs[at : at + _BATCH] for at in range(0, len(inputs), _BATCH)]
    return numpy.concatenate([session.run([OUTPUT_NAME], {input_name: part})[0] for part in parts])


def export_onnx(path: Path, network: nn.Module, inputs: Tensor, input_name: str) -> None:
    """The network with its probabilities [n, classes] as the output; `inputs` are an example of any number n."""
    options: dict[str, Any] = {
        "input_names": [input_name],
        "output_names": [OUTPUT_NAME],
        "dynamic_axes": {input_name: {0: "n"}, OUTPUT_NAME: {0: "n"}},
        "opset_version": OPSET,
    }
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        # From 2.5 on there are two exporters; this is the one every version has, and it needs no further package.
        options["dynamo"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        # PyTorch 1.13 says so of every padding it exports; the probe shows that the graph is right.
        warnings.filterwarnings("ignore", message="The shape inference of prim::Constant", category=UserWarning)
        torch.onnx.export(Answering(network).eval(), (inputs,), str(path), **options)


def _probe(field: str, values: list[Any], answers: list[list[float]]) -> list[dict[str, Any]]:
    return [{field: value, "probabilities": answer} for value, answer in zip(values, answers, strict=True)]
