"""Contact sheets: images of a corpus in rows and columns of their labels, or any images in order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import PIL.Image

from gramstyle import check
from gramstyle.corpus import FACTORS, Corpus, Item
from gramstyle.errors import StyleError
from gramstyle.images import Picture
from gramstyle.report.mosaic import SMALLEST, Mosaic, closest, drawn, small
from gramstyle.report.names import displayed, without_shared_folders
from gramstyle.report.theme import LIGHT, Palette
from gramstyle.types import Progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    check_cell(cell)
    check.positive("most", most)
    plan = _planned(corpus, rows, columns, most)
    blank = {(row, column): None for row in range(plan.height) for column in range(len(plan.columns))}
    mosaic = Mosaic(
        cells=blank | _shrunk(plan, cell, progress),
        rows=plan.rows,
        columns=plan.columns,
        height=plan.height,
        width=plan.width,
        cell=(cell, cell),
        names={at: item.name for at, item in plan.cells.items()} if plan.named else {},
        title=f"{displayed(corpus.name, 60)}: {plan.said}",
    )
    return drawn(mosaic, palette)


def image_sheet(
    pictures: Iterable[Picture],
    *,
    columns: int | None = None,
    cell: int = 192,
    labels: bool = False,
    title: str = "",
    palette: Palette = LIGHT,
) -> Figure:
    """Small pictures of any images, row by row, in cells as small as they allow.

    Args:
        pictures: each is let go of before the next is asked for.
        columns: pictures in a row; None makes about as many rows as columns.
        cell: longer side of a picture in pixels of the PNG that `rendered` makes of the figure.
        labels: write the name of each picture below it, without the folders that all lie in.
        title: above all; "" for none.
        palette: colours of the sheet.

    Raises:
        StyleError: if there is no picture.
        ValueError: if `cell` is smaller than 16 pixels, or `columns` not positive.
    """
    check_cell(cell)
    if columns is not None:
        check.positive("columns", columns)
    found = [(picture.name, small(picture, cell)) for picture in pictures]
    if not found:
        raise StyleError("pictures must hold at least one image, got none")
    width = min(columns or math.ceil(math.sqrt(len(found))), len(found))
    names = without_shared_folders([name for name, _ in found]) if labels else []
    mosaic = Mosaic(
        cells={divmod(place, width): image for place, (_, image) in enumerate(found)},
        height=-(-len(found) // width),
        width=width,
        cell=closest([image for _, image in found]),
        names={divmod(place, width): name for place, name in enumerate(names)},
        title=title,
    )
    return drawn(mosaic, palette)


def check_cell(cell: int) -> None:
    """Raise `ValueError` unless a cell of so many pixels shows anything."""
    if cell < SMALLEST:
        raise ValueError(f"cell must be {SMALLEST} pixels or more, got {cell}")


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


def _shrunk(
    plan: _Plan, cell: int, progress: Progress | None
) -> dict[tuple[int, int], PIL.Image.Image | None]:
    """Each image of a plan, made small."""
    found: dict[tuple[int, int], PIL.Image.Image | None] = {}
    for at, item in plan.cells.items():
        found[at] = small(item.origin.picture(), cell)
        if progress is not None:
            progress("drawing the sheet", len(found), len(plan.cells))
    return found
