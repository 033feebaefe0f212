"""Every tap of every backbone, against the network as its library builds and runs it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from extract.plain_networks import hooked, plain_network

from gramstyle.extract import Extractor, backbone, backbones, network
from gramstyle.types import IDENTITY

NAMES = [spec.name for spec in backbones()]


def every_tap(name):
    return [tap.name for tap in backbone(name).taps]


@pytest.mark.parametrize("name", NAMES)
def test_taps_are_what_hooks_on_the_plain_network_see(name, lively, lively_file):
    """Values, and the order of depth: the order in which the plain network has them ready.

    They are bit-equal but for a BLAS whose rounding depends on where an array begins, as MKL's on AMD does.
    """
    from safetensors.torch import load_file

    spec = backbone(name)
    extractor = lively(
        name, every_tap(name), normalization=IDENTITY, memory_format="contiguous", kernel="reference"
    )
    plain = plain_network(spec)
    if not spec.computed:
        plain.load_state_dict(load_file(lively_file(name)), strict=False, assign=True)
    x = torch.rand(1, 3, 33, 51, generator=torch.Generator().manual_seed(0))
    expected = hooked(plain, {tap.module for tap in spec.taps}, x)
    found = extractor(x)
    assert list(expected) == [tap.module for tap in spec.taps]
    assert list(found) == every_tap(name)
    for tap in spec.taps:
        apart = (found[tap.name] - expected[tap.module]).abs().max()
        assert apart <= 1e-6 * expected[tap.module].abs().max(), tap
        assert found[tap.name].std() > 0, f"{tap} is constant: this comparison could not fail"


@pytest.mark.parametrize("size", [(64, 96), (97, 131), (33, 250)])
@pytest.mark.parametrize("name", NAMES)
def test_channels_and_reductions_are_those_declared(name, size):
    """Networks of strided convolutions round sizes up; pooling of the VGG networks rounds down."""
    spec = backbone(name)
    trunk = network.build(spec, spec.taps)
    found = trunk(torch.empty(2, 3, *size, device="meta"))
    down = name.startswith("vgg")
    for tap in spec.taps:
        height, width = (side // tap.reduction if down else -(-side // tap.reduction) for side in size)
        assert tuple(found[tap.name].shape) == (2, tap.channels, height, width), tap


@pytest.mark.parametrize("name", NAMES)
def test_reductions_never_shrink_with_depth(name):
    reductions = [tap.reduction for tap in backbone(name).taps]
    assert reductions == sorted(reductions)


@pytest.mark.parametrize("name", NAMES)
def test_scale_taps_exist_one_per_resolution(name):
    spec = backbone(name)
    taps = {tap.name: tap for tap in spec.taps}
    scales = [taps[tap] for tap in spec.scale_taps]
    assert len({tap.reduction for tap in scales}) == len(scales)
    assert [spec.taps.index(tap) for tap in scales] == sorted(spec.taps.index(tap) for tap in scales)


@pytest.mark.parametrize("name", NAMES)
def test_default_taps_stand_for_an_eighth_and_a_sixteenth(name):
    """But those of a bank of filters, of which none sees what another scale sees."""
    spec = backbone(name)
    reductions = {tap.name: tap.reduction for tap in spec.taps}
    expected = [1, 2, 4, 8, 16] if spec.computed else [8, 16]
    assert [reductions[tap] for tap in spec.default_taps] == expected
    assert set(spec.default_taps) <= set(spec.scale_taps)


def test_default_taps_of_vgg16():
    assert backbone("vgg16").scale_taps == ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    assert backbone("vgg16").default_taps == ("relu4_1", "relu5_1")


def test_a_network_without_deep_taps_is_read_at_those_it_has():
    spec = backbone("vgg16")
    shallow = replace(spec, taps=spec.taps[:7], scale_taps=("relu1_1", "relu2_1"))
    assert shallow.default_taps == ("relu1_1", "relu2_1")
    assert shallow.scale_taps_from(2) == ("relu2_1",)
    assert shallow.scale_taps_from(4) == ()


@pytest.mark.parametrize("name", NAMES)
def test_names_and_modules_are_each_used_once(name):
    taps = backbone(name).taps
    assert len({tap.name for tap in taps}) == len({tap.module for tap in taps}) == len(taps)


@pytest.mark.parametrize("name", ["vgg16", "vgg16_bn", "resnet18", "mobilenet_v2", "efficientnet_lite0"])
def test_nothing_after_the_deepest_tap_is_held(name):
    spec = backbone(name)
    middle = len(spec.taps) // 2
    shallow = network.build(spec, spec.taps[: middle + 1])
    deep = network.build(spec, spec.taps)
    more = set(deep.state_dict()) - set(shallow.state_dict())
    assert set(shallow.state_dict()) < set(deep.state_dict())
    assert more
    # what is held is exactly what runs until the deepest tap is ready
    plain = plain_network(spec)
    ran = set()
    for module_name, module in plain.named_modules():
        if any(name in module._parameters or name in module._buffers for name in ("weight", "running_mean")):
            module.register_forward_pre_hook(lambda _m, _x, name=module_name: ran.add(name))
    hooked(plain, {spec.taps[middle].module}, torch.empty(1, 3, 64, 64, device="meta"))
    assert {key.rpartition(".")[0] for key in shallow.state_dict()} <= ran
    assert not {key.rpartition(".")[0] for key in more} & ran


def test_a_deeper_module_never_runs():
    extractor = Extractor("resnet18@random", ["layer1_0", "stem"], device="cpu")
    names = [name for name, _ in extractor.trunk.named_modules()]
    assert not any(name.startswith(("layer2", "layer1.1", "fc", "avgpool")) for name in names)
    assert list(extractor(torch.rand(1, 3, 32, 32))) == ["stem", "layer1_0"]


@pytest.mark.parametrize("name", ["vgg16", "vgg16_bn", "vgg19"])
def test_convolutions_of_vgg_are_not_overwritten_by_the_relu_that_follows(name, lively):
    extractor = lively(name, ["conv1_1", "relu1_1", "conv1_2", "pool1"])
    found = extractor(torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert (found["conv1_1"] < 0).any()
    assert (found["relu1_1"] >= 0).all()
    assert (found["conv1_2"] < 0).any()
    if name != "vgg16_bn":
        assert torch.equal(found["conv1_1"].clamp_min(0), found["relu1_1"])


def test_taps_do_not_depend_on_which_others_are_asked_for(lively, images):
    alone = lively("resnet18", ["layer1_0_inner"])(images)
    among = lively("resnet18", every_tap("resnet18"))(images)
    assert torch.equal(alone["layer1_0_inner"], among["layer1_0_inner"])
