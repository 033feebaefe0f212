"""Ranges of positions along one axis, and rectangles of them."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from torch import Tensor

Size: TypeAlias = tuple[int, int]
"""(H, W) of a map."""


class Interval(NamedTuple):
    """Positions from `start` up to, and without, `stop`."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many positions."""
        return self.stop - self.start

    def union(self, other: Interval) -> Interval:
        """The smallest interval that holds both."""
        return Interval(min(self.start, other.start), max(self.stop, other.stop))

    def inside(self, outer: Interval) -> slice:
        """Where this interval lies in a tensor that holds `outer`."""
        return slice(self.start - outer.start, self.stop - outer.start)


class Region(NamedTuple):
    """A rectangle of positions of a map."""

    rows: Interval
    columns: Interval

    @property
    def size(self) -> Size:
        """(h, w)."""
        return self.rows.length, self.columns.length

    @property
    def empty(self) -> bool:
        """Whether it holds no position."""
        return min(self.size) <= 0

    def union(self, other: Region) -> Region:
        """The smallest rectangle that holds both."""
        return Region(self.rows.union(other.rows), self.columns.union(other.columns))

    def crop(self, x: Tensor, held: Region) -> Tensor:
        """This rectangle as a view of `x` (..., h, w), which holds `held`."""
        if self == held:
            return x
        return x[..., self.rows.inside(held.rows), self.columns.inside(held.columns)]


def whole(size: Size) -> Region:
    """Every position of a map."""
    return Region(Interval(0, size[0]), Interval(0, size[1]))
