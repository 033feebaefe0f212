"""Networks that are drawn, not loaded: seeds, global state, and the published initialisations."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import torch

from gramstyle import weights
from gramstyle.extract import Extractor, backbone, network


def build(text, taps=("stem",), **options):
    return Extractor(text, list(taps), device="cpu", **options)


def tensors(extractor):
    return list(extractor.trunk.state_dict().values())


def test_a_seed_says_which_network():
    first, again, other = build("resnet18@random:3"), build("resnet18@random:3"), build("resnet18@random:4")
    assert all(torch.equal(a, b) for a, b in zip(tensors(first), tensors(again), strict=True))
    assert first.identity == again.identity
    assert first.identity.name == "random:3"
    assert first.identity.sha256 != other.identity.sha256
    assert not torch.equal(tensors(first)[0], tensors(other)[0])
    assert "seed 3" in first.identity.source
    assert torch.__version__ in first.identity.source


def test_random_is_seed_0():
    assert build("resnet18@random").identity == build("resnet18@random:0").identity


def test_identity_is_that_of_the_tensors_in_float32():
    one = build("resnet18@random")
    assert one.identity.sha256 == weights.digest(one.trunk.state_dict())
    assert (
        build("resnet18@random", dtype=torch.bfloat16, memory_format="channels_last").identity == one.identity
    )


@pytest.mark.parametrize("name", ["resnet18@random:5", "timm:test_efficientnet@random:5"])
def test_the_global_random_state_is_left_alone_and_not_read(name, monkeypatch):
    for other in (torch.cuda, torch.mps):  # whose generators fork_rng would not put back
        for function in ("manual_seed", "manual_seed_all"):
            if hasattr(other, function):
                monkeypatch.setattr(other, function, lambda *_: pytest.fail("seeded another device"))
    states = []
    for seed in (1, 2):
        torch.default_generator.manual_seed(seed)
        before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
        states.append(Extractor(name, device="cpu").identity.sha256)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert np.random.get_state()[1].tolist() == before[1]
        assert random.getstate() == before[2]
    assert states[0] == states[1]


def test_the_users_default_type_does_not_matter():
    expected = build("resnet18@random").identity
    torch.set_default_dtype(torch.float64)
    try:
        found = build("resnet18@random")
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert (found.identity, found.dtype) == (expected, torch.float32)


def kaiming_normal_fan_out(weight):
    return math.sqrt(2 / (weight.shape[0] * weight[0, 0].numel()))


def tensorflow_fan_out(weight):
    """As `kaiming_normal_fan_out`: of a depthwise convolution, each filter has one output."""
    return math.sqrt(2 / ((1 if weight.shape[1] == 1 else weight.shape[0]) * weight[0, 0].numel()))


@pytest.mark.parametrize(
    ("name", "taps", "published"),
    [
        ("resnet18", ("layer2_0",), kaiming_normal_fan_out),
        ("mobilenet_v2", ("block6",), kaiming_normal_fan_out),
        ("efficientnet_b0", ("block4",), kaiming_normal_fan_out),
        ("efficientnet_lite0", ("block4",), tensorflow_fan_out),
        ("vgg16", ("conv2_2",), kaiming_normal_fan_out),
    ],
)
def test_convolutions_have_the_published_spread(name, taps, published):
    """He et al. 2015, by outputs, as each library writes it; checked to 5 standard errors."""
    spec = backbone(name)
    chosen = [tap for tap in spec.taps if tap.name in taps]
    trunk = network.build_random(spec, chosen, 0, "zeros")
    spatial = 0
    for module in trunk.modules():
        if isinstance(module, torch.nn.Conv2d) and module.weight.numel() >= 800:
            if type(module).__name__ == "Conv2d" and module.groups > 1 and name == "efficientnet_b0":
                continue  # few numbers, and torchvision counts the outputs of all filters
            got, expected = float(module.weight.std()), published(module.weight)
            if name != "efficientnet_lite0" and module.groups > 1:
                expected = math.sqrt(2 / (module.weight.shape[0] * 9))
            assert abs(got / expected - 1) < 5 / math.sqrt(2 * module.weight.numel()), (module, got, expected)
            assert abs(float(module.weight.mean())) < 5 * expected / math.sqrt(module.weight.numel())
            spatial += 1
        if isinstance(module, torch.nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert (module.bias == 0).all()
            assert (module.running_mean == 0).all()
            assert (module.running_var == 1).all()
    assert spatial >= 3
    assert not any(p.requires_grad for p in trunk.parameters())


def test_random_weights_equal_those_of_the_library_under_that_seed():
    import torchvision

    state = torch.get_rng_state()
    try:
        torch.default_generator.manual_seed(11)
        plain = torchvision.models.resnet18(weights=None).state_dict()
    finally:
        torch.set_rng_state(state)
    found = build("resnet18@random:11", ["layer4_1"]).trunk.state_dict()
    assert all(torch.equal(one, plain[name]) for name, one in found.items())
    assert set(plain) - set(found) == {"fc.weight", "fc.bias"}
