"""Settings of a transfer that few need to change, as options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from gramstyle import check
from gramstyle.cli import options
from gramstyle.distance import RULES
from gramstyle.gram import NORMS
from gramstyle.transfer import TransferSettings
from gramstyle.transfer.losses import CONTENT_NORMS, VARIATIONS
from gramstyle.transfer.remedies import REMEDIES
from gramstyle.transfer.settings import BLENDS
from gramstyle.types import CAFFE, IDENTITY, IMAGENET, INCEPTION

PANEL = "Finer settings"
NORMALIZATIONS = {"imagenet": IMAGENET, "inception": INCEPTION, "caffe": CAFFE, "none": IDENTITY}
PLAIN = ("blend", "remedy", "histogram_weight", "relative", "ridge", "content_norm", "tv", "clamp")
"""Options whose names and values are those of the settings."""
PADDINGS = ("zeros", "replicate", "reflect")


@dataclass(frozen=True, kw_only=True)
class Fine:
    """What was given of these options; None where nothing was."""

    blend: Annotated[
        str | None,
        typer.Option(
            "--blend",
            rich_help_panel=PANEL,
            help=f"What several styles are together: {' or '.join(BLENDS)}, between their Gaussians.",
        ),
    ] = None
    remedy: Annotated[
        str | None,
        typer.Option(
            "--remedy",
            rich_help_panel=PANEL,
            help=f"Done to features before styles are compared: {', '.join(REMEDIES)}.",
        ),
    ] = None
    histogram_weight: Annotated[
        float | None,
        typer.Option(
            "--histogram-weight", min=0, rich_help_panel=PANEL, help="Of the histogram of each channel."
        ),
    ] = None
    relative: Annotated[
        bool | None,
        typer.Option(
            "--relative/--absolute",
            rich_help_panel=PANEL,
            help="Divide the term of each tap by its value for features of 0, or take it as it is.",
        ),
    ] = None
    ridge: Annotated[
        float | None,
        typer.Option(
            "--ridge",
            min=0,
            rich_help_panel=PANEL,
            help="Added to variances before Wasserstein distances, as a share of the style's mean variance.",
        ),
    ] = None
    content_norm: Annotated[
        str | None,
        typer.Option(
            "--content-norm", rich_help_panel=PANEL, help=f"Of contents: {', '.join(CONTENT_NORMS)}."
        ),
    ] = None
    tv: Annotated[
        str | None,
        typer.Option("--tv", rich_help_panel=PANEL, help=f"Which total variation: {', '.join(VARIATIONS)}."),
    ] = None
    clamp: Annotated[
        bool | None,
        typer.Option(
            "--clamp/--no-clamp", rich_help_panel=PANEL, help="Hold pixels within range at each step."
        ),
    ] = None
    betas: Annotated[
        str | None,
        typer.Option("--betas", metavar="X,Y", rich_help_panel=PANEL, help="Decays of Adam's moments."),
    ] = None
    history: Annotated[
        int | None,
        typer.Option("--history", min=1, rich_help_panel=PANEL, help="Pairs that L-BFGS remembers."),
    ] = None
    norm: Annotated[
        str | None,
        typer.Option(
            "--norm", rich_help_panel=PANEL, help=f"Divisor of the Gram matrix: {', '.join(NORMS)}."
        ),
    ] = None
    center: Annotated[
        bool | None,
        typer.Option("--center/--no-center", rich_help_panel=PANEL, help="Remove channel means first."),
    ] = None
    combine: Annotated[
        str | None,
        typer.Option(
            "--combine", rich_help_panel=PANEL, help="How style taps become one number: sum or mean."
        ),
    ] = None
    first_padding: Annotated[
        str | None,
        typer.Option(
            "--first-padding",
            rich_help_panel=PANEL,
            help=f"How the first convolution pads: {', '.join(PADDINGS)}.",
        ),
    ] = None
    sparsity: Annotated[
        float | None,
        typer.Option(
            "--sparsity",
            metavar="SHARE",
            rich_help_panel=PANEL,
            help="Prune the network first: share of each convolution's weights, the smallest, that is 0.",
        ),
    ] = None
    normalization: Annotated[
        str | None,
        typer.Option(
            "--normalization",
            rich_help_panel=PANEL,
            help=f"Of pixels for the network: {', '.join(NORMALIZATIONS)}. Default: as its weights declare.",
        ),
    ] = None

    def applied(self, settings: TransferSettings) -> TransferSettings:
        """`settings` with what was given in their place.

        Raises:
            UnknownNameError: for a name that does not exist.
            StyleError, ValueError: as `TransferSettings`.
        """
        style, plain = settings.style, dict(zip(PADDINGS, PADDINGS, strict=True))
        gram = {"norm": _named(NORMS, "norm", self.norm), "center": self.center}
        recipe = {
            "gram": replace(style.gram, **options.said(gram)),
            "combine": _named(RULES, "combine", self.combine),
            "first_padding": _named(plain, "first_padding", self.first_padding),
            "sparsity": self.sparsity,
            "normalization": _named(NORMALIZATIONS, "normalization", self.normalization),
        }
        optimizer = {"betas": options.number_list(self.betas, "betas"), "history": self.history}
        changes = {name: getattr(self, name) for name in PLAIN}
        return replace(
            settings,
            style=replace(style, **options.said(recipe)),
            optimizer=replace(settings.optimizer, **options.said(optimizer)),
            **options.said(changes),
        )


def _named(known: Mapping[str, Any], argument: str, name: str | None) -> Any:
    """What `name` stands for; None for none."""
    return None if name is None else known[check.name_in(argument, name, known)]
