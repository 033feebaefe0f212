"""Crops that share a source and no pixel."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gramstyle.corpus import disjoint_crops
from gramstyle.errors import StyleError


@settings(max_examples=80, deadline=None)
@given(
    size=st.integers(1, 9), gap=st.integers(0, 5), rows=st.integers(1, 4), columns=st.integers(1, 4),
    more=st.tuples(st.integers(0, 6), st.integers(0, 6)),
)  # fmt: skip
def test_crops_are_disjoint_slices_inside_the_image_with_the_gap_between(size, gap, rows, columns, more):
    height, width = rows * size + (rows - 1) * gap + more[0], columns * size + (columns - 1) * gap + more[1]
    pixels = torch.arange(3 * height * width, dtype=torch.float64).reshape(3, height, width)
    crops = disjoint_crops(pixels, size, gap, rows, columns)
    assert len(crops) == rows * columns
    used = torch.zeros(height, width)
    for crop in crops:
        assert crop.pixels.shape == (3, size, size)
        assert crop.top >= 0
        assert crop.left >= 0
        assert torch.equal(crop.pixels, pixels[:, crop.top : crop.top + size, crop.left : crop.left + size])
        used[crop.top : crop.top + size, crop.left : crop.left + size] += 1
    assert used.max() == 1
    tops, lefts = sorted({crop.top for crop in crops}), sorted({crop.left for crop in crops})
    assert len(tops) == rows
    assert len(lefts) == columns
    assert all(b - a == size + gap for line in (tops, lefts) for a, b in pairwise(line))
    # around the middle
    assert abs(tops[0] - (height - tops[-1] - size)) <= 1
    assert abs(lefts[0] - (width - lefts[-1] - size)) <= 1


def test_four_crops_of_128_pixels_32_apart_by_default():
    crops = disjoint_crops(torch.zeros(3, 300, 288))
    assert [(crop.top, crop.left) for crop in crops] == [(6, 0), (6, 160), (166, 0), (166, 160)]


@pytest.mark.parametrize(("height", "width"), [(287, 400), (400, 287)])
def test_an_image_one_pixel_too_small_is_refused(height, width):
    disjoint_crops(torch.zeros(3, 288, 288))
    with pytest.raises(
        StyleError,
        match=rf"2 x 2 crops of 128 pixels, 32 apart, need an image of 288 x 288; got {height} x {width}",
    ):
        disjoint_crops(torch.zeros(3, height, width))


def test_arguments_are_checked():
    pixels = torch.zeros(3, 32, 32)
    for name in ("size", "rows", "columns"):
        with pytest.raises(ValueError, match=f"{name} must be greater than 0, got 0"):
            disjoint_crops(pixels, **{"size": 4, name: 0})
    with pytest.raises(ValueError, match="gap must be 0 or more, got -1"):
        disjoint_crops(pixels, 4, -1)
    with pytest.raises(ValueError, match=r"pixels must be \(3, H, W\), got shape \(2, 3, 32, 32\)"):
        disjoint_crops(torch.zeros(2, 3, 32, 32), 4, 1)
