"""Hypotheses, their predictions, and the rules that decide them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gramstyle.study.choices import chosen
from gramstyle.study.evidence import Evidence, Interval
from gramstyle.study.results import Condition, Decision

Outcome = tuple[str, Decision]
"""The figure in words, and the decision computed from it."""
Test = Callable[[Evidence], Outcome]
Found = list[tuple[str, Interval | None]]
"""A figure for each of several networks; None where it was not measured."""

ABSENT: Decision = "not measured"
SAME = 0.05
"""Differences of AUC that lie within it, interval and all, are none."""

EACH = "Decided for each learned network; where they disagree it is undecided."
GAIN = f"An interval of the difference of AUC above 0 supports, below 0 refutes. {EACH}"


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What must be seen if a hypothesis holds, written before the data are seen.

    Attributes:
        text: the prediction.
        rule: what supports and what refutes it.
        test: evidence -> outcome.
        decisive: whether the hypothesis falls with it.
    """

    text: str
    rule: str
    test: Test
    decisive: bool = True


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """A claim that can fail.

    Attributes:
        name: ``H1`` ...
        claim: in one sentence.
        predictions: what must be seen if it holds.
    """

    name: str
    claim: str
    predictions: tuple[Prediction, ...]


def above(threshold: float) -> Callable[[Interval], Decision]:
    """Supported if the whole interval lies above `threshold`, refuted if it lies below."""

    def decide(found: Interval) -> Decision:
        if found.low > threshold:
            return "supported"
        return "refuted" if found.high < threshold else "undecided"

    return decide


def below(threshold: float) -> Callable[[Interval], Decision]:
    """Supported if the whole interval lies below `threshold`, refuted if it lies above."""

    def decide(found: Interval) -> Decision:
        if found.high < threshold:
            return "supported"
        return "refuted" if found.low > threshold else "undecided"

    return decide


def different(found: Interval) -> Decision:
    """Supported if the interval leaves 0 out, refuted if it lies within `SAME` of 0."""
    if found.low > 0 or found.high < 0:
        return "supported"
    return "refuted" if found.low > -SAME and found.high < SAME else "undecided"


def each(found: Found, decide: Callable[[Interval], Decision]) -> Outcome:
    """A prediction about each of several networks, in words, decided for each and together."""
    measured = [(name, one) for name, one in found if one is not None]
    if not measured:
        return "no network of this study has what this needs", ABSENT
    decided = [(name, one, decide(one)) for name, one in measured]
    words = "; ".join(f"{name}: {one}, {decision}" for name, one, decision in decided)
    return words, together([decision for _, _, decision in decided])


def together(decisions: Sequence[Decision]) -> Decision:
    """What all agree on; undecided where they do not."""
    if not decisions:
        return ABSENT
    return decisions[0] if len(set(decisions)) == 1 else "undecided"


def one_of_all(found: Interval | None, what: str, decide: Callable[[Interval], Decision]) -> Outcome:
    """A prediction about all networks at once."""
    if found is None:
        return f"fewer than four taps for {what}", ABSENT
    return f"{what}: {found}", decide(found)


def held_out(evidence: Evidence, first: str, second: str) -> tuple[str, Interval | None]:
    """Held-out AUC of one network minus that of another, each at the tap chosen on development styles."""
    one, other = chosen(evidence, first), chosen(evidence, second)
    if one is None or other is None:
        return f"{first} minus {second}", None
    words = f"{first} {one.tap} minus {second} {other.tap}"
    return words, evidence.mean_difference([(one, other)], split="held-out")


def over_ladder(
    evidence: Evidence, changed: Mapping[str, str], base: Mapping[str, str] | None = None
) -> Found:
    """Mean over the ladder of AUC with some attributes changed minus AUC without, for each network."""
    found: Found = []
    for network in evidence.networks(learned=True):
        pairs = [
            (
                evidence.plain(network, tap, **{**(base or {}), **changed}),
                evidence.plain(network, tap, **(base or {})),
            )
            for tap in evidence.ladder[network]
        ]
        there = [pair for pair in pairs if evidence.estimate(pair[0]) is not None]
        found.append((f"{network} ({len(there)} taps)", evidence.mean_difference(there)))
    return found


def of_taps(evidence: Evidence, pairs_of: Callable[[Evidence, str], Sequence[tuple[str, str]]]) -> Found:
    """Mean AUC of first taps minus second taps, for each network."""
    found: Found = []
    for network in evidence.networks(learned=True):
        taps = pairs_of(evidence, network)
        pairs = [(evidence.plain(network, one), evidence.plain(network, other)) for one, other in taps]
        said = ", ".join(f"{one} against {other}" for one, other in taps)
        found.append((f"{network} ({said})", evidence.mean_difference(pairs)))
    return found


def at_last(evidence: Evidence, name: str) -> Found:
    """An estimate at the deepest tap of each learned network: where the question was asked."""
    return [
        (f"{one.network} {one.tap}", evidence.interval(one, name))
        for one in (last(evidence, network) for network in evidence.networks(learned=True))
    ]


def last(evidence: Evidence, network: str, **changed: str) -> Condition:
    """The deepest ladder tap of a network."""
    return evidence.plain(network, evidence.last(network), **changed)


def unmeasured(why: str) -> Test:
    """A prediction that no study can test with what there is."""

    def test(evidence: Evidence) -> Outcome:
        return why, ABSENT

    return test
