"""Distances at several taps as one."""

import math
import re

import pytest
import torch
from conftest import assert_close

from gramstyle import StyleError, UnknownNameError
from gramstyle.distance import Combine, combine

ONE = {"a": torch.tensor([3.0, 0.0]), "b": torch.tensor([4.0, 1.0])}
EQUAL = {"a": 1.0, "b": 1.0}


@pytest.mark.parametrize(
    ("rule", "weights", "expected"),
    [
        ("mean", EQUAL, [3.5, 0.5]),
        ("sum", EQUAL, [7, 1]),
        ("root-sum-squares", EQUAL, [5, 1]),
        ("mean", {"a": 3.0, "b": 1.0}, [13 / 4, 1 / 4]),
        ("sum", {"a": 3.0, "b": 1.0}, [13, 1]),
        ("root-sum-squares", {"a": 4.0, "b": 0.25}, [math.sqrt(40), 0.5]),
        ("mean", {"a": 0.0, "b": 2.0}, [4, 1]),
    ],
)
def test_rules(rule, weights, expected):
    assert_close(combine(ONE, weights, Combine(rule)), expected, tolerance=1e-6)
    assert_close(combine(ONE, weights, rule), expected, tolerance=1e-6)


def test_order_of_weights_is_by_name():
    assert_close(combine(ONE, {"b": 10.0, "a": 1.0}, Combine.SUM), [43.0, 10.0])


def test_one_tap_is_itself():
    for rule in Combine:
        assert combine({"a": torch.tensor([3.0])}, {"a": 1.0}, rule).tolist() == [3]


def test_mean_does_not_depend_on_the_scale_of_weights():
    big = {"a": 3e6, "b": 1e6}
    assert_close(combine(ONE, big, Combine.MEAN), [13 / 4, 1 / 4], tolerance=1e-6)


def test_tables_combine_entry_by_entry(generator):
    a, b = torch.rand(2, 3, 4, generator=generator, dtype=torch.float64)
    weights = {"a": 2.0, "b": 5.0}
    assert_close(combine({"a": a, "b": b}, weights, Combine.SUM), 2 * a + 5 * b)
    assert_close(combine({"a": a, "b": b}, weights, Combine.ROOT_SUM_SQUARES), (2 * a**2 + 5 * b**2).sqrt())


@pytest.mark.parametrize("rule", list(Combine))
def test_gradient(rule):
    a, b = torch.tensor([[3.0], [4.0]], dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a, b: combine({"a": a, "b": b}, {"a": 2.0, "b": 3.0}, rule), (a, b)
    )


def test_gradient_at_zero_is_zero():
    a = torch.zeros(1, requires_grad=True)
    combine({"a": a}, {"a": 1.0}, Combine.ROOT_SUM_SQUARES).backward()
    assert a.grad.tolist() == [0]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"a": 1.0}, "tap weights must be given for exactly the taps a, b; got a"),
        ({"a": 1.0, "b": 1.0, "c": 1.0}, "exactly the taps a, b; got a, b, c"),
        ({"a": 1.0, "b": -2.0}, "tap weights must be 0 or more and finite, got {'b': -2.0}"),
        ({"a": math.nan, "b": 1.0}, "tap weights must be 0 or more and finite, got {'a': nan}"),
        ({"a": math.inf, "b": 1.0}, "tap weights must be 0 or more and finite, got {'a': inf}"),
        ({"a": 0.0, "b": 0.0}, "at least one tap weight must be greater than 0, got only zeros"),
    ],
)
def test_weights_are_checked(weights, message):
    for rule in Combine:
        with pytest.raises(StyleError, match=re.escape(message)):
            combine(ONE, weights, rule)


def test_a_rule_that_does_not_exist():
    with pytest.raises(UnknownNameError, match=r"rule must be one of: mean, .*; got 'means'"):
        combine(ONE, EQUAL, "means")
