"""Distances as colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.report import formats, theme
from gramstyle.report.names import displayed
from gramstyle.report.theme import LIGHT, Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage


def heatmap(
    ax: Axes,
    matrix: Tensor | NDArray[np.float64],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    label: str,
    palette: Palette = LIGHT,
) -> Axes:
    """Draw distances as colours, with a colour bar.

    Where `rows` and `columns` are the same, the zeros of the diagonal are left blank: each is the
    distance of an image to itself, and would take half of the colours for itself.

    Args:
        ax: where.
        matrix: (N, M).
        rows: N names.
        columns: M names.
        title: above the map.
        label: of the colour bar: what the numbers are.
        palette: colours.

    Raises:
        ValueError: if the names do not fit the matrix, or it is empty.
    """
    values = np.ma.masked_invalid(_array(matrix))
    if values.shape != (len(rows), len(columns)) or values.size == 0:
        raise ValueError(
            f"matrix must be (N, M) with one name per row and column and at least one of each, got shape "
            f"{values.shape} for {len(rows)} rows and {len(columns)} columns"
        )
    if list(rows) == list(columns):
        values[np.diag(values.diagonal() == 0)] = np.ma.masked
    image = _coloured(ax, values, palette)
    ax.set_title(title, loc="left", color=palette.ink, fontweight="bold", pad=10)
    _name(ax, "x", columns, palette)
    _name(ax, "y", rows, palette)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.8, pad=0.025, aspect=28)
    bar.set_label(label, color=palette.muted)
    bar.ax.set_title("different", fontsize=theme.SMALL, color=palette.muted, pad=5)
    bar.ax.annotate(
        "similar",
        (0.5, 0),
        xycoords="axes fraction",
        xytext=(0, -5),
        textcoords="offset points",
        fontsize=theme.SMALL,
        color=palette.muted,
        ha="center",
        va="top",
    )
    bar.ax.tick_params(colors=palette.muted, labelsize=theme.SMALL)
    bar.outline.set_visible(False)
    if max(values.shape) <= theme.CELL_NUMBERS_UP_TO:
        _write_cells(ax, image, values)
    return ax


def _array(matrix: Tensor | NDArray[np.float64]) -> NDArray[np.float64]:
    plain = matrix.detach().cpu().numpy() if isinstance(matrix, Tensor) else matrix
    return np.array(plain, dtype=np.float64)  # a copy: the diagonal of it is masked


def _coloured(ax: Axes, values: Any, palette: Palette) -> AxesImage:
    import matplotlib

    ax.set_facecolor(palette.blank)
    shown = values.compressed()
    low, high = (shown.min(), shown.max()) if len(shown) else (0.0, 1.0)
    if low == high:
        low, high = min(low, 0.0), max(high, 0.0) or 1.0
    square = max(values.shape) <= 4 * min(values.shape)
    return ax.imshow(
        values,
        cmap=matplotlib.colormaps[theme.COLOUR_MAP].with_extremes(bad=palette.blank),
        vmin=low,
        vmax=high,
        interpolation="nearest",
        aspect="equal" if square else "auto",
    )


def _name(ax: Axes, axis: Literal["x", "y"], names: Sequence[str], palette: Palette) -> None:
    """Name every place on an axis; number some where there are too many for names."""
    many = len(names) > theme.NAMES_UP_TO
    step = -(-len(names) // 25) if many else 1
    step = next(one for one in (1, 2, 5, 10, 20, 50, 100, 200, 500, len(names)) if one >= step)
    places = [place for place in range(len(names)) if place == 0 or not many or (place + 1) % step == 0]
    texts = [str(place + 1) if many else displayed(names[place]) for place in places]
    if axis == "x":
        turned: dict[str, Any] = {} if many else {"rotation": 50, "ha": "right", "rotation_mode": "anchor"}
        ax.set_xticks(places, texts, color=palette.ink, fontsize=theme.SMALL + 0.5, **turned)
    else:
        ax.set_yticks(places, texts, color=palette.ink, fontsize=theme.SMALL + 0.5)
    if many:
        setter = ax.set_xlabel if axis == "x" else ax.set_ylabel
        setter("number of the image, in the order given", color=palette.muted)


def _write_cells(ax: Axes, image: AxesImage, values: Any) -> None:
    """The number of each cell, dark on light cells and light on dark ones."""
    size = theme.FONT_SIZE if max(values.shape) <= 8 else theme.SMALL - 0.5
    for (row, column), value in np.ndenumerate(values.filled(np.nan)):
        if math.isfinite(value):
            red, green, blue, _ = image.cmap(image.norm(value))
            light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
            ax.text(
                column,
                row,
                formats.distance(value),
                ha="center",
                va="center",
                fontsize=size,
                color="#000000" if light else "#ffffff",
            )
