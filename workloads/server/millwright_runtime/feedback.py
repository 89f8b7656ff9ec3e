"""Right labels for earlier answers, whichever server gave them, joined with those answers.

A request's label may reach another server than the one that answered it, and before that one's file can be seen here:
so labels wait for their answers for a while.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WAIT_SECONDS = 600.0
"""How long a label waits for its answer; after that it counts as one nobody knows an answer for."""

MOST_ANSWERS = 100_000
MOST_WAITING = 10_000


class FeedbackError(ValueError):
    """What is wrong with a caller's feedback."""


@dataclass(frozen=True)
class Feedback:
    """The right labels of one request's items, None where nobody said."""

    id: str
    labels: tuple[str | None, ...]


def parsed(body: Any, known: Collection[str]) -> list[Feedback]:
    """From `{"feedback": [{"id", "labels"}]}`. Raises FeedbackError that names the place and what is allowed."""
    entries = body.get("feedback") if isinstance(body, dict) else None
    if not isinstance(entries, list) or not entries:
        raise FeedbackError('feedback must be a list of at least one {"id", "labels"}')
    return [_entry(f"feedback[{at}]", entry, known) for at, entry in enumerate(entries)]


def _entry(place: str, entry: Any, known: Collection[str]) -> Feedback:
    given = entry if isinstance(entry, dict) else {}
    request, labels = given.get("id"), given.get("labels")
    if not isinstance(request, str) or not request:
        raise FeedbackError(f"{place}.id must be the id of an answer")
    if not isinstance(labels, list) or not labels:
        raise FeedbackError(f"{place}.labels must be a list with the right label of each item of the request")
    for at, label in enumerate(labels):
        if label is not None and label not in known:
            raise FeedbackError(f"{place}.labels[{at}] is {label!r}, must be null or one of {', '.join(known)}")
    return Feedback(request, tuple(labels))


@dataclass(frozen=True)
class Outcome:
    """How labels compare with a version's answers."""

    version: str | None
    """None where no answer was found."""
    right: int = 0
    wrong: int = 0
    unknown: int = 0


class Ledger:
    """Answers by request, as many as are worth remembering, and the labels that wait for theirs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: OrderedDict[tuple[str, int], tuple[str, str]] = OrderedDict()
        self._waiting: OrderedDict[str, tuple[float, Feedback]] = OrderedDict()

    def answered(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Takes in lines of answers; those of another shape are passed over."""
        for line in lines:
            request, at, version, label = (line.get(name) for name in ("id", "at", "version", "label"))
            if isinstance(request, str) and isinstance(at, int) and isinstance(version, str) and isinstance(label, str):
                self._answers[request, at] = (version, label)
                self._answers.move_to_end((request, at))
        while len(self._answers) > MOST_ANSWERS:
            self._answers.popitem(last=False)

    def labelled(self, feedback: Sequence[Feedback]) -> None:
        for each in feedback:
            self._waiting[each.id] = (self._clock(), each)

    def settled(self) -> list[Outcome]:
        """Of labels whose answers are known by now, and of those that waited in vain; each label counts once."""
        outcomes = []
        for request, (since, feedback) in list(self._waiting.items()):
            late = self._clock() - since > WAIT_SECONDS or len(self._waiting) > MOST_WAITING
            found = self._outcomes(feedback)
            if found or late:
                del self._waiting[request]
                outcomes += found or [Outcome(None, unknown=sum(label is not None for label in feedback.labels))]
        return outcomes

    def _outcomes(self, feedback: Feedback) -> list[Outcome]:
        outcomes = []
        for at, label in enumerate(feedback.labels):
            # Taken out, so that a label which is sent twice counts once.
            answer = None if label is None else self._answers.pop((feedback.id, at), None)
            if answer is not None:
                version, given = answer
                outcomes.append(Outcome(version, right=int(given == label), wrong=int(given != label)))
        return outcomes
