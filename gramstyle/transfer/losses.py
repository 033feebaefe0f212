"""What is added to the distances of styles: contents, and the variation of an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from gramstyle.numerics import wide

ContentNorm: TypeAlias = Literal["mean", "half-sum"]
CONTENT_NORMS: tuple[ContentNorm, ...] = ("mean", "half-sum")

Variation: TypeAlias = Literal["nine-point", "squared", "half-sum", "absolute"]

BAND = 2**19
"""Pixels whose variation is taken at a time where memory is bounded."""


def content_loss(features: Tensor, target: Tensor, norm: ContentNorm = "mean") -> Tensor:
    """Squared difference of features (1, C, H, W).

    ``mean`` over channels and positions, as most code has it; or ``half-sum``, half of the sum: Gatys
    et al. 2016, eq. 1.
    """
    kind = torch.promote_types(features.dtype, torch.float32)
    square = (features.to(kind) - target.to(kind)).square()
    return square.mean() if norm == "mean" else square.sum() / 2


def content_factor(values: int, norm: ContentNorm) -> float:
    """What the sum of squares of `values` differences is multiplied by in `content_loss`."""
    return 1 / values if norm == "mean" else 0.5


def _nine_point(image: Tensor) -> tuple[Tensor, Tensor]:
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    middle = padded[..., 1:-1, 1:-1]
    sides = (padded[..., 1:-1, 2:] - middle).square().sum() + (padded[..., 2:, 1:-1] - middle).square().sum()
    corners = (padded[..., 2:, 2:] - middle).square().sum() + (padded[..., 2:, :-2] - middle).square().sum()
    return sides, corners


def _differences(image: Tensor) -> tuple[Tensor, Tensor]:
    """From each pixel to the one below and to the one on the right."""
    return image[..., 1:, :] - image[..., :-1, :], image[..., 1:] - image[..., :-1]


def _squares(image: Tensor) -> tuple[Tensor, Tensor]:
    down, right = _differences(image)
    return down.square().sum(), right.square().sum()


def _absolutes(image: Tensor) -> tuple[Tensor, Tensor]:
    down, right = _differences(image)
    return down.abs().sum(), right.abs().sum()


def _of_nine(height: int, width: int) -> tuple[float, float]:
    return 2 / 3 / (3 * height * width), 2 / 12 / (3 * height * width)


def _of_means(height: int, width: int) -> tuple[float, float]:
    return 1 / max(1, 3 * (height - 1) * width), 1 / max(1, 3 * height * (width - 1))


_SUMS: dict[
    Variation, tuple[Callable[[Tensor], tuple[Tensor, Tensor]], Callable[[int, int], tuple[float, float]]]
] = {
    "nine-point": (_nine_point, _of_nine),
    "squared": (_squares, _of_means),
    "half-sum": (_squares, lambda height, width: (0.5, 0.5)),
    "absolute": (_absolutes, lambda height, width: (1.0, 1.0)),
}
"""Name -> two sums over an image, and from (H, W) what each is multiplied by."""


def variation(kind: Variation, image: Tensor) -> Tensor:
    """Total variation of an image (1, 3, H, W), a number; see `VARIATIONS`."""
    return _weighed(kind, image, (image.shape[2], image.shape[3]))


def _weighed(kind: Variation, part: Tensor, size: tuple[int, int]) -> Tensor:
    """What some rows add to the variation of an image of (H, W) `size`."""
    sums, factors = _SUMS[kind]
    one, other = sums(part)
    by_one, by_other = factors(*size)
    return by_one * one + by_other * other


def variation_with_gradient(kind: Variation, image: Tensor) -> tuple[Tensor, Tensor]:
    """`variation` and its gradient (1, 3, H, W), from bands of rows: memory does not grow with the image.

    Bands share a row, and what the shared row adds by itself is taken off again.
    """
    size = image.shape[2], image.shape[3]
    total = wide(image.new_zeros(()))
    gradient = torch.zeros_like(image)
    for rows, sign in _bands(*size):
        band = image[:, :, rows].detach().requires_grad_()
        with torch.enable_grad():
            value = sign * _weighed(kind, band, size)
        total = total + wide(value.detach())
        gradient[:, :, rows] += torch.autograd.grad(value, band)[0]
    return total, gradient


def _bands(height: int, width: int) -> Iterator[tuple[slice, int]]:
    """Rows, and how often what they add counts."""
    step = max(1, BAND // width)
    for top in range(0, max(1, height - 1), step):
        if top:
            yield slice(top, top + 1), -1
        yield slice(top, min(top + step + 1, height)), 1


VARIATIONS: dict[Variation, Callable[[Tensor], Tensor]] = {name: partial(variation, name) for name in _SUMS}
"""Name -> total variation of an image (1, 3, H, W), a number.

* ``nine-point``: ``2 (E dx^2 / 3 + E dy^2 / 3 + E dd^2 / 12 + E da^2 / 12)``, E the mean over pixels and
  colours, d and a the two diagonals, edges replicated: crowsonkb/style-transfer-pytorch.
* ``squared``: ``E dx^2 + E dy^2``.
* ``half-sum``: ``(sum dx^2 + sum dy^2) / 2``, whose gradient is that of jcjohnson/neural-style.
* ``absolute``: ``sum |dx| + sum |dy|``, ProGamerGov/neural-style-pt.
"""
