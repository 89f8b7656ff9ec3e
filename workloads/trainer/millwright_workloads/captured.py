"""What a model was asked in service and people labelled since: items for its next dataset.

Servers leave `answers-*.jsonl` and `feedback-*.jsonl` in one folder; CONTRACT.md says what is in them. Both are written
while they are read here, and the oldest are removed: what is there when the run looks is what it takes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .items import Item, Value, field_of, value_in

ANSWERS = "answers"
FEEDBACK = "feedback"


@dataclass(frozen=True)
class Captured:
    items: list[Item]
    unlabelled: int
    """Requested items nobody gave a label for."""
    strange: int
    """Labelled items that are not of the dataset's kind, or whose label it does not have."""


def read_captured(folder: Path, labels: Collection[str], like: Value) -> Captured:
    """The labelled items in order of id; `like` is a value of the dataset they are to join.

    Of several labels for an item the last one said counts, of several items of one id the last one asked.
    """
    said = _labels(folder)
    asked: dict[tuple[str, int], tuple[float, dict[str, Any]]] = {}
    for line in _lines(folder, ANSWERS):
        key = (line.get("id"), line.get("at"))
        if isinstance(key[0], str) and isinstance(key[1], int):
            earlier = asked.get((key[0], key[1]))
            if earlier is None or _time(line) > earlier[0]:
                asked[key[0], key[1]] = (_time(line), line)
    items, strange = [], 0
    for key in sorted(set(asked) & set(said)):
        value, label = _value(asked[key][1]), said[key][1]
        if value is None or not _alike(value, like) or label not in labels:
            strange += 1
        else:
            items.append(Item(f"captured/{key[0]}/{key[1]}", label, value))
    return Captured(items, len(set(asked) - set(said)), strange)


def _labels(folder: Path) -> dict[tuple[str, int], tuple[float, str]]:
    """By request and item: when it was said, and the label."""
    said: dict[tuple[str, int], tuple[float, str]] = {}
    for line in _lines(folder, FEEDBACK):
        request, labels = line.get("id"), line.get("labels")
        if not isinstance(request, str) or not isinstance(labels, list):
            continue
        for at, label in enumerate(labels):
            if isinstance(label, str) and _time(line) >= said.get((request, at), (float("-inf"), ""))[0]:
                said[request, at] = (_time(line), label)
    return said


def _lines(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob(f"{kind}-*.jsonl")):
        try:
            lines = path.read_bytes().splitlines()
        except FileNotFoundError:
            continue  # A server made room in the meantime.
        for each in lines:
            try:
                value = json.loads(each)
            except ValueError:
                continue  # The last line, while it is written.
            if isinstance(value, dict):
                yield value


def _time(line: dict[str, Any]) -> float:
    found = line.get("time")
    return float(found) if isinstance(found, (int, float)) else float("-inf")


def _value(line: dict[str, Any]) -> Value | None:
    try:
        return value_in(line)
    except (KeyError, ValueError):
        return None


def _alike(one: Value, other: Value) -> bool:
    """Texts are; images are where they have the same size."""
    if isinstance(one, str) or isinstance(other, str):
        return field_of(one) == field_of(other)
    return len(one) == len(other) and len(one[0]) == len(other[0])
