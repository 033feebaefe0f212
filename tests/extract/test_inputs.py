"""Images that an extractor refuses, and what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gramstyle.extract import Extractor


@pytest.fixture(scope="module")
def extractor():
    return Extractor("resnet18@random", ["stem", "layer2_1"], device="cpu")


def good():
    return torch.rand(1, 3, 16, 24, generator=torch.Generator().manual_seed(0))


def with_value(value):
    images = good()
    images[0, 1, 2, 3] = value
    return images


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (np.zeros((1, 3, 16, 16), np.float32), TypeError, "images must be Tensor, got ndarray"),
        (
            torch.zeros(1, 3, 16, 16, dtype=torch.uint8),
            TypeError,
            r"images must be floating point in \[0, 1\], got torch.uint8: divide 8-bit values by 255",
        ),
        (
            torch.zeros(1, 3, 16, 16, dtype=torch.complex64),
            TypeError,
            r"images must be floating point in \[0, 1\], got torch.complex64",
        ),
        (
            torch.zeros(3, 16, 16),
            ValueError,
            r"images must be \(B, 3, H, W\), got shape \(3, 16, 16\): .*images\[None\]",
        ),
        (
            torch.zeros(1, 1, 3, 16, 16),
            ValueError,
            r"images must be \(B, 3, H, W\), got shape \(1, 1, 3, 16, 16\)",
        ),
        (
            torch.zeros(1, 1, 16, 16),
            ValueError,
            r"images must be \(B, 3, H, W\), got shape \(1, 1, 16, 16\): repeat a grey channel",
        ),
        (
            torch.zeros(1, 4, 16, 16),
            ValueError,
            r"\(B, 3, H, W\), got shape \(1, 4, 16, 16\).*drop or composite alpha",
        ),
        (torch.zeros(1, 16, 16, 3), ValueError, r"\(B, 3, H, W\), got shape \(1, 16, 16, 3\)"),
        (
            torch.zeros(1, 3, 0, 16),
            ValueError,
            r"at least one channel and one position, got shape \(1, 3, 0, 16\)",
        ),
        (with_value(float("nan")), ValueError, "images must be finite, got 1 NaN and 0 infinite values"),
        (with_value(float("-inf")), ValueError, "images must be finite, got 0 NaN and 1 infinite values"),
        (
            good() * 255,
            ValueError,
            r"images must lie in \[0, 1\], got .* to 25\d.*divide 8-bit values by 255",
        ),
        (
            good() * 2 - 1,
            ValueError,
            r"images must lie in \[0, 1\], got -0\.9.*without mean and standard deviation removed",
        ),
        (with_value(1.002), ValueError, r"images must lie in \[0, 1\], got .* to 1.002"),
        (
            torch.zeros(1, 3, 7, 99),
            ValueError,
            r"at least 8 x 8 pixels for tap layer2_1 of resnet18 .*got 7 x 99: use a shallower tap or larger",
        ),
    ],
)
def test_the_message_names_argument_expectation_and_finding(extractor, images, error, message):
    with pytest.raises(error, match=message):
        extractor(images)


def test_rounding_outside_the_range_is_allowed(extractor):
    extractor(with_value(1.0009))
    extractor(with_value(-0.0009))


def test_the_check_of_values_can_be_left_out():
    extractor = Extractor("resnet18@random", ["stem"], device="cpu", check_range=False)
    assert torch.isfinite(extractor(good() * 255)["stem"]).all()
    with pytest.raises(ValueError, match=r"\(B, 3, H, W\)"):
        extractor(torch.zeros(1, 4, 16, 16))


@pytest.mark.parametrize("name", ["vgg16", "resnet18"])
def test_the_smallest_image_leaves_one_position_at_the_deepest_tap(name, lively):
    from gramstyle.extract import backbone

    deepest = {tap.reduction: tap for tap in backbone(name).taps}
    for tap in deepest.values():
        extractor = lively(name, [tap.name])
        side = extractor.minimum_size
        assert side == tap.reduction
        assert extractor(torch.rand(1, 3, side, side))[tap.name].shape[2:] == (1, 1)


def test_a_fixed_size_transformer_says_which_size_it_takes():
    from gramstyle.errors import StyleError

    extractor = Extractor("timm:vit_tiny_patch16_224@random", ["blocks.0"], device="cpu")
    extractor(torch.rand(1, 3, 224, 224))
    with pytest.raises(StyleError, match=r"timm:vit_tiny_patch16_224 refused images of 96 x 128: .*224"):
        extractor(torch.rand(1, 3, 96, 128))
