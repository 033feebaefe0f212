"""Images made ready for a network: cropped and normalised."""

from __future__ import annotations

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.images.shapes import check_pair, check_pixels
from gramstyle.types import Normalization


def crop(pixels: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """Cut a rectangle out of images.

    Args:
        pixels: (3, H, W) or (B, 3, H, W), floating point.
        top: first row.
        left: first column.
        height: rows.
        width: columns.

    Returns:
        A view, (3, height, width) or (B, 3, height, width).

    Raises:
        TypeError: if `pixels` is not a floating-point tensor.
        ValueError: if its shape is something else, or the rectangle is empty or leaves the image.
    """
    rows, columns = check_pixels("pixels", pixels)
    check_pair("(height, width)", (height, width))
    if top < 0 or left < 0 or top + height > rows or left + width > columns:
        raise ValueError(
            f"the crop must lie inside the image of height {rows} and width {columns}, "
            f"got rows {top} to {top + height} and columns {left} to {left + width}"
        )
    return pixels[..., top : top + height, left : left + width]


def center_crop(pixels: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Cut the middle out of images; of an odd margin the larger half is right and below.

    Args:
        pixels: (3, H, W) or (B, 3, H, W), floating point.
        size: (height, width), or one number for a square.

    Returns:
        A view, (3, height, width) or (B, 3, height, width).

    Raises:
        TypeError: if `pixels` is not a floating-point tensor.
        ValueError: if its shape is something else, or `size` is larger than the image.
    """
    rows, columns = check_pixels("pixels", pixels)
    height, width = check_pair("size", size)
    if height > rows or width > columns:
        raise ValueError(
            f"size must fit into the image of height {rows} and width {columns}, "
            f"got height {height} and width {width}: resize first"
        )
    return crop(pixels, (rows - height) // 2, (columns - width) // 2, height, width)


def normalize(images: Tensor, normalization: Normalization) -> Tensor:
    """What a network expects: ``(images * scale - mean) / std`` per channel, reversed first if `bgr`.

    Args:
        images: RGB in [0, 1], (B, 3, H, W), floating point.
        normalization: of the network's weights.

    Returns:
        (B, 3, H, W), same dtype and device.

    Raises:
        TypeError: if `images` is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    _check_batch("images", images)
    channels = images.unbind(1)
    if normalization.bgr:
        channels = channels[::-1]
    # Numbers of Python, not tensors: they widen no dtype and wait for no copy to the device.
    parts = zip(channels, normalization.mean, normalization.std, strict=True)
    return torch.stack([(x * normalization.scale - mean) / std for x, mean, std in parts], dim=1)


def denormalize(inputs: Tensor, normalization: Normalization) -> Tensor:
    """Undo `normalize`, without clamping.

    Args:
        inputs: of a network, (B, 3, H, W), floating point.
        normalization: of the network's weights.

    Returns:
        RGB (B, 3, H, W), same dtype and device.

    Raises:
        TypeError: if `inputs` is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    _check_batch("inputs", inputs)
    parts = zip(inputs.unbind(1), normalization.mean, normalization.std, strict=True)
    channels = [(x * std + mean) / normalization.scale for x, mean, std in parts]
    return torch.stack(channels[::-1] if normalization.bgr else channels, dim=1)


def _check_batch(argument: str, images: Tensor) -> None:
    check.one_of_type(argument, images, Tensor)
    if not images.is_floating_point():
        raise TypeError(f"{argument} must be floating point, got {images.dtype}")
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"{argument} must be (B, 3, H, W), got shape {tuple(images.shape)}")
