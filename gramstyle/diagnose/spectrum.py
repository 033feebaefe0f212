"""How many directions the channels of a tap use."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.diagnose import shapes
from gramstyle.numerics import safe_divide

FIRST = 11
"""First eigenvalue of the power law; the ten before it follow laws of their own."""

OCTAVE = 2
"""The last eigenvalue of the power law lies at least so many times as deep as the first."""


def eigenvalues(matrices: Tensor) -> Tensor:
    """Eigenvalues of positive semi-definite matrices (B, C, C), largest first, (B, C) float64.

    Those below C times the rounding of the largest are rounding, and are 0.

    Raises:
        ValueError: if `matrices` is no batch of square matrices, or is not finite.
    """
    A = check.finite(shapes.matrices("matrices", matrices), "matrices")
    found = torch.linalg.eigvalsh(A).flip(1)
    rounding = A.shape[1] * torch.finfo(torch.float64).eps * found[:, :1]
    return torch.where(found > rounding, found, 0.0)


def participation_ratio(values: Tensor) -> Tensor:
    """``(sum l)^2 / sum l^2``: how many equal eigenvalues would have this spread; 1 to C.

    Source: Litwin-Kumar et al. 2017 (dimension of neural activity); unchanged by rotations.

    Args:
        values: eigenvalues, (B, C).

    Returns:
        (B,) float64; NaN where all are zero.
    """
    L = shapes.vectors("values", values)
    return safe_divide(L.sum(1).square(), L.square().sum(1), math.nan)


def effective_rank(values: Tensor) -> Tensor:
    """``exp(-sum p ln p)`` with ``p = l / sum l`` of the eigenvalues; 1 to C.

    The formula of Roy and Vetterli 2007 on eigenvalues of the covariance, where they take
    singular values of the features: see `effective_rank_singular`.

    Args:
        values: eigenvalues, (B, C).

    Returns:
        (B,) float64; NaN where all are zero.
    """
    return _entropy(shapes.vectors("values", values)).exp()


def effective_rank_singular(values: Tensor) -> Tensor:
    """``exp(-sum p ln p)`` with ``p = sqrt(l) / sum sqrt(l)``; 1 to C.

    Source: Roy and Vetterli 2007, def. 1, since singular values of centred features are
    ``sqrt(P l)``. RankMe (Garrido et al. 2023) is the same of uncentred features with an epsilon.

    Args:
        values: eigenvalues of the covariance, (B, C).

    Returns:
        (B,) float64; NaN where all are zero.
    """
    return _entropy(shapes.vectors("values", values).clamp_min(0).sqrt()).exp()


def stable_rank(values: Tensor) -> Tensor:
    """``|X|_F^2 / |X|_2^2 = sum l / l_1``; 1 to C. Source: Rudelson and Vershynin 2007.

    Args:
        values: eigenvalues of the covariance of X, (B, C).

    Returns:
        (B,) float64; NaN where all are zero.
    """
    L = shapes.vectors("values", values)
    return safe_divide(L.sum(1), L.amax(1), math.nan)


def spectral_entropy(values: Tensor) -> Tensor:
    """``-sum p ln p / ln C`` with ``p = l / sum l``; 0 (one direction) to 1 (all alike).

    Args:
        values: eigenvalues, (B, C).

    Returns:
        (B,) float64; NaN for one channel, or where all are zero.
    """
    L = shapes.vectors("values", values)
    return safe_divide(_entropy(L), L.new_tensor(math.log(L.shape[1])), math.nan)


def power_law(values: Tensor, positions: int) -> Tensor:
    """The exponent a of ``l_k ~ k^-a``, by least squares of ``ln l_k`` on ``ln k``.

    k runs from 11 to min(C, P) / 4, as deep as the rank of the sample lets eigenvalues be
    trusted. Source: alpha-ReQ (Agrawal et al. 2022); a range that does not depend on the fit.

    Args:
        values: eigenvalues, largest first, (B, C).
        positions: P that they come from.

    Returns:
        (B,) float64; NaN where `power_law_reason` gives a reason, or an eigenvalue in the range is 0.

    Raises:
        ValueError: if `positions` is not positive.
    """
    L = shapes.vectors("values", values)
    if power_law_reason(L.shape[1], positions) is not None:
        return torch.full_like(L[:, 0], math.nan)
    last = _last(L.shape[1], positions)
    k = torch.arange(FIRST, last + 1, dtype=torch.float64, device=L.device).log()
    chosen = L[:, FIRST - 1 : last]
    logs = chosen.clamp_min(torch.finfo(torch.float64).tiny).log()
    slope = (logs - logs.mean(1, keepdim=True)) @ (k - k.mean()) / (k - k.mean()).square().sum()
    return torch.where((chosen > 0).all(1), -slope, math.nan)


def power_law_reason(channels: int, positions: int) -> str | None:
    """Why `power_law` has no answer for C `channels` and P `positions`; None where it has one."""
    check.positive("channels", channels)
    last = _last(channels, check.positive("positions", positions))
    if last >= OCTAVE * FIRST:
        return None
    return (
        f"the power law is fitted over eigenvalues {FIRST} to min(C, P) / 4 = {last}, which must be at "
        f"least {OCTAVE * FIRST}: C = {channels}, P = {positions} are too few"
    )


def _last(channels: int, positions: float) -> int:
    return int(min(channels, positions) // 4)


def _entropy(weights: Tensor) -> Tensor:
    """``-sum p ln p`` of weights (B, C) made to sum to 1; NaN where all are zero."""
    p = safe_divide(weights, weights.sum(1, keepdim=True), math.nan)
    return -torch.xlogy(p, p).sum(1).clamp_max(0)
