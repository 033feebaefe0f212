"""The table of diagnostics: every row is described, computed, and what its own function says."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import assert_close

import gramstyle.diagnose as room
from gramstyle.diagnose import (
    DIAGNOSTICS,
    OF_IMAGES,
    OF_MOMENTS,
    PER_IMAGE,
    diagnose_features,
    diagnose_images,
    diagnose_moments,
    moments,
    second_moment,
)
from gramstyle.diagnose.sample import FeatureSample

DOCS = Path(__file__).parents[2] / "docs/diagnostics.md"


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def features(generator):
    """Signed features (2, 120, 11, 12): enough channels and positions for a power law."""
    mix = torch.randn(120, 120, generator=generator, dtype=torch.float64)
    x = torch.randn(2, 120, 132, generator=generator, dtype=torch.float64)
    return (mix @ x + 2).view(2, 120, 11, 12)


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_every_row_says_what_it_is(name):
    one = DIAGNOSTICS[name]
    assert one.name == name
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert one.formula
    assert one.source
    assert one.range
    assert f"`{name}`" in DOCS.read_text(encoding="utf-8")


def test_levels_divide_the_table():
    assert {*PER_IMAGE, *OF_IMAGES} == set(DIAGNOSTICS)
    assert set(OF_MOMENTS) < set(PER_IMAGE)
    assert not set(PER_IMAGE) & set(OF_IMAGES)


def of_own_functions(features):
    """What the public functions say one by one, by name."""
    S, mu = moments(features)
    G = second_moment(S, mu)
    values, energies = room.eigenvalues(S), G.diagonal(dim1=1, dim2=2)
    N = room.effective_positions(features)
    return {
        "mean_absolute_correlation": room.mean_absolute_correlation(S, mu),
        "correlation_bias": torch.full((2,), room.correlation_bias(132), dtype=torch.float64),
        "off_diagonal_energy": room.off_diagonal_energy(G),
        "mean_direction_share": room.mean_direction_share(S, mu),
        "participation_ratio": room.participation_ratio(values),
        "corrected_participation_ratio": room.corrected_participation_ratio(S, N.covariances),
        "effective_rank": room.effective_rank(values),
        "effective_rank_singular": room.effective_rank_singular(values),
        "stable_rank": room.stable_rank(values),
        "spectral_entropy": room.spectral_entropy(values),
        "power_law": room.power_law(values, 132),
        "activation_entropy": room.entropy(features),
        "softmax_entropy": room.softmax_entropy(features),
        "peak": room.peak(features),
        "peak_over_mean": room.peak_over_mean(features),
        "share_not_positive": room.share_not_positive(features),
        "share_near_zero": room.share_near_zero(features),
        "hoyer": room.hoyer(features),
        "gini": room.gini(features),
        "treves_rolls": room.treves_rolls(features),
        "excess_kurtosis": room.excess_kurtosis(features),
        "gram_entropy": room.entropy(G),
        "gram_peak": room.peak(G),
        "gram_peak_over_mean": room.peak_over_mean(G),
        "top5_share": room.top_share(energies, 5),
        "top_percent_share": room.top_percent(energies),
        "energy_gini": room.gini(energies),
        "dead_share": room.constant_share(S, mu),
        "near_constant_share": room.constant_share(S, mu, 1e-2),
        "effective_positions": N.covariances,
        "effective_positions_of_means": N.means,
        "split_half_positions": room.split_half_positions(features),
        "noise_ratio": room.noise_ratio(S, N.covariances),
        "gram_noise_ratio": room.gram_noise_ratio(S, mu, N.covariances, N.means),
    }


RANDOM = {"shuffled_correlation", "shifted_correlation", "excess_correlation"}


def test_every_diagnostic_is_what_its_function_says(features):
    found, expected = diagnose_features(features, seeded()), of_own_functions(features)
    assert tuple(found) == PER_IMAGE
    assert set(expected) == set(PER_IMAGE) - RANDOM
    for name, value in found.items():
        assert value.shape == (2,), name
        assert value.dtype == torch.float64, name
        if name not in RANDOM:
            assert_close(value, expected[name], tolerance=1e-9)


def test_nulls_are_those_of_their_own_functions(features):
    found = diagnose_features(features, seeded(5))
    generator = seeded(5)
    assert torch.equal(found["shuffled_correlation"], room.shuffled_correlation(features, generator))
    assert torch.equal(found["shifted_correlation"], room.shifted_correlation(features, generator))
    excess = found["mean_absolute_correlation"] - found["shuffled_correlation"]
    assert torch.equal(found["excess_correlation"], excess)


def test_more_channels_than_positions_change_no_spectrum(generator):
    """Then eigenvalues come from the smaller of the two kernels."""
    features = torch.randn(2, 90, 7, 7, generator=generator, dtype=torch.float64).relu()
    found = diagnose_features(features, seeded())
    S, mu = moments(features)
    for name, value in diagnose_moments(S, mu, 49).items():
        if name == "power_law":
            assert torch.isnan(value).all()
        else:
            assert_close(found[name], value, tolerance=1e-9)
    assert (found["effective_rank_singular"] < 49).all()
    assert_close(FeatureSample.of(features, seeded()).eigenvalues, room.eigenvalues(S), tolerance=1e-9)


def test_moments_alone_give_the_same(features):
    found = diagnose_features(features, seeded())
    of_moments = diagnose_moments(*moments(features), 132)
    assert tuple(of_moments) == OF_MOMENTS
    for name, value in of_moments.items():
        assert_close(value, found[name], tolerance=1e-9)


@pytest.mark.parametrize("layout", ["channels last", "half", "one by one"])
def test_layout_precision_and_batches_do_not_matter(layout, features):
    whole = diagnose_features(features.half().double(), seeded())
    if layout == "one by one":
        singles = [diagnose_features(one[None].half().double(), seeded()) for one in features]
        other = {name: torch.cat([one[name] for one in singles]) for name in PER_IMAGE}
        other.update({name: whole[name] for name in RANDOM})  # drawn anew for the second image
    elif layout == "half":
        other = diagnose_features(features.half(), seeded())
    else:
        last = features.half().double().to(memory_format=torch.channels_last)
        other = diagnose_features(last, seeded())
    for name, value in whole.items():
        assert_close(other[name], value, tolerance=1e-5 if layout == "half" else 1e-9)


@pytest.mark.parametrize("value", [0.0, 0.7])
@pytest.mark.parametrize("shape", [(1, 3, 6, 5), (1, 1, 1, 1), (2, 8, 1, 3)])
def test_constant_maps_give_numbers_or_nothing(value, shape):
    found = diagnose_features(torch.full(shape, value), seeded())
    assert float(found["dead_share"][0]) == 1
    for name in ("mean_absolute_correlation", "effective_positions", "noise_ratio", "excess_correlation"):
        assert torch.isnan(found[name]).all(), name
    assert not any(torch.isinf(one).any() for one in found.values())


def test_diagnostics_agree_on_every_device(device, features):
    here = diagnose_features(features.float(), seeded())
    there = diagnose_features(features.float().to(device), seeded())
    for name, value in there.items():
        assert_close(value.cpu(), here[name], tolerance=1e-5)


def test_images_are_compared(generator):
    grams = torch.randn(5, 4, 6, generator=generator, dtype=torch.float64)
    grams = grams @ grams.mT
    flat = grams.flatten(1).numpy()
    found = diagnose_images(grams.diagonal(dim1=1, dim2=2), torch.from_numpy(flat @ flat.T))
    assert tuple(found) == OF_IMAGES
    norms = np.linalg.norm(flat, axis=1)
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    cosines = [flat[i] @ flat[j] / (norms[i] * norms[j]) for i, j in pairs]
    shares = [(norms[i] - norms[j]) ** 2 / np.sum((flat[i] - flat[j]) ** 2) for i, j in pairs]
    assert float(found["gram_cosine"]) == pytest.approx(np.mean(cosines))
    assert float(found["norm_share"]) == pytest.approx(np.mean(shares))
    diagonals = np.array([np.diag(one) for one in grams.numpy()])
    spread = math.sqrt(diagonals.var(0).sum() / (diagonals.mean(0) ** 2).sum())
    assert float(found["energy_variation"]) == pytest.approx(spread)
    for value in diagnose_images(torch.ones(1, 4), torch.ones(1, 1)).values():
        assert torch.isnan(value)


def test_wrong_arguments_are_refused(features):
    broken = features.clone()
    broken[1, 3, 4, 5] = math.inf
    with pytest.raises(ValueError, match="features must be finite, got 0 NaN and 1 infinite values"):
        diagnose_features(broken, seeded())
    with pytest.raises(ValueError, match=r"features must be \(B, C, H, W\), got shape \(120, 11, 12\)"):
        diagnose_features(features[0], seeded())
    with pytest.raises(ValueError, match="positions must be greater than 0, got 0"):
        diagnose_moments(torch.eye(2)[None], torch.zeros(1, 2), 0)
    with pytest.raises(ValueError, match=r"mean must be finite, got 2 NaN"):
        diagnose_moments(torch.eye(2)[None], torch.full((1, 2), math.nan), 4)
    with pytest.raises(ValueError, match=r"kernel must be \(N, N\) = \(2, 2\), one row per row of energies"):
        diagnose_images(torch.ones(2, 3), torch.ones(3, 3))
