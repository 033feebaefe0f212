"""Taps chosen on development styles, and networks compared at them on held-out styles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from gramstyle.study.evidence import Evidence
from gramstyle.study.multiplicity import holm
from gramstyle.study.results import PIXELS, RGB, Choice, Condition, Difference


def choose(evidence: Evidence, networks: Sequence[str]) -> tuple[Choice, ...]:
    """The depth tap of each network with the highest AUC on the development styles.

    Its AUC on the held-out styles is tested by permutation; p-values are corrected by Holm over
    the networks. Networks without a held-out estimate are left out.
    """
    found = []
    for network in networks:
        condition = chosen(evidence, network)
        held = None if condition is None else evidence.estimate(condition, split="held-out")
        if condition is None or held is None or held.low is None or held.high is None or held.p is None:
            continue
        development = evidence.estimate(condition, split="development")
        found.append(
            Choice(
                network=network,
                tap=condition.tap,
                statistic=condition.statistic,
                metric=condition.metric,
                development=float("nan") if development is None else development.value,
                held_out=held.value,
                low=held.low,
                high=held.high,
                p=held.p,
                p_adjusted=held.p,
            )
        )
    adjusted = holm([one.p for one in found])
    return tuple(replace(one, p_adjusted=float(p)) for one, p in zip(found, adjusted, strict=True))


def chosen(evidence: Evidence, network: str, **changed: str) -> Condition | None:
    """The tap of highest AUC on the development styles under one readout; None if none was measured."""
    best, score = None, float("-inf")
    for tap in evidence.taps_of(network):
        condition = evidence.plain(network, tap.tap, **changed)
        one = evidence.estimate(condition, split="development")
        if one is not None and one.value > score:
            best, score = condition, one.value
    return best


def colour_baseline() -> Condition:
    """Mean and covariance of colours, by their 2-Wasserstein distance."""
    return Condition(backbone=PIXELS, weights="", tap=RGB, statistic="gaussian", metric="wasserstein")


def differences(evidence: Evidence, networks: Sequence[str]) -> tuple[Difference, ...]:
    """Held-out AUC of every two networks at their chosen taps, and of each against colours.

    All on the same resamples; p-values are corrected by Holm over the whole family.
    """
    named = [(network, chosen(evidence, network)) for network in networks]
    conditions = [(network, one) for network, one in named if one is not None]
    conditions.append(("colours", colour_baseline()))
    found = []
    for (first, one), (second, other) in combinations(conditions, 2):
        difference = evidence.difference(f"{first} minus {second}", one, other, split="held-out")
        if difference is not None:
            found.append(difference)
    adjusted = holm([one.p for one in found])
    return tuple(replace(one, p_adjusted=float(p)) for one, p in zip(found, adjusted, strict=True))
