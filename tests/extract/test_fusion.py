"""Networks of fewer steps: the same features, and sums in place of features."""

import pytest
import torch
from conftest import assert_close
from heavy import each
from torch import nn

from gramstyle.errors import StyleError
from gramstyle.extract import Extractor, backbone
from gramstyle.extract.conv_act import ConvAct
from gramstyle.extract.fusion import SumsOfConv, fuse
from gramstyle.extract.registry import BACKBONES
from gramstyle.gram import STATISTICS, GramSettings
from gramstyle.kernels import available

needs_native = pytest.mark.skipif(not available(), reason="the native half was not built")


def every_tap(name):
    return [tap.name for tap in backbone(name).taps]


@pytest.fixture
def fresh(lively_file):
    """As `lively`, but not kept: there are many here, and some are large."""

    def build(name, taps, **options):
        return Extractor(name, taps, weights=lively_file(name), device="cpu", **options)

    return build


def both(fresh, name, taps, **options):
    return (
        fresh(name, taps, kernel=kernel, dtype=torch.float64, **options) for kernel in ("auto", "reference")
    )


@pytest.mark.parametrize(
    ("name", "taps"),
    [
        *(pytest.param(*one.values, "every", marks=one.marks) for one in each(BACKBONES)),
        ("mobilenet_v2", "default"),
        ("resnet18", "default"),
    ],
)
def test_features_are_those_of_separate_layers(name, taps, fresh, images):
    fused, plain = both(fresh, name, every_tap(name) if taps == "every" else None)
    found, wanted = fused(images), plain(images)
    assert list(found) == list(wanted)
    for tap, one in found.items():
        assert_close(one, wanted[tap], tolerance=1e-11)
        assert one.shape == wanted[tap].shape


@pytest.mark.parametrize("padding", ["replicate", "reflect"])
def test_first_padding_is_kept(padding, fresh, images):
    fused, plain = both(fresh, "vgg16_bn", ["relu1_1", "relu2_1"], first_padding=padding)
    for tap, one in fused(images).items():
        assert_close(one, plain(images)[tap], tolerance=1e-11)


def test_padding_of_tensorflow_is_kept(images):
    for size in ((40, 56), (41, 57), (33, 64)):
        x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(2))
        fused, plain = (
            Extractor("mobilenet_v2@random:3", device="cpu", dtype=torch.float64, kernel=kernel)
            for kernel in ("auto", "reference")
        )
        for one in (fused, plain):
            _pad_as_tensorflow(one)
        for tap, found in fused(x).items():
            assert_close(found, plain(x)[tap], tolerance=1e-11)


def _pad_as_tensorflow(extractor):
    from gramstyle.extract import network

    network._pad_as_tensorflow(extractor.trunk)
    if extractor._fused is not None:
        extractor._fused = fuse(extractor.trunk, "auto")


@pytest.mark.parametrize(
    "name", each(["vgg16_bn", "mobilenet_v2", "efficientnet_b0", "efficientnet_lite0", "resnet50"])
)
def test_no_normalisation_is_left(name, fresh):
    fused, plain = both(fresh, name, None)
    assert any(isinstance(one, nn.BatchNorm2d) for one in plain.trunk.modules())
    assert not any(isinstance(one, nn.BatchNorm2d) for one in fused._fused.modules())
    count = sum(isinstance(one, ConvAct) for one in fused._fused.children())
    assert count == sum(
        isinstance(one, nn.Conv2d)
        for step in plain.trunk.graph.nodes
        if step.op == "call_module"
        and "SqueezeExcitation" not in type(module := plain.trunk.get_submodule(step.target)).__name__
        for one in module.modules()
    )


def test_what_is_read_before_the_activation_stays(fresh, images):
    fused, plain = both(fresh, "vgg16", ["conv1_1", "relu1_1", "conv2_2"])
    found, wanted = fused(images), plain(images)
    assert (found["conv1_1"] < 0).any()
    assert torch.equal(found["relu1_1"], found["conv1_1"].relu())
    assert all(torch.equal(found[tap], wanted[tap]) for tap in wanted)


def test_folding_is_the_formula():
    generator = torch.Generator().manual_seed(0)
    conv, norm = nn.Conv2d(3, 4, 3, bias=True), nn.BatchNorm2d(4, eps=0.1)
    for one in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
        one.copy_(torch.rand(4, generator=generator) + 0.5)
    x = torch.randn(2, 3, 6, 6, generator=generator)
    step = ConvAct(conv, norm, "none")
    scale = norm.weight / (norm.running_var + 0.1) ** 0.5
    expected = (conv(x) - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]
    assert_close(nn.functional.conv2d(x, step.weight, step.bias), expected, tolerance=1e-6)
    plain = nn.BatchNorm2d(4, affine=False)
    plain.running_mean.fill_(2)
    step = ConvAct(nn.Conv2d(3, 4, 3, bias=False), plain, "none")
    assert_close(step.bias, torch.full((4,), -2 / (1 + 1e-5) ** 0.5), tolerance=1e-6)


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_b0"])
def test_gradients_to_images_agree(name, fresh, images):
    fused, plain = both(fresh, name, None)
    gradients = []
    for extractor in (fused, plain):
        x = images[:1, :, :32, :32].double().requires_grad_()
        sum(one.square().sum() for one in extractor(x).values()).backward()
        gradients.append(x.grad)
    assert_close(gradients[0], gradients[1], tolerance=1e-10)


@needs_native
@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("vgg16", "fused"),
        ("mobilenet_v2", "auto"),
        ("mobilenet_v2", "fused"),
        ("efficientnet_b0", "fused"),
        ("efficientnet_lite0", "fused"),
        ("resnet18", "fused"),
    ],
)
def test_sums_are_those_of_the_features(name, kernel, fresh, images):
    taps = every_tap(name)
    plain = fresh(name, taps, kernel="reference")
    found = fresh(name, taps, kernel=kernel).sums(images)
    assert list(found) == taps
    for tap, features in plain(images).items():
        flat = features.double().flatten(2)
        # float32 features of two orders of summation
        assert_close(found[tap].second, flat @ flat.mT, tolerance=1e-4)
        assert (found[tap].first - flat.sum(2)).abs().max() <= 1e-4 * flat.abs().sum(2).max()
        assert found[tap].positions == flat.shape[2]


@needs_native
def test_a_map_that_nothing_reads_is_not_made(fresh, images):
    extractor = fresh("vgg16", ["relu1_1", "relu2_1"], kernel="fused")
    extractor.sums(images)
    steps = [one for one in extractor._sums[False].children() if isinstance(one, SumsOfConv)]
    assert [one.features for one in steps] == [True, False]


@needs_native
@pytest.mark.parametrize(
    ("statistic", "center"),
    [
        (name, center)
        for name, kind in STATISTICS.items()
        for center in (False, True)
        if name != "correlation" and (kind.takes_norm or not center)
    ],
)
def test_every_statistic_follows_from_sums(statistic, center, lively, images):
    kind = STATISTICS[statistic]
    settings = GramSettings(statistic=kind, center=center)
    assert settings.has_sums
    extractor = lively("mobilenet_v2", ["stem", "block3"], kernel="fused")
    plain = lively("mobilenet_v2", ["stem", "block3"], kernel="reference")
    sums = extractor.sums(images, wide=settings.wants_wide_sums)
    for tap, features in plain(images).items():
        wanted = settings(features.double(), kernel="reference")
        assert_close(settings.of_sums(*sums[tap]), wanted, tolerance=2e-5)


def test_correlation_needs_features():
    assert not GramSettings(statistic=STATISTICS["correlation"]).has_sums


def test_without_fusion_there_are_no_sums(fresh, images):
    with pytest.raises(
        StyleError, match="vgg16 with kernel reference has features, and no sums without them"
    ):
        fresh("vgg16", ["relu1_1"], kernel="reference").sums(images)
