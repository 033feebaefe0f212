"""Inner products of descriptors, from which every distance is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gramstyle.distance.symmetric import matrix_sqrt
from gramstyle.gram import Statistic
from gramstyle.gram.packing import channels_of, pair_weights
from gramstyle.numerics import wide


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """How two transformed descriptors are multiplied.

    Attributes:
        cross: (N, D), (M, D) -> (N, M).
        paired: (N, D), (N, D) -> (N,).
        norms: (N, D) -> (N,), each descriptor with itself.
        rounding: squared distances below this share of the norms are rounding, and 0.
    """

    cross: Callable[[Tensor, Tensor, Statistic], Tensor]
    paired: Callable[[Tensor, Tensor, Statistic], Tensor]
    norms: Callable[[Tensor, Statistic], Tensor]
    rounding: float


CHUNK_BYTES = 16 * 2**20
"""Memory of float64 entries at a time; larger blocks are new memory each time, slower to get than to fill."""


def _roots(x: Tensor, statistic: Statistic) -> Tensor:
    """What entries are multiplied by so that off-diagonal ones of packed triangles count twice, (D,)."""
    if not statistic.is_matrix:
        return torch.ones(x.shape[-1], dtype=wide(x[:0]).dtype, device=x.device)
    return wide(pair_weights(channels_of(x.shape[-1]), x.device)).sqrt()


def _chunks(rows: int, x: Tensor) -> Iterator[slice]:
    """Entries of x (N, D), so many at once as `rows` of them have room in `CHUNK_BYTES`."""
    step = max(1, CHUNK_BYTES // (8 * max(1, rows)))
    for start in range(0, x.shape[-1], step):
        yield slice(start, start + step)


def _inner_cross(x: Tensor, y: Tensor, statistic: Statistic) -> Tensor:
    roots = _roots(x, statistic)
    total = roots.new_zeros(len(x), len(y))
    for part in _chunks(max(len(x), len(y)), x):
        a = wide(x[:, part]) * roots[part]
        b = a if y is x else wide(y[:, part]) * roots[part]
        total = total + a @ b.mT
    return total


def _inner_paired(x: Tensor, y: Tensor, statistic: Statistic) -> Tensor:
    roots = _roots(x, statistic)
    return (wide(x) * roots * (wide(y) * roots)).sum(-1)


def _inner_norms(x: Tensor, statistic: Statistic) -> Tensor:
    roots = _roots(x, statistic)
    total = roots.new_zeros(len(x))
    for part in _chunks(len(x), x):
        total = total + (wide(x[:, part]) * roots[part]).square().sum(-1)
    return total


INNER = Kernel(cross=_inner_cross, paired=_inner_paired, norms=_inner_norms, rounding=1e-14)
"""``<A, B> = sum A_ij B_ij``."""


def gaussian_roots(values: Tensor, statistic: Statistic) -> Tensor:
    """[S | mu] (N, C(C+1)), flattened -> [S^(1/2) | mu], flattened, in float64."""
    moments = _moments(wide(values))
    return torch.cat([matrix_sqrt(moments[..., :-1]), moments[..., -1:]], dim=-1).flatten(1)


def _moments(flat: Tensor) -> Tensor:
    """Flattened (N, C(C+1)) -> (N, C, C+1)."""
    channels = channels_of(flat.shape[-1] // 2)
    return flat.reshape(*flat.shape[:-1], channels, channels + 1)


def _fidelity_paired(x: Tensor, y: Tensor, statistic: Statistic) -> Tensor:
    a, b = _moments(x), _moments(y)
    means = (a[..., -1] * b[..., -1]).sum(-1)
    return means + torch.linalg.svdvals(a[..., :-1] @ b[..., :-1]).sum(-1)


def _fidelity_cross(x: Tensor, y: Tensor, statistic: Statistic) -> Tensor:
    step = max(1, CHUNK_BYTES // max(1, 8 * y.shape[1]))
    out = x.new_empty(len(x), len(y))
    for row, one in enumerate(x[:, None]):
        for start in range(0, len(y), step):
            part = y[start : start + step]
            out[row, start : start + step] = _fidelity_paired(one.expand_as(part), part, statistic)
    return out


def _fidelity_norms(x: Tensor, statistic: Statistic) -> Tensor:
    return x.square().sum(-1)


FIDELITY = Kernel(cross=_fidelity_cross, paired=_fidelity_paired, norms=_fidelity_norms, rounding=1e-12)
"""``mu_a' mu_b + tr (S_a^(1/2) S_b S_a^(1/2))^(1/2)``.

The trace is the nuclear norm of ``S_a^(1/2) S_b^(1/2)``: the sum of its singular values, which
keeps the digits that the square roots of eigenvalues lose.
"""
