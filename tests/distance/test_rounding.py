"""Distances that are small, ranks that are low, and numbers near the ends of float32."""

import numpy as np
import pytest
import torch
from conftest import assert_close
from distance.cases import CASES, descriptors, features

from gramstyle.distance import METRICS, distance, pairwise_distance
from gramstyle.distance.symmetric import matrix_sqrt
from gramstyle.gram import gram

INNER = ["relative-frobenius", "frobenius", "squared-frobenius", "mse"]


def exact(metric, a, b):
    """In extended precision, where that differs from float64."""
    a, b = (one.numpy().astype(np.longdouble) for one in (a, b))
    squared = ((a - b) ** 2).sum((1, 2))
    if metric == "squared-frobenius":
        return squared
    if metric == "mse":
        return squared / a[0].size
    if metric == "frobenius":
        return np.sqrt(squared)
    size = np.sqrt((a**2).sum((1, 2))) + np.sqrt((b**2).sum((1, 2)))
    return 2 * np.sqrt(squared) / size


@pytest.mark.parametrize("form", ["paired", "pairwise"])
@pytest.mark.parametrize("apart", [1e-2, 1e-3, 1e-4, 1e-5, 1e-6])
@pytest.mark.parametrize("metric", INNER)
def test_nearly_equal_descriptors(metric, apart, form):
    a = descriptors("gram", 0, 3, channels=16)
    bump = descriptors("gram", 1, 3, channels=16)
    b = a + apart * bump * (a.flatten(1).norm(dim=1) / bump.flatten(1).norm(dim=1))[:, None, None]
    found = distance(a, b, metric) if form == "paired" else pairwise_distance(a, b, metric).diagonal()
    # |a|^2 + |b|^2 - 2 <a, b> is rounded to about 1e-15 |a|^2, and the square wanted is apart^2 |a|^2
    wanted = torch.from_numpy(exact(metric, a, b).astype(np.float64))
    assert ((found - wanted).abs() <= (1e-12 + 4e-15 / apart**2) * wanted).all()


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_below_rounding_is_zero_and_never_nan(metric, kind):
    a = descriptors(kind, 0, 3)
    for apart in (1e-9, 1e-12, 1e-16):
        found = distance(a, a * (1 + apart), metric, statistic=kind)
        assert (found == 0).all()


@pytest.mark.parametrize("metric", ["wasserstein", "squared-wasserstein"])
@pytest.mark.parametrize("apart", [1e-2, 1e-3, 1e-4])
def test_wasserstein_of_nearly_equal_gaussians(metric, apart):
    x = features(0, 3)
    a, b = (gram(one, statistic="gaussian") for one in (x, (1 + apart) * x))
    # scaling every feature moves each by apart |f|: the root mean square is apart sqrt(tr S + |mu|^2)
    size = (a[:, :, :-1].diagonal(dim1=1, dim2=2).sum(1) + a[:, :, -1].square().sum(1)).sqrt()
    wanted = apart * size if metric == "wasserstein" else (apart * size).square()
    assert_close(distance(a, b, metric), wanted, tolerance=1e-13 / apart**2)


@pytest.mark.parametrize("metric", ["matrix-sqrt", "log-euclidean", "wasserstein"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fewer_positions_than_channels(metric, dtype):
    kind = METRICS[metric].statistics[0].value
    a, b = (gram(features(seed, 3, channels=24, side=2).to(dtype), statistic=kind) for seed in (0, 1))
    found = distance(a, b, metric)
    assert torch.isfinite(found).all()
    assert (found > 0).all()
    assert (distance(a, a, metric) == 0).all()
    assert_close(pairwise_distance(a, b, metric).diagonal(), found, tolerance=1e-9)
    if dtype == torch.float32:
        exact = distance(*(gram(features(s, 3, 24, 2), statistic=kind) for s in (0, 1)), metric)
        # roots of eigenvalues that float32 leaves at 1e-7 where they are 0
        assert_close(found, exact, tolerance=2e-3)


def test_matrix_root_of_low_rank_is_a_root():
    a = gram(features(0, 2, channels=24, side=2))
    root = matrix_sqrt(a)
    assert_close(root @ root, a)
    assert_close(root, root.mT)


def test_negative_eigenvalues_of_rounding_count_as_zero():
    a = torch.diag(torch.tensor([4.0, -1e-12], dtype=torch.float64))[None]
    assert_close(matrix_sqrt(a), torch.diag(torch.tensor([2.0, 0])).double()[None])


@pytest.mark.parametrize(("metric", "kind"), CASES)
@pytest.mark.parametrize("scale", [1e-15, 1e15])
def test_far_from_one(metric, kind, scale):
    a, b = (scale * descriptors(kind, seed, 2).float() for seed in (0, 1))
    found = distance(a, b, metric, statistic=kind)
    assert torch.isfinite(found).all()
    assert (found > 0).all()
    assert (distance(a, a, metric, statistic=kind) == 0).all()


def test_overflow_is_not_distance_zero():
    a, b = torch.full((1, 2), 1e200, dtype=torch.float64), torch.full((1, 2), -1e200, dtype=torch.float64)
    assert not (distance(a, b, "frobenius", statistic="mean") == 0).any()


@pytest.mark.parametrize("metric", ["matrix-sqrt", "relative-frobenius", "cosine", "wasserstein"])
def test_descriptors_of_zero(metric):
    kind = METRICS[metric].statistics[0].value
    zero = gram(torch.zeros(2, 3, 4, 4), statistic=kind)
    assert (pairwise_distance(zero, metric=metric) == 0).all()
    other = gram(features(0, 2, channels=3).float(), statistic=kind)
    assert (distance(zero, other, metric) > 0).all()
