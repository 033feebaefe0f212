"""Estimates and their bootstrap draws, looked up by condition and compared on the same resamples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gramstyle.study.intervals import interval, paired_difference
from gramstyle.study.results import (
    PIXELS,
    Condition,
    DiagnosticValue,
    Difference,
    Estimate,
    NoisePoint,
    Split,
    Tap,
    is_learned,
)

Draws = NDArray[np.float64]
Key = tuple[Condition, str, str, Split]
"""Condition, question, estimate, split."""


@dataclass(frozen=True)
class Interval:
    """A figure with its interval.

    Attributes:
        value: the figure.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        value, low, high = (f"{round(one, 3) + 0.0:.3f}" for one in (self.value, self.low, self.high))
        return f"{value} [{low}, {high}]"  # + 0.0: rounded, -0.0001 would be -0.000


class Evidence:
    """What a study measured, before anything is concluded from it.

    Args:
        estimates: all of them.
        draws: bootstrap draws of those that have them, all on the same resamples.
        taps: every tap of every network.
        ladder: network -> names of its ladder taps, shallow to deep.
        diagnostics: of taps.
        noise: of taps.
        primary: statistic and metric of the primary readout.
        level: of the intervals.
    """

    def __init__(
        self,
        *,
        estimates: Iterable[Estimate],
        draws: Mapping[Key, Draws],
        taps: Sequence[Tap],
        ladder: Mapping[str, Sequence[str]],
        diagnostics: Sequence[DiagnosticValue],
        noise: Sequence[NoisePoint],
        primary: tuple[str, str],
        level: float,
    ) -> None:
        self.estimates = {(one.condition, one.question, one.name, one.split): one for one in estimates}
        self.draws = draws
        self.taps = taps
        self.ladder = ladder
        self.diagnostics = {(one.backbone, one.weights, one.tap, one.name): one for one in diagnostics}
        self.noise = noise
        self.primary = primary
        self.level = level

    def plain(self, network: str, tap: str, **changed: str) -> Condition:
        """The primary readout of a tap as it is, with some attributes changed."""
        backbone, _, weights = network.partition("@")
        statistic, metric = self.primary
        base = Condition(backbone=backbone, weights=weights, tap=tap, statistic=statistic, metric=metric)
        return replace(base, **changed)

    def networks(self, *, learned: bool) -> list[str]:
        """``NAME@WEIGHTS`` of the networks with learned weights, or of the random copies."""
        found = dict.fromkeys(
            f"{tap.backbone}@{tap.weights}"
            for tap in self.taps
            if tap.backbone != PIXELS and is_learned(tap) == learned
        )
        return list(found)

    def copies(self, network: str) -> list[str]:
        """Random copies of a network."""
        backbone = network.partition("@")[0]
        return [one for one in self.networks(learned=False) if one.partition("@")[0] == backbone]

    def last(self, network: str) -> str:
        """The deepest ladder tap: where the question was asked."""
        return self.ladder[network][-1]

    def tap(self, network: str, name: str) -> Tap:
        """The record of a tap."""
        return next(one for one in self.taps if (f"{one.backbone}@{one.weights}", one.tap) == (network, name))

    def taps_of(self, network: str) -> list[Tap]:
        """Records of all taps of a network, shallow to deep."""
        return [one for one in self.taps if f"{one.backbone}@{one.weights}" == network]

    def estimate(
        self, condition: Condition, name: str = "auc", question: str = "style", split: Split = "all"
    ) -> Estimate | None:
        """An estimate, or None where it was not measured."""
        return self.estimates.get((condition, question, name, split))

    def drawn(self, condition: Condition, name: str = "auc", split: Split = "all") -> Draws | None:
        """Bootstrap draws of an estimate of the style question, or None."""
        return self.draws.get((condition, "style", name, split))

    def interval(self, condition: Condition, name: str = "auc", split: Split = "all") -> Interval | None:
        """A figure with its interval, or None where it was not measured."""
        one = self.estimate(condition, name, split=split)
        if one is None or one.low is None or one.high is None:
            return None
        return Interval(one.value, one.low, one.high)

    def mean_difference(
        self, pairs: Sequence[tuple[Condition, Condition]], name: str = "auc", split: Split = "all"
    ) -> Interval | None:
        """Mean over `pairs` of first minus second, on the same resamples; None if one is missing.

        Without an interval, NaN, where no resample has them all.
        """
        values, draws = [], []
        for first, second in pairs:
            one, other = self.estimate(first, name, split=split), self.estimate(second, name, split=split)
            mine, theirs = self.drawn(first, name, split), self.drawn(second, name, split)
            if one is None or other is None or mine is None or theirs is None:
                return None
            values.append(one.value - other.value)
            with np.errstate(invalid="ignore"):  # of two infinite contrasts
                draws.append(mine - theirs)
        if not values:
            return None
        return self.around(float(np.mean(values)), np.mean(draws, axis=0))

    def difference(
        self, what: str, first: Condition, second: Condition, name: str = "auc", split: Split = "all"
    ) -> Difference | None:
        """First minus second with interval and p; None if one was not measured, or in no resample."""
        found = self.mean_difference([(first, second)], name, split)
        mine, theirs = self.drawn(first, name, split), self.drawn(second, name, split)
        if found is None or mine is None or theirs is None or np.isnan(found.low):
            return None
        tested = paired_difference(found.value, 0.0, mine, theirs, self.level)
        return Difference(
            what=what,
            first=first,
            second=second,
            estimate=name,
            split=split,
            value=found.value,
            low=found.low,
            high=found.high,
            p=tested.p,
        )

    def around(self, value: float, draws: Draws) -> Interval:
        """A figure with the percentile interval of its draws."""
        if not np.isfinite(draws).any():
            return Interval(value, float("nan"), float("nan"))
        found = interval(draws, self.level)
        return Interval(value, found.low, found.high)

    def rank_correlation(
        self, conditions: Sequence[Condition], against: Sequence[float], name: str = "auc"
    ) -> Interval | None:
        """Spearman's rho over conditions of an estimate against fixed numbers, with its interval.

        The interval says how rho would differ for other styles and images; the conditions
        themselves are taken as given. None where fewer than four were measured; NaN where all
        estimates or all numbers are equal.
        """
        kept = []
        for condition, x in zip(conditions, against, strict=True):
            one, draws = self.estimate(condition, name), self.drawn(condition, name)
            if one is not None and draws is not None and np.isfinite(x):
                kept.append((one.value, draws, x))
        return self._ranked(kept)

    def rank_correlation_of_gains(
        self, pairs: Sequence[tuple[Condition, Condition]], against: Sequence[float]
    ) -> Interval | None:
        """As `rank_correlation`, of the AUC of first conditions minus that of second ones."""
        kept = []
        for (first, second), x in zip(pairs, against, strict=True):
            gain, mine, theirs = (
                self.mean_difference([(first, second)]),
                self.drawn(first),
                self.drawn(second),
            )
            if gain is not None and mine is not None and theirs is not None and np.isfinite(x):
                kept.append((gain.value, mine - theirs, x))
        return self._ranked(kept)

    def _ranked(self, kept: Sequence[tuple[float, Draws, float]]) -> Interval | None:
        from scipy.stats import rankdata

        if len(kept) < 4:
            return None
        ranks = rankdata([x for _, _, x in kept])
        matrix = np.stack([draws for _, draws, _ in kept])  # (conditions, draws)
        matrix = rankdata(matrix[:, np.isfinite(matrix).all(axis=0)], axis=0)
        values = rankdata([[value] for value, _, _ in kept], axis=0)
        return self.around(float(_correlations(values, ranks)[0]), _correlations(matrix, ranks))


def _correlations(matrix: Draws, fixed: Draws) -> Draws:
    """Pearson's r of each column with `fixed`; NaN where either is constant."""
    about = matrix - matrix.mean(axis=0)
    other = fixed - fixed.mean()
    scale = np.sqrt((about**2).sum(axis=0) * (other**2).sum())
    return np.divide(other @ about, scale, out=np.full(matrix.shape[1], np.nan), where=scale > 0)
