"""What each algorithm does for a convolution: calls, operations, numbers that pass through memory."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod
from typing import NamedTuple

from gramstyle.conv.fft import blocks_of, operations
from gramstyle.conv.geometry import Geometry


class Cost(NamedTuple):
    """Of one run.

    Attributes:
        calls: of torch, each of which takes its microseconds whatever the size.
        operations: multiplications and additions.
        moved: numbers read and written.
    """

    calls: float
    operations: float
    moved: float


def of_definition(geometry: Geometry) -> Cost:
    """One call that reads and writes everything once."""
    return Cost(1, geometry.operations, _read(geometry) + _written(geometry) + _weights(geometry))


def of_direct(geometry: Geometry) -> Cost:
    """For each tap the input is read, and the output read and written."""
    taps = prod(geometry.kernel)
    return Cost(taps, geometry.operations, taps * (2 * _seen(geometry) + 4 * _written(geometry)))


def of_columns(geometry: Geometry) -> Cost:
    """Columns are written and read."""
    taps = prod(geometry.kernel)
    moved = _read(geometry) + 2 * taps * _seen(geometry) + _written(geometry)
    return Cost(taps, geometry.operations, moved)


def of_depthwise(geometry: Geometry) -> Cost:
    """For each tap the output is read and written, and the input read."""
    taps = prod(geometry.kernel)
    return Cost(taps, geometry.operations, 3 * taps * _written(geometry))


def of_fft(geometry: Geometry) -> Cost:
    """Transforms and products of the blocks that the algorithm would take."""
    return Cost(1, operations(geometry, blocks_of(geometry)), _read(geometry) + _written(geometry))


def of_winograd(outputs: int) -> Callable[[Geometry], Cost]:
    """Products at each place of a tile; tiles of inputs, outputs and kernels are written and read."""

    def cost(geometry: Geometry) -> Cost:
        tiles = geometry.batch * prod(ceil(size / outputs) for size in geometry.result)
        places = prod(outputs + taps - 1 for taps in geometry.kernel)
        pairs = geometry.outputs * geometry.channels / geometry.groups
        moved = tiles * (geometry.channels + geometry.outputs) + pairs
        return Cost(1, 2 * places * tiles * pairs, places * moved)

    return cost


def _read(geometry: Geometry) -> int:
    return geometry.batch * geometry.channels * prod(geometry.padded)


def _seen(geometry: Geometry) -> int:
    """What one tap reads."""
    return geometry.batch * geometry.channels * prod(geometry.result)


def _written(geometry: Geometry) -> int:
    return geometry.batch * geometry.outputs * prod(geometry.result)


def _weights(geometry: Geometry) -> int:
    return geometry.outputs * geometry.channels // geometry.groups * prod(geometry.kernel)
