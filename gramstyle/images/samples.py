"""Samples as a file stores them, before colour is interpreted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Space: TypeAlias = Literal["grey", "rgb", "cmyk"]

MAX_PIXELS = 178_956_970
"""Largest image decoded unless the caller says otherwise: the size from which Pillow warns."""

RANGE_TOLERANCE = 1e-3
"""Floats may leave [0, 1] by this much, the round-off of a half-precision chain; they are then
clamped, and a note says so. Further out is an error, since no clamp can be right for it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """What a decoder found in a file.

    Attributes:
        values: (H, W, C) as stored: bool, unsigned integers over their whole range, or floats in
            [0, 1]. C is 1 for grey, 3 for rgb, 4 for cmyk, where 1 is full ink.
        space: what the channels are.
        alpha: (H, W) coverage, as stored, or None; the colours are not premultiplied by it.
        profile: embedded ICC profile.
        orientation: EXIF orientation still to be undone, 1 to 8.
        notes: what was done to get here.
    """

    values: NDArray[Any]
    space: Space
    alpha: NDArray[Any] | None = None
    profile: bytes | None = None
    orientation: int = 1
    notes: tuple[str, ...] = ()


def unit(values: NDArray[Any]) -> NDArray[np.float32]:
    """Stored samples as float32 in [0, 1]: integers divided by the largest of their type.

    Raises:
        ValueError: if floats are not finite or further outside [0, 1] than `RANGE_TOLERANCE`.
        TypeError: if the type has no known white, e.g. signed integers.
    """
    if values.dtype == np.bool_:
        return values.astype(np.float32)
    if values.dtype.kind == "u":
        wide: type[np.floating[Any]] = np.float32 if values.dtype.itemsize <= 2 else np.float64
        white = wide(np.iinfo(values.dtype).max)
        return np.asarray(np.divide(values, white, dtype=wide), dtype=np.float32)
    if values.dtype.kind != "f":
        raise TypeError(
            f"samples of type {values.dtype} have no known white: store unsigned integers or floats"
        )
    if not np.isfinite(values).all():
        raise ValueError("samples must be finite, got NaN or infinite values")
    if values.size and (complaint := out_of_range(float(values.min()), float(values.max()))):
        raise ValueError(f"samples {complaint}")
    return np.asarray(np.clip(values, 0.0, 1.0), dtype=np.float32)


def out_of_range(low: float, high: float) -> str:
    """What is wrong with floats between `low` and `high`, and what to do; empty if nothing is."""
    if low >= -RANGE_TOLERANCE and high <= 1 + RANGE_TOLERANCE:
        return ""
    if low >= -1 - RANGE_TOLERANCE and high <= 1 + RANGE_TOLERANCE:
        remedy = "if they are meant to lie in [-1, 1], use (x + 1) / 2"
    elif low >= -0.5 and high <= 1.5:
        remedy = "clamp them if an interpolation overshot"
    elif low >= 0 and high <= 255:
        remedy = "divide by 255"
    elif low >= 0 and high <= 65535:
        remedy = "divide by 65535"
    else:
        remedy = "clamp or rescale them"
    return f"must lie in [0, 1], got {low:.6g} to {high:.6g}: {remedy}"


def clamp_note(low: float, high: float) -> tuple[str, ...]:
    """The note that goes with clamping floats that ran from `low` to `high`, if any is due."""
    if low >= 0 and high <= 1:
        return ()
    return (f"clamped to [0, 1]: values ran from {low:.6g} to {high:.6g}",)


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise `ValueError` unless an image of this size has pixels, and no more than allowed."""
    if width <= 0 or height <= 0:
        raise ValueError(f"the image has no pixels (width {width}, height {height})")
    if width * height > max_pixels:
        raise ValueError(
            f"{width} x {height} is {width * height} pixels, more than max_pixels={max_pixels}; such a "
            f"file may be a decompression bomb. If you trust it, pass max_pixels={width * height}"
        )
