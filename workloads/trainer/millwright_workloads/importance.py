"""How much each channel of a network matters to its loss.

The first-order criterion estimates how much the loss L changes when a parameter is set to zero: by Taylor's theorem
|L(theta = 0) - L(theta)| is about |dL/dtheta * theta|. Molchanov et al., "Pruning Convolutional Neural Networks for
Resource Efficient Inference" (ICLR 2017), section 2.2, take it of a channel's activations; Molchanov et al.,
"Importance Estimation for Neural Network Pruning" (CVPR 2019), section 3, of its parameters, which needs no hooks and
counts a channel in all that makes and reads it. A channel's importance is the sum over its parameters, as there.

The terms are taken of each calibration batch and then averaged, since gradients of opposite sign would cancel out:
near a minimum their mean over all items is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from .modelling import Classifier

Terms = Callable[[Tensor, Tensor], Tensor]
"""Weights and their gradient to each weight's part of the importance, all of one shape."""


def _taylor(weight: Tensor, gradient: Tensor) -> Tensor:
    """|dL/dtheta * theta|: the absolute value, as in 2017, where 2019 squares, so that it stays a change of loss."""
    return (gradient * weight).abs()


def _taylor_sqrt(weight: Tensor, gradient: Tensor) -> Tensor:
    """|dL/dtheta * theta| ** 0.5: a channel of many middling parameters outranks one with a single extreme."""
    return (gradient * weight).abs().sqrt()


GRADIENT_TERMS: Mapping[str, Terms] = {"taylor": _taylor, "taylor-sqrt": _taylor_sqrt}

MAGNITUDE = "magnitude"
"""Sum of |theta|, as Li et al., "Pruning Filters for Efficient ConvNets" (ICLR 2017), section 3.1; needs no data."""


def channel_importance(
    network: Classifier, form: str, inputs: Tensor, targets: Tensor, batch: int
) -> dict[str, Tensor]:
    """float64 [channels] of each group by its name, as multiples of the group's mean: 1 is a channel as good as any.

    `inputs` and `targets` are calibration items of the training split. The network and its gradients stay as they were.
    """
    if form == MAGNITUDE:
        terms = {name: value.detach().abs().double() for name, value in network.named_parameters()}
    else:
        terms = _gradient_terms(network, GRADIENT_TERMS[form], inputs, targets, batch)
    return {group.name: _relative(group.summed(terms)) for group in network.channel_groups()}


def _gradient_terms(
    network: Classifier, terms: Terms, inputs: Tensor, targets: Tensor, batch: int
) -> dict[str, Tensor]:
    names, weights = zip(*network.named_parameters())
    totals = {name: torch.zeros_like(weight, dtype=torch.float64) for name, weight in zip(names, weights)}
    was_training = network.training
    # Without dropout: it is the whole network's loss that a missing channel changes.
    network.eval()
    try:
        for part, truth in zip(inputs.split(batch), targets.split(batch)):
            loss = functional.cross_entropy(network(part), truth)
            gradients = torch.autograd.grad(loss, weights)
            for name, weight, gradient in zip(names, weights, gradients):
                totals[name] += terms(weight.detach(), gradient)
    finally:
        network.train(was_training)
    return totals


def _relative(importance: Tensor) -> Tensor:
    mean = float(importance.mean())
    # Where nothing matters, as with all weights zero, no channel is worse than another.
    return importance / mean if mean > 0 else torch.ones_like(importance)


def kept_at_sparsity(importance: Mapping[str, Tensor], sparsity: float) -> dict[str, Tensor]:
    """Indices of the channels to keep by group: each group loses that fraction of its channels, the least important.

    Rounded down, so that no more goes than was asked for; of equally important channels the first stay.
    """
    kept = {}
    for name, values in importance.items():
        stays = len(values) - int(len(values) * sparsity)
        kept[name] = torch.argsort(values, descending=True, stable=True)[:stays].sort().values
    return kept


def kept_above_threshold(importance: Mapping[str, Tensor], threshold: float) -> dict[str, Tensor]:
    """Indices of the channels to keep by group: those of at least that multiple of their group's mean importance.

    The most important channel of a group stays in any case.
    """
    return {
        name: (values >= min(threshold, float(values.max()))).nonzero().flatten() for name, values in importance.items()
    }


