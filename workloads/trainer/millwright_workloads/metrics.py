"""How good answers are, and what simple models would have answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.naive_bayes import MultinomialNB

from .items import Item


def accuracy(truth: Sequence[str], answers: Sequence[str]) -> float:
    return sum(one == other for one, other in zip(truth, answers, strict=True)) / len(truth)


def macro_f1(truth: Sequence[str], answers: Sequence[str]) -> float:
    """The mean over labels of F1; a label that is never answered counts 0."""
    return float(f1_score(truth, answers, average="macro", zero_division=0))


def majority(train: Sequence[Item], test: Sequence[Item]) -> list[str]:
    """Always the most frequent label of the training split."""
    counts = Counter(item.label for item in train)
    return [min(counts, key=lambda label: (-counts[label], label))] * len(test)


def bag_of_words(train: Sequence[Item], test: Sequence[Item]) -> list[str]:
    """Multinomial naive Bayes over the counts of all words of the whole texts, as scikit-learn sets it up."""
    words = CountVectorizer()
    counts = words.fit_transform([item.value for item in train])
    model = MultinomialNB().fit(counts, [item.label for item in train])
    return [str(label) for label in model.predict(words.transform([item.value for item in test]))]


def logistic_regression(train: Sequence[Item], test: Sequence[Item]) -> list[str]:
    """Multinomial logistic regression over the pixels, scaled to 1 by the greatest of the training split."""
    pixels = _flat(train)
    scale = float(numpy.abs(pixels).max()) or 1.0
    # More rounds than the default, with which it does not converge on such data.
    model = LogisticRegression(max_iter=1000).fit(pixels / scale, [item.label for item in train])
    return [str(label) for label in model.predict(_flat(test) / scale)]


def _flat(items: Sequence[Item]) -> numpy.ndarray:
    return numpy.array([item.value for item in items], dtype=numpy.float64).reshape(len(items), -1)
