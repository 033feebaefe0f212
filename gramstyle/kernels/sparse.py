"""The operators of sparse convolutions, as torch must know them: shapes, gradients and batching."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gramstyle.kernels.maps import fold, unfold


class SparseConv(torch.autograd.Function):
    """gramstyle::sparse_conv for the transforms of torch.func."""

    generate_vmap_rule = True

    @staticmethod
    def forward(  # each by name: see `ConvGram`
        x: Tensor,
        values: Tensor,
        columns: Tensor,
        rows: Tensor,
        bias: Tensor | None,
        kernel: list[int],
        stride: list[int],
        padding: list[int],
        dilation: list[int],
        groups: int,
    ) -> Tensor:
        """Features (B, N, H', W')."""
        found: Tensor = torch.ops.gramstyle.sparse_conv.default(
            x, values, columns, rows, bias, kernel, stride, padding, dilation, groups
        )
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep the arguments."""
        x, values, columns, rows, bias, ctx.kernel, *ctx.shape = inputs
        ctx.save_for_backward(x, values, columns, rows, bias)

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        """By x, values and bias."""
        by_x, by_values, by_bias = _gradients(ctx, outer)
        return by_x, by_values, None, None, by_bias, *(None,) * 5


def register_sparse() -> None:
    """Declare shapes, gradients and batching of gramstyle::sparse_conv and gramstyle::sparse_turned."""

    def fake(
        x: Tensor,
        values: Tensor,
        columns: Tensor,
        rows: Tensor,
        bias: Tensor | None,
        kernel: list[int],
        stride: list[int],
        padding: list[int],
        dilation: list[int],
        groups: int,
    ) -> Tensor:
        height, width = (
            (x.shape[2 + i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1
            for i in (0, 1)
        )
        return x.new_empty((x.shape[0], rows.shape[0] - 1, height, width))

    def fake_turned(
        values: Tensor, columns: Tensor, rows: Tensor, channels: int, groups: int, taps: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        return torch.empty_like(values), torch.empty_like(columns), rows.new_empty((channels * groups + 1,))

    def batched(info: Any, dims: tuple[Any, ...], x: Tensor, *others: Any) -> tuple[Tensor, int]:
        if any(dim is not None for dim in dims[1:5]):
            raise NotImplementedError("gramstyle::sparse_conv has no vmap over its kernel: loop over them")
        found = torch.ops.gramstyle.sparse_conv.default(fold(x, dims[0]), *others)
        return unfold(found, info.batch_size), 0

    torch.library.register_fake("gramstyle::sparse_conv", fake)
    torch.library.register_fake("gramstyle::sparse_turned", fake_turned)
    torch.library.register_autograd(
        "gramstyle::sparse_conv", SparseConv.backward, setup_context=SparseConv.setup_context
    )
    torch.library.register_vmap("gramstyle::sparse_conv", batched)


def places_of(columns: Tensor, rows: Tensor, width: int) -> Tensor:
    """(nnz,) where values lie in the dense kernel, flattened; `width` is that of its rows."""
    counts = rows.diff().long()
    at = torch.arange(len(counts), device=rows.device).repeat_interleave(counts, output_size=len(columns))
    return at * width + columns


def _gradients(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
    """By x, values and bias; in plain torch where a second derivative may be asked for.

    That by values costs as much as that of a dense kernel, of which it is a part.
    """
    x, values, columns, rows, bias = ctx.saved_tensors
    stride, padding, dilation, groups = ctx.shape
    wanted = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], bias is not None and ctx.needs_input_grad[4]]
    channels, outputs = x.shape[1] // groups, len(rows) - 1
    shape = (outputs, channels, *ctx.kernel)
    width = channels * ctx.kernel[0] * ctx.kernel[1]
    if torch.is_grad_enabled():
        return _gradients_by_torch(ctx, outer, wanted, shape)
    by_x = by_values = None
    reach = [dilation[i] * (ctx.kernel[i] - 1) for i in (0, 1)]
    turns = max(stride) == 1 and all(reach[i] >= padding[i] for i in (0, 1))
    if wanted[0] and turns:
        turned = torch.ops.gramstyle.sparse_turned.default(
            values, columns, rows, channels, groups, ctx.kernel[0] * ctx.kernel[1]
        )
        back = [reach[i] - padding[i] for i in (0, 1)]
        by_x = torch.ops.gramstyle.sparse_conv.default(
            outer, *turned, None, ctx.kernel, stride, back, dilation, groups
        )
    dense_x = wanted[0] and not turns
    by_bias = outer.sum((0, 2, 3), dtype=values.dtype) if wanted[2] else None
    if not (dense_x or wanted[1]):
        return by_x, None, by_bias
    places = places_of(columns, rows, width)
    # where only its shape is read, it has no numbers
    weight = x.new_zeros(1).expand(shape) if not dense_x else _dense(values, places, shape).to(x.dtype)
    by_dense, by_weight, _ = torch.ops.aten.convolution_backward(
        outer, x, weight, None, stride, padding, dilation, False, [0, 0], groups, [dense_x, wanted[1], False]
    )
    if wanted[1]:
        by_values = by_weight.flatten()[places].to(values.dtype)
    return by_dense if dense_x else by_x, by_values, by_bias


def _dense(values: Tensor, places: Tensor, shape: tuple[int, ...]) -> Tensor:
    return values.new_zeros(torch.Size(shape).numel()).index_put((places,), values).reshape(shape)


def _gradients_by_torch(
    ctx: Any, outer: Tensor, wanted: list[bool], shape: tuple[int, ...]
) -> tuple[Tensor | None, ...]:
    x, values, columns, rows, bias = ctx.saved_tensors
    places = places_of(columns, rows, torch.Size(shape[1:]).numel())
    weight = _dense(values, places, shape).to(x.dtype)
    output = functional.conv2d(x, weight, None if bias is None else bias.to(x.dtype), *ctx.shape)
    chosen = [one for one, is_wanted in zip((x, values, bias), wanted, strict=True) if is_wanted]
    found = iter(torch.autograd.grad(output, chosen, outer, create_graph=True))
    return tuple(next(found) if is_wanted else None for is_wanted in wanted)
