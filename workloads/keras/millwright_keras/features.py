"""What is watched of the items a model answers: a few numbers of each item and of its answer, counted in buckets.

The run that exports a model measures how its validation split falls into the buckets (the reference); a server counts
how what it is asked does. How far the two lie apart is the population stability index (PSI) of each feature,

    sum over buckets of (a - e) * ln(a / e),    e the reference's fraction, a the served fraction

(N. Siddiqi, "Credit Risk Scorecards", 2006, where below 0.1 means no change and above 0.25 a major one). Prometheus
works it out; see components/monitoring/rules.ts. Without any change it is (buckets - 1) * (1/n + 1/m) on average, for n
served and m reference items (B. Yurdakul, J. Naranjo, "Statistical properties of the population stability index",
Journal of Risk Model Validation 14(4), 2020): so buckets are few where the reference has few items.

The trainer's and the server's image both carry this file; a test keeps the two the same byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from . import pixels, text

FORMAT = "millwright-reference/1"
REFERENCE_FILE = "reference.json"
"""Beside the network in a served model's folder."""

LABEL = "label"
"""The one feature that is no number: which label was answered."""

PRIOR = 0.5
"""Items added to each bucket (Jeffreys' prior), so that one nobody fell into has no infinite part in the index."""

MOST_BUCKETS = 10
LEAST_ITEMS_A_BUCKET = 40

_SCORE_DIGITS = 3
"""Many answers have the same score up to the last bits, which another runtime computes otherwise: they must not end up
on another side of an edge."""

_MOST_CHARACTERS = 4096
"""Of a text, for what is not worth reading all of it."""

Values = Mapping[str, numpy.ndarray]
"""By feature, one number an item: float64 [n]; of `label` its index."""


def features_of(read_by: str, values: Sequence[Any], encoded: numpy.ndarray, probabilities: numpy.ndarray) -> Values:
    """Of items and their answers.

    `read_by` is the format of the model's reading; `values` are the n items as they came, `encoded` as the network
    takes them: int64 [n, length] or float32 [n, 1, height, width]; `probabilities` are float32 [n, labels].
    """
    if read_by == text.FORMAT:
        own = _of_texts(values, encoded)
    elif read_by == pixels.FORMAT:
        own = _of_images(encoded)
    else:
        own = {}
    return {
        **own,
        "score": numpy.round(probabilities.max(axis=1).astype(numpy.float64), _SCORE_DIGITS),
        LABEL: probabilities.argmax(axis=1).astype(numpy.float64),
    }


def _of_texts(texts: Sequence[str], encoded: numpy.ndarray) -> dict[str, numpy.ndarray]:
    tokens = (encoded != text.PADDING).sum(axis=1).astype(numpy.float64)
    unknown = (encoded == text.UNKNOWN).sum(axis=1)
    return {
        "tokens": tokens,
        "unknownFraction": unknown / numpy.maximum(tokens, 1),
        "capitals": numpy.array([_capitals(each) for each in texts], dtype=numpy.float64),
    }


def _capitals(of: str) -> float:
    """Fraction of a text's ASCII letters that are capitals."""
    codes = numpy.frombuffer(of[:_MOST_CHARACTERS].encode("utf-8", "replace"), dtype=numpy.uint8)
    capitals = int(((codes >= ord("A")) & (codes <= ord("Z"))).sum())
    letters = capitals + int(((codes >= ord("a")) & (codes <= ord("z"))).sum())
    return capitals / max(1, letters)


def _of_images(encoded: numpy.ndarray) -> dict[str, numpy.ndarray]:
    flat = encoded.reshape(len(encoded), -1).astype(numpy.float64)
    return {"mean": flat.mean(axis=1), "contrast": flat.std(axis=1)}


@dataclass(frozen=True)
class Buckets:
    """One feature's buckets, and the reference's fraction of each, none of which is 0."""

    names: tuple[str, ...]
    fractions: tuple[float, ...]
    edges: tuple[float, ...] | None
    """Ascending; bucket i has the values below edge i and not below the one before. None where values are indices."""

    def of(self, values: numpy.ndarray) -> numpy.ndarray:
        """int64 [n]: which bucket each value falls into."""
        if self.edges is None:
            return values.astype(numpy.int64)
        return numpy.searchsorted(numpy.array(self.edges), values, side="right")


@dataclass(frozen=True)
class Reference:
    """How the items a model was chosen by fall into buckets, by feature."""

    items: int
    features: Mapping[str, Buckets]

    @staticmethod
    def measured(values: Values, labels: Sequence[str]) -> Reference:
        """From the features of at least one item; `labels` are those the model answers, in its order."""
        count = len(values[LABEL])
        found = {
            name: _categories(each, labels) if name == LABEL else _quantiles(each) for name, each in values.items()
        }
        return Reference(count, found)

    @staticmethod
    def read(document: Any) -> Reference:
        """What `document` made. Raises ValueError, KeyError or TypeError for anything else."""
        if document["format"] != FORMAT:
            raise ValueError(f'is of format "{document["format"]}", this image reads "{FORMAT}"')
        return Reference(
            int(document["items"]),
            {name: _buckets(name, each) for name, each in document["features"].items()},
        )

    def document(self) -> dict[str, Any]:
        """As JSON."""
        features = {
            name: {
                "buckets": list(buckets.names),
                "fractions": list(buckets.fractions),
                **({} if buckets.edges is None else {"edges": list(buckets.edges)}),
            }
            for name, buckets in self.features.items()
        }
        return {"format": FORMAT, "items": self.items, "features": features}


def _categories(indices: numpy.ndarray, labels: Sequence[str]) -> Buckets:
    counts = numpy.bincount(indices.astype(numpy.int64), minlength=len(labels))
    return Buckets(tuple(labels), _fractions(counts), None)


def _quantiles(values: numpy.ndarray) -> Buckets:
    """Equally full buckets between the least and the greatest value, and one for what lies below and above them.

    Many equal values make fewer buckets.
    """
    inner = int(numpy.clip(len(values) // LEAST_ITEMS_A_BUCKET, 1, MOST_BUCKETS))
    bounds = numpy.quantile(values, numpy.linspace(0, 1, inner + 1), method="nearest")
    bounds[-1] = numpy.nextafter(bounds[-1], numpy.inf)
    edges = numpy.unique(bounds)
    counts = numpy.bincount(numpy.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    names = tuple(str(at) for at in range(len(edges) + 1))
    return Buckets(names, _fractions(counts), tuple(float(edge) for edge in edges))


def _fractions(counts: numpy.ndarray) -> tuple[float, ...]:
    filled = counts + PRIOR
    return tuple(float(each) for each in filled / filled.sum())


def _buckets(name: str, document: Any) -> Buckets:
    names, fractions = tuple(document["buckets"]), tuple(float(each) for each in document["fractions"])
    edges = None if name == LABEL else tuple(float(each) for each in document["edges"])
    if len(fractions) != len(names) or (edges is not None and len(edges) != len(names) - 1):
        raise ValueError(f"feature {name}: {len(names)} buckets need as many fractions, and one edge less")
    if min(fractions) <= 0:
        raise ValueError(f"feature {name}: every fraction must be above 0")
    return Buckets(names, fractions, edges)
