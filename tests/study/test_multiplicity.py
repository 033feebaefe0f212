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


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_against_statsmodels(p_values):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    expected = multitest.multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(p_values), expected)


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
