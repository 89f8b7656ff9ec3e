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


def near_pairs(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Index pairs of near duplicates, the smaller index first; equal texts are near ones, too.

    Exact: every pair that shares a shingle is compared, none is sampled. Memory is bounded by working in blocks.
    """
    if not texts:
        return
    rows = [_shingles(text) for text in texts]
    sizes = numpy.array([len(row) for row in rows])
    known, positions = numpy.unique(numpy.concatenate(rows), return_inverse=True)
    starts = numpy.concatenate([[0], numpy.cumsum(sizes)])
    ones = numpy.ones(len(positions), dtype=numpy.float32)
    matrix = sparse.csr_matrix((ones, positions, starts), shape=(len(rows), len(known)))
    transposed = matrix.T.tocsr()
    for start in range(0, len(rows), _BLOCK):
        shared = (matrix[start : start + _BLOCK] @ transposed).tocoo()
        row, column = shared.row + start, shared.col
        near = shared.data / (sizes[row] + sizes[column] - shared.data) >= NEAR
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
