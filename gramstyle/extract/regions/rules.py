"""Which operation runs by which rule on a part of its map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from torch import fx, nn

from gramstyle.errors import StyleError
from gramstyle.extract.conv_act import ConvAct
from gramstyle.extract.filterbank import OrientedBands
from gramstyle.extract.pooling import L2Pool2d
from gramstyle.extract.regions.pointwise import (
    Pointwise,
    pointwise_function,
    pointwise_method,
    pointwise_module,
    pointwise_modules,
)
from gramstyle.extract.regions.reduction import (
    Mean,
    Query,
    mean_module,
    reduction_function,
    reduction_method,
)
from gramstyle.extract.regions.sliding import (
    Sliding,
    average_pool,
    convolution,
    fused_convolution,
    l2_pool,
    max_pool,
    oriented_bands,
    same_convolution,
)

Rule: TypeAlias = Sliding | Pointwise | Mean | Query


def has_rule(module: nn.Module) -> bool:
    """Whether a module is one operation, and need not be looked into."""
    return type(module) in pointwise_modules() or type(module) in _sliding()


def rule_of(node: fx.Node, network: nn.Module) -> Rule:
    """The rule of an operation that reads a map.

    Raises:
        StyleError: if there is none, with the reason.
    """
    rule: Rule | None
    if node.op == "call_module":
        module = network.get_submodule(str(node.target))
        sliding = _sliding().get(type(module))
        rule = sliding(module) if sliding is not None else mean_module(module) or pointwise_module(module)
    elif node.op == "call_method":
        rule = reduction_method(node) or pointwise_method(node)
    else:
        rule = reduction_function(node) or pointwise_function(node)
    if rule is None:
        raise StyleError(
            "tiles know convolution, pooling, means over all positions, and what works position by position"
        )
    return rule


@lru_cache(maxsize=1)
def _sliding() -> Mapping[type[nn.Module], Callable[[Any], Sliding]]:
    """Types of modules, exactly: a subclass may do something else."""
    from timm.layers import Conv2dSame  # type: ignore[attr-defined]

    return {
        nn.Conv2d: convolution,
        Conv2dSame: same_convolution,
        ConvAct: fused_convolution,
        nn.MaxPool2d: max_pool,
        nn.AvgPool2d: average_pool,
        L2Pool2d: l2_pool,
        OrientedBands: oriented_bands,
    }
