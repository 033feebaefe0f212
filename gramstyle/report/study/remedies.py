"""Other ways to read distances, best first, on styles that had no part in any choice."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from gramstyle.report.study import numbers
from gramstyle.report.study.panels import dress, legend, panels
from gramstyle.report.study.plan import Plan
from gramstyle.report.study.view import View, arms
from gramstyle.report.study.whiskers import Whisker, auc_limits, compared, compared_handles, whiskers
from gramstyle.report.theme import Palette
from gramstyle.study.results import Remedy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 14
"""Remedies of one network in the figure, the plain distance besides; the table holds all."""


def remedy_plans(view: View) -> list[Plan]:
    """The one figure, if there are remedies."""
    if not view.results.remedies:
        return []
    return [
        Plan(
            stem="remedies",
            section="remedies",
            name="Remedies",
            caption=(
                "Style AUC on held-out styles, best first, with its interval; the tap was chosen on "
                "development styles, whose own AUC is the small upright mark. The dashed line is the "
                "plain L2 distance of Gram matrices. A filled dot differs from it, a hollow one may not. "
                "To the right: gain over it."
            ),
            alt="Dots with intervals: held-out style AUC of each remedy, ranked, one panel per network.",
            draw=partial(remedy_figure, view),
        )
    ]


def remedies_of(view: View) -> dict[str, list[Remedy]]:
    """Network -> its remedies, highest held-out AUC first, those without one last."""
    found: dict[str, list[Remedy]] = {}
    for one in view.results.remedies:
        found.setdefault(one.network, []).append(one)
    return {network: sorted(rows, key=_rank) for network, rows in found.items()}


def _rank(one: Remedy) -> tuple[bool, float]:
    return math.isnan(one.held_out), -one.held_out


def remedy_figure(view: View, palette: Palette) -> Figure:
    """One panel per network, each with its own order."""
    from matplotlib.lines import Line2D

    found = {network: _first(rows) for network, rows in remedies_of(view).items()}
    longest = max(len(rows) for rows in found.values())
    made = panels(
        len(found),
        "Held-out style AUC of each remedy",
        palette,
        columns=2,
        height=0.6 + 0.18 * longest,
        widest=5.4,
        sharex=True,
    )
    shown = {network: [_row(one) for one in rows] for network, rows in found.items()}
    limits = auc_limits([row for rows in shown.values() for row in rows])
    for ax, (network, rows) in zip(made.axes, found.items(), strict=True):
        dress(ax, palette, view.label(network), "held-out style AUC" if made.is_lowest(ax) else "", grid="x")
        base = plain_l2(rows)
        if base is not None:
            ax.axvline(base, color=palette.mark, linestyle=(0, (4, 3)), linewidth=1.1, zorder=2)
        whiskers(ax, shown[network], palette, "gain")
        ax.set_ylim(longest - 0.4, -0.6)
        ax.set_xlim(*limits)
    chosen = Line2D(
        [], [], marker="|", markersize=7, linestyle="none", color=palette.muted, label="development styles"
    )
    legend(made.figure, [*compared_handles(palette, "plain L2 of Grams"), chosen], palette)
    return made.figure


def is_base(one: Remedy) -> bool:
    """Whether a remedy is the plain distance that gains are counted from."""
    return not arms(one.condition) and one.gain == one.gain_low == one.gain_high == 0


def _first(rows: list[Remedy]) -> list[Remedy]:
    return [one for place, one in enumerate(rows) if place < SHOWN or is_base(one)]


def plain_l2(rows: list[Remedy]) -> float | None:
    """Held-out AUC of the plain L2 distance, if all gains are counted from one."""
    before = [one.held_out - one.gain for one in rows if math.isfinite(one.held_out - one.gain)]
    return before[0] if before and max(before) - min(before) < 1e-6 else None


def _row(one: Remedy) -> Whisker:
    return Whisker(
        name=one.name,
        value=one.held_out,
        low=one.low,
        high=one.high,
        mark="base" if is_base(one) else compared(one.gain_low, one.gain_high),
        beside=one.development,
        text=numbers.signed(one.gain),
    )
