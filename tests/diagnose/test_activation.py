"""Spread of single values, against scipy, loops and cases done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from conftest import TOLERANCE, assert_close

from gramstyle.diagnose import (
    entropy,
    excess_kurtosis,
    gini,
    hoyer,
    peak,
    peak_over_mean,
    share_near_zero,
    share_not_positive,
    softmax_entropy,
    treves_rolls,
)


def slow_gini(a):
    """Mean absolute difference over twice the mean."""
    return sum(abs(x - y) for x in a for y in a) / (2 * len(a) ** 2 * np.mean(a))


def expected(v):
    """Every measure of one flat array."""
    a, n = np.abs(v), len(v)
    q = scipy.special.softmax(v / v.std())
    return {
        entropy: scipy.stats.entropy(a) / math.log(n),
        softmax_entropy: scipy.stats.entropy(q) / math.log(n),
        peak: a.max(),
        peak_over_mean: a.max() / a.mean(),
        share_not_positive: np.mean(v <= 0),
        share_near_zero: np.mean(a < 0.01 * v.std()),
        hoyer: (math.sqrt(n) - a.sum() / math.sqrt((a**2).sum())) / (math.sqrt(n) - 1),
        gini: slow_gini(a),
        treves_rolls: a.mean() ** 2 / (a**2).mean(),
        excess_kurtosis: scipy.stats.kurtosis(v),
    }


MEASURES = tuple(expected(np.array([1.0, 2.0])))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "rectified"])
def test_measures_are_those_of_scipy_and_loops(signed, dtype, generator):
    values = torch.randn(3, 4, 5, 6, generator=generator, dtype=torch.float64) ** 3
    values = (values if signed else values.relu()).to(dtype)
    truths = [expected(one.double().numpy().ravel()) for one in values]
    for measure in MEASURES:
        truth, found = [one[measure] for one in truths], measure(values)
        assert found.dtype == torch.float64, measure.__name__
        assert_close(found, truth, tolerance=TOLERANCE[dtype])


ONE_HOT = torch.eye(1, 16).view(1, 1, 4, 4)
FLAT = torch.full((1, 1, 4, 4), 0.3)


def test_one_value_is_as_sparse_as_can_be():
    found = {measure: float(measure(ONE_HOT)) for measure in MEASURES}
    assert found[entropy] == 0
    assert found[hoyer] == pytest.approx(1)
    assert found[gini] == pytest.approx(1 - 1 / 16)
    assert found[treves_rolls] == pytest.approx(1 / 16)
    assert found[share_not_positive] == found[share_near_zero] == 15 / 16
    assert (found[peak], found[peak_over_mean]) == (1, 16)


def test_equal_values_are_not_sparse_at_all():
    found = {measure: float(measure(FLAT)) for measure in MEASURES}
    assert found[entropy] == found[softmax_entropy] == pytest.approx(1)
    assert found[hoyer] == pytest.approx(0, abs=1e-6)
    assert found[gini] == pytest.approx(0, abs=1e-6)
    assert found[treves_rolls] == pytest.approx(1)
    assert found[share_not_positive] == found[share_near_zero] == 0
    assert found[peak_over_mean] == pytest.approx(1)


SCALE_FREE = [measure for measure in MEASURES if measure is not peak]


@pytest.mark.parametrize("measure", SCALE_FREE, ids=lambda one: one.__name__)
@pytest.mark.parametrize("scale", [1e-12, 2.0, 1e9])
def test_only_the_peak_knows_the_scale(measure, scale, generator):
    values = torch.randn(2, 40, generator=generator)
    assert_close(measure(scale * values), measure(values), tolerance=1e-6)


def test_temperature_counts_standard_deviations(generator):
    values = torch.randn(2, 40, generator=generator, dtype=torch.float64)
    hot, cold = softmax_entropy(values, 100.0), softmax_entropy(values, 0.05)
    assert (hot > 0.9999).all()
    assert (cold < 0.5).all()
    for v, found in zip(values.numpy(), softmax_entropy(values, 3.0), strict=True):
        q = scipy.special.softmax(v / (3 * v.std()))
        assert float(found) == pytest.approx(scipy.stats.entropy(q) / math.log(40))


def test_zeros_leave_most_undefined():
    zeros = torch.zeros(2, 3, 4, 4)
    for measure in (entropy, peak_over_mean, hoyer, gini, treves_rolls, excess_kurtosis):
        assert torch.isnan(measure(zeros)).all(), measure.__name__
    assert torch.equal(share_not_positive(zeros), torch.ones(2, dtype=torch.float64))
    assert_close(softmax_entropy(zeros), torch.ones(2), tolerance=1e-9)
    single = torch.ones(1, 1, 1, 1)
    for measure in (entropy, softmax_entropy, hoyer, excess_kurtosis):
        assert torch.isnan(measure(single)).all(), measure.__name__


def test_wrong_arguments_are_refused():
    with pytest.raises(
        ValueError, match=r"values must be \(B, \.\.\.\) with at least one value each.*\(3,\)"
    ):
        entropy(torch.ones(3))
    with pytest.raises(ValueError, match=r"at least one value each, got shape \(2, 0\)"):
        gini(torch.ones(2, 0))
    with pytest.raises(TypeError, match=r"values must be floating point, got torch\.int64"):
        peak(torch.ones(2, 3, dtype=torch.int64))
    with pytest.raises(ValueError, match="temperature must be greater than 0, got 0"):
        softmax_entropy(torch.ones(2, 3), 0.0)
    with pytest.raises(ValueError, match="epsilon must be greater than 0, got -1"):
        share_near_zero(torch.ones(2, 3), -1.0)
