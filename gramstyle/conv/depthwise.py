"""A convolution whose groups have one channel each: no products of channels, sums over taps only."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from gramstyle.conv.geometry import Geometry, pad, windows


def depthwise(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """``y[b, g, j, p] = sum over taps k of weight[g, j, k] x[b, g, stride p + dilation k]`` (Sifre 2014).

    With a pointwise convolution after it, it is the separable convolution of MobileNet: of the products of
    the definition ``1 / N + 1 / taps`` are left (Howard et al. 2017, arXiv 1704.04861).
    """
    padded = pad(x, geometry).unsqueeze(2)  # (B, G, 1, ...)
    shape = (geometry.groups, -1, *(1,) * len(geometry.size))
    factors = weight.flatten(2).squeeze(1).unbind(1)  # of each tap (N)
    taps = list(product(*map(range, geometry.kernel)))
    total = padded[windows(taps[0], geometry)] * factors[0].reshape(shape)
    for tap, factor in zip(taps[1:], factors[1:], strict=True):
        total = torch.addcmul(total, padded[windows(tap, geometry)], factor.reshape(shape))
    return total.flatten(1, 2)


def reason_against_depthwise(geometry: Geometry) -> str | None:
    """Why this is no depthwise convolution; None if it is one."""
    each = geometry.channels // geometry.groups
    return None if each == 1 else f"its groups have {each} channels, not one"
