"""Estimates of one matrix under every resample."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.errors import StyleError
from gramstyle.study.estimates import SIGNED, Values, contrast_of, dprime_of, paired_matrix
from gramstyle.study.pairs import Pairs
from gramstyle.study.resample import Resamples


def bootstrap_auc(
    distances: Tensor | NDArray[np.float64], pairs: Pairs, resamples: Resamples
) -> NDArray[np.float64]:
    """AUC of weighted pairs under each resample, exact for ties.

    All sums are of whole and half numbers below 2^53, so no rounding enters before the last
    division. Time grows with draws * N^2, memory with N^2.

    Args:
        distances: symmetric, (N, N); the diagonal is not read.
        pairs: a question of the N labels, far pairs of two styles.
        resamples: of the same labels.

    Returns:
        (draws,); NaN where a resample holds no near pair or no far pair.

    Raises:
        ValueError: if `distances` is no symmetric finite matrix.
        StyleError: if the three are not of the same images, or a far pair is of one style.
    """
    matrix = _matrix(distances, pairs, resamples)
    near, far = pairs.split(matrix)
    order = np.argsort(near, kind="stable")
    first, second = pairs.first[~pairs.far][order], pairs.second[~pairs.far][order]
    weigh = _weigher(resamples, first, second)
    level, lower, upper = _levels(near[order], far)
    levels = np.full(matrix.shape, len(lower), dtype=np.int32)  # pairs that are not far read the last entry
    rows, columns = pairs.first[pairs.far], pairs.second[pairs.far]
    levels[rows, columns] = levels[columns, rows] = level
    below = np.zeros(len(lower) + 1)
    cumulated = np.zeros(len(near) + 1)
    wins, near_total = np.empty(len(resamples)), np.empty(len(resamples))
    for draw, counts in enumerate(resamples.images):
        np.cumsum(weigh(draw), out=cumulated[1:])
        below[:-1] = cumulated[lower] + cumulated[upper]
        live = np.flatnonzero(counts)
        weights = counts[live].astype(np.float64)
        # `below` is twice the weight of near pairs below; each far pair stands on both sides of the diagonal
        wins[draw] = weights @ (below[levels.take(live, 0)[:, live]] @ weights) / 4
        near_total[draw] = cumulated[-1]
    far_total = resamples.sums(rows, columns, np.ones((1, len(rows))))[:, 0]
    return _share(wins, near_total * far_total)


def bootstrap_contrast(
    distances: Tensor | NDArray[np.float64], pairs: Pairs, resamples: Resamples
) -> NDArray[np.float64]:
    """Contrast of weighted pairs under each resample; arguments and results as `bootstrap_auc`.

    Raises:
        ValueError: as `bootstrap_auc`.
        StyleError: as `bootstrap_auc`, and if a distance is negative.
    """
    near, far, base = _moments(distances, pairs, resamples, signed=False)
    return contrast_of(near[:, 0] + base, far[:, 0] + base)


def bootstrap_squared_contrast(
    distances: Tensor | NDArray[np.float64], pairs: Pairs, resamples: Resamples
) -> NDArray[np.float64]:
    """As `bootstrap_contrast`, of squared distances."""
    near, far, base = _moments(distances, pairs, resamples, signed=False)
    squares = [one[:, 1] + base * (2 * one[:, 0] + base) for one in (near, far)]
    return contrast_of(*squares)


def bootstrap_dprime(
    distances: Tensor | NDArray[np.float64], pairs: Pairs, resamples: Resamples
) -> NDArray[np.float64]:
    """The d' of weighted pairs under each resample; arguments, results and errors as `bootstrap_auc`."""
    near, far, _ = _moments(distances, pairs, resamples, signed=True)
    spread = [np.maximum(one[:, 1] - one[:, 0] ** 2, 0) for one in (near, far)]
    return dprime_of(near[:, 0], far[:, 0], *spread)


def bootstrap_mean(
    values: NDArray[np.float64], anchors: NDArray[np.intp], resamples: Resamples
) -> NDArray[np.float64]:
    """Mean over anchors, each counted as often as its image was drawn.

    What an anchor is ranked against stays the whole set: resampling it too would put copies of one
    image side by side in a ranking. The interval is therefore of the mean over anchors, given the
    set that is searched.

    Args:
        values: one per anchor, (A,).
        anchors: row of each, (A,).
        resamples: of the labels.

    Returns:
        (draws,); NaN where no anchor was drawn.

    Raises:
        ValueError: if `values` and `anchors` differ in length.
    """
    if np.shape(values) != np.shape(anchors) or np.ndim(values) != 1:
        raise ValueError(f"values must be (A,) for {len(anchors)} anchors, got shape {np.shape(values)}")
    weights = resamples.images[:, anchors].astype(np.float64)
    return _share(weights @ np.asarray(values, dtype=np.float64), weights.sum(axis=1))


def _matrix(distances: Tensor | NDArray[np.float64], pairs: Pairs, resamples: Resamples) -> Values:
    matrix = paired_matrix(distances, pairs)
    if len(matrix) != resamples.images.shape[1]:
        raise StyleError(
            f"resamples must be of the {len(matrix)} images of the distances, got {resamples.images.shape[1]}"
        )
    if (resamples.slots_of(pairs.first[pairs.far], pairs.second[pairs.far]) >= 0).any():
        raise StyleError("far pairs must be of two styles: those of one style are weighted as near pairs")
    return matrix


def _weigher(
    resamples: Resamples, first: NDArray[np.intp], second: NDArray[np.intp]
) -> Callable[[int], NDArray[np.float64]]:
    """Draw -> weights of near pairs, (P_near,): of one style in some questions, of two in others."""
    slots = resamples.slots_of(first, second)
    same = slots >= 0

    def weigh(draw: int) -> NDArray[np.float64]:
        if same.all():
            return resamples.together[draw].take(slots).astype(np.float64)
        counts = resamples.images[draw].astype(np.float64)
        weights = counts[first] * counts[second]
        weights[same] = resamples.together[draw][slots[same]]
        return weights

    return weigh


def _levels(near: Values, far: Values) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Where far distances stand among sorted near ones.

    Returns:
        level of each far distance, (P_far,), and per level how many near pairs lie below it, and
        how many below or level with it, (L,).
    """
    values = np.unique(near)
    place = np.searchsorted(values, far, side="left") + np.searchsorted(values, far, side="right")
    places, level = np.unique(place, return_inverse=True)  # even between two values, odd at one
    bounds = np.append(np.searchsorted(near, values, side="left"), len(near))
    return level, bounds[places // 2], bounds[(places + 1) // 2]


def _moments(
    distances: Tensor | NDArray[np.float64], pairs: Pairs, resamples: Resamples, *, signed: bool
) -> tuple[Values, Values, float]:
    """Weighted means of d - base and its square, of near and of far pairs, (draws, 2) each; base."""
    matrix = _matrix(distances, pairs, resamples)
    values = matrix[pairs.first, pairs.second]
    if not signed and matrix.min() < 0:
        raise StyleError(f"contrast is not defined: {SIGNED}; ask for the AUC or d'")
    base = float(values.mean())  # distances concentrate; squares of differences keep the digits
    about = values - base
    means = []
    for chosen in (~pairs.far, pairs.far):
        first, second, one = pairs.first[chosen], pairs.second[chosen], about[chosen]
        total = resamples.sums(first, second, np.stack([np.ones_like(one), one, one**2]))
        means.append(_share(total[:, 1:], total[:, :1]))
    return means[0], means[1], base


def _share(part: Values, whole: Values) -> Values:
    """The quotient; NaN where the whole is 0, because nothing was drawn."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)
