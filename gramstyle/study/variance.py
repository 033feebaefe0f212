"""Sums of squared distances within and between styles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.distance.square import unsigned_distances
from gramstyle.errors import StyleError
from gramstyle.study.estimates import ratio
from gramstyle.study.labels import Labels

Values = NDArray[np.float64]
Codes = NDArray[np.intp]

ROUNDING = 1e-12
"""Spread of values that counts as none, as a share of their sum of squares."""


@dataclass(frozen=True, kw_only=True)
class Permanova:
    """How much of the squared distances lies between styles (Anderson 2001).

    Attributes:
        f: pseudo-F = (SS_between / (g - 1)) / (SS_within / (n - g)) of g styles and n images; near 1
            at chance, from 0. It reacts to unequal dispersion too: read it beside PERMDISP.
        r2: SS_between / SS_total, from 0 to 1 where the distances are Euclidean;
            (g - 1) / (n - 1) at chance.
        chance_r2: that chance value.
    """

    f: float
    r2: float
    chance_r2: float


@dataclass(frozen=True, kw_only=True)
class Permdisp:
    """Whether styles are equally wide (Anderson 2006).

    Attributes:
        f: F of a one-way analysis of variance of the distances to the centroid; near 1 at chance,
            0 where all are equal. Two images lie equally far from their middle, so styles of two
            images each make it infinite and say nothing.
        dispersions: style -> mean distance of its images to its centroid. In styles of few images
            it is small by about sqrt((n - 1) / n), so compare styles of like size.
    """

    f: float
    dispersions: Mapping[str, float]


def permanova(distances: Tensor | NDArray[np.float64], labels: Labels) -> Permanova:
    """Permutational multivariate analysis of variance, one way, of the styles.

    SS_total = sum over pairs of d^2 / n, and SS_within the same within each style: on Euclidean
    distances these are the sums of squares of a classical (M)ANOVA, summed over coordinates.
    Every image counts, those of one source too. `permute_permanova` gives the p.

    Args:
        distances: symmetric, (N, N), 0 or more; the diagonal is not read.
        labels: of the N images.

    Raises:
        ValueError: if `distances` is no symmetric finite matrix of N images.
        StyleError: if a distance is negative, all are 0, or there are not two styles, one of them
            with two images.
    """
    squares = unsigned_distances(distances, len(labels), "PERMANOVA") ** 2
    check_groups(labels, squares)
    codes = labels.style.codes[None]
    total = squares.sum() / (2 * len(labels))
    within = within_square(squares, codes, np.ones(len(labels)), len(labels.style))
    return Permanova(
        f=float(f_ratio(total, within, len(labels.style), len(labels))[0]),
        r2=float(1 - within[0] / total),
        chance_r2=(len(labels.style) - 1) / (len(labels) - 1),
    )


def permdisp(distances: Tensor | NDArray[np.float64], labels: Labels) -> Permdisp:
    """Homogeneity of dispersions of the styles, about their centroids.

    The squared distance of an image to a centroid is that along the principal coordinates of
    positive eigenvalue minus that along the imaginary ones of negative eigenvalue (Anderson 2006),
    and 0 where that is negative. It is computed without the axes; see `centroid_squares`.

    Args:
        distances: symmetric, (N, N), 0 or more; the diagonal is not read.
        labels: of the N images.

    Raises:
        ValueError: if `distances` is no symmetric finite matrix of N images.
        StyleError: if a distance is negative, all are 0, or there are not two styles, one of them
            with two images.
    """
    squares = unsigned_distances(distances, len(labels), "PERMDISP") ** 2
    check_groups(labels, squares)
    codes, names = labels.style.codes, labels.style.names
    away = np.sqrt(centroid_squares(squares, codes[None], len(names)))
    means = np.bincount(codes, weights=away[0]) / np.bincount(codes)
    return Permdisp(
        f=float(dispersion_f(away, codes[None], len(names))[0]),
        dispersions=dict(zip(names, means.tolist(), strict=True)),
    )


def centroid_squares(squares: Values, codes: Codes, groups: int) -> Values:
    """Squared distance of each image to the centroid of its group, for many labellings, (B, N).

    Mean over j of d_ij^2 - mean over j and k of d_jk^2 / 2, j and k in the group of i.

    Args:
        squares: squared distances, (N, N).
        codes: group of each image, (B, N).
        groups: S.
    """
    member = members(codes, groups)
    sizes = member.sum(axis=2)  # (B, S)
    reach = (member.reshape(-1, len(squares)) @ squares).reshape(member.shape)  # (B, S, N)
    spread = np.einsum("bsn,bsn->bs", reach, member) / (2 * sizes**2)
    own = np.einsum("bsn,bsn->bn", reach / sizes[:, :, None] - spread[:, :, None], member)
    return np.maximum(own, 0)


def residual_squares(squares: Values, codes: Codes, groups: int) -> Values:
    """Squared distances of the images once the centroids of their groups (N,) lie on one point."""
    member = members(codes[None], groups)[0]
    keep = np.eye(len(codes)) - member.T @ (member / member.sum(axis=1, keepdims=True))
    products = -0.5 * keep @ squares @ keep
    norms = np.diag(products)
    return norms[:, None] + norms - 2 * products


def members(codes: Codes, groups: int) -> Values:
    """1 where a unit is of a group, else 0: (B, U) -> (B, S, U)."""
    return (codes[:, None, :] == np.arange(groups)[:, None]).astype(np.float64)


def forms(matrix: Values, codes: Codes, groups: int) -> Values:
    """Sum of the entries of `matrix` between the members of each group, for many labellings.

    Args:
        matrix: symmetric, (U, U).
        codes: group of each unit, (B, U).
        groups: S.

    Returns:
        (B, S).
    """
    member = members(codes, groups)
    return np.einsum("bsu,bsu->bs", (member.reshape(-1, len(matrix)) @ matrix).reshape(member.shape), member)


def totals(values: Values, codes: Codes, groups: int) -> Values:
    """Sum of the values (U,) of the members of each group, for many labellings (B, U); (B, S)."""
    return members(codes, groups) @ values


def within_square(squares: Values, codes: Codes, sizes: Values, groups: int) -> Values:
    """SS_within of many labellings of units that hold `sizes` images each, (B,).

    Args:
        squares: squared distances summed over the images of two units, (U, U).
        codes: group of each unit, (B, U).
        sizes: (U,).
        groups: S.
    """
    return (forms(squares, codes, groups) / (2 * totals(sizes, codes, groups))).sum(axis=1)


def f_ratio(total: float | Values, within: Values, groups: int, count: int) -> Values:
    """((total - within) / (groups - 1)) / (within / (count - groups)); infinite where within is 0."""
    return ratio((total - within) / (groups - 1), within / (count - groups))


def dispersion_f(away: Values, codes: Codes, groups: int) -> Values:
    """F of a one-way analysis of variance of values (B, N), groups (B, N); (B,), 0 where all are equal."""
    member = members(codes, groups)
    between = (np.einsum("bsn,bn->bs", member, away) ** 2 / member.sum(axis=2)).sum(axis=1)
    squared = (away**2).sum(axis=1)
    total, within = (
        np.where(spread > ROUNDING * squared, spread, 0.0)
        for spread in (squared - away.sum(axis=1) ** 2 / away.shape[1], squared - between)
    )
    return f_ratio(total, within, groups, away.shape[1])


def check_groups(labels: Labels, squares: Values) -> None:
    """Raise `StyleError` unless there are two styles, more images than styles, and a distance."""
    if len(labels.style) < 2 or len(labels) <= len(labels.style):
        raise StyleError(
            "an analysis of variance needs at least two styles, one of them with two images; got "
            f"{len(labels.style)} styles over {len(labels)} images"
        )
    if not squares.any():
        raise StyleError("an analysis of variance needs distances, got only zeros")
