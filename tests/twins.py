"""The native operators by their definitions, in float64 and plain torch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

ACTIVATIONS = {
    "none": lambda x: x,
    "relu": functional.relu,
    "relu6": functional.relu6,
    "silu": functional.silu,
}


def gram(x: Tensor) -> tuple[Tensor, Tensor]:
    """Sums over positions of products of channels (B, C, C), and of channels (B, C)."""
    flat = x.double().flatten(2)
    return torch.einsum("bip,bjp->bij", flat, flat), flat.sum(2)


def gram_sizes(x: Tensor) -> tuple[Tensor, Tensor]:
    """The same of absolute values: what rounding errors are a share of."""
    return gram(x.abs())


def gram_backward(
    x: Tensor, base: Tensor | None, symmetric: Tensor, sums: Tensor | None, activation: str
) -> Tensor:
    """``mask(x) (base + symmetric x + sums)``."""
    total = torch.einsum("bij,bjhw->bihw", symmetric.double(), x.double())
    if base is not None:
        total = total + base.double()
    if sums is not None:
        total = total + sums.double()[..., None, None]
    return torch.where(passes(x, activation), total, 0.0)


def passes(x: Tensor, activation: str) -> Tensor:
    """Where an activation whose result is `x` has slope 1."""
    if activation == "none":
        return torch.ones_like(x, dtype=torch.bool)
    return (x > 0) & ((x < 6) if activation == "relu6" else torch.ones_like(x, dtype=torch.bool))


def convolved(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    groups: int,
    activation: str,
) -> Tensor:
    """Features before they are rounded."""
    wide = [None if one is None else one.double() for one in (x, weight, bias)]
    return ACTIVATIONS[activation](functional.conv2d(*wide, stride, padding, dilation, groups))
