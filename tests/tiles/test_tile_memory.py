"""What a tile holds does not depend on the image, and what is chosen keeps below its limit."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gramstyle.extract import backbone, backbones, network, select_taps
from gramstyle.extract.fusion import fuse
from gramstyle.extract.regions import layout, plan, program, whole
from gramstyle.tiles import Tiling
from gramstyle.tiles import tiling as limits
from gramstyle.tiles.grid import Grid
from gramstyle.tiles.memory import peak_values, tile_values, whole_values

from .conftest import image_of

NAMES = [spec.name for spec in backbones()]
MIB = 2**20


def trunk_of(name, taps=None):
    """A network without values: what it holds is known without them."""
    return fuse(network.build(backbone(name), select_taps(backbone(name), taps)).eval(), "auto")


def largest(made, sizes, grid):
    """Most pixels, and most values of one map, that any tile holds in any round."""
    most = [0, 0]
    for level in range(made.levels):
        steps = {*made.taps_of(level).values(), *made.means_of(level).values()}
        rows, columns = grid.counts
        for at in {
            (row, column) for row in (0, 1, rows // 2, rows - 1) for column in (0, columns // 2, columns - 1)
        }:
            regions = plan(made, sizes, grid.goals(at, sizes, steps)).regions
            areas = {one: region.rows.length * region.columns.length for one, region in regions.items()}
            most[0] = max(most[0], areas[made.image])
            most[1] = max(most[1], *(areas[one] * sizes.channels[one] for one in areas))
    return most


@pytest.mark.parametrize("name", NAMES)
def test_no_map_of_a_tile_grows_with_the_image(name):
    made = program(trunk_of(name, ("stem", "block3") if name == "efficientnet_b0" else None), name)
    held = []
    for side in (2048, 16384, 131072):
        sizes = layout(made, side, side)
        held.append(
            (
                *largest(made, sizes, Grid((side, side), 256)),
                tile_values(made, sizes, Grid((side, side), 256)),
            )
        )
    assert held[0] == held[1] == held[2]


class Live(TorchDispatchMode):
    """Counts the most values that tensors of a map's rank hold at one time, without those `given`."""

    def __init__(self, *given):
        super().__init__()
        self.held, self.most = {one.untyped_storage().data_ptr(): 0 for one in given}, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.ndim == 4:
            storage = result.untyped_storage()
            key = storage.data_ptr()
            if key not in self.held:
                self.held[key] = storage.nbytes() // result.element_size()
                weakref.finalize(storage, self.held.pop, key, None)
            self.most = max(self.most, sum(self.held.values()))
        return result


def test_the_estimate_is_what_is_held(extractor_of):
    """Of the whole image, and of a tile: between the two, maps that are cut or padded are copied."""
    extractor = extractor_of("mobilenet_v2", ("stem", "block3"), dtype=torch.float32)
    made = program(extractor.active_trunk, "mobilenet_v2")
    image = image_of(256, 256, torch.float32)
    sizes = layout(made, 256, 256)
    with Live(image) as seen, torch.no_grad():
        Tiling(extractor, 64).moments(image)
    gc.collect()
    estimate = tile_values(made, sizes, Grid((256, 256), 64))
    assert estimate <= seen.most <= 2 * estimate
    assert seen.most < whole_values(made, sizes) / 4


def test_what_is_held_by_hand():
    """conv (4 channels) -> relu -> pool (half the side): two maps of four channels are held at once."""
    from torch import nn

    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.pool = nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2)

        def forward(self, x):
            x = self.conv(x).relu()
            return {"relu": x, "pool": self.pool(x)}

    made = program(Small().eval(), "small")
    sizes = layout(made, 8, 10)
    assert whole_values(made, sizes) == 4 * 80 + 4 * 80  # the image is gone, the pool is not there yet
    regions = {step: whole(size) for step, size in sizes.sizes.items()}
    assert peak_values(made, sizes, regions, set()) == 640
    assert peak_values(made, sizes, regions, {made.image}) == 640 + 240


@pytest.mark.parametrize("name", NAMES)
def test_auto_keeps_below_its_limit_with_the_largest_tile(name):
    """Of all that an extractor is, the choice takes these four."""
    trunk, cpu = trunk_of(name), torch.device("cpu")
    tiling = Tiling(SimpleNamespace(active_trunk=trunk, spec=backbone(name), dtype=torch.float32, device=cpu))
    assert tiling.side(1024, 1024) is None
    side = tiling.side(16384, 16384)
    made, sizes = tiling.program, layout(tiling.program, 16384, 16384)
    assert tile_values(made, sizes, Grid((16384, 16384), side)) * 4 <= 128 * MIB
    larger = limits.SIDES[limits.SIDES.index(side) - 1]
    assert tile_values(made, sizes, Grid((16384, 16384), larger)) * 4 > 128 * MIB
    assert whole_values(made, layout(made, 16384, 16384)) * 4 > 2**30


def test_auto_changes_over_where_the_whole_image_passes_its_limit(extractor_of, monkeypatch):
    tiling = Tiling(extractor_of("resnet18", ("stem",), dtype=torch.float32))
    monkeypatch.setattr(limits, "SMALL", 0)
    # the image, and 64 channels at half its side, which normalisation and activation write over
    monkeypatch.setattr(limits, "WHOLE_BYTES", (3 * 64 * 64 + 64 * 32 * 32) * 4)
    assert tiling.side(64, 64) is None
    assert tiling.side(64, 66) == max(limits.SIDES)
    monkeypatch.setattr(limits, "TILE_BYTES", {"cpu": 0})
    assert tiling.side(66, 66) == min(limits.SIDES)


def test_auto_runs_whole_what_cannot_run_in_tiles(extractor_of, monkeypatch):
    monkeypatch.setattr(limits, "SMALL", 0)
    extractor = extractor_of("timm:test_convnext", None)
    assert Tiling(extractor).side(64, 64) is None
    assert Tiling(extractor, 32).side(64, 64) == 32
    with pytest.raises(limits.StyleError, match="timm:test_convnext cannot run in tiles because of permute"):
        Tiling(extractor, 32).check()


def test_few_layouts_are_kept(extractor_of):
    tiling = Tiling(extractor_of("resnet18", ("stem",)), 32)
    for width in range(32, 32 + 2 * limits.LAYOUTS):
        tiling.moments(image_of(32, width))
    assert len(tiling._layouts) <= limits.LAYOUTS
