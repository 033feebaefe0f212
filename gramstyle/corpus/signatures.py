"""What near-duplicates of an image are recognised by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.corpus.records import Origin

SIDE = 96
"""Pixels on a side of the luma thumbnail, to which every image is stretched."""

SHARPEST = 48.0
"""Half-cycles per image from which on detail counts less and less; halved images still have it."""

RESOLVED = 0.35
"""Share of the pixels of an image's shorter side that takes the place of `SHARPEST` in small images.

Finer detail is what JPEG of low quality changes first.
"""

COARSE, COARSE_CUT = 16, 10.0
"""Coefficients on a side, and the same cut, of what candidates are found by: a crop of 3 % moves
waves that are longer than that by little."""

COLOUR_SIDE = 8
"""Pixels on a side of the colour thumbnail."""

LEAST_PARTS, LEAST_LEVEL = 8.0, 0.001
"""Images with a smaller effective number of coefficients (a ramp, a grating) or less contrast (a
quarter of a grey level of 256) are plain: any two of a kind would correlate."""

REC601 = (0.299, 0.587, 0.114)
"""Luma as JPEG separates it from colour."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Signature:
    """A few numbers of an image.

    Attributes:
        digest: of its origin.
        detail: discrete cosine coefficients of its luma thumbnail, (SIDE, SIDE), float16.
        cut: half-cycles per image up to which they tell.
        coarse: the lowest of them, whitened, of length 1, (COARSE * COARSE,); zero for a plain image.
        contrast: their length before.
        colours: red and blue minus luma of its colour thumbnail, (2 * COLOUR_SIDE**2,).
    """

    digest: str
    detail: NDArray[np.float16]
    cut: float
    coarse: NDArray[np.float32]
    contrast: float
    colours: NDArray[np.float32]


def signature_of(origin: Origin) -> Signature:
    """The signature of the image that `origin` gives.

    Raises:
        ImageError: if it cannot be read.
    """
    from scipy.fft import dctn

    pixels = origin.picture().pixels.detach()
    cut = min(SHARPEST, RESOLVED * min(pixels.shape[-2:]))
    detail = dctn(_luma(_thumbnail(pixels, SIDE)).numpy(), norm="ortho")
    detail[0, 0] = 0  # brightness
    white = detail * whitening(SIDE, cut)
    low = detail[:COARSE, :COARSE] * whitening(COARSE, COARSE_CUT)
    contrast = float(np.linalg.norm(low))
    tells = contrast > 0 and not _is_plain(white, cut)
    small = _thumbnail(pixels, COLOUR_SIDE)
    luma = _luma(small)
    return Signature(
        digest=origin.digest(),
        detail=detail.astype(np.float16),
        cut=cut,
        coarse=(low / contrast if tells else np.zeros_like(low)).ravel().astype(np.float32),
        contrast=contrast,
        colours=torch.stack([small[0] - luma, small[2] - luma]).flatten().numpy(),
    )


def whitening(side: int, cut: float | NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights of cosine coefficients (side, side), or (K, side, side) for cuts (K, 1, 1).

    Amplitudes of natural images fall as 1 / frequency (Field 1987), so f * exp(-(f / cut)^2) lets all
    frequencies up to the cut speak alike, where a plain correlation would hear shading alone.
    """
    line = np.arange(side, dtype=np.float32)
    radius = np.hypot(line[:, None], line)
    return np.asarray(radius * np.exp(-((radius / cut) ** 2)), dtype=np.float32)


def _thumbnail(pixels: Tensor, side: int) -> Tensor:
    """(3, side, side), each pixel a weighted mean of the area that it covers."""
    return F.interpolate(
        pixels[None].float(), size=(side, side), mode="bilinear", antialias=True, align_corners=False
    )[0]


def _luma(pixels: Tensor) -> Tensor:
    return REC601[0] * pixels[0] + REC601[1] * pixels[1] + REC601[2] * pixels[2]


def _is_plain(white: NDArray[np.float32], cut: float) -> bool:
    """Whether whitened coefficients (SIDE, SIDE) hold too little to tell images apart."""
    energy = white.astype(np.float64) ** 2
    total = energy.sum()
    level = np.sqrt(total / (whitening(SIDE, cut) ** 2).sum())
    return bool(level < LEAST_LEVEL or total**2 / (energy**2).sum() < LEAST_PARTS)
