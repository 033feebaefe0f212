"""Backbones as their libraries build them, read by hooks: the second opinion on every tap."""

from __future__ import annotations

import math
from collections import Counter

import timm
import torch
import torchvision
from torch import nn

from gramstyle.extract.filterbank import FilterBank


class DeepEnoughError(Exception):
    """Raised by the hook on the last module that is wanted."""


def plain_network(spec) -> nn.Module:
    """The whole network, activations in place as its library has them, without values unless computed."""
    with torch.device("meta"):
        if spec.source == "torchvision":
            return torchvision.models.get_model(spec.factory, weights=None).eval()
        if spec.computed:
            return FilterBank().eval()
        return timm.create_model(spec.factory, pretrained=False).eval()


def lively_state(network: nn.Module, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random tensors of the names and shapes of `network` that keep activations of order one.

    Every batch normalisation gets a mean, a variance, a scale and a shift of its own, so that none
    of the four can be dropped or swapped unseen.
    """
    draw = torch.Generator().manual_seed(seed)
    state = {}
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.zeros(tensor.shape, dtype=tensor.dtype)
        elif tensor.ndim > 1:
            state[name] = torch.randn(tensor.shape, generator=draw) * math.sqrt(2 / tensor[0].numel())
        elif name.endswith(("running_var", "weight")):
            state[name] = torch.rand(tensor.shape, generator=draw) + 0.5
        else:
            state[name] = torch.randn(tensor.shape, generator=draw) * 0.2
    return state


def hooked(network: nn.Module, wanted, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """What each call of a module in `wanted` gives, in order of being ready.

    A module called again in one pass is known as in torchvision's graphs: ``relu``, ``relu_1``.
    Outputs are cloned at once: activations that come later may write over them.
    """
    found: dict[str, torch.Tensor] = {}
    calls: Counter[str] = Counter()
    handles = []
    for name, module in network.named_modules():

        def read(_module, _inputs, output, name=name):
            call = name if calls[name] == 0 else f"{name}_{calls[name]}"
            calls[name] += 1
            if call in wanted:
                found[call] = output.clone()
                if len(found) == len(wanted):
                    raise DeepEnoughError

        if name:
            handles.append(module.register_forward_hook(read))
    try:
        with torch.no_grad():
            network(x)
    except DeepEnoughError:
        pass
    finally:
        for handle in handles:
            handle.remove()
    return found
