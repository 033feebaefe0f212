"""Maps of channels: what they do to features they do to moments, and what a rotation cannot change."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
from conftest import assert_close

from gramstyle.diagnose import (
    ChannelMap,
    drop_top,
    eigenbasis,
    mean_absolute_correlation,
    moments,
    participation_ratio,
    projection,
    rotation,
    second_moment,
    standardisation,
    subset,
    whitening,
)
from gramstyle.diagnose.spectrum import eigenvalues
from gramstyle.gram import pack, unpack

C = 12


@pytest.fixture
def features(generator):
    """Rectified features (4, C, 9, 8) whose channels share much."""
    common, own = (torch.randn(4, n, 9, 8, generator=generator, dtype=torch.float64) for n in (1, C))
    return (2 * common + own * torch.linspace(0.5, 2, C)[:, None, None]).relu()


@pytest.fixture
def pooled(features):
    """Covariance (C, C) and mean (C,) over all positions of all images."""
    flat = features.transpose(0, 1).flatten(1).numpy()
    return torch.from_numpy(np.cov(flat, ddof=0)), torch.from_numpy(flat.mean(1))


def every_map(pooled, generator):
    covariance, mean = pooled
    energies = covariance.diagonal() + mean**2
    return [
        rotation(C, generator),
        eigenbasis(covariance),
        whitening(covariance),
        projection(C, 5, generator),
        subset(C, 5, generator),
        drop_top(energies, 3),
        standardisation(mean, covariance.diagonal().sqrt()),
        ChannelMap(name="any", matrix=torch.randn(7, C, generator=generator), offset=mean),
    ]


def test_moments_of_mapped_features_are_mapped_moments(features, pooled, generator):
    for one in every_map(pooled, generator):
        mapped = one.features(features)
        for direct, through in zip(moments(mapped), one.moments(*moments(features)), strict=True):
            assert_close(through, direct, tolerance=1e-11)
        assert mapped.shape == (4, one.matrix.shape[0], 9, 8)
        offset = np.zeros(C) if one.offset is None else one.offset.numpy()
        x = features[1, :, 2, 3].numpy()
        assert_close(mapped[1, :, 2, 3], one.matrix.double().numpy() @ (x - offset))


def test_packed_moments_are_the_same_moments(features, pooled, generator):
    covariance, mean = moments(features)
    for one in every_map(pooled, generator):
        S, mu = one.moments(covariance, mean)
        triangle, vector = one.packed_moments(pack(covariance), mean)
        assert_close(unpack(triangle), S.numpy(), tolerance=1e-12)
        assert_close(vector, mu.numpy(), tolerance=1e-12)
        narrow = one.packed_moments(pack(covariance).float(), mean.float())
        assert all(found.dtype == torch.float32 for found in narrow)
    swapped = ChannelMap(name="swap", matrix=torch.eye(C).flip(0))
    assert_close(unpack(swapped.packed_moments(pack(covariance), mean)[0]), covariance.flip(1, 2).numpy())


def distances(features):
    """Frobenius distances of the Gram matrices of all pairs of images, by numpy."""
    grams = second_moment(*moments(features)).numpy()
    return np.array([[np.linalg.norm(a - b) for b in grams] for a in grams])


def test_a_rotation_changes_correlation_and_no_distance(features, generator):
    """Mean inter-channel correlation cannot by itself determine distances of Gram matrices."""
    turned = rotation(C, generator).features(features)
    assert_close(distances(turned), distances(features), tolerance=1e-12)
    before, after = (mean_absolute_correlation(*moments(one)) for one in (features, turned))
    assert (abs(after - before) > 0.05).all()
    ranks = [participation_ratio(eigenvalues(moments(one)[0])) for one in (features, turned)]
    assert_close(ranks[1], ranks[0])


def test_the_pooled_eigenbasis_has_no_correlation_and_the_same_distances(features, pooled):
    turned = eigenbasis(pooled[0])
    assert_close(distances(turned.features(features)), distances(features), tolerance=1e-12)
    S, mu = turned.moments(pooled[0][None], pooled[1][None])
    assert float(mean_absolute_correlation(*(one[None] for one in (pooled[0], pooled[1])))) > 0.1
    assert float(mean_absolute_correlation(S, mu)) < 1e-12
    assert_close(S[0], np.diag(np.linalg.eigvalsh(pooled[0].numpy())[::-1]))


def test_rotations_are_orthogonal_and_drawn_evenly(generator):
    Q = rotation(C, generator).matrix
    assert_close(Q @ Q.T, torch.eye(C))
    # Haar: entries have mean 0 and variance 1/C; without the signs of R the diagonal is one-sided
    drawn = torch.stack([rotation(3, generator).matrix for _ in range(2000)])
    assert drawn.mean(0).abs().max() < 0.06
    assert_close(drawn.square().mean(0), torch.full((3, 3), 1 / 3), tolerance=0.1)


def test_whitening_is_the_inverse_root_of_scipy(pooled):
    covariance = pooled[0]
    ridge = 1e-3 * float(covariance.trace()) / C
    root = scipy.linalg.sqrtm(covariance.numpy() + ridge * np.eye(C))
    made = whitening(covariance)
    assert_close(made.matrix, np.linalg.inv(np.real(root)), tolerance=1e-9)
    white = whitening(covariance, 1e-12).moments(covariance[None], pooled[1][None])[0][0]
    assert_close(white, torch.eye(C), tolerance=1e-6)


def test_whitening_of_singular_covariances_is_finite():
    u = torch.ones(4, 1)
    assert torch.isfinite(whitening(u @ u.T).matrix).all()
    with pytest.raises(ValueError, match="covariance must not be zero: there is nothing to whiten"):
        whitening(torch.zeros(3, 3))
    with pytest.raises(ValueError, match="ridge must be greater than 0, got 0"):
        whitening(torch.eye(3), 0.0)


def test_projections_keep_energy_on_average(pooled, generator):
    covariance, mean = (one[None] for one in pooled)
    kept = projection(C, 5, generator)
    assert_close(kept.matrix @ kept.matrix.T, C / 5 * np.eye(5))
    energies = [
        float(second_moment(*projection(C, 5, generator).moments(covariance, mean))[0].trace())
        for _ in range(400)
    ]
    whole = float(second_moment(covariance, mean)[0].trace())
    assert np.mean(energies) == pytest.approx(whole, rel=0.1)
    full = projection(C, C, generator).matrix
    assert_close(full @ full.T, torch.eye(C))


def test_subsets_are_channels_as_they_are(features, generator):
    one = subset(C, 5, generator)
    chosen = one.matrix.argmax(1)
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert torch.equal(one.features(features), features[:, chosen])


def test_the_largest_channels_are_dropped(features):
    energies = torch.tensor([3.0, 9, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5])
    assert torch.equal(drop_top(energies, 3).features(features), features[:, [0, 2, 3, 4, 5, 7, 9, 10, 11]])
    assert torch.equal(drop_top(energies, 0).features(features), features)


def test_standardised_channels_have_mean_0_and_deviation_1(features, pooled):
    covariance, mean = pooled
    std = covariance.diagonal().sqrt()
    S, mu = standardisation(mean, std).moments(covariance[None], mean[None])
    assert_close(S[0].diagonal(), torch.ones(C))
    assert mu.abs().max() < 1e-12
    r = np.corrcoef(features.transpose(0, 1).flatten(1).numpy())
    assert_close(S[0], r)


def test_channels_that_hardly_vary_are_not_blown_up():
    std = torch.tensor([1.0, 1.0, 1e-9, 0.0])
    made = standardisation(torch.zeros(4), std, floor=0.1)
    floor = 0.1 * np.sqrt(2 / 4)
    assert_close(made.matrix.diagonal(), [1, 1, 1 / floor, 1 / floor])


def test_half_precision_is_widened_and_layout_does_not_matter(features, generator):
    one = rotation(C, generator)
    half = features.half()
    assert one.features(half).dtype == torch.float32
    assert_close(one.features(half), one.features(half.double()), tolerance=1e-5)
    last = features.to(memory_format=torch.channels_last)
    assert torch.equal(one.features(last), one.features(features)) or torch.allclose(
        one.features(last), one.features(features), rtol=1e-12
    )


def test_wrong_maps_and_arguments_are_refused(features, generator):
    one = rotation(5, generator)
    with pytest.raises(
        ValueError, match="features must have the 5 channels that the map rotation is for, got 12"
    ):
        one.features(features)
    with pytest.raises(
        ValueError, match="covariance must have the 5 channels that the map rotation is for, got 12"
    ):
        one.moments(*moments(features))
    with pytest.raises(ValueError, match=r"matrix must be \(C', C\), got shape \(3,\)"):
        ChannelMap(name="x", matrix=torch.ones(3))
    with pytest.raises(ValueError, match=r"offset must be \(C,\) = \(4,\), got shape \(3,\)"):
        ChannelMap(name="x", matrix=torch.ones(3, 4), offset=torch.ones(3))
    for make in (projection, subset):
        with pytest.raises(ValueError, match="kept must be between 1 and the number of channels, 4, got 5"):
            make(4, 5, generator)
    with pytest.raises(ValueError, match="channels must be greater than 0, got 0"):
        rotation(0, generator)
    with pytest.raises(ValueError, match="count must be between 0 and C - 1 = 2, got 3"):
        drop_top(torch.ones(3), 3)
    with pytest.raises(ValueError, match=r"energies must be \(C,\), got shape \(1, 3\)"):
        drop_top(torch.ones(1, 3), 1)
    with pytest.raises(
        ValueError, match=r"covariance must be \(C, C\), pooled over images, got shape \(1, 3, 3\)"
    ):
        eigenbasis(torch.eye(3)[None])
    with pytest.raises(ValueError, match="std must be greater than 0 for at least one channel"):
        standardisation(torch.zeros(2), torch.zeros(2))
    with pytest.raises(ValueError, match=r"mean and std must both be \(C,\), got shapes \(2,\) and \(3,\)"):
        standardisation(torch.zeros(2), torch.zeros(3))
