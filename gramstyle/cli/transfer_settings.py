"""What the options of style transfer say, as settings and files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from gramstyle.cli import options
from gramstyle.errors import StyleError
from gramstyle.transfer import TransferSettings, transfer_preset
from gramstyle.transfer.job import StyleFile
from gramstyle.transfer.settings import INITS


class Part(Protocol):
    """Options of which settings are made."""

    def applied(self, settings: TransferSettings) -> TransferSettings:
        """`settings` with what was given in their place."""


def settings_of(preset: str, *parts: Part, **others: Any) -> TransferSettings:
    """The settings of a preset with what was given in their place.

    Args:
        preset: its name.
        parts: what was given, in this order.
        others: settings by name; None where nothing was given.

    Raises:
        UnknownNameError: for a name that does not exist.
        StyleError, ValueError: for settings out of range, or that contradict each other.
    """
    settings = transfer_preset(preset)
    for part in parts:
        settings = part.applied(settings)
    return replace(settings, **options.said(others))


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
