"""Windows that slide along one axis of a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from gramstyle.extract.regions.interval import Interval, Region, Size

Border: TypeAlias = Literal["zeros", "lowest", "replicate", "reflect"]
"""What stands outside a map: zeros, minus infinity, its outermost positions, or its mirror image."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window along one axis.

    Attributes:
        kernel: positions that it reads.
        stride: from one place of the window to the next.
        dilation: from one position that it reads to the next.
        before: how far the first window reaches over the start of the map.
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0

    def reach(self, out: Interval) -> Interval:
        """Positions of the input that the outputs `out` read; those outside the map are its border."""
        start = out.start * self.stride - self.before
        return Interval(start, start + (out.length - 1) * self.stride + self.dilation * (self.kernel - 1) + 1)


def needed(reach: Interval, length: int, border: Border) -> Interval:
    """Positions of a map of `length` that hold all that `reach` reads; at least one."""
    if border in ("replicate", "reflect"):
        found = _sources(reach, length, border)
        return Interval(min(found), max(found) + 1)
    start = min(max(reach.start, 0), length - 1)
    return Interval(start, max(min(reach.stop, length), start + 1))


def surrounded(x: Tensor, held: Region, reach: Region, size: Size, border: Border) -> Tensor:
    """`reach` cut out of `x` (B, C, h, w), with a border where it leaves the map.

    Args:
        x: a part of the map.
        held: which part; no less than what is `needed`.
        reach: what is wanted.
        size: of the whole map.
        border: what stands outside it.
    """
    inner = Region(*(needed(one, side, border) for one, side in zip(reach, size, strict=True)))
    x = inner.crop(x, held)
    if inner == reach:
        return x
    if border in ("replicate", "reflect"):
        for dim, (one, part, side) in enumerate(zip(reach, inner, size, strict=True), start=2):
            index = torch.tensor(_sources(one, side, border), device=x.device) - part.start
            x = x.index_select(dim, index)
        return x
    outer = reach.union(inner)  # a window of a wide border may lie outside the map
    top, bottom, left, right = (
        side
        for one, part in zip(outer, inner, strict=True)
        for side in (part.start - one.start, one.stop - part.stop)
    )
    value = 0.0 if border == "zeros" else float("-inf")
    return reach.crop(F.pad(x, (left, right, top, bottom), value=value), outer)


def _sources(reach: Interval, length: int, border: Border) -> list[int]:
    """Where the values at `reach` come from: one position of the map each."""
    last = length - 1
    if border == "replicate":
        return [min(max(at, 0), last) for at in range(reach.start, reach.stop)]
    return [last - abs(last - abs(at)) for at in range(reach.start, reach.stop)]
