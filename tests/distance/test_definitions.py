"""Every metric on every statistic against the oracle, paired and pairwise."""

import numpy as np
import oracles
import ot.gaussian
import pytest
import scipy.linalg
import torch
from conftest import TOLERANCE, assert_close
from distance.cases import CASES, descriptors, features, oracle_table

from gramstyle.distance import METRICS, distance, pairwise_distance
from gramstyle.gram import gram

LOOSE = {
    # the oracle takes the square root of an unsymmetric product; squares then cancel
    "wasserstein": 1e-7,
    "squared-wasserstein": 1e-10,
    "log-euclidean": 1e-11,
}


def tolerance(metric):
    return LOOSE.get(metric, TOLERANCE[torch.float64])


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_paired_distance_is_its_definition(metric, kind):
    a, b = descriptors(kind, 0, 3), descriptors(kind, 1, 3)
    found = distance(a, b, metric, statistic=kind)
    assert found.dtype == torch.float64
    wanted = [oracles.DISTANCES[metric](x, y) for x, y in zip(a.numpy(), b.numpy(), strict=True)]
    assert_close(found, wanted, tolerance=tolerance(metric))


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_pairwise_distance_is_its_definition(metric, kind):
    a, b = descriptors(kind, 0, 3), descriptors(kind, 1, 4)
    found = pairwise_distance(a, b, metric, statistic=kind)
    assert found.dtype == torch.float64
    assert_close(found, oracle_table(oracles.DISTANCES[metric], a, b), tolerance=tolerance(metric))


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_all_forms_agree(metric, kind):
    a = descriptors(kind, 2, 5)
    square = pairwise_distance(a, metric=metric, statistic=kind)
    assert torch.equal(square, square.mT)
    assert (square.diagonal() == 0).all()
    assert_close(pairwise_distance(a, a.clone(), metric, statistic=kind), square)
    beside = distance(a[:-1], a[1:], metric, statistic=kind)
    assert_close(square.diagonal(1), beside)


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_single_precision_descriptors_are_taken_as_they_are(metric, kind):
    a, b = descriptors(kind, 0, 2).float(), descriptors(kind, 1, 2).float()
    found = distance(a, b, metric, statistic=kind)
    assert found.dtype == torch.float64
    assert torch.equal(found, distance(a.double(), b.double(), metric, statistic=kind))


@pytest.mark.parametrize("metric", METRICS)
def test_default_statistic_is_the_first_of_the_metric(metric):
    kind = METRICS[metric].statistics[0].value
    a, b = descriptors(kind, 0, 2), descriptors(kind, 1, 2)
    assert torch.equal(distance(a, b, metric), distance(a, b, metric, statistic=kind))
    assert torch.equal(pairwise_distance(a, b, metric), pairwise_distance(a, b, metric, statistic=kind))


def test_default_metric_is_cosine():
    a, b = descriptors("gram", 0, 2), descriptors("gram", 1, 2)
    assert torch.equal(distance(a, b), distance(a, b, "cosine"))
    assert torch.equal(pairwise_distance(a, b), pairwise_distance(a, b, "cosine"))


# Wasserstein against others


def gaussians(seed, count, channels=5):
    return descriptors("gaussian", seed, count, channels)


def test_wasserstein_is_that_of_pot():
    a, b = gaussians(0, 4), gaussians(1, 4)
    wanted = [
        float(ot.gaussian.bures_wasserstein_distance(x[:, -1], y[:, -1], x[:, :-1], y[:, :-1]))
        for x, y in zip(a.numpy(), b.numpy(), strict=True)
    ]
    assert_close(distance(a, b, "wasserstein"), wanted, tolerance=1e-9)
    assert_close(distance(a, b, "squared-wasserstein"), np.square(wanted), tolerance=1e-9)


def test_wasserstein_of_commuting_covariances_is_that_of_their_spectra(generator):
    q = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64)).Q
    u, v = torch.rand(2, 6, generator=generator, dtype=torch.float64)
    m, n = torch.randn(2, 6, generator=generator, dtype=torch.float64)
    a = torch.cat([q @ u.diag() @ q.T, m[:, None]], 1)[None]
    b = torch.cat([q @ v.diag() @ q.T, n[:, None]], 1)[None]
    wanted = (m - n).square().sum() + (u.sqrt() - v.sqrt()).square().sum()
    assert_close(distance(a, b, "squared-wasserstein"), wanted[None])
    # and the diagonal form is the full one for channels that do not correlate
    flat = [torch.cat([mean, spread.sqrt()])[None] for mean, spread in ((m, u), (n, v))]
    straight = [torch.cat([spread.diag(), mean[:, None]], 1)[None] for mean, spread in ((m, u), (n, v))]
    assert_close(distance(*flat, "wasserstein-diagonal"), distance(*straight, "wasserstein"))


def test_bn_statistics_are_those_that_batch_normalisation_collects():
    x, y = features(0, 1, channels=5), features(1, 1, channels=5)
    kept = []
    for one in (x, y):
        norm = torch.nn.BatchNorm2d(5, momentum=1.0, dtype=torch.float64)
        norm(one)
        kept.append((norm.running_mean, (norm.running_var * 35 / 36).sqrt()))  # torch keeps the unbiased one
    wanted = sum((one - other).square().mean() for one, other in zip(*kept, strict=True))
    found = distance(gram(x, statistic="mean-std"), gram(y, statistic="mean-std"), "bn-statistics")
    assert_close(found, wanted[None])


def test_wasserstein_of_one_channel():
    x, y = features(0, 3, channels=1), features(1, 3, channels=1)
    mean, std = x.mean((1, 2, 3)) - y.mean((1, 2, 3)), x.flatten(1).std(1, False) - y.flatten(1).std(1, False)
    found = distance(gram(x, statistic="gaussian"), gram(y, statistic="gaussian"), "wasserstein")
    assert_close(found, torch.hypot(mean, std))


def test_wasserstein_of_rank_one_covariances(generator):
    # of u u' and v v': |u|^2 + |v|^2 - 2 |u'v|, which eigenvalues of 0 must not blur
    u, v = torch.randn(2, 8, generator=generator, dtype=torch.float64)
    zero = torch.zeros(8, 1, dtype=torch.float64)
    a, b = (torch.cat([torch.outer(w, w), zero], 1)[None] for w in (u, v))
    wanted = u @ u + v @ v - 2 * (u @ v).abs()
    # roots of eigenvalues that rounding leaves at 1e-17
    assert_close(distance(a, b, "squared-wasserstein"), wanted[None], tolerance=1e-7)


def test_wasserstein_of_translated_features_is_the_translation():
    x = features(3, 2)
    shift = torch.tensor([3.0, 0, 4, 0], dtype=torch.float64)[None, :, None, None]
    found = distance(gram(x, statistic="gaussian"), gram(x + shift, statistic="gaussian"), "wasserstein")
    assert_close(found, [5.0, 5.0], tolerance=1e-10)


# Matrix functions


def test_log_euclidean_is_that_of_scipy_for_fewer_positions_than_channels():
    x, y = features(0, 2, channels=9, side=2), features(1, 2, channels=9, side=2)
    a, b = gram(x), gram(y)
    assert np.linalg.matrix_rank(a[0]) == 4
    wanted = [
        np.linalg.norm(
            scipy.linalg.logm(p + 0.01 * np.trace(p) / 9 * np.eye(9))
            - scipy.linalg.logm(q + 0.01 * np.trace(q) / 9 * np.eye(9))
        )
        for p, q in zip(a.numpy(), b.numpy(), strict=True)
    ]
    assert_close(distance(a, b, "log-euclidean"), wanted, tolerance=1e-11)


def test_matrix_root_squared_is_the_matrix_for_fewer_positions_than_channels():
    x, y = features(0, 2, channels=9, side=2), features(1, 2, channels=9, side=2)
    a, b = gram(x), gram(y)

    def root(one):
        values, vectors = np.linalg.eigh(one)
        return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T

    wanted = [np.linalg.norm(root(p) - root(q)) for p, q in zip(a.numpy(), b.numpy(), strict=True)]
    assert_close(distance(a, b, "matrix-sqrt"), wanted, tolerance=1e-7)


def test_log_euclidean_of_scaled_matrices():
    # log(c A + c r I) = log(A + r I) + log c I
    a = descriptors("gram", 5, 2)
    assert_close(distance(a, 100 * a, "log-euclidean"), [np.log(100) * 2] * 2)
