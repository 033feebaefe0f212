"""How much channels vary together, beside what chance alone gives."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.diagnose import shapes
from gramstyle.diagnose.energy import constant_channels
from gramstyle.diagnose.moments import moments
from gramstyle.diagnose.positions import shift_independently, shuffle_independently
from gramstyle.numerics import safe_divide


def mean_absolute_correlation(covariance: Tensor, mean: Tensor) -> Tensor:
    """Mean of ``|S_ij| / sqrt(S_ii S_jj)`` over pairs of different channels; in [0, 1].

    Dead channels are left out; `constant_share` counts them. It is not 0 for independent channels:
    see `correlation_bias` and the two nulls. It changes with the basis of the channels, Frobenius
    distances of Gram matrices do not, so it cannot explain them (`gramstyle.diagnose.rotation`).

    Args:
        covariance: S, (B, C, C).
        mean: mu, (B, C); says how large a channel is that does not vary.

    Returns:
        (B,) float64; NaN where fewer than two channels vary.

    Raises:
        ValueError: if the moments do not fit each other.
    """
    S, mu = shapes.moments(covariance, mean)
    alive = ~constant_channels(S, mu)
    variance = S.diagonal(dim1=1, dim2=2)
    scale = torch.where(alive, variance, 1).rsqrt() * alive
    r = (S * scale[:, :, None] * scale[:, None, :]).abs()
    total = r.sum((1, 2)) - r.diagonal(dim1=1, dim2=2).sum(1)
    count = alive.sum(1).double()
    return safe_divide(total, count * (count - 1), math.nan).clamp(0, 1)


def correlation_bias(positions: int) -> float:
    """Expected |r| of two independent Gaussian channels: ``sqrt(2 / (pi N))`` for N positions.

    The large-sample mean of ``|r|`` with ``r ~ N(0, 1/N)``. It is too small where positions are
    not independent, as in any feature map.

    Raises:
        ValueError: if `positions` is not positive.
    """
    return math.sqrt(2 / (math.pi * check.positive("positions", positions)))


def shuffled_correlation(features: Tensor, generator: torch.Generator) -> Tensor:
    """`mean_absolute_correlation` after each channel's positions were shuffled on their own.

    The null of independent channels with the same marginals and as many independent positions.

    Args:
        features: (B, C, H, W).
        generator: on the cpu; advanced by B x C permutations.

    Returns:
        (B,) float64.
    """
    return mean_absolute_correlation(*moments(shuffle_independently(features, generator)))


def shifted_correlation(features: Tensor, generator: torch.Generator) -> Tensor:
    """`mean_absolute_correlation` after each channel was shifted on its own, around the edges.

    The null of unrelated channels that are as smooth as these: neighbours stay neighbours, so
    chance correlations are as large as N_eff, and not N, lets them be. What structure channels
    have in common at every shift, such as a border, remains.

    Args:
        features: (B, C, H, W).
        generator: on the cpu.

    Returns:
        (B,) float64.
    """
    return mean_absolute_correlation(*moments(shift_independently(features, generator)))


def off_diagonal_energy(gram: Tensor) -> Tensor:
    """Share of a Gram matrix off its diagonal: ``1 - sum_i G_ii^2 / |G|_F^2``; in [0, 1 - 1/C].

    Args:
        gram: (B, C, C), centred or not.

    Returns:
        (B,) float64; NaN for a matrix of zeros.

    Raises:
        ValueError: if `gram` is no batch of square matrices.
    """
    G = shapes.matrices("gram", gram)
    diagonal = G.diagonal(dim1=1, dim2=2).square().sum(1)
    return (1 - safe_divide(diagonal, G.square().sum((1, 2)), math.nan)).clamp_min(0)


def mean_direction_share(covariance: Tensor, mean: Tensor) -> Tensor:
    """Share of the uncentred Gram's trace in its rank-one mean: ``|mu|^2 / (|mu|^2 + tr S)``; in [0, 1].

    Args:
        covariance: S, (B, C, C).
        mean: mu, (B, C).

    Returns:
        (B,) float64; NaN for features that are all zero.

    Raises:
        ValueError: if the moments do not fit each other.
    """
    S, mu = shapes.moments(covariance, mean)
    squared = mu.square().sum(1)
    return safe_divide(squared, squared + S.diagonal(dim1=1, dim2=2).sum(1), math.nan)
