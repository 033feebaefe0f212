"""Rows of benchmarks: their jobs, and that what is timed is right."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import gramstyle
from gramstyle.bench import Machine, time_convolutions, time_descriptor, time_gram
from gramstyle.bench.gram import SHAPES
from gramstyle.bench.layers import as_module, layers_of
from gramstyle.errors import StyleError

MACHINE = Machine(processor="", threads=1, instructions="", flops=1e11, bandwidth=1e10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gram_rows(dtype):
    rows = list(time_gram(32, 2, dtype, MACHINE))
    assert [row.facts["channels"] for row in rows] == [channels for channels, _ in SHAPES]
    for row in rows:
        assert row.facts["error"] < 1e-6  # sums are float32 for either type
        assert set(row.seconds) == {"bmm", "bmm, channels-last", "native", "native, channels-last"}
        assert row.facts["roof"] > 0


@pytest.mark.parametrize("name", ["vgg16", "mobilenet_v2", "efficientnet_b0", "efficientnet_lite0"])
def test_layers_are_the_convolutions_of_the_network(name):
    """Operations as torch counts them, over a network whose taps are all there are."""
    layers = layers_of(f"{name}@random", 64)
    assert len({layer.key for layer in layers}) == len(layers)
    for layer in layers:
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            as_module(layer)(torch.zeros(layer.x))
        assert counter.get_total_flops() == layer.operations, layer.name


def test_convolution_rows():
    layers = layers_of("mobilenet_v2@random", 64)
    rows = list(time_convolutions([layers[0], layers[1], layers[3]], 1, MACHINE))
    for row in rows:
        assert row.facts["error"] < 1e-5
        assert {"eager", "channels-first", "channels-last", "fused", "auto"} <= set(row.seconds)
    assert [row.facts["choice"] for row in rows] == ["oneDNN, then Gram", "oneDNN, then Gram", "one pass"]
    (deep,) = time_convolutions(layers_of("vgg16@random", 32)[2:3], 1, MACHINE)
    assert deep.facts["choice"] == "Winograd, then Gram"
    assert deep.facts["error"] < 1e-5


def test_descriptor_row():
    generator = torch.Generator().manual_seed(0)
    images = [torch.rand(1, 3, 64, 64, generator=generator) ** power for power in (1, 2)]
    (row,) = time_descriptor(["mobilenet_v2@random"], images, 1)
    assert row.facts["taps"] == list(gramstyle.backbone("mobilenet_v2").default_taps)
    assert row.facts["error"] < 1e-5
    assert row.facts["distance_error"] < 1e-4
    assert row.facts["error"] < row.facts["bfloat16_error"] < 0.05
    assert set(row.seconds) == {
        "eager",
        "unfused",
        "auto",
        "auto, default memory",
        "auto, bfloat16",
        "auto, bfloat16, default memory",
    }


def test_other_networks_are_refused():
    with pytest.raises(StyleError, match="backbone must be one of the registry to be timed"):
        layers_of("timm:test_efficientnet@random", 64)
