"""Numbers that say how far the near and the far pairs of a question lie apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from gramstyle.distance.square import square_distances
from gramstyle.errors import StyleError
from gramstyle.study.pairs import Pairs

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number about the distances N of near pairs and F of far pairs.

    Attributes:
        name: what users call it.
        formula: in words.
        meaning: what it says, and what it does not.
        chance: its value where near and far pairs are distributed alike.
        lowest: its smallest value; None where it has none.
        highest: its largest value; None where it has none.
        source: where it was published.
        signed: whether it is defined for dissimilarities that may be negative (CSLS).
        question: the only question it is asked of; None where any will do.
        function: (near (P_near,), far (P_far,)) -> value.
    """

    name: str
    formula: str
    meaning: str
    chance: float
    lowest: float | None
    highest: float | None
    source: str
    signed: bool
    question: str | None = None
    function: Callable[[Values, Values], float]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of an estimate.

    Attributes:
        value: the number; None where the estimate is not defined.
        reason: why it is not; empty where it is.
    """

    value: float | None
    reason: str = ""


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Values:
    """The ratio; infinite where only the denominator is 0, and 0 where both are."""
    top, bottom = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((top == 0) & (bottom == 0), 0.0, top / bottom)


def contrast_of(near_mean: ArrayLike, far_mean: ArrayLike) -> Values:
    """Contrast of two means, of one shape."""
    return ratio(np.subtract(far_mean, near_mean), near_mean)


def dprime_of(near_mean: Values, far_mean: Values, near_variance: Values, far_variance: Values) -> Values:
    """The d' of two means and two variances, of one shape."""
    return ratio(np.subtract(far_mean, near_mean), np.sqrt(np.add(near_variance, far_variance) / 2))


def auc(near: Values, far: Values) -> float:
    """Area under the ROC curve, exact for ties."""
    ordered = np.sort(near)
    below = int(np.searchsorted(ordered, far, side="left").sum())
    upto = int(np.searchsorted(ordered, far, side="right").sum())
    return (below + upto) / (2 * len(near) * len(far))


def contrast(near: Values, far: Values) -> float:
    """Contrast of distances."""
    return float(contrast_of(near.mean(), far.mean()))


def squared_contrast(near: Values, far: Values) -> float:
    """Contrast of squared distances."""
    return contrast(near**2, far**2)


def dprime(near: Values, far: Values) -> float:
    """The d', variances divided by the number of pairs."""
    return float(dprime_of(near.mean(), far.mean(), near.var(), far.var()))


def overlap(near: Values, far: Values) -> float:
    """1 - the two-sample Kolmogorov-Smirnov statistic, without bins."""
    near, far = np.sort(near), np.sort(far)
    at = np.concatenate([near, far])
    near_below = np.searchsorted(near, at, side="right") / len(near)
    far_below = np.searchsorted(far, at, side="right") / len(far)
    return float(1 - np.abs(near_below - far_below).max())


def selectivity(near: Values, far: Values) -> float:
    """Difference of the means over the mean of the means."""
    return float(ratio(far.mean() - near.mean(), (far.mean() + near.mean()) / 2))


ESTIMATES: dict[str, Estimate] = {
    estimate.name: estimate
    for estimate in (
        Estimate(
            name="auc",
            formula="P(F > N) + P(F = N) / 2",
            meaning="probability that a far pair lies further apart than a near one; not by how much",
            chance=0.5,
            lowest=0.0,
            highest=1.0,
            source="Mann and Whitney 1947; Hanley and McNeil 1982",
            signed=True,
            function=auc,
        ),
        Estimate(
            name="contrast",
            formula="mean F / mean N - 1",
            meaning="how much larger far distances are on average; says nothing of separability",
            chance=0.0,
            lowest=-1.0,
            highest=None,
            source="the 'about 5%' of Stack Overflow question 59007134",
            signed=False,
            function=contrast,
        ),
        Estimate(
            name="squared-contrast",
            formula="mean F^2 / mean N^2 - 1",
            meaning="the same of squared distances, as losses and PERMANOVA see them",
            chance=0.0,
            lowest=-1.0,
            highest=None,
            source="contrast, of squared distances",
            signed=False,
            function=squared_contrast,
        ),
        Estimate(
            name="dprime",
            formula="(mean F - mean N) / sqrt((var F + var N) / 2)",
            meaning="difference in units of spread; AUC = Phi(d' / sqrt 2) where both are Gaussian",
            chance=0.0,
            lowest=None,
            highest=None,
            source="Simpson and Fitter 1973 (d_a)",
            signed=True,
            function=dprime,
        ),
        Estimate(
            name="overlap",
            formula="1 - max over t of |P(N <= t) - P(F <= t)|",
            meaning=(
                "what the best single threshold leaves mixed: the overlapping coefficient where the two "
                "densities cross once, and more than it elsewhere"
            ),
            chance=1.0,
            lowest=0.0,
            highest=1.0,
            source="Inman and Bradley 1989; 1 - Kolmogorov-Smirnov statistic (Smirnov 1939)",
            signed=True,
            function=overlap,
        ),
        Estimate(
            name="style-selectivity",
            formula="(mean F - mean N) / ((mean F + mean N) / 2), of the question 'hard'",
            meaning="whether changing the style moves an image further than changing the content",
            chance=0.0,
            lowest=-2.0,
            highest=2.0,
            source="D(other style, same content) - D(same style, other content), made free of scale",
            signed=False,
            question="hard",
            function=selectivity,
        ),
    )
}
"""Every estimate of a question, the primary one first."""

SIGNED = "a distance is negative, and zero of such a dissimilarity (CSLS) has no meaning: no ratio has"
"""Why ratios of means are left out."""


def estimates(distances: Tensor | NDArray[np.float64], pairs: Pairs) -> dict[str, Outcome]:
    """Every estimate of `ESTIMATES` that belongs to the question of `pairs`.

    Args:
        distances: symmetric, (N, N); the diagonal is not read.
        pairs: from `questions` of the N labels.

    Returns:
        Name -> outcome. Estimates that are ratios have no value where a distance is negative.

    Raises:
        ValueError: if `distances` is no symmetric finite matrix.
        StyleError: if `pairs` names rows that the matrix does not have.
    """
    matrix = paired_matrix(distances, pairs)
    near, far = pairs.split(matrix)
    signed = bool(matrix.min() < 0)  # anywhere: one question's pairs may be positive by luck
    return {
        name: Outcome(value=None, reason=SIGNED)
        if signed and not estimate.signed
        else Outcome(value=estimate.function(near, far))
        for name, estimate in ESTIMATES.items()
        if estimate.question in (None, pairs.name)
    }


def paired_matrix(distances: Tensor | NDArray[np.float64], pairs: Pairs) -> Values:
    """The matrix, checked, and checked to hold every row that `pairs` names.

    Raises:
        ValueError: if `distances` is no symmetric finite matrix.
        StyleError: if a row is missing.
    """
    matrix = square_distances(distances)
    last = int(max(pairs.first.max(), pairs.second.max()))
    if last >= len(matrix):
        raise StyleError(
            f"distances must be of the images that the pairs were made for, at least {last + 1}; "
            f"got {len(matrix)}"
        )
    return matrix
