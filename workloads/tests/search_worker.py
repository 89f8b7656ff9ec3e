"""`millwright-run` with a training that costs nothing: what its trials come to is a formula of their parameters.

FAKE_STEP_SECONDS is what a step takes; a trial has ten a epoch. Every start of a trial is a line of FAKE_JOURNAL.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

from . import support  # noqa: F401
from millwright_workloads import launch, search
from millwright_workloads.contract import Surroundings, not_verified

STEPS = 10
DIVERGING_BATCH = 13


class FakeTrainer:
    def __init__(self, folder: Path, run: str) -> None:
        self.folder = folder

    def __call__(self, training: dict[str, Any], watch: Any) -> dict[str, float]:
        journal = os.environ.get("FAKE_JOURNAL")
        if journal:
            with open(journal, "a", encoding="utf-8") as file:
                file.write(json.dumps({"worker": os.environ["MILLWRIGHT_WORKER_INDEX"], "training": training}) + "\n")
        if training["batchSize"] == DIVERGING_BATCH:
            raise not_verified("the gradient is nan")
        metrics: dict[str, float] = {}
        for epoch in range(1, training["epochs"] + 1):
            for _ in range(STEPS):
                time.sleep(float(os.environ.get("FAKE_STEP_SECONDS", "0")))
                watch.after_step()
            metrics = measured(training, epoch)
            watch.after_epoch(epoch, training["epochs"], metrics)
        return metrics


def measured(training: dict[str, Any], epoch: int) -> dict[str, float]:
    """The loss has its one minimum at a learning rate of 0.01 and no dropout, and falls with the epochs."""
    network = training["network"]
    loss = (math.log10(training["learningRate"]) + 2) ** 2 + network["dropout"] + 1 / epoch
    return {
        "validationLoss": loss,
        "validationAccuracy": 1 / (1 + loss),
        "validationF1": 1 / (2 + loss),
        "parameters": float(100 * network["channels"]),
        "epochSeconds": 0.1,
    }


def run(place: Surroundings) -> None:
    search.Search(place, FakeTrainer(place.input, place.run)).run()


if __name__ == "__main__":
    search.run = run
    sys.exit(launch.main())
