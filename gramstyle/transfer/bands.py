"""Moments of features of pixels, made a band of rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gramstyle.gram import Moments, gradient_of_part, joined, moments_of_part
from gramstyle.kernels import Kernel

ON_CPU, ELSEWHERE = 2**15, 2**18
"""Pixels of a band: few enough that some 40 features of each stay in a cache, or enough for many cores."""

PixelFeatures: TypeAlias = Callable[[Tensor], Tensor]
"""From pixels (1, 3, h, w) to features (1, C, h, w), each of its own pixel."""


def pixels_of_band(device: torch.device) -> int:
    """How many pixels are worth one band on a device."""
    return ON_CPU if device.type == "cpu" else ELSEWHERE


def moments_in_bands(
    image: Tensor, features: PixelFeatures, weights: Tensor | None, kernel: Kernel, pixels: int
) -> Moments:
    """Centred moments, in float64, of features of pixels, through which gradients flow to the image.

    Features are made a band of rows at a time, and again for the gradient: none are kept, and memory does
    not grow with the image.

    Args:
        image: (1, 3, H, W).
        features: of which the moments are.
        weights: of each pixel, (H, W); None for 1.
        kernel: who multiplies; see `gramstyle.gram`.
        pixels: of a band.
    """
    return Moments(*_Moments.apply(image, features, weights, kernel, pixels))


def _bands(size: torch.Size, pixels: int) -> Iterator[slice]:
    """The rows of an image (1, 3, H, W)."""
    height, width = size[2:]
    step = max(1, pixels // width)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def _part(weights: Tensor | None, rows: slice) -> Tensor | None:
    return None if weights is None else weights[None, rows]


class _Moments(torch.autograd.Function):
    """Moments as a flat tuple."""

    @staticmethod
    def forward(
        ctx: Any, image: Tensor, features: PixelFeatures, weights: Tensor | None, kernel: Kernel, pixels: int
    ) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        found = reduce(
            joined,
            (
                moments_of_part(features(image[:, :, rows]), _part(weights, rows), kernel)
                for rows in _bands(image.shape, pixels)
            ),
        )
        ctx.save_for_backward(image, *found[:2])
        ctx.features, ctx.weights, ctx.pixels, ctx.positions = features, weights, pixels, found.positions
        ctx.mark_non_differentiable(found.positions)
        return tuple(found)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, second: Tensor | None, mean: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
        image, *sums = ctx.saved_tensors
        moments = Moments(sums[0], sums[1], ctx.positions)
        gradient = torch.empty_like(image)
        for rows in _bands(image.shape, ctx.pixels):
            band = image[:, :, rows].detach().requires_grad_()
            with torch.enable_grad():
                found = ctx.features(band)
            pull = gradient_of_part(found.detach(), _part(ctx.weights, rows), moments, second, mean)
            (gradient[:, :, rows],) = torch.autograd.grad(found, band, pull)
        return gradient, None, None, None, None
