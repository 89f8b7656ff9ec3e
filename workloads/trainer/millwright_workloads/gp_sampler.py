"""Optuna's Gaussian process sampler, also on the PyTorch 1.13 of the trainer's image.

Optuna 5.0 enters `torch.device("cpu")` as a context, which PyTorch knows from 2.0 on, so that a default device that was
set globally does not matter. None is set here, and before 2.0 none can be: there the context has nothing to do.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import optuna
import torch
from optuna.samplers._gp import sampler as upstream


class _TorchWithoutDefaultDevice:
    """PyTorch, whose `device` is a context that does nothing."""

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    def device(self, _name: str) -> nullcontext[None]:
        return nullcontext()


def gp_sampler(seed: int) -> optuna.samplers.GPSampler:
    if not hasattr(torch.device, "__enter__"):
        setattr(upstream, "torch", _TorchWithoutDefaultDevice())
    return optuna.samplers.GPSampler(seed=seed, warn_independent_sampling=False)
