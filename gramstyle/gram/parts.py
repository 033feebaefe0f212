"""Moments of a feature map that is seen one part at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from gramstyle.gram.reference import Moments
from gramstyle.kernels import Kernel, gram, gram_is_native
from gramstyle.numerics import full_precision, safe_divide, wide

STRIP = 2**15
"""Positions that are summed in the features' own precision before float64 takes over.

In float32 that many products agree with float64 to about 1e-6; and the copy that is made of a strip stays
below the features of a tile.
"""


def moments_of_part(features: Tensor, weights: Tensor | None = None, kernel: Kernel = "auto") -> Moments:
    """Second moments about the mean, means and amounts of one part of a map, in float64.

    Each strip of rows is summed about a mean of its own, and strips are put together by `joined`. So a
    channel that is constant has a variance of 0 to about 1e-14 of its energy, as in the whole map, and
    raw sums, whose float32 rounding is 1e-7 of the energy, never have to cancel.

    Args:
        features: (B, C, h, w), of any strides.
        weights: of each position, (B, h, w); an image of a part may have none at all.
        kernel: who multiplies; see `gramstyle.gram`.

    Returns:
        `second` is centred.
    """
    rows = max(1, STRIP // features.shape[3])
    found: Moments | None = None
    for top in range(0, features.shape[2], rows):
        strip = slice(top, top + rows)
        part = _strip(features[:, :, strip], None if weights is None else weights[:, strip], kernel)
        found = part if found is None else joined(found, part)
    assert found is not None, "a part has at least one row"
    return found


def joined(a: Moments, b: Moments) -> Moments:
    """Centred moments of two parts together: Chan, Golub and LeVeque 1979, eq. 2.1."""
    positions = a.positions + b.positions
    share = safe_divide(b.positions, positions, 0.0)[:, None]  # (B, 1)
    apart = b.mean - a.mean
    between = (a.positions[:, None] * share * apart)[:, :, None] * apart[:, None, :]
    return Moments(a.second + b.second + between, a.mean + share * apart, positions)


def sums_about(
    features: Tensor, shift: Tensor, weights: Tensor | None, kernel: Kernel = "auto"
) -> tuple[Tensor, Tensor]:
    """``sum w (f - s)(f - s)'`` (B, C, C) and ``sum w (f - s)`` (B, C), in float64.

    Args:
        features: (B, C, h, w), float32 or float64, of any strides.
        shift: s, (B, C).
        weights: w, (B, h, w).
        kernel: who multiplies; see `gramstyle.gram`.
    """
    about = features - shift[:, :, None, None]
    share = None if weights is None else weights[:, None]
    weighted = about if share is None else about * share
    sums = wide(weighted.sum((2, 3)))
    if gram_is_native(kernel, features.device):
        return gram(about if share is None else about * share.sqrt(), wide=True).second, sums
    with full_precision(features.device):
        return wide(_flat(weighted) @ _flat(about).mT), sums


def gradient_of_part(
    features: Tensor, weights: Tensor | None, moments: Moments, second: Tensor | None, mean: Tensor | None
) -> Tensor:
    """Gradient of a function of a map's moments at one part of the map, in the type of `features`.

    With T the centred second moment and m the mean, ``dT = sum w (df (f - m)' + (f - m) df')``: what dm
    adds vanishes, because ``sum w (f - m)`` does.

    Args:
        features: f, (B, C, h, w).
        weights: w, (B, h, w).
        moments: of the whole map.
        second: gradient of T, (B, C, C).
        mean: gradient of m, (B, C).

    Returns:
        (B, C, h, w).
    """
    kind = torch.float64 if features.dtype == torch.float64 else torch.float32
    about = _flat(features.to(kind) - moments.mean.to(kind)[:, :, None, None])
    found = torch.zeros_like(about)
    if second is not None:
        with full_precision(features.device):
            found = (second + second.mT).to(kind) @ about
    if mean is not None:
        found = found + (mean / moments.positions[:, None]).to(kind)[:, :, None]
    if weights is not None:
        found = found * weights.to(kind).flatten(1)[:, None]
    return found.reshape(features.shape).to(features.dtype)


def _flat(features: Tensor) -> Tensor:
    """(B, C, H, W) as (B, C, P), a view in either memory format."""
    if features.is_contiguous():
        return features.flatten(2)
    return features.permute(0, 2, 3, 1).flatten(1, 2).mT


def _strip(features: Tensor, weights: Tensor | None, kernel: Kernel) -> Moments:
    kind = torch.float64 if features.dtype == torch.float64 else torch.float32
    features = features.to(kind)
    weights = None if weights is None else weights.to(kind)
    if weights is None:
        positions = features.new_full((len(features),), float(features.shape[2] * features.shape[3]))
        shift = features.mean((2, 3))
    else:
        positions = weights.sum((1, 2))
        shift = safe_divide((features * weights[:, None]).sum((2, 3)), positions[:, None], 0.0)
    second, sums = sums_about(features, shift, weights, kernel)
    positions, shift = wide(positions), wide(shift)
    rest = safe_divide(sums, positions[:, None], 0.0)  # of the mean, beyond what float32 holds
    second = second - positions[:, None, None] * rest[:, :, None] * rest[:, None, :]
    return Moments(second, shift + rest, positions)
