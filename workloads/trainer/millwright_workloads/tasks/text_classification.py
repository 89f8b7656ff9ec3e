"""Which of the labels a text has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..classifier import Classifier
from ..contract import bad_data, write_json
from ..items import TEXT, Item, Value
from ..metrics import bag_of_words
from ..shapes import TEXT_CLASSIFICATION, Shape, TextShape
from ..text import READING, Reader, most_frequent
from ..text_cnn import TextCnn
from .task import Reader as AnyReader
from .task import Task

VOCABULARY_FILE = "vocabulary.json"

PROBE_TEXTS = (
    "Re: your order\n\nThanks, the parcel arrived on Tuesday. Could you send me the invoice as PDF? -- Anna",
    "FREE!!! Make $5,000.00 a WEEK from home\n\nClick http://10.0.0.1/win NOW or write to winner@prize.example.net",
    "> On 12/08/2002 you wrote:\n> don't merge the patch\n\nAgreed, it breaks the build. See https://bugs.example.org/17",
    "Über Änderungen\n\nГрафик работы — 无 ☂ ﬁn",
    "",
)


class TextClassification(Task):
    name = TEXT_CLASSIFICATION
    field = TEXT
    input_name = "words"

    def fitted_reader(self, train: Sequence[Item], shape: Shape) -> Reader:
        """With the training split's vocabulary."""
        assert isinstance(shape, TextShape)
        tokens = Reader(READING, shape.sequence_length)
        rows = [tokens.tokens(_text(item)) for item in train]
        return Reader(READING, shape.sequence_length, most_frequent(rows, shape.vocabulary_size))

    def network(self, shape: Shape, reader: AnyReader, classes: int) -> Classifier:
        assert isinstance(shape, TextShape) and isinstance(reader, Reader)
        return TextCnn(reader.words, classes, shape)

    def probe_values(self, reader: AnyReader) -> list[Value]:
        return list(PROBE_TEXTS)

    def simple_answers(self, train: Sequence[Item], asked: Sequence[Item]) -> list[str]:
        return bag_of_words(train, asked)

    def description(self, reader: AnyReader) -> dict[str, Any]:
        assert isinstance(reader, Reader)
        return {"reading": reader.reading, "sequenceLength": reader.sequence_length}

    def write_reader_files(self, folder: Path, reader: AnyReader) -> None:
        assert isinstance(reader, Reader)
        write_json(folder / VOCABULARY_FILE, reader.vocabulary)

    def read_reader(self, folder: Path, description: dict[str, Any]) -> Reader:
        vocabulary = json.loads((folder / VOCABULARY_FILE).read_text(encoding="utf-8"))
        return Reader(description["reading"], description["sequenceLength"], vocabulary)


def _text(item: Item) -> str:
    if not isinstance(item.value, str):
        raise bad_data(f"{item.id} is an image; {TEXT_CLASSIFICATION} needs a dataset of texts")
    return item.value
