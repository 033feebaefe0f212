"""A picture that keeps the colours of its content."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.images import color_moments, match_color, resize
from gramstyle.images.resize import ResizePolicy

Preserve: TypeAlias = Literal["none", "luminance", "symmetric", "cholesky", "pca", "histogram"]
PRESERVES: tuple[Preserve, ...] = get_args(Preserve)

YIQ = ((0.299, 0.587, 0.114), (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135))
"""sRGB-encoded RGB -> luma and two chroma: NTSC 1953, as Gatys et al. 2016 use it."""


def recolored_style(style: Tensor, content: Tensor, how: Preserve) -> Tensor:
    """A style in the colours of `content`, before any transfer.

    Gatys et al. 2016 (Preserving Color in Neural Artistic Style Transfer), section 3: linear maps of
    colours (`symmetric`, `cholesky`, `pca`; see `gramstyle.images.match_color`) or `histogram`, channel by
    channel. With ``none`` and ``luminance`` the style stays as it is.

    Args:
        style: (3, H, W) in [0, 1].
        content: (3, H', W') in [0, 1].
        how: by name.
    """
    check.name_in("preserve_color", how, PRESERVES)
    if how == "none" or how == "luminance":
        return style
    if how == "histogram":
        return match_histograms(style, content)
    mean, covariance = color_moments(content)
    return match_color(style, mean, covariance, method=how, clip=True)


def recolored_result(image: Tensor, content: Tensor, how: Preserve) -> Tensor:
    """The result in the colours of `content`: its own luma with the content's chroma, for ``luminance``.

    Args:
        image: (3, H, W) in [0, 1].
        content: (3, H', W') in [0, 1]; brought to the size of `image`.
        how: by name; others leave the image as it is.
    """
    if how != "luminance":
        return image
    under = resize(content.to(image), ResizePolicy("exact", (image.shape[1], image.shape[2])))
    turn = image.new_tensor(YIQ)
    apart = torch.einsum("dc,chw->dhw", turn, under)
    apart[0] = torch.einsum("c,chw->hw", turn[0], image)
    return torch.einsum("dc,chw->dhw", torch.linalg.inv(turn), apart).clamp(0, 1)


def match_histograms(image: Tensor, target: Tensor) -> Tensor:
    """Each channel of `image` with the distribution of values of that channel of `target`.

    A value goes to the quantile of the target at the middle of the ranks that it takes; equal values stay
    equal. Quantiles are interpolated linearly.

    Args:
        image: (3, H, W).
        target: (3, H', W').

    Returns:
        (3, H, W).
    """
    made = [_matched(one.flatten(), other.flatten()) for one, other in zip(image, target, strict=True)]
    return torch.stack(made).view_as(image)


def _matched(values: Tensor, target: Tensor) -> Tensor:
    _, places, counts = torch.unique(values, return_inverse=True, return_counts=True)
    ends = counts.cumsum(0).double()
    rank = (ends - counts.double() / 2) / values.numel()  # middle of the ranks, in (0, 1)
    ordered = target.sort().values.double()
    at = rank * len(ordered) - 0.5
    low = at.floor().clamp(0, len(ordered) - 1)
    high = (low + 1).clamp_max(len(ordered) - 1)
    share = (at - low).clamp(0, 1)
    quantiles = ordered[low.long()] * (1 - share) + ordered[high.long()] * share
    return quantiles[places].to(values.dtype)
