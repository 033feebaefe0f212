"""Where a convolution reads and what it makes: sizes, strides, padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Tensor
from torch.nn import functional

from gramstyle import check
from gramstyle.errors import StyleError

Mode: TypeAlias = Literal["zeros", "reflect", "replicate", "circular"]
MODES: tuple[Mode, ...] = get_args(Mode)
"""What may stand in the padding."""

Numbers: TypeAlias = int | Sequence[int]
REAL = {torch.complex64: torch.float32, torch.complex128: torch.float64}
"""Of what numbers complex ones are made: torch.compile (2.15) does not know `torch.dtype.to_real`."""

AXES = {2: "H, W", 3: "D, H, W"}

INSTEAD = {
    "input": "use .to_dense(); inputs that are sparse, such as point clouds, are for spconv, torchsparse or "
    "MinkowskiEngine",
    "weight": "use .to_dense(), or Csr.from_dense of that and sparse_conv2d",
}
"""Argument -> what to do with one that torch holds sparse."""


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """A convolution without its numbers, along n dimensions of space: 2 or 3.

    Attributes:
        batch: B.
        channels: C, of the input.
        outputs: N, of the output.
        size: of the input, n numbers.
        kernel: taps along each dimension.
        stride: n numbers.
        padding: before and after, n pairs.
        dilation: n numbers.
        groups: a divisor of C and N.
        mode: what stands in the padding.
        complex: whether the output is.
    """

    batch: int
    channels: int
    outputs: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int
    mode: Mode = "zeros"
    complex: bool = False

    @property
    def reach(self) -> tuple[int, ...]:
        """Positions from the first tap to the last, both counted."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def padded(self) -> tuple[int, ...]:
        """Size of the padded input."""
        return tuple(size + sum(sides) for size, sides in zip(self.size, self.padding, strict=True))

    @property
    def operations(self) -> int:
        """Multiplications and additions of the definition, for real numbers."""
        each = self.channels // self.groups * prod(self.kernel)
        return 2 * self.batch * self.outputs * each * prod(self.result)

    @property
    def result(self) -> tuple[int, ...]:
        """Size of the output."""
        found = zip(self.padded, self.reach, self.stride, strict=True)
        return tuple((size - reach) // stride + 1 for size, reach, stride in found)


def geometry_of(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Numbers,
    padding: Numbers | str,
    dilation: Numbers,
    groups: int,
    mode: str,
    space: int,
) -> Geometry:
    """The geometry of a convolution along `space` dimensions.

    Raises:
        TypeError: for tensors that are not floating point or complex, or of different precision.
        ValueError: for shapes that do not fit together; the message names the argument.
        UnknownNameError: for another mode.
    """
    _check_tensors(x, weight, bias, space)
    check.positive("groups", groups)
    channels, outputs = x.shape[1], weight.shape[0]
    if channels % groups or outputs % groups or weight.shape[1] != channels // groups:
        raise ValueError(
            f"weight must be (N, C / groups, ...) with C = {channels} and N divisible by groups, "
            f"got weight {tuple(weight.shape)} and groups {groups}"
        )
    steps, spread = _numbers("stride", stride, space, 1), _numbers("dilation", dilation, space, 1)
    kernel = tuple(weight.shape[2:])
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, spread, strict=True))
    found = Geometry(
        batch=x.shape[0],
        channels=channels,
        outputs=outputs,
        size=tuple(x.shape[2:]),
        kernel=kernel,
        stride=steps,
        padding=_padding(padding, steps, reach),
        dilation=spread,
        groups=groups,
        mode=check.name_in("padding_mode", mode, MODES),  # type: ignore[arg-type]
        complex=x.is_complex() or weight.is_complex(),
    )
    _check_sizes(found)
    return found


def pad(x: Tensor, geometry: Geometry) -> Tensor:
    """The input (B, C, ...) with what stands in its padding."""
    if not any(map(any, geometry.padding)):
        return x
    sides = [side for pair in reversed(geometry.padding) for side in pair]
    return functional.pad(x, sides, "constant" if geometry.mode == "zeros" else geometry.mode)


def windows(tap: tuple[int, ...], geometry: Geometry) -> tuple[Any, ...]:
    """Where a tap reads in the padded input (..., space), for all positions of the output: an index."""
    parts = zip(tap, geometry.dilation, geometry.result, geometry.stride, strict=True)
    return ..., *(slice(k * d, k * d + (size - 1) * step + 1, step) for k, d, size, step in parts)


def _check_tensors(x: Tensor, weight: Tensor, bias: Tensor | None, space: int) -> None:
    given = {"input": x, "weight": weight} | ({} if bias is None else {"bias": bias})
    for name, one in given.items():
        _check_type(name, one, x)
    if bias is not None and bias.is_complex() and not (x.is_complex() or weight.is_complex()):
        raise TypeError(f"bias must be real where input and weight are, got {bias.dtype}")
    if x.ndim != space + 2 or weight.ndim != space + 2:
        raise ValueError(
            f"input must be (B, C, {AXES[space]}) and weight (N, C / groups, taps of each), "
            f"got {tuple(x.shape)} and {tuple(weight.shape)}"
        )
    if not weight.numel():
        raise ValueError(f"weight must have outputs, channels and taps, got shape {tuple(weight.shape)}")
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise ValueError(f"bias must be ({weight.shape[0]},), one per output, got {tuple(bias.shape)}")


def _check_type(name: str, one: Tensor, x: Tensor) -> None:
    """Raise `TypeError` unless `one` may be convolved with the input `x`."""
    if not isinstance(one, Tensor):
        raise TypeError(
            f"{name} must be Tensor, got {type(one).__name__}: sparse_conv2d takes sparse kernels, "
            "complex_conv2d planes"
        )
    check.dense_numbers(name, one, INSTEAD.get(name, "use .to_dense()"))
    if (REAL.get(one.dtype, one.dtype), one.device) != (REAL.get(x.dtype, x.dtype), x.device):
        raise TypeError(
            f"{name} must be of the precision and on the device of the input, {x.dtype} on {x.device}; "
            f"got {one.dtype} on {one.device}"
        )


def _numbers(name: str, value: Numbers, count: int, least: int) -> tuple[int, ...]:
    found = (value,) * count if isinstance(value, int) else tuple(value)
    if len(found) != count or any(isinstance(one, bool) or not isinstance(one, int) for one in found):
        raise ValueError(f"{name} must be a whole number or {count} of them, got {value!r}")
    if min(found) < least:
        raise ValueError(f"{name} must be {least} or more, got {value!r}")
    return found


def _padding(
    value: Numbers | str, stride: tuple[int, ...], reach: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    """Before and after: ``same`` puts what is odd after, as torch does."""
    if isinstance(value, str):
        check.name_in("padding", value, ("same", "valid"))
        if value == "valid":
            return ((0, 0),) * len(reach)
        if max(stride) > 1:
            raise StyleError(f"padding 'same' needs stride 1, got stride {stride}: give numbers")
        return tuple(((one - 1) // 2, one - 1 - (one - 1) // 2) for one in reach)
    return tuple((one, one) for one in _numbers("padding", value, len(reach), 0))


def _check_sizes(geometry: Geometry) -> None:
    if not min(geometry.size):
        raise ValueError(f"input must have positions, got {geometry.size}")
    if min(geometry.result) < 1:
        raise ValueError(
            f"input must be as large as the kernel reaches, {geometry.reach}; padded it is {geometry.padded}"
        )
    largest = {"reflect": -1, "circular": 0}.get(geometry.mode)
    for size, sides in zip(geometry.size, geometry.padding, strict=True):
        if largest is not None and max(sides) > size + largest:
            raise ValueError(
                f"padding must be at most {size + largest} where the input has {size} positions and mode is "
                f"{geometry.mode}, got {max(sides)}"
            )
