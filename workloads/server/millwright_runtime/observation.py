"""What a server tells of the items it answers: how they fall into the reference's buckets, which of them were kept, and
how answers compare with the labels people gave.

All of it is on the metrics port beside MLServer's own. Every series is there, with 0, before the first request: what
Prometheus sees grow it must have seen before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from .capture import ANSWERS, FEEDBACK, Follower, Journal
from .features import Reference
from .feedback import Feedback, Ledger

ANSWERS_BYTES = 64 << 20
FEEDBACK_BYTES = 8 << 20
ITEMS_A_SECOND = 50.0
"""Items one server keeps at most. Labels are worth more, and cheaper."""
FEEDBACK_A_SECOND = 500.0

JOIN_SECONDS = 2.0

OUTCOMES = ("right", "wrong")


class Observation:
    """Counts, and keeps where there is a folder to keep things in."""

    def __init__(
        self,
        model: str,
        version: str,
        field: str,
        labels: Sequence[str],
        reference: Reference | None,
        folder: Path | None,
        accuracy: float | None = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        """`field` is what an item is called in JSON: `text` or `pixels`. `accuracy` is the version's by its record."""
        self._version = version
        self._field = field
        self._labels = labels
        self._reference = reference
        own = {"model": model, "version": version}
        self._model = model
        self._served = Counter(
            "millwright_served_items",
            "Items answered, by feature and the bucket of the reference they fall into.",
            ["model", "version", "feature", "bucket"],
            registry=registry,
        )
        expected = Gauge(
            "millwright_reference_fraction",
            "Fraction of the reference items in a feature's bucket.",
            ["model", "version", "feature", "bucket"],
            registry=registry,
        )
        captured = Counter(
            "millwright_captured_items",
            "Items answered that were kept, and those left out: too many, too long, or nowhere to put them.",
            ["model", "version", "outcome"],
            registry=registry,
        )
        self._judged = Counter(
            "millwright_labelled_items",
            "Items answered for which somebody said the right label, by the version that answered.",
            ["model", "version", "outcome"],
            registry=registry,
        )
        self._unknown = Counter(
            "millwright_unknown_labels",
            "Labels given for answers nobody knows of any more.",
            ["model"],
            registry=registry,
        ).labels(model)
        recorded = Gauge(
            "millwright_recorded_accuracy",
            "Accuracy of the version on the test split, by its record.",
            ["model", "version"],
            registry=registry,
        )
        if accuracy is not None:
            recorded.labels(**own).set(accuracy)
        self._kept, self._left_out = (captured.labels(**own, outcome=each) for each in ("kept", "leftOut"))
        for outcome in OUTCOMES:
            self._judged.labels(**own, outcome=outcome)
        self._buckets: dict[str, list[Any]] = {}
        for feature, buckets in (reference.features if reference is not None else {}).items():
            named = [{**own, "feature": feature, "bucket": bucket} for bucket in buckets.names]
            self._buckets[feature] = [self._served.labels(**each) for each in named]
            for each, fraction in zip(named, buckets.fractions, strict=True):
                expected.labels(**each).set(fraction)

        self._answers = None if folder is None else Journal(folder, ANSWERS, ANSWERS_BYTES, ITEMS_A_SECOND)
        self._feedback = None if folder is None else Journal(folder, FEEDBACK, FEEDBACK_BYTES, FEEDBACK_A_SECOND)
        self._follower = None if folder is None else Follower(folder, ANSWERS)
        self._ledger = Ledger()
        self._lock = threading.Lock()

    @property
    def keeps(self) -> bool:
        """Whether there is a folder, and so whether labels can be taken."""
        return self._feedback is not None

    def answered(self, request: str, values: Sequence[Any], found: Mapping[str, numpy.ndarray]) -> None:
        """Counts and keeps the n items of a request; `found` are their features, each [n]."""
        if self._reference is not None:
            for feature, buckets in self._reference.features.items():
                counts = numpy.bincount(buckets.of(found[feature]), minlength=len(buckets.names))
                for at in counts.nonzero()[0]:
                    self._buckets[feature][at].inc(int(counts[at]))
        if self._answers is not None:
            now = round(time.time(), 3)
            kept, left_out = self._answers.write(
                {
                    "id": request,
                    "at": at,
                    "time": now,
                    "version": self._version,
                    "label": self._labels[int(label)],
                    self._field: value.tolist() if isinstance(value, numpy.ndarray) else value,
                }
                for at, (value, label) in enumerate(zip(values, found["label"], strict=True))
            )
            self._kept.inc(kept)
            self._left_out.inc(left_out)

    def labelled(self, feedback: Sequence[Feedback]) -> None:
        """Keeps labels for a later training, and counts them once their answers are known."""
        if self._feedback is not None:
            now = round(time.time(), 3)
            self._feedback.write({"id": each.id, "labels": each.labels, "time": now} for each in feedback)
            with self._lock:
                self._ledger.labelled(feedback)

    def join(self) -> None:
        """Brings labels together with the answers that every server of the model wrote since the last time."""
        if self._follower is None:
            return
        with self._lock:
            self._ledger.answered(self._follower.read())
            outcomes = self._ledger.settled()
        for outcome in outcomes:
            if outcome.version is None:
                self._unknown.inc(outcome.unknown)
                continue
            for name, count in (("right", outcome.right), ("wrong", outcome.wrong)):
                self._judged.labels(model=self._model, version=outcome.version, outcome=name).inc(count)

    def start(self) -> None:
        """Joins in the background for as long as the process lives."""
        if self._follower is not None:
            threading.Thread(target=self._join_for_ever, name="join-feedback", daemon=True).start()

    def _join_for_ever(self) -> None:
        while True:
            try:
                self.join()
            except OSError as error:
                print(f"millwright: feedback waits: {error}", flush=True)
            time.sleep(JOIN_SECONDS)
