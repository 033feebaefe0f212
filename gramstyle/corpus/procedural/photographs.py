"""Photographs that come with installed packages, as contents."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from gramstyle.corpus.bundled import bundled_images
from gramstyle.corpus.procedural.raster import Field, blur
from gramstyle.images import read_image

LUMA = (0.299, 0.587, 0.114)
"""Weights of encoded red, green and blue in a tone (ITU-R BT.601)."""

SMOOTHING = 0.8
"""Units by which a photograph is blurred: a grain of its own would be a style."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom of what a photograph shows, as shares of its width and height."""


def photograph(label: str, box: Box, draw: Generator, size: int) -> Field:
    """A square of a bundled photograph: each time another place and scale, turned a little, or mirrored.

    Args:
        label: name of the photograph.
        box: the square lies within, or a little beyond where it is turned, and is as large as it
            allows or up to a fifth smaller.
        draw: of place, scale, turn and mirroring.
        size: pixels on a side.

    Returns:
        Tones in about [0, 1], (size, size).

    Raises:
        StyleError: if the package that carries it is not installed.
    """
    tones, margin = _tones(label)
    height, width = (side - 2 * margin for side in tones.shape)
    left, top, right, bottom = np.array(box) * (width, height, width, height)
    side = min(right - left, bottom - top) * draw.uniform(0.8, 1.0)
    free = np.array([right - left, bottom - top]) - side
    middle = np.array([left, top]) + side / 2 + free * draw.random(2) + margin
    turn, mirror, pitch = draw.uniform(-0.1, 0.1), draw.choice((-1, 1)), side / size
    across = pitch * mirror * np.array([np.cos(turn), np.sin(turn)])
    down = pitch * np.array([-np.sin(turn), np.cos(turn)])
    corner = middle - (across + down) * size / 2
    fewer = max(1, int(pitch))  # bicubic sampling alone would skip pixels of a large photograph
    matrix = np.stack([across, down, corner], axis=-1).ravel() / fewer
    source = Image.fromarray(tones).reduce(fewer)
    cut = source.transform((size, size), Image.Transform.AFFINE, matrix.tolist(), Image.Resampling.BICUBIC)
    return blur(np.array(cut, dtype=np.float32), SMOOTHING)


@lru_cache(maxsize=8)
def _tones(label: str) -> tuple[NDArray[np.float32], int]:
    """A photograph's tones in [0, 1], continued by its mirror image, and the width of that margin."""
    pixels = read_image(bundled_images()[label]).pixels.numpy()
    tones = np.tensordot(np.array(LUMA, dtype=np.float32), pixels, axes=1)
    margin = min(tones.shape) // 8
    return np.pad(tones, margin, mode="reflect"), margin
