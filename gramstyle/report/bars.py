"""Separations as bars."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gramstyle import check
from gramstyle.report import formats, theme
from gramstyle.report.names import displayed
from gramstyle.report.theme import LIGHT, Palette
from gramstyle.study import Separation
from gramstyle.study.comparison import COMBINED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Quantity = Literal["auc", "contrast"]

QUESTIONED = 5.0
"""Contrast in percent that the question reports for EfficientNet and MobileNet."""

CHANCE = 0.5


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """An axis of bars: where they start, the line they are read against, their numbers."""

    label: str
    start: float
    mark: float
    said: str
    values: list[float]
    texts: list[str]
    low: float
    high: float


def separation_bars(
    ax: Axes,
    separations: Mapping[str, Separation],
    quantity: Quantity,
    title: str = "",
    palette: Palette = LIGHT,
) -> Axes:
    """Draw one bar per tap, shallow taps on top, its number to the right.

    Args:
        ax: where.
        separations: tap -> separation.
        quantity: ``auc``, in bars that begin at chance, or ``contrast``, in percent.
        title: above the bars.
        palette: colours.
    """
    check.name_in("quantity", quantity, ("auc", "contrast"))
    scale = _auc_scale(separations) if quantity == "auc" else _contrast_scale(separations)
    places = [place + (0.25 if tap == COMBINED else 0.0) for place, tap in enumerate(separations)]
    widths = [value - scale.start if math.isfinite(value) else 0.0 for value in scale.values]
    colours = [palette.total if tap == COMBINED else palette.tap for tap in separations]
    ax.set_facecolor(palette.surface)
    ax.barh(places, widths, left=scale.start, color=colours, height=0.66, zorder=2)
    for place, text in zip(places, scale.texts, strict=True):
        _write(ax, place, text, palette)
    ax.set_xlim(scale.low, scale.high)
    ax.set_ylim(places[-1] + 0.6, -0.6)
    ax.axvline(scale.start, color=palette.muted, linewidth=0.8, zorder=3)
    _mark(ax, scale.mark, scale.said, palette)
    ax.set_yticks(places, [displayed(tap) for tap in separations], color=palette.ink)
    ax.set_xlabel(scale.label, color=palette.muted)
    ax.set_title(title, loc="left", color=palette.ink, fontweight="bold", pad=18)
    ax.tick_params(axis="x", colors=palette.muted, labelsize=theme.SMALL, length=0)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=palette.grid, linewidth=0.8, zorder=0)
    ax.set_axisbelow(True)
    ax.spines[:].set_visible(False)
    return ax


def _auc_scale(separations: Mapping[str, Separation]) -> _Scale:
    values = [one.auc for one in separations.values()]
    return _Scale(
        label="AUC",
        start=CHANCE,
        mark=CHANCE,
        said="0.5: chance",
        values=values,
        texts=[formats.auc(value) for value in values],
        low=min([CHANCE, *(value - 0.02 for value in values if value < CHANCE)]),
        high=1.0,
    )


def _contrast_scale(separations: Mapping[str, Separation]) -> _Scale:
    values = [100 * one.contrast for one in separations.values()]
    finite = [value for value in values if math.isfinite(value)]
    return _Scale(
        label="contrast (%)",
        start=0.0,
        mark=QUESTIONED,
        said="5 %: the figure in the question",
        values=values,
        texts=[formats.percent(one.contrast) for one in separations.values()],
        low=min([0.0, *(1.08 * value for value in finite)]),
        high=max([2.5 * QUESTIONED, *(1.04 * value for value in finite)]),
    )


def _write(ax: Axes, place: float, text: str, palette: Palette) -> None:
    """A number in the column to the right of the bars."""
    ax.annotate(
        text,
        (1, place),
        xycoords=ax.get_yaxis_transform(),
        xytext=(40, 0),
        textcoords="offset points",
        ha="right",
        va="center_baseline",
        color=palette.ink,
    )


def _mark(ax: Axes, place: float, said: str, palette: Palette) -> None:
    ax.axvline(place, color=palette.mark, linestyle=(0, (4, 3)), linewidth=1.2, zorder=4)
    ax.annotate(
        said,
        (place, 1),
        xycoords=ax.get_xaxis_transform(),
        xytext=(0, 4),
        textcoords="offset points",
        color=palette.mark,
        fontsize=theme.SMALL,
        ha="left",
        va="bottom",
    )
