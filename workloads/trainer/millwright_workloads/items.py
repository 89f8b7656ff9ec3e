"""The items of a dataset, and the files that hold them.

One item is one line: `{"id", "label", "text"}` or `{"id", "label", "pixels"}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from .contract import bad_data, write_atomically

SPLITS = ("train", "validation", "test")

DESCRIPTION = "dataset.json"
"""Names the dataset run and describes its splits; beside the splits' own files."""

Value = Union[str, list[list[float]]]
"""A text, or the rows of an image, each a list of its pixels' numbers."""

TEXT = "text"
PIXELS = "pixels"


@dataclass(frozen=True)
class Item:
    """`id` says where the item came from; nothing is learned from it."""

    id: str
    label: str
    value: Value


def field_of(value: Value) -> str:
    """What a value is called wherever it stands in JSON: in a dataset, a request, a probe."""
    return TEXT if isinstance(value, str) else PIXELS


def write_split(folder: Path, name: str, items: Sequence[Item]) -> None:
    lines = (
        json.dumps(
            {"id": item.id, "label": item.label, field_of(item.value): item.value}, ensure_ascii=False, sort_keys=True
        )
        for item in items
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
                    items.append(Item(str(item["id"]), str(item["label"]), value_in(item)))
                except (ValueError, KeyError, TypeError) as error:
                    raise bad_data(
                        f"{path}:{number}: not an item with id, label and text or pixels ({error!r})"
                    ) from None
    except FileNotFoundError:
        raise bad_data(f"{path}: missing; the input must be the folder a dataset run left") from None
    if not items:
        raise bad_data(f"{path}: empty")
    return items


def dataset_run(folder: Path) -> str:
    """The name of the dataset run that left a folder."""
    path = folder / DESCRIPTION
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["run"])
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise bad_data(f"{path}: does not name the dataset run ({error!r})") from None


def is_image(value: Any) -> bool:
    """Whether it is a list of equally long rows of numbers, and holds at least one."""
    rows = value if isinstance(value, list) else []
    return (
        bool(rows)
        and all(isinstance(row, list) and row and len(row) == len(rows[0]) for row in rows)
        and all(isinstance(each, (int, float)) and not isinstance(each, bool) for row in rows for each in row)
    )


def value_in(item: Mapping[str, Any]) -> Value:
    """What an item's JSON holds. Raises KeyError or ValueError where it is no text and no image."""
    if TEXT in item:
        return str(item[TEXT])
    if not is_image(item[PIXELS]):
        raise ValueError("pixels must be equally long rows of numbers")
    pixels: list[list[float]] = item[PIXELS]
    return pixels
