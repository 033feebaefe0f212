"""Correlations, their bias and their nulls, against numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from conftest import assert_close

from gramstyle.diagnose import (
    correlation_bias,
    mean_absolute_correlation,
    mean_direction_share,
    moments,
    off_diagonal_energy,
    second_moment,
    shifted_correlation,
    shuffled_correlation,
)


def by_numpy(image):
    """Mean |r| of one image (C, H, W), by np.corrcoef and a loop over pairs."""
    r = np.corrcoef(image.reshape(len(image), -1))
    pairs = [abs(r[i, j]) for i in range(len(r)) for j in range(len(r)) if i != j]
    return float(np.mean(pairs))


def test_moments_are_those_of_numpy(feature_map):
    covariance, mean = moments(feature_map)
    for image, S, mu in zip(feature_map.numpy(), covariance, mean, strict=True):
        flat = image.reshape(len(image), -1)
        assert_close(S, np.cov(flat, ddof=0))
        assert_close(mu, flat.mean(1))
        assert_close(second_moment(S[None], mu[None])[0], sum(np.outer(f, f) for f in flat.T) / flat.shape[1])
    assert covariance.dtype == mean.dtype == torch.float64
    assert moments(feature_map.half())[0].dtype == torch.float64


def test_mean_absolute_correlation_is_that_of_numpy(feature_map):
    found = mean_absolute_correlation(*moments(feature_map))
    assert found.dtype == torch.float64
    assert_close(found, [by_numpy(image) for image in feature_map.numpy()])


def test_dead_channels_are_left_out(feature_map):
    without = mean_absolute_correlation(*moments(feature_map))
    shape = (*feature_map.shape[:1], 1, *feature_map.shape[2:])
    rounding = 7.3 + 1e-8 * feature_map[:, :1]  # correlates with the first channel, if it counted
    dead = torch.cat([feature_map, torch.zeros(shape), torch.full(shape, 7.3), rounding], dim=1)
    assert_close(mean_absolute_correlation(*moments(dead)), without)


def test_correlation_needs_two_channels_that_vary(feature_map):
    one = torch.cat([feature_map[:, :1], torch.ones_like(feature_map[:, :1])], dim=1)
    assert torch.isnan(mean_absolute_correlation(*moments(one))).all()
    assert torch.isnan(mean_absolute_correlation(*moments(feature_map[:, :1]))).all()


def test_copies_of_one_channel_correlate_fully(feature_map):
    one = feature_map[:, :1]
    copies = torch.cat([one, -2 * one, 1e-3 * one + 5], dim=1)
    assert_close(mean_absolute_correlation(*moments(copies)), torch.ones(2), tolerance=1e-9)


@pytest.mark.parametrize("positions", [49, 400])
def test_bias_is_what_independent_channels_show(positions):
    """Of Gaussians; the formula is that of many positions, and 49 are off by about 1 %."""
    r = np.corrcoef(np.random.default_rng(0).standard_normal((150, positions)))
    seen = np.abs(r[np.triu_indices(150, 1)]).mean()
    assert correlation_bias(positions) == pytest.approx(seen, rel=0.02)
    with pytest.raises(ValueError, match="positions must be greater than 0, got 0"):
        correlation_bias(0)


def test_shuffling_leaves_only_the_bias(generator):
    common = torch.randn(2, 1, 20, 20, generator=generator)
    features = common + 0.5 * torch.randn(2, 60, 20, 20, generator=generator)
    assert (mean_absolute_correlation(*moments(features)) > 0.7).all()
    null = shuffled_correlation(features, generator)
    assert null.numpy() == pytest.approx(correlation_bias(400), rel=0.1)


def smooth(generator, channels=40, side=24):
    """Unrelated channels, each a blur of white noise on a torus."""
    noise = torch.randn(1, channels, side, side, generator=generator, dtype=torch.float64)
    return sum(noise.roll((i, j), (2, 3)) for i in range(6) for j in range(6))


def test_shifting_keeps_the_chance_correlation_of_smooth_maps_and_shuffling_does_not(generator):
    """The two nulls disagree by what neighbours share."""
    features = smooth(generator)
    real = float(mean_absolute_correlation(*moments(features)))
    assert float(shifted_correlation(features, generator)) == pytest.approx(real, rel=0.1)
    assert float(shuffled_correlation(features, generator)) < 0.5 * real


def test_nulls_are_drawn_from_the_generator(feature_map):
    for null in (shuffled_correlation, shifted_correlation):
        one, again, other = (null(feature_map, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
        assert torch.equal(one, again)
        assert not torch.equal(one, other)


def test_off_diagonal_energy_of_cases_done_by_hand():
    cases = torch.stack([torch.eye(3), torch.ones(3, 3), torch.diag(torch.tensor([4.0, 0, 0]))])
    assert_close(off_diagonal_energy(cases), [0, 2 / 3, 0])
    gram = torch.tensor([[[1.0, 2.0], [2.0, 5.0]]])
    assert_close(off_diagonal_energy(gram), [8 / 34])
    assert math.isnan(float(off_diagonal_energy(torch.zeros(1, 2, 2))))


def test_mean_direction_share_of_cases_done_by_hand():
    covariance = torch.tensor([[[1.0, 0.5], [0.5, 2.0]], [[0.0, 0], [0, 0]], [[1.0, 0], [0, 1]]])
    mean = torch.tensor([[1.0, 2.0], [3.0, 0.0], [0.0, 0.0]])
    assert_close(mean_direction_share(covariance, mean), [5 / 8, 1, 0])
    assert torch.isnan(mean_direction_share(torch.zeros(1, 2, 2), torch.zeros(1, 2))).all()


def test_wrong_moments_are_refused():
    S, mu = torch.eye(3)[None], torch.zeros(1, 3)
    with pytest.raises(ValueError, match=r"covariance must be \(B, C, C\) .* got shape \(3, 3\): give one "):
        mean_absolute_correlation(S[0], mu)
    with pytest.raises(ValueError, match=r"mean must be \(B, C\) = \(1, 3\) as the covariance is, got .*2\)"):
        mean_direction_share(S, mu[:, :2])
    with pytest.raises(ValueError, match=r"mean must be \(B, C\).*: give one vector as mean\[None\]"):
        mean_direction_share(S, mu[0])
    with pytest.raises(TypeError, match=r"gram must be floating point, got torch\.int64"):
        off_diagonal_energy(torch.ones(1, 2, 2, dtype=torch.int64))
    with pytest.raises(TypeError, match=r"gram must be Tensor, got list"):
        off_diagonal_energy([[1.0]])
