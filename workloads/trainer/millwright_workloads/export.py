"""The folder a server loads: the network as ONNX, its vocabulary, and how to read text for it.

`config.json` carries a probe: a few texts and the probabilities the trained network gives them. A server answers them
before it calls itself ready, which shows that it reads text and runs the network as training did.
"""

from __future__ import annotations

import inspect
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .contract import write_json
from .text import READING, Reader

OPSET = 13
FORMAT = "millwright-model/1"

PROBE_TEXTS = (
    "Re: your order\n\nThanks, the parcel arrived on Tuesday. Could you send me the invoice as PDF? -- Anna",
    "FREE!!! Make $5,000.00 a WEEK from home\n\nClick http://10.0.0.1/win NOW or write to winner@prize.example.net",
    "> On 12/08/2002 you wrote:\n> don't merge the patch\n\nAgreed, it breaks the build. See https://bugs.example.org/17",
    "Über Änderungen\n\nГрафик работы — 无 ☂ ﬁn",
    "",
)


class Answering(nn.Module):
    """The network with its logits turned into probabilities."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, words: Tensor) -> Tensor:
        return torch.softmax(self.network(words), 1)


def export_model(
    folder: Path, network: nn.Module, vocabulary: Sequence[str], labels: Sequence[str], sequence_length: int, run: str
) -> None:
    """Leaves nothing of an earlier, interrupted export in the folder."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    answering = Answering(network).eval()
    reader = Reader(READING, sequence_length, vocabulary)
    words = torch.from_numpy(reader.encode(PROBE_TEXTS))
    _export_onnx(answering, words, folder / "model.onnx")
    with torch.no_grad():
        answers = answering(words).tolist()
    write_json(folder / "vocabulary.json", list(vocabulary))
    write_json(
        folder / "config.json",
        {
            "format": FORMAT,
            "run": run,
            "labels": list(labels),
            "sequenceLength": sequence_length,
            "reading": READING,
            "probe": [
                {"text": text, "probabilities": answer} for text, answer in zip(PROBE_TEXTS, answers, strict=True)
            ],
        },
    )


def _export_onnx(network: nn.Module, words: Tensor, path: Path) -> None:
    options: dict[str, Any] = {
        "input_names": ["words"],
        "output_names": ["probabilities"],
        "dynamic_axes": {"words": {0: "n"}, "probabilities": {0: "n"}},
        "opset_version": OPSET,
    }
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        # From 2.5 on there are two exporters; this is the one every version has, and it needs no further package.
        options["dynamo"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        # PyTorch 1.13 says so of every padding it exports; the probe shows that the graph is right.
        warnings.filterwarnings("ignore", message="The shape inference of prim::Constant", category=UserWarning)
        torch.onnx.export(network, (words,), str(path), **options)
