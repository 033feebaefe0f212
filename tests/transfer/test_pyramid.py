"""Scales from coarse to fine."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gramstyle.transfer.pyramid import scales


def test_the_published_scales():
    assert scales(512, 128) == (128, 181, 256, 362, 512)
    assert scales(1024, 128)[-2:] == (724, 1024)
    assert scales(2048, 128)[-2:] == (1448, 2048)


@given(largest=st.integers(1, 5000), smallest=st.integers(1, 5000))
def test_each_scale_is_larger_by_the_root_of_two(largest, smallest):
    found = scales(largest, smallest)
    assert found[-1] == largest
    assert all(a < b for a, b in pairwise(found))
    assert all(abs(b / a - 2**0.5) <= 1.5 / a for a, b in pairwise(found))
    if largest >= smallest:
        assert found[0] >= smallest
        below = round(largest / 2 ** (len(found) / 2))
        assert below < smallest or below >= found[0]  # nothing more would fit
    else:
        assert found == (largest,)


@pytest.mark.parametrize("sides", [(0, 128), (512, 0), (-1, 4)])
def test_sides_are_positive(sides):
    with pytest.raises(ValueError, match="must be greater than 0"):
        scales(*sides)
