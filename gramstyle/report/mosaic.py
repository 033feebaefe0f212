"""Small pictures in rows and columns, with words around them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray

from gramstyle.images import Picture
from gramstyle.report import theme
from gramstyle.report.names import displayed
from gramstyle.report.theme import LIGHT, Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP = 4
"""Pixels between two cells."""

EDGE = 12
"""Pixels around everything."""

LINE = 24
"""Pixels of height that a line of text takes."""

SMALLEST = 16
"""Pixels on a side of a cell, at least."""


@dataclass(frozen=True, kw_only=True)
class Mosaic:
    """What goes where.

    Attributes:
        cells: (row, column) -> small picture; None for a blank that stands for one that is missing. Where
            nothing is named nothing is drawn.
        rows: labels; empty where rows have none.
        columns: likewise.
        height: number of rows.
        width: number of columns.
        cell: (H, W) of a cell in pixels; no picture is larger.
        names: (row, column) -> words below a picture; empty where there are none.
        title: above all; "" for none.
    """

    cells: Mapping[tuple[int, int], PIL.Image.Image | None]
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    height: int
    width: int
    cell: tuple[int, int]
    names: Mapping[tuple[int, int], str]
    title: str = ""

    @property
    def strip(self) -> int:
        """Pixels below each picture for its name."""
        return LINE if self.names else 0

    @property
    def pitch(self) -> tuple[int, int]:
        """Pixels from one row, and one column, to the next."""
        return self.cell[0] + self.strip + GAP, self.cell[1] + GAP


def small(picture: Picture, cell: int) -> PIL.Image.Image:
    """A picture whose longer side is `cell`."""
    levels = (picture.pixels.detach().cpu().float().clamp(0, 1) * 255).round().numpy().astype(np.uint8)
    image = PIL.Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0)))
    return PIL.ImageOps.contain(image, (cell, cell), PIL.Image.Resampling.LANCZOS)


def closest(images: Sequence[PIL.Image.Image]) -> tuple[int, int]:
    """(H, W) of the smallest cell in which each of some pictures has room."""
    return max(one.height for one in images), max(one.width for one in images)


def drawn(mosaic: Mosaic, palette: Palette = LIGHT) -> Figure:
    """The pictures with their labels, one of their pixels to one of the PNG that `rendered` makes."""
    with theme.themed():
        return _framed(_pasted(mosaic, palette), mosaic, palette)


def _pasted(mosaic: Mosaic, palette: Palette) -> NDArray[np.uint8]:
    """All pictures in their places, (H, W, 3)."""
    (down, across), (height, width) = mosaic.pitch, mosaic.cell
    sheet = PIL.Image.new("RGB", (mosaic.width * across - GAP, mosaic.height * down - GAP), palette.surface)
    for row, column in product(range(mosaic.height), range(mosaic.width)):
        left, top = column * across, row * down
        if (row, column) not in mosaic.cells:
            continue
        image = mosaic.cells[row, column]
        if image is None:
            sheet.paste(palette.blank, (left, top, left + width, top + height))
        else:
            sheet.paste(image, (left + (width - image.width) // 2, top + (height - image.height) // 2))
    return np.asarray(sheet)


def _framed(pixels: NDArray[np.uint8], mosaic: Mosaic, palette: Palette) -> Figure:
    height, width = pixels.shape[:2]
    longest = _width(mosaic.columns, theme.SMALL)
    turned = longest > mosaic.cell[1]
    labels = round(0.71 * longest) + LINE if turned else LINE if mosaic.columns else 0
    left = round(EDGE + _width(mosaic.rows, theme.SMALL) + (EDGE if mosaic.rows else 0))
    right = EDGE + (labels - LINE if turned else 0)  # where the last turned label ends
    top = EDGE + labels + (EDGE + LINE if mosaic.title else 0)
    words = round(_width([mosaic.title], theme.TITLE)) if mosaic.title else 0
    whole = max(left + width + right, words + 2 * EDGE), top + height + EDGE
    figure = _figure(*whole, palette)
    ax = figure.add_axes((left / whole[0], EDGE / whole[1], width / whole[0], height / whole[1]))
    figure.figimage(
        pixels, left, EDGE
    )  # pixel for pixel, which an image within axes is not in every matplotlib
    ax.set(xlim=(0, width), ylim=(height, 0), facecolor="none")
    _label(ax, mosaic, turned, palette)
    if mosaic.title:
        place = EDGE / whole[0], 1 - EDGE / whole[1]
        figure.text(*place, mosaic.title, fontsize=theme.TITLE, color=palette.ink, va="top")
    return figure


def _label(ax: Axes, mosaic: Mosaic, turned: bool, palette: Palette) -> None:
    """Write the labels of rows and columns, and the names of pictures."""
    ax.spines[:].set_visible(False)
    ax.xaxis.tick_top()
    ax.tick_params(length=0, labelsize=theme.SMALL, labelcolor=palette.ink, pad=EDGE / 4)
    (down, across), (height, width) = mosaic.pitch, mosaic.cell
    ax.set_xticks([at * across + width / 2 for at in range(len(mosaic.columns))], mosaic.columns)
    ax.set_yticks([at * down + height / 2 for at in range(len(mosaic.rows))], mosaic.rows)
    if turned:
        for label in ax.get_xticklabels():
            label.set(rotation=45, ha="left", rotation_mode="anchor")
    for (row, column), name in mosaic.names.items():
        place = (column * across + width / 2, row * down + height + mosaic.strip / 2)
        text = _fitting(name, width)
        ax.text(*place, text, fontsize=theme.SMALL, color=palette.muted, ha="center", va="center")


def _figure(width: int, height: int, palette: Palette) -> Figure:
    """An empty figure of so many pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (width / theme.DPI, height / theme.DPI)
    figure = Figure(figsize=size, dpi=theme.DPI, facecolor=palette.surface)
    FigureCanvasAgg(figure)
    return figure


def _fitting(name: str, room: int) -> str:
    """A name, its middle left out where it takes more than `room` pixels."""
    plain = displayed(name, 200)
    taken = _width([plain], theme.SMALL)
    letters = len(plain)
    while taken > room and letters > 3:
        letters = min(letters - 1, int(letters * room / taken) + 1)
        plain = displayed(name, letters)
        taken = _width([plain], theme.SMALL)
    return plain


def _width(texts: Sequence[str], size: float) -> float:
    """Pixels that the widest of some texts takes; 0 for none."""
    figure = _figure(100, 100, LIGHT)
    with warnings.catch_warnings():
        # a script that no font at hand knows is measured as boxes, as it will be drawn
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        drawn = [figure.text(0, 0, text, fontsize=size) for text in texts]
        return max((one.get_window_extent().width for one in drawn), default=0.0)
