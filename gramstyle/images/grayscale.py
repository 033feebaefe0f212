"""Images without their colours."""

from __future__ import annotations

import torch
from torch import Tensor

from gramstyle import check

LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Shares of linear red, green and blue in the luminance of sRGB: Rec. ITU-R BT.709-6, IEC 61966-2-1."""


def grayscale(pixels: Tensor) -> Tensor:
    """The grey image that sends out the same light: what is left when chromatic information is gone.

    The values are decoded to linear light, weighed to relative luminance Y = 0.2126 R + 0.7152 G +
    0.0722 B and encoded again (IEC 61966-2-1). The luma of video, the same sum of *encoded* values,
    is cheaper and is not taken: two colours of one luminance differ in luma (the failure of constant
    luminance: Poynton 2003, Digital Video and HDTV, ch. 8), so a purely chromatic pattern would stay
    visible in the grey image, and the control would not have removed what it is there to remove.

    Args:
        pixels: sRGB-encoded in [0, 1], (..., 3, H, W), floating point.

    Returns:
        Three equal channels, same shape and dtype; a grey image comes back as it was, to rounding.
        Half precision is computed in float32. Gradients flow through.

    Raises:
        TypeError: if `pixels` is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    check.one_of_type("pixels", pixels, Tensor)
    if not pixels.is_floating_point():
        raise TypeError(
            f"pixels must be floating point in [0, 1], got {pixels.dtype}: divide by its largest value"
        )
    if pixels.ndim < 3 or pixels.shape[-3] != 3:
        raise ValueError(f"pixels must be (..., 3, H, W), got shape {tuple(pixels.shape)}")
    values = pixels if pixels.dtype == torch.float64 else pixels.float()
    red, green, blue = _linear(values).unbind(-3)
    luminance = LUMINANCE[0] * red + LUMINANCE[1] * green + LUMINANCE[2] * blue  # (..., H, W)
    grey = _encoded(luminance).to(pixels.dtype)
    return grey.unsqueeze(-3).expand_as(pixels).contiguous()


def _linear(encoded: Tensor) -> Tensor:
    """Linear light of sRGB values."""
    curved = ((encoded.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(encoded <= 0.04045, encoded / 12.92, curved)


def _encoded(linear: Tensor) -> Tensor:
    """The sRGB values of linear light; the clamp keeps the infinite slope at 0 out of gradients."""
    curved = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, linear * 12.92, curved)
