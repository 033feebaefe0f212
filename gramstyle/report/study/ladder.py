"""What each intervention does to the separation of a network."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gramstyle.report.names import displayed
from gramstyle.report.study import numbers
from gramstyle.report.study.panels import dress, legend, panels
from gramstyle.report.study.plan import Plan
from gramstyle.report.study.view import View, arms
from gramstyle.report.study.whiskers import Whisker, auc_limits, compared, compared_handles, whiskers
from gramstyle.report.theme import Palette
from gramstyle.study.results import Step

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Rungs = list[Step]

TITLE = 21
"""Characters of a panel's title: names of interventions leave less room than other figures have."""


def ladder_plans(view: View) -> list[Plan]:
    """Interventions at the chosen taps, and at others."""
    return [
        Plan(
            stem=f"interventions{group.suffix}",
            section="interventions",
            name=f"Interventions{group.words}",
            caption=(
                "Style AUC after each intervention, with its interval; diamond and dashed line are the "
                "distances as they are. A filled dot differs from them (the interval of the change leaves "
                "out 0), a hollow one may not. The contrast after the intervention stands to the right."
            ),
            alt=(
                "Dots with intervals: style AUC after each intervention, one panel per network, contrast "
                "beside."
            ),
            draw=partial(
                ladder_figure, view, group.members, f"Style AUC after each intervention{group.words}"
            ),
        )
        for group in view.parted((steps[0].condition, steps) for steps in ladders(view))
    ]


def ladders(view: View) -> list[Rungs]:
    """The interventions of each network and tap, in order."""
    found: dict[tuple[str, str], Rungs] = {}
    for step in view.results.ladder:
        found.setdefault((step.network, step.tap), []).append(step)
    return list(found.values())


def ladder_figure(view: View, found: list[Rungs], title: str, palette: Palette) -> Figure:
    """One panel per network and tap, with the same interventions on the same rows."""
    names = list(dict.fromkeys(step.name for steps in found for step in steps))
    made = panels(
        len(found),
        title,
        palette,
        height=0.6 + 0.18 * len(names),
        widest=6.0,
        extra=0.9,
        sharex=True,
        sharey=True,
    )
    rows = [_rows(steps, names) for steps in found]
    limits = auc_limits([row for one in rows for row in one])
    for ax, steps, shown in zip(made.axes, found, rows, strict=True):
        title = f"{displayed(view.label(steps[0].network), TITLE)}\n{displayed(steps[0].tap, TITLE)}"
        dress(ax, palette, title, "style AUC" if made.is_lowest(ax) else "", grid="x")
        before = as_is(steps)
        if before is not None:
            ax.axvline(before, color=palette.mark, linestyle=(0, (4, 3)), linewidth=1.1, zorder=2)
        whiskers(ax, shown, palette, "contrast")
        ax.set_xlim(*limits)
    legend(made.figure, compared_handles(palette, "as it is"), palette)
    return made.figure


def as_is(steps: Rungs) -> float | None:
    """The AUC before any intervention, where the record says it."""
    for step in steps:
        if _is_base(step):
            return step.auc
    return None if not steps else _before(steps)


def _is_base(step: Step) -> bool:
    """Whether a step is no intervention: nothing was done, and nothing changed."""
    return not arms(step.condition) and step.change == step.change_low == step.change_high == 0


def _before(steps: Rungs) -> float | None:
    """The AUC that every change is counted from, if it is one and the same."""
    before = [step.auc - step.change for step in steps]
    return before[0] if max(before) - min(before) < 1e-6 else None


def _rows(steps: Rungs, names: list[str]) -> list[Whisker]:
    known = {step.name: step for step in steps}
    return [
        Whisker(
            name=name,
            value=known[name].auc,
            low=known[name].low,
            high=known[name].high,
            mark="base"
            if _is_base(known[name])
            else compared(known[name].change_low, known[name].change_high),
            text=numbers.percent(known[name].contrast),
        )
        if name in known
        else Whisker(name=name, value=float("nan"))
        for name in names
    ]
