"""A convolution with one tap: at each position a matrix product of its channels."""

from __future__ import annotations

from math import prod

from torch import Tensor

from gramstyle.conv.geometry import Geometry, pad, windows


def pointwise(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """(N, C) @ (C, P): the input itself is the matrix of columns."""
    seen = pad(x, geometry)[windows((0,) * len(geometry.kernel), geometry)]
    columns = seen.flatten(2).unflatten(1, (geometry.groups, -1))  # (B, G, C / G, P)
    rows = weight.flatten(1).unflatten(0, (geometry.groups, -1))
    return (rows @ columns).flatten(1, 2).unflatten(2, geometry.result)


def reason_against_pointwise(geometry: Geometry) -> str | None:
    """Why this is no convolution with one tap; None if it is one."""
    return None if prod(geometry.kernel) == 1 else f"its kernel has {geometry.kernel} taps, not one"
