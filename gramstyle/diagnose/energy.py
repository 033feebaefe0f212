"""How the energy of a tap is shared among its channels."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.diagnose import shapes
from gramstyle.numerics import safe_divide

DEAD = 1e-6
"""Standard deviation, as a share of the root mean square, below which a channel is dead."""

NEAR_CONSTANT = 1e-2
"""The same share, below which a channel is nearly constant."""


def top_share(energies: Tensor, count: int) -> Tensor:
    """Share of the `count` largest energies in all: ``sum_top E_i / sum E_i``; in [0, 1].

    Args:
        energies: G_ii, 0 or more, (B, C).
        count: how many; no more than C are taken.

    Returns:
        (B,) float64; NaN where there is no energy.

    Raises:
        ValueError: if `energies` is no batch of vectors, or `count` is not positive.
    """
    E = shapes.vectors("energies", energies)
    check.positive("count", count)
    top = E.topk(min(count, E.shape[1]), dim=1).values.sum(1)
    return safe_divide(top, E.sum(1), math.nan)


def top_percent(energies: Tensor) -> Tensor:
    """`top_share` of one channel in a hundred, at least of one."""
    return top_share(energies, math.ceil(shapes.vectors("energies", energies).shape[1] / 100))


def constant_channels(covariance: Tensor, mean: Tensor, tolerance: float = DEAD) -> Tensor:
    """Which channels hardly vary.

    A channel counts if its standard deviation is at most `tolerance` times its own root mean
    square or that of the whole tap, whichever is larger: below the first it is rounding of a
    constant, below the second no other channel notices it.

    Args:
        covariance: S, (B, C, C).
        mean: mu, (B, C).
        tolerance: the share; `DEAD` or `NEAR_CONSTANT`.

    Returns:
        (B, C) bool.

    Raises:
        ValueError: if the moments do not fit each other.
    """
    S, mu = shapes.moments(covariance, mean)
    variance = S.diagonal(dim1=1, dim2=2).clamp_min(0)
    energy = variance + mu.square()
    scale = torch.maximum(energy, energy.mean(1, keepdim=True))
    return variance <= tolerance**2 * scale


def constant_share(covariance: Tensor, mean: Tensor, tolerance: float = DEAD) -> Tensor:
    """Share of the channels that hardly vary, (B,) float64 in [0, 1]; see `constant_channels`."""
    return constant_channels(covariance, mean, tolerance).double().mean(1)


def energy_variation(energies: Tensor) -> Tensor:
    """How much the energies of channels differ between images.

    ``sqrt(sum_i Var_n E_ni / sum_i (Mean_n E_ni)^2)``: 0 if every image has the same energies, 1 if
    their spread is as large as they are. Hot channels of single images make it large.

    Args:
        energies: G_ii of N images, (N, C).

    Returns:
        A scalar, float64, from 0; NaN for fewer than two images or no energy.
    """
    E = shapes.vectors("energies", energies)
    if len(E) < 2:
        return E.new_tensor(math.nan)
    return safe_divide(E.var(0, correction=0).sum(), E.mean(0).square().sum(), math.nan).sqrt()
