"""The network of a transfer."""

from __future__ import annotations

from pathlib import Path

import torch

from gramstyle.errors import StyleError
from gramstyle.extract import Extractor, choose_weights, parse
from gramstyle.kernels import Kernel
from gramstyle.transfer.settings import TransferSettings
from gramstyle.types import Progress, WeightsEntry


def network_of(
    settings: TransferSettings,
    *,
    device: str | torch.device = "auto",
    dtype: torch.dtype = torch.float32,
    kernel: Kernel = "auto",
    weights_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> Extractor:
    """The network that `settings` ask for, which several transfers may share; see `Extractor`.

    Raises:
        As `Extractor`.
    """
    return Extractor(
        settings.style.backbone,
        settings.taps,
        device=device,
        dtype=dtype,
        kernel=kernel,
        first_padding=settings.style.first_padding,
        pooling=settings.style.pooling,
        sparsity=settings.style.sparsity,
        normalization=settings.style.normalization,
        check_range=False,
        weights_dir=weights_dir,
        progress=progress,
    )


def fitting(extractor: Extractor, settings: TransferSettings) -> Extractor:
    """Return `extractor` if it is the network that `settings` ask for.

    Raises:
        StyleError: if it has another backbone, pinned weights, padding, pooling, sparsity or normalisation,
            or lacks a tap.
    """
    style = settings.style
    named = parse(style.backbone)
    weights = choose_weights(extractor.spec, named.weights) if named.backbone == extractor.spec.name else None
    asked = {
        "backbone": (named.backbone, extractor.spec.name),
        "first_padding": (style.first_padding, extractor.first_padding),
        "pooling": (style.pooling, extractor.pooling),
        "sparsity": (style.sparsity, extractor.sparsity),
        "normalization": (style.normalization or extractor.normalization, extractor.normalization),
    }
    if isinstance(weights, WeightsEntry):
        asked["weights"] = (weights.name, extractor.identity.name)
    for name, (wanted, found) in asked.items():
        if wanted != found:
            raise StyleError(
                f"extractor must be that of the settings: their {name} is {wanted}, its own {found}. "
                "Build it with network_of(settings), or leave it out"
            )
    missing = set(settings.taps) - {tap.name for tap in extractor.taps}
    if missing:
        raise StyleError(f"extractor must have every tap of the settings, lacks {', '.join(sorted(missing))}")
    return extractor
