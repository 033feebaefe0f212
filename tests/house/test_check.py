"""Complaints: the argument, what it must be, what it was."""

from __future__ import annotations

import re
from enum import Enum

import pytest
import torch

from gramstyle import check
from gramstyle.errors import UnknownNameError


class Colour(Enum):
    RED = "red"
    GREEN = "green"


def test_names_come_nearest_first_and_ties_keep_their_order():
    assert check.nearest_first("vgg18", ["resnet18", "vgg16", "x", "vgg19"])[:2] == ["vgg16", "vgg19"]
    assert check.nearest_first("zzz", ["b", "a"]) == ["b", "a"]
    assert check.nearest_first("VGG16", ["resnet", "vgg16"])[0] == "vgg16"


def test_name_in():
    assert check.name_in("colour", "red", ("red", "green")) == "red"
    with pytest.raises(UnknownNameError) as caught:
        check.name_in("colour", "gren", iter(("red", "green")), hint="or any other")
    message = str(caught.value)
    assert message.startswith("colour must be one of: green, red")
    assert "got 'gren'" in message
    assert "or any other" in message
    assert isinstance(caught.value, ValueError)


def test_member():
    assert check.member({one.value: one for one in Colour}, "colour", "green") is Colour.GREEN
    assert check.member({one.value: one for one in Colour}, "colour", Colour.RED) is Colour.RED
    with pytest.raises(UnknownNameError, match="colour must be one of: green, red; got 'greem'"):
        check.member({one.value: one for one in Colour}, "colour", "greem")


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([1.0], TypeError, "x must be a torch.Tensor, got list"),
        (torch.zeros(1, 2, 3, 4, dtype=torch.int64), TypeError, "x must be floating point, got torch.int64"),
        (torch.zeros(2, 3, 4), ValueError, "x must be (B, C, H, W), got shape (2, 3, 4)"),
        (
            torch.zeros(1, 0, 3, 4),
            ValueError,
            "x must have at least one channel and one position, got shape (1, 0, 3, 4)",
        ),
        (
            torch.zeros(1, 2, 3, 0),
            ValueError,
            "at least one channel and one position, got shape (1, 2, 3, 0)",
        ),
    ],
)
def test_feature_map(value, error, message):
    with pytest.raises(error, match=re.escape(message)):
        check.feature_map(value, "x")


def test_a_feature_map_is_returned_as_it_is():
    x = torch.zeros(0, 1, 1, 1, dtype=torch.float16)
    assert check.feature_map(x) is x


def test_finite_counts():
    x = torch.tensor([[1.0, float("nan"), float("inf")], [float("-inf"), float("nan"), 0.0]])
    with pytest.raises(
        ValueError, match=re.escape("x must be finite, got 2 NaN and 2 infinite values in (2, 3)")
    ):
        check.finite(x, "x")
    good = torch.tensor([1.0, torch.finfo(torch.float32).max])
    assert check.finite(good, "x") is good
    overflowing = torch.full((3,), torch.finfo(torch.float32).max)
    assert check.finite(overflowing, "x") is overflowing


def test_one_of_type():
    check.one_of_type("x", 1, int, str)
    with pytest.raises(TypeError, match="x must be int or str, got float"):
        check.one_of_type("x", 1.0, int, str)


@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_positive(value):
    with pytest.raises(ValueError, match=f"n must be greater than 0, got {value}"):
        check.positive("n", value)
    assert check.positive("n", 0.5) == 0.5
