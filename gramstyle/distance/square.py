"""A square matrix of distances, checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.errors import StyleError

ASYMMETRY = 1e-5
"""Largest difference between D_ij and D_ji that counts as rounding, as a share of the largest distance."""


def square_distances(
    distances: Tensor | NDArray[np.float64], count: int | None = None
) -> NDArray[np.float64]:
    """A float64 copy that is exactly symmetric, read from above the diagonal, with a diagonal of 0.

    The diagonal of `distances` is not read: no item is a pair with itself.

    Args:
        distances: (N, N), symmetric up to rounding; dissimilarities that may be negative (CSLS) pass.
        count: N, where labels say it.

    Raises:
        ValueError: if the shape does not fit, a distance is not finite, or they are not symmetric.
    """
    if isinstance(distances, Tensor):
        distances = distances.detach().cpu().numpy()
    matrix = np.asarray(distances, dtype=np.float64)
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
    if not square or count not in (None, len(matrix)):
        wanted = "(N, N)" if count is None else f"(N, N) for N = {count} labels"
        raise ValueError(f"distances must be {wanted}, got shape {matrix.shape}")
    finite = np.isfinite(matrix)
    if not finite.all():
        bad = matrix.size - int(finite.sum())
        raise ValueError(f"distances must be finite, got {bad} NaN or infinite values of {matrix.size}")
    upper = np.triu(matrix, 1)
    apart = np.abs(upper - np.tril(matrix, -1).T).max(initial=0.0)
    if apart > ASYMMETRY * np.abs(matrix).max(initial=0.0):
        raise ValueError(
            "distances must be symmetric, because each pair is counted once, from above the diagonal; "
            f"D_ij and D_ji differ by up to {apart:.3g}: average them first"
        )
    return upper + upper.T


def unsigned_distances(
    distances: Tensor | NDArray[np.float64], count: int | None, what: str
) -> NDArray[np.float64]:
    """As `square_distances`, for a formula that has no meaning where a distance is negative.

    Args:
        distances: (N, N).
        count: N, where labels say it.
        what: the formula, for the message.

    Raises:
        ValueError: as `square_distances`.
        StyleError: if a distance is negative.
    """
    matrix = square_distances(distances, count)
    if len(matrix) and matrix.min() < 0:
        raise StyleError(
            f"{what} needs distances of 0 or more, got {matrix.min():.3g}; "
            "for dissimilarities with a sign (CSLS) ask for the AUC or d'"
        )
    return matrix
