"""The answer in short: sentences whose words are decided by the numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gramstyle.report.cells import LOW
from gramstyle.report.formats import count, listed, rounded_auc, rounded_percent
from gramstyle.report.reading import phrase
from gramstyle.report.study import numbers
from gramstyle.report.study.remedies import is_base, remedies_of
from gramstyle.report.study.view import AUC, CONTRAST, View
from gramstyle.study.results import Decision, Remedy, Tap


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A question that a reader has, and what the numbers say.

    Attributes:
        question: the question.
        answer: in sentences.
        items: what the first of them announces, one network or difference each.
        after: sentences that follow the items.
    """

    question: str
    answer: str
    items: tuple[str, ...] = ()
    after: str = ""


EXPLANATIONS = "What of the explanations?"
"""The question under which the page lists the hypotheses."""

HEAD = "head"
"""Kind of a tap after the last block, which widens the channels for the classifier."""

SURE = 0.05
"""Adjusted p below which a difference is spoken of as one."""

NAMED = 6
"""Things that one sentence names; the tables name all."""

DECISIONS: tuple[Decision, ...] = ("supported", "refuted", "undecided", "not measured")


def answer(view: View) -> list[Answer]:
    """Answers in the order in which a reader asks for them; those without numbers are left out."""
    found = [
        _premise(view),
        _networks(view),
        _differences(view),
        _verdicts(view),
        _remedies(view),
        _trust(view),
    ]
    return [one for one in found if one is not None]


def _premise(view: View) -> Answer | None:
    """Contrast and AUC at the deepest taps, and wherever contrast is near the question's."""
    metric = view.metrics[0] if view.metrics else ""
    points = {network: _both(view, network, metric) for network in view.learned}
    points = {network: found for network, found in points.items() if found}
    if not points:
        return None
    items = []
    for network, found in points.items():
        tap, contrast, auc = next((one for one in reversed(found) if one[0].kind != HEAD), found[-1])
        items.append(
            f"{view.label(network)}: contrast {numbers.percent(contrast)}, AUC {numbers.auc(auc)} at "
            f"{tap.tap}"
        )
    every = [one for found in points.values() for one in found]
    low = [auc for _, contrast, auc in every if abs(rounded_percent(contrast)) < LOW]
    return Answer(
        question="Do distances of similar and dissimilar images differ by only about 5 %?",
        answer=(
            f"Under the {metric} distance of Gram matrices, at the deepest tap of each network (its head "
            "left out):"
        ),
        items=tuple(items),
        after=(
            f"Contrast lies between -10 % and 10 % at {len(low)} of {count(len(every), 'tap')} of networks "
            f"with learned weights.{_auc_there(low)}"
        ),
    )


def _both(view: View, network: str, metric: str) -> list[tuple[Tap, float, float]]:
    """Taps of a network where contrast and AUC are known, shallow to deep."""
    contrast = {tap: one.value for tap, one in view.curve(network, metric, CONTRAST)}
    auc = {tap: one.value for tap, one in view.curve(network, metric, AUC)}
    found = [(tap, contrast[tap], auc[tap]) for tap in contrast if tap in auc]
    return [one for one in found if math.isfinite(one[1]) and math.isfinite(one[2])]


def _auc_there(values: Sequence[float]) -> str:
    if not values:
        return ""
    least, most = min(values), max(values)
    ends = list(dict.fromkeys(map(numbers.auc, (least, most))))
    there = (
        f" The AUC there is {ends[0]}" if len(ends) == 1 else f" The AUC there runs from {' to '.join(ends)}"
    )
    least, most = rounded_auc(least), rounded_auc(most)
    if least >= 0.8:
        return f"{there}: so little contrast goes with good separation here."
    if most < 0.55:
        return f"{there}: where contrast is that low, distances do not tell styles apart."
    if least < 0.55 and most >= 0.8:
        return f"{there}: the same low contrast goes with good separation and with none."
    return f"{there}."


def _networks(view: View) -> Answer | None:
    """Held-out AUC at chosen taps, and that of colours."""
    choices = [one for one in view.results.choices if math.isfinite(one.held_out)]
    if not choices:
        return None
    items = [
        f"{view.label(one.network)} {phrase(one.held_out)}: AUC "
        f"{numbers.with_interval(one.held_out, one.low, one.high)} at {one.tap}"
        for one in sorted(choices, key=lambda one: -one.held_out)
    ]
    colour = None if view.baseline is None else view.estimate(view.baseline, split="held-out")
    after = ""
    if colour is not None and math.isfinite(colour.value):
        reached = numbers.with_interval(colour.value, colour.low, colour.high)
        after = f"The colours of the images alone reach {reached} on the same styles."
    return Answer(
        question="Which networks tell styles apart?",
        answer="On styles that had no part in the choice of the tap:",
        items=tuple(items),
        after=after,
    )


def _differences(view: View) -> Answer | None:
    """Which differences of AUC hold after the correction."""
    tested = [one for one in view.results.differences if one.p_adjusted is not None and one.estimate == AUC]
    if not tested:
        return None
    sure = [one for one in tested if one.p_adjusted is not None and one.p_adjusted < SURE]
    items = [
        f"{view.between(one)}: {numbers.with_interval(one.value, one.low, one.high, numbers.signed)}"
        for one in sure[:NAMED]
    ]
    items += [f"and {len(sure) - NAMED} more, in the table below"] if len(sure) > NAMED else []
    holds = "holds" if len(sure) < 2 else "hold"
    return Answer(
        question="Which of them differ for sure?",
        answer=(
            f"Of {count(len(tested), 'difference')} of AUC that were tested, {len(sure) or 'none'} {holds} "
            f"after Holm's correction (adjusted p below {SURE:g}){':' if sure else '.'}"
        ),
        items=tuple(items),
    )


def _verdicts(view: View) -> Answer | None:
    """How many hypotheses came to what; which, the page lists."""
    verdicts = view.results.verdicts
    if not verdicts:
        return None
    counts = Counter(one.decision for one in verdicts)
    said = [f"{counts[decision]} {decision}" for decision in DECISIONS if counts[decision]]
    total = "one hypothesis" if len(verdicts) == 1 else f"{len(verdicts)} hypotheses"
    return Answer(
        question=EXPLANATIONS,
        answer=f"Of {total}, with predictions registered before the data were seen: {listed(said)}.",
    )


def _remedies(view: View) -> Answer | None:
    """For each network, how many other distances beat the plain one, and which is first."""
    items = []
    for network, found in remedies_of(view).items():
        known = [one for one in found if math.isfinite(one.held_out)]
        if any(not is_base(one) for one in known):
            items.append(f"{view.label(network)}: {_ranked(known)}")
    if not items:
        return None
    return Answer(
        question="Does another distance help?",
        answer=(
            "Held-out AUC of other distances of the same features, against that of the plain L2 distance "
            "of Gram matrices; higher or lower means that the interval of the difference leaves out 0:"
        ),
        items=tuple(items),
        after=(
            "The first place was found on the very styles that its AUC is of, which flatters it; that of "
            "the plain distance was not searched for."
        ),
    )


def _ranked(known: Sequence[Remedy]) -> str:
    others = [one for one in known if not is_base(one)]
    sides = [numbers.side_of_zero(one.gain_low, one.gain_high) for one in others]
    higher, lower = sides.count(1), sides.count(-1)
    first = known[0]
    leads = "the plain distance itself"
    if not is_base(first):
        auc = numbers.with_interval(first.held_out, first.low, first.high)
        gain = numbers.with_interval(first.gain, first.gain_low, first.gain_high, numbers.signed)
        leads = f"{first.name}, AUC {auc}, gain {gain}"
    return f"of {count(len(others), 'other')} {higher} higher and {lower} lower; first is {leads}"


def _trust(view: View) -> Answer:
    """What the sample is, and what it is not."""
    corpus, settings = view.results.corpus, view.results.provenance.settings
    styles = len(corpus.counts.get("style", {}))
    sentences = [
        f"They come from {count(corpus.images, 'image')} of {count(styles, 'style')} and "
        f"{count(corpus.sources, 'source')}."
    ]
    if corpus.development and corpus.held_out:
        sentences.append(
            f"Choices were made on {count(len(corpus.development), 'style')} and judged on "
            f"{len(corpus.held_out)} others."
        )
    draws = settings.get("draws")
    drawn = f", {draws:,} times" if isinstance(draws, int) else ""
    sentences.append(
        f"Intervals ({view.level}) are from drawing styles anew, and sources within each{drawn}: pairs "
        "share images, so the sample is the styles and images, not the pairs. Another collection of "
        "styles may give other numbers."
    )
    if corpus.notes:
        sentences.append("What was noticed about the images stands below, under what was compared.")
    return Answer(question="How far can these numbers be trusted?", answer=" ".join(sentences))
