"""Whether a model should be trained again, from what was measured: pure, with the time handed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Union

DAY_SECONDS = 86_400.0
HOUR_SECONDS = 3_600.0

DRIFT, QUALITY, SCHEDULE = "drift", "quality", "schedule"


@dataclass(frozen=True)
class Drift:
    """When what is asked has become another: any feature's population stability index, for long enough."""

    threshold: float
    window_seconds: float
    min_requests: int
    """Items in the window; of fewer the index is noise."""
    sustain_seconds: float


@dataclass(frozen=True)
class Quality:
    """When answers have become worse, by the labels people gave."""

    max_accuracy_drop: float
    """Relative to the recorded accuracy."""
    min_labels: int
    window_seconds: float


@dataclass(frozen=True)
class Watch:
    """What a stack file says of one model; times in seconds unless named otherwise."""

    drift: Drift | None
    quality: Quality | None
    every_hours: float | None
    cooldown_seconds: float
    max_per_day: int

    @staticmethod
    def of(spec: Mapping[str, Any]) -> Watch:
        """From a model's `watch` in the stack's schema. Raises KeyError or TypeError for anything else."""
        drift, quality, schedule = (spec.get(name) for name in (DRIFT, QUALITY, SCHEDULE))
        return Watch(
            drift=None
            if drift is None
            else Drift(drift["threshold"], drift["windowSeconds"], drift["minRequests"], drift["sustainSeconds"]),
            quality=None
            if quality is None
            else Quality(quality["maxAccuracyDrop"], quality["minLabels"], quality["windowSeconds"]),
            every_hours=None if schedule is None else schedule["everyHours"],
            cooldown_seconds=spec["cooldownSeconds"],
            max_per_day=spec["maxPerDay"],
        )


@dataclass(frozen=True)
class Serving:
    """The version that serves, as its records have it."""

    version: str
    accuracy: float
    """On the test split."""
    trained_at: float
    """Unix time."""


@dataclass(frozen=True)
class Past:
    """A trigger there has been."""

    reason: str
    version: str
    at: float


@dataclass(frozen=True)
class Sample:
    """What was measured at one moment, over the window that ended there."""

    items: float
    psi: Mapping[str, float]
    """By feature."""


@dataclass(frozen=True)
class Measured:
    samples: Sequence[Sample]
    """Evenly over the time drift must last, the newest last; one without items where nothing was measured."""
    right: float
    labelled: float


NOTHING = Measured((), 0.0, 0.0)


@dataclass(frozen=True)
class Trigger:
    reason: str
    version: str
    slot: int | None
    """Which of a schedule's periods, counted from 1970; None for other reasons."""
    details: Mapping[str, Any]

    @property
    def identity(self) -> dict[str, Any]:
        """A version triggers once by drift and once by quality, a period once."""
        about = {"version": self.version} if self.slot is None else {"slot": self.slot}
        return {"kind": "trigger", "reason": self.reason, **about}


@dataclass(frozen=True)
class Held:
    """Nothing is to be done, and why, as far as anybody would ask."""

    because: str


Decision = Union[Trigger, Held]


def decide(watch: Watch, serving: Serving | None, past: Sequence[Past], measured: Measured, now: float) -> Decision:
    """What is most certain first: worse answers, then other requests, then that it is time."""
    if serving is None:
        return Held("no version serves yet")
    trigger = (
        _by_quality(watch.quality, serving, past, measured)
        or _by_drift(watch.drift, serving, past, measured)
        or _by_schedule(watch.every_hours, serving, past, now)
    )
    if trigger is None:
        return Held("nothing asks for it")
    newest = max((each.at for each in past), default=None)
    if newest is not None and now - newest < watch.cooldown_seconds:
        until = _moment(newest + watch.cooldown_seconds)
        return Held(f"{trigger.reason} asks for it, and the last time was too short ago: not before {until}")
    today = sum(1 for each in past if now - each.at < DAY_SECONDS)
    if today >= watch.max_per_day:
        most = f"{watch.max_per_day} are allowed"
        return Held(f"{trigger.reason} asks for it, and there were {today} in the last day; {most}")
    return trigger


def _by_quality(quality: Quality | None, serving: Serving, past: Sequence[Past], measured: Measured) -> Trigger | None:
    if quality is None or _was(QUALITY, serving, past) or measured.labelled < max(quality.min_labels, 1):
        return None
    accuracy = measured.right / measured.labelled
    if accuracy >= serving.accuracy * (1 - quality.max_accuracy_drop):
        return None
    details = {
        "accuracy": round(accuracy, 6),
        "recordedAccuracy": serving.accuracy,
        "labels": round(measured.labelled),
        "windowSeconds": quality.window_seconds,
    }
    return Trigger(QUALITY, serving.version, None, details)


def _by_drift(drift: Drift | None, serving: Serving, past: Sequence[Past], measured: Measured) -> Trigger | None:
    if drift is None or _was(DRIFT, serving, past) or not measured.samples:
        return None
    if any(sample.items < drift.min_requests for sample in measured.samples):
        return None
    latest = measured.samples[-1]
    lasting = {
        feature: value
        for feature, value in latest.psi.items()
        # A feature that was not measured at some moment has not drifted then.
        if all(sample.psi.get(feature, 0.0) >= drift.threshold for sample in measured.samples)
    }
    if not lasting:
        return None
    details = {
        "psi": {feature: round(value, 6) for feature, value in sorted(lasting.items())},
        "requests": round(latest.items),
        "windowSeconds": drift.window_seconds,
    }
    return Trigger(DRIFT, serving.version, None, details)


def _by_schedule(every_hours: float | None, serving: Serving, past: Sequence[Past], now: float) -> Trigger | None:
    """Once a period, unless what serves was trained in it."""
    if every_hours is None:
        return None
    period = every_hours * HOUR_SECONDS
    slot = int(now // period)
    began = slot * period
    if serving.trained_at >= began or any(each.reason == SCHEDULE and each.at >= began for each in past):
        return None
    return Trigger(SCHEDULE, serving.version, slot, {"everyHours": every_hours, "slot": slot})


def _was(reason: str, serving: Serving, past: Sequence[Past]) -> bool:
    return any(each.reason == reason and each.version == serving.version for each in past)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
