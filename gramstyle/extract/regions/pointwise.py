"""Operations whose output at a position reads its inputs at that position only."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from gramstyle.errors import StyleError

_ACTIVATIONS = (
    nn.CELU, nn.ELU, nn.GELU, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh, nn.LeakyReLU, nn.Mish, nn.PReLU,
    nn.ReLU, nn.ReLU6, nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.Softsign, nn.Tanh,
)  # fmt: skip
_IN_EVAL_MODE = (nn.BatchNorm2d, nn.Dropout, nn.Dropout2d, nn.Identity)

_FUNCTIONS: frozenset[Callable[..., Any]] = frozenset(
    (
        operator.add, operator.mul, operator.neg, operator.sub, operator.truediv,
        torch.add, torch.clamp, torch.div, torch.mul, torch.neg, torch.relu, torch.sigmoid, torch.sub,
        torch.tanh, F.elu, F.gelu, F.hardsigmoid, F.hardswish, F.hardtanh, F.leaky_relu, F.mish, F.relu,
        F.relu6, F.sigmoid, F.silu, F.softplus, F.tanh,
    )
)  # fmt: skip

_METHODS = (
    "add", "clamp", "clone", "contiguous", "div", "expand_as", "float", "mul", "neg", "relu", "sigmoid",
    "sub", "tanh",
)  # fmt: skip


@dataclass(frozen=True)
class Pointwise:
    """An operation on maps of one size, or on maps and values that have no positions.

    Attributes:
        call: the operation.
    """

    call: Callable[..., Any]


def pointwise_module(module: nn.Module) -> Pointwise | None:
    """The rule of an activation, a normalisation by stored statistics, or a layer that is idle in eval mode.

    Raises:
        StyleError: if the module is in training mode, or normalises by the statistics of its input.
    """
    if type(module) not in pointwise_modules():
        return None
    if module.training:
        raise StyleError("it is in training mode: call eval() on the network")
    if isinstance(module, nn.BatchNorm2d) and module.running_mean is None:
        raise StyleError("it holds no statistics and takes those of the whole image")
    if getattr(module, "inplace", False):
        module = copy.copy(module)  # of the same weights
        setattr(module, "inplace", False)  # noqa: B010 - Module declares no such attribute
    return Pointwise(module)


@lru_cache(maxsize=1)
def pointwise_modules() -> frozenset[type[nn.Module]]:
    """Types of modules, exactly: a subclass may do something else."""
    import timm.layers
    from torchvision.ops import FrozenBatchNorm2d, StochasticDepth

    kinds: list[type[nn.Module]] = [*_ACTIVATIONS, *_IN_EVAL_MODE, FrozenBatchNorm2d, StochasticDepth]
    names = ("BatchNormAct2d", "FrozenBatchNormAct2d", "LayerNorm2d", "LayerNormAct2d", "DropPath")
    return frozenset([*kinds, *(getattr(timm.layers, name) for name in names)])


def pointwise_function(node: fx.Node) -> Pointwise | None:
    """The rule of arithmetic, of an activation, or of channels put together or taken apart."""
    target = node.target
    if target in (torch.cat, torch.concat, torch.split, torch.chunk):
        return _along_channels(node, 1 if target in (torch.cat, torch.concat) else 2)
    if target is operator.getitem:
        return _item(node)
    call = target if callable(target) and target in _FUNCTIONS else None
    return None if call is None else Pointwise(_out_of_place(call))


def pointwise_method(node: fx.Node) -> Pointwise | None:
    """As `pointwise_function`, of a method of a tensor."""
    name = str(node.target)
    if name in ("split", "chunk"):
        return _along_channels(node, 2)
    plain = name.removesuffix("_")
    if plain not in _METHODS:
        return None
    return Pointwise(lambda x, *args, **options: getattr(x, plain)(*args, **options))


def _out_of_place(call: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **options: Any) -> Any:
        return call(*args, **{name: value for name, value in options.items() if name != "inplace"})

    return run


def _along_channels(node: fx.Node, place: int) -> Pointwise:
    """`cat`, `split` and `chunk`, whose dimension is a keyword or the argument at `place`."""
    dim = node.kwargs.get("dim", node.args[place] if len(node.args) > place else 0)
    if dim not in (1, -3):
        raise StyleError(f"it works along dimension {dim}, and only channels (1) are the same in every tile")
    if node.op == "call_method":
        name = str(node.target)
        return Pointwise(lambda x, *args, **options: getattr(x, name)(*args, **options))
    call: Any = node.target
    return Pointwise(call)


def _item(node: fx.Node) -> Pointwise:
    """One of several maps, or some channels of one."""
    index = node.args[1]
    if isinstance(index, int):
        return Pointwise(operator.getitem)
    every = slice(None)
    parts: Sequence[Any] = index if isinstance(index, tuple) else (index,)
    channels = len(parts) > 1 and isinstance(parts[1], slice) and parts[0] == every
    if not channels or any(one not in (every, Ellipsis) for one in parts[2:]):
        raise StyleError("it takes some positions of a map: only channels can be taken in every tile")
    return Pointwise(operator.getitem)
