"""Whether distances follow style, content or colour."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gramstyle.report import theme
from gramstyle.report.bars import CHANCE
from gramstyle.report.canvas import canvas
from gramstyle.report.study import numbers
from gramstyle.report.study.panels import WIDTH, dress
from gramstyle.report.study.plan import Plan
from gramstyle.report.study.view import COLOUR, SPLITS, View
from gramstyle.report.study.whiskers import Whisker, auc_limits, whiskers
from gramstyle.report.theme import Palette
from gramstyle.study.results import Condition, Estimate, Split

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTIONS = {
    "style": "style",
    "hard": "style against content",
    "content": "content",
    "palette": "colours",
}
"""Question of the record -> what the page calls it."""


@dataclass(frozen=True, kw_only=True)
class Leak:
    """AUC of each question under one condition.

    Attributes:
        name: network and tap.
        condition: the distances.
        estimates: question -> its AUC, where it was estimated.
    """

    name: str
    condition: Condition
    estimates: dict[str, Estimate]


def leaks(view: View) -> tuple[Split, list[Leak]]:
    """The split that most AUCs are known on, and those of each chosen tap and of colour alone."""
    counted = [(split, _on(view, split)) for split in SPLITS]
    return max(counted, key=lambda pair: sum(len(one.estimates) for one in pair[1]))


def _on(view: View, split: Split) -> list[Leak]:
    places: dict[Condition, str] = {}
    for choice in view.results.choices:
        backbone, _, weights = choice.network.partition("@")
        condition = Condition(
            backbone=backbone,
            weights=weights,
            tap=choice.tap,
            statistic=choice.statistic,
            metric=choice.metric,
        )
        places.setdefault(condition, f"{view.label(choice.network)}  {choice.tap}")
    if places and view.baseline is not None:
        places[view.baseline] = COLOUR
    found = []
    for condition, name in places.items():
        known = {one: view.estimate(condition, one, split=split) for one in QUESTIONS}
        estimates = {question: one for question, one in known.items() if one is not None}
        if estimates:
            found.append(Leak(name=name, condition=condition, estimates=estimates))
    return found


def leak_plans(view: View) -> list[Plan]:
    """The one figure, if anything besides style was asked at the chosen taps."""
    split, found = leaks(view)
    if not any(set(one.estimates) - {"style"} for one in found):
        return []
    return [
        Plan(
            stem="style-content-colour",
            section="leak",
            name="Style, content or colour",
            caption=(
                f"AUC at the chosen tap of each network (styles: {split}), of four questions asked of the "
                'same distances. "Style against content": near pairs share a style and not the content, '
                "far pairs the content and not the style. A distance of style has a high AUC in the first "
                "two columns and one near 0.5, the dotted line, in the last two."
            ),
            alt=(
                "Dots with intervals: AUC of style, style against content, content and colours, one row "
                "per network."
            ),
            draw=partial(leak_figure, found),
        )
    ]


def leak_figure(found: list[Leak], palette: Palette) -> Figure:
    """One column per question, one row per network."""
    questions = [one for one in QUESTIONS if any(one in leak.estimates for leak in found)]
    figure = canvas(WIDTH, 1.3 + 0.27 * len(found), palette)
    axes = figure.subplots(1, len(questions), sharey=True, squeeze=False)[0]
    rows = {question: [_row(leak, question) for leak in found] for question in questions}
    limits = auc_limits([row for one in rows.values() for row in one], CHANCE)
    for ax, question in zip(axes, questions, strict=True):
        dress(ax, palette, QUESTIONS[question], "AUC", grid="x")
        ax.axvline(CHANCE, color=palette.muted, linestyle=(0, (1, 1.5)), linewidth=1.2, zorder=2)
        whiskers(ax, rows[question], palette)
        ax.set_xlim(*limits)
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)  # type: ignore[union-attr, call-arg]
    figure.suptitle(
        "Do distances follow style, content or colours?",
        x=0.012,
        ha="left",
        fontsize=theme.TITLE + 1,
        fontweight="bold",
        color=palette.ink,
    )
    return figure


def _row(leak: Leak, question: str) -> Whisker:
    one = leak.estimates.get(question)
    if one is None:
        return Whisker(name=leak.name, value=float("nan"))
    return Whisker(name=leak.name, value=one.value, low=numbers.given(one.low), high=numbers.given(one.high))
