"""A convolution by minimal filtering: fewer products, for sums and differences around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, prod
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from gramstyle import kernels
from gramstyle.conv.geometry import Geometry, pad
from gramstyle.conv.overlap import first, tiles, whole
from gramstyle.conv.transforms import POINTS, Rounded, rounded
from gramstyle.kernels.choice import gram_is_native


def winograd(outputs: int) -> Callable[[Tensor, Tensor, Geometry], Tensor]:
    """Minimal filtering F(m, r) along each dimension, with m = `outputs`, on tiles that overlap.

    ``y = A' [sum over c of (G g G') * (B' d B)] A`` (Lavin and Gray 2016, arXiv 1509.09308): of the products
    of the definition, ``((m + r - 1) / (m r))^2`` are left, as matrix products (N, C) @ (C, tiles), one for
    each place in a tile. Its rounding error grows with m, as the entries of its matrices do.
    """

    def run(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
        if outputs == 4 and _is_native(x, weight, geometry):
            return kernels.winograd(x, weight, None, [sides[0] for sides in geometry.padding])
        return minimal(outputs, x, weight, geometry)

    return run


def minimal(outputs: int, x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """That, in plain torch, for any number of dimensions, groups and kinds of number."""
    space = len(geometry.size)
    output, kernel, input = zip(*(rounded(outputs, taps) for taps in geometry.kernel), strict=True)
    counts = tuple(ceil(size / outputs) for size in geometry.result)
    sizes = tuple(outputs + taps - 1 for taps in geometry.kernel)
    parts = tiles(pad(x, geometry), sizes, (outputs,) * space, counts)  # (B, C, counts, places)
    data = _along(parts, input, -1).flatten(0, space - 1)  # (places, B, C, counts)
    columns = data.transpose(1, 2).flatten(2).unflatten(1, (geometry.groups, -1))
    rows = _along(weight, kernel, -1).flatten(0, space - 1)
    products = rows.unflatten(1, (geometry.groups, -1)) @ columns  # (places, G, N / G, B counts)
    apart = products.flatten(1, 2).unflatten(0, sizes)
    found = _along(apart, output, space - 1)  # (m, ..., N, B counts)
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


def _along(x: Tensor, matrices: Sequence[Rounded], axis: int) -> Tensor:
    """Matrices applied to the dimensions that end at `axis`, from the last on; they end up in front."""
    for matrix in reversed(matrices):
        x = torch.tensordot(torch.tensor(matrix, dtype=torch.float64).to(x), x, dims=([1], [axis]))
    return x


def _is_native(x: Tensor, weight: Tensor, geometry: Geometry) -> bool:
    """Whether the operator of the networks can do it: see `gramstyle.kernels.winograd`.

    It has no derivatives forwards and no batches of weights, which transforms of `torch.func` may ask for.
    """
    plain = geometry.kernel == (3, 3) and geometry.groups == 1 and geometry.mode == "zeros"
    if not plain or x.is_complex() or x.device.type != "cpu":
        return False
    return not any(map(_is_transformed, (x, weight))) and gram_is_native("auto", x.device)


def _is_transformed(x: Tensor) -> bool:
    if torch.compiler.is_compiling():
        return False
    functorch: Any = torch._C._functorch
    return functorch.is_functorch_wrapped_tensor(x) or forward_ad.unpack_dual(x).tangent is not None
