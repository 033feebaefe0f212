"""The scales of a transfer, as options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import typer

from gramstyle.cli import options
from gramstyle.transfer import TransferSettings


@dataclass(frozen=True, kw_only=True)
class Scales:
    """How large images and styles are at each scale, and its steps; None where nothing was said."""

    size: Annotated[
        int | None, typer.Option("--size", "-s", min=1, help="Longer side of the result, in pixels.")
    ] = None
    min_size: Annotated[
        int | None, typer.Option("--min-size", min=1, help="Longer side of the coarsest scale, in pixels.")
    ] = None
    iterations: Annotated[
        int | None, typer.Option("--iterations", "-i", min=1, help="Steps at each scale but the first.")
    ] = None
    first_iterations: Annotated[
        int | None, typer.Option("--first-iterations", min=1, help="Steps at the coarsest scale.")
    ] = None
    style_scale: Annotated[
        float | None,
        typer.Option(
            "--style-scale", help="Size of styles beside that of the image: larger patterns above 1."
        ),
    ] = None
    style_size: Annotated[
        int | None,
        typer.Option("--style-size", min=1, help="Longer side of styles in pixels, at every scale."),
    ] = None

    def applied(self, settings: TransferSettings) -> TransferSettings:
        """`settings` with what was given in their place."""
        return replace(settings, **options.said(vars(self)))
