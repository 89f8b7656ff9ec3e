"""The verdict on one step of a rollout, from what was counted and measured. Pure.

A limit counts as broken when the measured value lies beyond it by more than one standard error, so that one bad answer
among fifty does not condemn a version. Errors and agreement are judged by the bounds of E. B. Wilson's score interval
("Probable Inference, the Law of Succession, and Statistical Inference", 1927), which hold for few requests, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LATENCY_QUANTILES = {"p99": 0.99, "median": 0.5}

STANDARD_ERRORS = 1.0
STANDARD_ERRORS_EARLY = 3.0
"""Before the step has ended, live requests count only beyond this: more of them are still to come."""


@dataclass(frozen=True)
class Limits:
    min_requests: int
    max_error_rate: float
    """Errors a request beyond the stable version's."""
    max_latency_increase: float
    """Over the stable version's p99 or median, as a fraction of it."""
    min_latency_increase_ms: float
    """A rise of less is none: the machine's noise."""
    max_accuracy_drop: float
    min_agreement: float
    better_may_differ: bool = False
    """What a version answers otherwise because it is right counts as agreement."""


@dataclass(frozen=True)
class Side:
    """What one version did."""

    requests: int = 0
    errors: int = 0
    right: int = 0
    """Answered requests whose label was the item's."""
    latencies_ms: Sequence[float] = ()
    """Of answered requests, in any order."""
    live_requests: int = 0
    live_errors: int = 0

    @property
    def answered(self) -> int:
        return self.requests - self.errors

    @property
    def accuracy(self) -> float:
        """Of the answered requests; 0 where none was."""
        return self.right / self.answered if self.answered else 0.0

    def latency_ms(self, quantile: float) -> float:
        """The nearest rank; 0 where nothing was answered."""
        if not self.latencies_ms:
            return 0.0
        ordered = sorted(self.latencies_ms)
        return ordered[max(0, math.ceil(quantile * len(ordered)) - 1)]


@dataclass(frozen=True)
class Evidence:
    candidate: Side
    stable: Side | None = None
    """None for a model's first version."""
    both: int = 0
    """Items that both versions answered; the next three are among them."""
    agreed: int = 0
    won: int = 0
    """The candidate was right and the stable version was not."""
    lost: int = 0
    """The other way round."""
    majority: float = 0.0
    """Of the labelled items there are, the fraction that has the most frequent label."""

    @property
    def agreement(self) -> float | None:
        """None where there was nothing to compare."""
        return self.agreed / self.both if self.both else None


def reasons(evidence: Evidence, limits: Limits, remaining: int = 0) -> list[str]:
    """Why the candidate must go, one sentence each; empty when it may stay.

    With `remaining` requests to come, what holds whatever they bring: as if the candidate did well in all of them and
    the stable version as it has so far.
    """
    found = [*_errors(evidence, limits, remaining), *_accuracy(evidence, limits, remaining)]
    if not remaining:
        found += _latency(evidence, limits)
        if evidence.candidate.requests < limits.min_requests:
            found.append(
                f"only {evidence.candidate.requests} requests could be sent in time, "
                f"at least {limits.min_requests} are needed for a verdict"
            )
    return found


def verdict(why: Sequence[str], step: int, steps: int) -> str:
    """`step` counts from 0."""
    if why:
        return "rollback"
    return "promote" if step == steps - 1 else "advance"


def wilson(hits: float, of: float, standard_errors: float) -> tuple[float, float]:
    """The lower and upper bound of a fraction of which `hits` of `of` were seen; 0 and 1 where nothing was."""
    if of <= 0:
        return 0.0, 1.0
    share, square = hits / of, standard_errors**2
    middle = share + square / (2 * of)
    half = standard_errors * math.sqrt(max(0.0, share * (1 - share) / of + square / (4 * of * of)))
    scale = 1 + square / of
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def _errors(evidence: Evidence, limits: Limits, remaining: int) -> list[str]:
    found: list[str] = []
    one, other = evidence.candidate, evidence.stable or Side()
    counted = (
        ("requests", one.errors, one.requests, other.errors, other.requests, remaining, STANDARD_ERRORS),
        (
            "live requests",
            *(one.live_errors, one.live_requests, other.live_errors, other.live_requests, 0),
            STANDARD_ERRORS_EARLY if remaining else STANDARD_ERRORS,
        ),
    )
    for name, errors, requests, other_errors, other_requests, more, width in counted:
        allowed = limits.max_error_rate + (other_errors / other_requests if other_requests else 0.0)
        if requests and wilson(errors, requests + more, width)[0] > allowed:
            found.append(
                f"{errors} of {requests} {name} failed ({_percent(errors / requests)}), "
                f"at most {_percent(allowed)} may"
                + (
                    ""
                    if evidence.stable is None
                    else f": {_percent(limits.max_error_rate)} more than of the stable version"
                )
            )
    return found


def _accuracy(evidence: Evidence, limits: Limits, remaining: int) -> list[str]:
    candidate, stable = evidence.candidate, evidence.stable
    if stable is None or not evidence.both:
        return _better_than_a_guess(evidence, remaining)
    found: list[str] = []
    n = evidence.both + remaining
    # The stable version errs as often as before, and where it does the candidate is right.
    won = evidence.won + remaining * (1 - stable.accuracy)
    drop = (evidence.lost - won) / n
    # Of the difference of two fractions on the same items: Q. McNemar, "Note on the Sampling Error of the Difference
    # Between Correlated Proportions or Percentages" (1947).
    error = math.sqrt(max(0.0, evidence.lost + won - (evidence.lost - won) ** 2 / n)) / n
    if drop - STANDARD_ERRORS * error > limits.max_accuracy_drop:
        found.append(
            f"of {evidence.both} labelled items {_percent(candidate.accuracy)} were answered right, "
            f"at most {_percent(limits.max_accuracy_drop)} less than the stable version's "
            f"{_percent(stable.accuracy)} may be"
        )
    # A version trained because requests changed answers otherwise where it is better, which is no reason against it.
    # Of any other, labels that are wrong themselves would make wrong answers look better.
    alike = evidence.agreed + (max(0, evidence.won - evidence.lost) if limits.better_may_differ else 0)
    if wilson(alike + remaining, n, STANDARD_ERRORS)[1] < limits.min_agreement:
        found.append(
            f"{_percent(evidence.agreed / evidence.both)} of {evidence.both} items were answered as the stable version "
            f"does, at least {_percent(limits.min_agreement)} must be"
        )
    return found


def _better_than_a_guess(evidence: Evidence, remaining: int) -> list[str]:
    """Nothing tells how good a first version should be; worse than no model at all it must not be."""
    candidate = evidence.candidate
    right, answered = candidate.right + remaining, candidate.answered + remaining
    if not candidate.answered or right / answered > evidence.majority:
        return []
    return [
        f"{_percent(candidate.accuracy)} of {candidate.answered} labelled items were answered right, "
        f"no more than the {_percent(evidence.majority)} of always answering the most frequent label"
    ]


def _latency(evidence: Evidence, limits: Limits) -> list[str]:
    """The tail is what users notice; but of few requests it is a single one, so that one hiccup of the stable version
    would hide a version that is slow throughout. The median shows that one."""
    candidate, stable = evidence.candidate, evidence.stable
    if stable is None or not stable.latencies_ms or not candidate.latencies_ms:
        return []
    for name, quantile in LATENCY_QUANTILES.items():
        theirs = stable.latency_ms(quantile)
        allowed = max(theirs * (1 + limits.max_latency_increase), theirs + limits.min_latency_increase_ms)
        slower = sum(latency > allowed for latency in candidate.latencies_ms)
        # A quantile is beyond the limit when more than its complement of the requests are.
        if wilson(slower, len(candidate.latencies_ms), STANDARD_ERRORS)[0] > 1 - quantile:
            return [
                f"the {name} latency is {candidate.latency_ms(quantile):.1f} ms, at most {allowed:.1f} ms may it be: "
                f"{_percent(limits.max_latency_increase)} or {limits.min_latency_increase_ms:g} ms over the stable version's "
                f"{theirs:.1f} ms"
            ]
    return []


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.3g} %"
