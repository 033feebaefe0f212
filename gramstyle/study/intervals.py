"""How sure an estimate is, and a difference of two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.distance.square import square_distances
from gramstyle.errors import StyleError
from gramstyle.study.labels import Labels


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A bootstrap interval.

    Attributes:
        low: lower end.
        high: upper end.
        level: share of the draws that it holds.
        draws: that it was made of.
        dropped: draws without a near or without a far pair, left out.
    """

    low: float
    high: float
    level: float
    draws: int
    dropped: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One estimate minus another, on the same resamples.

    Attributes:
        value: of the whole set.
        interval: of the difference.
        p: two-sided bootstrap p of no difference.
    """

    value: float
    interval: Interval
    p: float


def interval(draws: NDArray[np.float64], level: float = 0.95) -> Interval:
    """Percentile interval of bootstrap draws (Efron and Tibshirani 1993, chapter 13).

    Percentile and not studentised or accelerated: it never leaves the range of the estimate, it
    commutes with monotone transforms, it needs no second level of resampling and no jackknife of a
    few styles, and a statement about a difference is the same as about its sign.

    Args:
        draws: (B,); draws that are NaN are left out and counted.
        level: share of the draws that the interval holds, between 0 and 1.

    Raises:
        ValueError: if `draws` is not (B,), or `level` is out of range.
        StyleError: if every draw is NaN.
    """
    kept = _kept(draws, level)
    low, high = _ends(kept, level)
    return Interval(low=low, high=high, level=level, draws=len(kept), dropped=len(draws) - len(kept))


def _ends(kept: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Quantiles between draws, or where one of the two is infinite the outer one."""
    shares = [(1 - level) / 2, (1 + level) / 2]
    below, above = (np.quantile(kept, shares, method=side) for side in ("lower", "higher"))
    with np.errstate(invalid="ignore"):  # nothing lies between two infinite draws
        between = np.quantile(kept, shares)
    finite = np.isfinite(below) & np.isfinite(above)
    return float((between if finite[0] else below)[0]), float((between if finite[1] else above)[1])


def paired_difference(
    one: float,
    other: float,
    draws_one: NDArray[np.float64],
    draws_other: NDArray[np.float64],
    level: float = 0.95,
) -> Difference:
    """Difference of an estimate between two matrices of the same images, on the same resamples.

    p = min(1, 2 (1 + min(#(d <= 0), #(d >= 0))) / (1 + B)) of the B differences d: twice the
    level at which the percentile interval would touch 0, never 0 itself.

    Args:
        one: estimate of one matrix.
        other: of the other.
        draws_one: under each resample, (B,).
        draws_other: under the same resamples, in the same order, (B,).
        level: of the interval.

    Raises:
        ValueError: if the draws are not two rows of one length, or `level` is out of range.
        StyleError: if no resample has both.
    """
    if np.shape(draws_one) != np.shape(draws_other):
        raise ValueError(
            "draws_one and draws_other must be of the same resamples, got shapes "
            f"{np.shape(draws_one)} and {np.shape(draws_other)}"
        )
    with np.errstate(invalid="ignore"):  # two infinite contrasts do not differ by any number
        apart = np.asarray(draws_one, dtype=np.float64) - np.asarray(draws_other, dtype=np.float64)
    kept = _kept(apart, level)
    tail = min(int((kept <= 0).sum()), int((kept >= 0).sum()))
    return Difference(
        value=one - other, interval=interval(apart, level), p=min(1.0, 2 * (1 + tail) / (1 + len(kept)))
    )


def leave_one_style_out(
    distances: Tensor | NDArray[np.float64],
    labels: Labels,
    estimate: Callable[[NDArray[np.float64], Labels], float],
) -> tuple[float, float]:
    """Range of an estimate when each style is left out in turn: what hangs on a single style.

    It is no confidence interval; report it beside one where there are fewer than ten styles.

    Args:
        distances: symmetric, (N, N).
        labels: of the N images.
        estimate: (matrix, labels) -> value.

    Raises:
        ValueError: if `distances` is no symmetric finite matrix of N images.
        StyleError: if there are not three styles.
    """
    matrix = square_distances(distances, len(labels))
    if len(labels.style) < 3:
        raise StyleError(
            f"leaving a style out needs at least three styles, so that two are left; got {len(labels.style)}"
        )
    values = []
    for style in range(len(labels.style)):
        rows = np.flatnonzero(labels.style.codes != style)
        values.append(estimate(matrix[np.ix_(rows, rows)], labels.subset(rows)))
    return min(values), max(values)


def _kept(draws: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Draws that are numbers, infinite ones included."""
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    if np.ndim(draws) != 1:
        raise ValueError(f"draws must be (B,), got shape {np.shape(draws)}")
    kept = np.asarray(draws, dtype=np.float64)
    kept = kept[~np.isnan(kept)]
    if not len(kept):
        raise StyleError(
            "no resample holds both near and far pairs: there are too few styles, or sources of a style"
        )
    return kept
