"""Panels of one figure that share their look: sizes, grid, names, scales."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gramstyle.report import theme
from gramstyle.report.bars import QUESTIONED
from gramstyle.report.canvas import canvas
from gramstyle.report.names import displayed
from gramstyle.report.theme import Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 9.6
"""Inches of a figure that fills the page; narrower ones are shown narrower, so that text stays equal."""

LETTER = 0.084
"""Inches of width that a letter of a panel's title takes, about."""


@dataclass(frozen=True)
class Panels:
    """A figure and its panels.

    Attributes:
        figure: the whole.
        axes: one per panel, row by row.
        across: panels beside each other.
    """

    figure: Figure
    axes: list[Axes]
    across: int

    def is_lowest(self, ax: Axes) -> bool:
        """Whether no panel stands below `ax`, which then names the horizontal axis of its column."""
        return self.axes.index(ax) + self.across >= len(self.axes)

    def is_first(self, ax: Axes) -> bool:
        """Whether `ax` begins its row, and so names the vertical axis."""
        return self.axes.index(ax) % self.across == 0


def panels(
    count: int,
    title: str,
    palette: Palette,
    *,
    columns: int = 4,
    height: float = 2.2,
    least: float = 2.4,
    widest: float = 4.6,
    extra: float = 1.1,
    **shared: Any,
) -> Panels:
    """A figure of `count` panels, row by row.

    Args:
        count: at least 1.
        title: above all of them.
        palette: colours.
        columns: at most so many beside each other.
        height: inches of a panel.
        least: inches of the narrowest panel.
        widest: inches of the widest.
        extra: inches of height beside the panels, for title and legend.
        **shared: of `Figure.subplots`, such as ``sharey=True``.
    """
    across = min(columns, count, max(1, int(WIDTH // least)))
    rows = -(-count // across)
    width = min(WIDTH, across * widest)
    figure = canvas(width, rows * height + extra, palette)
    grid = figure.subplots(rows, across, squeeze=False, **shared)
    for unused in list(grid.flat)[count:]:
        unused.set_visible(False)
    made = Panels(figure, list(grid.flat)[:count], across)
    for ax in made.axes:
        ax.tick_params(axis="x", labelbottom=made.is_lowest(ax) or not shared.get("sharex"))
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)  # type: ignore[union-attr, call-arg]
    figure.suptitle(title, x=0.012, ha="left", fontsize=theme.TITLE + 1, fontweight="bold", color=palette.ink)
    return made


def dress(ax: Axes, palette: Palette, title: str = "", x: str = "", y: str = "", grid: str = "both") -> Axes:
    """Surface, grid, names of axes and a title; `grid` says which axes carry lines."""
    ax.set_facecolor(palette.surface)
    ax.grid(axis=grid, color=palette.grid, linewidth=0.8, zorder=0)  # type: ignore[arg-type]
    ax.set_axisbelow(True)
    ax.spines[:].set_visible(False)
    ax.tick_params(colors=palette.muted, labelsize=theme.SMALL, length=0, which="both")
    if title:
        lines = [displayed(line, _room(ax)) for line in title.split("\n")]
        ax.set_title(
            "\n".join(lines), loc="left", color=palette.ink, fontsize=theme.FONT_SIZE, fontweight="bold"
        )
    if x:
        ax.set_xlabel(x, color=palette.muted, fontsize=theme.SMALL + 0.5)
    if y:
        ax.set_ylabel(y, color=palette.muted, fontsize=theme.SMALL + 0.5)
    return ax


def _room(ax: Axes) -> int:
    """Characters of a title above a panel, before it runs into the next one."""
    place = ax.get_subplotspec()
    across = 1 if place is None else place.get_gridspec().ncols
    return max(8, int(ax.figure.get_figwidth() / across / LETTER))  # type: ignore[union-attr]


def legend(figure: Figure, handles: Sequence[Any], palette: Palette, columns: int = 4) -> None:
    """What lines and markers mean, below the panels."""
    wide = 2 if figure.get_figwidth() < 6 else columns
    figure.legend(
        handles=list(handles),
        loc="outside lower left",
        ncols=min(wide, len(handles)),
        frameon=False,
        fontsize=theme.SMALL + 0.5,
        labelcolor=palette.ink,
        handlelength=2.8,
        columnspacing=1.6,
    )


def percent_scale(ax: Axes, axis: str, values: Iterable[float]) -> None:
    """A logarithmic axis of percent; linear below 1 % where a value is 0 or negative."""
    finite = [value for value in values if math.isfinite(value)]
    setter = ax.set_xscale if axis == "x" else ax.set_yscale
    if any(value <= 0 for value in finite):
        setter("symlog", linthresh=1.0, linscale=0.4)
    else:
        setter("log")
    _limits(ax, axis, [*finite, QUESTIONED])
    plain_ticks(ax, axis)


def log_scale(ax: Axes, axis: str, values: Iterable[float]) -> None:
    """A logarithmic axis whose ticks are plain numbers, if all values are positive."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite or min(finite) <= 0:
        return
    (ax.set_xscale if axis == "x" else ax.set_yscale)("log")
    _limits(ax, axis, finite)
    plain_ticks(ax, axis)


def _limits(ax: Axes, axis: str, values: Sequence[float]) -> None:
    """Room around the values; at least half a decade, so that a tick is in sight."""
    low, high = min(values), max(values)
    if low > 0:
        middle = math.sqrt(low * high)
        low, high = min(low / 1.25, middle / 2), max(high * 1.25, middle * 2)
    else:
        low, high = 1.3 * low - 0.5, max(1.3 * high, 10.0)
    (ax.set_xlim if axis == "x" else ax.set_ylim)(low, high)


def plain_ticks(ax: Axes, axis: str) -> None:
    """Ticks at 1, 2 and 5 times powers of ten, or at powers alone over many decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, SymmetricalLogLocator

    which = ax.xaxis if axis == "x" else ax.yaxis
    low, high = ax.get_xlim() if axis == "x" else ax.get_ylim()
    if low <= 0:
        which.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1.0))
    else:
        decades = math.log10(high / low)
        subs = (1.0, 2.0, 5.0) if decades < 1.6 else (1.0, 3.0) if decades < 2.6 else (1.0,)
        which.set_major_locator(LogLocator(base=10, subs=subs, numticks=12))
    which.set_minor_locator(NullLocator())
    which.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def faint(palette: Palette) -> str:
    """Of lines that stand behind: between the grid and the second rank of ink."""
    pairs = zip(_levels(palette.muted), _levels(palette.surface), strict=True)
    return "#" + "".join(f"{round(0.38 * ink + 0.62 * ground):02x}" for ink, ground in pairs)


def _levels(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def line_at(ax: Axes, axis: str, place: float, palette: Palette, said: str = "") -> None:
    """A dashed line that values are read against, with a word beside it."""
    draw = ax.axvline if axis == "x" else ax.axhline
    draw(place, color=palette.mark, linestyle=(0, (4, 3)), linewidth=1.1, zorder=2)
    if not said:
        return
    along = ax.get_xaxis_transform() if axis == "x" else ax.get_yaxis_transform()
    ax.annotate(
        said,
        (place, 0.985) if axis == "x" else (0.985, place),
        xycoords=along,
        xytext=(3, 0) if axis == "x" else (0, 2),
        textcoords="offset points",
        color=palette.mark,
        fontsize=theme.SMALL - 0.5,
        ha="left" if axis == "x" else "right",
        va="top" if axis == "x" else "bottom",
    )
