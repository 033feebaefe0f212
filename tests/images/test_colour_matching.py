"""Controls of colour: grey images, and colours of a given mean and covariance."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from conftest import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from gramstyle.errors import UnknownNameError
from gramstyle.images import color_moments, grayscale, match_color
from gramstyle.images.matching import MAPS, RIDGE

METHODS = tuple(MAPS)


def decoded(value):
    """IEC 61966-2-1, one number."""
    return value / 12.92 if value <= 0.04045 else math.pow((value + 0.055) / 1.055, 2.4)


def encoded(light):
    return 12.92 * light if light <= 0.0031308 else 1.055 * math.pow(light, 1 / 2.4) - 0.055


def image(seed=0, height=9, width=11):
    """Correlated colours inside [0, 1], float64; their standard deviations run from about 0.02 to 0.1."""
    draw = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(draw.normal(size=(3, 3)))
    parts = np.array([[0.2], [0.1], [0.04]]) * draw.uniform(-1, 1, (3, height * width))
    return torch.from_numpy((0.5 + axes @ parts).reshape(3, height, width))


def covariance(seed):
    """A covariance (3, 3) of full rank, float64."""
    draw = np.random.default_rng(seed)
    root = 0.2 * draw.normal(size=(3, 3))
    return torch.from_numpy(root @ root.T + 1e-3 * np.eye(3))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_grey_is_the_encoded_luminance(colour):
    light = sum(share * decoded(value) for share, value in zip((0.2126, 0.7152, 0.0722), colour, strict=True))
    grey = grayscale(torch.tensor(colour, dtype=torch.float64)[:, None, None]).flatten()
    assert grey.tolist() == [pytest.approx(encoded(light), abs=1e-12)] * 3


def test_grey_images_stay_as_they_are():
    level = torch.linspace(0, 1, 256, dtype=torch.float64).expand(3, 1, 256)
    assert_close(grayscale(level), level, tolerance=1e-7)  # the standard's two pieces meet to 3e-8
    assert_close(grayscale(level.float()), level, tolerance=1e-6)


def test_colours_of_one_luminance_become_one_grey_which_their_luma_does_not():
    red = (0.6, 0.0, 0.0)
    rest = 0.2126 * decoded(0.6) - 0.0722 * decoded(0.3)
    teal = (0.0, encoded(rest / 0.7152), 0.3)
    pixels = torch.tensor([red, teal], dtype=torch.float64).T[:, None, :]  # (3, 1, 2)
    grey = grayscale(pixels)
    assert float((grey[..., 0] - grey[..., 1]).abs().max()) < 1e-12
    luma = [0.2126 * one[0] + 0.7152 * one[1] + 0.0722 * one[2] for one in (red, teal)]
    assert abs(luma[0] - luma[1]) > 0.05


def test_any_number_of_images_at_once():
    batch = torch.rand(2, 4, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    together = grayscale(batch)
    assert together.shape == batch.shape
    assert together.is_contiguous()
    assert_close(together[1, 2], grayscale(batch[1, 2]))
    assert torch.equal(together[:, :, 0], together[:, :, 2])


def test_half_precision_is_that_of_its_float32():
    pixels = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0)).half()
    assert torch.equal(grayscale(pixels), grayscale(pixels.float()).half())


def test_gradients_of_grey_are_finite_at_black_and_right_elsewhere():
    pixels = image().requires_grad_()
    assert torch.autograd.gradcheck(grayscale, pixels[:, :2, :2])
    black = torch.zeros(3, 2, 2, requires_grad=True)
    grayscale(black).sum().backward()
    assert torch.isfinite(black.grad).all()


@pytest.mark.parametrize(
    ("pixels", "error", "message"),
    [
        (np.zeros((3, 2, 2)), TypeError, "pixels must be Tensor, got ndarray"),
        (torch.zeros(3, 2, 2, dtype=torch.uint8), TypeError, r"floating point in \[0, 1\], got torch.uint8"),
        (torch.zeros(2, 2, 3), ValueError, r"pixels must be \(\.\.\., 3, H, W\), got shape \(2, 2, 3\)"),
        (torch.zeros(3, 2), ValueError, r"got shape \(3, 2\)"),
    ],
)
def test_what_is_no_image_has_no_grey(pixels, error, message):
    with pytest.raises(error, match=message):
        grayscale(pixels)


def test_moments_are_those_of_numpy():
    pixels = image(3)
    mean, spread = color_moments(pixels.float())
    colours = pixels.float().double().flatten(1).numpy()
    assert_close(mean, colours.mean(axis=1))
    assert_close(spread, np.cov(colours, bias=True))
    assert mean.dtype == spread.dtype == torch.float64


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_moments_after_matching_are_the_target(method, seed):
    mean, spread = torch.tensor([0.2, 0.9, 0.4], dtype=torch.float64), covariance(seed)
    got_mean, got = color_moments(match_color(image(seed), mean, spread, method=method))
    assert_close(got_mean, mean)
    assert_close(got, spread, tolerance=1e-11)  # condition numbers of about a hundred


@pytest.mark.parametrize("method", METHODS)
def test_a_singular_target_is_met(method):
    axis = torch.tensor([0.1, 0.2, 0.05], dtype=torch.float64)
    target = torch.outer(axis, axis)
    mean, got = color_moments(match_color(image(1), torch.full((3,), 0.5).double(), target, method=method))
    assert_close(got, target, tolerance=1e-7)  # the root of a zero eigenvalue known to 1e-17 is 3e-9
    assert_close(mean, torch.full((3,), 0.5))


@pytest.mark.parametrize("method", METHODS)
def test_an_image_matched_to_itself_does_not_change(method):
    pixels = image(2)
    assert_close(match_color(pixels, *color_moments(pixels), method=method), pixels, tolerance=1e-11)


@pytest.mark.parametrize("method", METHODS)
def test_independent_channels_are_stretched_each_by_its_standard_deviation(method):
    """The closed form in one dimension, three times; S must be diagonal exactly."""
    red, green, blue = torch.meshgrid(
        *(torch.tensor(levels, dtype=torch.float64) for levels in ([0.2, 0.6], [0.1, 0.5, 0.3], [0.7, 0.8])),
        indexing="ij",
    )
    pixels = torch.stack([red, green, blue]).reshape(3, 3, 4)
    stds, mean = torch.tensor([0.1, 0.3, 0.02]).double(), torch.tensor([0.5, 0.4, 0.3]).double()
    matched = match_color(pixels, mean, torch.diag(stds**2), method=method)
    for channel in range(3):
        x = pixels[channel].numpy()
        expected = (x - x.mean()) / x.std() * float(stds[channel]) + float(mean[channel])
        assert_close(matched[channel], expected)


def test_symmetric_is_optimal_transport():
    ot = pytest.importorskip("ot")
    pixels, mean, target = image(4), torch.tensor([0.1, 0.5, 0.2], dtype=torch.float64), covariance(5)
    own_mean, own = color_moments(pixels)
    A, b = ot.gaussian.bures_wasserstein_mapping(own_mean, mean, own, target)
    colours = pixels.flatten(1)
    matched = match_color(pixels, mean, target, method="symmetric").flatten(1)
    assert_close(matched, A @ colours + b.reshape(3, 1), tolerance=1e-10)
    # and nothing moves colours less: its cost is the squared 2-Wasserstein distance of the Gaussians
    least = float(ot.gaussian.bures_wasserstein_distance(own_mean, mean, own, target)) ** 2
    costs = {
        method: float(
            (match_color(pixels, mean, target, method=method).flatten(1) - colours).pow(2).sum(0).mean()
        )
        for method in METHODS
    }
    assert costs["symmetric"] == pytest.approx(least, rel=1e-9)
    assert min(costs["pca"], costs["cholesky"]) > least * 1.001


def test_the_other_maps_are_their_formulas():
    pixels, target = image(6), covariance(7)
    mean, own = color_moments(pixels)
    centred = (pixels.flatten(1) - mean[:, None]).numpy()
    S, T = own.numpy(), target.numpy()
    for method, A in (
        ("cholesky", np.linalg.cholesky(T) @ np.linalg.inv(np.linalg.cholesky(S))),
        ("pca", sqrtm(T).real @ np.linalg.inv(sqrtm(S).real)),
    ):
        matched = match_color(pixels, mean, target, method=method).flatten(1) - mean[:, None]
        assert_close(matched, A @ centred, tolerance=1e-10)


def test_cholesky_lets_red_depend_on_red_alone():
    pixels = image(8)
    changed = pixels.clone()
    changed[1:] = pixels[1:].flip(-1)
    mean, target = torch.zeros(3, dtype=torch.float64), covariance(9)
    one, other = (match_color(x, mean, target, method="cholesky") for x in (pixels, changed))
    assert_close(one[0], other[0], tolerance=1e-11)


@pytest.mark.parametrize("method", METHODS)
def test_a_grey_image_gets_the_mean_and_no_colour_from_its_rounding(method):
    draw = torch.Generator().manual_seed(0)
    grey = torch.rand(1, 40, 40, generator=draw, dtype=torch.float64).expand(3, -1, -1)
    noisy = grey + (torch.rand(3, 40, 40, generator=draw, dtype=torch.float64) - 0.5) / 255  # rounding
    target = torch.diag(torch.full((3,), 0.04, dtype=torch.float64))
    mean = torch.tensor([0.4, 0.5, 0.6], dtype=torch.float64)
    for pixels in (grey, noisy):
        got_mean, got = color_moments(match_color(pixels, mean, target, method=method))
        assert_close(got_mean, mean, tolerance=1e-10)
        assert float(torch.linalg.eigvalsh(target - got)[0]) > -0.04 * 0.1  # at most the covariance
    # exactly grey: a line of colours stays a line
    values = torch.linalg.eigvalsh(color_moments(match_color(grey, mean, target, method=method))[1])
    assert float(values[1]) < 1e-12
    assert float(values[2]) > 0.01


def test_directions_below_the_ridge_are_stretched_as_if_they_stood_on_it():
    draw = np.random.default_rng(0)
    colours = draw.normal(size=(3, 400))
    colours -= colours.mean(axis=1, keepdims=True)
    colours = np.linalg.solve(np.linalg.cholesky(np.cov(colours, bias=True)), colours)  # covariance I
    stds = np.sqrt([RIDGE / 100, RIDGE * 4, 0.01])
    pixels = torch.from_numpy((0.5 + stds[:, None] * colours).reshape(3, 20, 20))
    target = torch.eye(3, dtype=torch.float64) * 0.01
    _, got = color_moments(match_color(pixels, torch.zeros(3).double(), target))
    assert_close(got, np.diag([0.01 / 100, 0.01, 0.01]), tolerance=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_a_flat_image_moves_to_the_mean(method):
    mean = torch.tensor([0.1, 0.2, 0.3])
    matched = match_color(torch.full((3, 4, 5), 0.5), mean, covariance(0).float(), method=method)
    assert matched.dtype == torch.float32
    assert_close(matched, mean[:, None, None].expand(3, 4, 5))


def test_clipping_is_asked_for():
    pixels, mean, target = image(1), torch.full((3,), 0.9).double(), covariance(1)
    free, clipped = (match_color(pixels, mean, target, clip=clip) for clip in (False, True))
    assert free.max() > 1
    assert torch.equal(clipped, free.clamp(0, 1))


def test_no_gradients():
    pixels = image().requires_grad_()
    assert not match_color(pixels, *color_moments(image(1))).requires_grad


EYE = torch.eye(3)
GOOD = {"pixels": torch.rand(3, 4, 4), "mean": torch.zeros(3), "covariance": EYE}


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        (
            {"pixels": torch.rand(2, 3, 4, 4)},
            ValueError,
            r"pixels must be \(3, H, W\) with at least one pixel",
        ),
        ({"pixels": torch.rand(3, 0, 4)}, ValueError, r"at least one pixel, got shape \(3, 0, 4\)"),
        ({"pixels": torch.zeros(3, 4, 4, dtype=torch.uint8)}, TypeError, "divide by its largest value"),
        ({"pixels": [1]}, TypeError, "pixels must be Tensor, got list"),
        ({"pixels": torch.full((3, 1, 1), math.nan)}, ValueError, "pixels must be finite, got 3 NaN"),
        ({"mean": torch.zeros(4)}, ValueError, r"mean must be \(3,\), got shape \(4,\)"),
        (
            {"mean": torch.zeros(3, dtype=torch.int64)},
            TypeError,
            "mean must be floating point, got torch.int64",
        ),
        ({"mean": [0, 0, 0]}, TypeError, "mean must be Tensor, got list"),
        ({"mean": torch.full((3,), math.inf)}, ValueError, "mean must be finite, got 0 NaN and 3 infinite"),
        ({"covariance": torch.zeros(3)}, ValueError, r"covariance must be \(3, 3\), got shape \(3,\)"),
        ({"covariance": EYE + torch.triu(EYE.new_ones(3, 3), 1)}, ValueError, "covariance must be symmetric"),
        ({"covariance": -EYE}, ValueError, "must be positive semi-definite, got an eigenvalue of -1"),
        ({"method": "sym"}, UnknownNameError, "method must be one of: symmetric, .*; got 'sym'"),
    ],
)
def test_wrong_arguments(changed, error, message):
    with pytest.raises(error, match=message):
        match_color(**{**GOOD, **changed})
