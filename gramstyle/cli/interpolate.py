"""gramstyle interpolate: from one style to another."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from gramstyle.cli import batch, options
from gramstyle.cli.console import check_writable, say
from gramstyle.cli.film import check_place, rate_of
from gramstyle.cli.plan import Plan
from gramstyle.cli.running import Running
from gramstyle.cli.spread import spread
from gramstyle.cli.transfer_options import Content, Folder
from gramstyle.errors import StyleError
from gramstyle.film import Frame, check_film, write_film
from gramstyle.film.encode import ENCODINGS
from gramstyle.images import read_image
from gramstyle.transfer import Outcome, Walk

RATE = "5"
"""Images of a walk per second of its film."""

EXAMPLES = """
**Examples**

`gramstyle interpolate photo.jpg a.jpg b.jpg -o walk --steps 7 --film walk.gif`

`gramstyle interpolate photo.jpg a.jpg b.jpg c.jpg d.jpg -o square --steps 4 --blend geodesic`
"""


@spread
def interpolate(
    content: Content,
    styles: Annotated[
        list[Path],
        typer.Argument(metavar="STYLE_A STYLE_B [STYLE_C STYLE_D]", help="Two styles, or four for a square."),
    ],
    output: Folder,
    steps: Annotated[int, typer.Option("--steps", min=2, help="Images in a row, and rows of a square.")] = 5,
    chain: Annotated[
        bool,
        typer.Option(
            "--chain/--no-chain", help="Begin each image with its neighbour, or all as --init says."
        ),
    ] = True,
    film: Annotated[
        Path | None,
        typer.Option(
            "--film",
            metavar="FILE",
            help=f"Of two styles: write a film too, from one to the other and back: {', '.join(ENCODINGS)}.",
        ),
    ] = None,
    rate: Annotated[str, typer.Option("--fps", metavar="RATE", help="Images of --film per second.")] = RATE,
    plan: Plan = Plan(),
    running: Running = Running(),
) -> None:
    """Walk from one style to another, or between four, in images of one content.

    Of two styles a row, their shares from all of A to all of B; of four a square, its corners A, B, C
    and D. A run that is stopped goes on when the same command is given again. FOLDER/sheet.png shows them
    all, FOLDER/results.csv has a row for each.
    """
    say.quiet = running.quiet
    with options.usage():
        walk = Walk(
            content=str(content),
            styles=tuple(map(str, styles)),
            steps=steps,
            **plan.of_job(),
            folder=str(output),
            chained=chain,
        )
        pace = rate_of(rate) or Fraction(RATE)
        if film is not None:
            if walk.rows > 1:
                raise StyleError("--film is a walk between two styles, got four: leave it out, or give two")
            check_film(film)
            check_place(film)
        where = running.of_batch()
        check_writable(output / batch.TABLE, "--output")
    from gramstyle.report import walk_sheet

    outcomes = batch.do(walk.jobs, where, output, lambda found: walk_sheet(walk, found))
    if film is not None:
        _write_film(outcomes, film, pace)
    batch.finish(outcomes)


interpolate.__doc__ = (interpolate.__doc__ or "") + EXAMPLES


def _write_film(outcomes: Sequence[Outcome], path: Path, rate: Fraction) -> None:
    """There and back: the end meets the beginning."""
    there = [one.job.output for one in outcomes if one.end != "failed"]
    if there:
        frames = (Frame(picture=read_image(output), seconds=1 / rate) for output in there + there[-2:0:-1])
        write_film(path, frames, rate)
        say.note(f"wrote {path}")
