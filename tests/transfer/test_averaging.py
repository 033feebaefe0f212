"""Exponential averages, against the sum that they are."""

import pytest
import torch
from conftest import assert_close

from gramstyle.transfer.averaging import Average


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
def test_values_weigh_less_with_age(decay, generator):
    values = torch.rand(12, 3, generator=generator, dtype=torch.float64)
    average = Average(decay)
    for one in values:
        average.add(one)
    weights = torch.tensor([decay ** (11 - at) for at in range(12)], dtype=torch.float64)
    assert_close(average.value, (weights[:, None] * values).sum(0) / weights.sum())


def test_the_average_of_equal_values_is_that_value():
    average = Average(0.9)
    for _ in range(5):
        average.add(torch.full((2,), 0.25))
        assert_close(average.value, torch.full((2,), 0.25))


def test_a_restored_average_goes_on_to_the_same_bits(generator):
    values = torch.rand(9, 4, generator=generator)
    whole, first, second = Average(0.9), Average(0.9), Average(0.9)
    for one in values:
        whole.add(one)
    for one in values[:5]:
        first.add(one)
    second.restore(first.state())
    for one in values[5:]:
        second.add(one)
    assert torch.equal(second.value, whole.value)


def test_an_average_of_nothing_and_a_wrong_decay():
    with pytest.raises(RuntimeError, match="an average of no values"):
        _ = Average(0.5).value
    for decay in (-0.1, 1.0):
        with pytest.raises(ValueError, match="decay must be at least 0 and below 1"):
            Average(decay)
