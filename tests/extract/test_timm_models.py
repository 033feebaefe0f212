"""Any other timm model: taps, layouts, tags, names."""

from __future__ import annotations

import pytest
import timm
import torch

from gramstyle.errors import StyleError, UnknownNameError
from gramstyle.extract import Extractor, backbone, choose_weights
from gramstyle.extract.timm import timm_entry, timm_tags
from gramstyle.types import INCEPTION, TimmHub

# CNN with in-place activations, depthwise CNN, NHWC inside, transformer with and without class token
SMALL = [
    "test_resnet",
    "test_efficientnet",
    "test_convnext",
    "test_vit",
    "test_vit2",
    "test_byobnet",
    "test_nfnet",
]


def every_tap(name):
    return [tap.name for tap in backbone(name).taps]


@pytest.mark.parametrize("model", [*SMALL, "test_maxvit", "test_mambaout", "test_vit_relpos"])
def test_declared_channels_and_reductions_are_what_the_network_gives(model):
    name = f"timm:{model}"
    extractor = Extractor(f"{name}@random", every_tap(name), device="cpu")
    found = extractor(torch.rand(2, 3, 160, 160, generator=torch.Generator().manual_seed(0)))
    assert list(found) == every_tap(name)
    for tap in extractor.taps:
        assert tuple(found[tap.name].shape) == (2, tap.channels, 160 // tap.reduction, 160 // tap.reduction)
        assert torch.isfinite(found[tap.name]).all()


@pytest.mark.parametrize("model", ["test_resnet", "test_efficientnet"])
def test_taps_are_bit_equal_to_hooks_on_the_whole_model(model):
    """The module that `feature_info` names, read by a hook that clones at once."""
    from extract.plain_networks import hooked

    name = f"timm:{model}"
    extractor = Extractor(f"{name}@random:9", every_tap(name), device="cpu", memory_format="contiguous")
    plain = timm.create_model(model, pretrained=False).eval()
    assert not plain.load_state_dict(extractor.trunk.model.state_dict(), strict=False).unexpected_keys
    modules = [one["module"] for one in plain.feature_info]
    x = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    from gramstyle.images import normalize

    expected = hooked(plain, set(modules), normalize(x, extractor.normalization))
    found = list(extractor(x).values())
    assert len(found) == len(modules)
    assert all(torch.equal(one, expected[module]) for one, module in zip(found, modules, strict=True))


def test_swin_is_turned_to_channels_first():
    """Its maps are (B, H, W, C) inside; a column of the image that differs must show in columns."""
    name = "timm:swin_tiny_patch4_window7_224"
    extractor = Extractor(f"{name}@random", ["layers.0"], device="cpu")
    x = torch.full((1, 3, 224, 224), 0.5)
    x[..., 112:] = torch.rand(1, 3, 1, 112, generator=torch.Generator().manual_seed(0))
    found = extractor(x)["layers.0"]
    assert found.shape == (1, 96, 56, 56)
    rows, columns = found.diff(dim=2).abs().mean(), found.diff(dim=3).abs().mean()
    assert columns > 10 * rows


def test_default_taps_are_one_per_scale_and_not_the_deepest():
    assert backbone("timm:resnet18").scale_taps == ("act1", "layer1", "layer2", "layer3")
    assert backbone("timm:resnet18").default_taps == ("layer2", "layer3")
    assert backbone("timm:test_vit").default_taps == ("blocks.5",)
    spec = backbone("timm:test_vit")
    assert len(spec.taps) == 6
    assert {tap.reduction for tap in spec.taps} == {16}


def test_shallow_taps_leave_deep_layers_out():
    extractor = Extractor("timm:test_resnet@random", ["layer1"], device="cpu")
    assert not any("layer4" in name for name, _ in extractor.named_parameters())
    assert extractor.minimum_size == 4


def test_a_tag_is_required_and_those_there_are_are_listed():
    tags = timm_tags("timm:resnet18")
    assert "tv_in1k" in tags
    with pytest.raises(StyleError) as caught:
        Extractor("timm:resnet18", device="cpu")
    message = str(caught.value)
    assert all(tag in message for tag in tags)
    assert "timm:resnet18@TAG" in message
    assert "timm:resnet18@random" in message
    with pytest.raises(
        UnknownNameError, match=r"weights of timm:resnet18 must be one of: tv_in1k, .*'tv_in2k'"
    ):
        Extractor("timm:resnet18@tv_in2k", device="cpu")


def test_a_tag_pins_hub_and_normalisation():
    row = timm_entry("timm:tf_efficientnet_lite0", "in1k")
    assert row.sources == (TimmHub(model="tf_efficientnet_lite0.in1k"),)
    assert row.normalization == INCEPTION
    assert choose_weights(backbone("timm:tf_efficientnet_lite0"), "in1k") == row


def test_an_unknown_model_lists_the_nearest():
    with pytest.raises(UnknownNameError, match=r"has no model 'resnet19'; nearest: .*resnet18"):
        backbone("timm:resnet19")


def test_unknown_taps_of_a_timm_model_are_listed():
    with pytest.raises(
        UnknownNameError, match=r"tap of timm:test_resnet must be one of: layer\d, .*act1; got 'layer5'"
    ):
        Extractor("timm:test_resnet@random", ["layer5"], device="cpu")
