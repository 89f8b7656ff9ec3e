"""Training that feels the rounding of INT8: quantisation-aware training.

Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (CVPR
2018), section 3: in the forward pass weights and activations are rounded to the values the integers can stand for,
while the backward pass treats the rounding as if it were not there (the straight-through estimator of Bengio, Leonard
and Courville, 2013). Ranges of activations are exponential moving averages of what passed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from .modelling import Classifier

TABLE_LEVELS = 255
"""Steps of a table's and an activation's grid: uint8, with a zero point."""

WEIGHT_LIMIT = 64
"""Greatest integer of a convolution's weights: seven bits and a sign. Products of two full bytes,
summed in pairs, overflow the 16 bits that x86 processors without VNNI add them in, and the model would answer
otherwise there."""

_RANGE_DECAY = 0.99


@dataclass(frozen=True)
class Layer:
    """One module that computes in integers."""

    module: str
    """Its name in `named_modules`."""
    quantized_input: bool
    """Whether its input is rounded to a grid of its own; what comes straight from a table is on the table's."""


Range = tuple[float, float]


class TableGrid(nn.Module):
    """A table of embeddings on one grid from its least to its greatest value; 0 stays exactly 0."""

    def forward(self, weight: Tensor) -> Tensor:
        return _rounded(weight, float(weight.detach().min()), float(weight.detach().max()))


class WeightGrid(nn.Module):
    """A convolution's weights on a grid around 0 for each of its output channels."""

    def forward(self, weight: Tensor) -> Tensor:
        scale = weight.detach().flatten(1).abs().amax(1) / WEIGHT_LIMIT
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        zero = torch.zeros(len(scale), dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -WEIGHT_LIMIT, WEIGHT_LIMIT)


class ActivationGrid(nn.Module):
    """What passes, rounded to a grid over the range that passed before."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))
        self.calibrating = False
        """While it is set, ranges grow to hold everything, and nothing is rounded."""

    def forward(self, values: Tensor) -> Tensor:
        low, high = values.detach().min(), values.detach().max()
        if self.calibrating:
            self.low, self.high = torch.minimum(self.low, low), torch.maximum(self.high, high)
            return values
        if self.training:
            self.low = _RANGE_DECAY * self.low + (1 - _RANGE_DECAY) * low.clamp(max=0)
            self.high = _RANGE_DECAY * self.high + (1 - _RANGE_DECAY) * high.clamp(min=0)
        return _rounded(values, *self.range)

    @property
    def range(self) -> Range:
        return float(self.low), float(self.high)


class Simulated:
    """A copy of a network in which tables and layers are rounded as the integers will be."""

    def __init__(self, network: Classifier, tables: Iterable[str], layers: Iterable[Layer]) -> None:
        self.network: Classifier = copy.deepcopy(network)
        self._tables = list(tables)
        self._layers = list(layers)
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []
        modules = dict(self.network.named_modules())
        for name in self._tables:
            parametrize.register_parametrization(modules[name], "weight", TableGrid())
        for layer in self._layers:
            self._attach(modules[layer.module], layer)

    def _attach(self, module: nn.Module, layer: Layer) -> None:
        parametrize.register_parametrization(module, "weight", WeightGrid())
        if layer.quantized_input:
            module.input_grid = ActivationGrid()
            self._hooks.append(module.register_forward_pre_hook(lambda each, given: (each.input_grid(given[0]),)))
        module.output_grid = ActivationGrid()
        self._hooks.append(module.register_forward_hook(lambda each, _given, answer: each.output_grid(answer)))

    def calibrate(self, inputs: Tensor) -> None:
        """Sets the ranges that training starts from."""
        grids = [module for module in self.network.modules() if isinstance(module, ActivationGrid)]
        self.network.eval()
        for grid in grids:
            grid.calibrating = True
        with torch.no_grad():
            for part in inputs.split(64):
                self.network(part)
        for grid in grids:
            grid.calibrating = False

    def finished(self) -> tuple[Classifier, Mapping[str, Range], Mapping[str, Range]]:
        """The network with its weights on their grids and nothing simulated any more, and the learned ranges.

        Ranges are by module: those of its input where that has a grid or, of a table, of its values; and those of its
        output.
        """
        modules = dict(self.network.named_modules())
        inputs: dict[str, Range] = {}
        outputs: dict[str, Range] = {}
        for hook in self._hooks:
            hook.remove()
        for name in self._tables:
            original = modules[name].parametrizations.weight.original
            inputs[name] = _aligned(float(original.detach().min()), float(original.detach().max()))
            parametrize.remove_parametrizations(modules[name], "weight", leave_parametrized=True)
        for layer in self._layers:
            module = modules[layer.module]
            if layer.quantized_input:
                inputs[layer.module] = module.input_grid.range
                del module.input_grid
            outputs[layer.module] = module.output_grid.range
            del module.output_grid
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
        return self.network.eval(), inputs, outputs


def _scale_of(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point of uint8 for a range, in which 0 is always a value of its own."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / TABLE_LEVELS or 1.0
    return scale, min(TABLE_LEVELS, max(0, round(-low / scale)))


def _rounded(values: Tensor, low: float, high: float) -> Tensor:
    scale, zero = _scale_of(low, high)
    return torch.fake_quantize_per_tensor_affine(values, scale, zero, 0, TABLE_LEVELS)


def _aligned(low: float, high: float) -> Range:
    """The same range moved so that 0 is one of its grid's values: the grid's own ends."""
    scale, zero = _scale_of(low, high)
    return -zero * scale, (TABLE_LEVELS - zero) * scale
