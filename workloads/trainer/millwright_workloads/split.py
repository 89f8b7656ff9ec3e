"""Divides items into train, validation and test, so that a seed decides alone and near duplicates stay together."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .duplicates import content_key, groups, near_pairs
from .items import SPLITS, Item


@dataclass(frozen=True)
class Distinct:
    items: list[Item]
    duplicates: int
    """Items dropped because their content was already present."""
    contradictions: int
    """Items dropped because the same content carries different labels."""


def distinct(items: Sequence[Item]) -> Distinct:
    """One item of each content, the first by id; none of a content whose labels disagree."""
    by_content: dict[str, list[Item]] = defaultdict(list)
    for item in sorted(items, key=lambda each: each.id):
        by_content[content_key(item.value)].append(item)
    agreed = [same for same in by_content.values() if len({item.label for item in same}) == 1]
    kept = [same[0] for same in agreed]
    duplicates = sum(len(same) - 1 for same in agreed)
    return Distinct(kept, duplicates, len(items) - len(kept) - duplicates)


def split(items: Sequence[Item], fractions: Mapping[str, float], seed: int) -> dict[str, list[Item]]:
    """Stratified: each split gets its fraction of every label, as near as groups of near duplicates allow.

    Larger groups are placed first, equally large ones in an order only the seed and their content decide; each goes where
    most is missing. A group of mixed labels counts for the label most of its items have.
    """
    members: dict[int, list[Item]] = defaultdict(list)
    for item, group in zip(items, groups([item.value for item in items]), strict=True):
        members[group].append(item)

    by_label: dict[str, list[list[Item]]] = defaultdict(list)
    for group_items in members.values():
        counts = Counter(item.label for item in group_items)
        by_label[min(counts, key=lambda label: (-counts[label], label))].append(group_items)

    placed: dict[str, list[Item]] = {name: [] for name in SPLITS}
    for label in sorted(by_label):
        total = sum(len(group_items) for group_items in by_label[label])
        missing = {name: fractions[name] * total for name in SPLITS}
        for group_items in sorted(by_label[label], key=lambda each: (-len(each), _draw(seed, each))):
            name = max(SPLITS, key=lambda each: missing[each])
            missing[name] -= len(group_items)
            placed[name].extend(group_items)
    return {name: sorted(placed[name], key=lambda item: _draw(seed, [item])) for name in SPLITS}


def leaked(splits: Mapping[str, Sequence[Item]]) -> list[tuple[Item, Item]]:
    """Pairs of items of different splits that say the same, exactly or nearly: must be empty."""
    items = [item for members in splits.values() for item in members]
    home = [name for name, members in splits.items() for _ in members]
    return [(items[i], items[j]) for i, j in near_pairs([item.value for item in items]) if home[i] != home[j]]


def _draw(seed: int, items: Sequence[Item]) -> str:
    content = min(content_key(item.value) for item in items)
    return hashlib.sha256(f"{seed}:{content}".encode()).hexdigest()
