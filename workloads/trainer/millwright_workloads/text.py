"""Text to numbers, in training and in service alike.

How a text is read is data: patterns, a pattern of what a token is, and the vocabulary. They travel with the model, so a
server reads a text the way the model was trained, whatever either's version. The trainer's and the server's image both
carry this file; a test keeps the two the same byte for byte, and every served model carries a probe of both ends.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy

FORMAT = "millwright-text/1"
PADDING = 0
UNKNOWN = 1
_RESERVED = 2

READING: dict[str, Any] = {
    "format": FORMAT,
    # Applied in this order, before lower-casing. Marks stand for what the network should see whatever the value is.
    "replace": [
        [r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", " addressmark "],
        [r"https?://\d+\.\d+\.\d+\.\d+\S*", " linkmark numericmark "],
        [r"(?:https?://|www\.)", " linkmark "],
        [r"\b[A-Z]{2,}\b", r" \g<0> capitalsmark "],
        [r"^>+", " quotemark "],
        [r"\d", "0"],
        [r"0(?:[.,]?0){3,}", "0000"],
    ],
    "token": r"[a-z]+(?:'[a-z]+)?|0[0.,]*|[!?$%*#=+]|[^\W\d_a-z]+",
    "charactersPerToken": 16,
}


class Reader:
    """Turns texts into rows of word indices, as one model reads them."""

    def __init__(self, reading: dict[str, Any], sequence_length: int, vocabulary: Sequence[str] = ()) -> None:
        """Raises ValueError when the reading was written by a newer version."""
        if reading.get("format") != FORMAT:
            raise ValueError(f'the model reads text by "{reading.get("format")}", this image by "{FORMAT}"')
        self.reading = reading
        self.sequence_length = sequence_length
        self._replace = [(re.compile(pattern, re.MULTILINE), by) for pattern, by in reading["replace"]]
        self._token = re.compile(reading["token"])
        # What lies beyond cannot be read: a text of n tokens is seldom longer, and it bounds the work on any input.
        self._characters = sequence_length * int(reading["charactersPerToken"])
        self.vocabulary = list(vocabulary)
        self._index = {word: at + _RESERVED for at, word in enumerate(vocabulary)}

    @property
    def words(self) -> int:
        """Indices there are: the vocabulary, padding and the unknown word."""
        return len(self.vocabulary) + _RESERVED

    def tokens(self, text: str) -> list[str]:
        text = text[: self._characters]
        for pattern, by in self._replace:
            text = pattern.sub(by, text)
        return self._token.findall(text.lower())[: self.sequence_length]

    def encode(self, texts: Sequence[str]) -> numpy.ndarray:
        """int64 of shape [len(texts), sequence length], padded on the right."""
        return self.encode_tokens([self.tokens(text) for text in texts])

    def encode_tokens(self, rows: Sequence[Sequence[str]]) -> numpy.ndarray:
        encoded = numpy.full((len(rows), self.sequence_length), PADDING, dtype=numpy.int64)
        for row, tokens in enumerate(rows):
            encoded[row, : len(tokens)] = [self._index.get(token, UNKNOWN) for token in tokens]
        return encoded


def most_frequent(rows: Iterable[Sequence[str]], size: int) -> list[str]:
    """The vocabulary: the most frequent tokens that occur at least twice, ties in order of spelling.

    `size` counts padding and the unknown word.
    """
    counts = Counter(token for row in rows for token in row)
    repeated = [word for word, count in counts.items() if count > 1]
    return sorted(repeated, key=lambda word: (-counts[word], word))[: size - _RESERVED]
