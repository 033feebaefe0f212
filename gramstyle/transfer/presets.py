"""Style transfers by name: this project's own, and those that others published."""

from __future__ import annotations

from dataclasses import replace

from gramstyle import check
from gramstyle.distance import Combine
from gramstyle.errors import StyleError
from gramstyle.extract import backbone, parse
from gramstyle.gram import GramSettings, Statistic
from gramstyle.presets import CROWSONKB_WEIGHTS, STYLE
from gramstyle.presets import preset as recipe_named
from gramstyle.recipe import Recipe
from gramstyle.transfer.optimizer import OptimizerSettings
from gramstyle.transfer.settings import TransferSettings

DEFAULT = "gramstyle"
CONTENT = ("relu4_2",)
CONTENT_REDUCTION = 8
"""Pixels per position, along one side, at the tap that keeps the content."""

GAUSSIAN = GramSettings(statistic=Statistic.GAUSSIAN)
COLOR_WEIGHT = 2.0
"""Of the colour term under networks other than VGG."""

TRANSFERS: dict[str, TransferSettings] = {
    DEFAULT: TransferSettings(
        style=Recipe(
            backbone="vgg16@IMAGENET1K_V1",
            taps=STYLE,
            tap_weights=CROWSONKB_WEIGHTS,
            gram=GAUSSIAN,
            metric="squared-wasserstein",
            combine=Combine.SUM,
            first_padding="replicate",
        ),
        content_taps=CONTENT,
        content_weight=0.015,
        tv_weight=2.0,
        temporal_weight=30.0,
        relative=True,
        ridge=1e-3,
        source="this project",
    ),
    # E_l with w_l = 1/5 is in the recipe; alpha / beta = 1e-3 is one of several in the figures of the paper.
    # It has no films: its temporal weight has to its style term the proportion that neural-style's has.
    "gatys2016": TransferSettings(
        style=replace(recipe_named("gatys2016"), pooling="average"),
        content_taps=CONTENT,
        content_weight=1e-3,
        content_norm="half-sum",
        temporal_weight=1e15,
        init="noise",
        clamp=False,
        size=512,
        min_size=512,
        first_iterations=500,
        optimizer=OptimizerSettings(name="lbfgs", step_size=1.0, history=100),
        averaging=0.0,
        source="Gatys, Ecker, Bethge 2016 (CVPR): eq. 1-7, alpha / beta = 1e-3, white noise, average pooling",
    ),
    # Its pixels are 0..255 and its variation weight 1e-3: 1e-3 * 255^2 for pixels in [0, 1]. The temporal
    # weight is 1e3 in the same way, in manuelruder/artistic-videos, which is this with films (Ruder et al.).
    "neural-style": TransferSettings(
        style=recipe_named("neural-style"),
        content_taps=CONTENT,
        content_weight=5.0,
        tv_weight=1e-3 * 255**2,
        temporal_weight=1e3 * 255**2,
        tv="half-sum",
        init="noise",
        clamp=False,
        size=512,
        min_size=512,
        first_iterations=1000,
        optimizer=OptimizerSettings(name="lbfgs", step_size=1.0, history=100),
        averaging=0.0,
        source="jcjohnson/neural-style: content 5, style 100, variation 1e-3, 1000 iterations of L-BFGS",
    ),
    "crowsonkb-2023": TransferSettings(
        style=recipe_named("crowsonkb-2023"),
        content_taps=CONTENT,
        content_weight=0.015,
        tv_weight=2.0,
        temporal_weight=150.0,
        ridge=4e-4,
        source="crowsonkb/style-transfer-pytorch: Wasserstein losses, 128 to 512 pixels, 1000 + 4 x 500 "
        "steps of Adam at 0.02, average 0.99. Its ridge is 1e-4, about 4e-4 of the variance of features",
    ),
}
"""Name -> settings."""

LATEST = {"crowsonkb": "crowsonkb-2023"}
"""Name without a year -> the settings that its author published last."""


def transfer_preset(name: str) -> TransferSettings:
    """The settings of that name; without its year, the last of that author.

    Raises:
        UnknownNameError: if there are none; the message lists those that exist, nearest first.
    """
    return TRANSFERS[check.name_in("preset", LATEST.get(name, name), TRANSFERS)]


def for_backbone(settings: TransferSettings, name: str) -> TransferSettings:
    """The settings with another network.

    A network that has the same taps, as VGGs have, keeps them. Another one has one style tap per resolution,
    each with a quarter of the weight of the one before, as VGG's have in crowsonkb/style-transfer-pytorch;
    its content at the last tap of reduction 8, as relu4_2 of VGG is; and, where terms are relative, a colour
    term, because a first layer of stride 2 and few channels pins colours down less than relu1_1 of VGG.
    A bank of filters has its style taps weighed the other way, each four times the one before: the coarse
    ones hold the amplitudes of the finer ones, and fine bands by themselves are soon met by a grid of waves.

    Args:
        settings: a preset's.
        name: ``NAME[@WEIGHTS]``.

    Raises:
        UnknownNameError: for a network that does not exist.
        StyleError: if it has no tap of reduction 8 or less.
    """
    spec = backbone(parse(name).backbone)
    if set(settings.taps) <= {tap.name for tap in spec.taps}:
        return replace(settings, style=replace(settings.style, backbone=name))
    taps = spec.scale_taps or tuple(tap.name for tap in spec.taps)
    kept = [tap.name for tap in spec.taps if tap.reduction <= CONTENT_REDUCTION]
    if not kept:
        raise StyleError(f"{spec.name} has no tap of reduction {CONTENT_REDUCTION} or less for the content")
    shares = [(4.0 if spec.computed else 0.25) ** at for at in range(len(taps))]
    style = replace(
        settings.style,
        backbone=name,
        taps=taps,
        tap_weights=tuple(share / sum(shares) for share in shares),
        normalization=None,
        first_padding="zeros",
        pooling="max",
    )
    color = max(settings.color_weight, COLOR_WEIGHT) if settings.relative else settings.color_weight
    return replace(settings, style=style, content_taps=(kept[-1],), color_weight=color)
