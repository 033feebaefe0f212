"""Tests that are asked together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted p of Holm's step-down procedure (Holm 1979), in the order given.

    A family of m tests: the i-th smallest p times m - i + 1, made non-decreasing, at most 1. All
    adjusted p at or below alpha may be rejected, with probability at most alpha of a false one,
    whatever the dependence.

    Args:
        p_values: of one family, (M,), each between 0 and 1.

    Raises:
        ValueError: if they are not (M,), or one is not between 0 and 1.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        raise ValueError(f"p_values must be (M,), got shape {p.shape}")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p_values must be between 0 and 1, got {p.tolist()}")
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def max_t(observed: ArrayLike, permuted: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p of the step-down max-T procedure (Westfall and Young 1993), for scans of layers.

    Each statistic is compared with the largest permuted one among those not larger than it, so
    that layers which say the same cost nothing. The permutations must be the same for all
    statistics (one seed), which must be on one scale: AUC are, pseudo-F of one design are.

    Args:
        observed: of M layers, (M,); large speaks against the null.
        permuted: under B permutations, (B, M).

    Raises:
        ValueError: if the shapes do not fit, or a number is NaN.
    """
    found, null = np.asarray(observed, dtype=np.float64), np.asarray(permuted, dtype=np.float64)
    if found.ndim != 1 or null.ndim != 2 or null.shape[1] != len(found):
        raise ValueError(f"permuted must be (B, M) for observed (M,), got {null.shape} and {found.shape}")
    if np.isnan(found).any() or np.isnan(null).any():
        raise ValueError("observed and permuted must be numbers, got NaN: leave such layers out")
    order = np.argsort(-found, kind="stable")
    best = np.maximum.accumulate(null[:, order[::-1]], axis=1)[:, ::-1]  # among this layer and smaller ones
    reached = (best >= found[order]).sum(axis=0)
    adjusted = np.empty_like(found)
    adjusted[order] = np.maximum.accumulate((1 + reached) / (1 + len(null)))
    return adjusted
