"""Figures of distances and separations, ready to be saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gramstyle.measure import Distances
from gramstyle.report import theme
from gramstyle.report.bars import separation_bars
from gramstyle.report.canvas import canvas
from gramstyle.report.heatmap import heatmap
from gramstyle.report.names import displayed, without_shared_folders
from gramstyle.report.theme import LIGHT, Palette, themed
from gramstyle.study import Comparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def heatmap_figure(distances: Distances, title: str | None = None, palette: Palette = LIGHT) -> Figure:
    """Heat map of distances over the taps together; `title` is the backbone's name unless given."""
    rows, columns = len(distances.rows), len(distances.columns)
    cell = theme.WIDE_CELL if max(rows, columns) <= theme.CELL_NUMBERS_UP_TO else theme.CELL
    size = [min(max(cell * side, 2.6), 8.0) for side in (columns, rows)]
    with themed():
        figure = canvas(size[0] + 2.4, size[1] + 1.4, palette)
        heatmap(
            figure.subplots(),
            distances.combined,
            without_shared_folders([image.name for image in distances.rows]),
            without_shared_folders([image.name for image in distances.columns]),
            f"Style distances under {displayed(distances.identity.backbone)}" if title is None else title,
            f"{distances.recipe.metric}, taps together",
            palette,
        )
        figure.get_layout_engine().set(h_pad=0.12, w_pad=0.12)  # type: ignore[union-attr, call-arg]
    return figure


def separation_figure(comparison: Comparison, title: str | None = None, palette: Palette = LIGHT) -> Figure:
    """AUC and contrast per tap, side by side, one row per metric."""
    metrics = comparison.separations
    longest = max(len(taps) for taps in metrics.values())
    with themed():
        figure = canvas(7.2, len(metrics) * (0.27 * longest + 1.1) + 0.4, palette)
        grid = figure.subplots(len(metrics), 2, sharey="row", squeeze=False)
        for axes, (metric, separations) in zip(grid, metrics.items(), strict=True):
            separation_bars(axes[0], separations, "auc", f"{metric}: AUC", palette)
            separation_bars(axes[1], separations, "contrast", f"{metric}: contrast", palette)
        figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)  # type: ignore[union-attr, call-arg]
        name = displayed(comparison.distances.identity.backbone)
        figure.suptitle(
            f"Separation of crops under {name}" if title is None else title,
            x=0.012,
            ha="left",
            fontsize=theme.TITLE + 1,
            fontweight="bold",
            color=palette.ink,
        )
    return figure
