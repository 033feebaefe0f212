"""Distance to one descriptor: the values and gradients of `distance`, made in another way."""

import pytest
import torch
from conftest import assert_close

from gramstyle.distance import METRICS, DistanceTo, distance
from gramstyle.errors import StyleError, UnknownNameError
from gramstyle.gram import Statistic, gram

CASES = [(name, one.value) for name, metric in METRICS.items() for one in metric.statistics]


def descriptors(statistic, generator, images=3, channels=6, side=5):
    features = torch.randn(images, channels, side, side, generator=generator, dtype=torch.float64)
    return gram(features + 0.3, statistic=statistic)


@pytest.mark.parametrize(("metric", "statistic"), CASES)
def test_values_are_those_of_distance(metric, statistic, generator):
    values = descriptors(statistic, generator)
    to = DistanceTo(values[:1], metric, statistic=statistic)
    expected = distance(values, values[:1].expand_as(values), metric, statistic=statistic)
    found = to(values)
    assert_close(found[1:], expected[1:])
    assert abs(float(found[0])) <= 1e-6 * float(expected.max())


@pytest.mark.parametrize(("metric", "statistic"), CASES)
def test_gradients_are_those_of_distance(metric, statistic, generator):
    values = descriptors(statistic, generator)
    to = DistanceTo(values[:1], metric, statistic=statistic)
    found, expected = (values[1:].clone().requires_grad_() for _ in range(2))
    to(found).sum().backward()
    distance(expected, values[:1].expand_as(values[1:]), metric, statistic=statistic).sum().backward()
    if statistic in ("gram", "covariance", "correlation", "gaussian"):  # only the symmetric part counts
        for one in (found, expected):
            square = one.grad[..., :6]
            square.copy_((square + square.mT) / 2)
    assert_close(found.grad, expected.grad, tolerance=1e-7)  # eigenvectors against singular vectors


def test_the_wasserstein_gradient_is_that_of_finite_differences(generator):
    """In the factor A of S = A A' + I/10, so that every step is a covariance."""
    target = descriptors("gaussian", generator, images=1, channels=4)
    factor = torch.randn(1, 4, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    mean = torch.randn(1, 4, 1, generator=generator, dtype=torch.float64, requires_grad=True)
    to = DistanceTo(target, "squared-wasserstein")
    eye = torch.eye(4, dtype=torch.float64) / 10

    def value(factor, mean):
        return to(torch.cat([factor @ factor.mT + eye, mean], -1))

    assert torch.autograd.gradcheck(value, (factor, mean))


def test_float32_decompositions_are_near(generator):
    values = descriptors("gaussian", generator, channels=12, side=9)
    exact = DistanceTo(values[:1], "squared-wasserstein")(values[1:])
    near = DistanceTo(values[:1], "squared-wasserstein", exact=False)(values[1:])
    assert_close(near, exact, tolerance=1e-5)


def test_singular_covariances_have_a_finite_gradient(generator):
    values = gram(
        torch.randn(2, 8, 2, 2, generator=generator), statistic="gaussian"
    )  # 4 positions, 8 channels
    moving = values[1:].clone().requires_grad_()
    DistanceTo(values[:1], "squared-wasserstein", exact=False)(moving).sum().backward()
    assert torch.isfinite(moving.grad).all()


def test_wrong_targets_are_refused(generator):
    values = descriptors("gram", generator)
    with pytest.raises(ValueError, match=r"target must be one descriptor, \(1, ...\), got 3"):
        DistanceTo(values, "mse")
    with pytest.raises(ValueError, match=r"values must be \(N, \(6, 6\)\)"):
        DistanceTo(values[:1], "mse")(values[:, :5, :5])
    with pytest.raises(StyleError, match="metric wasserstein is defined for"):
        DistanceTo(values[:1], "wasserstein", statistic=Statistic.GRAM)
    with pytest.raises(UnknownNameError, match="metric must be one of"):
        DistanceTo(values[:1], "l3")
