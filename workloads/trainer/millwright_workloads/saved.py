"""`network/` beside a run's `model/`: the trained network itself, for whoever goes on with it.

`state.pt` holds the weights; `description.json` what it takes to build the network around them and to read items for
it.
"""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from .classifier import Classifier
from .contract import bad_data, file_sha256, write_atomically, write_json
from .prepared import Prepared
from .shapes import Shape, shape_of
from .tasks import Task, task_of
from .tasks.task import Reader
from .training_spec import TrainingSpec

FORMAT = "millwright-network/1"

_STATE_FILE = "state.pt"
_DESCRIPTION_FILE = "description.json"


@dataclass(frozen=True)
class TrainedDescription:
    """What a saved network is, beside its weights."""

    task: Task
    labels: list[str]
    shape: Shape
    reader: Reader


def save_network(folder: Path, network: Classifier, prepared: Prepared, spec: TrainingSpec) -> None:
    """Leaves nothing of an earlier, interrupted try in the folder. The sizes are the network's own, not the spec's."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    buffer = io.BytesIO()
    torch.save({name: value.detach().clone() for name, value in network.state_dict().items()}, buffer)
    write_atomically(folder / _STATE_FILE, buffer.getvalue())
    prepared.task.write_reader_files(folder, prepared.reader)
    write_json(
        folder / _DESCRIPTION_FILE,
        {
            "format": FORMAT,
            "task": spec.task,
            "labels": prepared.labels,
            "network": network.shape.spec(),
            "stateSha256": file_sha256(folder / _STATE_FILE),
            **prepared.task.description(prepared.reader),
        },
    )


def load_network(folder: Path) -> tuple[Classifier, TrainedDescription]:
    """The network in evaluation mode. Raises bad data when the folder is missing, changed, or of another version."""
    try:
        description = json.loads((folder / _DESCRIPTION_FILE).read_text(encoding="utf-8"))
        if description["format"] != FORMAT:
            raise ValueError(f'format is "{description["format"]}", this image reads "{FORMAT}"')
        if file_sha256(folder / _STATE_FILE) != description["stateSha256"]:
            raise ValueError(f"{_STATE_FILE} was changed since it was saved")
        task = task_of(description["task"])
        shape = shape_of(task.name, description)
        reader = task.read_reader(folder, description)
        network = task.network(shape, reader, len(description["labels"]))
        network.load_state_dict(torch.load(folder / _STATE_FILE, map_location="cpu", weights_only=True))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise bad_data(
            f"{folder}: not a network this image saved ({error}); start the training run again that left it"
        ) from None
    return network.eval(), TrainedDescription(task, description["labels"], shape, reader)
