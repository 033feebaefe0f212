"""A contact sheet: images of a corpus in rows and columns of their labels."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray

from gramstyle import check
from gramstyle.corpus import FACTORS, Corpus, Item
from gramstyle.errors import StyleError
from gramstyle.images import Picture
from gramstyle.report import theme
from gramstyle.report.names import displayed
from gramstyle.report.theme import LIGHT, Palette
from gramstyle.types import Progress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP = 4
"""Pixels between two cells."""

EDGE = 12
"""Pixels around everything."""

LINE = 24
"""Pixels of height that a line of text takes."""


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What goes where.

    Attributes:
        cells: (row, column) -> image.
        rows: labels; empty where rows have none.
        columns: likewise.
        height: number of rows.
        width: number of columns.
        named: whether each image has its name below it.
        said: what is not shown, in words.
    """

    cells: dict[tuple[int, int], Item]
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    height: int
    width: int
    named: bool = False
    said: str


def contact_sheet(
    corpus: Corpus,
    rows: str = "style",
    columns: str = "content",
    *,
    cell: int = 96,
    most: int = 24,
    palette: Palette = LIGHT,
    progress: Progress | None = None,
) -> Figure:
    """Small pictures of a corpus, a row for each label of one factor and a column for each of another.

    Of several images with both labels a cell shows one, neighbouring cells different ones. Where
    images have no label for `columns`, a row shows the first images of its label; where they have
    none for `rows` either, all stand in a plain grid with their names. Only images shown are read.

    Args:
        corpus: the images.
        rows: one of "style", "content", "palette", "source".
        columns: another one.
        cell: side of a picture in pixels of the PNG that `rendered` makes of the figure.
        most: rows and columns at most; the title says how many there would be.
        palette: colours of the sheet.
        progress: told of each picture.

    Raises:
        UnknownNameError: if `rows` or `columns` is no factor.
        StyleError: if they are the same.
        ValueError: if `cell` is smaller than 16 pixels, or `most` not positive.
        ImageError: if an image cannot be read.
    """
    check_factors(rows, columns)
    if cell < 16:
        raise ValueError(f"cell must be 16 pixels or more, got {cell}")
    check.positive("most", most)
    plan = _planned(corpus, rows, columns, most)
    strip = LINE if plan.named else 0
    pixels = _pasted(plan, cell, strip, palette, progress)
    with theme.themed():
        return _framed(pixels, plan, cell, strip, f"{displayed(corpus.name, 60)}: {plan.said}", palette)


def check_factors(rows: str, columns: str) -> None:
    """Raise `UnknownNameError` unless both are factors, and `StyleError` unless they are different."""
    for argument, factor in (("rows", rows), ("columns", columns)):
        check.name_in(argument, factor, FACTORS)
    if rows == columns:
        raise StyleError(f"rows and columns must be different factors, got {rows!r} for both")


def _planned(corpus: Corpus, rows: str, columns: str, most: int) -> _Plan:
    down, across = corpus.labels(rows), corpus.labels(columns)
    if down is None:
        return _grid(corpus, most)
    row_labels = list(dict.fromkeys(down))
    column_labels = [] if across is None else list(dict.fromkeys(across))
    found: dict[tuple[int, int], list[Item]] = {}
    for place, item in enumerate(corpus.items):
        row = row_labels.index(down[place])
        column = 0 if across is None else column_labels.index(across[place])
        found.setdefault((row, column), []).append(item)
    if across is None:
        cells = {
            (row, column): item for (row, _), items in found.items() for column, item in enumerate(items)
        }
    else:  # 5 and 3 take neighbours to different palettes in a corpus that is crossed
        cells = {
            (row, column): items[(5 * row + 3 * column) % len(items)]
            for (row, column), items in found.items()
        }
    shown = {at: item for at, item in cells.items() if max(at) < most}
    return _Plan(
        cells=shown,
        rows=[displayed(label) for label in row_labels[:most]],
        columns=[displayed(label) for label in column_labels[:most]],
        height=min(len(row_labels), most),
        width=1 + max(column for _, column in shown),
        said=_said(shown, corpus, {rows: len(row_labels), columns: len(column_labels)}, most),
    )


def _grid(corpus: Corpus, most: int) -> _Plan:
    """All images in order, about as many rows as columns."""
    width = min(math.ceil(math.sqrt(len(corpus))), most)
    cells = {divmod(place, width): item for place, item in enumerate(corpus.items[: most * most])}
    return _Plan(
        cells=cells,
        height=-(-len(cells) // width),
        width=width,
        named=True,
        said=_said(cells, corpus, {}, most),
    )


def _said(cells: dict[tuple[int, int], Item], corpus: Corpus, factors: dict[str, int], most: int) -> str:
    """How much of the corpus is shown."""
    share = f"{len(cells)} of {len(corpus)} images"
    cut = [
        f"the first {most} of {count} {factor} labels" for factor, count in factors.items() if count > most
    ]
    return ", ".join([share, *cut])


def _pasted(
    plan: _Plan, cell: int, strip: int, palette: Palette, progress: Progress | None
) -> NDArray[np.uint8]:
    """All pictures in their places, (H, W, 3)."""
    down, across = cell + strip + GAP, cell + GAP
    size = (plan.width * across - GAP, plan.height * down - GAP)
    sheet = PIL.Image.new("RGB", size, palette.surface)
    for row, column in product(range(plan.height), range(plan.width)):
        if plan.columns and (row, column) not in plan.cells:
            sheet.paste(
                palette.blank, (column * across, row * down, column * across + cell, row * down + cell)
            )
    for done, ((row, column), item) in enumerate(plan.cells.items(), start=1):
        small = _small(item.origin.picture(), cell)
        left, top = column * across + (cell - small.width) // 2, row * down + (cell - small.height) // 2
        sheet.paste(small, (left, top))
        if progress is not None:
            progress("drawing the sheet", done, len(plan.cells))
    return np.asarray(sheet)


def _small(picture: Picture, cell: int) -> PIL.Image.Image:
    """A picture whose longer side is `cell`."""
    levels = (picture.pixels.detach().cpu().float().clamp(0, 1) * 255).round().numpy().astype(np.uint8)
    image = PIL.Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0)))
    return PIL.ImageOps.contain(image, (cell, cell), PIL.Image.Resampling.LANCZOS)


def _framed(
    pixels: NDArray[np.uint8], plan: _Plan, cell: int, strip: int, title: str, palette: Palette
) -> Figure:
    """The pictures with labels around them, one of their pixels to one of the figure."""
    height, width = pixels.shape[:2]
    longest = _width(plan.columns, theme.SMALL)
    turned = longest > cell
    labels = round(0.71 * longest) + LINE if turned else LINE if plan.columns else 0
    left = round(EDGE + _width(plan.rows, theme.SMALL) + (EDGE if plan.rows else 0))
    right = EDGE + (labels - LINE if turned else 0)  # where the last turned label ends
    top = 2 * EDGE + LINE + labels
    whole = max(left + width + right, round(_width([title], theme.TITLE)) + 2 * EDGE), top + height + EDGE
    figure = _figure(*whole, palette)
    ax = figure.add_axes((left / whole[0], EDGE / whole[1], width / whole[0], height / whole[1]))
    ax.imshow(pixels, interpolation="nearest", aspect="auto", extent=(0, width, height, 0))
    _label(ax, plan, cell, strip, turned, palette)
    figure.text(
        EDGE / whole[0], 1 - EDGE / whole[1], title, fontsize=theme.TITLE, color=palette.ink, va="top"
    )
    return figure


def _label(ax: Axes, plan: _Plan, cell: int, strip: int, turned: bool, palette: Palette) -> None:
    """Write the labels of rows and columns, or the names of images."""
    ax.spines[:].set_visible(False)
    ax.xaxis.tick_top()
    ax.tick_params(length=0, labelsize=theme.SMALL, labelcolor=palette.ink, pad=EDGE / 4)
    down, across = cell + strip + GAP, cell + GAP
    ax.set_xticks([column * across + cell / 2 for column in range(len(plan.columns))], plan.columns)
    ax.set_yticks([row * down + cell / 2 for row in range(len(plan.rows))], plan.rows)
    if turned:
        for label in ax.get_xticklabels():
            label.set(rotation=45, ha="left", rotation_mode="anchor")
    if plan.named:
        for (row, column), item in plan.cells.items():
            name = _fitting(item.name, cell)
            place = (column * across + cell / 2, row * down + cell + strip / 2)
            ax.text(*place, name, fontsize=theme.SMALL, color=palette.muted, ha="center", va="center")


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
