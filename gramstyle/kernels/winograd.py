"""The operators of minimal filtering, as torch must know them: shapes, gradients and batching."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gramstyle.kernels.maps import activate, channels_last, fold, unfold

POINTS = 36
LANES = 16  # outputs of a filter are padded to a multiple of it


class Winograd(torch.autograd.Function):
    """gramstyle::winograd for the transforms of torch.func."""

    generate_vmap_rule = True

    @staticmethod
    def forward(  # each by name: see `ConvGram`
        x: Tensor,
        weight: Tensor,
        filter: Tensor,
        turned: Tensor | None,
        bias: Tensor | None,
        padding: list[int],
        activation: str,
    ) -> Tensor:
        """Features (B, N, H', W')."""
        found: Tensor = torch.ops.gramstyle.winograd.default(
            x, weight, filter, turned, bias, padding, activation
        )
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep the arguments and the features, which tell where the activation was open."""
        x, weight, _, turned, bias, ctx.padding, ctx.activation = inputs
        ctx.save_for_backward(x, weight, turned, bias, output)

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        """By x, weight and bias."""
        by_x, by_weight, by_bias = _gradients(ctx, outer)
        return by_x, by_weight, None, None, by_bias, None, None


def turned_weight(weight: Tensor) -> Tensor:
    """(C, N, 3, 3) of (N, C, 3, 3) `weight`: the convolution that takes gradients back."""
    return weight.flip(2, 3).transpose(0, 1).contiguous()


def register_winograd() -> None:
    """Declare shapes, gradients and batching of gramstyle::winograd_filter and gramstyle::winograd."""

    def fake_filter(weight: Tensor) -> Tensor:
        kind = torch.float64 if weight.dtype == torch.float64 else torch.float32
        padded = (weight.shape[0] + LANES - 1) // LANES * LANES
        return weight.new_empty((POINTS * padded * weight.shape[1],), dtype=kind)

    def fake(
        x: Tensor,
        weight: Tensor,
        filter: Tensor,
        turned: Tensor | None,
        bias: Tensor | None,
        padding: list[int],
        activation: str,
    ) -> Tensor:
        height, width = (x.shape[2 + i] + 2 * padding[i] - 2 for i in (0, 1))
        return x.new_empty((x.shape[0], height, width, weight.shape[0])).permute(0, 3, 1, 2)

    def batched(info: Any, dims: tuple[Any, ...], x: Tensor, *others: Any) -> tuple[Tensor, int]:
        if any(dim is not None for dim in dims[1:5]):
            raise NotImplementedError("gramstyle::winograd has no vmap over weight or bias: loop over them")
        found = torch.ops.gramstyle.winograd.default(fold(x, dims[0]), *others)
        return unfold(found, info.batch_size), 0

    torch.library.register_fake("gramstyle::winograd_filter", fake_filter)
    torch.library.register_fake("gramstyle::winograd", fake)
    torch.library.register_autograd(
        "gramstyle::winograd", Winograd.backward, setup_context=Winograd.setup_context
    )
    torch.library.register_vmap("gramstyle::winograd", batched)


def _gradients(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
    """By x, weight and bias; in plain torch where a second derivative may be asked for."""
    x, weight, turned, bias, output = ctx.saved_tensors
    wanted = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], bias is not None and ctx.needs_input_grad[4]]
    if torch.is_grad_enabled():
        return _gradients_by_torch(ctx, outer, wanted)
    before = functional.conv2d(x, weight, bias, padding=ctx.padding) if ctx.activation == "silu" else output
    inner = channels_last(_through(outer, before, ctx.activation))
    by_x = None
    if wanted[0]:
        # where the filter is there, only the shape of the weight is read, and it is not copied
        back = weight.transpose(0, 1) if turned is not None else turned_weight(weight)
        filter_ = torch.ops.gramstyle.winograd_filter.default(back) if turned is None else turned
        by_x = torch.ops.gramstyle.winograd.default(
            inner, back, filter_, None, None, [2 - pad for pad in ctx.padding], "none"
        )
    if not any(wanted[1:]):  # asked for nothing, torch's operator still copies its arguments
        return by_x, None, None
    _, by_weight, by_bias = torch.ops.aten.convolution_backward(
        inner, x, weight, [len(weight)], [1, 1], ctx.padding, [1, 1], False, [0, 0], 1, [False, *wanted[1:]]
    )
    return by_x, by_weight, by_bias


def _through(outer: Tensor, before: Tensor, activation: str) -> Tensor:
    """`outer` times the derivative of the activation; outputs of relu and relu6 tell it as well as inputs."""
    if activation == "relu":
        found: Tensor = torch.ops.aten.threshold_backward(outer, before, 0)
    elif activation == "relu6":
        found = torch.ops.aten.hardtanh_backward(outer, before, 0, 6)
    elif activation == "silu":
        found = torch.ops.aten.silu_backward(outer, before)
    else:
        found = outer
    return found


def _gradients_by_torch(ctx: Any, outer: Tensor, wanted: list[bool]) -> tuple[Tensor | None, ...]:
    x, weight, _, bias, _ = ctx.saved_tensors
    inputs = (x, weight, bias)
    output = activate(functional.conv2d(*inputs, padding=ctx.padding), ctx.activation)
    chosen = [one for one, is_wanted in zip(inputs, wanted, strict=True) if is_wanted]
    found = iter(torch.autograd.grad(output, chosen, outer, create_graph=True))
    return tuple(next(found) if is_wanted else None for is_wanted in wanted)
