"""Means of Gaussians: against POT, closed forms written with inverses, and what a geodesic is."""

import numpy as np
import pytest
import torch
from conftest import assert_close
from ot.gaussian import bures_wasserstein_barycenter
from scipy.linalg import sqrtm

from gramstyle.distance import gaussian_barycenter


def gaussians(generator, count, channels=5, positions=20):
    features = torch.randn(count, channels, positions, generator=generator, dtype=torch.float64)
    features *= torch.linspace(0.2, 2, channels, dtype=torch.float64)[:, None]
    means = torch.randn(count, channels, generator=generator, dtype=torch.float64)
    return features @ features.mT / positions, means


def factor(covariance):
    values, vectors = np.linalg.eigh(covariance.numpy())
    return vectors * np.sqrt(values.clip(0))


def apart(means, covariances, mean, covariance):
    """Squared distance of each Gaussian to one; a nuclear norm of factors, so that they may be singular."""
    return [
        float(((one - mean) ** 2).sum() + other.trace() + covariance.trace())
        - 2 * np.linalg.norm(factor(other).T @ factor(covariance), "nuc")
        for one, other in zip(means, covariances, strict=True)
    ]


@pytest.mark.parametrize("shares", [(0.3, 0.7), (0.2, 0.5, 0.3), (4.0, 1.0, 2.0, 3.0)])
def test_it_is_that_of_pot(shares, generator):
    covariances, means = gaussians(generator, len(shares))
    weights = np.array(shares) / sum(shares)
    mean, covariance = bures_wasserstein_barycenter(
        means.numpy(), covariances.numpy(), weights=weights, num_iter=2000, eps=1e-13
    )
    found, middle = gaussian_barycenter(covariances, means, shares, tolerance=1e-14)
    assert_close(middle, mean)
    assert_close(found, covariance, tolerance=1e-8)  # where either iteration ends
    assert_close(gaussian_barycenter(covariances, means, shares)[0], covariance, tolerance=1e-5)


def test_of_two_it_is_mccann_s_interpolation(generator):
    """(1 - t) I + t T on one side of A and on the other, T from A to B, with the inverses of the formula."""
    (a, b), means = gaussians(generator, 2)
    root = np.real(sqrtm(a.numpy()))
    back = np.linalg.inv(root)
    to = back @ np.real(sqrtm(root @ b.numpy() @ root)) @ back
    for t in (0.0, 0.25, 0.9, 1.0):
        moved = (1 - t) * np.eye(5) + t * to
        found, mean = gaussian_barycenter(torch.stack([a, b]), means, (1 - t, t))
        assert_close(found, moved @ a.numpy() @ moved, tolerance=1e-10)
        assert_close(mean, (1 - t) * means[0] + t * means[1])


@pytest.mark.parametrize("positions", [20, 3], ids=["full rank", "singular"])
def test_two_are_joined_at_constant_speed(positions, generator):
    covariances, means = gaussians(generator, 2, positions=positions)
    whole = apart(means, covariances, means[1], covariances[1])[0]
    for t in (0.2, 0.5, 0.7):
        found, mean = gaussian_barycenter(covariances, means, (1 - t, t))
        assert apart(means, covariances, mean, found) == pytest.approx([t**2 * whole, (1 - t) ** 2 * whole])
        assert float(torch.linalg.eigvalsh(found).min()) > -1e-12


def test_singular_ones_are_the_limit_of_ones_that_are_not(generator):
    """By what is minimised: several Gaussians may do that."""
    covariances, means = gaussians(generator, 3, channels=6, positions=3)
    shares = (0.5, 0.3, 0.2)
    found, mean = gaussian_barycenter(covariances, means, shares)
    _, limit = bures_wasserstein_barycenter(
        means.numpy(), (covariances + 1e-5 * torch.eye(6)).numpy(), weights=np.array(shares), num_iter=200
    )

    def spread(covariance):
        distances = apart(means, covariances, mean, covariance)
        return sum(share * one for share, one in zip(shares, distances, strict=True))

    assert spread(found) == pytest.approx(spread(torch.from_numpy(limit)), rel=1e-3)


@pytest.mark.parametrize("count", [2, 3])
def test_independent_channels_have_the_mean_of_their_deviations(count, generator):
    """Of which some are 0."""
    deviations = torch.rand(count, 4, generator=generator, dtype=torch.float64)
    deviations[0, 1] = deviations[1, 2] = deviations[:, 3] = 0
    shares = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)[:count]
    found, _ = gaussian_barycenter(torch.diag_embed(deviations**2), torch.zeros(count, 4), shares)
    expected = (shares[:, None] * deviations).sum(0) / shares.sum()
    assert_close(found, torch.diag(expected**2), tolerance=1e-7)


def test_weights_of_nothing_and_one_gaussian(generator):
    covariances, means = gaussians(generator, 3)
    with_nothing = gaussian_barycenter(covariances, means, (2.0, 0.0, 6.0))
    without = gaussian_barycenter(covariances[[0, 2]], means[[0, 2]], (0.25, 0.75))
    for one, other in zip(with_nothing, without, strict=True):
        assert_close(one, other)
    alone = gaussian_barycenter(covariances, means, (0.0, 3.0, 0.0))
    assert_close(alone[0], covariances[1])
    assert_close(alone[1], means[1])
    same, _ = gaussian_barycenter(covariances[:1].expand(3, -1, -1), means, (1.0, 1.0, 1.0))
    assert_close(same, covariances[0], tolerance=1e-10)


def test_directions_of_one_alone_stay_apart(generator):
    """In turned axes: two that both have, three of the first and three of the second."""
    axes = torch.linalg.qr(torch.randn(8, 8, generator=generator, dtype=torch.float64)).Q
    deviations = torch.tensor([[1, 1, 1, 1, 1, 0, 0, 0], [2, 2, 0, 0, 0, 1, 1, 1]], dtype=torch.float64)
    covariances = axes @ torch.diag_embed(deviations**2) @ axes.mT
    found, _ = gaussian_barycenter(covariances, torch.zeros(2, 8), (0.75, 0.25))
    expected = (0.75 * deviations[0] + 0.25 * deviations[1]) ** 2
    assert_close(found, axes * expected @ axes.mT, tolerance=1e-6)  # roots of 1e-16


def test_what_rounding_made_of_symmetry_does_not_count(generator):
    covariances, means = gaussians(generator, 3)
    apart = torch.randn(3, 5, 5, generator=generator, dtype=torch.float64)
    found, _ = gaussian_barycenter(covariances + 0.1 * (apart - apart.mT), means, (1, 2, 3))
    assert_close(found, gaussian_barycenter(covariances, means, (1, 2, 3))[0])


def test_wrong_arguments_are_refused(generator):
    covariances, means = gaussians(generator, 2)
    with pytest.raises(ValueError, match=r"covariances must be \(K, C, C\), got shape \(2, 5, 4\)"):
        gaussian_barycenter(covariances[..., :4], means, (1, 1))
    with pytest.raises(ValueError, match=r"means must be \(K, C\) = \(2, 5\), got shape \(1, 5\)"):
        gaussian_barycenter(covariances, means[:1], (1, 1))
    with pytest.raises(ValueError, match=r"weights must be one per Gaussian, 2, got shape \(3,\)"):
        gaussian_barycenter(covariances, means, (1, 1, 1))
    for weights in ((0.0, 0.0), (-1.0, 2.0), (float("nan"), 1.0)):
        with pytest.raises(ValueError, match="weights must be 0 or more, finite and not all 0"):
            gaussian_barycenter(covariances, means, weights)
    with pytest.raises(ValueError, match="means must be finite"):
        gaussian_barycenter(covariances, means * torch.nan, (1, 1))
    with pytest.raises(ValueError, match="covariances must be finite"):
        gaussian_barycenter(covariances * torch.nan, means, (1, 1))
