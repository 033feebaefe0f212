"""Rows of a CSV or Parquet file, as text."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gramstyle.errors import StyleError

DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row.

    Attributes:
        number: of the line it begins on, or of the row in Parquet, from 1.
        cells: column -> text without surrounding blanks, "" where there is none.
    """

    number: int
    cells: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A file of rows.

    Attributes:
        path: of the file.
        unit: what rows are counted in, "line" or "row".
        header: line of the header; 0 where there is none to speak of.
        columns: in lower case without surrounding blanks, in the order of the file.
        rows: those that are not blank throughout.
    """

    path: Path
    unit: str
    header: int
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def at(self, numbers: Sequence[int]) -> str:
        """Where rows are, e.g. "lines 3, 7"; the first five."""
        shown = ", ".join(map(str, numbers[:5])) + (" ..." if len(numbers) > 5 else "")
        return f"{self.unit}{'' if len(numbers) == 1 else 's'} {shown}"


def read_csv(path: Path, key: str) -> Table:
    """A CSV file in UTF-8, with or without a byte order mark.

    The delimiter is the one of comma, semicolon and tab that finds the column `key` in the header.

    Raises:
        StyleError: if it cannot be read or is no CSV; the message names the file and the line.
    """
    text = _decoded(path)
    delimiter = _delimiter(text, key)
    records = _records(path, text, delimiter)
    line, names = next(records, (0, []))
    columns = _normalised(path, names)
    rows = []
    for number, cells in records:
        if any(cell for cell in cells[len(columns) :]):
            raise StyleError(
                f"{path}, line {number}: {len(cells)} cells where the header has {len(columns)}: put cells "
                f"that contain {delimiter!r} in double quotes"
            )
        padded = cells + [""] * (len(columns) - len(cells))
        rows.append(Row(number=number, cells=dict(zip(columns, padded, strict=False))))
    return Table(path=path, unit="line", header=line, columns=columns, rows=tuple(rows))


def read_parquet(path: Path, wanted: Sequence[str]) -> Table:
    """Those columns of a Parquet file that are `wanted`; the others are named and not read.

    Raises:
        StyleError: if it cannot be read, or a wanted column holds what is no label.
    """
    from pyarrow import lib, parquet

    try:
        with parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            columns = _normalised(path, names)
            read = {column: name for column, name in zip(columns, names, strict=True) if column in wanted}
            values = file.read(columns=list(read.values())).to_pydict()
    except (lib.ArrowException, OSError) as error:
        raise StyleError(f"cannot read {path} as Parquet: {' '.join(str(error).split())}") from error
    texts = {
        column: [_text(path, column, number, value) for number, value in enumerate(values[name], start=1)]
        for column, name in read.items()
    }
    count = max((len(one) for one in texts.values()), default=0)
    rows = (
        Row(number=number + 1, cells={column: texts[column][number] for column in texts})
        for number in range(count)
    )
    kept = tuple(row for row in rows if any(row.cells.values()))
    return Table(path=path, unit="row", header=0, columns=columns, rows=kept)


def _decoded(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StyleError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise StyleError(f"{path}, line {line}: not UTF-8: save it as CSV in UTF-8") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise StyleError(f"{path}, line {line}: holds a NUL: save it as CSV in UTF-8")
    return text


def _delimiter(text: str, key: str) -> str:
    """The delimiter under which the header has a column `key`, or most columns where none has.

    A header of one column fits them all; the one that occurs nowhere then splits no path.
    """
    header = next((line for line in text.splitlines() if line.strip()), "")

    def fitness(delimiter: str) -> tuple[bool, int, bool]:
        cells = [cell.strip().lower() for cell in next(csv.reader([header], delimiter=delimiter), [])]
        return key in cells, len(cells), delimiter not in text

    return max(DELIMITERS, key=fitness)


def _records(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line and stripped cells of each record that is not blank throughout."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise StyleError(f"{path}, line {line}: {error}: is a double quote left open?") from error
        if any(cells):
            yield line, cells


def _normalised(path: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Names of columns as they are compared."""
    columns = tuple(name.strip().lower() for name in names)
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise StyleError(f"{path} must name each column once, got {twice[0]!r} more than once")
    return columns


def _text(path: Path, column: str, number: int, value: Any) -> str:
    """A value of Parquet as it would stand in a CSV file; "" for missing ones.

    A number that is whole has no point: integers beside missing values are often stored as floats.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (bytes, list, dict)):
        raise StyleError(
            f"{path}, row {number}: column {column!r} must hold text or numbers, got {type(value).__name__}"
        )
    return str(value).strip()
