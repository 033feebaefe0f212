"""Distances with hubs taken down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.distance.square import square_distances


def csls(distances: Tensor | NDArray[np.float64], k: int = 10) -> NDArray[np.float64]:
    """Cross-domain similarity local scaling, turned into a dissimilarity: 2 D_ij - r_i - r_j.

    r_i is the mean distance from item i to its `k` nearest others. Items that are near everything
    (hubs) move away, and items that are far from everything come nearer: of what all distances of
    an item share, half is taken. Conneau et al. 2018 (arXiv 1710.04087, eq. 3) write
    2 cos(x, y) - r(x) - r(y) of cosine similarities between two sets; this is the same of distances
    (similarity = constant - distance) within one set, an item not being its own neighbour.

    Values may be negative and their zero means nothing, so no constant is added to hide that: AUC,
    d' and retrieval are defined for them, ratios of means (contrast) and sums of squares
    (PERMANOVA) are not.

    Args:
        distances: symmetric, (N, N); the diagonal is not read.
        k: neighbours, from 1 to N - 1.

    Returns:
        (N, N), symmetric, with a diagonal of 0 by convention.

    Raises:
        ValueError: if `distances` is no symmetric finite matrix, or `k` is out of range.
    """
    matrix = square_distances(distances)
    if not 1 <= k < len(matrix):
        raise ValueError(f"k must be from 1 to N - 1 = {len(matrix) - 1}, got {k}")
    others = matrix.copy()
    np.fill_diagonal(others, np.inf)
    radius = np.partition(others, k - 1, axis=1)[:, :k].mean(axis=1)
    local = 2 * matrix - (radius[:, None] + radius)
    np.fill_diagonal(local, 0.0)
    return local
