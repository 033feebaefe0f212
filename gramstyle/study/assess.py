"""From one matrix of distances to its estimates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramstyle.study.bootstrap import bootstrap_auc, bootstrap_contrast, bootstrap_dprime, bootstrap_mean
from gramstyle.study.estimates import auc, estimates
from gramstyle.study.intervals import interval, leave_one_style_out
from gramstyle.study.labels import Labels, is_crossed
from gramstyle.study.pairs import Pairs, ask, questions
from gramstyle.study.permutation import permute_auc, permute_permanova, permute_permdisp
from gramstyle.study.resample import Resamples, draw_resamples
from gramstyle.study.results import Condition, Estimate, Split
from gramstyle.study.retrieval import retrieval
from gramstyle.study.shares import factor_shares
from gramstyle.study.variance import permanova, permdisp

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Part:
    """The images of one split, and all that is asked of them."""

    split: Split
    rows: NDArray[np.intp]
    labels: Labels
    questions: dict[str, Pairs]
    resamples: Resamples

    @property
    def strata(self) -> Sequence[str] | None:
        """Contents, where they are crossed with styles: labels are then permuted within each."""
        return self.labels.contents if is_crossed(self.labels) else None

    def of(self, matrix: Matrix) -> Matrix:
        """Distances among these images."""
        return matrix if self.split == "all" else matrix[np.ix_(self.rows, self.rows)]


@dataclass(frozen=True, kw_only=True)
class Assessed:
    """What one matrix showed.

    Attributes:
        condition: how it was made.
        estimates: its estimates.
        draws: (question, name, split) -> bootstrap draws.
    """

    condition: Condition
    estimates: tuple[Estimate, ...]
    draws: dict[tuple[str, str, Split], NDArray[np.float64]] = field(repr=False)


FEW_STYLES = 10
"""With fewer, intervals over styles say little; what hangs on a single style is reported beside them."""
LEFT_OUT = "auc-leave-one-style-out"
"""Range of the AUC when each style is missing in turn."""


def _style_auc(matrix: Matrix, labels: Labels) -> float:
    return auc(*ask("style", labels).split(matrix))


class Assessor:
    """Everything about a corpus that the estimates of all matrices share.

    Args:
        labels: of the N images.
        development: styles that choices are made on; the others are held out. None: no split.
        draws: bootstrap draws.
        permutations: of a permutation test.
        level: of the intervals.
        seed: of resamples and permutations.
    """

    def __init__(
        self,
        labels: Labels,
        development: Sequence[str],
        *,
        draws: int,
        permutations: int,
        level: float,
        seed: int,
    ) -> None:
        self.permutations, self.level, self.seed = permutations, level, seed
        chosen = np.isin(np.asarray(labels.styles), development)
        self.parts: dict[Split, Part] = {
            "all": _part("all", np.ones(len(labels), dtype=bool), labels, draws, seed)
        }
        if development:
            self.parts["development"] = _part("development", chosen, labels, draws, seed + 1)
            self.parts["held-out"] = _part("held-out", ~chosen, labels, draws, seed + 2)

    def assess(self, condition: Condition, matrix: Matrix, *, closely: bool) -> Assessed:
        """Estimates of one matrix.

        Args:
            condition: how it was made.
            matrix: distances, (N, N).
            closely: whether every estimate has an interval, and permutation tests are made.
        """
        found = _Found(condition, self.level)
        for part in self.parts.values():
            self._style(found, part, part.of(matrix), closely)
        whole = self.parts["all"]
        for name, pairs in whole.questions.items():
            self._question(found, whole, name, pairs, matrix, closely)
        if closely and 2 < len(whole.labels.style) < FEW_STYLES:
            found.range("style", LEFT_OUT, "all", *leave_one_style_out(matrix, whole.labels, _style_auc))
        self._retrieval(found, whole, matrix)
        self._variance(found, whole, matrix, closely)
        return Assessed(condition=condition, estimates=tuple(found.estimates), draws=found.draws)

    def _style(self, found: _Found, part: Part, matrix: Matrix, tested: bool) -> None:
        """AUC in every split, with draws and, where asked for, a test."""
        pairs = part.questions["style"]
        draws = None if part.split == "development" else bootstrap_auc(matrix, pairs, part.resamples)
        p = None
        if tested and part.split != "development":
            p = permute_auc(matrix, part.labels, **self._permuted(part)).p
        found.add("style", "auc", part.split, estimates(matrix, pairs)["auc"].value, draws, p=p, pairs=pairs)

    def _question(
        self, found: _Found, part: Part, name: str, pairs: Pairs, matrix: Matrix, closely: bool
    ) -> None:
        """Every estimate of a question over all styles; intervals where they are asked for."""
        for what, outcome in estimates(matrix, pairs).items():
            if (name, what) == ("style", "auc"):
                continue
            draws = None
            wanted = closely or (name == "style" and what == "contrast")
            if wanted and outcome.value is not None and what in BOOTSTRAPS:
                draws = BOOTSTRAPS[what](matrix, pairs, part.resamples)
            found.add(name, what, part.split, outcome.value, draws, pairs=pairs)

    def _permuted(self, part: Part) -> dict[str, Any]:
        return {"permutations": self.permutations, "seed": self.seed, "strata": part.strata}

    def _retrieval(self, found: _Found, part: Part, matrix: Matrix) -> None:
        """Means over anchors of the scores of a ranking."""
        ranked = retrieval(matrix, part.questions["style"])
        for name, values in ranked.scores.items():
            draws = bootstrap_mean(values, ranked.anchors, part.resamples)
            found.add("style", name, part.split, float(np.mean(values)), draws, images=len(values))

    def _variance(self, found: _Found, part: Part, matrix: Matrix, tested: bool) -> None:
        """PERMANOVA, PERMDISP and the shares of the factors, where squared distances exist and vary."""
        if matrix.min() < 0 or not matrix.any():  # all 0: covariances of taps with a single position
            return
        location, spread = permanova(matrix, part.labels), permdisp(matrix, part.labels)
        p = q = None
        if tested:
            p = permute_permanova(matrix, part.labels, **self._permuted(part)).p
            q = permute_permdisp(matrix, part.labels, **self._permuted(part)).p
        found.add("style", "permanova-f", part.split, location.f, None, p=p, images=len(matrix))
        found.add("style", "permanova-r2", part.split, location.r2, None, images=len(matrix))
        found.add("style", "permdisp-f", part.split, spread.f, None, p=q, images=len(matrix))
        for name, share in factor_shares(matrix, part.labels).shares.items():
            found.add("", f"share-{name}", part.split, share, None, images=len(matrix))


class _Found:
    """Estimates and draws as they come in."""

    def __init__(self, condition: Condition, level: float) -> None:
        self.condition, self.level = condition, level
        self.estimates: list[Estimate] = []
        self.draws: dict[tuple[str, str, Split], NDArray[np.float64]] = {}

    def range(self, question: str, name: str, split: Split, low: float, high: float) -> None:
        """Keep a range of an estimate that is no confidence interval; its value is the middle."""
        self.estimates.append(
            Estimate(
                condition=self.condition,
                question=question,
                name=name,
                split=split,
                value=(low + high) / 2,
                low=low,
                high=high,
            )
        )

    def add(
        self,
        question: str,
        name: str,
        split: Split,
        value: float | None,
        draws: NDArray[np.float64] | None,
        *,
        p: float | None = None,
        pairs: Pairs | None = None,
        images: int = 0,
    ) -> None:
        """Keep an estimate, and its draws where it has them."""
        low = high = None
        if draws is not None:
            self.draws[question, name, split] = draws
            if np.isfinite(draws).any():
                ends = interval(draws, self.level)
                low, high = ends.low, ends.high
        far = 0 if pairs is None else int(pairs.far.sum())
        self.estimates.append(
            Estimate(
                condition=self.condition,
                question=question,
                name=name,
                split=split,
                value=float("nan") if value is None else float(value),
                low=low,
                high=high,
                p=p,
                images=images if pairs is None else len(np.union1d(pairs.first, pairs.second)),
                near=0 if pairs is None else len(pairs.far) - far,
                far=far,
            )
        )


BOOTSTRAPS: dict[str, Callable[[Matrix, Pairs, Resamples], NDArray[np.float64]]] = {
    "auc": bootstrap_auc,
    "contrast": bootstrap_contrast,
    "dprime": bootstrap_dprime,
}
"""Estimates that are bootstrapped."""


def _part(split: Split, chosen: NDArray[np.bool_], labels: Labels, draws: int, seed: int) -> Part:
    rows = np.flatnonzero(chosen)
    mine = labels.subset(rows)
    return Part(
        split=split,
        rows=rows,
        labels=mine,
        questions=questions(mine),
        resamples=draw_resamples(mine, draws, seed),
    )
