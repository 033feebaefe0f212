"""Facts about the networks with their real weights, which the package index sends on first use."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import conv2d

from gramstyle.extract import Extractor
from gramstyle.types import CAFFE, IDENTITY, INCEPTION

pytestmark = pytest.mark.weights

# Minimum, maximum and L2 norm that pystiche 1.0 recorded in its own test assets, not normalised.
RECORDED = {
    "conv1_1": (-2.96, 3.94, 1.46e3),
    "relu1_1": (0, 3.94, 8.66e2),
    "relu1_2": (0, 11.4, 2.11e3),
    "relu2_1": (0, 15.6, 2.14e3),
    "relu2_2": (0, 28.4, 2.74e3),
    "relu3_1": (0, 29.2, 2.68e3),
    "relu3_2": (0, 38.8, 2.60e3),
    "relu3_3": (0, 59.5, 1.24e3),
    "relu4_1": (0, 49.0, 8.87e2),
    "relu4_2": (0, 36.3, 7.16e2),
    "relu4_3": (0, 17.2, 3.16e2),
    "relu5_1": (0, 13.6, 1.92e2),
    "relu5_2": (0, 6.62, 1.36e2),
    "relu5_3": (0, 4.52, 5.30e1),
    "pool5": (0, 4.52, 3.76e1),
}


def noise(size=256):
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))


def within_one_unit_of_the_third_digit(got, recorded):
    if recorded == 0:
        return got == 0
    return abs(got - recorded) <= 1.001 * 10 ** (math.floor(math.log10(abs(recorded))) - 2)


def test_vgg16_has_the_fingerprints_that_pystiche_recorded():
    extractor = Extractor("vgg16@IMAGENET1K_V1", list(RECORDED), device="cpu", normalization=IDENTITY)
    assert noise().flatten()[:4].tolist() == pytest.approx([0.4962566, 0.7682218, 0.08847743, 0.13203049])
    for tap, features in extractor(noise()).items():
        got = (features.min().item(), features.max().item(), features.norm().item())
        assert all(map(within_one_unit_of_the_third_digit, got, RECORDED[tap])), (tap, got, RECORDED[tap])


def test_vgg19_sees_bgr_in_0_to_255_without_the_mean():
    extractor = Extractor("vgg19", ["conv1_1", "relu1_1", "relu2_1"], device="cpu")
    assert extractor.identity.name == "CAFFE"
    assert extractor.normalization == CAFFE
    x = noise(48)
    red, green, blue = (255 * x).unbind(1)
    seen = torch.stack([blue - 103.939, green - 116.779, red - 123.68], dim=1)
    first = dict(extractor.trunk.named_modules())["features.0"]
    by_hand = conv2d(seen, first.weight, first.bias, padding=1)
    found = extractor(x)
    torch.testing.assert_close(found["conv1_1"], by_hand, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(found["relu1_1"], by_hand.clamp_min(0), rtol=1e-4, atol=1e-3)
    assert not torch.allclose(
        found["conv1_1"], conv2d(seen.flip(1), first.weight, first.bias, padding=1), atol=1
    )
    assert all(torch.isfinite(one).all() for one in found.values())


@pytest.mark.parametrize(
    ("name", "taps"),
    [
        ("efficientnet_lite0@GOOGLE", ["stem", "block16", "head"]),
        ("mobilenet_v2@KERAS", ["stem", "block14_depthwise"]),
    ],
)
def test_tensorflow_born_weights_see_minus_one_to_one(name, taps):
    extractor = Extractor(name, taps, device="cpu", memory_format="contiguous")
    assert extractor.normalization == INCEPTION
    x = noise(97)
    found = extractor(x)
    for tap, one in found.items():
        assert torch.isfinite(one).all(), tap
        assert one.std() > 0.01, tap
        assert (one.min() >= 0) == (tap != "block16"), "ReLU6 at every tap but the linear bottleneck"
        assert one.max() <= 6 or tap == "block16"
    plain = Extractor(
        name, taps, device="cpu", memory_format="contiguous", normalization=IDENTITY, check_range=False
    )
    torch.testing.assert_close(plain(2 * x - 1)["stem"], found["stem"], rtol=1e-4, atol=1e-4)


def test_keras_weights_are_not_read_deeper_than_they_are_known():
    from gramstyle.errors import StyleError

    with pytest.raises(StyleError, match="fine-tuned on dog breeds"):
        Extractor("mobilenet_v2@KERAS", ["block14"], device="cpu")
