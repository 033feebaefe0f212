"""An image cut into tiles, and every map of it into as many cores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gramstyle.extract.regions import Interval, Layout, Region, Size


@dataclass(frozen=True)
class Grid:
    """Tiles of nearly one size, at most `tile` pixels on a side.

    Attributes:
        size: (H, W) of the image.
        tile: pixels.
    """

    size: Size
    tile: int

    @property
    def counts(self) -> Size:
        """Tiles along the height, and along the width."""
        return -(-self.size[0] // self.tile), -(-self.size[1] // self.tile)

    def __len__(self) -> int:
        return self.counts[0] * self.counts[1]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Row and column of each tile, row by row."""
        rows, columns = self.counts
        return ((row, column) for row in range(rows) for column in range(columns))

    def core(self, at: tuple[int, int], size: Size) -> Region:
        """The positions of a map of (H, W) `size` that belong to the tile `at`; there may be none.

        Edges of tiles are carried over from pixels to positions in proportion, the first to 0 and the
        last to the last. So each position of each map belongs to one tile.
        """
        rows, columns = (
            Interval(edges[index], edges[index + 1])
            for index, edges in zip(at, self._edges(size), strict=True)
        )
        return Region(rows, columns)

    def goals(self, at: tuple[int, int], layout: Layout, steps: set[str]) -> dict[str, Region]:
        """Step -> core of its map in the tile `at`, of those of `steps` that have one there."""
        cores = {step: self.core(at, layout.sizes[step]) for step in steps}
        return {step: core for step, core in cores.items() if not core.empty}

    def occupied(self, size: Size) -> int:
        """Tiles that hold positions of a map of (H, W) `size`."""
        rows, columns = (len(set(edges)) - 1 for edges in self._edges(size))
        return rows * columns

    def _edges(self, size: Size) -> Iterator[list[int]]:
        """Where tiles begin and the last one ends, in positions, along each axis."""
        for count, pixels, positions in zip(self.counts, self.size, size, strict=True):
            yield [index * pixels // count * positions // pixels for index in range(count + 1)]
