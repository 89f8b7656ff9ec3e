"""The network: dense layers over an image's pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from .backend import keras

NOISE = 0.1
"""Standard deviation of what training adds to a pixel, of which most lie in [0, 1]."""

_BATCH = 256


def build_network(height: int, width: int, classes: int, units: Sequence[int], dropout: float, seed: int):
    """Images [n, 1, height, width] to logits [n, classes]. Equal seeds give equal weights."""
    keras.utils.set_random_seed(seed % 2**32)
    layers = [keras.Input((1, height, width)), keras.layers.GaussianNoise(NOISE), keras.layers.Flatten()]
    for size in units:
        layers += [keras.layers.Dense(size, activation="relu"), keras.layers.Dropout(dropout)]
    return keras.Sequential([*layers, keras.layers.Dense(classes)])


def probabilities_of(network, inputs: numpy.ndarray) -> numpy.ndarray:
    """float32 [n, classes]."""
    parts = [
        keras.ops.softmax(network(inputs[at : at + _BATCH], training=False)).numpy()
        for at in range(0, len(inputs), _BATCH)
    ]
    return numpy.concatenate(parts)
