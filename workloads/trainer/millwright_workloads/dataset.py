"""The dataset stage: raw mails in, three splits out, and not before it is shown that none leaks into another.

Leaves in the run's folder `train.jsonl`, `validation.jsonl`, `test.jsonl` (one `{"id", "label", "text"}` a line) and
`dataset.json`.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
    write_atomically,
    write_json,
    write_progress,
)
from .mail import readable_text
from .split import SPLITS, Item, distinct, leaked, split

DESCRIPTION = "dataset.json"
_STEPS = 5
_LEAST_ITEMS_A_LABEL = 10

_SPAM_ASSASSIN_FOLDER = re.compile(r"(?:(?:easy|hard)-)?(ham|spam)(?:-\d+)?")


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

    step(0, f"reading {place.source}")
    items = read_items(field(spec, "format", str), place.source)
    readable = [item for item in items if item.text]

    step(1, f"dropping duplicates of {len(readable)} items ({len(items) - len(readable)} had no text)")
    found = distinct(readable)
    _require_enough(found.items, place.source)

    step(2, f"dividing {len(found.items)} items ({found.duplicates} duplicates, {found.contradictions} contradictions)")
    splits = split(found.items, fractions, seed)

    step(3, "checking that no item of one split is in another")
    write_splits(place.output, splits)
    verify(place.output, splits)

    step(4, "writing the description")
    labels = sorted({item.label for item in found.items})
    summary = {name: _summary(splits[name], labels) for name in SPLITS}
    description = {
        "run": place.run,
        "labels": labels,
        "splits": summary,
        "characters": {name: _quantiles([len(item.text) for item in splits[name]]) for name in SPLITS},
        "itemsRead": len(items),
        "withoutText": len(items) - len(readable),
        "contradictionsDropped": found.contradictions,
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


def read_items(format_name: str, source: Path) -> list[Item]:
    """The items of a folder of raw data, in order of id."""
    if format_name != "spam-assassin":
        raise bad_spec(f'spec.format: is "{format_name}", this image reads "spam-assassin"')
    if not source.is_dir():
        raise bad_data(f"{source}: there is no such folder; the source image must carry the raw data there")
    items = [
        Item(f"{folder.name}/{path.name}", kind[1], readable_text(path.read_bytes()))
        for folder in sorted(source.iterdir())
        if (kind := _SPAM_ASSASSIN_FOLDER.fullmatch(folder.name)) and folder.is_dir()
        for path in sorted(folder.glob("*.txt"))
    ]
    if not items:
        raise bad_data(f"{source}: no mails found; expected folders such as easy-ham-1 and spam-1 with one .txt a mail")
    return items


def write_splits(folder: Path, splits: Mapping[str, Sequence[Item]]) -> None:
    for name in SPLITS:
        lines = (
            json.dumps({"id": item.id, "label": item.label, "text": item.text}, ensure_ascii=False, sort_keys=True)
            for item in splits[name]
        )
        write_atomically(folder / f"{name}.jsonl", "".join(f"{line}\n" for line in lines))


def read_split(folder: Path, name: str) -> list[Item]:
    """One split as the dataset stage left it."""
    path = folder / f"{name}.jsonl"
    items: list[Item] = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    item = json.loads(line)
                    items.append(Item(str(item["id"]), str(item["label"]), str(item["text"])))
                except (ValueError, KeyError, TypeError) as error:
                    raise bad_data(f"{path}:{number}: not an item with id, label and text ({error!r})") from None
    except FileNotFoundError:
        raise bad_data(f"{path}: missing; the input must be the folder a dataset run left") from None
    if not items:
        raise bad_data(f"{path}: empty")
    return items


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


def _require_enough(items: Sequence[Item], source: Path) -> None:
    counts = Counter(item.label for item in items)
    if len(counts) < 2:
        raise bad_data(f"{source}: only the label {', '.join(counts)}; a classifier needs at least two")
    for label, count in sorted(counts.items()):
        if count < _LEAST_ITEMS_A_LABEL:
            raise bad_data(f"{source}: {count} distinct items of {label}; at least {_LEAST_ITEMS_A_LABEL} are needed")


def _summary(items: Sequence[Item], labels: Sequence[str]) -> dict[str, Any]:
    counts = Counter(item.label for item in items)
    return {"items": len(items), "labels": {label: counts[label] for label in labels}}


def _quantiles(values: Sequence[int]) -> dict[str, int]:
    ordered = sorted(values)
    return {f"p{at}": ordered[min(len(ordered) - 1, len(ordered) * at // 100)] for at in (5, 25, 50, 75, 95)}
