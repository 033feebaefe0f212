"""What makes a distance one; ranges, scale and rotation."""

import pytest
import torch
from conftest import assert_close
from distance.cases import CASES, TRIANGLE, descriptors, features
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gramstyle.distance import METRICS, distance, pairwise_distance
from gramstyle.gram import Statistic, gram

ON_MATRICES = [name for name, metric in METRICS.items() if Statistic.GRAM in metric.statistics]


@pytest.mark.parametrize(("metric", "kind"), CASES)
@given(seed=st.integers(0, 2**20), channels=st.integers(1, 5), side=st.integers(1, 3))
@example(seed=94, channels=1, side=2)
@settings(deadline=None, max_examples=5)
def test_axioms(metric, kind, seed, channels, side):
    a = descriptors(kind, seed, 4, channels, side)
    if metric == "log-euclidean" and not (a.diagonal(dim1=1, dim2=2).sum(1) > 0).all():
        return  # one position has no covariance, and no logarithm: refused, see test_distance_errors
    table = pairwise_distance(a, metric=metric, statistic=kind)
    assert (table >= 0).all()
    assert (table <= (METRICS[metric].upper or torch.inf)).all()
    assert (distance(a, a, metric, statistic=kind) == 0).all()
    assert (distance(a, a.clone(), metric, statistic=kind) == 0).all()
    assert torch.equal(table, table.mT)
    beside = distance(a[:2], a[2:], metric, statistic=kind)
    torch.testing.assert_close(beside, distance(a[2:], a[:2], metric, statistic=kind), rtol=1e-9, atol=1e-9)
    if metric in TRIANGLE:
        size = float(a.abs().max()) + 1
        detour = (table[:, :, None] + table[None]).amin(1)  # (i, k): the shortest way by any j
        assert (table <= detour + 1e-6 * size).all()


@pytest.mark.parametrize(
    ("metric", "line"),
    [
        ("squared-frobenius", [[0.0, 0], [1, 0], [2, 0]]),
        ("mse", [[0.0, 0], [1, 0], [2, 0]]),
        ("cosine", [[1.0, 0], [1, 1], [0, 1]]),
    ],
)
def test_squares_and_cosines_break_the_triangle_inequality(metric, line):
    # so that leaving them out above is a fact, not an omission
    a, b, c = torch.tensor(line)[:, None]
    by_way = distance(a, b, metric, statistic="mean") + distance(b, c, metric, statistic="mean")
    assert distance(a, c, metric, statistic="mean") > by_way


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_equal_features_in_other_batches_are_at_zero(metric, kind):
    a, b = descriptors(kind, 0, 3), descriptors(kind, 1, 3)
    mixed = torch.cat([b, a])
    table = pairwise_distance(a, mixed, metric, statistic=kind)
    assert (table[:, 3:].diagonal() == 0).all()


POWERS = {
    "relative-frobenius": 0,
    "frobenius": 1,
    "squared-frobenius": 2,
    "mse": 2,
    "cosine": 0,
    "signed-sqrt": 0.5,
    "matrix-sqrt": 0.5,
    "log-euclidean": 0,
    "wasserstein-diagonal": 1,
    "bn-statistics": 2,
}


@pytest.mark.parametrize("metric", POWERS)
def test_scale_of_both(metric):
    kind = METRICS[metric].statistics[0].value
    a, b = descriptors(kind, 0, 3), descriptors(kind, 1, 3)
    for scale in (1e-6, 7.0, 1e6):
        scaled = distance(scale * a, scale * b, metric)
        assert_close(scaled, scale ** POWERS[metric] * distance(a, b, metric), tolerance=1e-10)


def test_wasserstein_is_a_length_of_features():
    x, y = features(0, 3), features(1, 3)
    plain = distance(gram(x, statistic="gaussian"), gram(y, statistic="gaussian"), "wasserstein")
    wide = distance(gram(50 * x, statistic="gaussian"), gram(50 * y, statistic="gaussian"), "wasserstein")
    assert_close(wide, 50 * plain, tolerance=1e-10)


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        *[(name, "gram") for name in ON_MATRICES if not name.startswith("signed-sqrt")],  # entries: see below
        ("frobenius", "covariance"),
        ("wasserstein", "gaussian"),
        ("squared-wasserstein", "gaussian"),
    ],
)
def test_one_rotation_of_the_channels_of_both_changes_nothing(metric, kind, generator):
    q = torch.linalg.qr(torch.randn(4, 4, generator=generator, dtype=torch.float64)).Q
    x, y = features(0, 3), features(1, 3)
    turned = [gram(torch.einsum("ij,njhw->nihw", q, one), statistic=kind) for one in (x, y)]
    plain = [gram(one, statistic=kind) for one in (x, y)]
    assert_close(
        distance(*turned, metric, statistic=kind), distance(*plain, metric, statistic=kind), tolerance=1e-10
    )


@pytest.mark.parametrize(
    ("metric", "kind"), [("signed-sqrt", "gram"), ("frobenius", "correlation"), ("frobenius", "diagonal")]
)
def test_what_works_on_entries_does_depend_on_the_basis(metric, kind, generator):
    q = torch.linalg.qr(torch.randn(4, 4, generator=generator, dtype=torch.float64)).Q
    x, y = features(0, 3), features(1, 3)
    turned = [gram(torch.einsum("ij,njhw->nihw", q, one), statistic=kind) for one in (x, y)]
    plain = [gram(one, statistic=kind) for one in (x, y)]
    first, second = distance(*turned, metric, statistic=kind), distance(*plain, metric, statistic=kind)
    assert ((first - second).abs() > 1e-3 * second).all()


def test_rotation_to_uncorrelated_channels_keeps_the_distance_of_gram_matrices():
    # mean correlation between channels therefore cannot decide the distance by itself
    x, y = features(0, 1, channels=6), features(1, 1, channels=6)
    a, b = gram(x), gram(y)
    basis = torch.linalg.eigh((a + b)[0]).eigenvectors.T
    turned = [basis @ one @ basis.T for one in (a, b)]
    pooled = sum(turned)[0]
    assert (pooled - pooled.diagonal().diag()).abs().max() < 1e-12 * pooled.abs().max()
    assert_close(distance(*turned, "frobenius"), distance(a, b, "frobenius"))


@pytest.mark.parametrize("metric", ["relative-frobenius", "cosine"])
def test_extremes(metric):
    zero, one = torch.zeros(1, 3), torch.ones(1, 3)

    def between(x, y):
        return float(distance(x, y, metric, statistic="mean"))

    assert between(zero, zero) == 0
    assert between(one, -one) == 2
    assert between(zero, one) == {"relative-frobenius": 2, "cosine": 1}[metric]
    assert between(one, 3 * one) == {"relative-frobenius": 1, "cosine": 0}[metric]


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_order_of_channels_changes_nothing(metric, kind, generator):
    order = torch.randperm(4, generator=generator)
    x, y = features(0, 3), features(1, 3)
    shuffled = [gram(one[:, order], statistic=kind) for one in (x, y)]
    plain = [gram(one, statistic=kind) for one in (x, y)]
    found = distance(*shuffled, metric, statistic=kind)
    assert_close(found, distance(*plain, metric, statistic=kind), tolerance=1e-10)
