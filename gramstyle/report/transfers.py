"""Many transfers: one sheet that shows them all, and one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import PIL.Image

from gramstyle.errors import ImageError
from gramstyle.images import read_image
from gramstyle.report.mosaic import SMALLEST, Mosaic, closest, drawn, small
from gramstyle.report.names import displayed
from gramstyle.report.tables import Row, Table
from gramstyle.report.theme import LIGHT, Palette
from gramstyle.transfer.batch import Outcome
from gramstyle.transfer.grid import Grid, names_of, short
from gramstyle.transfer.walk import Walk

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cells = dict[tuple[int, int], PIL.Image.Image | None]

CELL = 192
"""Longer side of a picture, in pixels."""

WIDEST = 8000
"""Pixels that the pictures of a row, or a column, take at most."""


def grid_sheet(
    grid: Grid, outcomes: Sequence[Outcome], *, cell: int | None = None, palette: Palette = LIGHT
) -> Figure:
    """The results of a grid, a row per content and a column per style and weight, beside the originals.

    What failed, and what cannot be read, is a blank.

    Args:
        grid: the grid.
        outcomes: of its jobs, in their order; of later ones there may be none yet.
        cell: longer side of a picture in pixels; None takes 192, or less for large grids.
        palette: colours of the sheet.
    """
    rows, columns = names_of(grid.contents), names_of(grid.styles)
    width, height = len(grid.columns) + 1, len(grid.contents) + 1
    side = _side(cell, width, height)
    originals = {style: _read(style, side) for style in grid.styles}
    cells: Cells = {(0, at): originals[style] for at, (style, _) in enumerate(grid.columns, start=1)}
    cells |= {(at, 0): _read(content, side) for at, content in enumerate(grid.contents, start=1)}
    results = _results(outcomes, side, (height - 1) * (width - 1))
    cells |= {(1 + at // (width - 1), 1 + at % (width - 1)): one for at, one in enumerate(results)}
    labels = [
        columns[style] + ("" if weight is None else f", {short(weight)}") for style, weight in grid.columns
    ]
    return _sheet(
        cells,
        ["", *(displayed(rows[content]) for content in grid.contents)],
        ["", *map(displayed, labels)],
        palette,
    )


def walk_sheet(
    walk: Walk, outcomes: Sequence[Outcome], *, cell: int | None = None, palette: Palette = LIGHT
) -> Figure:
    """The results of a walk in their places, with the styles outside the corners that are theirs.

    Args:
        walk: the walk.
        outcomes: of its jobs, in their order; of later ones there may be none yet.
        cell: longer side of a picture in pixels; None takes 192, or less for large walks.
        palette: colours of the sheet.
    """
    width, height = walk.steps + 2, walk.rows
    side = _side(cell, width, height)
    corners = [(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)][: len(walk.styles)]
    cells: Cells = {at: _read(path, side) for at, path in zip(corners, walk.styles, strict=True)}
    results = _results(outcomes, side, walk.rows * walk.steps)
    cells |= {(at // walk.steps, 1 + at % walk.steps): one for at, one in enumerate(results)}
    named = [displayed(Path(path).stem) for path in walk.styles]
    across = [f"{column / (walk.steps - 1):.3g}" for column in range(walk.steps)]
    if walk.rows == 1:
        return _sheet(cells, [], [named[0], *across, named[1]], palette)
    down = [f"{row / (walk.steps - 1):.3g}" for row in range(walk.steps)]
    names = dict(zip(corners, named, strict=True))
    return _sheet(cells, down, ["", *across, ""], palette, names)


def outcome_table(outcomes: Sequence[Outcome], earlier: Mapping[str, float] | None = None) -> Table:
    """One row per job: its inputs, what became of it, and its terms at the last step.

    Args:
        outcomes: of a batch.
        earlier: name of an output -> seconds that an earlier run took over it, for those that were kept.

    Returns:
        Columns image, content, style, shares (of several styles, or none), weight (of the content), outcome,
        steps, seconds, loss, one for each term, and note. What is not known is empty.
    """
    terms = tuple(dict.fromkeys(term for one in outcomes for term in one.losses))
    several = any(len(one.job.styles) > 1 for one in outcomes)
    header = ("image", "content", "style", *(("shares",) if several else ()), "weight", "outcome", "steps")
    header += ("seconds", "loss", *terms, "note")
    return header, [_row(one, terms, several, earlier or {}) for one in outcomes]


def _row(one: Outcome, terms: Sequence[str], several: bool, earlier: Mapping[str, float]) -> Row:
    job, name = one.job, Path(one.job.output).name
    seconds = earlier.get(name, "") if one.end == "kept" else round(one.seconds, 3)
    shares = (" ".join(short(style.weight) for style in job.styles),) if several else ()
    return (
        name,
        job.content or "",
        " ".join(style.path for style in job.styles),
        *shares,
        job.settings.content_weight,
        one.end,
        one.steps,
        seconds,
        one.loss if one.losses else "",
        *(one.losses.get(term, "") for term in terms),
        one.note,
    )


def _sheet(
    cells: Cells,
    rows: Sequence[str],
    columns: Sequence[str],
    palette: Palette,
    names: Mapping[tuple[int, int], str] | None = None,
) -> Figure:
    shown = [image for image in cells.values() if image is not None]
    mosaic = Mosaic(
        cells=cells,
        rows=rows,
        columns=columns,
        height=1 + max(row for row, _ in cells),
        width=1 + max(column for _, column in cells),
        cell=closest(shown) if shown else (SMALLEST, SMALLEST),
        names=names or {},
    )
    return drawn(mosaic, palette)


def _side(cell: int | None, width: int, height: int) -> int:
    """Longer side of a picture."""
    return max(SMALLEST, min(CELL, WIDEST // max(width, height))) if cell is None else max(SMALLEST, cell)


def _results(outcomes: Sequence[Outcome], side: int, count: int) -> list[PIL.Image.Image | None]:
    """The images of all jobs; None where there is none."""
    found = [None if one.end == "failed" else _read(one.job.output, side) for one in outcomes]
    return found + [None] * (count - len(found))


def _read(path: str, side: int) -> PIL.Image.Image | None:
    try:
        return small(read_image(path), side)
    except ImageError:
        return None
