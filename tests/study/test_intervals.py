"""Intervals, differences and ranges against hand calculation."""

from __future__ import annotations

import numpy as np
import pytest
from study.planted import corpus

from gramstyle.errors import StyleError
from gramstyle.study.intervals import interval, leave_one_style_out, paired_difference
from gramstyle.study.labels import Labels
from gramstyle.study.separation import separation


def test_percentiles_by_hand():
    """0, 1, ..., 100: the 5th and the 95th are themselves."""
    found = interval(np.random.default_rng(0).permutation(np.arange(101.0)), level=0.9)
    assert (found.low, found.high) == pytest.approx((5, 95))
    assert (found.level, found.draws, found.dropped) == (0.9, 101, 0)


def test_draws_without_pairs_are_dropped_and_counted():
    draws = np.append(np.arange(101.0), [np.nan] * 7)
    found = interval(draws, level=0.9)
    assert (found.low, found.high, found.draws, found.dropped) == (
        pytest.approx(5),
        pytest.approx(95),
        101,
        7,
    )


@pytest.mark.parametrize(
    ("draws", "ends"),
    [
        ([1.0] * 50 + [np.inf] * 51, (1, np.inf)),
        ([np.inf] * 9, (np.inf, np.inf)),
        ([-np.inf] * 50 + [2.0] * 51, (-np.inf, 2)),
    ],
)
def test_infinite_draws_have_ends(draws, ends):
    """Contrast where nothing lies between the images of a style."""
    found = interval(np.array(draws))
    assert (found.low, found.high) == ends
    assert found.draws == len(draws)


def test_differences_of_infinite_draws_are_dropped():
    one, other = np.array([np.inf, np.inf, 1.0, 2.0]), np.array([np.inf, 0.0, 0.0, 0.0])
    found = paired_difference(np.inf, 0.5, one, other)
    assert (found.value, found.interval.draws, found.interval.dropped) == (np.inf, 3, 1)


def test_it_follows_monotone_transforms():
    draws = np.random.default_rng(1).random(1001)
    plain, logs = interval(draws, 0.9), interval(np.log(draws), 0.9)
    assert (logs.low, logs.high) == pytest.approx((np.log(plain.low), np.log(plain.high)))


@pytest.mark.parametrize(
    ("apart", "p"),
    [
        ([1.0] * 19, 2 / 20),
        ([-1.0] * 199, 2 / 200),
        ([1.0] * 15 + [-1.0] * 4, 10 / 20),
        ([0.0] * 19, 1.0),
        ([1.0, -1.0], 1.0),
        ([1.0] * 18 + [0.0], 4 / 20),
        ([1.0] * 19 + [np.nan] * 4, 2 / 20),
    ],
)
def test_p_of_a_difference_by_hand(apart, p):
    other = np.linspace(0, 1, len(apart))
    found = paired_difference(0.75, 0.5, other + np.array(apart), other)
    assert found.value == 0.25
    assert found.p == pytest.approx(p)


def test_a_difference_is_of_paired_draws():
    draw = np.random.default_rng(2)
    noise = draw.standard_normal(500)
    found = paired_difference(0, 0, noise + 0.1, noise, level=0.8)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.1, 0.1))
    back = paired_difference(0, 0, noise, noise + 0.1 + 0.01 * draw.standard_normal(500))
    assert back.interval.high < 0


def test_leaving_each_style_out_by_hand():
    matrix, labels = corpus(np.random.default_rng(3), 4, 3, style=1.0)
    values = []
    for style in range(4):
        rows = [row for row in range(12) if row // 3 != style]
        values.append(separation(matrix[np.ix_(rows, rows)], [labels.styles[row] for row in rows]).auc)
    found = leave_one_style_out(matrix, labels, lambda part, names: separation(part, names.styles).auc)
    assert found == (min(values), max(values))


def test_what_is_refused():
    with pytest.raises(ValueError, match="level must be between 0 and 1, got 95"):
        interval(np.ones(5), level=95)
    with pytest.raises(ValueError, match=r"draws must be \(B,\), got shape \(2, 2\)"):
        interval(np.ones((2, 2)))
    with pytest.raises(StyleError, match="no resample holds both near and far pairs"):
        interval(np.full(5, np.nan))
    with pytest.raises(ValueError, match=r"of the same resamples, got shapes \(4,\) and \(5,\)"):
        paired_difference(0, 0, np.ones(4), np.ones(5))
    with pytest.raises(StyleError, match="at least three styles, so that two are left; got 2"):
        leave_one_style_out(np.ones((4, 4)), Labels(styles=list("aabb")), lambda matrix, labels: 0.0)
