"""Fields on a square sheet that look the same at every resolution.

Lengths are in units of which a sheet has `SIDE` on a side, whatever its pixels; at the default
size a unit is a pixel.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Field: TypeAlias = NDArray[np.float32]
"""Values of a square sheet, (S, S)."""

Numbers: TypeAlias = NDArray[np.floating[Any]]
"""Coordinates, tones or angles."""

SIDE = 224
"""Units on a side of a sheet."""


def per_unit(field: Field) -> float:
    """Pixels of one unit."""
    return field.shape[0] / SIDE


def grid(size: int) -> tuple[Field, Field]:
    """Coordinates x and y of pixel centres in units, each (size, size)."""
    line = ((np.arange(size) + 0.5) * (SIDE / size)).astype(np.float32)
    x, y = np.meshgrid(line, line)
    return x, y


def at(field: Field, x: Numbers, y: Numbers) -> Field:
    """Values at the pixels that hold the points (x, y), in units; the border goes on outside."""
    scale, last = per_unit(field), field.shape[0] - 1
    columns = np.clip(x * scale, 0, last).astype(np.intp)
    rows = np.clip(y * scale, 0, last).astype(np.intp)
    return field[rows, columns]


def step(value: Numbers, width: float) -> Field:
    """From 0 to 1 as `value` passes from -width / 2 to width / 2."""
    return np.clip(value / width + 0.5, 0, 1).astype(np.float32, copy=False)


def blur(field: Field, sigma: float) -> Field:
    """Gaussian blur; `sigma` in units."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(field, sigma * per_unit(field), mode="nearest", truncate=3.0))


def slope(field: Field, sigma: float) -> tuple[Field, Field]:
    """Change per unit to the right and downwards, after a blur of `sigma` units."""
    scale = np.float32(per_unit(field))
    down, across = (scale * np.asarray(one, dtype=np.float32) for one in np.gradient(blur(field, sigma)))
    return across, down
