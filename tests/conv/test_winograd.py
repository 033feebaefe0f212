"""Minimal filtering: its rationals, its rounding, and the native operator that does it."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from conftest import assert_close
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from gramstyle import kernels
from gramstyle.conv import conv2d
from gramstyle.conv.transforms import POINTS, transforms
from gramstyle.conv.winograd import minimal

rationals = st.fractions(-9, 9, max_denominator=9)


@given(st.integers(1, 6), st.integers(1, 3), st.data())
def test_rationals_give_the_correlation_exactly(outputs, taps, data):
    kernel = data.draw(st.lists(rationals, min_size=taps, max_size=taps))
    size = outputs + taps - 1
    values = data.draw(st.lists(rationals, min_size=size, max_size=size))
    output, g, b = (np.array(matrix, dtype=object) for matrix in transforms(outputs, taps))
    found = output @ ((g @ np.array(kernel)) * (b @ np.array(values)))
    assert found.tolist() == [
        sum((kernel[k] * values[p + k] for k in range(taps)), Fraction(0)) for p in range(outputs)
    ]
    assert g.shape == (size, taps)  # products: one a value


def test_the_transforms_of_f23_are_those_of_winograd():
    """Lavin and Gray 2016, section 4.1: y0 = m1 + m2 + m3, y1 = m2 - m3 - m4, to the signs of a product."""
    output, kernel, _ = transforms(2, 3)
    assert [[abs(value) for value in row] for row in output] == [[1, 1, 1, 0], [0, 1, 1, 1]]
    assert [sum(abs(value) for value in row) for row in kernel] == [1, Fraction(3, 2), Fraction(3, 2), 1]


@pytest.mark.parametrize(("outputs", "taps"), [(0, 3), (3, 0), (7, 3), (len(POINTS) + 2, 1 + 1)])
def test_more_values_than_points_are_refused(outputs, taps):
    with pytest.raises(ValueError, match="outputs and taps must be"):
        transforms(outputs, taps)


def test_rounding_grows_with_the_tile():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 64, 36, 36, generator=generator)
    weight = torch.randn(16, 64, 3, 3, generator=generator)
    exact = functional.conv2d(x.double(), weight.double())
    errors = []
    for outputs in (2, 4, 6):
        geometry = _geometry(x, weight)
        found = minimal(outputs, x, weight, geometry)
        errors.append(float((found - exact).norm() / exact.norm()))
    definition = float((functional.conv2d(x, weight) - exact).norm() / exact.norm())
    assert definition < errors[0] < errors[1] < errors[2] < 1e-4


def _geometry(x, weight):
    from gramstyle.conv.geometry import geometry_of

    return geometry_of(x, weight, None, 1, 0, 1, 1, "zeros", 2)


@pytest.mark.skipif(not kernels.available(), reason="the native half was not built")
def test_the_operator_of_the_networks_is_taken_where_it_can(monkeypatch):
    calls = []
    real = kernels.winograd
    monkeypatch.setattr(kernels, "winograd", lambda *given: calls.append(1) or real(*given))
    x, weight = torch.rand(1, 4, 9, 9), torch.rand(5, 4, 3, 3)
    expected = functional.conv2d(x, weight, padding=1)
    assert_close(conv2d(x, weight, padding=1, algorithm="winograd4"), expected, tolerance=1e-5)
    assert len(calls) == 1
    for changes in ({"padding_mode": "reflect"}, {"groups": 1, "padding": "same", "dilation": 1}):
        conv2d(x, weight, **{"padding": 1} | changes, algorithm="winograd4")
    assert len(calls) == 2  # of reflected borders it knows nothing
