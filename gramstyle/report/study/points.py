"""Contrast of every tap against its AUC."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from gramstyle.report.bars import CHANCE, QUESTIONED
from gramstyle.report.study.panels import dress, legend, line_at, panels, percent_scale
from gramstyle.report.study.plan import Plan
from gramstyle.report.study.strokes import Stroke, strokes
from gramstyle.report.study.view import AUC, CONTRAST, View
from gramstyle.report.theme import Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = dict[str, list[tuple[float, float]]]
"""Network -> contrast in percent and AUC of each tap."""


def point_plans(view: View) -> list[Plan]:
    """The one figure, if any tap has both numbers."""
    metrics = [metric for metric in view.metrics if any(contrast_and_auc(view, metric).values())]
    if not metrics:
        return []
    return [
        Plan(
            stem="contrast-against-auc",
            section="depth",
            name="Contrast against AUC",
            caption=(
                "Every tap of every network is a point; hollow ones are of random weights. Were contrast "
                "a measure of separation, points would lie on one rising line; the wider the column of "
                "points at one contrast, the less it says."
            ),
            alt=(
                "Scatter of style AUC against contrast, a point per tap, with a line at a contrast of 5 "
                "percent."
            ),
            draw=partial(point_figure, view, metrics),
        )
    ]


def contrast_and_auc(view: View, metric: str) -> Points:
    """Both numbers of every tap where both are finite."""
    found: Points = {}
    for network in (*view.learned, *view.copies):
        contrast = {tap: one.value for tap, one in view.curve(network, metric, CONTRAST)}
        auc = {tap: one.value for tap, one in view.curve(network, metric, AUC)}
        pairs = [(100 * contrast[tap], auc[tap]) for tap in contrast if tap in auc]
        found[network] = [pair for pair in pairs if all(map(math.isfinite, pair))]
    return found


def point_figure(view: View, metrics: Sequence[str], palette: Palette) -> Figure:
    """One panel per metric."""
    made = panels(
        len(metrics),
        "Contrast against AUC, every tap",
        palette,
        columns=2,
        height=3.3,
        extra=1.2,
        sharey=True,
    )
    looks = looks_of(view, palette)
    for ax, metric in zip(made.axes, metrics, strict=True):
        dress(ax, palette, metric, "contrast (%), logarithmic", "style AUC" if made.is_first(ax) else "")
        points = contrast_and_auc(view, metric)
        for network, pairs in points.items():
            scatter(ax, pairs, looks[network], network in view.learned)
        percent_scale(ax, "x", [contrast for pairs in points.values() for contrast, _ in pairs])
        line_at(ax, "x", QUESTIONED, palette, "5 %")
        ax.axhline(CHANCE, color=palette.muted, linestyle=(0, (1, 1.5)), linewidth=1.0, zorder=2)
    drawn = {
        network for metric in metrics for network, pairs in contrast_and_auc(view, metric).items() if pairs
    }
    legend(made.figure, tap_handles(view, palette, drawn), palette)
    return made.figure


def looks_of(view: View, palette: Palette) -> dict[str, Stroke]:
    """How each network is drawn; random copies like the learned network of their architecture."""
    own = strokes(view.heads, palette)
    return {network: own[view.head(network)] for network in (*view.learned, *view.copies)}


def scatter(ax: Axes, pairs: Sequence[tuple[float, float]], look: Stroke, learned: bool) -> None:
    """Points in the colour and marker of their network; hollow where weights are random."""
    ax.scatter(
        [x for x, _ in pairs],
        [y for _, y in pairs],
        s=26 if learned else 16,
        marker=look.marker,
        facecolors=look.colour if learned else "none",
        edgecolors=look.colour,
        linewidths=0.9,
        alpha=0.9,
        zorder=4 if learned else 3,
    )


def network_handles(view: View, palette: Palette, *, lines: bool) -> list[Any]:
    """One entry of a legend per network that has a look of its own."""
    from matplotlib.lines import Line2D

    return [
        Line2D(
            [],
            [],
            color=look.colour,
            marker=look.marker,
            markersize=5,
            linestyle=look.dash,
            linewidth=1.5 if lines else 0.0,
            label=view.label(name),
        )
        for name, look in strokes(view.heads, palette).items()
    ]


def tap_handles(view: View, palette: Palette, networks: Collection[str]) -> list[Any]:
    """The same for points of `networks`, with what a hollow one is where there are any."""
    found = network_handles(view, palette, lines=False)
    return [*found, hollow(palette, "random weights")] if set(view.copies) & set(networks) else found


def hollow(palette: Palette, label: str) -> Any:
    """The entry of a legend that says what a hollow marker is."""
    from matplotlib.lines import Line2D

    look: dict[str, Any] = {
        "color": palette.muted,
        "marker": "o",
        "markersize": 4,
        "markerfacecolor": "none",
    }
    return Line2D([], [], linestyle="none", label=f"hollow: {label}", **look)
