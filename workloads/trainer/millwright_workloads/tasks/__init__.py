"""The tasks this image trains models for."""

from __future__ import annotations

from .image_classification import ImageClassification
from .task import Task
from .text_classification import TextClassification

_TASKS: dict[str, Task] = {task.name: task for task in (TextClassification(), ImageClassification())}


def task_of(name: str) -> Task:
    """The task of a checked spec, by its name. Raises KeyError for one there is none of."""
    return _TASKS[name]


__all__ = ["Task", "task_of"]
