"""Pruning: a network without its least important channels, and what else its fine-tuning lowers beside the loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .compression_spec import Prune
from .importance import channel_importance, kept_above_threshold, kept_at_sparsity
from .modelling import Classifier


def pruned(network: Classifier, step: Prune, inputs: Tensor, targets: Tensor, batch: int) -> Classifier:
    """A really smaller network of the channels that matter, with their weights, judged on calibration items."""
    importance = channel_importance(network, step.importance, inputs, targets, batch)
    if step.sparsity is not None:
        return network.narrowed(kept_at_sparsity(importance, step.sparsity))
    assert step.threshold is not None, "a checked step has one of the two"
    return network.narrowed(kept_above_threshold(importance, step.threshold))


def channel_counts(network: Classifier) -> dict[str, int]:
    return {group.name: group.size for group in network.channel_groups()}


def channel_penalty(network: Classifier) -> Tensor:
    """R of L + lambda R: the sum of |theta| over the weights that make or read channels.

    Liu et al., "Learning Efficient Convolutional Networks through Network Slimming" (ICCV 2017), equation 1, take it
    of batch normalisation's scales; networks without any have a channel's weights in their place (Wen et al.,
    "Learning Structured Sparsity in Deep Neural Networks", NIPS 2016). Tables of embeddings are left out: most of
    their rows have no other gradient in a step, and the optimizer, which scales every gradient to one size, would
    wipe out rare words.
    """
    tables = {
        f"{name}.weight" for name, module in network.named_modules() if isinstance(module, nn.Embedding)
    }
    carriers = {carrier.parameter for group in network.channel_groups() for carrier in group.carriers}
    own = dict(network.named_parameters())
    return torch.stack([own[name].abs().sum() for name in sorted(carriers - tables)]).sum()
