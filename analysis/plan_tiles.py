"""What tiles cost before anything runs: pixels read, arithmetic beside the whole image, memory of features.

    python analysis/plan_tiles.py [--size 16384] [--tiles 256,512,1024,2048] [--taps default|all-scales]

"work" is the number of multiplications in convolutions, over those of the whole image in one pass: the
surroundings of tiles, and for networks with global means one pass for each of them in a row.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from torch.fx import GraphModule

from gramstyle.extract import backbone, backbones, network, select_taps
from gramstyle.extract.conv_act import ConvAct
from gramstyle.extract.fusion import fuse
from gramstyle.extract.regions import Layout, Program, Region, layout, plan, program, whole
from gramstyle.tiles.grid import Grid
from gramstyle.tiles.memory import tile_values, whole_values


def main() -> None:
    """Print one line per backbone and tile."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=16384, help="side of the image, in pixels")
    parser.add_argument("--tiles", default="256,512,1024,2048", help="sides of the tiles")
    parser.add_argument("--taps", default="default", choices=("default", "all-scales"))
    options = parser.parse_args()
    print(f"{options.size} x {options.size}, float32, taps: {options.taps}")
    print(f"{'backbone':20}{'whole GiB':>10}{'rounds':>8}{'tile':>7}{'read':>7}{'work':>7}{'MiB':>7}")
    for spec in backbones():
        names = spec.default_taps if options.taps == "default" else spec.scale_taps
        taps = select_taps(backbone(spec.name), names)
        trunk = network.build(spec, taps).eval()
        assert isinstance(trunk, GraphModule)
        made = program(fuse(trunk, "auto"), spec.name)
        sizes = layout(made, options.size, options.size)
        full = whole_values(made, sizes) * 4 / 2**30
        once = products(made, {step: whole(size) for step, size in sizes.sizes.items()})
        for tile in map(int, options.tiles.split(",")):
            grid = Grid((options.size, options.size), tile)
            read, work = cost(made, sizes, grid)
            held = tile_values(made, sizes, grid) * 4 / 2**20
            print(f"{spec.name:20}{full:10.0f}{made.levels:8}{tile:7}{read:7}{work / once:7.2f}{held:7.0f}")


def cost(made: Program, sizes: Layout, grid: Grid) -> tuple[int, int]:
    """Side of what the tile in the middle reads, in pixels, and products if all tiles were like it."""
    at = (grid.counts[0] // 2, grid.counts[1] // 2)
    read, work = 0, 0
    for level in range(made.levels):
        steps = {*made.taps_of(level).values(), *made.means_of(level).values()}
        regions = plan(made, sizes, grid.goals(at, sizes, steps)).regions
        read = max(read, regions[made.image].rows.length)
        work += len(grid) * products(made, regions)
    return read, work


def products(made: Program, regions: Mapping[str, Region]) -> int:
    """Multiplications of all convolutions whose outputs are `regions`."""
    total = 0
    for step, region in regions.items():
        node = made.steps[step].node
        module = made.network.get_submodule(str(node.target)) if node.op == "call_module" else None
        if isinstance(module, ConvAct):
            rows, columns = region.size
            total += rows * columns * module.weight.numel()
    return total


if __name__ == "__main__":
    main()
