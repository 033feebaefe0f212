"""Corpora listed in a table: one row per image, with its labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gramstyle import check
from gramstyle.corpus.origins import FileOrigin
from gramstyle.corpus.phrases import counted, listed
from gramstyle.corpus.records import FACTORS, Corpus, Item
from gramstyle.corpus.tables import Table, read_csv, read_parquet
from gramstyle.errors import StyleError

PATH = "path"
COLUMNS = (PATH, *FACTORS)
SUFFIXES = (".csv", ".tsv", ".parquet")
"""Endings of the names of manifests."""

ALIKE = ("file", "filename", "file_name", "filepath", "image", "image_path", "img", "name")
"""Names under which other tools list the path of an image."""


@dataclass(frozen=True, kw_only=True)
class _Listed:
    """A row: where it is, and the image it names."""

    number: int
    written: str
    path: Path
    labels: dict[str, str]


def read_manifest(path: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None) -> Corpus:
    """A corpus from a CSV or Parquet file with a row for each image.

    The column `path` names the image; `style`, `content`, `palette` and `source` are its labels, and
    each may be missing. Names of columns are compared without case and surrounding blanks; further
    columns are ignored, and a note says which. CSV is UTF-8, with comma, semicolon or tab between
    cells. Labels are text: a 1 is "1", in Parquet too.

    A label is given for every image or for none, but for `source`, where a blank means that the image
    is a source of its own.

    Args:
        path: ends in .csv, .tsv or .parquet.
        root: folder that relative paths start from; None is the folder of the manifest.

    Returns:
        Images in the order of the rows. An image is named by its path relative to `root` where it lies
        below it, with / between folders.

    Raises:
        TypeError: if `path` or `root` is no path.
        StyleError: if the file cannot be read or has no column `path` or no rows; an image is missing,
            or listed twice; or a label is given for some images only. The message names file, row and
            column.
    """
    check.one_of_type("path", path, str, os.PathLike)
    check.one_of_type("root", "" if root is None else root, str, os.PathLike)
    manifest = Path(path)
    folder = manifest.parent if root is None else Path(root)
    if root is not None and not folder.is_dir():
        raise StyleError(f"root must be a folder, got {str(folder)!r}")
    table = _table(manifest)
    _check_columns(table)
    images = _images(table, folder)
    given = [factor for factor in FACTORS if any(one.labels.get(factor) for one in images)]
    _check_labels(table, images, given)
    _check_files(table, images, folder)
    _check_twice(table, images)
    items = tuple(
        Item(
            name=_name(one.path, folder),
            origin=FileOrigin(one.path),
            **{factor: one.labels[factor] for factor in given},
        )
        for one in images
    )
    return Corpus(name=manifest.stem, items=items, notes=_notes(table, given, len(items)))


def _table(manifest: Path) -> Table:
    if manifest.is_dir():
        raise StyleError(
            f"path must be a manifest, a file ending in {', '.join(SUFFIXES)}; got the folder "
            f"{str(manifest)!r}: read_corpus reads folders"
        )
    suffix = manifest.suffix.lower()
    if suffix not in SUFFIXES:
        raise StyleError(f"the name of a manifest must end in {', '.join(SUFFIXES)}, got {str(manifest)!r}")
    if not manifest.exists():
        raise StyleError(f"no such manifest: {str(manifest)!r}")
    return read_parquet(manifest, COLUMNS) if suffix == ".parquet" else read_csv(manifest, PATH)


def _check_columns(table: Table) -> None:
    if PATH not in table.columns:
        alike = [name for name in check.nearest_first(PATH, table.columns) if name in ALIKE]
        remedy = f"rename {alike[0]!r} to {PATH!r}" if alike else "the header names the columns"
        got = ", ".join(map(repr, table.columns)) or "an empty file"
        where = f"{table.path}, line {table.header}" if table.header else str(table.path)
        raise StyleError(f"{where}: needs a column {PATH!r} with the path of each image, got {got}: {remedy}")
    if not table.rows:
        raise StyleError(f"{table.path} lists no images: it holds a header and no rows")


def _images(table: Table, folder: Path) -> list[_Listed]:
    empty = [row.number for row in table.rows if not row.cells[PATH]]
    if empty:
        raise StyleError(
            f"{table.path}: column {PATH!r} must name an image in every row; blank on {table.at(empty)}"
        )
    return [
        _Listed(
            number=row.number,
            written=row.cells[PATH],
            path=Path(os.path.normpath(folder / row.cells[PATH])),
            labels={factor: row.cells.get(factor, "") for factor in FACTORS},
        )
        for row in table.rows
    ]


def _check_labels(table: Table, images: Sequence[_Listed], given: Sequence[str]) -> None:
    for factor in given:
        blank = [one.number for one in images if not one.labels[factor]]
        if blank and factor != "source":
            raise StyleError(
                f"{table.path}: column {factor!r} must be filled for every image or for none; blank on "
                f"{table.at(blank)} ({len(blank)} of {len(images)})"
            )


def _check_files(table: Table, images: Sequence[_Listed], folder: Path) -> None:
    missing = [one for one in images if not _is_file(one.path)]
    if not missing:
        return
    named = listed([f"{table.unit} {one.number} {one.written!r}" for one in missing])
    hint = ""
    if os.sep == "/" and "\\" in missing[0].written:
        hint = ": write / between folders"
    elif not any(Path(one.written).is_absolute() for one in missing):
        hint = f": relative paths start from {str(folder)!r}, pass root to change that"
    raise StyleError(f"{table.path}: {len(missing)} of {len(images)} images do not exist: {named}{hint}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def _check_twice(table: Table, images: Sequence[_Listed]) -> None:
    seen: dict[str, _Listed] = {}
    for one in images:
        first = seen.setdefault(os.path.realpath(one.path), one)
        if first is one:
            continue
        differ = [factor for factor in FACTORS if first.labels[factor] != one.labels[factor]]
        labels = "".join(f", with {name} {first.labels[name]!r} and {one.labels[name]!r}" for name in differ)
        other = f" (as {one.written!r})" if one.written != first.written else ""
        raise StyleError(
            f"{table.path}: {table.at([first.number, one.number])} name the same image "
            f"{first.written!r}{other}{labels}: list each image once"
        )


def _name(path: Path, folder: Path) -> str:
    inside = Path(os.path.normpath(folder))
    return (path.relative_to(inside) if path.is_relative_to(inside) else path).as_posix()


def _notes(table: Table, given: Sequence[str], count: int) -> tuple[str, ...]:
    labels = " and ".join(given) or "no labels"
    notes = [f"read {counted(count, 'image')} with {labels} from {table.path.name}"]
    ignored = [name for name in table.columns if name and name not in COLUMNS]
    blank = [name for name in FACTORS if name in table.columns and name not in given]
    for what, names in (("ignored", ignored), ("blank", blank)):
        if names:
            notes.append(f"{what} columns of {table.path.name}: {listed([repr(name) for name in names])}")
    return tuple(notes)
