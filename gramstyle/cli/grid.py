"""gramstyle grid: every content with every style."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gramstyle.cli import batch, options
from gramstyle.cli.asked import Asked
from gramstyle.cli.console import check_writable, say
from gramstyle.cli.execution import Ways
from gramstyle.cli.fine import Fine
from gramstyle.cli.spread import spread
from gramstyle.cli.transfer_settings import bits_of
from gramstyle.images import find_images
from gramstyle.transfer import Grid

EXAMPLES = """
**Examples**

`gramstyle grid --content photo.jpg --style a.jpg --style b.jpg -o results`

`gramstyle grid --content photos/ --style paintings/ --content-weights 0.005,0.05 -o results`
"""


@spread
def grid(
    contents: Annotated[
        list[Path],
        typer.Option("--content", metavar="IMAGE", help="An image or a folder of images; may be repeated."),
    ],
    styles: Annotated[
        list[Path],
        typer.Option("--style", metavar="IMAGE", help="An image or a folder of images; may be repeated."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder of the results.")],
    content_weights: Annotated[
        str | None,
        typer.Option(
            "--content-weights",
            metavar="X,Y,...",
            help="Content weights, each a column of its own per style.",
        ),
    ] = None,
    asked: Asked = Asked(),
    ways: Ways = Ways(),
    fine: Fine = Fine(),
) -> None:
    """Give every content every style, in one run: a sheet of all, a table, and an image of each.

    FOLDER/CONTENT_STYLE.png is as `gramstyle transfer` makes it, with its manifest. A run that is stopped
    goes on when the same command is given again, and keeps what is finished; an image that fails does not
    end the others. FOLDER/sheet.png shows them all, FOLDER/results.csv has a row for each.
    """
    say.quiet = asked.quiet
    with options.usage():
        settings, start = asked.settings(fine)
        how = ways.asked()
        wanted = Grid(
            contents=tuple(map(str, find_images(contents))),
            styles=tuple(map(str, find_images(styles))),
            settings=settings,
            folder=str(output),
            weights=options.number_list(content_weights, "content weights") or (),
            start=start,
            bits=bits_of(asked.bits),
        )
        batch.check_apart([*contents, *styles], output)
        check_writable(output / batch.TABLE, "--output")
    from gramstyle.report import grid_sheet

    batch.finish(batch.do(wanted.jobs, asked, how, output, lambda outcomes: grid_sheet(wanted, outcomes)))


grid.__doc__ = (grid.__doc__ or "") + EXAMPLES
