"""gramstyle corpus: what a set of images holds, and one that is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gramstyle.cli import options
from gramstyle.cli.console import bars, check_writable, say, show, table
from gramstyle.corpus import (
    CONTENTS,
    FACTORS,
    PALETTES,
    STYLES,
    Corpus,
    export_corpus,
    procedural_corpus,
    read_corpus,
)
from gramstyle.errors import StyleError

LISTED = 30
"""Labels of a factor up to which each has a row of its own."""

EXAMPLES = f"""
**Examples**

`gramstyle corpus paintings/ --sheet paintings.png`

`gramstyle corpus --procedural --sheet sheet.png`

`gramstyle corpus --procedural --styles mosaic,weave --replicates 4 --export textures/`

**Styles**: {", ".join(STYLES)}. **Contents**: {", ".join(CONTENTS)}. **Palettes**: {", ".join(PALETTES)}.
"""


def corpus(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="[PATH]", help="Folder STYLE/..., STYLE/CONTENT/..., or a manifest."),
    ] = None,
    procedural: Annotated[
        bool, typer.Option("--procedural", help="The corpus that is drawn, in place of PATH.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Of the procedural corpus. Default: 0.")] = None,
    styles: Annotated[str | None, typer.Option(metavar="A,B,...", help="Default: all; see below.")] = None,
    contents: Annotated[str | None, typer.Option(metavar="A,B,...", help="Default: all.")] = None,
    palettes: Annotated[str | None, typer.Option(metavar="A,B,...", help="Default: all.")] = None,
    replicates: Annotated[
        int | None, typer.Option(min=1, help="Images of each style, content and palette. Default: 2.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=64, max=1024, help="Pixels on a side, 64 to 1024. Default: 224.")
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write small pictures in rows and columns, .png or .pdf."),
    ] = None,
    rows: Annotated[str, typer.Option(help=f"Of the sheet: {', '.join(FACTORS)}.")] = "style",
    columns: Annotated[str, typer.Option(help="Of the sheet: another of these.")] = "content",
    export: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the procedural corpus as PNG files and manifest.csv."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Export into a folder that is not empty.")
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Count the images of a corpus by style, content, palette and source; draw and write it.

    `--procedural` is a corpus of its own: every style with every content in every palette, drawn from
    a seed, with the same colours in every image of a palette.
    """
    from gramstyle.report import check_factors, check_figure, contact_sheet, save

    say.quiet = quiet
    drawing: dict[str, Any] = {
        "seed": seed,
        "styles": options.comma_list(styles),
        "contents": options.comma_list(contents),
        "palettes": options.comma_list(palettes),
        "replicates": replicates,
        "size": size,
    }
    given = options.said(drawing)
    with options.usage():
        _check(path, procedural, [*given, *(["export"] if export is not None else [])])
        if overwrite and export is None:
            raise StyleError("--overwrite says how to --export: name its folder")
        if sheet is not None:
            check_figure(sheet)
            check_factors(rows, columns)
            check_writable(sheet, "--sheet")
    images = procedural_corpus(**given) if path is None else read_corpus(path)
    written = None if export is None else export_corpus(images, export, overwrite=overwrite)
    show(table(("factor", "label", "images"), count_rows(images), f"{images.name}: {len(images)} images"))
    for note in images.notes:
        say.note(note)
    with bars() as progress:
        if sheet is not None:
            save(contact_sheet(images, rows, columns, progress=progress), sheet)
            say.note(f"wrote {sheet}")
        if written is not None:
            for done, _ in enumerate(written, start=1):
                progress("writing images", done, len(images) + 1)
            say.note(f"wrote {len(images)} images and manifest.csv to {export}")


corpus.__doc__ = (corpus.__doc__ or "") + EXAMPLES


def count_rows(images: Corpus) -> list[tuple[str, str, str]]:
    """Factor, label and number of images; factors of many labels in one row."""
    rows = []
    for factor in FACTORS:
        counts = images.counts(factor)
        if not counts:
            rows.append((factor, "not known", ""))
        elif factor == "source" and not any(item.source for item in images.items):
            rows.append((factor, "each image its own", ""))
        elif len(counts) > LISTED:
            least, most = min(counts.values()), max(counts.values())
            each = f"{least} each" if least == most else f"{least} to {most} each"
            rows.append((factor, f"{len(counts)} labels", each))
        else:
            rows += [(factor, label, str(count)) for label, count in counts.items()]
    return rows


def _check(path: Path | None, procedural: bool, drawing: list[str]) -> None:
    """Raise `StyleError` unless there is one corpus, and options of drawing only where one is drawn."""
    if path is None and not procedural:
        raise StyleError("name a folder or manifest, or --procedural for the corpus that is drawn")
    if path is not None and procedural:
        raise StyleError(f"leave out {path} or --procedural: there is one corpus at a time")
    if path is not None and drawing:
        named = ", ".join(f"--{name}" for name in drawing)
        raise StyleError(
            f"{named}: only with --procedural; leave out {'this' if len(drawing) == 1 else 'these'}"
        )
