"""How far apart pairs of one source and pairs of two sources lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.distance.square import square_distances
from gramstyle.errors import StyleError
from gramstyle.study.estimates import estimates
from gramstyle.study.labels import Labels
from gramstyle.study.pairs import questions


@dataclass(frozen=True, kw_only=True)
class Separation:
    """Distances within a label against distances between labels.

    Attributes:
        auc: probability that a pair between labels lies further apart than a pair within one,
            ties counted half: area under the ROC curve. 0.5 is chance, 1 is perfect.
        contrast: mean between / mean within - 1. 0.05 is the "5 %" of the question this project
            began with; it says little about separability (the same contrast can go with any
            AUC) and is reported beside it. NaN where a distance is negative.
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
    matrix = square_distances(distances, len(labels))
    pairs = questions(Labels(styles=labels, sources=labels)).get("style")
    if pairs is None:
        raise StyleError(
            "separation needs pairs within a label and between labels: at least two labels, one of "
            f"them twice; got {len(set(labels))} labels over {len(labels)} items"
        )
    found = {name: outcome.value for name, outcome in estimates(matrix, pairs).items()}
    return Separation(
        auc=_number(found["auc"]),
        contrast=_number(found["contrast"]),
        dprime=_number(found["dprime"]),
        within=int((~pairs.far).sum()),
        between=int(pairs.far.sum()),
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
