"""Convolutions by sparse kernels: what is not stored is not multiplied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.conv.geometry import Geometry, Numbers, geometry_of, pad
from gramstyle.conv.im2col import columns_of
from gramstyle.conv.sparse.kernel import SparseKernel
from gramstyle.conv.sparse.semi_structured import reason_against_semi_structured, semi_structured
from gramstyle.errors import StyleError
from gramstyle.kernels import available, reason_missing, sparse_conv

REAL = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


@dataclass(frozen=True, kw_only=True)
class SparseAlgorithm:
    """A way of convolving by a sparse kernel.

    Attributes:
        run: from input (B, C, H, W), kernel, bias and geometry to the output.
        summary: in a line.
        reason_against: why it cannot do this; None where it can.
    """

    run: Callable[[Tensor, SparseKernel, Tensor | None, Geometry], Tensor]
    summary: str
    reason_against: Callable[[Tensor, SparseKernel, Geometry], str | None] = lambda x, kernel, geometry: None


def sparse_conv2d(
    input: Tensor,
    weight: SparseKernel,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Numbers | str = 0,
    dilation: Numbers = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    algorithm: str = "auto",
) -> Tensor:
    """`torch.nn.functional.conv2d` by a sparse kernel, with gradients by input, the kernel's values and bias.

    A value of the input that is not finite reaches those outputs alone that multiply it: what is not stored
    is not multiplied, where the dense convolution has 0 times infinity.

    Args:
        input: (B, C, H, W), floating point or complex.
        weight: a kernel of shape (N, C / groups, taps down, taps across), of any layout, of the same type.
        bias: (N,).
        stride: a number, or one for each dimension.
        padding: likewise, on both sides; or ``same`` or ``valid``.
        dilation: positions from one tap to the next.
        groups: parts of the channels that do not see each other.
        padding_mode: what stands in the padding: zeros, reflect, replicate or circular.
        algorithm: one of `SPARSE_ALGORITHMS`; or ``auto``, the first of them that can do this.

    Returns:
        (B, N, H', W').

    Raises:
        TypeError: for integer tensors, different types, or a kernel that is none.
        ValueError: for shapes that cannot be convolved.
        UnknownNameError: for an algorithm or mode that does not exist.
        StyleError: for an algorithm that cannot do this; the message names those that can.
    """
    if not isinstance(weight, SparseKernel):
        raise TypeError(
            f"weight must be a sparse kernel, got {type(weight).__name__}: make one, as by Csr.from_dense"
        )
    like = weight.values.new_zeros(1).expand(weight.shape)  # the shape, type and device of a dense one
    geometry = geometry_of(input, like, bias, stride, padding, dilation, groups, padding_mode, 2)
    if input.dtype != weight.values.dtype:
        raise TypeError(
            f"weight must be of the type of the input, {input.dtype}, got "
            f"{weight.values.dtype}: use .to(dtype=...)"
        )
    return _chosen(input, weight, geometry, algorithm).run(input, weight, bias, geometry)


def _chosen(x: Tensor, kernel: SparseKernel, geometry: Geometry, name: str) -> SparseAlgorithm:
    reasons = {one: way.reason_against(x, kernel, geometry) for one, way in SPARSE_ALGORITHMS.items()}
    able = [one for one, reason in reasons.items() if reason is None]
    if check.name_in("algorithm", name, ("auto", *SPARSE_ALGORITHMS)) == "auto":
        return SPARSE_ALGORITHMS[able[0]]
    if name not in able:
        raise StyleError(
            f"algorithm {name} cannot do this convolution: {reasons[name]}; {', '.join(able)} can"
        )
    return SPARSE_ALGORITHMS[name]


def product(x: Tensor, kernel: SparseKernel, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """The kernel as a sparse matrix of torch times the columns of im2col: what runs anywhere.

    Kernels of groups lie along the diagonal of the matrix. Half precision is multiplied in float32.
    """
    width, kind = kernel.width, torch.promote_types(x.dtype, torch.float32)
    row, column = kernel.places.div(width, rounding_mode="floor"), kernel.places % width
    group = row.div(geometry.outputs // geometry.groups, rounding_mode="floor")
    places = torch.stack([row, column + group * width])
    shape = (geometry.outputs, geometry.groups * width)
    values = kernel.values.flatten().to(kind)
    matrix = torch.sparse_coo_tensor(places, values, shape, check_invariants=False)
    seen = columns_of(x.to(kind), geometry).flatten(1, 2).movedim(0, -1).flatten(1)  # (G C / G taps, P B)
    found = (matrix @ seen).unflatten(1, (*geometry.result, geometry.batch)).movedim(-1, 0)
    return _with_bias(found, bias).to(x.dtype)


def native(x: Tensor, kernel: SparseKernel, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """The native operator (docs/kernels.md): blocks and 2:4 in compressed rows with the zeros they store."""
    csr = kernel.csr()
    kind = torch.promote_types(x.dtype, torch.float32)
    own = geometry.mode == "zeros" and all(before == after for before, after in geometry.padding)
    sides = [before if own else 0 for before, _ in geometry.padding]
    shape = (geometry.stride, sides, geometry.dilation, geometry.groups)
    source, start = x if own else pad(x, geometry), None if bias is None else bias.to(kind)
    return sparse_conv(source, csr.values.to(kind), csr.columns, csr.rows, start, geometry.kernel, *shape)


def _with_bias(found: Tensor, bias: Tensor | None) -> Tensor:
    return found if bias is None else found + bias.reshape(-1, 1, 1)


def _semi_structured(x: Tensor, kernel: SparseKernel, bias: Tensor | None, geometry: Geometry) -> Tensor:
    return _with_bias(semi_structured(x, kernel, geometry), bias)


def _reason_against_native(x: Tensor, kernel: SparseKernel, geometry: Geometry) -> str | None:
    if x.device.type != "cpu":
        return f"it runs on the cpu, not on {x.device.type}"
    if x.dtype not in REAL:
        return f"it multiplies real numbers, not {x.dtype}"
    return None if available() else f"the native half is not there ({reason_missing()})"


SPARSE_ALGORITHMS: dict[str, SparseAlgorithm] = {
    "semi-structured": SparseAlgorithm(
        run=_semi_structured,
        summary="2:4 on the sparse tensor cores of a GPU",
        reason_against=reason_against_semi_structured,
    ),
    "native": SparseAlgorithm(
        run=native,
        summary="a loop over what is stored, for tiles that stay in registers",
        reason_against=_reason_against_native,
    ),
    "product": SparseAlgorithm(run=product, summary="a sparse matrix of torch times the columns of im2col"),
}
"""Name -> algorithm, the fastest first."""
