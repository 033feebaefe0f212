"""A convolution by minimal filtering: fewer products, for sums and differences around them."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod

import torch
from torch import Tensor

from gramstyle import kernels
from gramstyle.conv.geometry import Geometry, pad
from gramstyle.conv.overlap import first, tiles, whole
from gramstyle.conv.transforms import POINTS, Matrix, transforms
from gramstyle.kernels.native import available


def winograd(outputs: int) -> Callable[[Tensor, Tensor, Geometry], Tensor]:
    """Minimal filtering F(m, r) along each dimension, with m = `outputs`, on tiles that overlap.

    ``y = A' [sum over c of (G g G') * (B' d B)] A`` (Lavin and Gray 2016, arXiv 1509.09308): of the products
    of the definition, ``((m + r - 1) / (m r))^2`` are left, as matrix products (N, C) @ (C, tiles), one for
    each place in a tile. Its rounding error grows with m, as the entries of its matrices do.
    """

    def run(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
        if outputs == 4 and _is_native(x, geometry):
            return kernels.winograd(x, weight, None, [sides[0] for sides in geometry.padding])
        return minimal(outputs, x, weight, geometry)

    return run


def minimal(outputs: int, x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """That, in plain torch, for any number of dimensions, groups and kinds of number."""
    space = len(geometry.size)
    matrices = [transforms(outputs, taps) for taps in geometry.kernel]
    counts = tuple(ceil(size / outputs) for size in geometry.result)
    sizes = tuple(outputs + taps - 1 for taps in geometry.kernel)
    parts = tiles(pad(x, geometry), sizes, (outputs,) * space, counts)  # (B, C, counts, places)
    data = _along(parts, [one.input for one in matrices], -1).flatten(0, space - 1)  # (places, B, C, counts)
    columns = data.transpose(1, 2).flatten(2).unflatten(1, (geometry.groups, -1))
    rows = _along(weight, [one.kernel for one in matrices], -1).flatten(0, space - 1)
    products = rows.unflatten(1, (geometry.groups, -1)) @ columns  # (places, G, N / G, B counts)
    apart = products.flatten(1, 2).unflatten(0, sizes)
    found = _along(apart, [one.output for one in matrices], space - 1)  # (m, ..., N, B counts)
    shaped = found.unflatten(-1, (geometry.batch, *counts))  # (m, ..., N, B, counts)
    order = (space + 1, space, *range(space + 2, 2 * space + 2), *range(space))
    return whole(shaped.permute(order))[first(geometry.result)]


def reason_against_winograd(outputs: int) -> Callable[[Geometry], str | None]:
    """Why F(`outputs`, r) cannot do a geometry; None if it can."""
    most = len(POINTS) + 2 - outputs

    def reason(geometry: Geometry) -> str | None:
        if max(geometry.stride) > 1 or max(geometry.dilation) > 1:
            return f"its stride {geometry.stride} or dilation {geometry.dilation} is not 1"
        if max(geometry.kernel) > most or prod(geometry.kernel) == 1:
            return f"its kernel {geometry.kernel} has not 2 to {most} taps along a dimension"
        return None

    return reason


def _along(x: Tensor, matrices: list[Matrix], axis: int) -> Tensor:
    """Matrices applied to the dimensions that end at `axis`, from the last on; they end up in front."""
    for matrix in reversed(matrices):
        x = torch.tensordot(_tensor(matrix, x), x, dims=([1], [axis]))
    return x


def _tensor(matrix: Matrix, like: Tensor) -> Tensor:
    return torch.tensor([[float(value) for value in row] for row in matrix], dtype=torch.float64).to(like)


def _is_native(x: Tensor, geometry: Geometry) -> bool:
    """Whether the operator of the networks can do it: see `gramstyle.kernels.winograd`."""
    plain = geometry.kernel == (3, 3) and geometry.groups == 1 and geometry.mode == "zeros"
    return plain and not x.is_complex() and x.device.type == "cpu" and available()
