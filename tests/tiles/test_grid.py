"""Each position of each map belongs to one tile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gramstyle.extract.regions import Interval, Region
from gramstyle.tiles.grid import Grid

SIDES = st.integers(1, 60)


@settings(deadline=None)
@given(height=SIDES, width=SIDES, tile=st.integers(1, 70), rows=SIDES, columns=SIDES)
def test_every_position_is_counted_once(height, width, tile, rows, columns):
    """Whatever the size of the map: smaller than the image, or larger."""
    grid = Grid((height, width), tile)
    counted, occupied = np.zeros((rows, columns), dtype=int), 0
    for at in grid:
        core = grid.core(at, (rows, columns))
        counted[slice(*core.rows), slice(*core.columns)] += 1
        occupied += not core.empty
    assert (counted == 1).all()
    assert occupied == grid.occupied((rows, columns))
    assert len(grid) == len(list(grid))


@settings(deadline=None)
@given(height=SIDES, width=SIDES, tile=st.integers(1, 70))
def test_tiles_are_no_larger_than_asked_and_nearly_of_one_size(height, width, tile):
    grid = Grid((height, width), tile)
    sizes = [grid.core(at, (height, width)).size for at in grid]
    for sides in zip(*sizes, strict=True):
        assert max(sides) <= tile
        assert max(sides) - min(sides) <= 1


def test_edges_of_a_map_follow_those_of_the_pixels():
    grid = Grid((64, 40), 16)
    assert grid.counts == (4, 3)
    assert grid.core((1, 2), (64, 40)) == Region(Interval(16, 32), Interval(26, 40))
    assert grid.core((1, 2), (16, 10)) == Region(Interval(4, 8), Interval(6, 10))
    assert grid.core((0, 0), (2, 2)) == Region(Interval(0, 0), Interval(0, 0))


@pytest.mark.parametrize("tile", [64, 1000])
def test_an_image_no_larger_than_the_tile_is_one_tile(tile):
    grid = Grid((64, 40), tile)
    assert list(grid) == [(0, 0)]
    assert grid.core((0, 0), (7, 5)) == Region(Interval(0, 7), Interval(0, 5))
