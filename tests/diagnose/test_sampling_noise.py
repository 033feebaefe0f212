"""Effective positions and noise, against loops and against simulated Gaussian fields."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.ndimage
import torch
from conftest import assert_close

from gramstyle.diagnose import (
    corrected_participation_ratio,
    effective_positions,
    gram_noise_ratio,
    moments,
    noise_ratio,
    predicted_contrast,
    split_half_positions,
)

# Effective positions


def slow_positions(image):
    """N_eff of covariances and of means of one image (C, H, W), by loops over displacements."""
    image = image - image.mean((1, 2), keepdims=True)
    height, width = image.shape[1:]
    far = max(height // 2, width // 2)
    first, second = [0.0] * (far + 1), [0.0] * (far + 1)
    variance = (image**2).mean((1, 2)).sum()
    for dy in range(-(height // 2), height // 2 + 1):
        for dx in range(-(width // 2), width // 2 + 1):
            products = [
                (image[:, y, x] * image[:, y + dy, x + dx]).sum()
                for y in range(height)
                for x in range(width)
                if 0 <= y + dy < height and 0 <= x + dx < width
            ]
            r, share = np.mean(products) / variance, len(products) / (height * width)
            first[max(abs(dy), abs(dx))] += share * r
            second[max(abs(dy), abs(dx))] += share * r**2
    end = next((ring for ring, one in enumerate(first) if one <= 0), far + 1)
    return height * width / sum(second[:end]), height * width / sum(first[:end])


def blurred(rng, images, channels, side, sigma):
    """Gaussian features of unequal energy, as smooth as a blur of `sigma` makes white noise."""
    noise = rng.standard_normal((images, channels, side, side))
    if sigma:
        noise = scipy.ndimage.gaussian_filter(noise, (0, 0, sigma, sigma), mode="wrap")
    energies = np.arange(1, channels + 1) ** -0.5
    return torch.from_numpy(noise / noise.std() * np.sqrt(energies)[:, None, None])


@pytest.mark.parametrize("shape", [(3, 6, 7), (2, 9, 4), (1, 1, 12), (4, 7, 1)])
@pytest.mark.parametrize("sigma", [0.0, 0.8])
def test_effective_positions_are_those_of_loops(shape, sigma):
    noise = np.random.default_rng(1).standard_normal(shape)
    image = scipy.ndimage.gaussian_filter(noise, (0, sigma, sigma)) + 3.0
    found = effective_positions(torch.from_numpy(image)[None])
    assert_close([float(found.covariances), float(found.means)], slow_positions(image), tolerance=1e-9)


def test_white_noise_has_as_many_effective_positions_as_positions():
    features = blurred(np.random.default_rng(0), 20, 16, 20, 0.0)
    found = effective_positions(features)
    assert float(found.covariances.mean()) == pytest.approx(400, rel=0.02)
    assert float(found.means.mean()) == pytest.approx(400, rel=0.05)


def spread_between_images(features):
    """N_eff of covariances and means by definition: how far those of independent images lie apart."""
    S, mu = moments(features)
    pooled = S.mean(0)
    one, other = torch.triu_indices(len(S), len(S), 1)
    bracket = torch.trace(pooled) ** 2 + pooled.square().sum()
    apart = (S[one] - S[other]).square().sum((1, 2)).mean()
    return float(2 * bracket / apart), float(
        2 * torch.trace(pooled) / (mu[one] - mu[other]).square().sum(1).mean()
    )


def test_smooth_fields_scatter_as_their_effective_positions_say():
    """Squares of r for covariances, r itself for means: of a Gaussian blur the first is twice the second.

    A map's own mean hides what it has in common at large, so both come out high, means by a fifth.
    """
    features = blurred(np.random.default_rng(0), 60, 16, 32, 1.0)
    of_covariances, of_means = spread_between_images(features)
    found = effective_positions(features)
    assert float(found.covariances.mean()) == pytest.approx(of_covariances, rel=0.2)
    assert float(found.means.mean()) == pytest.approx(of_means, rel=0.3)
    assert of_covariances / of_means == pytest.approx(2, rel=0.15)
    assert float(1 / (1 / split_half_positions(features)).mean()) == pytest.approx(of_covariances, rel=0.2)


def test_constant_maps_have_no_effective_positions():
    features = torch.tensor([0.0, 0.1, 3e4])[:, None, None, None].expand(3, 2, 5, 5)
    for found in (*effective_positions(features), split_half_positions(features[:1])):
        assert torch.isnan(found).all()
    single = torch.ones(2, 3, 1, 1)
    assert torch.isnan(split_half_positions(single)).all()
    assert torch.isnan(effective_positions(single).covariances).all()


@pytest.mark.parametrize("shape", [(12, 16), (13, 15), (1, 200), (150, 1)])
def test_halves_of_white_noise_have_every_position_between_them(shape):
    """The factor of two halves, and of a middle line that is left out."""
    features = torch.from_numpy(np.random.default_rng(0).standard_normal((300, 12, *shape)))
    found = 1 / (1 / split_half_positions(features)).mean()
    assert float(found) == pytest.approx(shape[0] * shape[1], rel=0.05)


def test_split_half_is_the_formula_on_numpys_covariances(generator):
    image = torch.randn(3, 7, 6, generator=generator, dtype=torch.float64)
    flat = image.numpy()
    pairs = [(flat[:, :3], flat[:, 4:], 3 / 7), (flat[:, :, :3], flat[:, :, 3:], 1 / 2)]
    noise = []
    for a, b, share in pairs:
        S, T = (np.cov(half.reshape(3, -1), ddof=0) for half in (a, b))
        both = (S + T) / 2
        bracket = np.trace(both) ** 2 + np.trace(both @ both)
        noise.append(share * np.linalg.norm(S - T) ** 2 / (2 * bracket))
    assert_close(split_half_positions(image[None]), [1 / np.mean(noise)])


# Noise ratios


def sampled(rng, covariance, mean, positions, pairs):
    """Mean squared distance of second moments of two samples of one Gaussian, by simulation."""
    root = np.linalg.cholesky(covariance)
    total = 0.0
    for _ in range(pairs):
        a, b = (rng.standard_normal((positions, len(mean))) @ root.T + mean for _ in range(2))
        total += np.linalg.norm(a.T @ a / positions - b.T @ b / positions) ** 2
    return total / pairs


COVARIANCE = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, -0.3], [0.1, -0.3, 0.4]])


def test_noise_ratio_is_what_two_samples_show():
    seen = sampled(np.random.default_rng(0), COVARIANCE, np.zeros(3), 50, 4000)
    S = torch.from_numpy(COVARIANCE)[None]
    assert float(noise_ratio(S, 50.0)) == pytest.approx(seen / np.linalg.norm(COVARIANCE) ** 2, rel=0.05)


def test_noise_ratio_is_two_pr_plus_one_over_n():
    assert_close(noise_ratio(torch.eye(7)[None], 4.0), [2 * (7 + 1) / 4])
    both = torch.stack([torch.eye(7), torch.diag(torch.tensor([1.0] + [0.0] * 6))])
    assert_close(noise_ratio(both, torch.tensor([4.0, 10.0])), [4, 2 * 2 / 10])
    assert torch.isnan(noise_ratio(both, torch.tensor([math.nan, 1.0]))).tolist() == [True, False]


def test_gram_noise_ratio_is_what_two_samples_show():
    mean = np.array([1.5, -0.5, 2.0])
    gram = COVARIANCE + np.outer(mean, mean)
    seen = sampled(np.random.default_rng(0), COVARIANCE, mean, 50, 4000) / np.linalg.norm(gram) ** 2
    S, mu = torch.from_numpy(COVARIANCE)[None], torch.from_numpy(mean)[None]
    found = float(gram_noise_ratio(S, mu, 50.0, 50.0))
    assert found == pytest.approx(seen, rel=0.05)
    without_mean = float(gram_noise_ratio(S, 0 * mu, 50.0, 7.0))
    assert without_mean == pytest.approx(float(noise_ratio(S, 50.0)))
    halved = float(gram_noise_ratio(S, mu, 50.0, 25.0))
    of_the_mean = found - without_mean * np.linalg.norm(COVARIANCE) ** 2 / np.linalg.norm(gram) ** 2
    assert halved - found == pytest.approx(of_the_mean)


def test_participation_ratio_is_corrected_for_sampling():
    """320 equal directions from 49 positions look like 43; the correction finds them again."""
    draws = np.random.default_rng(0).standard_normal((60, 320, 7, 7))
    S, _ = moments(torch.from_numpy(draws))
    trace, square = S.diagonal(dim1=1, dim2=2).sum(1), S.square().sum((1, 2))
    assert float((trace**2 / square).mean()) == pytest.approx(43, rel=0.05)
    corrected = corrected_participation_ratio(S, 48.0)  # one degree of freedom is the mean's
    assert float(1 / (1 / corrected).mean()) == pytest.approx(320, rel=0.1)


def test_correction_is_undefined_where_sampling_explains_everything():
    S = torch.eye(30)[None]
    assert torch.isnan(corrected_participation_ratio(S, 30.0)).all()
    assert torch.isnan(corrected_participation_ratio(S, 1.0)).all()
    assert float(corrected_participation_ratio(S, 1e9)) == pytest.approx(30)


# Predicted contrast


def simulated_contrast(channels, positions, exponent, spread, rng, styles=6, images=8):
    """Contrast of Frobenius distances of Gaussian features whose styles differ in channel gains.

    Also |dS|^2 over pairs of styles, and the mean covariance, both as made and not as measured.
    """
    base = np.arange(1.0, channels + 1) ** -exponent
    gains = np.exp(2 * spread * rng.standard_normal((styles, channels)))
    energies = base * gains
    energies *= channels / energies.sum(1, keepdims=True)
    grams = []
    for one in np.repeat(energies, images, axis=0):
        X = rng.standard_normal((positions, channels)) * np.sqrt(one)
        grams.append((X.T @ X / positions).ravel())
    labels = np.repeat(np.arange(styles), images)
    products = np.array(grams) @ np.array(grams).T
    norms = np.diag(products)
    distances = np.sqrt(np.maximum(norms[:, None] + norms - 2 * products, 0))
    one, other = np.triu_indices(len(labels), 1)
    same = labels[one] == labels[other]
    apart = distances[one, other]
    a, b = np.triu_indices(styles, 1)
    squared = ((energies[a] - energies[b]) ** 2).sum(1).mean()
    return apart[~same].mean() / apart[same].mean() - 1, squared, energies.mean(0)


@pytest.mark.parametrize(
    ("channels", "positions", "exponent", "spread"),
    [(64, 784, 1.0, 0.15), (320, 49, 1.0, 0.15), (320, 49, 0.0, 0.3)],
)
def test_contrast_is_predicted_within_a_fifth(channels, positions, exponent, spread):
    """Contrasts from 3 % to 100 %: wide maps of few positions bury styles that narrow ones show."""
    rng = np.random.default_rng(0)
    runs = [simulated_contrast(channels, positions, exponent, spread, rng) for _ in range(2)]
    seen = np.mean([run[0] for run in runs])
    squared = torch.tensor([np.mean([run[1] for run in runs])])
    covariance = torch.diag(torch.from_numpy(np.mean([run[2] for run in runs], axis=0)))[None]
    assert float(predicted_contrast(squared, covariance, float(positions))) == pytest.approx(seen, rel=0.2)


def test_styles_that_do_not_differ_have_no_contrast():
    assert float(predicted_contrast(torch.zeros(1), torch.eye(3)[None], 10.0)) == 0
    # |dS|^2 N / (2 (9 + 3)) = 3, sqrt(1 + 3) - 1 = 1
    assert float(predicted_contrast(torch.tensor([7.2]), torch.eye(3)[None], 10.0)) == pytest.approx(1)


def test_wrong_arguments_are_refused():
    S = torch.eye(3)[None]
    with pytest.raises(ValueError, match=r"positions must be greater than 0, got 0\.0"):
        noise_ratio(S, 0.0)
    with pytest.raises(
        ValueError, match=r"positions must be one number or \(B,\) = \(1,\), got shape \(2,\)"
    ):
        noise_ratio(S, torch.ones(2))
    with pytest.raises(ValueError, match=r"positions_of_means must be greater than 0, got -1"):
        gram_noise_ratio(S, torch.zeros(1, 3), 1.0, -1.0)
    with pytest.raises(ValueError, match=r"squared_difference must be \(B,\) = \(1,\) .* got shape \(2,\)"):
        predicted_contrast(torch.ones(2), S, 1.0)
    with pytest.raises(ValueError, match=r"features must be \(B, C, H, W\), got shape \(2, 3, 4\)"):
        effective_positions(torch.ones(2, 3, 4))
    with pytest.raises(ValueError, match=r"features must be \(B, C, H, W\), got shape \(2, 3, 4\)"):
        split_half_positions(torch.ones(2, 3, 4))
