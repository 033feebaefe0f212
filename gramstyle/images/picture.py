"""An image that has been read, and how samples become one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.images.bitmap import Bitmap
from gramstyle.images.colour import to_srgb
from gramstyle.images.orientation import note, upright
from gramstyle.images.samples import Samples, clamp_note, unit


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """An image and what was done to get it.

    Attributes:
        pixels: sRGB-encoded RGB in [0, 1], float32, (3, H, W).
        alpha: coverage in [0, 1], float32, (H, W), or None if the source had none. `pixels` are
            already composited by it.
        name: the path as given, or "array", "tensor", "image".
        notes: every choice made while reading, in words.
    """

    pixels: Tensor = field(repr=False)
    alpha: Tensor | None = field(repr=False)
    name: str
    notes: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """H."""
        return self.pixels.shape[1]

    @property
    def width(self) -> int:
        """W."""
        return self.pixels.shape[2]


def developed(stored: Samples | Bitmap, name: str, background: tuple[float, float, float]) -> Picture:
    """Samples -> colours -> upright -> composited on `background`."""
    samples = stored.samples() if isinstance(stored, Bitmap) else stored
    notes = samples.notes + note(samples.orientation)
    if samples.values.dtype.kind == "f" and samples.values.size:
        notes += clamp_note(float(samples.values.min()), float(samples.values.max()))
    colours, said = to_srgb(samples)  # (H, W, 3)
    pixels = _tensor(upright(colours, samples.orientation).transpose(2, 0, 1))
    alpha = None if samples.alpha is None else _tensor(upright(unit(samples.alpha), samples.orientation))
    return composited(pixels, alpha, name, notes + said, background)


def _tensor(values: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.array(values, order="C", copy=True))


def composited(
    colours: Tensor,
    alpha: Tensor | None,
    name: str,
    notes: tuple[str, ...],
    background: tuple[float, float, float],
) -> Picture:
    """Put colours (3, H, W) on the background where alpha (H, W) is less than 1."""
    if alpha is None:
        return Picture(pixels=colours, alpha=None, name=name, notes=notes)
    if bool((alpha < 1).any()):
        under = torch.tensor(background, dtype=colours.dtype, device=colours.device)[:, None, None]
        colours = colours * alpha + under * (1 - alpha)
        known = {(1.0, 1.0, 1.0): "white", (0.0, 0.0, 0.0): "black"}
        notes += (f"alpha composited on {known.get(background, background)} in encoded sRGB",)
    return Picture(pixels=colours, alpha=alpha, name=name, notes=notes)
