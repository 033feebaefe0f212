"""gramstyle grid: every content with every style."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gramstyle.cli import batch, options
from gramstyle.cli.console import check_writable, say
from gramstyle.cli.plan import Plan
from gramstyle.cli.running import Running
from gramstyle.cli.spread import spread
from gramstyle.cli.transfer_options import Folder
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
    output: Folder,
    content_weights: Annotated[
        str | None,
        typer.Option(
            "--content-weights",
            metavar="X,Y,...",
            help="Content weights, each a column of its own per style.",
        ),
    ] = None,
    plan: Plan = Plan(),
    running: Running = Running(),
) -> None:
    """Give every content every style, in one run: a sheet of all, a table, and an image of each.

    FOLDER/CONTENT_STYLE.png is as `gramstyle transfer` makes it, with its manifest. A run that is stopped
    goes on when the same command is given again, and keeps what is finished; an image that fails does not
    end the others. FOLDER/sheet.png shows them all, FOLDER/results.csv has a row for each.
    """
    say.quiet = running.quiet
    with options.usage():
        wanted = Grid(
            contents=tuple(map(str, find_images(contents))),
            styles=tuple(map(str, find_images(styles))),
            **plan.of_job(),
            folder=str(output),
            weights=options.number_list(content_weights, "content weights") or (),
        )
        batch.check_apart([*contents, *styles], output)
        where = running.of_batch()
        check_writable(output / batch.TABLE, "--output")
    from gramstyle.report import grid_sheet

    batch.finish(batch.do(wanted.jobs, where, output, lambda outcomes: grid_sheet(wanted, outcomes)))


grid.__doc__ = (grid.__doc__ or "") + EXAMPLES
