"""What a transfer is made of, checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from gramstyle import check
from gramstyle.errors import StyleError


@dataclass(frozen=True, kw_only=True, eq=False)
class Style:
    """An image whose style is wanted.

    Attributes:
        pixels: sRGB in [0, 1], (3, H, W).
        weight: its share beside other styles of its region; 0 or more.
        mask: what of it counts, (H, W) in [0, 1]; None for all.
        region: name of the region of the result that it is for; see `Transfer`.
    """

    pixels: Tensor = field(repr=False)
    weight: float = 1.0
    mask: Tensor | None = field(default=None, repr=False)
    region: str = ""


def checked_styles(styles: Sequence[Style] | Tensor) -> list[Style]:
    """Styles as float32 on the cpu; one image is one style.

    Raises:
        StyleError: if there is none, or none with a weight.
        ValueError: for images, masks or weights out of range.
    """
    given = [Style(pixels=styles)] if isinstance(styles, Tensor) else list(styles)
    if not given:
        raise StyleError("styles must hold at least one style, got none")
    for one in given:
        if not 0 <= one.weight < math.inf:
            raise ValueError(f"weight of a style must be 0 or more and finite, got {one.weight}")
    if all(one.weight == 0 for one in given):
        raise StyleError("one style must have a weight above 0, got only zeros")
    return [
        Style(
            pixels=checked_image("style", one.pixels),
            weight=one.weight,
            mask=None if one.mask is None else checked_mask("mask", one.mask),
            region=one.region,
        )
        for one in given
    ]


def checked_image(argument: str, pixels: Tensor) -> Tensor:
    """(3, H, W) in [0, 1], as float32 on the cpu."""
    check.one_of_type(argument, pixels, Tensor)
    if pixels.ndim != 3 or pixels.shape[0] != 3 or not pixels.is_floating_point():
        raise ValueError(
            f"{argument} must be (3, H, W), floating point in [0, 1], got {pixels.dtype} of shape "
            f"{tuple(pixels.shape)}"
        )
    check.finite(pixels, argument)
    low, high = (float(one) for one in pixels.aminmax())
    if low < -1e-3 or high > 1 + 1e-3:
        raise ValueError(f"{argument} must lie in [0, 1], got {low:.4g} to {high:.4g}")
    return pixels.detach().float().clamp(0, 1).cpu().contiguous()


def checked_mask(argument: str, mask: Tensor) -> Tensor:
    """(H, W) in [0, 1] with a value above 0, as float32 on the cpu."""
    check.one_of_type(argument, mask, Tensor)
    if mask.ndim != 2 or not mask.is_floating_point():
        raise ValueError(
            f"{argument} must be (H, W), floating point in [0, 1], got shape {tuple(mask.shape)}"
        )
    check.finite(mask, argument)
    low, high = (float(one) for one in mask.aminmax())
    if low < 0 or high > 1 or high == 0:
        raise ValueError(f"{argument} must lie in [0, 1] with a value above 0, got {low:.4g} to {high:.4g}")
    return mask.detach().float().cpu().contiguous()
