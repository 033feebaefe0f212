"""Tests of whether distances know the styles, by permuting the labels of sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gramstyle import check
from gramstyle.distance.square import square_distances, unsigned_distances
from gramstyle.errors import StyleError
from gramstyle.study.labels import Labels, coded
from gramstyle.study.pairs import ask
from gramstyle.study.resample import blocks
from gramstyle.study.variance import (
    Codes,
    Values,
    centroid_squares,
    check_groups,
    dispersion_f,
    f_ratio,
    forms,
    residual_squares,
    totals,
    within_square,
)

ROUNDING = 1e-10
"""Share of a statistic by which equal labellings may differ, summed in another order."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PermutationTest:
    """A statistic among its values under permuted labels.

    Attributes:
        statistic: ``auc``, ``permanova`` or ``permdisp``.
        observed: under the labels as they are.
        p: (1 + number of permutations that reach it) / (1 + permutations); one-sided, upward.
        permuted: under each permutation, (B,).
        unit: what was permuted: sources with all their images, or images (crop protocol).
    """

    statistic: str
    observed: float
    p: float
    permuted: Values
    unit: Literal["source", "image"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Units:
    """What keeps together under permutation.

    Attributes:
        of: unit of each image, (N,).
        styles: style of each unit, (U,).
        strata: stratum of each unit, (U,).
        sizes: images of each unit, (U,).
    """

    of: Codes
    styles: Codes
    strata: Codes
    sizes: Values

    def summed(self, matrix: Values) -> Values:
        """Entries summed over the images of two units, (N, N) -> (U, U)."""
        member = np.equal.outer(np.arange(len(self.sizes)), self.of).astype(np.float64)
        return member @ matrix @ member.T


def permute_auc(
    distances: Tensor | NDArray[np.float64],
    labels: Labels,
    *,
    permutations: int = 9999,
    seed: int = 0,
    strata: Sequence[str] | None = None,
) -> PermutationTest:
    """Test the AUC of the style question against labellings that know nothing of the distances.

    Style labels are permuted over sources, and the images of one source move together: two
    images are a pair in as many ways as they were before, and nothing is taken as independent
    but sources (node permutation: Mantel 1967; Hubert and Schultz 1976). Valid where sources are
    exchangeable if style does not matter.

    Where each style is one source (crop protocol) there is nothing above the image to permute, and
    labels are permuted over images. That is valid too: it tests that the crops of all sources are
    exchangeable, that is, that the distance does not know which source a crop is from. Rejecting
    it says that crops of these sources are told apart, and nothing of styles as such.

    Args:
        distances: symmetric, (N, N); the diagonal is not read.
        labels: of the N images.
        permutations: B; the smallest p is 1 / (B + 1).
        seed: of the permutations; the same labels and seed permute alike for every matrix.
        strata: labels within which to permute, per image and alike for the images of one source,
            such as the content of a factorial design; None permutes over all.

    Raises:
        ValueError: if `distances` is no symmetric finite matrix of N images, or `permutations` is
            not positive.
        StyleError: if the labels hold no near or no far pair, or `strata` divides a source.
    """
    matrix = square_distances(distances, len(labels))
    pairs = ask("style", labels)
    units = _units(labels, strata)
    ranks = np.zeros_like(matrix)
    _, place, ties = np.unique(matrix[pairs.first, pairs.second], return_inverse=True, return_counts=True)
    middle = np.cumsum(ties) - (ties - 1) / 2  # mean rank of the tied
    ranks[pairs.first, pairs.second] = ranks[pairs.second, pairs.first] = middle[place]
    summed, styles = units.summed(ranks), len(labels.style)
    # images of one source are no pair, so pairs within a style are those across its units
    inside = float((units.sizes**2).sum())

    def statistic(codes: Codes) -> Values:
        near = ((totals(units.sizes, codes, styles) ** 2).sum(axis=1) - inside) / 2
        below = forms(summed, codes, styles).sum(axis=1) / 2 - near * (near + 1) / 2
        return 1 - below / (near * (len(pairs.far) - near))

    return _test("auc", statistic, units, styles, permutations, seed)


def permute_permanova(
    distances: Tensor | NDArray[np.float64],
    labels: Labels,
    *,
    permutations: int = 9999,
    seed: int = 0,
    strata: Sequence[str] | None = None,
) -> PermutationTest:
    """Test the pseudo-F of `permanova`; what is permuted, arguments and errors as `permute_auc`.

    Raises:
        ValueError: as `permute_auc`.
        StyleError: as `permute_auc` and `permanova`.
    """
    squares = unsigned_distances(distances, len(labels), "PERMANOVA") ** 2
    check_groups(labels, squares)
    units, styles, count = _units(labels, strata), len(labels.style), len(labels)
    summed, total = units.summed(squares), float(squares.sum() / (2 * count))

    def statistic(codes: Codes) -> Values:
        return f_ratio(total, within_square(summed, codes, units.sizes, styles), styles, count)

    return _test("permanova", statistic, units, styles, permutations, seed)


def permute_permdisp(
    distances: Tensor | NDArray[np.float64],
    labels: Labels,
    *,
    permutations: int = 9999,
    seed: int = 0,
    strata: Sequence[str] | None = None,
) -> PermutationTest:
    """Test the F of `permdisp`; what is permuted, arguments and errors as `permute_auc`.

    Styles are first moved to one place, and the images so centred are permuted and measured from
    the centroids of the permuted styles (Anderson 2006: permutation of least-squares residuals).
    Without the first step styles at different places would count as styles of different width;
    without the second the test is liberal, because distances to a centroid that few images have
    made are not exchangeable between styles.

    Raises:
        ValueError: as `permute_auc`.
        StyleError: as `permute_auc` and `permdisp`.
    """
    squares = unsigned_distances(distances, len(labels), "PERMDISP") ** 2
    check_groups(labels, squares)
    units, styles = _units(labels, strata), len(labels.style)
    centred = residual_squares(squares, labels.style.codes, styles)

    def statistic(codes: Codes) -> Values:
        images = codes[:, units.of]
        return dispersion_f(np.sqrt(centroid_squares(centred, images, styles)), images, styles)

    return _test("permdisp", statistic, units, styles, permutations, seed)


def _units(labels: Labels, strata: Sequence[str] | None) -> _Units:
    """Sources, or images where each style is one source."""
    if labels.one_source_each:
        of, styles = np.arange(len(labels)), labels.style.codes
    else:
        of, styles = labels.source.codes, labels.style_of_source
    stratum = np.zeros(len(styles), dtype=np.intp)
    if strata is not None:
        if len(strata) != len(labels):
            raise StyleError(f"strata must be as many as images, {len(labels)}; got {len(strata)}")
        codes = coded(strata).codes
        stratum[of] = codes
        if (stratum[of] != codes).any():
            raise StyleError("strata must not divide a source: all images of one source move together")
    return _Units(of=of, styles=styles, strata=stratum, sizes=np.bincount(of).astype(np.float64))


def _relabelled(units: _Units, permutations: int, seed: int, styles: int) -> Iterator[tuple[slice, Codes]]:
    """Blocks of permuted styles of units, (b, U), within strata."""
    generator = np.random.default_rng(seed)
    slots = np.argsort(units.strata, kind="stable")
    for rows in blocks(permutations, 3 * styles * len(units.of)):
        keys = generator.random((rows.stop - rows.start, len(slots))) + units.strata
        codes = np.empty(keys.shape, dtype=np.intp)
        codes[:, slots] = units.styles[np.argsort(keys, axis=1)]
        yield rows, codes


def _test(
    name: str,
    statistic: Callable[[Codes], Values],
    units: _Units,
    styles: int,
    permutations: int,
    seed: int,
) -> PermutationTest:
    check.positive("permutations", permutations)
    observed = float(statistic(units.styles[None])[0])
    permuted = np.empty(permutations)
    for rows, codes in _relabelled(units, permutations, seed, styles):
        permuted[rows] = statistic(codes)
    reached = int((permuted >= observed - ROUNDING * abs(observed)).sum())
    return PermutationTest(
        statistic=name,
        observed=observed,
        p=(1 + reached) / (1 + permutations),
        permuted=permuted,
        unit="image" if len(units.styles) == len(units.of) else "source",
    )
