"""A dataset run's folder, read for one training spec: tensors by split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .contract import bad_data
from .items import Item, read_split
from .tasks import Task, task_of
from .tasks.task import Reader
from .training_spec import TrainingSpec


@dataclass
class Prepared:
    """`inputs`, `targets` and `items` are by the split's name and in the order of its file."""

    labels: list[str]
    task: Task
    reader: Reader
    inputs: dict[str, Tensor]
    """Texts: int64 [n, length]. Images: float32 [n, 1, height, width]."""
    targets: dict[str, Tensor]
    """int64 [n]: indices of `labels`."""
    items: dict[str, list[Item]]


def prepare(
    spec: TrainingSpec,
    folder: Path,
    splits: Sequence[str] = ("train", "validation"),
    reader: Reader | None = None,
) -> Prepared:
    """Reads the splits of a dataset run's folder.

    Without a `reader`, one is made from the training split, whether that is among `splits` or not, and is the same each
    time. Raises bad data where an item is not of the spec's task or has a label the spec does not know.
    """
    task = task_of(spec.task)
    items = {name: read_split(folder, name) for name in splits}
    if reader is None:
        reader = task.fitted_reader(items["train"] if "train" in items else read_split(folder, "train"), spec.shape)
    return Prepared(
        labels=list(spec.labels),
        task=task,
        reader=reader,
        inputs={name: _encoded(reader, folder, name, items[name]) for name in splits},
        targets={name: _targets(spec.labels, items[name]) for name in splits},
        items=items,
    )


def _encoded(reader: Reader, folder: Path, name: str, items: Sequence[Item]) -> Tensor:
    try:
        return torch.from_numpy(reader.encode([item.value for item in items]))
    except (ValueError, TypeError, AttributeError) as error:
        raise bad_data(f"{folder / name}.jsonl: an item is not what the model reads ({error})") from None


def _targets(labels: Sequence[str], items: Sequence[Item]) -> Tensor:
    index = {label: at for at, label in enumerate(labels)}
    for item in items:
        if item.label not in index:
            raise bad_data(f'{item.id} is labelled "{item.label}", the spec knows {", ".join(index)}')
    return torch.tensor([index[item.label] for item in items])
