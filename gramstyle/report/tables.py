"""Results as tables of plain values."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TypeAlias

from gramstyle.measure import Distances
from gramstyle.report.names import encodable
from gramstyle.report.together import labels
from gramstyle.study import Comparison

Cell: TypeAlias = str | int | float
Row: TypeAlias = tuple[Cell, ...]
Table: TypeAlias = tuple[tuple[str, ...], list[Row]]
"""Header and rows."""


def distance_table(distances: Distances) -> Table:
    """The matrix: one row per image, one column per image it is compared with."""
    header = ("image", *(image.name for image in distances.columns))
    values = distances.combined.tolist()
    return header, [(image.name, *row) for image, row in zip(distances.rows, values, strict=True)]


def pair_table(distances: Distances) -> Table:
    """One row per pair: the two images, their distance over the taps together, and at each tap.

    Within one set each pair stands once and no image with itself.
    """
    within = distances.columns is distances.rows
    matrices = {"combined": distances.combined.tolist()}
    matrices.update((tap, one.tolist()) for tap, one in distances.per_tap.items())
    rows: list[Row] = [
        (row.name, column.name, *(one[i][j] for one in matrices.values()))
        for i, row in enumerate(distances.rows)
        for j, column in enumerate(distances.columns)
        if not within or i < j
    ]
    return ("image", "other", *matrices), rows


def separation_table(comparisons: Sequence[Comparison]) -> Table:
    """One row per architecture, metric and tap; contrast in percent."""
    header = (
        "architecture",
        "weights",
        "metric",
        "tap",
        "auc",
        "contrast_percent",
        "dprime",
        "pairs_within",
        "pairs_between",
    )
    rows: list[Row] = [
        (
            label,
            comparison.distances.identity.name,
            metric,
            tap,
            one.auc,
            100 * one.contrast,
            one.dprime,
            one.within,
            one.between,
        )
        for label, comparison in zip(labels(comparisons), comparisons, strict=True)
        for metric, taps in comparison.separations.items()
        for tap, one in taps.items()
    ]
    return header, rows


def to_csv(header: Sequence[str], rows: Sequence[Row]) -> str:
    """RFC 4180 text; numbers as short as reads back to the same float."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([encodable(name) for name in header])
    writer.writerows([_exact(cell) for cell in row] for row in rows)
    return text.getvalue()


def to_markdown(header: Sequence[str], rows: Sequence[Row]) -> str:
    """A table of GitHub's Markdown; numbers to the right."""
    numeric = [
        bool(rows) and all(not isinstance(row[column], str) for row in rows) for column in range(len(header))
    ]
    lines = [header, ["---:" if right else "---" for right in numeric]]
    lines += [[_short(cell) for cell in row] for row in rows]
    escaped = [[_markdown(cell) for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


def _exact(cell: Cell) -> str:
    return encodable(cell) if isinstance(cell, str) else repr(cell)


def _short(cell: Cell) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def _markdown(cell: str) -> str:
    """A cell on one line, without anything that Markdown would take for its own."""
    escaped = "".join(f"\\{letter}" if letter in "\\`*_[]<>|#&" else letter for letter in encodable(cell))
    return " ".join(escaped.splitlines())
