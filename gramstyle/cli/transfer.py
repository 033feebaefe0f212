"""gramstyle transfer: images optimised to have the style of others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gramstyle.cli import options, work
from gramstyle.cli.console import check_writable, say
from gramstyle.cli.plan import Plan
from gramstyle.cli.running import Running
from gramstyle.cli.spread import spread
from gramstyle.cli.trail import Trail
from gramstyle.cli.transfer_options import Content, Output, Styles, StyleWeights
from gramstyle.cli.transfer_settings import style_files
from gramstyle.cli.watching import Watching
from gramstyle.transfer.job import Job

EXAMPLES = """
**Examples**

`gramstyle transfer photo.jpg painting.jpg -o out.png`

`gramstyle transfer photo.jpg a.jpg b.jpg --style-weights 3,1 -o out.png` — three parts of a, one of b

`gramstyle transfer photo.jpg painting.jpg -o out.png --preserve-color luminance --size 1024`

`gramstyle transfer photo.jpg sky.jpg wood.jpg --mask regions.png --style-regions blue,#804000 -o out.png`

`gramstyle transfer photo.jpg painting.jpg -o out.png -b mobilenet_v2@KERAS` — another network

`gramstyle transfer photo.jpg painting.jpg -o out.png --size 4096 --memory-limit 4GB` — large
"""


@spread
def transfer(
    content: Content,
    styles: Styles,
    output: Output,
    style_weights: StyleWeights = None,
    plan: Plan = Plan(),
    mask: Annotated[
        Path | None,
        typer.Option(
            "--mask", metavar="IMAGE", help="Regions of CONTENT, in flat colours, each with its style."
        ),
    ] = None,
    style_mask: Annotated[
        list[Path] | None,
        typer.Option(
            "--style-mask",
            metavar="IMAGE",
            help="Which part of a style is for which region, in the colours of --mask; once per STYLE.",
        ),
    ] = None,
    style_regions: Annotated[
        str | None,
        typer.Option(
            "--style-regions",
            metavar="COLOUR,...",
            help="Instead: the region of --mask that each STYLE is for.",
        ),
    ] = None,
    trail: Trail = Trail(),
    watching: Watching = Watching(),
    running: Running = Running(),
) -> None:
    """Give an image the style of others, by optimisation.

    A run that is stopped, even by `kill -9`, goes on where it was when the same command is given
    again. OUTPUT.json beside the image says what made it; `gramstyle rerun` makes it again.
    """
    say.quiet = running.quiet
    with options.usage():
        job = Job(
            content=str(content),
            styles=style_files(styles, style_weights, mask is not None, style_mask, style_regions),
            output=str(output),
            **plan.of_job(),
            mask=None if mask is None else str(mask),
        )
        where = running.of_work()
        check_writable(output, "--output")
        trail.check()
    work.do(job, where, running.fresh, trail, watching)


transfer.__doc__ = (transfer.__doc__ or "") + EXAMPLES
