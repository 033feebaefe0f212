"""Checks of image shapes."""

from __future__ import annotations

from torch import Tensor

from gramstyle import check


def check_pixels(argument: str, pixels: Tensor) -> tuple[int, int]:
    """H and W of images (3, H, W) or (B, 3, H, W).

    Raises:
        TypeError: if they are not a floating-point tensor.
        ValueError: if their shape is something else, or they have no pixels.
    """
    check.one_of_type(argument, pixels, Tensor)
    if not pixels.is_floating_point():
        raise TypeError(
            f"{argument} must be floating point in [0, 1], got {pixels.dtype}: divide by its largest value"
        )
    if pixels.ndim not in (3, 4) or pixels.shape[-3] != 3:
        raise ValueError(f"{argument} must be (3, H, W) or (B, 3, H, W), got shape {tuple(pixels.shape)}")
    if pixels.shape[-1] == 0 or pixels.shape[-2] == 0:
        raise ValueError(f"{argument} must have at least one pixel, got shape {tuple(pixels.shape)}")
    return pixels.shape[-2], pixels.shape[-1]


def check_pair(argument: str, size: object) -> tuple[int, int]:
    """Height and width from (height, width), or from one number for a square.

    Raises:
        ValueError: if they are no whole numbers greater than 0.
    """
    pair = (size, size) if isinstance(size, int) else size
    if isinstance(pair, (tuple, list)) and len(pair) == 2:
        height, width = pair
        whole = all(isinstance(side, int) and not isinstance(side, bool) for side in pair)
        if whole and height > 0 and width > 0:
            return height, width
    raise ValueError(
        f"{argument} must be (height, width) or one number, whole and greater than 0, got {size!r}"
    )
