"""Operations that see a whole map: its mean over positions, and its shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn


@dataclass(frozen=True)
class Mean:
    """The mean over all positions of a map (1, C, H, W).

    Attributes:
        keepdim: whether it is (1, C, 1, 1) or (1, C).
    """

    keepdim: bool


@dataclass(frozen=True)
class Query:
    """A question about the shape of a map, which has one answer for all tiles."""


def mean_module(module: nn.Module) -> Mean | None:
    """The rule of adaptive average pooling to one position."""
    if type(module) is nn.AdaptiveAvgPool2d and _one(module.output_size):
        return Mean(keepdim=True)
    return None


def reduction_function(node: fx.Node) -> Mean | Query | None:
    """The rule of a mean over positions, or of a question about a shape."""
    if node.target is getattr:
        return Query() if node.args[1] in ("shape", "ndim") else None
    if node.target is F.adaptive_avg_pool2d:
        return Mean(keepdim=True) if _one(_argument(node, 1, "output_size")) else None
    return _mean(node) if node.target is torch.mean else None


def reduction_method(node: fx.Node) -> Mean | Query | None:
    """As `reduction_function`, of a method of a tensor."""
    if node.target in ("size", "dim"):
        return Query()
    return _mean(node) if node.target == "mean" else None


def _mean(node: fx.Node) -> Mean | None:
    dims = _argument(node, 1, "dim")
    if not isinstance(dims, Sequence) or sorted(one % 4 for one in dims) != [2, 3]:
        return None
    return Mean(keepdim=bool(_argument(node, 2, "keepdim")))


def _argument(node: fx.Node, place: int, name: str) -> Any:
    return node.kwargs.get(name, node.args[place] if len(node.args) > place else None)


def _one(size: Any) -> bool:
    return size == 1 or (isinstance(size, Sequence) and tuple(size) == (1, 1))
