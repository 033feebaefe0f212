"""Convolutions that pad as TensorFlow does, and the epsilon of normalisations."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from extract.plain_networks import lively_state, plain_network
from torch import nn
from torch.nn import functional

from gramstyle import weights
from gramstyle.extract import backbone, network


def pad_by_the_book(x, kernel, stride):
    """TensorFlow's SAME: ceil(n / s) positions, what is missing split in two, the odd pixel after."""
    sides = []
    for length in (x.shape[3], x.shape[2]):
        positions = (length + stride - 1) // stride
        total = max((positions - 1) * stride + kernel - length, 0)
        sides += [total // 2, total - total // 2]
    return functional.pad(x, sides)


@pytest.fixture(scope="module")
def keras():
    """MobileNetV2 as the KERAS weights need it, with lively values."""
    spec = backbone("mobilenet_v2")
    row = weights.entry("mobilenet_v2", "KERAS")
    taps = [
        tap for tap in spec.taps if tap.name in ("stem", "block2_depthwise", "block2", "block4_depthwise")
    ]
    trunk = network.build(spec, taps, row)
    state = lively_state(plain_network(spec))
    network.load(trunk, state, spec, "here")
    return trunk, state, taps


@pytest.mark.parametrize("size", [(32, 32), (33, 33), (32, 33), (35, 46), (7, 8)])
def test_the_whole_network_pads_by_the_book(keras, size):
    trunk, state, taps = keras
    plain = plain_network(backbone("mobilenet_v2"))
    plain.load_state_dict(state, assign=True)
    strided = 0
    for module in plain.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
            module.padding = (0, 0)
            module.register_forward_pre_hook(
                lambda m, x: pad_by_the_book(x[0], m.kernel_size[0], m.stride[0])
            )
            strided += 1
    assert strided == 5
    from extract.plain_networks import hooked

    x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    expected = hooked(plain, {tap.module for tap in taps}, x)
    found = trunk(x)
    for tap in taps:
        torch.testing.assert_close(found[tap.name], expected[tap.module], rtol=1e-4, atol=1e-4)
        assert found[tap.name].shape[2:] == tuple(-(-side // tap.reduction) for side in size)


def test_symmetric_padding_gives_something_else_on_even_sizes(keras):
    """So that the test above could fail."""
    trunk, state, taps = keras
    spec = backbone("mobilenet_v2")
    symmetric = network.build(spec, taps, replace(weights.entry("mobilenet_v2", "KERAS"), same_padding=False))
    network.load(symmetric, state, spec, "here")
    even, odd = (
        torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)) for side in (32, 33)
    )
    assert not torch.allclose(trunk(even)["stem"], symmetric(even)["stem"], atol=1e-2)
    torch.testing.assert_close(trunk(odd)["stem"], symmetric(odd)["stem"])


def test_every_normalisation_has_the_epsilon_of_the_weights(keras):
    epsilons = {one.eps for one in keras[0].modules() if isinstance(one, nn.BatchNorm2d)}
    assert epsilons == {1e-3}
    spec = backbone("mobilenet_v2")
    plain = network.build(spec, spec.taps)
    assert {one.eps for one in plain.modules() if isinstance(one, nn.BatchNorm2d)} == {1e-5}
    lite = backbone("efficientnet_lite0")
    trunk = network.build(lite, lite.taps[:6], weights.entry("efficientnet_lite0", "GOOGLE"))
    assert {one.eps for one in trunk.modules() if isinstance(one, nn.BatchNorm2d)} == {1e-3}


def test_weights_without_special_needs_leave_the_network_alone():
    spec = backbone("mobilenet_v2")
    trunk = network.build(spec, spec.taps, weights.entry("mobilenet_v2", "IMAGENET1K_V1"))
    assert {type(one).__name__ for one in trunk.modules() if isinstance(one, nn.Conv2d)} == {"Conv2d"}
