"""Where and how networks run, as the command line says it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gramstyle import check
from gramstyle.extract import choose_device
from gramstyle.kernels import checked_kernel
from gramstyle.tiles import Tile

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """Where and how networks run."""

    device: torch.device
    dtype: torch.dtype
    batch_size: int
    kernel: str
    weights_dir: Path | None
    tile: Tile | None = None

    def as_arguments(self) -> dict[str, Any]:
        """Arguments of `Describer`."""
        return dict(vars(self))

    def of_networks(self) -> dict[str, Any]:
        """Arguments of everything else that runs networks."""
        names = ("device", "dtype", "batch_size", "kernel", "weights_dir")
        return {name: getattr(self, name) for name in names}


def run_settings(
    device: str,
    dtype: str,
    batch_size: int,
    kernel: str = "auto",
    weights_dir: Path | None = None,
    tile: str = "off",
) -> Run:
    """Settings of a run, checked."""
    check.name_in("dtype", dtype, DTYPES)
    checked_kernel(kernel)
    return Run(
        device=choose_device(device),
        dtype=DTYPES[dtype],
        batch_size=batch_size,
        kernel=kernel,
        weights_dir=weights_dir,
        tile=tile_size(tile),
    )


def tile_size(text: str) -> Tile | None:
    """What ``--tile`` asks for; None is ``off``.

    Raises:
        ValueError: if it is neither a size nor one of the two words.
    """
    if text in ("auto", "off"):
        return "auto" if text == "auto" else None
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"--tile must be a number of pixels greater than 0, auto or off, got {text!r}")
    return int(text)
