"""Estimates with their intervals as dots and lines, one row each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gramstyle.report.bars import CHANCE
from gramstyle.report.names import displayed
from gramstyle.report.study import numbers
from gramstyle.report.theme import SMALL, Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Mark = Literal["sure", "open", "base"]

NAME = 46
"""Characters of a row's name."""


@dataclass(frozen=True, kw_only=True)
class Whisker:
    """One row.

    Attributes:
        name: to the left.
        value: the dot; nothing is drawn where it is not finite.
        low: end of the line.
        high: the other end.
        mark: ``sure`` if the row differs from what it is compared with, ``open`` if that is not
            known, ``base`` if it is what the others are compared with.
        beside: a second, smaller mark; NaN for none.
        text: to the right.
    """

    name: str
    value: float
    low: float = math.nan
    high: float = math.nan
    mark: Mark = "sure"
    beside: float = math.nan
    text: str = ""


def look(mark: Mark, palette: Palette) -> dict[str, Any]:
    """How a dot is drawn: filled, hollow, or a diamond for what the others are compared with."""
    ink = palette.mark if mark == "base" else palette.total
    return {
        "marker": "D" if mark == "base" else "o",
        "markersize": 4.5 if mark == "base" else 5,
        "markerfacecolor": palette.surface if mark == "open" else ink,
        "markeredgecolor": ink,
        "linestyle": "none",
    }


def whiskers(ax: Axes, rows: Sequence[Whisker], palette: Palette, heading: str = "") -> None:
    """Draw `rows` from top to bottom, their names on the axis, `heading` above their texts."""
    for place, row in enumerate(rows):
        ink = palette.mark if row.mark == "base" else palette.total
        if math.isfinite(row.low) and math.isfinite(row.high):
            ax.plot(
                [row.low, row.high], [place, place], color=ink, linewidth=1.5, solid_capstyle="butt", zorder=3
            )
        if math.isfinite(row.beside):
            ax.plot([row.beside], [place], marker="|", markersize=7, color=palette.muted, zorder=3)
        if math.isfinite(row.value):
            ax.plot([row.value], [place], zorder=4, **look(row.mark, palette))
        _beside(ax, row.text, place, palette)
    _beside(ax, heading, -1.0, palette)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks(range(len(rows)), [displayed(row.name, NAME) for row in rows])
    ax.tick_params(axis="y", labelcolor=palette.ink)


def _beside(ax: Axes, text: str, place: float, palette: Palette) -> None:
    """Words to the right of a row."""
    ax.annotate(
        text,
        (1, place),
        xycoords=ax.get_yaxis_transform(),
        xytext=(3, 0),
        textcoords="offset points",
        ha="left",
        va="center_baseline",
        fontsize=SMALL - 0.5,
        color=palette.muted,
        annotation_clip=False,
    )


def auc_limits(rows: Sequence[Whisker], *others: float) -> tuple[float, float]:
    """Ends of an axis of AUCs that holds all of `rows`, what `others` there are, and a little room."""
    values = [*others, *(value for row in rows for value in (row.value, row.low, row.high, row.beside))]
    finite = [value for value in values if math.isfinite(value)] or [CHANCE, 1.0]
    return max(min(finite) - 0.02, -0.02), min(max(finite) + 0.02, 1.02)


def compared(low: float, high: float) -> Mark:
    """What the interval of a difference says: it leaves out 0, or it does not."""
    return "sure" if numbers.side_of_zero(low, high) else "open"


def compared_handles(palette: Palette, base: str) -> list[Any]:
    """What the marks mean, beside the line that `base` names."""
    from matplotlib.lines import Line2D

    line = {"color": palette.mark, "linestyle": (0, (4, 3)), "linewidth": 1.1}
    return [
        Line2D([], [], label=base, **{**look("base", palette), **line}),
        Line2D([], [], label="differs from it", **look("sure", palette)),
        Line2D([], [], label="may not differ", **look("open", palette)),
    ]
