"""What operators on feature maps have in common: activations, types of sums, and folded batches."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

ACTIVATIONS = ("none", "relu", "relu6", "silu")
"""What may follow a convolution."""


def activate(x: Tensor, activation: str) -> Tensor:
    """`x` after an activation of `ACTIVATIONS`."""
    if activation == "none":
        return x
    kinds = {"relu": functional.relu, "relu6": functional.relu6, "silu": functional.silu}
    return kinds[activation](x)


def sums_type(x: Tensor, wide: bool) -> torch.dtype:
    """Type of second moments and sums of `x`."""
    return torch.float64 if wide or x.dtype == torch.float64 else torch.float32


def channels_last(x: Tensor) -> Tensor:
    """`x` (B, C, H, W) with channels side by side: a copy unless it is so. In terms that vmap knows."""
    return x if x.stride(1) == 1 else x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def fold(x: Tensor, dim: int | None) -> Tensor:
    """The batch that vmap adds, joined with B."""
    moved = x.movedim(dim or 0, 0)
    return moved.reshape(-1, *moved.shape[2:])


def unfold(x: Tensor, size: int) -> Tensor:
    """The inverse of `fold` at dimension 0."""
    return x.reshape(size, x.shape[0] // size, *x.shape[1:])
