"""A convolution as it is defined: a sum over the taps of its kernel."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from gramstyle.conv.geometry import Geometry, pad, windows


def direct(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """``y[b, n, p] = sum over c and taps k of weight[n, c, k] x[b, c, stride p + dilation k]``.

    What is called convolution in networks is a correlation: the kernel is not turned round. Every other
    algorithm of this room is held to this one.
    """
    padded = pad(x, geometry).unflatten(1, (geometry.groups, -1))  # (B, G, C / G, ...)
    filters = weight.unflatten(0, (geometry.groups, -1))  # (G, N / G, C / G, taps)
    taps = zip(product(*map(range, geometry.kernel)), filters.flatten(3).unbind(3), strict=True)
    parts = (
        torch.einsum("bgc...,gnc->bgn...", padded[windows(tap, geometry)], values) for tap, values in taps
    )
    total = next(parts)
    for part in parts:
        total = total + part
    return total.flatten(1, 2)
