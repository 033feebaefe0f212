"""A convolution as a product of spectra, block by block."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import ceil, log2, prod

import torch
from torch import Tensor

from gramstyle.conv.geometry import Geometry, pad
from gramstyle.conv.overlap import first, tiles, whole
from gramstyle.kernels.compiling import constant_result

PRIMES = (2, 3, 5)
"""Of the lengths of blocks: what transforms are fast at."""


def fft(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """Overlap-save: of each transformed block, what wraps round is dropped (Oppenheim and Schafer, 8.7.3).

    The blocks are as long as makes transforms and products together cheapest. All positions are computed,
    of which a stride takes some; dilation spreads the kernel with zeros.
    """
    space = len(geometry.size)
    blocks = blocks_of(geometry)
    steps = tuple(block - one + 1 for block, one in zip(blocks, geometry.reach, strict=True))
    full = _full(geometry)
    counts = tuple(ceil(one / step) for one, step in zip(full, steps, strict=True))
    parts = tiles(pad(x, geometry), blocks, steps, counts)
    dims = tuple(range(-space, 0))
    spread = _spread(weight, geometry)
    if x.is_complex():
        spectra = torch.fft.fftn(parts, dim=dims)
        filters = torch.fft.ifftn(spread, blocks, dims, norm="forward")  # at -f: the kernel is not turned
        back = torch.fft.ifftn(_products(spectra, filters, geometry), dim=dims)
    else:
        spectra = torch.fft.rfftn(parts, dim=dims)
        filters = torch.fft.rfftn(spread, blocks, dims).conj().resolve_conj()
        back = torch.fft.irfftn(_products(spectra, filters, geometry), blocks, dims)
    return whole(back[first(steps)])[first(full, geometry.stride)]


def _products(spectra: Tensor, filters: Tensor, geometry: Geometry) -> Tensor:
    """(B, N, counts, frequencies) of (B, C, counts, frequencies) and (N, C / G, frequencies)."""
    space, groups = len(geometry.size), geometry.groups
    if filters.shape[1] == 1:  # one channel a group: nothing is added up
        each = filters.unflatten(0, (groups, -1)).squeeze(2)  # (G, N / G, frequencies)
        same = each.reshape(*each.shape[:2], *(1,) * space, *each.shape[2:])
        return (spectra.unsqueeze(2) * same).flatten(1, 2)
    columns = spectra.flatten(-space).movedim(-1, 0).transpose(1, 2)  # (frequencies, C, B, counts)
    rows = filters.flatten(-space).movedim(-1, 0).unflatten(1, (groups, -1))
    found = (rows @ columns.flatten(2).unflatten(1, (groups, -1))).flatten(1, 2)
    apart = found.unflatten(-1, columns.shape[2:]).movedim(0, -1)  # (N, B, counts, frequencies)
    return apart.transpose(0, 1).unflatten(-1, spectra.shape[-space:])


def blocks_of(geometry: Geometry) -> tuple[int, ...]:
    """Positions of a block along each dimension, of `PRIMES`, that make `operations` least."""
    one = geometry
    counts = (one.batch, one.channels, one.outputs, one.groups)
    return _cheapest_of(counts, one.size, one.padding, one.kernel, one.dilation)


@constant_result
def _cheapest_of(
    counts: tuple[int, ...],
    size: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    kernel: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[int, ...]:
    """Of numbers alone, which torch.compile can hand on; a stride does not matter."""
    batch, channels, outputs, groups = counts
    return _cheapest(
        Geometry(
            batch=batch,
            channels=channels,
            outputs=outputs,
            size=size,
            kernel=kernel,
            stride=(1,) * len(size),
            padding=padding,
            dilation=dilation,
            groups=groups,
        )
    )


@lru_cache(maxsize=1024)
def _cheapest(geometry: Geometry) -> tuple[int, ...]:
    lengths = [_lengths(reach, size) for reach, size in zip(geometry.reach, geometry.padded, strict=True)]
    return min(product(*lengths), key=lambda blocks: operations(geometry, blocks))


def operations(geometry: Geometry, blocks: tuple[int, ...]) -> float:
    """Of transforms and products in blocks, for real numbers; the spectra of the kernel are read besides."""
    size = prod(blocks)
    each = zip(_full(geometry), blocks, geometry.reach, strict=True)
    count = geometry.batch * prod(ceil(full / (block - reach + 1)) for full, block, reach in each)
    pairs = geometry.outputs * geometry.channels / geometry.groups
    transformed = count * (geometry.channels + geometry.outputs) + pairs
    return size * (2.5 * log2(max(size, 2)) * transformed + (4 * count + READ) * pairs)


READ = 16
"""Operations that take as long as reading a number of a spectrum from memory."""


def _full(geometry: Geometry) -> tuple[int, ...]:
    """Positions of the output before its stride."""
    return tuple(size - one + 1 for size, one in zip(geometry.padded, geometry.reach, strict=True))


def _lengths(reach: int, size: int) -> list[int]:
    """Lengths of `PRIMES` from the reach of a kernel up to the first that holds the whole input."""
    found = [reach]
    while found[-1] < size or not _fast(found[-1]):
        found.append(found[-1] + 1)
    return [length for length in found if _fast(length)]


def _fast(length: int) -> bool:
    for prime in PRIMES:
        while length % prime == 0:
            length //= prime
    return length == 1


def _spread(weight: Tensor, geometry: Geometry) -> Tensor:
    """The kernel with zeros between its taps, as its dilation says."""
    if all(one == 1 for one in geometry.dilation):
        return weight
    spread = weight.new_zeros(*weight.shape[:2], *geometry.reach)
    spread[first(geometry.reach, geometry.dilation)] = weight
    return spread
