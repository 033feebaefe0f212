"""What the numbers of a report say, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gramstyle.report import formats
from gramstyle.report.cells import LOW, Cell, cells_of
from gramstyle.report.formats import count, rounded_auc
from gramstyle.report.pattern import pattern
from gramstyle.report.summary import SummaryRow, summary_rows
from gramstyle.report.together import differing_settings, image_names
from gramstyle.study import Comparison

WORDS: tuple[tuple[float, str], ...] = (
    (1.0, "separates every pair"),
    (0.9, "separates very well"),
    (0.8, "separates well"),
    (0.7, "separates fairly"),
    (0.55, "separates weakly"),
    (0.45, "does not separate, it is at chance"),
    (0.0, "puts pairs the wrong way round"),
)
"""Least AUC, as shown, of each phrase, highest first."""


@dataclass(frozen=True)
class Finding:
    """A question that a reader has, and the answer of the numbers."""

    question: str
    answer: str


def reading(comparisons: Sequence[Comparison]) -> list[Finding]:
    """Findings in the order in which a reader asks for them, each decided by the numbers shown."""
    rows, cells = summary_rows(comparisons), cells_of(comparisons)
    findings = [
        Finding("How well does each architecture separate?", _separation(rows)),
        Finding("Is contrast anywhere near 5 %?", _near(cells)),
        Finding("Does contrast tell how well they separate?", _contrast_against_auc(cells)),
        Finding("Is this the pattern of the question?", pattern(rows, cells)),
        Finding("How far can these numbers be trusted?", _trust(comparisons)),
    ]
    return [finding for finding in findings if finding.answer]


def phrase(auc: float) -> str:
    """What an AUC amounts to, in words."""
    shown = rounded_auc(auc)
    return next(words for least, words in WORDS if shown >= least)


def _separation(rows: Sequence[SummaryRow]) -> str:
    """One sentence per metric: architectures by AUC over the taps together, highest first."""
    sentences = []
    for metric in dict.fromkeys(row.metric for row in rows):
        ranked = sorted((row for row in rows if row.metric == metric), key=lambda row: -row.overall.auc)
        said = [
            f"{row.label} {phrase(row.overall.auc)} (AUC {formats.auc(row.overall.auc)}, "
            f"contrast {formats.percent(row.overall.contrast)})"
            for row in ranked
        ]
        sentences.append(f"Under {metric}, over the taps together: {'; '.join(said)}.")
    top = max(rows, key=lambda row: row.overall.auc)
    sentences.append(
        f"An AUC of {formats.auc(top.overall.auc)} means: take one pair of crops from one image and one "
        f"pair from two images, and {_odds(top.overall.auc)} the second pair lies further apart, a tie "
        "counting half."
    )
    return " ".join(sentences)


def _odds(auc: float) -> str:
    shown = rounded_auc(auc)
    if shown in (0.0, 1.0):
        return "every time" if shown else "at no time"
    return f"{1000 * shown:.0f} times in 1000"


def _near(cells: Sequence[Cell]) -> str:
    """Whether any contrast is low, and what separation goes with it."""
    low = sorted((cell for cell in cells if cell.is_low), key=lambda cell: cell.contrast)
    negative = [cell for cell in cells if cell.contrast <= -LOW]
    total = f"{count(len(cells), 'combination')} of architecture, metric and tap"
    sentences = []
    if low:
        shown = "; ".join(f"{cell.place} under {cell.metric} ({cell.both})" for cell in low[:6])
        more = f"; and {len(low) - 6} more" if len(low) > 6 else ""
        sentences.append(f"Yes: it lies between -10 % and 10 % in {len(low)} of {total}: {shown}{more}.")
        sentences.append(_separation_at(low))
    else:
        least = min(cells, key=lambda cell: abs(cell.contrast))
        sentences.append(
            f"No: in none of {total} does it lie between -10 % and 10 %. The nearest to that is "
            f"{formats.percent(least.separation.contrast)} ({least.place} under {least.metric})."
        )
    if negative:
        sentences.append(
            f"In {len(negative)} of {total} it is -10 % or less: there pairs of one image lie further apart, "
            f"on average, than pairs of two ({negative[0].place} under {negative[0].metric}: "
            f"{negative[0].both})."
        )
    return " ".join(sentences)


def _separation_at(low: Sequence[Cell]) -> str:
    """What AUC goes with low contrast."""
    least, most = (pick(low, key=lambda cell: cell.auc) for pick in (min, max))
    ends = list(dict.fromkeys(formats.auc(cell.separation.auc) for cell in (least, most)))
    there = (
        f"The AUC there is {ends[0]}" if len(ends) == 1 else f"The AUC there runs from {' to '.join(ends)}"
    )
    if least.auc >= 0.8:
        return f"{there}: so little contrast goes with good separation here."
    if most.auc < 0.55:
        return f"{there}: where contrast is that low, distances do not tell the pairs apart."
    if least.auc < 0.55 and most.auc >= 0.8:
        return f"{there}: the same low contrast goes with good separation and with none."
    return f"{there}."


def _contrast_against_auc(cells: Sequence[Cell]) -> str:
    """The plainest example of larger contrast with smaller AUC under one metric, if there is one."""
    pairs = [
        (one, other)
        for one in cells
        for other in cells
        if one.metric == other.metric and one.contrast > other.contrast
    ]
    if not pairs:
        return ""
    more, less = max(pairs, key=lambda pair: pair[1].auc - pair[0].auc)
    if less.auc <= more.auc:
        return (
            "On this page a larger contrast never goes with a smaller AUC under the same metric. That need "
            "not hold elsewhere: contrast ignores how much distances scatter, and AUC is made of that."
        )
    return (
        f"No. The plainest example under {more.metric}: {more.place} has the larger contrast ({more.both}), "
        f"{less.place} the larger AUC ({less.both}). Contrast ignores how much distances scatter; whether "
        "two kinds of pairs can be told apart depends on that."
    )


def _trust(comparisons: Sequence[Comparison]) -> str:
    first = comparisons[0]
    sources, crops = len(image_names(first)), first.crops
    one = next(iter(next(iter(first.separations.values())).values()))
    sentences = [
        f"They come from {count(sources, 'source image')}, {count(crops, 'crop')} of each: "
        f"{count(one.within, 'pair')} of crops of one image and {count(one.between, 'pair')} of crops of "
        "two. "
        "The pairs share crops and images, so they are far from independent, and there are no intervals "
        f"here: the sample is {count(sources, 'image')}, not {count(one.within + one.between, 'pair')}, and "
        "small differences between architectures may be chance. "
        "Similar means here: cut from one image. That is an easier case than two images of one style. "
        "Crops of one photograph share its colours, its light and its camera; colour alone may separate some "
        "of these sources, and nothing on this page tells colour from style."
    ]
    differing = differing_settings(comparisons)
    if differing:
        said = "; ".join(f"{name} ({' against '.join(values)})" for name, values in differing.items())
        sentences.append(
            f"Besides the network, these settings differ between the comparisons: {said}. "
            "A difference in the numbers may come from them."
        )
    return " ".join(sentences)
