"""One image before one network, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from gramstyle.extract import Extractor
from gramstyle.extract.regions import Layout, Plan, Program, plan, run
from gramstyle.tiles.grid import Grid
from gramstyle.tiles.source import Source


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """What a pass over the tiles needs.

    A network with global means, such as those of squeeze-and-excite, takes several rounds: those that
    are known after `level` rounds are constants in the next, and each tap is read in the first round
    that reaches it.

    Attributes:
        extractor: weights, normalisation, device and precision.
        program: the network's steps.
        layout: sizes of its maps for this image.
        source: the image.
        grid: its tiles.
    """

    extractor: Extractor
    program: Program
    layout: Layout
    source: Source
    grid: Grid

    def plans(self, steps: set[str]) -> Iterator[Plan]:
        """How each tile runs that holds positions of the maps of `steps`."""
        for at in self.grid:
            goals = self.grid.goals(at, self.layout, steps)
            if goals:
                yield plan(self.program, self.layout, goals)

    def pixels(self, tile: Plan) -> Tensor:
        """The part of the image that a tile depends on, (1, 3, h, w), checked."""
        pixels = self.source.pixels(tile.regions[self.program.image])
        self.extractor.check_values(pixels)
        return pixels

    def run(self, tile: Plan, pixels: Tensor, means: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        """Step -> core of its map, of each goal of a tile."""
        ready = self.extractor.network_input(pixels)
        return run(self.program, self.layout, tile, ready, means)

    def weights(self, step: str, tile: Plan) -> Tensor | None:
        """Weights (1, h, w) of the positions of a goal, on the device of the network."""
        weights = self.source.weights(self.layout.sizes[step], tile.goals[step])
        return None if weights is None else weights.to(self.extractor.device)

    def tiles(self, step: str) -> int:
        """Tiles that hold positions of the map of `step`."""
        return self.grid.occupied(self.layout.sizes[step])

    def positions(self, step: str) -> int:
        """P of the map of `step`."""
        height, width = self.layout.sizes[step]
        return height * width
