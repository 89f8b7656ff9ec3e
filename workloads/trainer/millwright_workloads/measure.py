"""What a model folder is worth in service: accuracy, size and speed on the runtime that serves it.

Baseline and candidate answer alternately in one process, so that whatever else the machine does slows both alike. One
item is one request, and reading it (text to words, pixels to a scaled array) counts: it is part of what a user waits
for. Times are those of the thread on its core (CPU time): a request waits for nothing but a core that others use, and
how long it does says nothing about the model, but would decide its p99 on a busy machine.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import onnxruntime

from .export import CONFIG_FILE, MODEL_FILE, OUTPUT_NAME
from .items import Item
from .metrics import accuracy, macro_f1
from .tasks import task_of

_WARM_UP_ITEMS = 32
_ROUND_ITEMS = 64
"""Items between two looks at the clock that ends the measurement, and at what `between_rounds` has to say."""


@dataclass(frozen=True)
class Speed:
    latency_p50_ms: float
    latency_p99_ms: float
    throughput_per_second: float
    """Requests a second of CPU time: what one core answers when it does nothing else."""
    requests: int


class Served:
    """A model folder as the server runs it: ONNX Runtime on one thread, fed by the folder's own way of reading."""

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        task = task_of(config["task"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(folder / MODEL_FILE), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._input = task.input_name
        self._reader = task.read_reader(folder, config)
        self.run: str = config["run"]
        self.labels: list[str] = config["labels"]
        self.bytes = (folder / MODEL_FILE).stat().st_size

    def probabilities(self, values: Sequence[Any]) -> numpy.ndarray:
        """float32 of shape [len(values), labels]."""
        (answer,) = self._session.run([OUTPUT_NAME], {self._input: self._reader.encode(values)})
        return answer


def measured(
    models: Sequence[Served], items: Sequence[Item], seconds: float, progress: Callable[[float], None]
) -> list[dict[str, Any]]:
    """Of each model what a record says of it and the file alone tells, on labelled items it has never seen."""
    values = [item.value for item in items]
    qualities = [_quality(model, items) for model in models]
    speeds = race(models, values, seconds, progress)
    return [
        {
            "testAccuracy": round(accuracy_, 6),
            "testF1": round(f1, 6),
            "bytes": model.bytes,
            "latencyP50Ms": round(speed.latency_p50_ms, 4),
            "latencyP99Ms": round(speed.latency_p99_ms, 4),
            "throughputPerSecond": round(speed.throughput_per_second, 2),
        }
        for model, (accuracy_, f1), speed in zip(models, qualities, speeds)
    ]


def _quality(model: Served, items: Sequence[Item]) -> tuple[float, float]:
    """Accuracy and macro F1 of answers given one item at a time, as the speed is measured."""
    truth = [item.label for item in items]
    answers = [model.labels[int(model.probabilities([item.value]).argmax())] for item in items]
    return accuracy(truth, answers), macro_f1(truth, answers)


def race(
    models: Sequence[Served], values: Sequence[Any], seconds: float, between_rounds: Callable[[float], None]
) -> list[Speed]:
    """The speed of each model over the same items, cycled for so many seconds; every item is answered at least once.

    The models take turns item by item, and who begins changes with every item, so that neither always finds the
    caches as the other left them. `between_rounds` is told the fraction of time that is over.
    """
    for value in values[:_WARM_UP_ITEMS]:
        for model in models:
            model.probabilities([value])
    spent: list[list[int]] = [[] for _ in models]
    order = list(range(len(models)))
    collected = gc.isenabled()
    gc.disable()
    try:
        began = time.monotonic()
        done = 0
        while done < len(values) or time.monotonic() - began < seconds:
            for at in range(done, done + _ROUND_ITEMS):
                item = [values[at % len(values)]]
                for each in order:
                    start = time.thread_time_ns()
                    models[each].probabilities(item)
                    spent[each].append(time.thread_time_ns() - start)
                order.append(order.pop(0))
            done += _ROUND_ITEMS
            between_rounds(min(1.0, (time.monotonic() - began) / seconds))
    finally:
        if collected:
            gc.enable()
    return [_speed(numpy.array(each)) for each in spent]


def _speed(nanoseconds: numpy.ndarray) -> Speed:
    p50, p99 = numpy.percentile(nanoseconds, [50, 99]) / 1e6
    return Speed(float(p50), float(p99), len(nanoseconds) / (float(nanoseconds.sum()) / 1e9), len(nanoseconds))
