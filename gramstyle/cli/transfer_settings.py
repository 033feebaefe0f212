"""What the options of style transfer say, as settings and files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from gramstyle import check
from gramstyle.cli import options
from gramstyle.errors import StyleError
from gramstyle.recipe import gram_settings
from gramstyle.transfer import PARAMETERIZATIONS, TransferSettings, transfer_preset
from gramstyle.transfer.job import StyleFile
from gramstyle.transfer.presets import for_backbone
from gramstyle.transfer.settings import INITS


def settings_of(
    preset: str,
    backbone: str | None,
    metric: str | None,
    gram: str | None,
    pooling: str | None,
    style_taps: str | None,
    tap_weights: str | None,
    content_taps: str | None,
) -> TransferSettings:
    """The settings of a preset, for another network, other taps or another distance of styles."""
    settings = transfer_preset(preset)
    if backbone is not None:
        settings = for_backbone(settings, backbone)
    style = settings.style
    taps, weights = options.comma_list(style_taps), options.number_list(tap_weights)
    if taps is not None:
        style = replace(style, taps=tuple(taps), tap_weights=None if weights is None else tuple(weights))
    elif weights is not None:
        style = replace(style, tap_weights=tuple(weights))
    if metric is not None or gram is not None:
        metric = metric or style.metric
        style = replace(style, metric=metric, gram=gram_settings(gram, metric=metric))
    if pooling is not None:
        style = replace(style, pooling=check.name_in("pooling", pooling, ("max", "average", "l2")))  # type: ignore[arg-type]
    content = options.comma_list(content_taps)
    return replace(
        settings, style=style, content_taps=settings.content_taps if content is None else tuple(content)
    )


def changed(
    settings: TransferSettings,
    given: dict[str, Any],
    optimizer: dict[str, Any],
    parameterization: str | None,
) -> TransferSettings:
    """`settings` with what was given in their place."""
    changes = {name: value for name, value in given.items() if value is not None}
    steps = {name: value for name, value in optimizer.items() if value is not None}
    if steps:
        if steps.get("name") == "lbfgs" and settings.optimizer.name != "lbfgs":
            steps = {"step_size": 1.0, **steps}
        changes["optimizer"] = replace(settings.optimizer, **steps)
    if parameterization is not None:
        changes["parameterization"] = check.member(PARAMETERIZATIONS, "parameterization", parameterization)
    return replace(settings, **changes)


def style_files(
    paths: list[Path],
    weights: str | None,
    masked: bool = False,
    masks: list[Path] | None = None,
    regions: str | None = None,
) -> tuple[StyleFile, ...]:
    """Each style with its share, and with its mask or region where the content has regions."""
    shares, named = options.number_list(weights), options.comma_list(regions)
    for option, given in (("--style-weights", shares), ("--style-mask", masks), ("--style-regions", named)):
        if given is not None and len(given) != len(paths):
            raise StyleError(f"{option} must be one per style: {len(paths)} styles, {len(given)} given")
    if masked != (masks is not None or named is not None) or (masks is not None and named is not None):
        raise StyleError(
            "--mask needs one of --style-mask and --style-regions, which say what each style is for, and "
            "they need --mask"
        )
    return tuple(
        StyleFile(
            path=str(path),
            weight=1.0 if shares is None else shares[at],
            region="" if named is None else _region(named[at]),
            mask=None if masks is None else str(masks[at]),
        )
        for at, path in enumerate(paths)
    )


def _region(name: str) -> str:
    """``#rrggbb`` of a colour."""
    levels = options.colour(name) or (0.0, 0.0, 0.0)
    return "#" + "".join(f"{round(255 * one):02x}" for one in levels)


def start_of(init: str | None) -> tuple[str | None, str | None]:
    """The path of an image to begin with, and the name of the beginning."""
    if init is None or init in INITS[:-1]:
        return None, init
    if not Path(init).exists():
        raise StyleError(f"--init must be {', '.join(INITS[:-1])} or the path of an image, got {init!r}")
    return init, "image"


def bits_of(bits: int) -> Any:
    """8 or 16."""
    if bits not in (8, 16):
        raise StyleError(f"--bits must be 8 or 16, got {bits}")
    return bits
