"""Moments put together from parts are those of the whole map; statistics of them are the definitions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import oracles
import pytest
import torch
from conftest import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st

from gramstyle.gram import (
    GramSettings,
    Norm,
    Statistic,
    gradient_of_part,
    gram,
    joined,
    moments_of_part,
    parts,
)
from gramstyle.kernels import available

KERNELS = ("reference", *(("fused",) if available() else ()))
WITH_NORM = (Statistic.GRAM, Statistic.DIAGONAL, Statistic.OFF_DIAGONAL)
SETTINGS = [
    *[
        GramSettings(statistic=one, norm=norm, center=center)
        for one in WITH_NORM
        for norm in Norm
        for center in (False, True)
    ],
    *[GramSettings(statistic=one) for one in Statistic if one not in WITH_NORM],
]


def named(settings):
    return f"{settings.statistic.value}-{settings.norm.value}-{settings.center}"


def features_of(height, width, channels=4, dtype=torch.float64, seed=0):
    """Channels of different means and scales."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(1, channels, height, width, generator=draw, dtype=torch.float64)
    scale = torch.arange(1.0, channels + 1, dtype=torch.float64)[:, None, None]
    return (x * scale + 3 * scale).relu().to(dtype)


def weights_of(height, width, seed=1):
    draw = torch.Generator().manual_seed(seed)
    weights = torch.rand(1, height, width, generator=draw, dtype=torch.float64)
    weights[:, :, : width // 3] = 0  # whole parts without any weight
    return weights


def in_parts(features, weights, rows, columns, kernel="auto"):
    found = None
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            cut = (slice(None), slice(top, bottom), slice(left, right))
            share = None if weights is None else weights[cut]
            part = moments_of_part(features[(slice(None), *cut)], share, kernel=kernel)
            found = part if found is None else joined(found, part)
    return found


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("one", SETTINGS, ids=named)
def test_every_statistic_is_its_definition(one, masked, kernel):
    features = features_of(9, 14)
    weights = weights_of(9, 14) if masked else None
    found = in_parts(features, weights, [0, 4, 9], [0, 3, 4, 14], kernel)
    expected = oracles.statistic(
        one.statistic.value,
        features[0].numpy(),
        None if weights is None else weights[0].numpy(),
        one.norm.value,
        one.center,
    )
    assert_close(one.of_moments(found)[0], expected)


@settings(deadline=None)
@given(
    rows=st.lists(st.integers(1, 12), max_size=4),
    columns=st.lists(st.integers(1, 10), max_size=4),
    strip=st.sampled_from([1, 20, 2**15]),
    masked=st.booleans(),
    layout=st.sampled_from([torch.contiguous_format, torch.channels_last]),
)
def test_any_partition_gives_the_same(rows, columns, strip, masked, layout):
    """Crops are views, of either layout, and strips end anywhere."""
    features = features_of(13, 11).to(memory_format=layout)
    weights = weights_of(13, 11) if masked else None
    before, parts.STRIP = parts.STRIP, strip
    try:
        found = in_parts(features, weights, sorted({0, 13, *rows}), sorted({0, 11, *columns}))
    finally:
        parts.STRIP = before
    w = np.ones(143) if weights is None else weights.flatten().numpy()
    f = features.contiguous().flatten(2)[0].numpy()
    about = f - (f @ w / w.sum())[:, None]
    assert_close(found.positions, [w.sum()])
    assert_close(found.mean[0], f @ w / w.sum())
    assert_close(found.second[0], (about * w) @ about.T)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e4, 1e-6, -7.7])
def test_a_constant_channel_stays_constant_in_single_precision(value, masked):
    """Raw sums of squares in float32 would leave a variance of 1e-7 of the energy, and any correlation."""
    features = features_of(300, 211, dtype=torch.float32)
    features[:, 1] = value
    weights = weights_of(300, 211).float() if masked else None
    found = in_parts(features, weights, [0, 97, 300], [0, 64, 211])
    energy = float(found.positions) * value**2
    assert abs(float(found.second[0, 1, 1])) < 1e-13 * energy
    correlation = GramSettings(statistic=Statistic.CORRELATION).of_moments(found)[0]
    assert torch.equal(correlation[1], torch.zeros(4, dtype=torch.float64))
    assert float(correlation[0, 0]) == pytest.approx(1)


def test_a_channel_that_is_constant_up_to_rounding_stays_dead():
    """The same convolution on tiles of two sizes may round a constant in two ways."""
    features = features_of(64, 64, dtype=torch.float32)
    features[:, 1] = 5.0
    features[:, 1, :, 32:] = float(np.nextafter(np.float32(5), np.float32(6)))
    correlation = GramSettings(statistic=Statistic.CORRELATION).of_moments(
        in_parts(features, None, [0, 64], [0, 32, 64])
    )
    assert torch.equal(correlation[0, 1], torch.zeros(4, dtype=torch.float64))


def test_a_small_spread_about_a_large_mean_survives():
    draw = torch.Generator().manual_seed(0)
    features = (1000 + 0.01 * torch.randn(1, 3, 200, 200, generator=draw, dtype=torch.float64)).float()
    found = in_parts(features, None, [0, 70, 200], [0, 200])
    covariance = GramSettings(statistic=Statistic.COVARIANCE).of_moments(found)[0]
    assert_close(covariance, np.cov(features[0].flatten(1).double().numpy(), ddof=0), tolerance=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_precision_is_widened_and_everything_is_put_together_in_double(dtype):
    features = (300 * features_of(64, 64)).to(dtype)
    found = in_parts(features, None, [0, 30, 64], [0, 64])
    assert {one.dtype for one in found} == {torch.float64}
    assert_close(GramSettings().of_moments(found), gram(features.double()), tolerance=1e-6)


def test_a_part_without_weight_adds_nothing():
    features, weights = features_of(8, 9), weights_of(8, 9)
    alone = moments_of_part(features[..., 3:], weights[..., 3:])
    nothing = moments_of_part(features[..., :3], weights[..., :3])
    assert float(nothing.positions) == 0
    for both in (joined(alone, nothing), joined(nothing, alone)):
        for one, other in zip(both, alone, strict=True):
            assert_close(one, other)
    assert not any(torch.isnan(one).any() for one in joined(nothing, nothing))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gradients_of_parts_are_those_of_the_whole(masked, layout):
    """Against autograd through the definition, of a function that is symmetric in nothing."""
    draw = torch.Generator().manual_seed(3)
    features = features_of(7, 8).to(memory_format=layout).requires_grad_()
    weights = weights_of(7, 8) if masked else None
    flat = features.flatten(2)
    w = torch.ones(1, 56, dtype=torch.float64) if weights is None else weights.flatten(1)
    mean = (flat * w[:, None]).sum(2) / w.sum()
    about = flat - mean[..., None]
    second = (about * w[:, None]) @ about.mT
    pulls = [torch.randn(one.shape, generator=draw, dtype=torch.float64) for one in (second, mean)]
    whole = moments_of_part(features.detach(), weights)
    for chosen in (pulls, (pulls[0], None), (None, pulls[1])):
        asked = [(one, pull) for one, pull in zip((second, mean), chosen, strict=True) if pull is not None]
        total = sum((one * pull).sum() for one, pull in asked)
        (expected,) = torch.autograd.grad(total, features, retain_graph=True)
        for cut in (slice(0, 3), slice(3, 8)):
            share = None if weights is None else weights[..., cut]
            found = gradient_of_part(features.detach()[..., cut], share, whole, *chosen)
            assert_close(found, expected[..., cut])
