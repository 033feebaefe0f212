"""How much each control takes from the difference between a VGG network and another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import factorial

import numpy as np

from gramstyle.study.evidence import Draws, Evidence, Interval
from gramstyle.study.results import Condition, GapShare

POSITIONS, CHANNELS = 49, 16
"""What the deepest tap of a network of 224 pixels has of one, and its narrowest block of the other."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """Something made equal between two networks.

    Attributes:
        name: in words.
        changed: attributes of the condition.
    """

    name: str
    changed: Mapping[str, str]


CONTROLS: tuple[Control, ...] = (
    Control(name=f"{POSITIONS} positions", changed={"features": f"subsample:{POSITIONS}"}),
    Control(name=f"{CHANNELS} channels", changed={"channels": f"projected:{CHANNELS}"}),
    Control(name="grey images", changed={"input": "grayscale"}),
    Control(name="centred", changed={"statistic": "covariance"}),
    Control(name="divided by norms", changed={"metric": "relative-frobenius"}),
)
"""In the order of the report."""

BEFORE, AFTER = "as it is", "all together"
"""Rows before and after those of the controls."""

LAST, LADDER = "the deepest tap", "the ladder's mean"
"""What a gap is taken at."""


def gaps(evidence: Evidence) -> tuple[GapShare, ...]:
    """The first VGG network against each learned network of another kind.

    At the deepest tap and on average over the ladder, in AUC and in contrast; nothing where a
    combination of controls was not measured.
    """
    learned = evidence.networks(learned=True)
    vgg = next((one for one in learned if one.startswith("vgg")), None)
    if vgg is None:
        return ()
    return tuple(
        row
        for other in learned
        if not other.startswith("vgg")
        for where in (LAST, LADDER)
        for name in ("auc", "contrast")
        for row in _rows(evidence, vgg, other, where, name)
    )


def _rows(evidence: Evidence, vgg: str, other: str, where: str, name: str) -> Iterator[GapShare]:
    whole = range(len(CONTROLS))
    values: dict[frozenset[int], tuple[float, Draws]] = {}
    for size in range(len(CONTROLS) + 1):
        for applied in combinations(whole, size):
            one, two = (_mean(evidence, network, where, applied, name) for network in (vgg, other))
            if one is None or two is None:
                return
            with np.errstate(invalid="ignore"):  # of two infinite contrasts
                values[frozenset(applied)] = one[0] - two[0], one[1] - two[1]

    def row(what: str, found: Interval) -> GapShare:
        return GapShare(
            network=vgg,
            other=other,
            where=where,
            estimate=name,
            name=what,
            value=found.value,
            low=found.low,
            high=found.high,
        )

    yield row(BEFORE, evidence.around(*values[frozenset()]))
    for place, control in enumerate(CONTROLS):
        yield row(control.name, evidence.around(*_shapley(values, place)))
    yield row(AFTER, evidence.around(*values[frozenset(whole)]))


def _shapley(values: Mapping[frozenset[int], tuple[float, Draws]], place: int) -> tuple[float, Draws]:
    """What a control takes from the gap, averaged over all orders in which controls can be applied.

    Shapley 1953: the sum over sets S without it of |S|! (n - |S| - 1)! / n! times gap(S) minus
    gap(S and it). The shares of all controls add up to the gap as it is minus that with all.
    """
    count = len(CONTROLS)
    value, draws = 0.0, np.zeros_like(values[frozenset()][1])
    for applied, (before, drawn_before) in values.items():
        if place in applied:
            continue
        weight = factorial(len(applied)) * factorial(count - len(applied) - 1) / factorial(count)
        after, drawn_after = values[applied | {place}]
        value += weight * (before - after)
        draws = draws + weight * (drawn_before - drawn_after)
    return value, draws


def _mean(
    evidence: Evidence, network: str, where: str, applied: Sequence[int], name: str
) -> tuple[float, Draws] | None:
    """An estimate under some controls, mean over taps, with its draws."""
    taps = evidence.ladder[network] if where == LADDER else [evidence.last(network)]
    values, draws = [], []
    for tap in taps:
        condition = _controlled(evidence, network, tap, applied)
        one, drawn = evidence.estimate(condition, name), evidence.drawn(condition, name)
        if one is None or drawn is None:
            return None
        values.append(one.value)
        draws.append(drawn)
    return float(np.mean(values)), np.mean(draws, axis=0)


def _controlled(evidence: Evidence, network: str, tap: str, applied: Sequence[int]) -> Condition:
    """A tap's condition under some controls; those that it satisfies as it is change nothing."""
    found = replace(evidence.plain(network, tap), statistic="gram", metric="frobenius")
    record = evidence.tap(network, tap)
    for place in applied:
        changed = CONTROLS[place].changed
        if "features" in changed and record.positions <= POSITIONS:
            continue
        if "channels" in changed and record.channels <= CHANNELS:
            continue
        found = replace(found, **changed)
    return found
