"""Adjusted p against hand calculation, statsmodels, and loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gramstyle.study.multiplicity import holm, max_t


def test_holm_by_hand():
    """Holm 1979: 4, 3, 2, 1 times the sorted p, never decreasing, at most 1."""
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]).tolist() == [1, 1]
    assert holm([0.2]).tolist() == [0.2]
    assert holm([]).tolist() == []


@pytest.mark.parametrize("size", [2, 9, 30])
def test_holm_against_statsmodels(size):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p_values = np.random.default_rng(size).random(size) ** 3
    expected = multitest.multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(p_values), expected)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=7), st.integers(1, 7))
def test_holm_rejects_what_its_steps_reject(eighths, alpha):
    """The smallest against alpha / m, the next against alpha / (m - 1), until one stands."""
    p_values, level = [one / 8 for one in eighths], alpha / 8
    rejected, left = set(), sorted(range(len(p_values)), key=p_values.__getitem__)
    while left and p_values[left[0]] * len(left) <= level:
        rejected.add(left.pop(0))
    assert {place for place, one in enumerate(holm(p_values)) if one <= level} == rejected


def test_max_t_by_loops():
    draw = np.random.default_rng(0)
    null = draw.standard_normal((199, 5)) + draw.standard_normal((199, 1))
    observed = np.array([2.5, -0.3, 1.4, 3.1, 1.2])
    found = max_t(observed, null)
    smallest = 0.0
    order = [3, 0, 2, 4, 1]
    for step, layer in enumerate(order):
        rest = order[step:]
        reached = sum(max(row[one] for one in rest) >= observed[layer] for row in null)
        smallest = max(smallest, (1 + reached) / 200)
        assert found[layer] == pytest.approx(smallest)


def test_layers_that_say_the_same_cost_nothing():
    null = np.random.default_rng(1).standard_normal((99, 1))
    one = max_t([1.5], null)
    assert max_t([1.5] * 4, np.repeat(null, 4, axis=1)).tolist() == [one[0]] * 4


@pytest.mark.parametrize("p_values", [[0.5, 1.2], [-0.1], [float("nan")]])
def test_holm_refuses_what_is_no_p(p_values):
    with pytest.raises(ValueError, match="p_values must be between 0 and 1, got"):
        holm(p_values)
    with pytest.raises(ValueError, match=r"p_values must be \(M,\), got shape \(1, 1\)"):
        holm([[0.1]])


def test_max_t_refuses_what_does_not_fit():
    with pytest.raises(
        ValueError, match=r"permuted must be \(B, M\) for observed \(M,\), got \(9, 2\) and \(3,\)"
    ):
        max_t(np.ones(3), np.ones((9, 2)))
    with pytest.raises(ValueError, match="must be numbers, got NaN"):
        max_t([np.nan], np.ones((9, 1)))
