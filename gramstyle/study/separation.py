"""How far apart pairs of one source and pairs of two sources lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.errors import StyleError


@dataclass(frozen=True, kw_only=True)
class Separation:
    """Distances within a label against distances between labels.

    Attributes:
        auc: probability that a pair between labels lies further apart than a pair within one,
            ties counted half: area under the ROC curve. 0.5 is chance, 1 is perfect.
        contrast: mean between / mean within - 1. 0.05 is the "5 %" of the question this project
            began with; it says little about separability (the same contrast can go with any
            AUC) and is reported beside it.
        dprime: difference of the two means in units of their pooled standard deviation.
        within: number of pairs within a label.
        between: number of pairs between labels.
    """

    auc: float
    contrast: float
    dprime: float
    within: int
    between: int


def separation(distances: Tensor | NDArray[np.float64], labels: Sequence[str]) -> Separation:
    """Separation of the pairs of N items, each pair counted once and no item with itself.

    Args:
        distances: symmetric, (N, N).
        labels: the source of each item.

    Raises:
        ValueError: if the shapes do not fit, a distance is not finite, or they are not symmetric.
        StyleError: if there is no pair within a label, or none between two.
    """
    from sklearn.metrics import roc_auc_score

    if isinstance(distances, Tensor):
        distances = distances.detach().cpu().numpy()
    matrix = np.asarray(distances, dtype=np.float64)
    names = np.asarray(labels)
    if matrix.shape != (len(names), len(names)):
        raise ValueError(f"distances must be (N, N) for N = {len(names)} labels, got shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError("distances must be finite, got NaN or infinite values")
    if not np.allclose(matrix, matrix.T):
        raise ValueError("distances must be symmetric: each pair is counted once, from above the diagonal")
    one, other = np.triu_indices(len(names), k=1)
    values, different = matrix[one, other], names[one] != names[other]
    within, between = values[~different], values[different]
    if not len(within) or not len(between):
        raise StyleError(
            "separation needs pairs within a label and between labels: at least two labels, one of "
            f"them twice; got {len(set(labels))} labels over {len(labels)} items"
        )
    spread = np.sqrt((within.var() + between.var()) / 2)
    gap = between.mean() - within.mean()
    return Separation(
        auc=float(roc_auc_score(different, values)),
        contrast=_ratio(float(gap), float(within.mean())),
        dprime=_ratio(float(gap), float(spread)),
        within=len(within),
        between=len(between),
    )


def _ratio(numerator: float, denominator: float) -> float:
    """The ratio; infinite where only the denominator is 0, 0 where both are."""
    if denominator == 0:
        return 0.0 if numerator == 0 else float(np.copysign(np.inf, numerator))
    return numerator / denominator
