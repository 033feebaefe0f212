"""The procedural corpus as files that any program can read."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from gramstyle.corpus.procedural.rendering import Rendered
from gramstyle.corpus.records import Corpus
from gramstyle.errors import StyleError
from gramstyle.files import write_bytes, write_text

MANIFEST = "manifest.csv"
COLUMNS = ("path", "style", "content", "palette", "source")


def export_corpus(
    corpus: Corpus, folder: str | os.PathLike[str], *, overwrite: bool = False
) -> Iterator[Path]:
    """Write a procedural corpus as STYLE/CONTENT/PALETTE-REPLICATE.png and manifest.csv.

    PNG of 8 bits: read again, the images are the same, bit for bit. Each file is written whole or not
    at all. The manifest comes last, so that where it is new the export is complete.

    Args:
        corpus: of `procedural_corpus`, or a part of one.
        folder: made if it is not there.
        overwrite: write into a folder that holds something; files of the same names are replaced,
            and others stay.

    Returns:
        An iterator that writes a file and gives its path at each step.

    Raises:
        StyleError: if an image is not of a procedural corpus, or the folder is a file, or holds
            something and is not to be overwritten.
        OSError: while iterating, if a file cannot be written.
    """
    origins = []
    for item in corpus.items:
        if not isinstance(item.origin, Rendered):
            raise StyleError(
                f"only images of a procedural corpus can be exported, got {item.name!r}: copy its file"
            )
        origins.append(item.origin)
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise StyleError(f"folder must be a folder or not there, got the file {str(target)!r}")
    if not overwrite and target.is_dir() and any(target.iterdir()):
        raise StyleError(
            f"folder must be empty or not there, got {str(target)!r}, which holds files: pass "
            "overwrite=True (--overwrite), or name another"
        )
    return _written(origins, target)


def _written(origins: list[Rendered], folder: Path) -> Iterator[Path]:
    for one in origins:
        buffer = io.BytesIO()
        Image.fromarray(one.levels()).save(buffer, "PNG")
        write_bytes(folder / one.place, buffer.getvalue())
        yield folder / one.place
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((one.place, one.style, one.content, one.palette, "") for one in origins)
    write_text(folder / MANIFEST, table.getvalue())
    yield folder / MANIFEST
