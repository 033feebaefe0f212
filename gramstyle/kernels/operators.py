"""The native operators, with their arguments checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.kernels.compiling import constant_result
from gramstyle.kernels.maps import ACTIVATIONS, channels_last
from gramstyle.kernels.native import require
from gramstyle.kernels.register import ConvGram, Gram, ready
from gramstyle.kernels.winograd import Winograd

TYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
"""Of feature maps."""

DEVICES = ("cpu", "cuda")
"""Where the operators run, as far as their halves were built."""


class Sums(NamedTuple):
    """Sums over positions, float32, or float64 where that was asked for.

    Attributes:
        second: of products of channels, (B, C, C).
        first: of channels, (B, C); None where not asked for.
    """

    second: Tensor
    first: Tensor | None


class ConvSums(NamedTuple):
    """A convolution and the sums of its features.

    Attributes:
        features: (B, N, H', W'), channels-last; None where not asked for.
        second: of products of channels, (B, N, N).
        first: of channels, (B, N); None where not asked for.
    """

    features: Tensor | None
    second: Tensor
    first: Tensor | None


def gram(x: Tensor, *, sums: bool = False, wide: bool = False) -> Sums:
    """``sum_p x[:, i, p] x[:, j, p]`` over positions p, and on request ``sum_p x[:, i, p]``.

    Only the upper triangle is computed. Half precision is accumulated in float32 without a
    widened copy; strides are free. Sums of at most 4096 positions are float32 and are added up in
    float64, in an order that depends on shapes only: any number of threads gives the same bits.

    Args:
        x: (B, C, H, W).
        sums: also the sums of channels.
        wide: float64 results; float64 `x` always has them.

    Raises:
        NativeUnavailableError: if the native half is not there.
        TypeError: if `x` is neither float64, float32, float16 nor bfloat16.
        ValueError: if `x` is not (B, C, H, W), or on a device without a kernel.
    """
    ready()
    _check_maps("x", x)
    second, first = _operator(Gram, torch.ops.gramstyle.gram)(x, sums, wide, precision())
    return Sums(second, first if sums else None)


def conv_gram(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    *,
    activation: str = "none",
    features: bool = True,
    sums: bool = False,
    wide: bool = False,
) -> ConvSums:
    """Convolution, bias, activation and `gram` of the result, in one pass.

    Each tile of features is multiplied while it is in the cache (in registers or shared memory on a
    GPU), so that the Gram matrix reads nothing from memory; without `features` the map is never in
    memory at all. Sums are those of the features as rounded to the type of `x`.

    Under autocast `x`, `weight` and `bias` are cast as `torch.nn.functional.conv2d` casts them.

    Args:
        x: (B, C, H, W).
        weight: (N, C / groups, kernel height, kernel width), of the type of `x`.
        bias: (N,), of the type of `x`.
        stride: one number or (height, width), as of `torch.nn.functional.conv2d`.
        padding: likewise.
        dilation: likewise.
        groups: as there.
        activation: one of `ACTIVATIONS`.
        features: also the map itself, for the next layer.
        sums: also the sums of channels.
        wide: float64 sums.

    Raises:
        NativeUnavailableError: if the native half is not there.
        TypeError: if types differ or are none of float64, float32, float16 and bfloat16.
        ValueError: for shapes that do not fit together, and for tensors on several devices.
        UnknownNameError: for another activation.
    """
    ready()
    x, weight, bias = _autocast(x, weight, bias)
    _check_maps("x", x)
    check.name_in("activation", activation, ACTIVATIONS)
    shape = [_pair("stride", stride, 1), _pair("padding", padding, 0), _pair("dilation", dilation, 1)]
    _check_convolution(x, weight, bias, shape, groups)
    found = _operator(ConvGram, torch.ops.gramstyle.conv_gram)(
        x,
        weight.contiguous(),
        None if bias is None else bias.contiguous(),
        *shape,
        groups,
        activation,
        features,
        sums,
        wide,
        precision(),
    )
    return ConvSums(found[0] if features else None, found[1], found[2] if sums else None)


def winograd_filter(weight: Tensor) -> Tensor:
    """`weight` (N, C, 3, 3) as `winograd` reads it: four times its size, in float32 (float64 for float64).

    The order of its values belongs to this processor: make it anew rather than store it.

    Raises:
        NativeUnavailableError: if the native half is not there.
        TypeError: if `weight` is neither float64, float32, float16 nor bfloat16.
        ValueError: if `weight` is not (N, C, 3, 3) or not on the cpu.
    """
    ready()
    _check_small_filter(weight)
    found: Tensor = torch.ops.gramstyle.winograd_filter.default(weight.contiguous())
    return found


def winograd(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    padding: int | Sequence[int] = 0,
    *,
    activation: str = "none",
    filter: Tensor | None = None,
    turned: Tensor | None = None,
) -> Tensor:
    """3 x 3 convolution of stride 1, bias and activation, with a quarter of the products.

    Minimal filtering F(4 x 4, 3 x 3): Winograd 1980, on tiles as in Lavin and Gray 2016
    (arXiv 1509.09308). Its rounding error in float32 is some ten times that of the definition; a value
    that is not finite spoils the outputs of its tile, up to 4 x 4, and not only its neighbours.

    Args:
        x: (B, C, H, W); anything but channels-last is copied.
        weight: (N, C, 3, 3), of the type of `x`.
        bias: (N,), of the type of `x`.
        padding: one number or (height, width), of zeros.
        activation: one of `ACTIVATIONS`.
        filter: `winograd_filter` of `weight`, where it is kept from call to call.
        turned: likewise of `turned_weight` of `weight`, for gradients by `x`.

    Returns:
        (B, N, H + 2 padding - 2, W + 2 padding - 2), channels-last.

    Raises:
        NativeUnavailableError: if the native half is not there.
        TypeError: if types differ or are none of float64, float32, float16 and bfloat16.
        ValueError: for shapes that do not fit together, and for tensors that are not on the cpu.
        UnknownNameError: for another activation.
    """
    ready()
    x, weight, bias = _autocast(x, weight, bias)
    _check_maps("x", x)
    _check_small_filter(weight)
    check.name_in("activation", activation, ACTIVATIONS)
    pad = _pair("padding", padding, 0)
    _check_convolution(x, weight, bias, [[1, 1], pad, [1, 1]], 1)
    if filter is None:
        with torch.no_grad():
            filter = torch.ops.gramstyle.winograd_filter.default(weight.contiguous())
    bias = None if bias is None else bias.contiguous()
    operator = _operator(Winograd, torch.ops.gramstyle.winograd)
    found: Tensor = operator(channels_last(x), weight, filter, turned, bias, pad, activation)
    return found


def _operator(function: type[torch.autograd.Function], packet: Any) -> Callable[..., Any]:
    """The operator; where gradients are on its `function`, which torch.func needs, and which costs 50 us."""
    return function.apply if torch.is_grad_enabled() else packet.default


@constant_result
def precision() -> str:
    """How a GPU multiplies float32: ``tf32`` where torch may do so in matrix products, else ``ieee``."""
    return "tf32" if torch.get_float32_matmul_precision() != "highest" else "ieee"


def _autocast(*tensors: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    first = tensors[0]
    device = first.device.type if first is not None else "cpu"
    if torch.is_autocast_enabled(device):
        kind = torch.get_autocast_dtype(device)
        cast = [None if one is None or one.dtype == torch.float64 else one.to(kind) for one in tensors]
        tensors = tuple(new if new is not None else old for new, old in zip(cast, tensors, strict=True))
    return tensors  # type: ignore[return-value]


def _check_maps(name: str, x: Tensor) -> None:
    check.one_of_type(name, x, Tensor)
    if x.dtype not in TYPES:
        raise TypeError(f"{name} must be float64, float32, float16 or bfloat16, got {x.dtype}")
    if x.ndim != 4:
        raise ValueError(f"{name} must be (B, C, H, W), got shape {tuple(x.shape)}")
    if x.device.type not in (*DEVICES, "meta"):
        raise ValueError(f"{name} must be on the cpu or on cuda, got {x.device}: use kernel reference")
    if x.device.type == "cuda":
        require("cuda")


def _check_small_filter(weight: Tensor) -> None:
    check.one_of_type("weight", weight, Tensor)
    if weight.dtype not in TYPES:
        raise TypeError(f"weight must be float64, float32, float16 or bfloat16, got {weight.dtype}")
    if weight.ndim != 4 or weight.shape[2:] != (3, 3):
        raise ValueError(f"weight must be (N, C, 3, 3), got shape {tuple(weight.shape)}")
    if weight.device.type not in ("cpu", "meta"):
        raise ValueError(f"weight must be on the cpu, got {weight.device}: use torch's convolution there")


def _check_convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None, shape: list[list[int]], groups: int
) -> None:
    check.one_of_type("weight", weight, Tensor)
    check.positive("groups", groups)
    if weight.dtype != x.dtype or (bias is not None and bias.dtype != x.dtype):
        got = f"{weight.dtype}" if bias is None else f"{weight.dtype} and {bias.dtype}"
        raise TypeError(f"weight and bias must have the type of x, {x.dtype}, got {got}")
    others = {weight.device} if bias is None else {weight.device, bias.device}
    if others != {x.device}:
        got = ", ".join(sorted(map(str, others)))
        raise ValueError(f"weight and bias must be on the device of x, {x.device}, got {got}")
    channels = x.shape[1]
    if weight.ndim != 4 or weight.shape[1] * groups != channels or weight.shape[0] % groups:
        raise ValueError(
            f"weight must be (N, C / groups, height, width) with N a multiple of groups, for C = {channels} "
            f"and groups = {groups}, got shape {tuple(weight.shape)}"
        )
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise ValueError(f"bias must be ({weight.shape[0]},), got shape {tuple(bias.shape)}")
    _, padding, dilation = shape
    for side, name in enumerate(("height", "width")):
        reach = dilation[side] * (weight.shape[2 + side] - 1) + 1
        if x.shape[2 + side] + 2 * padding[side] < reach or 0 in (channels, *weight.shape):
            raise ValueError(
                f"x must be at least as large as the filter: {name} {x.shape[2 + side]} with padding "
                f"{padding[side]} on both sides is less than {reach}"
            )


def _pair(name: str, value: int | Sequence[int], least: int) -> list[int]:
    pair = [value, value] if isinstance(value, int) else list(value)
    if len(pair) != 2 or any(not isinstance(one, int) or one < least for one in pair):
        raise ValueError(f"{name} must be one or two whole numbers of at least {least}, got {value!r}")
    return pair
