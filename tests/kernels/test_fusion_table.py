"""Which convolutions fuse on CUDA: the predicate, its limits, and what is on by default."""

import re
from pathlib import Path

import pytest
import torch

from gramstyle.kernels import choice, conv_gram_is_fused, fusible, fusion, gram_is_native

ROOT = Path(__file__).parents[2]
HALF = torch.bfloat16


@pytest.mark.parametrize(
    ("weight", "path"),
    [
        ((64, 3, 3, 3), "registers"),  # VGG's first layer
        ((32, 3, 3, 3), "registers"),  # MobileNetV2's
        ((96, 16, 1, 1), "shared"),  # expansions of MobileNetV2
        ((144, 24, 1, 1), "shared"),
        ((384, 64, 1, 1), None),  # more outputs than a block's sums have room for
        ((64, 64, 3, 3), None),  # VGG's second layer: cuDNN is faster
        ((64, 3, 7, 7), None),  # ResNet's first: 147 products
        ((256, 64, 1, 1), "shared"),
        ((64, 64, 1, 1), "registers"),
    ],
)
def test_layers_that_people_tap(weight, path):
    assert fusible(HALF, weight, 1) == path
    assert fusible(torch.float16, weight, 1) == path
    assert fusible(torch.float32, weight, 1) is None
    assert fusible(torch.float64, weight, 1) is None
    assert fusible(HALF, weight, 3) is None


@pytest.mark.parametrize(
    ("name", "constant"),
    [
        ("kMostProducts", "MOST_PRODUCTS"),
        ("kMostInRegisters", "MOST_IN_REGISTERS"),
        ("kMostFused", "MOST_OUTPUTS"),
    ],
)
def test_limits_are_those_of_the_kernels(name, constant):
    header = (ROOT / "csrc/include/gramstyle/cuda/conv_gram.h").read_text()
    (value,) = re.findall(rf"constexpr int {name} = (\d+);", header)
    assert getattr(fusion, constant) == int(value)


def test_nothing_is_on_by_default_before_it_was_measured(monkeypatch):
    assert frozenset() == fusion.PAYING
    assert fusion.GRAM_PAYS is False
    assert gram_is_native("auto", torch.device("cuda")) is False
    x, weight = torch.ones(1, 3, 4, 4, dtype=HALF), torch.ones(64, 3, 3, 3, dtype=HALF)
    monkeypatch.setattr(choice, "gram_is_native", lambda kernel, device: True)
    on_cuda = type("Map", (), {"device": torch.device("cuda"), "dtype": HALF})()
    assert conv_gram_is_fused("auto", on_cuda, weight, 1) is False
    monkeypatch.setattr(fusion, "PAYING", frozenset({"registers"}))
    assert conv_gram_is_fused("auto", on_cuda, weight, 1) is True
    assert conv_gram_is_fused("auto", on_cuda, torch.ones(96, 3, 3, 3, dtype=HALF), 1) is False
    assert conv_gram_is_fused("auto", x, weight, 1) is True


def test_measured_kernels_are_chosen_where_their_half_is_there(monkeypatch):
    monkeypatch.setattr(fusion, "GRAM_PAYS", True)
    for there, capability in ((True, (8, 0)), (True, (12, 0)), (True, (7, 5)), (False, (9, 0))):
        monkeypatch.setattr(choice, "available", lambda device, there=there: there and device == "cuda")
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, its=capability: its)
        assert gram_is_native("auto", torch.device("cuda")) is (there and capability >= (8, 0))
        assert gram_is_native("auto", torch.device("mps")) is False
