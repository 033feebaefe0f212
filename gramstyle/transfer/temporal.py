"""What a frame of a film should look like, because earlier frames do."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gramstyle.images import ResizePolicy, resize, resize_mask
from gramstyle.transfer.inputs import checked_image


@dataclass(frozen=True, kw_only=True, eq=False)
class Temporal:
    """An image that the result should be like, where it counts.

    Attributes:
        pixels: earlier results, brought to this frame along the motion; sRGB in [0, 1], (3, H, W).
        weights: how much each pixel counts, (H, W) in [0, 1]; 0 where no earlier frame shows it.
    """

    pixels: Tensor = field(repr=False)
    weights: Tensor = field(repr=False)

    def resized(self, size: tuple[int, int]) -> Temporal:
        """The same at (H, W)."""
        return Temporal(
            pixels=resize(self.pixels, ResizePolicy("exact", size)), weights=resize_mask(self.weights, size)
        )

    def to(self, device: torch.device) -> Temporal:
        """The same on a device."""
        return Temporal(pixels=self.pixels.to(device), weights=self.weights.to(device))


def checked_temporal(temporal: Temporal) -> Temporal:
    """With float32 tensors on the cpu.

    Raises:
        ValueError: for pixels or weights of another shape or range.
    """
    pixels, weights = checked_image("temporal", temporal.pixels), temporal.weights
    if weights.shape != pixels.shape[1:] or not bool(((weights >= 0) & (weights <= 1)).all()):
        raise ValueError(
            f"weights of temporal must be {tuple(pixels.shape[1:])} in [0, 1], got shape "
            f"{tuple(weights.shape)}"
        )
    return Temporal(pixels=pixels, weights=weights.detach().float().cpu().contiguous())


def temporal_loss(image: Tensor, temporal: Temporal) -> Tensor:
    """``1 / D sum_k c_k (x_k - w_k)^2``: Ruder, Dosovitskiy and Brox 2016, section 4.

    x is the image, w the pixels and c the weights of `temporal`; the sum and its length D are over all
    pixels and colours, so that a pixel is held as firmly whether many are or few.

    Args:
        image: (1, 3, H, W).
        temporal: of the same size.

    Returns:
        A number.
    """
    square = (image - temporal.pixels.to(image)).square()
    return (square * temporal.weights.to(image)).mean()
