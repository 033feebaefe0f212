"""Convolution and pooling of a part of a map, as in the whole map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gramstyle.errors import StyleError
from gramstyle.extract.conv_act import ConvAct
from gramstyle.extract.filterbank import OrientedBands
from gramstyle.extract.pooling import L2Pool2d
from gramstyle.extract.regions.interval import Interval, Region, Size
from gramstyle.extract.regions.window import Border, Window, needed, surrounded

Windows: TypeAlias = tuple[Window, Window]
"""Along rows and along columns."""


@dataclass(frozen=True, kw_only=True)
class Sliding:
    """An operation whose output at a position reads one window of its input.

    Attributes:
        windows: from (H, W) of the whole input to its windows.
        border: what the windows read outside the map.
        compute: from an input with its border, the rectangle of outputs, and (H, W) of the whole
            input, to these outputs.
    """

    windows: Callable[[Size], Windows]
    border: Border
    compute: Callable[[Tensor, Region, Size], Tensor]

    def needs(self, out: Region, size: Size) -> Region:
        """What must be held of an input of (H, W) `size` for the outputs `out`."""
        parts = zip(self.windows(size), out, size, strict=True)
        return Region(*(needed(window.reach(one), side, self.border) for window, one, side in parts))

    def __call__(self, x: Tensor, held: Region, out: Region, size: Size) -> Tensor:
        """The outputs `out`, from `x`, which holds `held` of an input of (H, W) `size`."""
        reach = Region(*(window.reach(one) for window, one in zip(self.windows(size), out, strict=True)))
        return self.compute(surrounded(x, held, reach, size, self.border), out, size)


def convolution(module: nn.Conv2d) -> Sliding:
    """A convolution with padding by number or name, and any border but a circular one.

    Raises:
        StyleError: for circular padding, whose every edge reads the opposite one.
    """
    before = tuple(
        _before(module.padding, axis, kernel, dilation)
        for axis, (kernel, dilation) in enumerate(zip(module.kernel_size, module.dilation, strict=True))
    )
    windows = _windows(module.kernel_size, module.stride, before, module.dilation)
    border = _border(module.padding_mode)
    return Sliding(windows=lambda size: windows, border=border, compute=_convolve(module))


def same_convolution(module: nn.Conv2d) -> Sliding:
    """A convolution that pads as TensorFlow's ``SAME``, by what the size of the whole map asks for."""
    windows = _same_windows(module.kernel_size, module.stride, module.dilation)
    return Sliding(windows=windows, border="zeros", compute=_convolve(module))


def fused_convolution(module: ConvAct) -> Sliding:
    """A convolution with what was folded into it; its activation writes over its own output alone.

    Raises:
        StyleError: as `convolution`.
    """
    kernel = tuple(module.weight.shape[2:])
    stride, dilation = module.shape.stride, module.shape.dilation

    def compute(x: Tensor, out: Region, size: Size) -> Tensor:
        return module.unpadded(x)

    if module.pads_as_same:
        return Sliding(windows=_same_windows(kernel, stride, dilation), border="zeros", compute=compute)
    windows = _windows(kernel, stride, module.padding, dilation)
    return Sliding(windows=lambda size: windows, border=_border(module.padding_mode), compute=compute)


def max_pool(module: nn.MaxPool2d) -> Sliding:
    """The largest value of each window.

    Raises:
        StyleError: where the places of the largest values are asked for too.
    """
    if module.return_indices:
        raise StyleError("indices of the largest values count positions of the whole map")
    kernel, stride, dilation = _pair(module.kernel_size), _pair(module.stride), _pair(module.dilation)
    windows = _windows(kernel, stride, _pair(module.padding), dilation)

    def compute(x: Tensor, out: Region, size: Size) -> Tensor:
        return F.max_pool2d(x, kernel, stride, 0, dilation)

    return Sliding(windows=lambda size: windows, border="lowest", compute=compute)


def l2_pool(module: L2Pool2d) -> Sliding:
    """The root of the sum of squares of each window."""
    windows = _windows((2, 2), (2, 2), (0, 0), (1, 1))

    def compute(x: Tensor, out: Region, size: Size) -> Tensor:
        found: Tensor = module(x)
        return found

    return Sliding(windows=lambda size: windows, border="zeros", compute=compute)


def oriented_bands(module: OrientedBands) -> Sliding:
    """The bands of a bank of filters."""
    side, before = 2 * module.reach + 1, module.reach
    windows = _windows((side, side), (1, 1), (before, before), (1, 1))

    def compute(x: Tensor, out: Region, size: Size) -> Tensor:
        return module.unpadded(x)

    return Sliding(windows=lambda size: windows, border="replicate", compute=compute)


def average_pool(module: nn.AvgPool2d) -> Sliding:
    """The mean of each window: of its positions inside the map, or of all inside the padding."""
    kernel, stride, padding = _pair(module.kernel_size), _pair(module.stride), _pair(module.padding)
    windows = _windows(kernel, stride, padding, (1, 1))

    def counts(out: Interval, window: Window, length: int, padded: int) -> list[int]:
        starts = [at * window.stride - window.before for at in range(out.start, out.stop)]
        if module.count_include_pad:  # what ceil_mode adds beyond the padding does not count
            return [min(start + window.kernel, length + padded) - start for start in starts]
        return [min(start + window.kernel, length) - max(start, 0) for start in starts]

    def compute(x: Tensor, out: Region, size: Size) -> Tensor:
        rows, columns = (counts(*each) for each in zip(out, windows, size, padding, strict=True))
        divisor = module.divisor_override
        if divisor is None and len({*rows}) == len({*columns}) == 1:
            divisor = rows[0] * columns[0]
        if divisor is not None:
            return F.avg_pool2d(x, kernel, stride, divisor_override=divisor)
        wide = x.to(torch.promote_types(x.dtype, torch.float32))  # half precision is rounded once, at the end
        sums = F.avg_pool2d(wide, kernel, stride, divisor_override=1)
        return (sums / sums.new_tensor([[row * column for column in columns] for row in rows])).to(x.dtype)

    return Sliding(windows=lambda size: windows, border="zeros", compute=compute)


def _windows(
    kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...], dilation: tuple[int, ...]
) -> Windows:
    rows, columns = (
        Window(kernel=one, stride=step, before=before, dilation=apart)
        for one, step, before, apart in zip(kernel, stride, padding, dilation, strict=True)
    )
    return rows, columns


def _same_windows(
    kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> Callable[[Size], Windows]:
    def windows(size: Size) -> Windows:
        sides = zip(size, kernel, stride, dilation, strict=True)
        return _windows(kernel, stride, tuple(_same(*one) // 2 for one in sides), dilation)

    return windows


def _border(padding_mode: str) -> Border:
    borders: dict[str, Border] = {"zeros": "zeros", "replicate": "replicate", "reflect": "reflect"}
    if padding_mode not in borders:
        raise StyleError(f"{padding_mode} padding reads the opposite edge of the image")
    return borders[padding_mode]


def _convolve(module: nn.Conv2d) -> Callable[[Tensor, Region, Size], Tensor]:
    def compute(x: Tensor, out: Region, size: Size) -> Tensor:
        return F.conv2d(x, module.weight, module.bias, module.stride, 0, module.dilation, module.groups)

    return compute


def _before(padding: str | tuple[int, ...], axis: int, kernel: int, dilation: int) -> int:
    """Rows or columns that are put before a map; of an odd sum "same" puts the larger half after."""
    if isinstance(padding, str):
        return dilation * (kernel - 1) // 2 if padding == "same" else 0
    return padding[axis]


def _same(length: int, kernel: int, stride: int, dilation: int) -> int:
    """What TensorFlow's SAME adds to `length`, so that there are ceil(length / stride) outputs."""
    return max((-(-length // stride) - 1) * stride + dilation * (kernel - 1) + 1 - length, 0)


def _pair(value: Any) -> tuple[int, int]:
    """A size that torch lets users write as one number."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])
