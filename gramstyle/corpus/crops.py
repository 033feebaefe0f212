"""Disjoint crops of one image: pairs that share a source and no pixel."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gramstyle import check
from gramstyle.errors import StyleError


@dataclass(frozen=True, kw_only=True)
class Crop:
    """One crop.

    Attributes:
        pixels: (3, size, size).
        top: first row in the image.
        left: first column in the image.
    """

    pixels: Tensor
    top: int
    left: int


def disjoint_crops(
    pixels: Tensor, size: int = 128, gap: int = 32, rows: int = 2, columns: int = 2
) -> tuple[Crop, ...]:
    """A grid of crops around the middle of an image, `gap` pixels apart, at its own resolution.

    Nothing is resampled: a resampled image carries the signature of its resampling into all of
    its crops, and they would look alike for that reason alone.

    Args:
        pixels: (3, H, W).
        size: side of a crop, in pixels.
        gap: pixels between two crops; at least one receptive field keeps shallow features of
            neighbours independent.
        rows: crops from top to bottom.
        columns: crops from left to right.

    Raises:
        ValueError: if a size is not positive, the gap is negative, or `pixels` is no single image.
        StyleError: if the image is too small to hold the grid.
    """
    if pixels.ndim != 3:
        raise ValueError(f"pixels must be (3, H, W), got shape {tuple(pixels.shape)}")
    height, width = pixels.shape[-2:]
    return tuple(
        Crop(pixels=pixels[:, top : top + size, left : left + size], top=top, left=left)
        for top, left in crop_positions(height, width, size, gap, rows, columns)
    )


def crop_positions(
    height: int, width: int, size: int = 128, gap: int = 32, rows: int = 2, columns: int = 2
) -> tuple[tuple[int, int], ...]:
    """First row and column of each crop of `disjoint_crops` in an image of this height and width.

    Args:
        height: of the image, in pixels.
        width: of the image, in pixels.
        size: as there.
        gap: as there.
        rows: as there.
        columns: as there.

    Returns:
        (top, left), row by row.

    Raises:
        ValueError: if a size is not positive or the gap is negative.
        StyleError: if the image is too small to hold the grid.
    """
    for name, value in (("size", size), ("rows", rows), ("columns", columns)):
        check.positive(name, value)
    if gap < 0:
        raise ValueError(f"gap must be 0 or more, got {gap}")
    needed = (rows * size + (rows - 1) * gap, columns * size + (columns - 1) * gap)
    if height < needed[0] or width < needed[1]:
        raise StyleError(
            f"{rows} x {columns} crops of {size} pixels, {gap} apart, need an image of "
            f"{needed[0]} x {needed[1]}; got {height} x {width}"
        )
    top, left = (height - needed[0]) // 2, (width - needed[1]) // 2
    step = size + gap
    return tuple(
        (y, x) for y in range(top, top + rows * step, step) for x in range(left, left + columns * step, step)
    )
