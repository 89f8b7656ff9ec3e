"""Which values say the same: exactly, up to what changes from copy to copy, or nearly.

A corpus of mail holds the same advertisement many times, with another number, link or name in it. A copy in the
training split and another in the test split would make the test ask what training has told. Images count as the same
only when every pixel is equal: two that look alike may be two people's way to write one digit, which is what is to be
learned.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy
from scipy import sparse

from .items import Value

_LINK_OR_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+")
_NOT_A_LETTER = re.compile(r"[\W\d_]+")

SHINGLE_WORDS = 4
NEAR = 0.5
"""Jaccard similarity of two texts' word shingles from which they count as near duplicates."""

_BLOCK = 512


def content_key(value: Value) -> str:
    """Equal for equal images, and for texts that differ only in case, spaces, punctuation, digits, links, addresses."""
    content = " ".join(_words(value)) if isinstance(value, str) else _pixels(value)
    return hashlib.sha256(content.encode("utf-8")).hexdigest()


def near_pairs(values: Sequence[Value]) -> Iterator[tuple[int, int]]:
    """Index pairs of near duplicates, the smaller index first; equal values are near, too. All are of one kind."""
    texts = [value for value in values if isinstance(value, str)]
    return _near_texts(texts) if len(texts) == len(values) else _equal_pairs([_pixels(value) for value in values])


def _equal_pairs(contents: Sequence[str]) -> Iterator[tuple[int, int]]:
    seen: dict[str, list[int]] = defaultdict(list)
    for at, content in enumerate(contents):
        yield from ((other, at) for other in seen[content])
        seen[content].append(at)


def _near_texts(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Exact: every pair that shares a shingle is compared, none is sampled. Memory is bounded by working in blocks."""
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


def groups(values: Sequence[Value]) -> list[int]:
    """For each value, the index of the first one it is tied to by a chain of near duplicates; its own when by none."""
    parent = list(range(len(values)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for one, other in near_pairs(values):
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return [root(index) for index in range(len(values))]


def _pixels(image: Value) -> str:
    """Equal for equal pixels, also where one was written as 1 and the other as 1.0."""
    return json.dumps([[float(pixel) for pixel in row] for row in image])


def _words(text: str) -> list[str]:
    return _NOT_A_LETTER.sub(" ", _LINK_OR_ADDRESS.sub(" ", text.lower())).split()


def _shingles(text: str) -> numpy.ndarray:
    words = _words(text)
    count = max(1, len(words) - SHINGLE_WORDS + 1)
    hashes = {zlib.crc32(" ".join(words[at : at + SHINGLE_WORDS]).encode("utf-8")) for at in range(count)}
    return numpy.fromiter(hashes, dtype=numpy.uint32, count=len(hashes))
