"""Means of Gaussians in the 2-Wasserstein distance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.distance.symmetric import matrix_sqrt
from gramstyle.numerics import wide

MOST = 100
"""Iterations at most. Covariances of full rank take about five, singular ones thirty."""

ROUNDING = 1e-13
"""Of a sum of squared distances, as a share of the variances that it is a difference of."""

NOTHING = 1e-10
"""Singular values below this share of the largest are rounding: such directions have nothing in common."""


def gaussian_barycenter(
    covariances: Tensor, means: Tensor, weights: Sequence[float] | Tensor, *, tolerance: float = 1e-6
) -> tuple[Tensor, Tensor]:
    """The Gaussian N that minimises ``sum w_k W2(N(m_k, S_k), N)^2``: Agueh and Carlier 2011.

    Its mean is the mean of means. Of two, it is a point of the geodesic between them, in closed form
    (McCann 1997, example 1.7; Takatsu 2011): with weights ``1 - t`` and ``t``,

        ``S = (1 - t)^2 A + t^2 B + t (1 - t) (X + X')``, ``X = A^(1/2) U B^(1/2)``,

    U the polar factor of ``A^(1/2) B^(1/2)``. X is the covariance of the two in the best coupling; without
    inverses it is defined for singular covariances, too. Of more, by the fixed point of Alvarez-Esteban, del
    Barrio, Cuesta-Albertos and Matran 2016, theorem 4.2, of which each step carries a root R of S to
    ``sum w_k S_k^(1/2) U_k``, U_k the polar factor of ``S_k^(1/2) R``: again without inverses.

    Args:
        covariances: S_k, symmetric and positive semi-definite, (K, C, C).
        means: m_k, (K, C).
        weights: K numbers, 0 or more, not all 0; their sum does not matter.
        tolerance: of three and more the iteration ends where a step lowers what is minimised by less than
            this share of it. Covariances of full rank are then exact to about the same share.

    Returns:
        Covariance (C, C) and mean (C,), float64 (float32 on mps). Where covariances are singular there may
        be several minimisers; this is one.

    Raises:
        ValueError: for other shapes, values that are not finite, or weights out of range.
    """
    covariances, means, shares = _checked(covariances, means, weights)
    kept = shares > 0
    covariances, means, shares = covariances[kept], means[kept], shares[kept] / shares.sum()
    mean = shares @ means
    if len(shares) == 1:
        return covariances[0].clone(), mean
    roots = matrix_sqrt(covariances)
    if len(shares) == 2:
        return _between(covariances, roots, shares), mean
    root = _iterated(roots, shares, tolerance)
    return root @ root.mT, mean


def _iterated(roots: Tensor, shares: Tensor, tolerance: float) -> Tensor:
    """A root of the barycentre of Gaussians whose covariances have these roots, (C, C)."""
    root = (shares[:, None, None] * roots).sum(0)
    spread = shares @ roots.square().sum((1, 2))
    before = spread
    for _ in range(MOST):
        left, values, right = torch.linalg.svd(roots @ root)
        apart = spread + root.square().sum() - 2 * shares @ values.sum(1)  # sum w_k W2(S_k, S)^2
        root = (shares[:, None, None] * (roots @ left @ right)).sum(0)
        if before - apart <= tolerance * apart + ROUNDING * spread:
            break
        before = apart
    return root


def _between(covariances: Tensor, roots: Tensor, shares: Tensor) -> Tensor:
    """The covariance on the geodesic between two Gaussians."""
    left, values, right = torch.linalg.svd(roots[0] @ roots[1])
    common = (values > NOTHING * values[0]).to(values.dtype)
    coupled = roots[0] @ (left * common) @ right @ roots[1]
    one, other = shares
    ends = one.square() * covariances[0] + other.square() * covariances[1]
    return ends + one * other * (coupled + coupled.mT)


def _checked(
    covariances: Tensor, means: Tensor, weights: Sequence[float] | Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    shape = tuple(covariances.shape)
    if covariances.ndim != 3 or shape[1] != shape[2]:
        raise ValueError(f"covariances must be (K, C, C), got shape {shape}")
    if tuple(means.shape) != shape[:2]:
        raise ValueError(f"means must be (K, C) = {shape[:2]}, got shape {tuple(means.shape)}")
    check.finite(covariances, "covariances")
    check.finite(means, "means")
    means = wide(means)
    shares = torch.as_tensor(weights, dtype=means.dtype, device=means.device)
    if tuple(shares.shape) != shape[:1]:
        raise ValueError(f"weights must be one per Gaussian, {shape[0]}, got shape {tuple(shares.shape)}")
    if not bool((torch.isfinite(shares) & (shares >= 0)).all()) or not bool((shares > 0).any()):
        raise ValueError(f"weights must be 0 or more, finite and not all 0, got {shares.tolist()}")
    covariances = wide(covariances)
    return (covariances + covariances.mT) / 2, means, shares
