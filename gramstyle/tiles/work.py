"""One image before one network, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gramstyle.extract import Extractor
from gramstyle.extract.regions import Layout, Plan, Program, Region, Size, plan, run
from gramstyle.tiles.grid import Grid
from gramstyle.tiles.source import Source


class Part(NamedTuple):
    """What one tile holds of a tap's map.

    Attributes:
        features: (1, C, h, w).
        region: which positions of the map they are.
        size: (H, W) of the map of the whole image.
    """

    features: Tensor
    region: Region
    size: Size


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

    def part(self, tile: Plan, step: str, core: Tensor) -> Part:
        """The core of a goal's map, with where it lies."""
        return Part(core, tile.goals[step], self.layout.sizes[step])

    def weights(self, part: Part) -> Tensor | None:
        """Weights (1, h, w) of the positions of a part, on the device of the network."""
        weights = self.source.weights(part.size, part.region)
        return None if weights is None else weights.to(self.extractor.device)

    @torch.no_grad()
    def features(self, regions: Mapping[str, Region], means: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tap -> features (1, C, h, w) of a rectangle of its map.

        Args:
            regions: tap -> the rectangle.
            means: step -> mean over all positions, (1, C), as `gramstyle.tiles.measure.sweep` gives them.
        """
        steps = {tap: self.program.taps[tap] for tap in regions}
        tile = plan(self.program, self.layout, {steps[tap]: region for tap, region in regions.items()})
        cores = dict(self.run(tile, self.pixels(tile), means))
        return {tap: cores[step] for tap, step in steps.items()}

    def tiles(self, step: str) -> int:
        """Tiles that hold positions of the map of `step`."""
        return self.grid.occupied(self.layout.sizes[step])

    def positions(self, step: str) -> int:
        """P of the map of `step`."""
        height, width = self.layout.sizes[step]
        return height * width
