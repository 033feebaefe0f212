"""What torch must know of the operators and the stable interface cannot declare in C++."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gramstyle.kernels.maps import activate, fold, sums_type, unfold
from gramstyle.kernels.native import reason_missing, require
from gramstyle.kernels.sparse import register_sparse
from gramstyle.kernels.winograd import register_winograd

_lock = threading.Lock()
_registered = False


def ready() -> None:
    """Load the native halves and register shapes, gradients and batching of its operators, once.

    Raises:
        NativeUnavailableError: if the native half is not there.
        RuntimeError: if torch.compile meets an operator before the first call outside of it.
    """
    global _registered
    if _registered:  # a plain flag: torch.compile reads it as a constant
        return
    if torch.compiler.is_compiling():
        raise RuntimeError("load the native half before torch.compile: call gramstyle.kernels.gram once")
    require()
    reason_missing("cuda")  # loaded where it is there: within a graph nothing can be
    with _lock:
        if not _registered:
            _register_gram()
            _register_gram_backward()
            _register_conv_gram()
            register_winograd()
            register_sparse()
            _registered = True


def is_ready() -> bool:
    """Whether the operators can be called within a graph."""
    return _registered


class Gram(torch.autograd.Function):
    """gramstyle::gram for the transforms of torch.func, which registered gradients do not serve."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, sums: bool, wide: bool, precision: str) -> tuple[Tensor, Tensor]:
        """(B, C, C) and (B, C) or (B, 0)."""
        found: tuple[Tensor, Tensor] = torch.ops.gramstyle.gram.default(x, sums, wide, precision)
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        """Keep the features."""
        ctx.save_for_backward(inputs[0])
        ctx.sums = inputs[1]

    @staticmethod
    def backward(ctx: Any, second: Tensor, sums: Tensor) -> tuple[Tensor | None, ...]:
        """``(second + second') x + sums``."""
        (x,) = ctx.saved_tensors
        return gradient(x, None, second, sums if ctx.sums else None, "none"), None, None, None


def _register_gram() -> None:
    def fake(x: Tensor, sums: bool, wide: bool, precision: str) -> tuple[Tensor, Tensor]:
        batch, channels = x.shape[:2]
        kind = sums_type(x, wide)
        totals = x.new_empty((batch, channels if sums else 0), dtype=kind)
        return x.new_empty((batch, channels, channels), dtype=kind), totals

    def batched(info: Any, dims: tuple[Any, ...], x: Tensor, *others: Any) -> tuple[Any, Any]:
        folded = fold(x, dims[0])
        second, sums = torch.ops.gramstyle.gram.default(folded, *others)
        return (unfold(second, info.batch_size), unfold(sums, info.batch_size)), (0, 0)

    torch.library.register_fake("gramstyle::gram", fake)
    torch.library.register_autograd("gramstyle::gram", Gram.backward, setup_context=Gram.setup_context)
    torch.library.register_vmap("gramstyle::gram", batched)


def _register_gram_backward() -> None:
    def fake(x: Tensor, base: Any, symmetric: Tensor, sums: Any, activation: str) -> Tensor:
        return torch.empty_like(x)

    def batched(
        info: Any, dims: tuple[Any, ...], x: Tensor, base: Any, symmetric: Tensor, sums: Any, activation: str
    ) -> tuple[Tensor, int]:
        def folded(tensor: Tensor | None, dim: int | None) -> Tensor | None:
            if tensor is None:
                return None
            if dim is None:
                tensor, dim = tensor.expand(info.batch_size, *tensor.shape), 0
            return fold(tensor, dim).contiguous()

        out = torch.ops.gramstyle.gram_backward.default(
            folded(x, dims[0]),
            folded(base, dims[1]),
            folded(symmetric, dims[2]),
            folded(sums, dims[3]),
            activation,
        )
        return unfold(out, info.batch_size), 0

    torch.library.register_fake("gramstyle::gram_backward", fake)
    torch.library.register_vmap("gramstyle::gram_backward", batched)


class ConvGram(torch.autograd.Function):
    """gramstyle::conv_gram for the transforms of torch.func."""

    generate_vmap_rule = True

    @staticmethod
    def forward(  # each by name: torch.compile of torch 2.10 takes *inputs to begin with a context
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: list[int],
        padding: list[int],
        dilation: list[int],
        groups: int,
        activation: str,
        features: bool,
        sums: bool,
        wide: bool,
        precision: str,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Features, or none of them, and sums."""
        found: tuple[Tensor, Tensor, Tensor] = torch.ops.gramstyle.conv_gram.default(
            x, weight, bias, stride, padding, dilation, groups, activation, features, sums, wide, precision
        )
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
        """Keep the arguments, and the features where they are in memory anyway."""
        x, weight, bias, *ctx.shape, ctx.features, ctx.sums, _, _ = inputs
        ctx.save_for_backward(x, weight, bias, output[0] if ctx.features else None)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(
        ctx: Any, features: Tensor | None, second: Tensor | None, sums: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """By x, weight and bias."""
        outer = (features if ctx.features else None, second, sums if ctx.sums else None)
        return (*_conv_gradients(ctx, *outer), *(None,) * 9)


def _register_conv_gram() -> None:
    def fake(
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: list[int],
        padding: list[int],
        dilation: list[int],
        groups: int,
        activation: str,
        features: bool,
        sums: bool,
        wide: bool,
        precision: str,
    ) -> tuple[Tensor, Tensor, Tensor]:
        batch, outputs, kind = x.shape[0], weight.shape[0], sums_type(x, wide)
        height, width = (
            (x.shape[2 + i] + 2 * padding[i] - dilation[i] * (weight.shape[2 + i] - 1) - 1) // stride[i] + 1
            for i in (0, 1)
        )
        return (
            x.new_empty((batch if features else 0, height, width, outputs)).permute(0, 3, 1, 2),
            x.new_empty((batch, outputs, outputs), dtype=kind),
            x.new_empty((batch, outputs if sums else 0), dtype=kind),
        )

    def batched(info: Any, dims: tuple[Any, ...], x: Tensor, *others: Any) -> tuple[Any, Any]:
        if any(dim is not None for dim in dims[1:3]):
            raise NotImplementedError(
                "gramstyle::conv_gram has no vmap over weight or bias: loop over them, or give groups"
            )
        found = torch.ops.gramstyle.conv_gram.default(fold(x, dims[0]), *others)
        features = others[6]
        first = found[0] if features else found[0].expand(info.batch_size, *found[0].shape)
        rest = tuple(unfold(one, info.batch_size) for one in found[1:])
        return (unfold(first, info.batch_size) if features else first, *rest), (0, 0, 0)

    torch.library.register_fake("gramstyle::conv_gram", fake)
    torch.library.register_autograd(
        "gramstyle::conv_gram", ConvGram.backward, setup_context=ConvGram.setup_context
    )
    torch.library.register_vmap("gramstyle::conv_gram", batched)


def gradient(
    x: Tensor, base: Tensor | None, second: Tensor | None, sums: Tensor | None, activation: str
) -> Tensor | None:
    """``mask * (base + (second + second') x + sums)``: see gramstyle::gram_backward.

    In plain torch where a second derivative may be asked for.
    """
    if second is None and sums is None and base is None:
        return None
    if torch.is_grad_enabled() or second is None:
        return _gradient_by_torch(x, base, second, sums, activation)
    symmetric = (second + second.mT).contiguous()
    if sums is not None:
        sums = sums.to(symmetric.dtype).contiguous()
    result: Tensor = torch.ops.gramstyle.gram_backward.default(
        x, None if base is None else base.to(x.dtype), symmetric, sums, activation
    )
    return result


def _gradient_by_torch(
    x: Tensor, base: Tensor | None, second: Tensor | None, sums: Tensor | None, activation: str
) -> Tensor:
    kind = torch.promote_types(x.dtype, torch.float32)
    total = torch.zeros_like(x, dtype=kind) if base is None else base.to(kind)
    if second is not None:
        product = (second + second.mT).to(kind) @ x.flatten(2).to(kind)
        total = total + product.reshape(x.shape)
    if sums is not None:
        total = total + sums.to(kind)[..., None, None]
    if activation != "none":
        total = total * (x > 0)
    if activation == "relu6":
        total = total * (x < 6)
    return total.to(x.dtype)


def _conv_gradients(
    ctx: Any, features: Tensor | None, second: Tensor | None, sums: Tensor | None
) -> tuple[Tensor | None, ...]:
    """Gradients of a convolution with Gram by x, weight and bias."""
    x, weight, bias, output = ctx.saved_tensors
    stride, padding, dilation, groups, activation = ctx.shape
    if features is None and second is None and sums is None:
        return None, None, None
    if torch.is_grad_enabled():
        return _conv_gradients_by_torch(ctx, (features, second, sums))
    shape = (stride, padding, dilation, groups)
    before = None
    if activation == "silu":  # its derivative cannot be told from its output
        before = functional.conv2d(x, weight, bias, *shape)
        output = functional.silu(before) if output is None else output
    elif output is None:
        output = activate(functional.conv2d(x, weight, bias, *shape), activation)
    mask = "none" if activation == "silu" else activation
    inner = gradient(output, features, second, sums, mask)
    if before is not None:
        inner = torch.ops.aten.silu_backward(inner, before)
    wanted = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], bias is not None and ctx.needs_input_grad[2]]
    found: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
        inner, x, weight, [weight.shape[0]], stride, padding, dilation, False, [0, 0], groups, wanted
    )
    return found


def _conv_gradients_by_torch(ctx: Any, outer: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
    """The same from the definition, as a graph that can be differentiated again."""
    x, weight, bias, _ = ctx.saved_tensors
    *shape, activation = ctx.shape
    output = activate(functional.conv2d(x, weight, bias, *shape), activation)
    flat = output.flatten(2).to(torch.promote_types(x.dtype, torch.float32))
    whole = (output, flat @ flat.mT, flat.sum(2))
    pairs = [(one, seed.to(one.dtype)) for one, seed in zip(whole, outer, strict=True) if seed is not None]
    inputs = [x, weight, bias]
    chosen = [i for i, one in enumerate(inputs) if one is not None and ctx.needs_input_grad[i]]
    found = torch.autograd.grad(
        [one for one, _ in pairs], [inputs[i] for i in chosen], [seed for _, seed in pairs], create_graph=True
    )
    gradients: list[Tensor | None] = [None, None, None]
    for i, one in zip(chosen, found, strict=True):
        gradients[i] = one
    return tuple(gradients)
