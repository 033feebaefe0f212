"""Sums over positions in plain torch: the definition of every statistic."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gramstyle.numerics import full_precision


class Moments(NamedTuple):
    """Sums over positions of one batch.

    Attributes:
        second: sum of w f f', (B, C, C); about the mean where centring was asked for.
        mean: weighted channel means, (B, C).
        positions: P, or the sum of the weights, (B,).
    """

    second: Tensor
    mean: Tensor
    positions: Tensor


def moments(features: Tensor, mask: Tensor | None, *, center: bool) -> Moments:
    """Second moments and means of `features` (B, C, H, W), weighted by `mask` (B, H, W).

    Half precision is widened to float32 before the first product, so nothing overflows:
    a sum of squares beyond 65504 is infinite in float16.
    """
    flat, weights, positions = flatten(features, mask)
    means = mean(flat, weights, positions)
    if center:
        flat = flat - means[..., None]
    weighted = flat if weights is None else flat * weights[:, None]
    with full_precision(flat.device):
        second = weighted @ flat.mT
    return Moments(second, means, positions)


def variances(features: Tensor, mask: Tensor | None) -> Moments:
    """As `moments` with centring, but only the diagonal: `second` is (B, C)."""
    flat, weights, positions = flatten(features, mask)
    means = mean(flat, weights, positions)
    squares = (flat - means[..., None]).square()
    return Moments(total(squares, weights), means, positions)


def energies(features: Tensor, mask: Tensor | None) -> Moments:
    """As `moments` without centring, but only the diagonal: `second` is (B, C)."""
    flat, weights, positions = flatten(features, mask)
    return Moments(total(flat.square(), weights), mean(flat, weights, positions), positions)


def flatten(features: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None, Tensor]:
    """Features (B, C, P) and weights (B, P) in the accumulation type, and positions (B,)."""
    kind = torch.float64 if features.dtype == torch.float64 else torch.float32
    flat = features.flatten(2).to(kind)
    if mask is None:
        return flat, None, flat.new_full((flat.shape[0],), float(flat.shape[2]))
    weights = mask.flatten(1).to(kind)
    return flat, weights, weights.sum(1)


def total(flat: Tensor, weights: Tensor | None) -> Tensor:
    """Weighted sums over positions, (B, C)."""
    return flat.sum(2) if weights is None else (flat * weights[:, None]).sum(2)


def mean(flat: Tensor, weights: Tensor | None, positions: Tensor) -> Tensor:
    """Weighted means over positions, (B, C)."""
    return total(flat, weights) / positions[:, None]
