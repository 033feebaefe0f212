"""gramstyle sheet: many images on one page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from gramstyle.cli import options
from gramstyle.cli.console import Bars, bars, check_writable, say
from gramstyle.images import MAX_PIXELS, Picture, Skipped, find_images, read_images


def sheet(
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE...", help="Images, and folders, which are read recursively."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .png, .pdf or .svg.")],
    columns: Annotated[
        int | None, typer.Option(min=1, help="Images in a row. Default: about as many as rows.")
    ] = None,
    labels: Annotated[bool, typer.Option("--labels", help="Write its name below each image.")] = False,
    cell: Annotated[int, typer.Option(min=16, help="Longer side of each image, in pixels.")] = 192,
    title: Annotated[str, typer.Option(help="Above all.")] = "",
    on_error: options.OnErrorOption = options.OnError.fail,
    max_pixels: options.MaxPixels = MAX_PIXELS,
    quiet: options.Quiet = False,
) -> None:
    """Draw small pictures of images on one sheet, row by row.

    `gramstyle sheet paintings/ -o sheet.png --columns 6 --labels`
    """
    from gramstyle.report import check_figure, image_sheet, save

    say.quiet = quiet
    with options.usage():
        check_figure(output)
        check_writable(output, "--output")
        paths = find_images(images)
    skipped: list[Skipped] = []
    with bars() as progress:
        pictures = read_images(paths, on_error=on_error.value, skipped=skipped, max_pixels=max_pixels)
        counted = _counted(pictures, len(paths), progress)
        save(image_sheet(counted, columns=columns, cell=cell, labels=labels, title=title), output)
    say.skipped(skipped, len(paths))
    say.note(f"wrote {output}")


def _counted(pictures: Iterable[Picture], total: int, progress: Bars) -> Iterator[Picture]:
    for done, picture in enumerate(pictures, start=1):
        progress("reading images", done, total)
        yield picture
