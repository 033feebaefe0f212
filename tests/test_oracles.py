"""The oracles on cases worked by hand."""

import numpy as np
import oracles
import pytest

F = np.array([[[1.0, 2.0]], [[3.0, -1.0]]])  # C = 2, H W = 1 2


def test_gram_by_hand():
    assert oracles.gram(F).tolist() == [[5, 1], [1, 10]]
    assert oracles.gram(F, [[2.0, 1.0]]).tolist() == [[6, 4], [4, 19]]


def test_divisors_by_hand():
    assert [oracles.divisor(norm, 2, 6) for norm in ("none", "positions", "channels", "elements")] == [
        1,
        6,
        2,
        12,
    ]
    assert oracles.amount(F) == 2
    assert oracles.amount(F, [[2.0, 0.5]]) == 2.5


def test_moments_by_hand():
    assert oracles.mean(F).tolist() == [1.5, 1]
    assert oracles.covariance(F).tolist() == [[0.25, -1], [-1, 4]]
    # weights 3:1 put the mean of (1, 2) at 1.25 and its variance at 3/16
    assert oracles.mean(F, [[3, 1]]).tolist() == [1.25, 2]
    assert oracles.covariance(F, [[3, 1]]).tolist() == [[0.1875, -0.75], [-0.75, 3]]


def test_correlation_by_hand_and_by_numpy():
    assert oracles.correlation(F).tolist() == [[1, -1], [-1, 1]]
    assert oracles.correlation(np.stack([F[0], np.full((1, 2), 7.0)])).tolist() == [[1, 0], [0, 0]]
    x = np.random.default_rng(0).normal(size=(4, 3, 5))
    assert np.allclose(oracles.correlation(x), np.corrcoef(x.reshape(4, -1)), rtol=1e-13)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("gram", [[2.5, 0.5], [0.5, 5]]),
        ("diagonal", [2.5, 5]),
        ("covariance", [[0.25, -1], [-1, 4]]),
        ("correlation", [[1, -1], [-1, 1]]),
        ("gaussian", [[0.25, -1, 1.5], [-1, 4, 1]]),
        ("mean", [1.5, 1]),
        ("mean-std", [1.5, 1, 0.5, 2]),
    ],
)
def test_statistics_by_hand(kind, expected):
    assert oracles.statistic(kind, F).tolist() == expected


def test_centred_gram_is_the_covariance_times_positions():
    assert oracles.statistic("gram", F, norm="none", center=True).tolist() == [[0.5, -2], [-2, 8]]


A, B = np.diag([4.0, 9.0]), np.diag([1.0, 1.0])


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("frobenius", np.sqrt(73)),
        ("squared-frobenius", 73),
        ("mse", 73 / 4),
        ("relative-frobenius", 2 * np.sqrt(73) / (np.sqrt(97) + np.sqrt(2))),
        ("cosine", 1 - 13 / np.sqrt(194)),
        ("signed-sqrt", np.sqrt(5)),
        ("matrix-sqrt", np.sqrt(5)),
        # ridges of 0.065 and 0.01
        ("log-euclidean", np.hypot(np.log(4.065 / 1.01), np.log(9.065 / 1.01))),
    ],
)
def test_distances_by_hand(metric, expected):
    assert oracles.DISTANCES[metric](A, B) == pytest.approx(expected, rel=1e-14)


def test_wasserstein_by_hand():
    a, b = np.column_stack([A, [1, 2]]), np.column_stack([B, [1, 0]])
    assert oracles.squared_wasserstein(a, b) == pytest.approx((2 - 1) ** 2 + (3 - 1) ** 2 + 4)
    assert oracles.wasserstein(a, b) == pytest.approx(3)


def test_wasserstein_takes_the_square_root_of_a_product_that_does_not_commute():
    # of the eigenvalues of S T the product is det S det T = 4 and the sum tr S T = 9: the sum of
    # their roots, squared, is 9 + 2 * 2
    s, t = np.array([[2.0, 1], [1, 1]]), np.diag([4.0, 1])
    a, b = np.column_stack([s, [0, 0]]), np.column_stack([t, [0, 0]])
    assert oracles.squared_wasserstein(a, b) == pytest.approx(3 + 5 - 2 * np.sqrt(13))


def test_gatys_by_hand():
    one, none = np.ones((1, 1, 4)), np.zeros((1, 1, 4))
    assert oracles.gatys_loss(one, none) == 0.25
    assert oracles.gatys_gradient(one, none).ravel().tolist() == [0.25] * 4
    assert oracles.gatys_loss(one, none, weight=8) == 2


def test_gatys_gradient_is_that_of_the_loss():
    rng = np.random.default_rng(0)
    f, t = rng.normal(size=(2, 3, 2, 2))
    numeric = oracles.numeric_gradient(lambda x: oracles.gatys_loss(x, t, 3.0), f)
    assert np.allclose(oracles.gatys_gradient(f, t, 3.0), numeric, rtol=1e-6, atol=1e-9)


def test_numeric_gradient_of_a_polynomial():
    gradient = oracles.numeric_gradient(lambda x: float(x[0] ** 2 * x[1]), np.array([3.0, 5.0]))
    assert gradient == pytest.approx([30, 9])
