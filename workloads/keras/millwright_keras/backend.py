"""Keras on TensorFlow, set up before either is loaded: everything here that uses them takes them from this module.

Networks this small are done before further threads have been told of them, so one thread computes; with that, and without
oneDNN's own order of additions, equal runs give equal bits.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras  # noqa: E402
import tensorflow  # noqa: E402

tensorflow.config.threading.set_intra_op_parallelism_threads(1)
tensorflow.config.threading.set_inter_op_parallelism_threads(1)
tensorflow.config.experimental.enable_op_determinism()

__all__ = ["keras", "tensorflow"]
