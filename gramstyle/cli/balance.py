"""What is kept of a content beside a style, as options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import typer

from gramstyle.cli import options
from gramstyle.transfer import PRESERVES, TransferSettings


@dataclass(frozen=True, kw_only=True)
class Balance:
    """How content and style are weighed, and what counts as content; None where nothing was said."""

    content_weight: Annotated[
        float | None,
        typer.Option("--content-weight", "-cw", min=0, help="More keeps more of the content."),
    ] = None
    style_weight: Annotated[
        float | None, typer.Option("--style-weight", "-sw", min=0, help="Of the style.")
    ] = None
    preserve_color: Annotated[
        str | None,
        typer.Option("--preserve-color", help=f"Keep the content's colours: {', '.join(PRESERVES)}."),
    ] = None
    content_taps: Annotated[
        str | None, typer.Option("--content-taps", metavar="A,B,...", help="Taps whose content is kept.")
    ] = None

    def applied(self, settings: TransferSettings) -> TransferSettings:
        """`settings` with what was given in their place; errors as `TransferSettings`."""
        taps = {"content_taps": options.comma_list(self.content_taps)}
        return replace(settings, **options.said(vars(self) | taps))
