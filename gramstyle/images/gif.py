"""Images as the frames of a GIF."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from gramstyle import check
from gramstyle.errors import StyleError
from gramstyle.files import replacing
from gramstyle.images.shapes import check_pixels


def save_gif(
    path: str | PathLike[str], frames: Sequence[Tensor], *, seconds: float = 0.2, back: bool = False
) -> None:
    """Write frames as a GIF that runs for ever, whole or not at all.

    Each frame has the 256 colours that suit it best, and errors are diffused.

    Args:
        path: .gif.
        frames: sRGB-encoded in [0, 1], (3, H, W) each, all of one size; values outside are clipped.
        seconds: that each frame is shown, rounded to hundredths.
        back: after the last frame show those between in reverse, so that the end meets the beginning.

    Raises:
        StyleError: for another suffix, no frame, or frames of several sizes.
        TypeError, ValueError: as for other pixels; if `seconds` is less than a hundredth.
        OSError: if the file cannot be written.
    """
    if Path(path).suffix.lower() != ".gif":
        raise StyleError(f"a moving image must be written to a file that ends in .gif; got {Path(path).name}")
    for frame in frames:
        check_pixels("frames", frame)
    sizes = sorted({tuple(frame.shape) for frame in frames})
    if len(sizes) != 1:
        raise StyleError(f"frames must be at least one, and all of one size; got {sizes or 'none'}")
    check.positive("seconds", round(100 * seconds))
    drawn = [_quantized(frame) for frame in frames]
    if back:
        drawn += drawn[-2:0:-1]
    with replacing(path) as temporary:
        drawn[0].save(
            temporary,
            save_all=True,
            append_images=drawn[1:],
            duration=10 * round(100 * seconds),
            loop=0,
            disposal=1,
        )


def _quantized(frame: Tensor) -> Image.Image:
    levels = np.rint(frame.detach().cpu().double().clamp(0, 1).numpy() * 255).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0)))
    return image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)
