"""What is added to the distances of styles: contents, and the variation of an image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

ContentNorm: TypeAlias = Literal["mean", "half-sum"]
CONTENT_NORMS: tuple[ContentNorm, ...] = ("mean", "half-sum")

Variation: TypeAlias = Literal["nine-point", "squared", "half-sum", "absolute"]


def content_loss(features: Tensor, target: Tensor, norm: ContentNorm = "mean") -> Tensor:
    """Squared difference of features (1, C, H, W).

    ``mean`` over channels and positions, as most code has it; or ``half-sum``, half of the sum: Gatys
    et al. 2016, eq. 1.
    """
    wide = torch.promote_types(features.dtype, torch.float32)
    square = (features.to(wide) - target.to(wide)).square()
    return square.mean() if norm == "mean" else square.sum() / 2


def _nine_point(image: Tensor) -> Tensor:
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    middle = padded[..., 1:-1, 1:-1]
    sides = (padded[..., 1:-1, 2:] - middle).square().mean() + (
        padded[..., 2:, 1:-1] - middle
    ).square().mean()
    corners = (padded[..., 2:, 2:] - middle).square().mean() + (padded[..., 2:, :-2] - middle).square().mean()
    return 2 * (sides / 3 + corners / 12)


def _differences(image: Tensor) -> tuple[Tensor, Tensor]:
    """From each pixel to the one below and to the one on the right."""
    return image[..., 1:, :] - image[..., :-1, :], image[..., 1:] - image[..., :-1]


def _squared(image: Tensor) -> Tensor:
    down, right = _differences(image)
    return down.square().mean() + right.square().mean()


def _half_sum(image: Tensor) -> Tensor:
    down, right = _differences(image)
    return (down.square().sum() + right.square().sum()) / 2


def _absolute(image: Tensor) -> Tensor:
    down, right = _differences(image)
    return down.abs().sum() + right.abs().sum()


VARIATIONS: dict[Variation, Callable[[Tensor], Tensor]] = {
    "nine-point": _nine_point,
    "squared": _squared,
    "half-sum": _half_sum,
    "absolute": _absolute,
}
"""Name -> total variation of an image (1, 3, H, W), a number.

* ``nine-point``: ``2 (E dx^2 / 3 + E dy^2 / 3 + E dd^2 / 12 + E da^2 / 12)``, E the mean over pixels and
  colours, d and a the two diagonals, edges replicated: crowsonkb/style-transfer-pytorch.
* ``squared``: ``E dx^2 + E dy^2``.
* ``half-sum``: ``(sum dx^2 + sum dy^2) / 2``, whose gradient is that of jcjohnson/neural-style.
* ``absolute``: ``sum |dx| + sum |dy|``, ProGamerGov/neural-style-pt.
"""
