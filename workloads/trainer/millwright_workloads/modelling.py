"""What the stages need of models, whatever the task: read a dataset for one, build, save, load and export it."""

from __future__ import annotations

import random
from typing import Union

import numpy
import torch

from .classifier import Carrier, ChannelGroup, Classifier, logits_of, parameter_count
from .export import export_model, export_onnx, measure_probe, measure_reference
from .items import Item
from .prepared import Prepared, prepare
from .saved import TrainedDescription, load_network, save_network
from .shapes import Shape
from .tasks import Task
from .training_spec import TrainingSpec

DEFAULT_SEED = 17


def build_network(spec_or_shape: Union[TrainingSpec, Shape], prepared: Prepared, seed: int | None = None) -> Classifier:
    """A fresh network. Equal seeds give equal weights; without one it is the spec's, or DEFAULT_SEED for a shape."""
    if isinstance(spec_or_shape, TrainingSpec):
        shape, own_seed = spec_or_shape.shape, spec_or_shape.seed
    else:
        shape, own_seed = spec_or_shape, DEFAULT_SEED
    chosen = own_seed if seed is None else seed
    torch.manual_seed(chosen)
    random.seed(chosen)
    numpy.random.seed(chosen % 2**32)
    return prepared.task.network(shape, prepared.reader, len(prepared.labels))


__all__ = [
    "Carrier",
    "ChannelGroup",
    "Classifier",
    "Item",
    "Prepared",
    "Shape",
    "Task",
    "TrainedDescription",
    "build_network",
    "export_model",
    "export_onnx",
    "load_network",
    "logits_of",
    "measure_probe",
    "measure_reference",
    "parameter_count",
    "prepare",
    "save_network",
]
