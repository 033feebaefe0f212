"""Spectral diagnostics, against singular values of the features and cases done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from conftest import assert_close

from gramstyle.diagnose import (
    effective_rank,
    effective_rank_singular,
    eigenvalues,
    moments,
    participation_ratio,
    power_law,
    power_law_reason,
    spectral_entropy,
    stable_rank,
)

ALL = (participation_ratio, effective_rank, effective_rank_singular, stable_rank)


def singular_values(image):
    """Of centred features (C, H, W)."""
    flat = image.reshape(len(image), -1)
    return np.linalg.svd(flat - flat.mean(1, keepdims=True), compute_uv=False)


def entropy(weights):
    p = weights / weights.sum()
    return -sum(x * math.log(x) for x in p if x > 0)


def test_ranks_are_those_of_the_singular_values(feature_map):
    values = eigenvalues(moments(feature_map)[0])
    for row, image in enumerate(feature_map.numpy()):
        s = singular_values(image)
        found = [float(one(values)[row]) for one in ALL]
        squares = s**2
        expected = [
            squares.sum() ** 2 / (squares**2).sum(),
            math.exp(entropy(squares)),
            math.exp(entropy(s)),
            np.linalg.norm(s) ** 2 / s[0] ** 2,
        ]
        assert_close(found, expected)
        assert float(spectral_entropy(values)[row]) == pytest.approx(entropy(squares) / math.log(5))


def test_eigenvalues_are_largest_first_and_never_negative(generator):
    flat = torch.randn(1, 20, 6, generator=generator, dtype=torch.float64)
    values = eigenvalues(flat @ flat.mT)[0]
    assert_close(
        values, np.sort(np.linalg.svd(flat[0].numpy(), compute_uv=False) ** 2)[::-1].tolist() + [0] * 14
    )
    assert (values[6:] == 0).all()


@pytest.mark.parametrize("channels", [2, 7, 64])
def test_equal_eigenvalues_fill_every_direction(channels):
    values = eigenvalues(3 * torch.eye(channels)[None])
    for rank in ALL:
        assert float(rank(values)) == pytest.approx(channels)
    assert float(spectral_entropy(values)) == pytest.approx(1)


def test_one_direction_counts_as_one(generator):
    u = torch.randn(1, 9, 1, generator=generator, dtype=torch.float64)
    values = eigenvalues(u @ u.mT)
    for rank in ALL:
        assert float(rank(values)) == pytest.approx(1)
    assert float(spectral_entropy(values)) == pytest.approx(0, abs=1e-12)


def test_ranks_are_ordered(generator):
    """Stable rank <= participation ratio <= effective rank <= that of singular values (power means)."""
    values = torch.rand(50, 30, generator=generator, dtype=torch.float64) ** 3
    stable, participation, rank, singular = stable_rank(values), *(one(values) for one in ALL[:3])
    assert (stable <= participation).all()
    assert (participation <= rank).all()
    assert (rank <= singular).all()


def test_nothing_varies_nothing_is_said():
    for rank in (*ALL, spectral_entropy):
        assert torch.isnan(rank(torch.zeros(2, 4))).all()
    assert torch.isnan(spectral_entropy(torch.ones(1, 1))).all()
    assert torch.isnan(power_law(torch.zeros(1, 200), 1000)).all()


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.3])
def test_power_law_finds_the_exponent_it_was_made_with(exponent):
    k = torch.arange(1, 257, dtype=torch.float64)
    values = 5 * k**-exponent
    values[:10] *= 100  # before the range
    values[64:] = 0  # after it
    assert_close(power_law(values[None], 10_000), [exponent], tolerance=1e-10)


def test_power_law_is_numpys_fit(generator):
    values = torch.rand(3, 400, generator=generator, dtype=torch.float64).sort(1, descending=True).values
    last = 300 // 4
    for row, found in zip(values.numpy(), power_law(values, 300), strict=True):
        k = np.arange(11, last + 1)
        slope = np.polyfit(np.log(k), np.log(row[10:last]), 1)[0]
        assert float(found) == pytest.approx(-slope)


def test_power_law_says_why_it_has_no_answer():
    values = torch.arange(64, 0, -1, dtype=torch.float64)[None]
    assert torch.isnan(power_law(values, 50_000)).all()
    assert power_law_reason(64, 50_000) == (
        "the power law is fitted over eigenvalues 11 to min(C, P) / 4 = 16, which must be at least 22: "
        "C = 64, P = 50000 are too few"
    )
    assert power_law_reason(87, 1000) is not None
    assert power_law_reason(88, 1000) is None
    assert power_law_reason(512, 49) is not None
    broken = torch.ones(1, 100, dtype=torch.float64)
    broken[0, 20] = 0
    assert torch.isnan(power_law(broken, 1000)).all()


def test_matrices_that_are_not_finite_or_not_square_are_refused():
    with pytest.raises(ValueError, match=r"matrices must be finite, got 1 NaN"):
        eigenvalues(torch.tensor([[[1.0, math.nan], [0.0, 1.0]]]))
    with pytest.raises(ValueError, match=r"matrices must be \(B, C, C\).*got shape \(1, 2, 3\)"):
        eigenvalues(torch.ones(1, 2, 3))
    with pytest.raises(ValueError, match=r"values must be \(B, C\).*values\[None\]"):
        participation_ratio(torch.ones(3))
