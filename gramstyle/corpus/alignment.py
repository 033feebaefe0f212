"""Correlation of images that may be crops of one another."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Batch = NDArray[np.float32]

LARGEST, STEP = 0.03, 0.0075
"""Largest part of a side that a crop may take off at either end, and the steps in which it is sought."""

SWEEPS = 2
"""Times that rows and columns are each aligned, the other held still."""


class Warps(NamedTuple):
    """Every stretch of one axis that is tried.

    Attributes:
        maps: (W, n, S), from S positions to the n inner ones of the other image.
        products: maps' maps, (W, S, S).
    """

    maps: Batch
    products: Batch


def best_correlations(first: Batch, second: Batch) -> NDArray[np.float32]:
    """The largest correlation of each pair over crops of one or the other, from -1 to 1.

    Rows and columns are aligned in turn, which finds the optimum of all four edges where it is as
    smooth as thumbnails are. A border that the other image may lack is left out. The product of a
    stretch R with X is never formed: <R X, B> = <R, B X'> and |R X|^2 = <R'R, X X'>, so trying all
    stretches is one matrix product.

    Args:
        first: K thumbnails of mean 0, (K, S, S).
        second: their partners, (K, S, S).

    Returns:
        (K,); 0 where a thumbnail is constant.
    """
    warps = _warps(first.shape[-1])
    margin = (first.shape[-1] - warps.maps.shape[1]) // 2
    inner = np.ascontiguousarray(second[:, margin:-margin, margin:-margin])  # (K, n, n)
    middle = len(warps.maps) // 2
    across = np.broadcast_to(warps.maps[middle], (len(first), *warps.maps.shape[1:]))
    for _ in range(SWEEPS):
        down, _ = _aligned(first @ across.transpose(0, 2, 1), inner, warps)
        across, best = _aligned((down @ first).transpose(0, 2, 1), inner.transpose(0, 2, 1), warps)
    return best


def _aligned(source: Batch, target: Batch, warps: Warps) -> tuple[Batch, NDArray[np.float32]]:
    """The stretch of the rows of `source` (K, S, n) that correlates best with `target` (K, n, n)."""
    count = len(source)
    turned = source.transpose(0, 2, 1)
    inner = (target @ turned).reshape(count, -1) @ warps.maps.reshape(len(warps.maps), -1).T
    square = (source @ turned).reshape(count, -1) @ warps.products.reshape(len(warps.maps), -1).T
    lengths = np.sqrt(np.maximum(square, 0) * (target**2).sum((1, 2))[:, None])
    correlations = np.divide(inner, lengths, out=np.zeros_like(inner), where=lengths > 0)  # (K, W)
    best = correlations.argmax(1)
    return warps.maps[best], correlations[np.arange(count), best]


@cache
def _warps(side: int) -> Warps:
    """Linear interpolation at the inner positions of an image from which both ends were cut."""
    margin = int(np.ceil(LARGEST * side)) + 2
    places = (np.arange(margin, side - margin) + 0.5) / side
    shares = np.arange(-round(LARGEST / STEP), round(LARGEST / STEP) + 1) * STEP
    maps = []
    for start, end in product(shares, shares):
        at = (start + places * (1 - start - end)) * side - 0.5
        left = np.floor(at).astype(int)
        rows = np.arange(len(at))
        one = np.zeros((len(at), side))
        one[rows, left] = 1 - (at - left)
        one[rows, left + 1] = at - left
        maps.append(one)
    stacked = np.stack(maps).astype(np.float32)
    return Warps(maps=stacked, products=stacked.transpose(0, 2, 1) @ stacked)
