"""Arithmetic that stays finite at the edge of its domain."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def safe_sqrt(x: Tensor) -> Tensor:
    """Square root of the positive part; its gradient at 0 is 0 instead of infinite. NaN stays NaN."""
    zero = x <= 0
    return torch.where(zero, 0, torch.where(zero, 1, x).sqrt())


def safe_divide(numerator: Tensor, denominator: Tensor, otherwise: float) -> Tensor:
    """`numerator` / `denominator`, and `otherwise` where the denominator is 0."""
    nonzero = denominator != 0
    return torch.where(nonzero, numerator / torch.where(nonzero, denominator, 1), otherwise)


def wide(x: Tensor) -> Tensor:
    """`x` in float64 where the device has it, else in float32."""
    return x.to(torch.float32 if x.device.type == "mps" else torch.float64)


def full_precision(device: torch.device) -> AbstractContextManager[None]:
    """A block in which autocast rounds no product of two float32 matrices to half precision."""
    if device.type == "meta":  # which has no autocast, and nothing to round
        return nullcontext()
    return torch.autocast(device_type=device.type, enabled=False)
