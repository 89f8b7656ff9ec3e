"""The rollout stage: the judge of one step of a canary rollout.

Sends labelled test items to the candidate and the stable version alternately, for as long as the step takes, and reads
what the router counted of everybody else's requests meanwhile. It moves no traffic: it leaves a verdict and evidence.
A step that was interrupted is watched anew from its beginning.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .contract import (
    EXIT_UNAVAILABLE,
    LOG_FILE,
    Log,
    Surroundings,
    WorkloadFailure,
    bad_spec,
    earlier_result,
    field,
    finish,
    read_spec,
    write_json,
    write_progress,
)
from .items import Item, read_split
from .probing import Comparison, Version
from .protocols import dialect_of
from .router_metrics import LiveTraffic, RouterSilent
from .verdict import Evidence, Limits, Side, reasons, verdict

EVIDENCE_FILE = "evidence.json"

READY_SECONDS = 300
"""How long the versions may take to be ready, unless MILLWRIGHT_READY_SECONDS says otherwise."""

OVERTIME_SECONDS = 60
"""What a step may take beyond its time to send all its requests, when they are answered slowly."""

ROUTER_SECONDS = 30
"""How long the router may be silent before and after the step, unless MILLWRIGHT_ROUTER_SECONDS says otherwise."""

_ROUTER_TIMEOUT_SECONDS = 5.0
_ROUTER_PERIOD_SECONDS = 5.0
_PROGRESS_SECONDS = 1.0
_POLL_SECONDS = 0.2
_WARM_UPS = 3


@dataclass(frozen=True)
class RolloutSpec:
    candidate: str
    stable: str | None
    step: int
    """From 0."""
    steps: int
    weight: float
    """Percent of the live requests that go to the candidate."""
    step_seconds: float
    limits: Limits
    labels: tuple[str, ...] = ()
    """Of the dataset, in its order; a server may answer with numbers in that order."""

    @property
    def pairs(self) -> int:
        """Items sent to each version: what is asked for, and no fewer than one a second."""
        return max(self.limits.min_requests, math.floor(self.step_seconds))

    @staticmethod
    def of(spec: Mapping[str, Any]) -> RolloutSpec:
        """Raises a bad-spec failure that names the field and its value."""

        def number(path: str, least: float, most: float = math.inf, kind: Any = (int, float)) -> Any:
            value = field(spec, path, kind)
            if not least <= value <= most:
                wanted = f"at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
                raise bad_spec(f"spec.{path}: is {value}, must be {wanted}")
            return value

        steps = number("steps", 1, kind=int)
        return RolloutSpec(
            candidate=field(spec, "candidate", str),
            stable=field(spec, "stable", str, None),
            step=number("step", 0, steps - 1, kind=int),
            steps=steps,
            weight=number("weight", 0, 100),
            step_seconds=float(number("canary.stepSeconds", 0)),
            limits=Limits(
                min_requests=number("canary.minRequests", 1, kind=int),
                max_error_rate=float(number("canary.maxErrorRate", 0, 1)),
                max_latency_increase=float(number("canary.maxLatencyIncrease", 0)),
                min_latency_increase_ms=float(number("canary.minLatencyIncreaseMs", 0)),
                max_accuracy_drop=float(number("canary.maxAccuracyDrop", 0, 1)),
                min_agreement=float(number("canary.minAgreement", 0, 1)),
                better_may_differ=field(spec, "triggered", bool, False),
            ),
            labels=tuple(str(label) for label in field(spec, "labels", list, [])),
        )


def run(place: Surroundings) -> None:
    """Raises WorkloadFailure when the spec or the environment is not what it must be, or the router stays silent."""
    started = time.monotonic()
    spec = RolloutSpec.of(read_spec(place.spec))
    judge = Judge(place, spec)
    known = earlier_result(place, place.output)
    if known is not None:
        judge.log(f"{place.run} was judged before and is intact: reporting that result")
        finish(place, place.output, known)
        return
    comparison, evidence, why = judge.watch(read_split(place.input, "test"))
    found = verdict(why, spec.step, spec.steps)
    judge.log(f"verdict: {found}" + "".join(f"; {reason}" for reason in why))
    result = {
        "candidate": spec.candidate,
        "stable": spec.stable,
        "step": spec.step,
        "weight": spec.weight,
        "verdict": found,
        "reasons": why,
        "evidence": described(evidence),
    }
    write_json(place.output / EVIDENCE_FILE, {**result, "limits": vars(spec.limits), "problems": comparison.problems()})
    finish(place, place.output, {"seconds": round(time.monotonic() - started, 3), **result})


class Judge:
    def __init__(self, place: Surroundings, spec: RolloutSpec) -> None:
        """Raises a bad-spec failure when the environment does not name what is to be compared."""
        self.place = place
        self.spec = spec
        dialect = dialect_of(
            os.environ.get("MILLWRIGHT_PROTOCOL") or "v2",
            place.model,
            spec.labels,
            os.environ.get("MILLWRIGHT_READY_PATH", ""),
            os.environ.get("MILLWRIGHT_SERVED_NAME", ""),
        )
        self.candidate = Version("MILLWRIGHT_CANDIDATE_URL", _variable("MILLWRIGHT_CANDIDATE_URL"), dialect)
        self.stable: Version | None = None
        if spec.stable is not None:
            self.stable = Version("MILLWRIGHT_STABLE_URL", _variable("MILLWRIGHT_STABLE_URL"), dialect)
        self.live = LiveTraffic(_variable("MILLWRIGHT_ROUTER_METRICS"), _ROUTER_TIMEOUT_SECONDS)
        self.log = Log(place.output / LOG_FILE)

    def watch(self, items: Sequence[Item]) -> tuple[Comparison, Evidence, list[str]]:
        """What was compared, the evidence, and why the candidate must go; ends as soon as that is certain."""
        spec = self.spec
        comparison = Comparison(self.candidate, self.stable, items)
        self._read_router_in_time()
        versions = [spec.candidate, *([spec.stable] if spec.stable is not None else [])]
        self._say(0, f"waiting until {' and '.join(versions)} are ready")
        if not self._become_ready():
            never = f"the candidate was not ready to answer within {self._ready_seconds():g} s"
            return comparison, comparison.evidence(self._live()), [never]
        for item in items[:_WARM_UPS]:
            comparison.warm_up(item)

        self.log(f"sending {spec.pairs} items to each of {', '.join(versions)} in {spec.step_seconds:g} s")
        # Each step begins where the one before ended, so that over the steps more of the items are seen.
        offset = spec.step * spec.pairs
        began = read_at = told_at = time.monotonic()
        for number in range(spec.pairs):
            if time.monotonic() > began + spec.step_seconds + OVERTIME_SECONDS:
                break
            _sleep_until(began + number * spec.step_seconds / spec.pairs)
            comparison.send(items[(offset + number) % len(items)])
            now = time.monotonic()
            if now - read_at >= _ROUTER_PERIOD_SECONDS:
                read_at = now
                self._read_router()
            if now - told_at >= _PROGRESS_SECONDS:
                told_at = now
                self._say(number + 1, "comparing")
            evidence = comparison.evidence(self._live())
            why = reasons(evidence, spec.limits, spec.pairs - number - 1) if number + 1 < spec.pairs else []
            if why:
                self.log(f"certain after {number + 1} of {spec.pairs} items")
                return comparison, evidence, why
        _sleep_until(began + spec.step_seconds)
        self._read_router_in_time()
        evidence = comparison.evidence(self._live())
        return comparison, evidence, reasons(evidence, spec.limits)

    def _become_ready(self) -> bool:
        """Waits for both; a stable version that is not ready in time holds the candidate up no longer."""
        deadline = time.monotonic() + self._ready_seconds()
        waiting = [version for version in (self.candidate, self.stable) if version is not None]
        while True:
            waiting = [version for version in waiting if not version.ready()]
            if not waiting or time.monotonic() > deadline:
                return self.candidate not in waiting
            time.sleep(_POLL_SECONDS)

    def _ready_seconds(self) -> float:
        return _seconds("MILLWRIGHT_READY_SECONDS", READY_SECONDS)

    def _live(self) -> dict[str, tuple[int, int]]:
        counts = {name: self.live.of(name) for name in ("candidate", "stable")}
        return {name: (each.requests, each.errors) for name, each in counts.items()}

    def _read_router(self) -> None:
        """A reading that fails is made up for by the next: the router only counts up."""
        try:
            self.live.read()
        except RouterSilent as error:
            self.log(f"the router does not tell what it counted ({error}); asking again")

    def _read_router_in_time(self) -> None:
        """Without what live requests came to, no version is promoted."""
        allowed = _seconds("MILLWRIGHT_ROUTER_SECONDS", ROUTER_SECONDS)
        deadline = time.monotonic() + allowed
        while True:
            try:
                self.live.read()
                return
            except RouterSilent as error:
                if time.monotonic() > deadline:
                    message = f"the router did not tell what it counted for {allowed:g} s ({error}); is it running?"
                    raise WorkloadFailure(EXIT_UNAVAILABLE, message) from None
            time.sleep(_POLL_SECONDS)

    def _say(self, done: int, message: str) -> None:
        write_progress(self.place, done, self.spec.pairs, 0, 1, message)


def described(evidence: Evidence) -> dict[str, Any]:
    """As the record has it. What could not be measured, because nothing was answered, is 0."""

    def side(of: Side) -> dict[str, Any]:
        return {
            "requests": of.requests,
            "errors": of.errors,
            "p50Ms": round(of.latency_ms(0.5), 3),
            "p99Ms": round(of.latency_ms(0.99), 3),
            "accuracy": round(of.accuracy, 6),
            "liveRequests": of.live_requests,
            "liveErrors": of.live_errors,
        }

    agreement = evidence.agreement
    return {
        "candidate": side(evidence.candidate),
        "stable": None if evidence.stable is None else side(evidence.stable),
        "agreement": None if agreement is None else round(agreement, 6),
    }


def _sleep_until(moment: float) -> None:
    left = moment - time.monotonic()
    if left > 0:
        time.sleep(left)


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise bad_spec(f"{name} is not set; the judge needs it")
    return value


def _seconds(variable: str, default: float) -> float:
    value = os.environ.get(variable)
    if not value:
        return default
    if not value.replace(".", "", 1).isdigit():
        raise bad_spec(f'{variable} is "{value}", must be a number of seconds')
    return float(value)
