"""Shapes of what diagnostics take, checked, and widened to float64."""

from __future__ import annotations

import torch
from torch import Tensor

from gramstyle import check


def floating(argument: str, x: Tensor) -> Tensor:
    """Return `x` if it is a floating-point tensor.

    Raises:
        TypeError: otherwise.
    """
    check.one_of_type(argument, x, Tensor)
    if not x.is_floating_point():
        raise TypeError(f"{argument} must be floating point, got {x.dtype}")
    return x


def matrices(argument: str, x: Tensor) -> Tensor:
    """`x` (B, C, C) in float64.

    Raises:
        TypeError: if it is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    shape = tuple(floating(argument, x).shape)
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] == 0:
        remedy = f": give one matrix as {argument}[None]" if len(shape) == 2 else ""
        raise ValueError(f"{argument} must be (B, C, C) with at least one channel, got shape {shape}{remedy}")
    return x.double()


def vectors(argument: str, x: Tensor) -> Tensor:
    """`x` (B, C) in float64.

    Raises:
        TypeError: if it is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    shape = tuple(floating(argument, x).shape)
    if len(shape) != 2 or shape[1] == 0:
        remedy = f": give one vector as {argument}[None]" if len(shape) == 1 else ""
        raise ValueError(f"{argument} must be (B, C) with at least one channel, got shape {shape}{remedy}")
    return x.double()


def moments(covariance: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    """A covariance (B, C, C) and the mean (B, C) that belongs to it, in float64.

    Raises:
        TypeError: if one is not a floating-point tensor.
        ValueError: if their shapes are something else, or do not fit each other.
    """
    S, mu = matrices("covariance", covariance), vectors("mean", mean)
    if mu.shape != S.shape[:2]:
        raise ValueError(
            f"mean must be (B, C) = {tuple(S.shape[:2])} as the covariance is, got shape {tuple(mu.shape)}"
        )
    return S, mu


def batch(argument: str, values: Tensor) -> Tensor:
    """`values` (B, ...) as (B, n), half precision widened to float32.

    Raises:
        TypeError: if they are not a floating-point tensor.
        ValueError: if an entry of the batch holds no value.
    """
    shape = tuple(floating(argument, values).shape)
    if len(shape) < 2 or values[:1].numel() == 0:
        raise ValueError(f"{argument} must be (B, ...) with at least one value each, got shape {shape}")
    flat = values.flatten(1)
    return flat.float() if flat.dtype in (torch.float16, torch.bfloat16) else flat


def positions(argument: str, number: Tensor | float, of: Tensor) -> Tensor:
    """A number of positions, one for all or (B,), as float64 beside `of` (B, ...).

    Raises:
        ValueError: if it is not positive or has another shape; NaN, for undefined, passes.
    """
    made = torch.as_tensor(number, dtype=torch.float64, device=of.device)
    if made.ndim > 1 or (made.ndim == 1 and len(made) != len(of)):
        raise ValueError(
            f"{argument} must be one number or (B,) = ({len(of)},), got shape {tuple(made.shape)}"
        )
    if bool((made <= 0).any()):
        raise ValueError(f"{argument} must be greater than 0, got {float(made.min())}")
    return made
