"""2:4 kernels on the sparse tensor cores of a GPU, by what torch has of cuSPARSELt and CUTLASS."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gramstyle.conv.geometry import Geometry
from gramstyle.conv.im2col import columns_of
from gramstyle.conv.sparse.kernel import SparseKernel
from gramstyle.conv.sparse.two_four import TwoFour

HALVES = (torch.float16, torch.bfloat16)
ROWS, COLUMNS, POSITIONS = 32, 64, 8
"""Outputs, channels x taps and positions must be multiples of these, for both; the last are padded."""


def reason_against_semi_structured(x: Tensor, kernel: SparseKernel, geometry: Geometry) -> str | None:
    """Why tensor cores cannot do this convolution; None where they can."""
    if not isinstance(kernel, TwoFour):
        return f"it reads layout 2:4, not {kernel.layout}"
    if x.device.type != "cuda":
        return f"it runs on cuda, not on {x.device.type}"
    if torch.cuda.get_device_capability(x.device) < (8, 0):
        return "the device is older than compute capability 8.0"
    return reason_against_sizes(x, kernel, geometry)


def reason_against_sizes(x: Tensor, kernel: SparseKernel, geometry: Geometry) -> str | None:
    """The same of types and sizes alone."""
    if x.dtype not in HALVES:
        return f"it multiplies float16 and bfloat16, not {x.dtype}"
    if geometry.groups != 1:
        return f"it needs groups 1, got {geometry.groups}"
    if kernel.shape[0] % ROWS or kernel.width % COLUMNS:
        return (
            f"outputs must be a multiple of {ROWS} and channels x taps one of {COLUMNS}, got "
            f"{kernel.shape[0]} and {kernel.width}"
        )
    return None


def semi_structured(x: Tensor, kernel: SparseKernel, geometry: Geometry) -> Tensor:
    """The product of the compressed kernel and im2col's columns; gradients by dense convolutions."""
    found: Tensor = _SemiStructured.apply(x, kernel.values, kernel, geometry)
    return found


def _compressed(kernel: SparseKernel) -> Tensor:
    """(N, taps C) as tensor cores read it: fours lie side by side."""
    dense = kernel.to_dense().flatten(2).mT.flatten(1).contiguous()
    found: Tensor = torch.sparse.to_sparse_semi_structured(dense)
    return found


def _product(x: Tensor, kernel: SparseKernel, geometry: Geometry) -> Tensor:
    outputs, channels = kernel.shape[:2]
    matrix = kernel.kept("semi-structured", lambda: _compressed(kernel))
    columns = columns_of(x, geometry)[:, 0].unflatten(1, (channels, -1)).transpose(1, 2).flatten(1, 2)
    joined = columns.transpose(0, 1).flatten(1)  # (taps C, B P)
    padded = functional.pad(joined, (0, -joined.shape[1] % POSITIONS)).contiguous()
    found = torch.mm(matrix, padded)[:, : joined.shape[1]]
    return found.reshape(outputs, x.shape[0], *geometry.result).transpose(0, 1)


class _SemiStructured(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, values: Tensor, kernel: SparseKernel, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(x, values)
        ctx.kernel, ctx.geometry = kernel, geometry
        return _product(x, kernel, geometry)

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        x, values = ctx.saved_tensors
        geometry = ctx.geometry
        with torch.enable_grad():
            leaves = [x.detach().requires_grad_(), values.detach().requires_grad_()]
            weight = ctx.kernel.with_values(leaves[1]).to_dense()
            columns = columns_of(leaves[0], geometry)[:, 0]
            found = (weight.flatten(1) @ columns).unflatten(2, geometry.result)
        return (*torch.autograd.grad(found, leaves, outer), None, None)
