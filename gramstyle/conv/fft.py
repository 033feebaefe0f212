"""A convolution as a product of spectra, block by block."""

from __future__ import annotations

from math import ceil
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gramstyle.conv.geometry import Geometry, pad

OVERLAP = 8
"""Times the reach of the kernel that a block is long: an eighth of it is computed twice."""

LEAST = 64
"""Positions of a block along each dimension, where the input has as many."""


def fft(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """Overlap-save: of each transformed block, what wraps round is dropped (Oppenheim and Schafer, 8.7.3).

    All positions are computed, of which a stride takes some; dilation spreads the kernel with zeros.
    """
    reach, space = geometry.reach, len(geometry.size)
    blocks = tuple(_block(size, one) for size, one in zip(geometry.padded, reach, strict=True))
    steps = tuple(block - one + 1 for block, one in zip(blocks, reach, strict=True))
    full = tuple(size - one + 1 for size, one in zip(geometry.padded, reach, strict=True))
    counts = tuple(ceil(one / step) for one, step in zip(full, steps, strict=True))
    tiles = _tiles(pad(x, geometry), blocks, steps, counts).unflatten(1, (geometry.groups, -1))
    dims = tuple(range(-space, 0))
    spread = _spread(weight, geometry)
    if x.is_complex():
        spectra = torch.fft.fftn(tiles, dim=dims)
        filters = torch.fft.ifftn(spread, blocks, dims, norm="forward")  # at -f: the kernel is not turned
    else:
        spectra = torch.fft.rfftn(tiles, dim=dims)
        filters = torch.fft.rfftn(spread, blocks, dims).conj()
    each = filters.unflatten(0, (geometry.groups, -1))  # (G, N / G, C / G, frequencies)
    shape = (*each.shape[:3], *(1,) * space, *each.shape[3:])  # the same for every block
    found = torch.einsum("bgc...,gnc...->bgn...", spectra, each.reshape(shape))
    back = torch.fft.ifftn(found, dim=dims) if x.is_complex() else torch.fft.irfftn(found, blocks, dims)
    kept = back.flatten(1, 2)[_first(steps)]
    order = [0, 1] + [axis for at in range(space) for axis in (2 + at, 2 + space + at)]
    whole = kept.permute(order).reshape(
        *kept.shape[:2], *(count * step for count, step in zip(counts, steps, strict=True))
    )
    return whole[_first(full, geometry.stride)]


def _block(size: int, reach: int) -> int:
    """Positions of a transform along one dimension: of small primes, which are fast."""
    length = max(reach, min(size, max(OVERLAP * reach, LEAST)))
    while not _fast(length):
        length += 1
    return length


def _fast(length: int) -> bool:
    """Whether 2, 3 and 5 are the only primes of a length."""
    for prime in (2, 3, 5):
        while length % prime == 0:
            length //= prime
    return length == 1


def _tiles(
    padded: Tensor, blocks: tuple[int, ...], steps: tuple[int, ...], counts: tuple[int, ...]
) -> Tensor:
    """(B, C, counts, blocks): blocks of the input, which overlap."""
    sides: list[int] = []
    for size, block, step, count in reversed(list(zip(padded.shape[2:], blocks, steps, counts, strict=True))):
        sides += [0, (count - 1) * step + block - size]
    tiles = functional.pad(padded, sides)
    for axis, (block, step) in enumerate(zip(blocks, steps, strict=True), 2):
        tiles = tiles.unfold(axis, block, step)
    return tiles


def _spread(weight: Tensor, geometry: Geometry) -> Tensor:
    """The kernel with zeros between its taps, as its dilation says."""
    if all(one == 1 for one in geometry.dilation):
        return weight
    spread = weight.new_zeros(*weight.shape[:2], *geometry.reach)
    spread[_first(geometry.reach, geometry.dilation)] = weight
    return spread


def _first(sizes: tuple[int, ...], steps: tuple[int, ...] | None = None) -> tuple[Any, ...]:
    """An index of the first positions along the last dimensions, by these steps."""
    parts = zip(sizes, steps or (1,) * len(sizes), strict=True)
    return ..., *(slice(0, size, step) for size, step in parts)
