"""A convolution with what follows it: batch normalisation folded in, and an activation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gramstyle.conv import fold
from gramstyle.kernels import (
    ConvSums,
    Kernel,
    conv_gram,
    conv_gram_is_fused,
    conv_is_winograd,
    gram,
    turned_weight,
    winograd,
    winograd_filter,
)

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing from Python 3.11

ACTIVATIONS: dict[type[nn.Module], str] = {
    nn.Identity: "none",
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.SiLU: "silu",
}
"""Type of module -> name of the activation it is."""


class Shape(NamedTuple):
    """The numbers of a convolution."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int


class ConvAct(nn.Module):
    """Convolution, bias and activation; the activation writes over the convolution's output.

    Args:
        conv: ``Conv2d``, or timm's ``Conv2dSame``, which pads by the size of its input.
        norm: batch normalisation in eval mode that follows it, or None. It is a scale and a shift per
            channel, so it becomes part of weight and bias (`gramstyle.conv.fold`).
        activation: a name of `ACTIVATIONS`.
        kernel: who computes.
    """

    def __init__(
        self, conv: nn.Conv2d, norm: nn.BatchNorm2d | None, activation: str, kernel: Kernel = "auto"
    ) -> None:
        super().__init__()
        self.kernel: Kernel = kernel
        weight, bias = conv.weight.detach(), None if conv.bias is None else conv.bias.detach()
        if norm is not None:
            weight, bias = fold(weight, bias, *_statistics(norm))
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.activation = activation
        self.pads_as_same = type(conv) is not nn.Conv2d
        self.padding_mode = conv.padding_mode
        self.padding = _pair(conv.padding)
        apart = self.pads_as_same or conv.padding_mode != "zeros"  # a step of its own
        inner = (0, 0) if apart else self.padding
        self.shape = Shape(_pair(conv.stride), inner, _pair(conv.dilation), conv.groups)
        self._filters: dict[str, Tensor] = {}  # of `winograd`, made when first needed

    weight: Tensor
    bias: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, N, H', W') of `x` (B, C, H, W)."""
        return self._features(self.padded(x), self.shape)

    def unpadded(self, x: Tensor) -> Tensor:
        """Features of `x`, a part of a map that comes with all that its windows read: nothing is added."""
        return self._features(x, self.shape._replace(padding=(0, 0)))

    def sums(self, x: Tensor, *, features: bool, wide: bool) -> ConvSums:
        """As `gramstyle.kernels.conv_gram`, in one pass where that is faster or asked for."""
        x = self.padded(x)
        if conv_gram_is_fused(self.kernel, x, self.weight, self.shape.groups):
            return conv_gram(
                x,
                self.weight,
                self.bias,
                *self.shape,
                activation=self.activation,
                features=features,
                sums=True,
                wide=wide,
            )
        found = self._features(x, self.shape)
        sums = gram(found, sums=True, wide=wide)
        return ConvSums(found, sums.second, sums.first)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(H', W') of the features of a map of (H, W) `height` and `width`."""
        kernel = self.weight.shape[2:]
        if self.pads_as_same:
            return -(-height // self.shape.stride[0]), -(-width // self.shape.stride[1])
        sides = zip(
            (height, width), kernel, self.shape.stride, self.padding, self.shape.dilation, strict=True
        )
        found = [
            (size + 2 * pad - apart * (reach - 1) - 1) // step + 1 for size, reach, step, pad, apart in sides
        ]
        return found[0], found[1]

    @property
    def filter_bytes(self) -> int:
        """What transformed filters take once they are made, for features and for gradients."""
        if not self._is_winograd(self.weight):
            return 0
        shapes = self.weight.to("meta"), turned_weight(self.weight.to("meta"))
        return sum(winograd_filter(one).untyped_storage().nbytes() for one in shapes)

    def extra_repr(self) -> str:
        """Sizes, and what follows."""
        n, c, height, width = self.weight.shape
        return f"{c * self.shape.groups} -> {n}, {height} x {width}, {self.shape}, {self.activation}"

    def __getstate__(self) -> dict[str, Any]:
        """All but the filters, whose order belongs to this processor."""
        return {**super().__getstate__(), "_filters": {}}  # type: ignore[no-untyped-call]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self._filters = {}  # of weights that are about to change
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]

    def _features(self, x: Tensor, shape: Shape) -> Tensor:
        if self._is_winograd(x):
            filters = self._kept_filters(x)
            return winograd(x, self.weight, self.bias, shape.padding, activation=self.activation, **filters)
        y = functional.conv2d(x, self.weight, self.bias, *shape)
        if self.activation == "relu":
            return functional.relu_(y)
        if self.activation == "relu6":
            return functional.hardtanh_(y, 0, 6)
        return functional.silu(y, inplace=True) if self.activation == "silu" else y

    def _is_winograd(self, x: Tensor) -> bool:
        stride, _, dilation, groups = self.shape
        if stride != (1, 1) or dilation != (1, 1):
            return False
        if torch.compiler.is_compiling() and not self._filters:
            return False  # within a graph there is nowhere to keep them
        return conv_is_winograd(self.kernel, x, self.weight, groups)

    def _kept_filters(self, x: Tensor) -> dict[str, Tensor]:
        """Transformed once: a filter of 512 x 512 takes about as long as a map of 64 x 64."""
        if torch.compiler.is_compiling():
            return self._filters
        has_gradient = torch.is_grad_enabled() and x.requires_grad
        with torch.inference_mode(False), torch.no_grad():
            if "filter" not in self._filters:
                self._filters["filter"] = winograd_filter(self.weight)
            if "turned" not in self._filters and has_gradient:
                self._filters["turned"] = winograd_filter(turned_weight(self.weight))
        return self._filters

    def padded(self, x: Tensor) -> Tensor:
        """`x` with the padding that is a step of its own, if there is one."""
        if self.pads_as_same:
            from timm.layers import pad_same  # type: ignore[attr-defined]

            size = list(self.weight.shape[2:])
            padded: Tensor = pad_same(x, size, list(self.shape.stride), list(self.shape.dilation))
            return padded
        if self.padding_mode != "zeros":
            height, width = self.padding
            return functional.pad(x, (width, width, height, height), mode=self.padding_mode)
        return x


def _statistics(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None, float]:
    """What `fold` reads of it."""
    assert norm.running_mean is not None  # checked by whoever fuses
    assert norm.running_var is not None
    gamma, beta = (None if one is None else one.detach() for one in (norm.weight, norm.bias))
    return norm.running_mean, norm.running_var, gamma, beta, norm.eps


def _pair(value: str | int | tuple[int, ...]) -> tuple[int, int]:
    if isinstance(value, str):
        raise TypeError(f"padding must be numbers, got {value!r}")
    height, width = (value, value) if isinstance(value, int) else value
    return height, width
