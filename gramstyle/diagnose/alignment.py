"""How alike two sets of representations, or two Gram matrices, are."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.diagnose import shapes
from gramstyle.errors import StyleError
from gramstyle.numerics import safe_divide, safe_sqrt

Estimator: TypeAlias = Literal["debiased", "biased"]

CKA_NEEDS: dict[Estimator, int] = {"debiased": 4, "biased": 3}
"""Estimator -> examples that it needs; biased CKA of two is 1 whatever they are."""

BLOCK = 65536
"""Columns that are widened to float64 at a time: Gram vectors of many images are large."""

ROUNDING = 1e-12
"""Squared distances below this share of the squared norms are rounding."""


def kernel_cka(K: Tensor, L: Tensor, estimator: Estimator = "debiased") -> Tensor:
    """Centred kernel alignment of two kernels of the same N examples.

    ``HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L))``. *Biased*: ``HSIC = tr(K H L H)``, H = I - 11'/N
    (Kornblith et al. 2019); it nears 1 whatever the kernels, where features are many more than
    examples. *Debiased*: the unbiased HSIC_1 of Song et al. 2012, eq. 5, in place of each HSIC (as
    Nguyen et al. 2021); 0 on average for unrelated kernels, so it may be negative.

    Args:
        K: (N, N), symmetric.
        L: (N, N), symmetric.
        estimator: ``debiased``, for N >= 4, or ``biased``.

    Returns:
        A scalar, float64, at most 1 and, biased, at least 0; NaN where all examples are alike to a
        kernel.

    Raises:
        UnknownNameError: for another estimator.
        ValueError: if the kernels are not square and of one size.
        StyleError: for fewer than 4 examples with ``debiased``, or 3 with ``biased``.
    """
    check.name_in("estimator", estimator, CKA_NEEDS)
    K, L = _kernel("K", K), _kernel("L", L)
    if K.shape != L.shape:
        raise ValueError(f"K and L must be of the same examples, got {len(K)} and {len(L)}")
    if len(K) < CKA_NEEDS[estimator]:
        raise StyleError(
            f"{estimator} CKA needs at least {CKA_NEEDS[estimator]} examples, got {len(K)}: add images"
        )
    hsic = _hsic_debiased if estimator == "debiased" else _hsic_biased
    K, L = _centred(K), _centred(L)
    return safe_divide(hsic(K, L), safe_sqrt(hsic(K, K)) * safe_sqrt(hsic(L, L)), math.nan).clamp(-1, 1)


def linear_cka(X: Tensor, Y: Tensor, estimator: Estimator = "debiased") -> Tensor:
    """`kernel_cka` of X X' and Y Y'; biased, it is ``|Y'X|_F^2 / (|X'X|_F |Y'Y|_F)`` of centred X, Y.

    Args:
        X: (N, D), one row per example.
        Y: (N, E), the same examples.
        estimator: see `kernel_cka`.

    Returns:
        A scalar, float64.

    Raises:
        As `kernel_cka`.
    """
    return kernel_cka(linear_kernel(X, "X"), linear_kernel(Y, "Y"), estimator)


def linear_kernel(X: Tensor, argument: str = "X") -> Tensor:
    """Inner products of the rows of X (N, D), (N, N) float64.

    `argument` is what a complaint calls X.

    Raises:
        ValueError: if X is no matrix.
    """
    if shapes.floating(argument, X).ndim != 2:
        raise ValueError(f"{argument} must be (N, D), one row per example, got shape {tuple(X.shape)}")
    kernel = torch.zeros(len(X), len(X), dtype=torch.float64, device=X.device)
    for start in range(0, X.shape[1], BLOCK):
        wide = X[:, start : start + BLOCK].double()
        kernel += wide @ wide.mT
    return kernel


def gram_alignment(a: Tensor, b: Tensor) -> Tensor:
    """Cosine of the angle between Gram matrices, ``<A, B> / (|A| |B|)``; 0 to 1.

    Args:
        a: (B, C, C).
        b: (B, C, C).

    Returns:
        (B,) float64; NaN where one is zero.

    Raises:
        ValueError: if they are no batches of square matrices of one shape.
    """
    A, B = shapes.matrices("a", a), shapes.matrices("b", b)
    if A.shape != B.shape:
        raise ValueError(f"a and b must have one shape, got {tuple(A.shape)} and {tuple(B.shape)}")
    norms = A.square().sum((1, 2)).sqrt() * B.square().sum((1, 2)).sqrt()
    return safe_divide((A * B).sum((1, 2)), norms, math.nan)


def cosines(kernel: Tensor) -> Tensor:
    """Cosines of all pairs, (N, N), from inner products `kernel` (N, N); NaN where a norm is 0."""
    K = _kernel("kernel", kernel)
    norms = safe_sqrt(K.diagonal())
    return safe_divide(K, norms[:, None] * norms[None], math.nan)


def norm_shares(kernel: Tensor) -> Tensor:
    """Share of each squared distance that a difference of norms explains.

    ``(|a| - |b|)^2 / |a - b|^2``, in [0, 1]: 1 where a and b differ in size alone, 0 where in
    direction alone. What is left is ``2 |a| |b| (1 - cos)``.

    Args:
        kernel: inner products of N vectors, (N, N).

    Returns:
        (N, N) float64; NaN on the diagonal and where two are the same.

    Raises:
        ValueError: if `kernel` is not square.
    """
    K = _kernel("kernel", kernel)
    squared = K.diagonal()
    norms = safe_sqrt(squared)
    both = squared[:, None] + squared[None]
    apart = both - 2 * K
    apart = torch.where(apart > ROUNDING * both, apart, 0.0)
    return safe_divide((norms[:, None] - norms[None]).square(), apart, math.nan).clamp(0, 1)


def over_pairs(matrix: Tensor) -> Tensor:
    """Mean over pairs of different examples, of an (N, N) matrix; those that are NaN left out."""
    rows, columns = torch.triu_indices(len(matrix), len(matrix), offset=1, device=matrix.device)
    return matrix[rows, columns].nanmean()


def _kernel(argument: str, K: Tensor) -> Tensor:
    if shapes.floating(argument, K).ndim != 2 or K.shape[0] != K.shape[1] or len(K) == 0:
        raise ValueError(f"{argument} must be (N, N), got shape {tuple(K.shape)}")
    return K.double()


def _centred(K: Tensor) -> Tensor:
    """H K H, its largest entry 1; all 0 where only rounding is left.

    Neither HSIC changes by it. Without it that of many bright images is a small difference of large
    numbers, and products of Gram entries pass the range of float64.
    """
    centred = K - K.mean(0, keepdim=True)
    centred = centred - centred.mean(1, keepdim=True)
    largest = centred.abs().max()
    return centred / largest if largest > ROUNDING * K.abs().max() else torch.zeros_like(K)


def _hsic_biased(K: Tensor, L: Tensor) -> Tensor:
    return (K * L).sum()


def _hsic_debiased(K: Tensor, L: Tensor) -> Tensor:
    n = len(K)
    K, L = (one - torch.diag(one.diagonal()) for one in (K, L))
    a, b = K.sum(0), L.sum(0)
    pairs = (K * L).sum() + a.sum() * b.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (a @ b)
    return pairs / (n * (n - 3))
