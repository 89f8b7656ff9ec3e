"""What every network offers beside its answers: how its inputs are varied in training, and how it can be shrunk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .shapes import Shape


@dataclass(frozen=True)
class Carrier:
    """Where one parameter holds a group's channels: channel i lies at index `start + i` of `dimension`."""

    parameter: str
    """Its name in `named_parameters`."""
    dimension: int
    start: int = 0


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that can only be removed together from everything that makes or reads them."""

    name: str
    size: int
    carriers: tuple[Carrier, ...]

    def slices(self, values: Mapping[str, Tensor]) -> list[Tensor]:
        """Of each carrier, the part that belongs to the group, as [size, numbers a channel].

        `values` has a tensor of each parameter's own shape by its name: weights, gradients, or what is made of them.
        """
        found = []
        for carrier in self.carriers:
            part = values[carrier.parameter].narrow(carrier.dimension, carrier.start, self.size)
            found.append(part.transpose(0, carrier.dimension).reshape(self.size, -1))
        return found

    def summed(self, values: Mapping[str, Tensor]) -> Tensor:
        """[size]: for each channel the sum over all numbers that belong to it. `values` as in `slices`."""
        return torch.stack([part.sum(1) for part in self.slices(values)]).sum(0)


class Classifier(nn.Module, ABC):
    """A network from inputs of its task to logits [n, classes]."""

    shape: Shape
    classes: int

    @abstractmethod
    def varied(self, inputs: Tensor) -> Tensor:
        """A batch as training shows it, drawn from PyTorch's generator: what changes must not matter for the label."""

    @abstractmethod
    def channel_groups(self) -> list[ChannelGroup]:
        """What `narrowed` can take from; every group has at least one channel."""

    @abstractmethod
    def _shrunk(self, sizes: Mapping[str, int]) -> Classifier:
        """A network like this one with these many channels in each group, and any weights."""

    def narrowed(self, keep: Mapping[str, Tensor]) -> Classifier:
        """A smaller network of the kept channels, with their weights: `keep` has indices [k] by the group's name.

        Groups that are not named stay whole. Raises ValueError for a name or an index there is none of, and where
        nothing of a group would be kept.
        """
        groups = {group.name: group for group in self.channel_groups()}
        unknown = sorted(set(keep) - set(groups))
        if unknown:
            raise ValueError(f"no channel group {', '.join(unknown)}; there are {', '.join(groups)}")
        kept = {name: _indices(group, keep.get(name)) for name, group in groups.items()}
        smaller = self._shrunk({name: len(indices) for name, indices in kept.items()})
        with torch.no_grad():
            own = dict(self.named_parameters())
            for name, value in smaller.named_parameters():
                value.copy_(_selected(name, own[name], groups, kept))
        return smaller.train(self.training)


def _indices(group: ChannelGroup, wanted: Tensor | None) -> Tensor:
    if wanted is None:
        return torch.arange(group.size)
    indices = torch.unique(wanted.to(torch.int64))
    if not len(indices) or int(indices[0]) < 0 or int(indices[-1]) >= group.size:
        raise ValueError(
            f"channel group {group.name}: keeps {indices.tolist()}, must be at least one of 0 to {group.size - 1}"
        )
    return indices


def _selected(name: str, value: Tensor, groups: Mapping[str, ChannelGroup], kept: Mapping[str, Tensor]) -> Tensor:
    """The part of a parameter that belongs to kept channels; what lies outside every group is kept."""
    removed: dict[int, list[Tensor]] = {}
    for group in groups.values():
        for carrier in group.carriers:
            if carrier.parameter == name:
                gone = torch.ones(group.size, dtype=torch.bool)
                gone[kept[group.name]] = False
                removed.setdefault(carrier.dimension, []).append(carrier.start + gone.nonzero().flatten())
    for dimension, parts in removed.items():
        stays = torch.ones(value.shape[dimension], dtype=torch.bool)
        stays[torch.cat(parts)] = False
        value = value.index_select(dimension, stays.nonzero().flatten())
    return value


def parameter_count(network: nn.Module) -> int:
    """How many numbers were, or could be, learned."""
    return sum(value.numel() for value in network.parameters())


def logits_of(network: nn.Module, inputs: Tensor, batch: int = 256) -> Tensor:
    """[n, classes] for inputs of any number, without gradients, in evaluation mode; the mode it had is restored."""
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            parts: Sequence[Tensor] = [network(part) for part in inputs.split(batch)]
            return torch.cat(list(parts))
    finally:
        network.train(was_training)
