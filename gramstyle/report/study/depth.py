"""Separation of styles over the depth of each network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from gramstyle.report.bars import CHANCE, QUESTIONED
from gramstyle.report.formats import listed
from gramstyle.report.names import displayed
from gramstyle.report.study import numbers
from gramstyle.report.study.panels import dress, faint, legend, panels, percent_scale
from gramstyle.report.study.plan import Plan
from gramstyle.report.study.strokes import DASHES, MARKERS, RANDOM_DASH
from gramstyle.report.study.view import AUC, View, described
from gramstyle.report.theme import Palette
from gramstyle.study.results import Estimate, Tap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Quantity = Literal["auc", "contrast"]
Curve = Sequence[tuple[Tap, Estimate]]

NAMES: dict[Quantity, str] = {"auc": "AUC", "contrast": "contrast (%)"}
BESIDE = 1.08
"""Depth at which the interval of the colour baseline stands: beside the last tap."""

UNITS: dict[Quantity, float] = {"auc": 1.0, "contrast": 100.0}


def depth_plans(view: View) -> list[Plan]:
    """AUC and contrast over depth, for each metric."""
    quantities: tuple[Quantity, ...] = ("auc", "contrast")
    return [
        Plan(
            stem=f"depth-{quantity}-{metric}",
            section="depth",
            name=f"Style {_word(quantity)} by depth, {metric}",
            caption=_caption(quantity, metric, view),
            alt=_alt(view, metric, quantity),
            draw=partial(depth_figure, view, metric, quantity),
        )
        for metric in view.metrics
        for quantity in quantities
        if any(
            math.isfinite(one.value)
            for network in (*view.learned, *view.copies)
            for _, one in view.curve(network, metric, quantity)
        )
    ]


def depth_figure(view: View, metric: str, quantity: Quantity, palette: Palette) -> Figure:
    """One panel per architecture: its learned weights, its random copies, and all others behind."""
    made = panels(
        len(view.backbones),
        f"Style {_word(quantity)} by depth: {metric}",
        palette,
        extra=1.2,
        sharex=True,
        sharey=True,
    )
    curves = {one: view.curve(one, metric, quantity) for one in (*view.learned, *view.copies)}
    for ax, backbone in zip(made.axes, view.backbones, strict=True):
        dress(ax, palette, displayed(backbone), y=NAMES[quantity] if made.is_first(ax) else "")
        for network in view.learned:
            if network not in view.of(backbone, view.learned):
                _line(ax, curves[network], quantity, color=faint(palette), linewidth=0.9, zorder=2)
        for network in view.of(backbone, view.copies):
            look = {"color": palette.muted, "linestyle": RANDOM_DASH, "linewidth": 1.0, "zorder": 3}
            _line(ax, curves[network], quantity, **look)
        _learned(ax, view, backbone, curves, quantity, palette)
        _reference(ax, view.colour(metric, quantity), quantity, palette)
        ax.set_xlim(-0.05, BESIDE + 0.05)
        ax.set_xticks([0, 0.5, 1], ["first", "depth", "last"])
    _scale(made.axes[0], quantity, curves, view.colour(metric, quantity))
    legend(made.figure, _handles(view, metric, quantity, palette), palette, 5)
    return made.figure


def _learned(
    ax: Axes, view: View, backbone: str, curves: dict[str, Any], quantity: Quantity, palette: Palette
) -> None:
    """Learned weights of one architecture, each with its own marker and line where there are several."""
    networks = view.of(backbone, view.learned)
    for place, network in enumerate(networks):
        colour = (palette.total, palette.mark, palette.tap)[place % 3]
        _band(ax, curves[network], quantity, colour)
        _line(
            ax,
            curves[network],
            quantity,
            color=colour,
            linestyle=DASHES[place % len(DASHES)],
            linewidth=1.7,
            marker=MARKERS[place % len(MARKERS)],
            markersize=4.0,
            zorder=5,
            label=network.partition("@")[2],
        )
    if len(networks) > 1:
        ax.legend(fontsize=6.5, frameon=False, labelcolor=palette.ink, loc="best", handlelength=2.6)


def _line(ax: Axes, curve: Curve, quantity: Quantity, **look: Any) -> None:
    ax.plot([tap.depth for tap, _ in curve], [UNITS[quantity] * one.value for _, one in curve], **look)


def _band(ax: Axes, curve: Curve, quantity: Quantity, colour: str) -> None:
    """The interval at each tap; a gap where none was computed."""
    depths = [tap.depth for tap, _ in curve]
    low, high = (
        [UNITS[quantity] * numbers.given(getattr(one, end)) for _, one in curve] for end in ("low", "high")
    )
    ax.fill_between(depths, low, high, color=colour, alpha=0.2, linewidth=0, zorder=4)


def _reference(ax: Axes, colour: Estimate | None, quantity: Quantity, palette: Palette) -> None:
    """Chance or the question's 5 %, and what colour alone reaches."""
    place = CHANCE if quantity == AUC else QUESTIONED
    ax.axhline(place, color=palette.muted, linestyle=(0, (1, 1.5)), linewidth=1.0, zorder=2)
    if colour is None:
        return
    unit = UNITS[quantity]
    ax.axhline(unit * colour.value, color=palette.mark, linestyle=(0, (7, 2)), linewidth=1.2, zorder=2)
    if colour.low is None or colour.high is None:
        return
    ends = [unit * colour.low, unit * colour.high]
    ax.plot([BESIDE, BESIDE], ends, color=palette.mark, marker="_", markersize=5, linewidth=1.2, zorder=6)


def _scale(ax: Axes, quantity: Quantity, curves: dict[str, Any], colour: Estimate | None) -> None:
    if quantity == AUC:
        bottom, top = ax.get_ylim()
        ax.set_ylim(min(bottom, 0.48), max(min(top, 1.02), 1.0))
        return
    known = [one for curve in curves.values() for _, one in curve] + ([] if colour is None else [colour])
    values = [one.value for one in known]
    ends = [numbers.given(end) for one in known for end in (one.low, one.high)]
    least = min([value for value in values if math.isfinite(value)], default=1.0)
    if least > 0:  # an end near 0 would take most of a logarithmic axis for itself
        ends = [max(end, least / 4) for end in ends]
    percent_scale(ax, "y", [UNITS[quantity] * value for value in (*values, *ends)])


def _handles(view: View, metric: str, quantity: Quantity, palette: Palette) -> list[Any]:
    """Only what is drawn has its place in the legend."""
    from matplotlib.lines import Line2D

    def line(label: str, colour: str, **look: Any) -> Line2D:
        return Line2D([], [], label=label, color=colour, **look)

    found = []
    if view.learned:
        found.append(
            line(
                f"learned weights (band: {view.level})",
                palette.total,
                marker="o",
                markersize=4,
                linewidth=1.7,
            )
        )
    if view.copies:
        found.append(line("random weights", palette.muted, linestyle=RANDOM_DASH, linewidth=1.0))
    if len(view.backbones) > 1 and view.learned:
        found.append(line("other networks, learned", faint(palette), linewidth=0.9))
    if view.colour(metric, quantity) is not None:
        found.append(
            line(f"colour alone (bar: {view.level})", palette.mark, linestyle=(0, (7, 2)), linewidth=1.2)
        )
    said = "chance" if quantity == AUC else "the question's 5 %"
    found.append(line(said, palette.muted, linestyle=(0, (1, 1.5)), linewidth=1.0))
    return found


def _word(quantity: Quantity) -> str:
    return "AUC" if quantity == AUC else "contrast"


def _caption(quantity: Quantity, metric: str, view: View) -> str:
    what = "AUC (0.5 is chance, 1 perfect)" if quantity == AUC else "Contrast (on a logarithmic scale)"
    caption = (
        f"{what} of the {metric} distance of Gram matrices, styles: {view.split}; taps of each network by "
        "their place from first to last. Faint lines are the other networks, to compare."
    )
    if quantity == AUC and view.baseline is not None and view.colour(metric) is not None:
        caption += f" Colours alone are compared by {described(view.baseline)}."
    return caption


def _alt(view: View, metric: str, quantity: Quantity) -> str:
    """The highest point of each learned network."""
    show = numbers.auc if quantity == AUC else numbers.percent
    said = []
    for network in view.learned:
        curve = [(tap, one) for tap, one in view.curve(network, metric, quantity) if one.value == one.value]
        if curve:
            tap, one = max(curve, key=lambda pair: pair[1].value)
            said.append(f"{view.label(network)} {show(one.value)} at {tap.tap}")
    highest = f" Highest: {listed(said)}." if said else ""
    return (
        f"Lines of style {_word(quantity)} over depth, one panel per architecture, metric {metric}.{highest}"
    )
