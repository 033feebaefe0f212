"""Every bad input is refused in words."""

import re

import numpy as np
import pytest
import torch

from gramstyle import StyleError, UnknownNameError
from gramstyle.distance import METRICS, distance, metric_named, pairwise_distance
from gramstyle.gram import Statistic, gram

A = gram(torch.rand(2, 3, 4, 5))
BOTH = pytest.mark.parametrize("function", [distance, pairwise_distance])


def refused(error, message, function, *arguments, **options):
    with pytest.raises(error, match=re.escape(message)):
        function(*arguments, **options)


@BOTH
def test_unknown_metrics_list_the_nearest_first(function):
    refused(UnknownNameError, "metric must be one of: frobenius, ", function, A, A, "frobenus")
    refused(UnknownNameError, "metric must be one of: wasserstein, ", function, A, A, "wassersteim")
    refused(UnknownNameError, "got 'Cosine'", function, A, A, "Cosine")


def test_unknown_metrics_list_all():
    with pytest.raises(UnknownNameError) as caught:
        metric_named("nothing")
    assert all(name in str(caught.value) for name in METRICS)


@BOTH
def test_unknown_statistics(function):
    refused(UnknownNameError, "statistic must be one of: mean-std, ", function, A, A, statistic="mean_std")


UNDEFINED = [
    (name, kind) for name, one in METRICS.items() for kind in Statistic if kind not in one.statistics
]


@BOTH
@pytest.mark.parametrize(("metric", "kind"), UNDEFINED)
def test_statistics_a_metric_is_not_defined_for(function, metric, kind):
    names = ", ".join(one.value for one in METRICS[metric].statistics)
    said = f"metric {metric} is defined for the statistics {names}; got {kind.value}"
    refused(StyleError, said, function, A, A, metric, statistic=kind)


@BOTH
@pytest.mark.parametrize(
    ("b", "error", "message"),
    [
        (np.ones((2, 3, 3)), TypeError, "b must be Tensor, got ndarray"),
        (A.int(), TypeError, "b must be floating point, got torch.int32"),
        (A[0], ValueError, "b must have the shape of gram, (N, C, C); got (3, 3)"),
        (A[:, :2], ValueError, "b must have the shape of gram, (N, C, C); got (2, 2, 3)"),
        (A.flatten(1), ValueError, "b must have the shape of gram, (N, C, C); got (2, 9)"),
        (A * torch.nan, ValueError, "b must be finite, got 18 NaN and 0 infinite values in (2, 3, 3)"),
    ],
)
def test_descriptors(function, b, error, message):
    refused(error, message, function, A, b)


@BOTH
@pytest.mark.parametrize(
    ("metric", "kind", "wanted", "shape"),
    [
        ("wasserstein", "gaussian", "(N, C, C + 1)", (2, 3, 3)),
        ("wasserstein", "gaussian", "(N, C, C + 1)", (2, 12)),
        ("frobenius", "mean", "(N, D)", (2, 3, 3)),
        ("wasserstein-diagonal", "mean-std", "(N, D)", (6,)),
        ("cosine", "covariance", "(N, C, C)", (2, 3, 4)),
    ],
)
def test_shapes_of_each_statistic(function, metric, kind, wanted, shape):
    x = torch.ones(shape)
    said = f"a must have the shape of {kind}, {wanted}; got {shape}"
    refused(ValueError, said, function, x, x, metric, statistic=kind)


def test_shapes_that_do_not_fit():
    larger = gram(torch.rand(2, 4, 4, 5))
    refused(ValueError, "a and b must have one shape, got (2, 3, 3) and (1, 3, 3)", distance, A, A[:1])
    refused(ValueError, "a and b must have one shape, got (2, 3, 3) and (2, 4, 4)", distance, A, larger)
    said = "a and b must agree after N, got (2, 3, 3) and (2, 4, 4)"
    refused(ValueError, said, pairwise_distance, A, larger)


@BOTH
def test_log_euclidean_of_nothing(function):
    zero = torch.zeros(2, 3, 3)
    said = "log-euclidean needs features that are not all zero, got 2 zero matrices: read a shallower tap"
    refused(ValueError, said, function, zero, A, "log-euclidean")


def test_every_metric_says_where_it_is_from():
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.formula
        assert metric.source
        assert metric.statistics
