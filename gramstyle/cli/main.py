"""Arguments in, exit code out: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""

from __future__ import annotations

import os
import sys

import torch
import typer

from gramstyle.cli import (
    backbones,
    bench,
    corpus,
    demo,
    describe,
    diagnose,
    distance,
    doctor,
    film,
    grid,
    interpolate,
    presets,
    rerun,
    sheet,
    study,
    texture,
    transfer,
    video,
    web,
    weights,
)
from gramstyle.cli.aliases import Renaming
from gramstyle.cli.console import say
from gramstyle.errors import UnknownNameError

app = typer.Typer(
    name="gramstyle",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Style distances of images, from Gram matrices of network features.",
    epilog="Start with `gramstyle demo`, or `gramstyle distance A.jpg B.jpg`.",
)
app.command("distance")(distance.distance)
app.command("describe")(describe.describe)
app.command("diagnose")(diagnose.diagnose)
app.command("corpus")(corpus.corpus)
app.command("study")(study.study)
app.command("transfer", cls=Renaming)(transfer.transfer)
app.command("texture")(texture.texture)
app.command("grid")(grid.grid)
app.command("interpolate")(interpolate.interpolate)
app.command("video")(video.video)
app.command("film")(film.film)
app.command("web")(web.web)
app.command("rerun")(rerun.rerun)
app.command("sheet")(sheet.sheet)
app.command("demo")(demo.demo)
app.command("backbones")(backbones.backbones)
app.command("presets")(presets.presets)
app.command("doctor")(doctor.doctor)
app.add_typer(bench.app, name="bench")
app.add_typer(weights.app, name="weights")


def show_version(value: bool) -> None:
    """Print the version and end."""
    if value:
        from gramstyle.versions import versions

        typer.echo(f"gramstyle {versions()['gramstyle']}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(
        False, "--version", callback=show_version, is_eager=True, help="Print the version and end."
    ),
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the program; every expected failure is one line on stderr and an exit code."""
    try:
        app()
    except UnknownNameError as error:
        say.error(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        say.error("interrupted")
        sys.exit(130)
    except BrokenPipeError:  # the reader of stdout, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except torch.OutOfMemoryError as error:
        say.error(f"out of memory: {error}. Use a smaller --batch-size or --size, or --device cpu")
        sys.exit(1)
    except MemoryError:
        say.error("out of memory: use a smaller --batch-size or --size")
        sys.exit(1)
    except (ValueError, OSError, ImportError) as error:
        say.error(_words(error))
        sys.exit(1)


def _words(error: Exception) -> str:
    """What went wrong, with the file's name where the system gives one."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__
