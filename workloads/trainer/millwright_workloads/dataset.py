"""The dataset stage: raw data in, three splits out, and not before it is shown that none leaks into another.

Leaves in the run's folder `train.jsonl`, `validation.jsonl`, `test.jsonl` (as `items` writes them) and `dataset.json`.

A spec with `captured` adds what people labelled of what was asked in service; from there on it is data like any other.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .captured import read_captured
from .contract import (
    LOG_FILE,
    Log,
    Surroundings,
    bad_data,
    bad_spec,
    earlier_result,
    field,
    finish,
    not_verified,
    read_spec,
    write_json,
    write_progress,
)
from .formats import origin_of, read_items
from .items import DESCRIPTION, SPLITS, Item, read_split, write_split
from .split import distinct, leaked, split

_STEPS = 5
_LEAST_ITEMS_A_LABEL = 10


def run(place: Surroundings) -> None:
    """Raises WorkloadFailure when the spec, the data or the splits are not what they must be."""
    started = time.monotonic()
    log = Log(place.output / LOG_FILE)
    spec = read_spec(place.spec)
    fractions, seed = _split_of(spec)
    known = earlier_result(place, place.output)
    if known is not None:
        log(f"{place.run} was prepared before and is intact: reporting that result")
        finish(place, place.output, known)
        return

    def step(number: int, message: str) -> None:
        log(message)
        write_progress(place, number, _STEPS, 0, 1, message)

    format_name = field(spec, "format", str)
    origin = origin_of(format_name, place.source)
    step(0, f"reading {origin}")
    items = read_items(format_name, place.source)
    captured = _captured(place, spec, items, log)
    items = items + captured
    readable = [item for item in items if item.value]

    step(1, f"dropping duplicates of {len(readable)} items ({len(items) - len(readable)} were empty)")
    found = distinct(readable)
    _require_enough(found.items, origin)

    step(2, f"dividing {len(found.items)} items ({found.duplicates} duplicates, {found.contradictions} contradictions)")
    splits = split(found.items, fractions, seed)

    step(3, "checking that no item of one split is in another")
    for name in SPLITS:
        write_split(place.output, name, splits[name])
    verify(place.output, splits)

    step(4, "writing the description")
    labels = sorted({item.label for item in found.items})
    summary = {name: _summary(splits[name], labels) for name in SPLITS}
    description = {
        "run": place.run,
        "labels": labels,
        "splits": summary,
        "sizes": {name: _sizes(splits[name]) for name in SPLITS},
        "itemsRead": len(items),
        "empty": len(items) - len(readable),
        "contradictionsDropped": found.contradictions,
        "captured": len(captured),
    }
    write_json(place.output / DESCRIPTION, description)
    step(_STEPS, "done: " + ", ".join(f"{name} {summary[name]['items']}" for name in SPLITS))
    finish(
        place,
        place.output,
        {
            "seconds": round(time.monotonic() - started, 3),
            "labels": labels,
            "splits": summary,
            "duplicatesDropped": found.duplicates,
            "leakedItems": 0,
        },
    )


def verify(folder: Path, intended: Mapping[str, Sequence[Item]]) -> None:
    """Reads the files back, as training will, and looks for every item of one split in the others."""
    written = {name: read_split(folder, name) for name in SPLITS}
    for name in SPLITS:
        if written[name] != list(intended[name]):
            raise not_verified(f"{folder / name}.jsonl: does not read back as it was written")
    pairs = leaked(written)
    if pairs:
        one, other = pairs[0]
        raise not_verified(f"{len(pairs)} items of one split are in another, the first {one.id} and {other.id}")


def _split_of(spec: Mapping[str, Any]) -> tuple[dict[str, float], int]:
    fractions = {name: float(field(spec, f"split.{name}", (int, float))) for name in SPLITS}
    if min(fractions.values()) <= 0 or abs(sum(fractions.values()) - 1) > 1e-6:
        raise bad_spec(f"spec.split: {fractions} must be positive and add up to 1")
    return fractions, field(spec, "split.seed", int)


def _captured(place: Surroundings, spec: Mapping[str, Any], items: Sequence[Item], log: Log) -> list[Item]:
    """What the spec asks for beyond the source's own items; nothing of it can make the run fail."""
    if not field(spec, "captured", bool, False) or not items:
        return []
    found = read_captured(place.captured, {item.label for item in items}, items[0].value)
    log(
        f"{len(found.items)} items that were labelled in service join ({found.unlabelled} have no label, "
        f"{found.strange} do not fit)"
    )
    return found.items


def _require_enough(items: Sequence[Item], origin: str) -> None:
    counts = Counter(item.label for item in items)
    if len(counts) < 2:
        raise bad_data(f"{origin}: only the label {', '.join(counts)}; a classifier needs at least two")
    for label, count in sorted(counts.items()):
        if count < _LEAST_ITEMS_A_LABEL:
            raise bad_data(f"{origin}: {count} distinct items of {label}; at least {_LEAST_ITEMS_A_LABEL} are needed")


def _summary(items: Sequence[Item], labels: Sequence[str]) -> dict[str, Any]:
    counts = Counter(item.label for item in items)
    return {"items": len(items), "labels": {label: counts[label] for label in labels}}


def _sizes(items: Sequence[Item]) -> dict[str, int]:
    """Quantiles of how long the items are: characters of a text, pixels of an image."""
    ordered = sorted(
        len(item.value) if isinstance(item.value, str) else sum(len(row) for row in item.value) for item in items
    )
    return {f"p{at}": ordered[min(len(ordered) - 1, len(ordered) * at // 100)] for at in (5, 25, 50, 75, 95)}
