"""Each image as a query among the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gramstyle import check
from gramstyle.errors import StyleError
from gramstyle.study.estimates import Values, auc, paired_matrix
from gramstyle.study.pairs import Pairs


@dataclass(frozen=True, kw_only=True)
class Score:
    """A number about one ranking, between 0 and 1; R images are relevant.

    Attributes:
        name: what users call it.
        formula: in words.
        ties: what it does with images at one distance, so that their order in a file never counts.
        chance: its value for a ranking that knows nothing; None says `Retrieval.chance`.
        source: where it was published.
    """

    name: str
    formula: str
    ties: str
    chance: float | None
    source: str


SCORES: dict[str, Score] = {
    score.name: score
    for score in (
        Score(
            name="triplet",
            formula="P(D(anchor, relevant) < D(anchor, distractor))",
            ties="count half",
            chance=0.5,
            source="two-alternative forced choice; the AUC of one anchor, blind to its own scale",
        ),
        Score(
            name="recall-at-1",
            formula="whether the nearest image is relevant",
            ties="its expectation over orders of the nearest",
            chance=None,
            source="R@1",
        ),
        Score(
            name="average-precision",
            formula="mean over relevant images of the precision at their rank",
            ties="enter together, and precision is taken behind them",
            chance=None,
            source="Manning, Raghavan and Schuetze 2008, section 8.4; ties as in scikit-learn",
        ),
        Score(
            name="average-precision-at-k",
            formula="sum over relevant images among the first k of the precision at their rank / min(k, R)",
            ties="as average-precision; ties across rank k count in part",
            chance=None,
            source="mAP@k",
        ),
        Score(
            name="r-precision",
            formula="share of relevant images among the first R",
            ties="its expectation over orders",
            chance=None,
            source="Manning, Raghavan and Schuetze 2008, section 8.4",
        ),
    )
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Retrieval:
    """Scores of every anchor that has a relevant image and a distractor.

    Attributes:
        anchors: row of each in the matrix, (A,).
        scores: name, one of `SCORES` -> one number per anchor, (A,).
        chance: relevant images / images ranked, (A,): what recall-at-1 and r-precision are at
            chance, and average precision nearly is.
        k: of average-precision-at-k.
    """

    anchors: NDArray[np.intp]
    scores: Mapping[str, Values]
    chance: Values
    k: int

    @property
    def means(self) -> dict[str, float]:
        """Mean over anchors of each score; that of average-precision is mAP."""
        return {name: float(values.mean()) for name, values in self.scores.items()}


def retrieval(distances: Tensor | NDArray[np.float64], pairs: Pairs, k: int = 10) -> Retrieval:
    """Rank, for every image, those it makes a pair with: near ones are relevant, far ones distract.

    Images of one style and one source as the anchor are neither, by the rule of the question.

    Args:
        distances: symmetric, (N, N); the diagonal is not read.
        pairs: a question of the N labels, "style" as a rule.
        k: ranks of average-precision-at-k.

    Raises:
        ValueError: if `distances` is no symmetric finite matrix, or `k` is not positive.
        StyleError: if the pairs are of other images, or no anchor has both kinds.
    """
    check.positive("k", k)
    matrix = paired_matrix(distances, pairs)
    relevant, distracting = (_square(len(matrix), pairs, far) for far in (False, True))
    anchors = np.flatnonzero(relevant.any(axis=1) & distracting.any(axis=1))
    if not len(anchors):
        raise StyleError(f"question {pairs.name} has no anchor that is in a near pair and in a far pair")
    rows = []
    for anchor in anchors:
        near, far = matrix[anchor, relevant[anchor]], matrix[anchor, distracting[anchor]]
        rows.append([auc(near, far), *_ranked(near, far, k)])
    table = np.asarray(rows, dtype=np.float64)  # (A, scores)
    counts = [one[anchors].sum(axis=1) for one in (relevant, distracting)]
    return Retrieval(
        anchors=anchors,
        scores=dict(zip(SCORES, table.T, strict=True)),
        chance=counts[0] / (counts[0] + counts[1]),
        k=k,
    )


def _ranked(near: Values, far: Values, k: int) -> tuple[float, float, float, float]:
    """Recall at 1, average precision, the same at k, and R-precision of one anchor.

    Images at one distance are a group; a score that cuts a group takes its share of it.
    """
    values = np.concatenate([near, far])
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    hits = np.bincount(group[: len(near)], minlength=len(sizes))
    before = np.cumsum(sizes) - sizes
    precision = np.cumsum(hits) / (before + sizes)

    def among(ranks: int) -> Values:
        """Relevant images of each group among the first ranks."""
        return hits * np.clip(ranks - before, 0, sizes) / sizes

    found = len(near)
    return (
        float(among(1).sum()),
        float((hits * precision).sum()) / found,
        float((among(k) * precision).sum()) / min(k, found),
        float(among(found).sum()) / found,
    )


def _square(size: int, pairs: Pairs, far: bool) -> NDArray[np.bool_]:
    """Which images make a near, or a far, pair, (N, N)."""
    square = np.zeros((size, size), dtype=bool)
    first, second = pairs.first[pairs.far == far], pairs.second[pairs.far == far]
    square[first, second] = square[second, first] = True
    return square
