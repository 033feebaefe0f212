"""H1: whether sampling noise sets the contrast."""

from __future__ import annotations

import math
from statistics import median

import numpy as np

from gramstyle.study.evidence import Evidence, Interval
from gramstyle.study.hypotheses.prediction import (
    ABSENT,
    EACH,
    Found,
    Hypothesis,
    Outcome,
    Prediction,
    below,
    each,
    one_of_all,
)
from gramstyle.study.results import Condition

WIDE = 784
"""Positions of a 28 x 28 map, enough to draw 49 of."""


def collapse(evidence: Evidence) -> Outcome:
    """Rank correlation of contrast with the noise ratio, over networks, taps and drawn positions."""
    points = evidence.noise
    found = evidence.rank_correlation(
        [one.condition for one in points], [one.noise for one in points], "contrast"
    )
    return one_of_all(found, f"Spearman's rho over {len(points)} taps", below(-0.5))


def predicted_contrast(evidence: Evidence) -> Outcome:
    """Share of taps whose contrast lies within a factor of two of the predicted one."""
    ratios = [one.contrast / one.predicted for one in evidence.noise if one.contrast > 0 < one.predicted]
    if len(ratios) < 4:
        return "fewer than four taps with a predicted contrast", ABSENT
    inside = sum(0.5 <= one <= 2 for one in ratios) / len(ratios)
    words = f"{inside:.0%} of {len(ratios)} taps; median of measured / predicted {median(ratios):.2f}"
    return words, "supported" if inside >= 2 / 3 else "refuted" if inside < 1 / 3 else "undecided"


def fewer_positions(evidence: Evidence) -> Outcome:
    """Contrast at 49 drawn positions as a share of that at all of them, at the deepest wide tap."""
    found: Found = []
    for network in evidence.networks(learned=True):
        wide = [tap for tap in evidence.ladder[network] if evidence.tap(network, tap).positions >= WIDE]
        if wide:
            few = evidence.plain(network, wide[-1], features="subsample:49")
            whole = evidence.plain(network, wide[-1])
            found.append((f"{network} {wide[-1]}", share(evidence, few, whole, "contrast")))
    return each(found, below(0.5))


def share(evidence: Evidence, part: Condition, whole: Condition, name: str) -> Interval | None:
    """One estimate as a share of another, on the same resamples.

    Where the interval of the other is not above 0 the share may be anything, of either sign, and
    its interval has no ends (Fieller 1954).
    """
    one, other = evidence.estimate(part, name), evidence.interval(whole, name)
    mine, theirs = evidence.drawn(part, name), evidence.drawn(whole, name)
    if one is None or other is None or mine is None or theirs is None:
        return None
    if not other.low > 0:
        return Interval(one.value / other.value if other.value else math.nan, -math.inf, math.inf)
    draws = np.divide(mine, theirs, out=np.full(len(mine), np.nan), where=np.isfinite(theirs) & (theirs > 0))
    return evidence.around(one.value / other.value, draws)


NOISE_FLOOR = Hypothesis(
    name="H1",
    claim="Low contrast is sampling noise: few positions and many channels of like strength, whatever the "
    "network.",
    predictions=(
        Prediction(
            text="Over networks, taps and numbers of positions, contrast falls as 2 (PR + 1) / N_eff grows.",
            rule="An interval of Spearman's rho below -0.5 supports, above it refutes.",
            test=collapse,
        ),
        Prediction(
            text="49 positions drawn from a tap that has 784 or more give less than half of its contrast.",
            rule=f"An interval of the ratio below 0.5 supports, above it refutes. {EACH}",
            test=fewer_positions,
        ),
        Prediction(
            text="Contrast predicted from PR, N_eff and the distance of styles is right to a factor of two.",
            rule="At two thirds of the taps or more: supported; at less than one third: refuted.",
            test=predicted_contrast,
            decisive=False,
        ),
    ),
)
