"""The operator of sparse convolutions, for those who have checked its arguments."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gramstyle.kernels.register import ready
from gramstyle.kernels.sparse import SparseConv


def sparse_conv(
    x: Tensor,
    values: Tensor,
    columns: Tensor,
    rows: Tensor,
    bias: Tensor | None,
    kernel: Sequence[int],
    stride: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0),
    dilation: Sequence[int] = (1, 1),
    groups: int = 1,
) -> Tensor:
    """Convolution by a kernel in compressed rows, of which only what is there is multiplied.

    Strides of `x` are free. Each output is added up in the order of its columns: any number of threads gives
    the same bits. `gramstyle.conv.sparse_conv2d` says in better words what is wrong with arguments.

    Args:
        x: (B, C, H, W), float64, float32, float16 or bfloat16, on the cpu.
        values: (nnz,), float64 where `x` is, else float32.
        columns: (nnz,), int32, into C / groups x taps, ascending in each row.
        rows: (N + 1,), int32, where the values of each output begin, and the end.
        bias: (N,), of the type of `values`.
        kernel: taps (down, across).
        stride: (height, width).
        padding: likewise, of zeros.
        dilation: likewise.
        groups: as of `torch.nn.functional.conv2d`.

    Returns:
        (B, N, H', W'), of the type of `x`.

    Raises:
        NativeUnavailableError: if the native half is not there.
        RuntimeError: for arguments that do not fit together.
    """
    ready()
    run = SparseConv.apply if torch.is_grad_enabled() else torch.ops.gramstyle.sparse_conv.default
    shape = [list(one) for one in (kernel, stride, padding, dilation)]
    bias = None if bias is None else bias.contiguous()
    places = columns.contiguous(), rows.contiguous()
    found: Tensor = run(x, values.contiguous(), *places, bias, *shape, groups)
    return found
