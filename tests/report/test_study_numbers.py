"""Numbers of a study as readers see them."""

from __future__ import annotations

import math

import pytest

from gramstyle.report.study import numbers


@pytest.mark.parametrize(
    ("show", "value", "text"),
    [
        (numbers.auc, 0.91234, "0.912"),
        (numbers.auc, 0.99999, ">0.999"),
        (numbers.auc, None, "–"),
        (numbers.auc, math.nan, "undefined"),
        (numbers.percent, 0.0512, "5.1 %"),
        (numbers.percent, math.inf, "infinite"),
        (numbers.percent, None, "–"),
        (numbers.plain, 0.012345, "0.0123"),
        (numbers.plain, 12544.4, "12,544"),
        (numbers.plain, -math.inf, "-infinite"),
        (numbers.signed, 0.0346, "+0.035"),
        (numbers.signed, -0.0001, "+0.000"),
        (numbers.signed, -0.25, "-0.250"),
        (numbers.signed, math.inf, "infinite"),
        (numbers.signed_percent, 0.1234, "+12.3 %"),
        (numbers.signed_percent, -math.inf, "-infinite"),
        (numbers.probability, 0.0001, "<0.001"),
        (numbers.probability, 0.0, "<0.001"),
        (numbers.probability, 0.05, "0.050"),
        (numbers.probability, 1.0, "1.000"),
        (numbers.probability, None, "–"),
        (numbers.probability, math.nan, "undefined"),
    ],
)
def test_numbers_in_words(show, value, text):
    assert show(value).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("low", "high", "side"),
    [
        (0.001, 0.1, 1),
        (0.0006, 0.1, 1),
        (0.0004, 0.1, 0),
        (-0.1, -0.0004, 0),
        (-0.1, -0.001, -1),
        (-0.1, 0.1, 0),
        (math.nan, math.nan, 0),
        (0.1, math.inf, 1),
    ],
)
def test_an_interval_leaves_out_zero_as_it_is_shown(low, high, side):
    assert numbers.side_of_zero(low, high) == side


def test_intervals_are_in_brackets_and_missing_where_one_end_is():
    assert numbers.interval(0.1, 0.25) == "[0.100, 0.250]"
    assert numbers.interval(None, 0.25) == "–"
    assert numbers.with_interval(0.2, 0.1, 0.25) == "0.200 [0.100, 0.250]"
    assert numbers.with_interval(0.2, None, None) == "0.200"
    assert numbers.with_interval(0.02, -0.01, 0.03, numbers.signed) == "+0.020 [-0.010, +0.030]"
