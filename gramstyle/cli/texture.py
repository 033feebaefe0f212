"""gramstyle texture: images that have the style of others, and no content."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from gramstyle.cli import options, work
from gramstyle.cli.console import check_writable, say
from gramstyle.cli.optimisation import Optimisation
from gramstyle.cli.proofing import Proofing
from gramstyle.cli.running import Running
from gramstyle.cli.scales import Scales
from gramstyle.cli.spread import spread
from gramstyle.cli.trail import Trail
from gramstyle.cli.transfer_options import Bits, Output, PresetName, Styles, StyleWeights
from gramstyle.cli.transfer_settings import bits_of, settings_of, style_files
from gramstyle.cli.watching import Watching
from gramstyle.errors import StyleError
from gramstyle.transfer.job import Job
from gramstyle.transfer.presets import DEFAULT


@spread
def texture(
    styles: Styles,
    output: Output,
    style_weights: StyleWeights = None,
    preset: PresetName = DEFAULT,
    scales: Scales = Scales(),
    shape: Annotated[
        str | None, typer.Option("--shape", metavar="HxW", help="Proportions of the result, such as 2x3.")
    ] = None,
    optimisation: Optimisation = Optimisation(),
    bits: Bits = 8,
    proofing: Proofing = Proofing(),
    trail: Trail = Trail(),
    watching: Watching = Watching(),
    running: Running = Running(),
) -> None:
    """Make a texture like an image: its style, and no content.

    Gatys et al. 2015 (Texture Synthesis Using Convolutional Neural Networks).
    """
    say.quiet = running.quiet
    with options.usage():
        settings = settings_of(preset, scales, optimisation, content_weight=0.0)
        job = Job(
            content=None,
            styles=style_files(styles, style_weights),
            output=str(output),
            settings=settings if settings.init == "noise" else replace(settings, init="style"),
            shape=_shape(shape),
            bits=bits_of(bits),
            **proofing.of_job(),
        )
        where = running.of_work()
        check_writable(output, "--output")
        trail.check()
    work.do(job, where, running.fresh, trail, watching)


def _shape(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise StyleError(f"--shape must be height x width, such as 2x3, got {text!r}")
    return int(parts[0]), int(parts[1])
