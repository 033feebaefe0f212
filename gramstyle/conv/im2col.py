"""A convolution as one matrix product, of windows that are written out beside each other."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod

import torch
from torch import Tensor

from gramstyle.conv.geometry import Geometry, pad, windows

MOST = 2**20
"""Numbers of a band of columns that `implicit` holds: what a cache of a few MiB does."""


def im2col(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """(N, C taps) @ (C taps, P): each window is a column (Chellapilla, Puri and Simard 2006).

    The columns take as many times the memory of the input as the kernel has taps.
    """
    rows = weight.flatten(1).unflatten(0, (geometry.groups, -1))  # (G, N / G, C / G taps)
    return (rows @ columns_of(x, geometry)).flatten(1, 2).unflatten(2, geometry.result)


def columns_of(x: Tensor, geometry: Geometry) -> Tensor:
    """(B, G, C / G taps, P): each window of the input as a column."""
    padded = pad(x, geometry).unflatten(1, (geometry.groups, -1))
    seen = [padded[windows(tap, geometry)] for tap in product(*map(range, geometry.kernel))]
    return torch.stack(seen, 3).flatten(4).flatten(2, 3)


def im2row(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """(P, taps C) @ (taps C, N): each window is a row; channels of channels-last maps lie side by side."""
    padded = pad(x, geometry).movedim(1, -1).contiguous().movedim(-1, 1)
    seen = [
        padded[windows(tap, geometry)].movedim(1, -1).unflatten(-1, (geometry.groups, -1))
        for tap in product(*map(range, geometry.kernel))
    ]
    rows = torch.stack(seen, -2).movedim(-3, 1).flatten(-2).flatten(2, -2)  # (B, G, P, taps C / G)
    columns = weight.unflatten(0, (geometry.groups, -1)).movedim(2, -1).flatten(2).mT
    return (rows @ columns).mT.flatten(1, 2).unflatten(2, geometry.result)


def implicit(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """`im2col`, a band of the output at a time: the columns as a whole are never in memory.

    Implicit GEMMs of GPUs do so in shared memory; here a band stays in a cache.
    """
    padded = pad(x, geometry)
    each = geometry.batch * geometry.channels * prod(geometry.kernel) * prod(geometry.result[1:])
    step = max(1, MOST // max(1, each))
    inside = replace(geometry, padding=((0, 0),) * len(geometry.size), mode="zeros")
    parts = []
    for top in range(0, geometry.result[0], step):
        last = min(top + step, geometry.result[0]) - 1
        rows = slice(top * geometry.stride[0], last * geometry.stride[0] + geometry.reach[0])
        band = padded[:, :, rows]
        parts.append(im2col(band, weight, replace(inside, size=tuple(band.shape[2:]))))
    return torch.cat(parts, 2)
