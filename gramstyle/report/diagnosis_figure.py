"""Diagnostics over the depth of networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gramstyle import check
from gramstyle.diagnose import CKA_NEEDS, PER_IMAGE
from gramstyle.diagnosis import Diagnosis, cka_between
from gramstyle.report import formats, theme
from gramstyle.report.canvas import canvas
from gramstyle.report.diagnosis import best_estimator
from gramstyle.report.names import displayed
from gramstyle.report.theme import LIGHT, Palette, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

SHOWN = (
    "participation_ratio",
    "effective_positions",
    "noise_ratio",
    "excess_correlation",
    "top5_share",
    "activation_entropy",
)
"""Diagnostics that are drawn unless others are asked for."""

LOGARITHMIC = (
    "participation_ratio",
    "corrected_participation_ratio",
    "effective_rank",
    "effective_rank_singular",
    "stable_rank",
    "effective_positions",
    "effective_positions_of_means",
    "split_half_positions",
    "noise_ratio",
    "gram_noise_ratio",
    "peak",
    "peak_over_mean",
    "gram_peak",
    "gram_peak_over_mean",
)
"""Those whose values span decades from tap to tap."""

CAPTION = "dot: median over images    bar: their middle half    diamond: pooled over images"
PANEL = 1.15
"""Inches of height of one diagnostic."""


def diagnosis_figure(
    diagnoses: Sequence[Diagnosis],
    names: Sequence[str] = SHOWN,
    title: str | None = None,
    palette: Palette = LIGHT,
) -> Figure:
    """Chosen diagnostics over the depth of networks, and how far taps of one network align.

    One panel per diagnostic, networks side by side in it. Below, linear CKA of every pair of taps,
    by Gram matrices with images for examples; left out for fewer than three images.

    Args:
        diagnoses: one per network.
        names: diagnostics of images, a panel each.
        title: above everything; by default it counts the images.
        palette: colours.

    Raises:
        ValueError: if there is nothing to draw.
        UnknownNameError: for a diagnostic that is not of single images.
    """
    if not diagnoses or not names:
        raise ValueError(
            f"there must be a diagnosis and a diagnostic to draw, got {len(diagnoses)} and {len(names)}"
        )
    for name in names:
        check.name_in("diagnostic", name, PER_IMAGE)
    aligned = all(len(one.images) >= CKA_NEEDS["biased"] for one in diagnoses)
    widths = [max(2.3, 0.44 * len(one.taps) + 0.5) for one in diagnoses]
    width = max(4.8, sum(widths) + 1.0)
    lowest = [width / len(widths) if width == 4.8 else max(widths)] if aligned else []
    heights = [PANEL] * len(names) + [min(one, 3.2) for one in lowest]
    with themed():
        figure = canvas(width, sum(heights) + 1.5, palette)
        grid = figure.add_gridspec(len(heights), len(widths), height_ratios=heights, width_ratios=widths)
        panels = [figure.add_subplot(grid[row, :]) for row in range(len(names))]
        for ax, name in zip(panels, names, strict=True):
            _panel(ax, diagnoses, name, palette)
        _networks(panels[0], diagnoses, palette)
        _taps(panels[-1], diagnoses, palette)
        if aligned:
            maps = [figure.add_subplot(grid[-1, column]) for column in range(len(widths))]
            _alignments(maps, diagnoses, palette)
        figure.align_ylabels(panels)
        images = formats.count(len(diagnoses[0].images), "image").replace(formats.SPACE, " ")
        _head(figure, f"Diagnostics over {images}" if title is None else title, palette)
    return figure


def _starts(diagnoses: Sequence[Diagnosis]) -> list[int]:
    """Where each network begins on the horizontal axis, one place free between two."""
    lengths = [len(one.taps) + 1 for one in diagnoses]
    return [sum(lengths[:place]) for place in range(len(lengths))]


def _panel(ax: Axes, diagnoses: Sequence[Diagnosis], name: str, palette: Palette) -> None:
    """One diagnostic over the taps of every network."""
    for start, diagnosis in zip(_starts(diagnoses), diagnoses, strict=True):
        places = range(start, start + len(diagnosis.taps))
        found = [one.quartiles(name) for one in diagnosis.taps.values()]
        ax.plot(
            places,
            [one.median for one in found],
            color=palette.tap,
            linewidth=1.2,
            marker="o",
            markersize=4,
            zorder=3,
        )
        lower, upper = [one.lower for one in found], [one.upper for one in found]
        ax.vlines(places, lower, upper, color=palette.tap, linewidth=3.5, alpha=0.45, zorder=2)
        pooled = [one.pooled[name] for one in diagnosis.taps.values() if name in one.pooled]
        if pooled:
            ax.scatter(places, pooled, s=18, c=palette.surface, marker="D", edgecolors=palette.mark, zorder=4)
    if name in LOGARITHMIC:
        _logarithmic(ax)
    ax.set_facecolor(palette.surface)
    ax.margins(y=0.12)
    ax.set_xticks([])
    ax.set_xlim(-0.6, _starts(diagnoses)[-1] + len(diagnoses[-1].taps) - 0.4)
    ax.set_ylabel(
        name.replace("_", "\n"), color=palette.ink, fontsize=theme.SMALL, rotation=0, ha="right", va="center"
    )
    ax.tick_params(axis="y", which="both", colors=palette.muted, labelsize=theme.SMALL, length=0)
    ax.grid(axis="y", color=palette.grid, linewidth=0.8, zorder=0)
    ax.set_axisbelow(True)
    ax.spines[:].set_visible(False)


def _logarithmic(ax: Axes) -> None:
    """A logarithmic scale with plain numbers at 1, 2 and 5 of each decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_yscale("log")
    low, high = ax.get_ylim()
    subs = (1.0,) if high / low > 30 else (1.0, 2.0, 5.0)
    ax.yaxis.set_major_locator(LogLocator(subs=subs, numticks=6))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _networks(ax: Axes, diagnoses: Sequence[Diagnosis], palette: Palette) -> None:
    """The name of each network above its taps."""
    for start, diagnosis in zip(_starts(diagnoses), diagnoses, strict=True):
        ax.annotate(
            displayed(diagnosis.backbone),
            (start - 0.3, 1),
            xycoords=ax.get_xaxis_transform(),
            xytext=(0, 5),
            textcoords="offset points",
            color=palette.ink,
            fontweight="bold",
        )


def _taps(ax: Axes, diagnoses: Sequence[Diagnosis], palette: Palette) -> None:
    """The name of each tap below its place."""
    places, names = [], []
    for start, diagnosis in zip(_starts(diagnoses), diagnoses, strict=True):
        places += list(range(start, start + len(diagnosis.taps)))
        names += [displayed(tap) for tap in diagnosis.taps]
    ax.set_xticks(
        places,
        names,
        color=palette.ink,
        fontsize=theme.SMALL,
        rotation=50,
        ha="right",
        rotation_mode="anchor",
    )
    ax.tick_params(axis="x", length=0)


def _alignments(row: Sequence[Axes], diagnoses: Sequence[Diagnosis], palette: Palette) -> None:
    """CKA of the taps of each network, on one scale from 0 to 1."""
    for ax, diagnosis in zip(row, diagnoses, strict=True):
        estimator = best_estimator(len(diagnosis.images))
        values = cka_between(diagnosis, diagnosis, "grams", estimator).numpy()
        names = [displayed(tap) for tap in diagnosis.taps]
        ax.set_facecolor(palette.blank)
        image = ax.imshow(values, cmap=theme.COLOUR_MAP, vmin=0, vmax=1, interpolation="nearest")
        turned: dict[str, Any] = {"rotation": 50, "ha": "right", "rotation_mode": "anchor"}
        ax.set_xticks(range(len(names)), names, color=palette.ink, fontsize=theme.SMALL, **turned)
        ax.set_yticks(range(len(names)), names, color=palette.ink, fontsize=theme.SMALL)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        if len(names) <= theme.CELL_NUMBERS_UP_TO:
            _numbers(ax, values, image)
    row[0].set_title(
        f"CKA of taps, {estimator}", loc="left", color=palette.ink, fontsize=theme.FONT_SIZE, pad=6
    )
    if max(len(one.taps) for one in diagnoses) > theme.CELL_NUMBERS_UP_TO:
        bar = row[-1].figure.colorbar(image, ax=list(row), shrink=0.8, pad=0.02, aspect=28)
        bar.ax.tick_params(colors=palette.muted, labelsize=theme.SMALL)
        bar.outline.set_visible(False)


def _numbers(ax: Axes, values: NDArray[np.float64], image: AxesImage) -> None:
    """The number of each cell, dark on light cells and light on dark ones."""
    colours = np.asarray(image.cmap(image.norm(values)))
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            red, green, blue, _ = colours[row, column]
            ax.text(
                column,
                row,
                f"{value:.2f}",
                ha="center",
                va="center",
                fontsize=theme.SMALL - 0.5,
                color="#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "#ffffff",
            )


def _head(figure: Figure, title: str, palette: Palette) -> None:
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.06)  # type: ignore[union-attr, call-arg]
    figure.suptitle(title, x=0.012, ha="left", fontsize=theme.TITLE + 1, fontweight="bold", color=palette.ink)
    figure.supxlabel(CAPTION, x=0.012, ha="left", fontsize=theme.SMALL + 0.5, color=palette.muted)
