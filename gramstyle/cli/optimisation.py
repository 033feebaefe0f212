"""What a transfer minimises, and by what steps, as options."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import typer

from gramstyle import check
from gramstyle.cli import options
from gramstyle.cli.fine import Fine
from gramstyle.distance import METRICS
from gramstyle.recipe import Recipe, gram_settings
from gramstyle.transfer import PARAMETERIZATIONS, OptimizerSettings, TransferSettings
from gramstyle.transfer.optimizer import OPTIMIZERS
from gramstyle.transfer.presets import for_backbone

POOLINGS = ("max", "average", "l2")
PLAIN = ("tv_weight", "color_weight", "averaging", "seed")
"""Options whose names and values are those of the settings."""


@dataclass(frozen=True, kw_only=True)
class Optimisation:
    """The terms of a loss that need no content, and how it is made smaller; None where nothing was said."""

    tv_weight: Annotated[
        float | None,
        typer.Option("--tv-weight", "-tw", min=0, help="Of total variation: more is smoother."),
    ] = None
    color_weight: Annotated[
        float | None,
        typer.Option("--color-weight", min=0, help="Of the palette: more brings the style's colours."),
    ] = None
    backbone: Annotated[
        str | None,
        typer.Option(
            "--backbone", "-b", metavar="NAME[@WEIGHTS]", help="Network; see `gramstyle backbones`."
        ),
    ] = None
    style_taps: Annotated[
        str | None, typer.Option("--style-taps", metavar="A,B,...", help="Taps whose style is matched.")
    ] = None
    tap_weights: Annotated[
        str | None, typer.Option("--tap-weights", metavar="X,Y,...", help="Weight of each of --style-taps.")
    ] = None
    metric: Annotated[
        str | None, typer.Option("--metric", "-m", help=f"Of styles: {', '.join(METRICS)}.")
    ] = None
    gram: Annotated[
        str | None,
        typer.Option("--gram", metavar="STATISTIC", help="Of features. Default: the metric's own."),
    ] = None
    pooling: Annotated[str | None, typer.Option("--pooling", help="Of VGG: max, average or l2.")] = None
    optimizer: Annotated[str | None, typer.Option("--optimizer", help=f"{' or '.join(OPTIMIZERS)}.")] = None
    step_size: Annotated[float | None, typer.Option("--step-size", "-ss", help="Learning rate.")] = None
    averaging: Annotated[
        float | None,
        typer.Option("--averaging", help="Decay of the average of steps that is shown; 0 for none."),
    ] = None
    parameterization: Annotated[
        str | None,
        typer.Option("--parameterization", help=f"What steps change: {', '.join(PARAMETERIZATIONS)}."),
    ] = None
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Of what is drawn.")] = None
    fine: Fine = field(default_factory=Fine)

    def applied(self, settings: TransferSettings) -> TransferSettings:
        """`settings` with what was given in their place.

        Raises:
            UnknownNameError: for a name that does not exist.
            StyleError, ValueError: as `TransferSettings`.
        """
        if self.backbone is not None:
            settings = for_backbone(settings, self.backbone)
        settings = self.fine.applied(replace(settings, style=self._style(settings.style)))
        changes = options.said({name: getattr(self, name) for name in PLAIN})
        if self.parameterization is not None:
            name = check.member(PARAMETERIZATIONS, "parameterization", self.parameterization)
            changes["parameterization"] = name
        return replace(settings, optimizer=self._optimizer(settings.optimizer), **changes)

    def _style(self, style: Recipe) -> Recipe:
        taps, weights = options.comma_list(self.style_taps), options.number_list(self.tap_weights)
        changes: dict[str, Any] = {}
        if taps is not None:
            changes["taps"] = taps
        if taps is not None or weights is not None:  # weights of other taps are not for these
            changes["tap_weights"] = weights
        if self.metric is not None or self.gram is not None:
            metric = self.metric or style.metric
            changes |= {"metric": metric, "gram": gram_settings(self.gram, metric=metric)}
        if self.pooling is not None:
            changes["pooling"] = check.name_in("pooling", self.pooling, POOLINGS)
        return replace(style, **changes)

    def _optimizer(self, optimizer: OptimizerSettings) -> OptimizerSettings:
        steps = options.said({"name": self.optimizer, "step_size": self.step_size})
        if self.optimizer == "lbfgs" and optimizer.name != "lbfgs":
            steps = {"step_size": 1.0, **steps}
        return replace(optimizer, **steps)
