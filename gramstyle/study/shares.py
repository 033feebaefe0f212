"""What style, content and palette each account for in squared distances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.distance.square import unsigned_distances
from gramstyle.errors import StyleError
from gramstyle.study.labels import Factor, Labels

RESIDUAL = "residual"


@dataclass(frozen=True, kw_only=True)
class FactorShares:
    """Shares of the sum of squared distances.

    Attributes:
        shares: term -> R^2. Terms are factors, interactions written ``style:content``, and
            `RESIDUAL`; the last two only in a balanced design.
        chance: term -> what R^2 would be if the images were shuffled, degrees of freedom / (N - 1).
        balanced: whether every combination of labels holds equally many images. Then the terms are
            orthogonal and sum to 1; else each factor stands alone, shares overlap, and no
            interaction or residual is given.
        note: the same in words, for reports.
    """

    shares: Mapping[str, float]
    chance: Mapping[str, float]
    balanced: bool
    note: str


def factor_shares(distances: Tensor | NDArray[np.float64], labels: Labels) -> FactorShares:
    """Partition the squared distances by style, content, palette and their two-way interactions.

    Distance-based redundancy analysis (Legendre and Anderson 1999; McArdle and Anderson 2001):
    SS = tr(H G), G the Gower-centred matrix of -d^2 / 2 and H the projection onto a term. Factors
    with one label, or that are not known, are left out. Interactions of three factors, and that
    of two factors where each combination is one image, are in the residual. On distances that are
    not Euclidean a share may be negative.

    Args:
        distances: symmetric, (N, N), 0 or more; the diagonal is not read.
        labels: of the N images.

    Raises:
        ValueError: if `distances` is no symmetric finite matrix of N images.
        StyleError: if a distance is negative, all are 0, or no factor has two labels.
    """
    squares = unsigned_distances(distances, len(labels), "factor_shares") ** 2
    factors = _factors(labels)
    centred = -0.5 * (squares - squares.mean(0) - squares.mean(0)[:, None] + squares.mean())
    total = float(np.trace(centred))
    if total <= 0:
        raise StyleError("factor_shares needs distances, got only zeros")
    balanced = _balanced(list(factors.values()))
    terms: list[tuple[str, ...]] = [(name,) for name in factors]
    if balanced:
        terms += _interactions(factors, len(labels))
    sums: dict[tuple[str, ...], float] = {}
    degrees: dict[tuple[str, ...], int] = {}
    for term in terms:
        cells = _cells([factors[name] for name in term])
        within: list[tuple[str, ...]] = [(name,) for name in term] if len(term) > 1 else []
        sums[term] = _projected(centred, cells) - sum(sums[one] for one in within)
        degrees[term] = int(cells.max()) - sum(degrees[one] for one in within)
    shares = {":".join(term): value / total for term, value in sums.items()}
    chance = {":".join(term): one / (len(labels) - 1) for term, one in degrees.items()}
    if balanced:
        shares[RESIDUAL], chance[RESIDUAL] = 1 - sum(shares.values()), 1 - sum(chance.values())
    note = (
        f"balanced design of {' x '.join(f'{len(one)} {name}' for name, one in factors.items())}: "
        "orthogonal terms that sum to 1"
        if balanced
        else "unbalanced design: each factor alone, without the others held fixed; shares overlap"
    )
    return FactorShares(shares=shares, chance=chance, balanced=balanced, note=note)


def _factors(labels: Labels) -> dict[str, Factor]:
    known = {name: labels.factor(name) for name in ("style", "content", "palette")}
    factors = {name: one for name, one in known.items() if one is not None and len(one) > 1}
    if not factors:
        raise StyleError("factor_shares needs a factor with two labels: two styles, contents or palettes")
    return factors


def _interactions(factors: Mapping[str, Factor], count: int) -> list[tuple[str, ...]]:
    """Pairs of factors; none where the only pair has one image in each cell."""
    pairs: list[tuple[str, ...]] = list(combinations(factors, 2))
    alone = len(factors) == 2 and count == np.prod([len(one) for one in factors.values()])
    return [] if alone else pairs


def _balanced(factors: Sequence[Factor]) -> bool:
    counts = np.bincount(_cells(factors))
    return len(counts) == np.prod([len(one) for one in factors]) and bool((counts == counts[0]).all())


def _cells(factors: Sequence[Factor]) -> NDArray[np.intp]:
    """Combination of labels of each image, numbered without gaps, (N,)."""
    return np.unique(np.stack([one.codes for one in factors]), axis=1, return_inverse=True)[1].ravel()


def _projected(centred: NDArray[np.float64], cells: NDArray[np.intp]) -> float:
    """tr(H G), H the projection onto the means of cells."""
    member = np.equal.outer(cells, np.arange(cells.max() + 1)).astype(np.float64)
    return float(((centred @ member * member).sum(axis=0) / member.sum(axis=0)).sum())
