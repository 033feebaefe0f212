"""Tiles give the moments of the whole image: every backbone, odd sizes, tiles that do not divide."""

from __future__ import annotations

import copy
import re

import pytest
import torch
from conftest import assert_close
from extract.plain_networks import lively_state
from heavy import each

from gramstyle import weights
from gramstyle.extract import backbones, network
from gramstyle.extract.conv_act import ConvAct
from gramstyle.extract.fusion import fuse
from gramstyle.gram import GramSettings, Norm, Statistic
from gramstyle.tiles import Tiling

from .conftest import enlivened, image_of

NAMES = [spec.name for spec in backbones()]
GAUSSIAN = GramSettings(statistic=Statistic.GAUSSIAN)
SUMS = GramSettings(norm=Norm.NONE)
ROUNDING = 1e-11
"""In float64, of the largest entry: hundreds of layers and thousands of positions, 1e-16 each."""


def check(extractor, image, tile, tolerance=ROUNDING, mask=None, plain=None):
    """Means, covariances and sums of products at every tap, against features of the whole image.

    These are of the extractor `plain` where it is given.
    """
    with torch.no_grad():
        features = (plain or extractor)(image)
        found = Tiling(extractor, tile).moments(image, mask)
    assert list(found) == list(features)
    for tap, whole in features.items():
        assert float(whole.std()) > 0, f"{tap} is constant: this comparison could not fail"
        for settings in (GAUSSIAN, SUMS):
            assert_close(settings.of_moments(found[tap]), settings(whole), tolerance=tolerance)
        assert int(found[tap].positions) == whole.shape[2] * whole.shape[3]


KERNELS = ("reference", "auto")


@pytest.mark.parametrize("name", each(NAMES))
def test_every_backbone_at_an_odd_size_and_a_tile_that_does_not_divide(name, extractor_of, some_taps):
    """Whoever computes: the layers as they are, on the whole image, are what tiles are held against."""
    taps = some_taps(name) if name != "efficientnet_b0" else ("stem", "block1", "block3_depthwise", "block5")
    plain = extractor_of(name, taps, kernel="reference")
    for kernel in KERNELS:
        extractor = extractor_of(name, taps, kernel=kernel)
        assert any(isinstance(one, ConvAct) for one in extractor.active_trunk.modules()) == (
            kernel != "reference"
        )
        check(extractor, image_of(37, 45), 24, plain=plain)


@pytest.mark.parametrize("tile", [1000, 53, 32, 16, 7])
@pytest.mark.parametrize("size", [(53, 38), (32, 64)])
def test_tiles_of_every_size(size, tile, extractor_of):
    """Larger than the image, as large, dividing or not, and smaller than one position of the last tap."""
    taps = ("stem", "pool1", "layer1_1", "layer2_0", "layer3_1")
    check(extractor_of("resnet18", taps), image_of(*size), tile)


@pytest.mark.parametrize("size", [(16, 77), (61, 16)])
def test_images_as_narrow_as_the_network_allows(size, extractor_of):
    check(extractor_of("vgg16", ("relu1_1", "pool1", "relu3_1", "pool4")), image_of(*size), 20)


@pytest.fixture(scope="module")
def keras(extractor_of):
    """MobileNetV2 as the KERAS weights need it: strided convolutions pad more after than before."""
    taps = ("stem", "block2_depthwise", "block4", "block7_depthwise")
    extractor = copy.copy(extractor_of("mobilenet_v2", taps))
    trunk = network.build(extractor.spec, extractor.taps, weights.entry("mobilenet_v2", "KERAS"))
    trunk = trunk.to_empty(device="cpu")
    trunk.load_state_dict(lively_state(trunk))
    trunk = trunk.to(torch.float64).eval().requires_grad_(False)
    extractor._modules = {"trunk": trunk, "_fused": fuse(trunk, "auto")}
    return extractor


@pytest.mark.parametrize("size", [(32, 48), (33, 47), (34, 45)])
def test_padding_as_tensorflow_depends_on_the_size_of_the_whole_image(size, keras):
    check(keras, image_of(*size), 20)


@pytest.mark.parametrize("padding", ["replicate", "reflect"])
def test_other_padding_of_the_first_convolution(padding, extractor_of):
    extractor = extractor_of("resnet18", ("stem", "layer1_0"), first_padding=padding)
    check(extractor, image_of(37, 41), 10)
    zeros = extractor_of("resnet18", ("stem", "layer1_0"))(image_of(37, 41))
    assert not torch.allclose(extractor(image_of(37, 41))["stem"], zeros["stem"])


@pytest.mark.parametrize("pooling", ["average", "l2"])
def test_other_pooling(pooling, extractor_of):
    check(extractor_of("vgg16", ("pool1", "relu3_1"), pooling=pooling), image_of(37, 42), 10)


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet18"])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_single_precision_to_its_rounding(memory_format, kernel, name, extractor_of, some_taps):
    options = {"dtype": torch.float32, "memory_format": memory_format}
    plain, extractor = (
        extractor_of(name, some_taps(name)[:9], kernel=one, **options) for one in ("reference", kernel)
    )
    image = image_of(70, 61, torch.float32)
    check(extractor, image, 30, tolerance=1e-5)
    # weights that were folded are rounded once more: 1e-5 to 3e-5 here, on the whole image and in tiles alike
    check(extractor, image, 30, tolerance=1e-4, plain=plain)


def test_half_precision_differs_by_the_last_bit_of_some_features(extractor_of):
    """2**-9 for each feature that is rounded the other way, averaged over positions."""
    extractor = extractor_of("resnet18", ("stem", "layer2_1"), dtype=torch.bfloat16)
    check(extractor, image_of(70, 61, torch.float32), 30, tolerance=2e-3)


@pytest.mark.parametrize(
    ("name", "taps"),
    [
        ("test_efficientnet", None),  # squeeze-and-excite
        ("mobilenetv3_small_050", ("bn1", "blocks.0", "blocks.1")),  # hard activations
        ("regnety_002", ("s1",)),  # means by a method, sigmoids by another
        ("eca_resnet33ts", ("stages.0",)),  # means that ask for shapes and are expanded
        (
            "densenet121",
            ("features.norm0", "features.denseblock1", "features.denseblock2"),
        ),  # cat, average pooling
        ("ghostnet_100", ("conv_stem", "blocks.1")),  # slices of channels
        ("mixnet_s", ("blocks.1",)),  # channels taken apart
        ("convnext_atto", ("stages.0",)),  # normalisation over channels
    ],
)
def test_other_networks_of_timm(name, taps, extractor_of):
    check(extractor_of(f"timm:{name}", taps), image_of(45, 38), 20)


def test_rounds_are_one_more_than_the_global_means_in_a_row(extractor_of):
    deep = Tiling(extractor_of("efficientnet_b0", ("stem", "block1", "block3_depthwise", "block5")))
    assert deep.program.levels == 6
    # the tap before the first mean needs none
    assert Tiling(extractor_of("efficientnet_b0", ("block1_depthwise",))).program.levels == 1
    assert Tiling(extractor_of("resnet18", ("stem",))).program.levels == 1


def test_progress_is_told_tap_by_tap_and_for_each_round(extractor_of):
    told = []
    tiling = Tiling(extractor_of("efficientnet_b0", ("stem", "block2")), 20)
    tiling.moments(image_of(40, 55), progress=lambda *each: told.append(each))
    for what in ("tiles at stem", "tiles at block2"):
        assert [one for one in told if one[0] == what] == [(what, done, 6) for done in range(1, 7)]
    rounds = dict.fromkeys(what for what, _, _ in told if "means" in what)
    assert list(rounds) == [
        "tiles for global means, round 1 of 2",
        "tiles for global means, round 2 of 2",
    ]
    assert len(told) == 6 * (2 + 2)


def test_a_copy_has_its_own_network(extractor_of):
    tiling = Tiling(extractor_of("resnet18", ("stem",)), 16)
    image = image_of(32, 32)
    before = tiling.moments(image)["stem"].mean
    other = copy.deepcopy(tiling)
    enlivened(other.extractor)
    with torch.no_grad():
        next(other.extractor.active_trunk.buffers()).mul_(2)
    assert torch.equal(tiling.moments(image)["stem"].mean, before)
    assert not torch.allclose(other.moments(image)["stem"].mean, before)


@pytest.mark.parametrize(
    ("tile", "error", "message"),
    [
        (0, ValueError, "tile must be greater than 0, got 0"),
        (12.5, TypeError, "tile must be a whole number of pixels or 'auto', got 12.5"),
        (True, TypeError, "tile must be a whole number of pixels or 'auto', got True"),
    ],
)
def test_a_tile_that_is_none(tile, error, message, extractor_of):
    with pytest.raises(error) as raised:
        Tiling(extractor_of("resnet18", ("stem", "pool1")), tile)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.rand(2, 3, 9, 9), "image must be (1, 3, H, W), one at a time, got 2 images"),
        (torch.rand(3, 9, 9), "give one image as images[None]"),
        (torch.rand(1, 3, 9, 9) * 255, "images must lie in [0, 1]"),
        (torch.rand(1, 3, 9, 3), "images must be at least 4 x 4"),
    ],
)
def test_an_image_that_is_none(image, message, extractor_of):
    with pytest.raises(ValueError, match=re.escape(message)):
        Tiling(extractor_of("resnet18", ("stem", "pool1")), 8).moments(image)
