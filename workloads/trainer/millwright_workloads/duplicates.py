"""Which items say the same: exactly, up to what changes from copy to copy, or nearly.

A corpus of mail holds the same advertisement many times, with another number, link or name in it. A copy in the training
split and another in the test split would make the test ask what training has told.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator, Sequence

import numpy
from scipy import sparse

_LINK_OR_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+")
_NOT_A_LETTER = re.compile(r"[\W\d_]+")

SHINGLE_WORDS = 4
NEAR = 0.5
"""Jaccard similarity of two items' word shingles from which they count as near duplicates."""

_BLOCK = 512


def content_key(text: str) -> str:
    """Equal for texts that differ only in case, spaces, punctuation, digits, links and addresses."""
    return hashlib.sha256(" ".join(_words(text)).encode("utf-8")).hexdigest()


def near_pairs(left: Sequence[str], right: Sequence[str] | None = None) -> Iterator[tuple[int, int]]:
    """Index pairs of near duplicates: between two lists, or, with one list, within it (first index smaller).

    Exact: every pair that shares a shingle is compared, none is sampled. Memory is bounded by working in blocks.
    """
    rows = [_shingles(text) for text in left]
    columns = rows if right is None else [_shingles(text) for text in right]
    known, positions = numpy.unique(numpy.concatenate([*rows, *columns, numpy.zeros(0, numpy.uint32)]), return_inverse=True)
    total = sum(len(row) for row in rows)
    first = _matrix(rows, positions[:total], len(known))
    second = _matrix(columns, positions[total:], len(known)).T.tocsc()
    sizes = numpy.array([len(row) for row in rows]), numpy.array([len(column) for column in columns])
    for start in range(0, len(rows), _BLOCK):
        shared = (first[start : start + _BLOCK] @ second).tocoo()
        row, column = shared.row + start, shared.col
        similarity = shared.data / (sizes[0][row] + sizes[1][column] - shared.data)
        near = similarity >= NEAR
        if right is None:
            near &= row < column
        yield from zip(row[near].tolist(), column[near].tolist(), strict=True)


def groups(texts: Sequence[str]) -> list[int]:
    """For each text, the index of the first one it is tied to by a chain of near duplicates; its own when by none."""
    parent = list(range(len(texts)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for one, other in near_pairs(texts):
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return [root(index) for index in range(len(texts))]


def _words(text: str) -> list[str]:
    return _NOT_A_LETTER.sub(" ", _LINK_OR_ADDRESS.sub(" ", text.lower())).split()


def _shingles(text: str) -> numpy.ndarray:
    words = _words(text)
    count = max(1, len(words) - SHINGLE_WORDS + 1)
    hashes = {zlib.crc32(" ".join(words[at : at + SHINGLE_WORDS]).encode("utf-8")) for at in range(count)}
    return numpy.fromiter(hashes, dtype=numpy.uint32, count=len(hashes))


def _matrix(rows: Sequence[numpy.ndarray], positions: numpy.ndarray, width: int) -> sparse.csr_matrix:
    starts = numpy.concatenate([[0], numpy.cumsum([len(row) for row in rows])])
    ones = numpy.ones(len(positions), dtype=numpy.float32)
    return sparse.csr_matrix((ones, positions, starts), shape=(len(rows), width))
