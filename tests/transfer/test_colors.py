"""Colours that are kept, against scikit-image and against their own definitions."""

import numpy as np
import pytest
import torch
from conftest import assert_close
from skimage.color import rgb2yiq
from skimage.exposure import match_histograms as skimage_match

from gramstyle.errors import UnknownNameError
from gramstyle.images import color_moments
from gramstyle.transfer.colors import match_histograms, recolored_result, recolored_style


@pytest.fixture
def pair(generator):
    return torch.rand(3, 9, 11, generator=generator), torch.rand(3, 8, 13, generator=generator) ** 2


def test_luminance_is_of_the_result_and_chroma_of_the_content(pair):
    image, content = (0.3 + 0.4 * one[:, :8, :11] for one in pair)  # inside sRGB whatever is put together
    made = recolored_result(image, content, "luminance")
    yiq, expected = (rgb2yiq(one.permute(1, 2, 0).double().numpy()) for one in (made, image))
    assert_close(yiq[..., 0], expected[..., 0], torch.float32)
    chroma = rgb2yiq(content.permute(1, 2, 0).double().numpy())[..., 1:]
    assert np.abs(yiq[..., 1:] - chroma).max() < 1e-5


def test_colours_that_are_kept_stay_in_range(generator):
    bright, dark = torch.full((3, 4, 5), 0.98), torch.full((3, 4, 5), 0.02)
    for image in (bright, dark):
        made = recolored_result(image, torch.rand(3, 8, 9, generator=generator).round(), "luminance")
        assert made.shape == (3, 4, 5)
        assert 0 <= float(made.min()) <= float(made.max()) <= 1
    style = torch.rand(3, 9, 9, generator=generator) ** 4
    made = recolored_style(style, 0.9 + 0.1 * torch.rand(3, 9, 9, generator=generator).round(), "pca")
    assert 0 <= float(made.min()) <= float(made.max()) <= 1


def test_a_histogram_has_no_values_beyond_those_of_its_target(generator):
    target = torch.rand(3, 2, 2, generator=generator)
    made = match_histograms(torch.rand(3, 9, 11, generator=generator), target)
    assert_close(made.flatten(1).aminmax(dim=1), target.flatten(1).aminmax(dim=1), torch.float32)


def test_other_ways_leave_the_result(pair):
    image, content = pair
    for how in ("none", "symmetric", "histogram"):
        assert recolored_result(image, content, how) is image


@pytest.mark.parametrize("how", ["symmetric", "cholesky", "pca"])
def test_a_style_takes_mean_and_covariance(how, generator):
    style, content = 0.4 + 0.2 * torch.rand(2, 3, 20, 20, generator=generator)
    mean, covariance = color_moments(content)
    found, spread = color_moments(recolored_style(style, content, how))
    assert_close(found, mean, torch.float32)
    assert_close(spread, covariance, tolerance=2e-3)  # the method's ridge


def test_a_style_without_a_wish_stays(pair):
    for how in ("none", "luminance"):
        assert recolored_style(*pair, how) is pair[0]
    with pytest.raises(UnknownNameError, match="preserve_color must be one of"):
        recolored_style(*pair, "grey")


def test_histograms_of_one_size_are_permutations(generator):
    image, target = torch.rand(2, 3, 7, 9, generator=generator)
    made = match_histograms(image, target)
    assert_close(made.flatten(1).sort().values, target.flatten(1).sort().values, torch.float32)
    assert torch.equal(made.flatten(1).argsort(), image.flatten(1).argsort())


def test_histograms_are_those_of_scikit_image_but_for_its_half_rank(pair):
    """scikit-image takes the upper end of the ranks of a value, this the middle: half a rank apart."""
    image, target = pair
    made = match_histograms(image, target)
    expected = skimage_match(image.numpy(), target.numpy(), channel_axis=0)
    ordered = target.flatten(1).sort().values
    step = float((ordered[:, 2:] - ordered[:, :-2]).max())
    assert np.abs(made.numpy() - expected).max() <= step


def test_equal_values_stay_equal():
    image = torch.tensor([[[0.1, 0.1, 0.5, 0.9]]] * 3)
    made = match_histograms(image, torch.tensor([[[0.0, 0.2, 0.4, 0.6]]] * 3))
    assert_close(made[0, 0], torch.tensor([0.1, 0.1, 0.4, 0.6]))
