"""How much memory features take, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping

from gramstyle.extract.regions import Layout, Program, Region, plan, whole
from gramstyle.tiles.grid import Grid


def peak_values(program: Program, layout: Layout, regions: Mapping[str, Region], kept: set[str]) -> int:
    """The most values that maps hold at one time while the steps run in order.

    Args:
        program: the network.
        layout: channels of its maps.
        regions: step -> the rectangle of its map that it makes.
        kept: steps whose maps stay until the end.
    """
    values = {
        step: layout.channels[step] * region.rows.length * region.columns.length
        for step, region in regions.items()
    }
    order = [step for step in program.steps if step in values]
    last = {source: step for step in order for source in program.steps[step].inputs}
    held, most = 0, 0
    for step in order:
        held += values[step]
        most = max(most, held)
        done = {step, *program.steps[step].inputs} & values.keys()
        held -= sum(values[one] for one in done if last.get(one, one) == step and one not in kept)
    return most


def whole_values(program: Program, layout: Layout) -> int:
    """`peak_values` of the network on the whole image, which gives all taps at the end."""
    regions = {step: whole(size) for step, size in layout.sizes.items()}
    return peak_values(program, layout, regions, set(program.taps.values()))


def tile_values(program: Program, layout: Layout, grid: Grid) -> int:
    """`peak_values` of the tile in the middle, whose halo is whole, in its most expensive round."""
    at = (grid.counts[0] // 2, grid.counts[1] // 2)
    most = 0
    for level in range(program.levels):
        steps = {*program.taps_of(level).values(), *program.means_of(level).values()}
        goals = grid.goals(at, layout, steps)
        if goals:
            most = max(most, peak_values(program, layout, plan(program, layout, goals).regions, set()))
    return most
