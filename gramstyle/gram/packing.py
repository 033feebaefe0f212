"""Symmetric matrices (C, C) as their upper triangles, C(C+1)/2 numbers."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def pack(matrices: Tensor) -> Tensor:
    """Upper triangles of symmetric matrices (..., C, C), row by row: (..., C(C+1)/2).

    Values are kept as they are. The inner product of two matrices is the inner product of their
    triangles under `pair_weights`, so Frobenius norms survive exactly.

    Raises:
        ValueError: if the matrices are not square.
    """
    if matrices.ndim < 2 or matrices.shape[-2] != matrices.shape[-1]:
        raise ValueError(f"matrices must be (..., C, C), got shape {tuple(matrices.shape)}")
    rows, columns = torch.triu_indices(*matrices.shape[-2:], device=matrices.device)
    return matrices.flatten(-2).index_select(-1, rows * matrices.shape[-1] + columns)


def unpack(triangles: Tensor) -> Tensor:
    """The symmetric matrices (..., C, C) of upper triangles (..., C(C+1)/2)."""
    size = channels_of(triangles.shape[-1])
    rows, columns = torch.triu_indices(size, size, device=triangles.device)
    place = torch.empty(size, size, dtype=torch.int64, device=triangles.device)
    place[rows, columns] = place[columns, rows] = torch.arange(len(rows), device=triangles.device)
    return triangles.index_select(-1, place.flatten()).reshape(*triangles.shape[:-1], size, size)


def pair_weights(channels: int, device: torch.device | None = None) -> Tensor:
    """How often each entry of a packed triangle stands in the matrix: 1 or 2, float64."""
    rows, columns = torch.triu_indices(channels, channels, device=device)
    return torch.where(rows == columns, 1.0, 2.0).to(torch.float64)


def channels_of(length: int) -> int:
    """C, from the length C(C+1)/2 of a packed triangle.

    Raises:
        ValueError: if no C has a triangle of that length.
    """
    channels = (math.isqrt(8 * length + 1) - 1) // 2
    if channels * (channels + 1) // 2 != length:
        raise ValueError(f"a packed triangle must have length C(C+1)/2, got {length}")
    return channels
