"""Distances of near and of far pairs, as distributions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from gramstyle.report.names import displayed
from gramstyle.report.study import numbers
from gramstyle.report.study.panels import dress, legend, panels
from gramstyle.report.study.plan import Plan
from gramstyle.report.study.view import View, described
from gramstyle.report.theme import SMALL, Palette
from gramstyle.study.results import Distribution

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 16
"""Distributions in one figure; the record may hold more."""


ROOM = 1.4
"""Height of a panel over that of its highest bin: words stand above it."""

EMPTY = 0.0005
"""Share of pairs up to which a bin at either end is left out of sight."""


def distribution_plans(view: View) -> list[Plan]:
    """Distributions at the chosen taps, and at others."""
    found = _finite(view)
    return [
        Plan(
            stem=f"distributions{group.suffix}",
            section="distributions",
            name=f"Distances of near and far pairs{group.words}",
            caption=_caption(len(group.members)),
            alt="Histograms of distances of near and of far pairs, one panel per network and tap.",
            draw=partial(distribution_figure, view, group.members[:SHOWN], group.words),
        )
        for group in view.parted((one.condition, one) for one in found)
    ]


def _caption(count: int) -> str:
    more = f" {count - SHOWN} more are in summary.json." if count > SHOWN else ""
    return (
        "Shares of pairs over their distance, in units of the mean distance. Near pairs are filled, far "
        "pairs are the line. AUC asks how much the two overlap; contrast only how far their means are "
        f"apart.{more}"
    )


def distribution_figure(view: View, shown: list[Distribution], words: str, palette: Palette) -> Figure:
    """One panel per condition, near pairs filled and far pairs as a line."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    title = f"Distances of near and far pairs{words}"
    made = panels(len(shown), title, palette, height=1.75, least=2.3)
    for ax, one in zip(made.axes, shown, strict=True):
        _histogram(ax, one, palette)
        _name(ax, view, one, palette)
    near = Patch(facecolor=palette.tap, alpha=0.75, label="near pairs")
    far = Line2D([], [], color=palette.mark, linewidth=1.8, label="far pairs")
    legend(made.figure, [near, far], palette)
    return made.figure


def _finite(view: View) -> list[Distribution]:
    return [one for one in view.results.distributions if np.isfinite([*one.edges, *one.near, *one.far]).all()]


def _histogram(ax: Axes, one: Distribution, palette: Palette) -> None:
    ax.set_ylim(0.0, ROOM * (max(*one.near, *one.far) or 1.0))
    ax.stairs(one.near, one.edges, fill=True, color=palette.tap, alpha=0.75, zorder=2)
    ax.stairs(one.far, one.edges, color=palette.mark, linewidth=1.5, zorder=3, baseline=None)


def _name(ax: Axes, view: View, one: Distribution, palette: Palette) -> None:
    """Network and tap above; the rest of the condition and its AUC in the panel."""
    dress(
        ax,
        palette,
        f"{view.label(one.condition.network)}\n{displayed(one.condition.tap)}",
        "distance / mean distance",
        "share of pairs",
        grid="x",
    )
    ax.set_yticks([])
    held = [place for place, share in enumerate(map(max, one.near, one.far)) if share > EMPTY]
    if held:
        first, last = one.edges[held[0]], one.edges[held[-1] + 1]
        ax.set_xlim(first - 0.04 * (last - first), last + 0.04 * (last - first))
    auc = view.estimate(one.condition, one.question)
    said = [displayed(described(one.condition), 40)]
    said += [f"{one.question} AUC {numbers.auc(auc.value)}"] if auc is not None else [one.question]
    ax.annotate(
        "\n".join(said),
        (0.99, 0.97),
        xycoords="axes fraction",
        ha="right",
        va="top",
        fontsize=SMALL - 0.5,
        color=palette.muted,
        linespacing=1.4,
    )
