"""What tests and intervals say of corpora whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, f, norm, ttest_ind
from study.planted import corpus, euclidean

from gramstyle.study.bootstrap import bootstrap_auc
from gramstyle.study.estimates import estimates
from gramstyle.study.intervals import interval
from gramstyle.study.labels import Labels
from gramstyle.study.multiplicity import holm
from gramstyle.study.pairs import ask
from gramstyle.study.permutation import permute_auc, permute_permanova, permute_permdisp
from gramstyle.study.resample import draw_resamples
from gramstyle.study.separation import separation

CORPORA = 400
BAND = binom.ppf([0.0005, 0.9995], CORPORA, 0.05) / CORPORA
"""99.9 % of the rates that a test of exactly 5 % shows over `CORPORA`."""


def nulls(**sizes):
    """Corpora in which style is nothing."""
    for seed in range(CORPORA):
        yield seed, *corpus(np.random.default_rng([7, seed]), dims=4, **sizes)


def rejected(test, matrix, labels, seed):
    return test(matrix, labels, permutations=199, seed=seed).p <= 0.05


SIZES = pytest.mark.parametrize(
    "sizes",
    [
        {"styles": 4, "sources": 4},
        {"styles": 4, "sources": 4, "images": 6, "source": 2},
        {"styles": 5, "sources": 1, "images": 4},
    ],
    ids=["one image per source", "several images per source", "crops"],
)


@pytest.mark.parametrize("test", [permute_auc, permute_permanova])
@SIZES
def test_a_true_null_is_rejected_in_five_of_a_hundred(test, sizes):
    rate = np.mean([rejected(test, matrix, labels, seed) for seed, matrix, labels in nulls(**sizes)])
    assert BAND[0] <= rate <= BAND[1]


@SIZES
def test_dispersion_is_rejected_little_more_often(sizes):
    """Residuals of few sources are not quite exchangeable; see docs/statistics.md for the rates."""
    rate = np.mean(
        [rejected(permute_permdisp, matrix, labels, seed) for seed, matrix, labels in nulls(**sizes)]
    )
    assert BAND[0] <= rate <= 0.12


@pytest.mark.proofs
def test_images_and_pairs_taken_as_independent_reject_true_nulls():
    """Several images per source, tested as if the source did not matter."""
    images, pairs = [], []
    for seed, matrix, labels in nulls(styles=4, sources=4, images=6, source=2):
        images.append(rejected(permute_auc, matrix, Labels(styles=labels.styles), seed))
        near, far = ask("style", labels).split(matrix)
        pairs.append(ttest_ind(far, near).pvalue <= 0.05)
    assert np.mean(images) > 0.5
    assert np.mean(pairs) > 0.3


def test_holm_keeps_the_family_of_true_nulls():
    """Four descriptors, (B + 1) 0.05 / 4 a whole number, so that the first step is of exact size."""
    families = []
    for seed in range(CORPORA):
        draw = np.random.default_rng([8, seed])
        tests = [
            permute_auc(*corpus(draw, 4, 3, dims=4), permutations=159, seed=place).p for place in range(4)
        ]
        families.append(tests)
    together = np.mean([holm(family).min() <= 0.05 for family in families])
    alone = np.mean([min(family) <= 0.05 for family in families])
    assert BAND[0] <= together <= BAND[1]
    assert alone > 1.5 * BAND[1]


def true_auc(dims, style, source=0.0):
    """AUC of pairs that share nothing: ratios of their squared distances are F-distributed."""
    return f.sf((1 + source**2) / (1 + source**2 + style**2), dims, dims)


@pytest.mark.parametrize(("dims", "style"), [(4, 0.5), (20, 0.5), (60, 0.7)])
def test_auc_of_a_planted_effect(dims, style):
    matrix, labels = corpus(np.random.default_rng(0), 60, 6, dims=dims, style=style)
    found = {name: one.value for name, one in estimates(matrix, ask("style", labels)).items()}
    assert found["auc"] == pytest.approx(true_auc(dims, style), abs=0.03)
    assert found["contrast"] == pytest.approx(math.sqrt(1 + style**2) - 1, abs=0.02)
    if dims >= 20:  # distances are all but Gaussian
        assert found["auc"] == pytest.approx(norm.cdf(found["dprime"] / math.sqrt(2)), abs=0.01)


def test_a_planted_effect_is_found():
    matrix, labels = corpus(np.random.default_rng(1), 6, 4, images=2, dims=20, style=1, source=0.5)
    assert permute_auc(matrix, labels, permutations=999).p == 1 / 1000
    assert permute_permanova(matrix, labels, permutations=999).p == 1 / 1000
    assert permute_permdisp(matrix, labels, permutations=999).p > 0.05


def test_wider_styles_are_found_by_dispersion():
    draw = np.random.default_rng(2)
    points = draw.standard_normal((5, 8, 6)) * np.array([1, 1, 1, 1, 2.5])[:, None, None]
    labels = Labels(styles=[f"s{row // 8}" for row in range(40)])
    matrix = euclidean(points.reshape(-1, 6))
    assert permute_permdisp(matrix, labels, permutations=999).p == 1 / 1000


@pytest.mark.proofs
def test_intervals_cover_the_true_auc():
    """At least 90 % of intervals of 95 %; those of independent pairs (Hanley and McNeil 1982) do not."""
    truth = true_auc(8, 1.0)
    covered, narrow = [], []
    for seed in range(120):
        matrix, labels = corpus(np.random.default_rng([9, seed]), 12, 8, dims=8, style=1.0)
        pairs = ask("style", labels)
        found = interval(bootstrap_auc(matrix, pairs, draw_resamples(labels, 300, seed)))
        covered.append(found.low <= truth <= found.high)
        auc, far = estimates(matrix, pairs)["auc"].value, int(pairs.far.sum())
        near = len(pairs.far) - far
        variance = auc * (1 - auc) + (near - 1) * (auc / (2 - auc) - auc**2)
        variance = (variance + (far - 1) * (2 * auc**2 / (1 + auc) - auc**2)) / (near * far)
        narrow.append(abs(auc - truth) <= 1.96 * math.sqrt(variance))
    assert np.mean(covered) >= 0.9
    assert np.mean(narrow) < 0.75


@pytest.mark.parametrize(("dims", "auc"), [(3, 0.54), (1000, 0.95)])
def test_five_percent_of_contrast_says_nothing_of_separability(dims, auc):
    """|offset|^2 / (2 tr S) = 0.1025 makes the contrast 5 %; AUC follows from the dimensions.

    For Gaussian descriptors d' = 0.1025 sqrt(PR / 2) and AUC = Phi(d' / sqrt 2), PR the participation
    ratio, here the number of dimensions.
    """
    assert norm.cdf(0.1025 * math.sqrt(dims / 2) / math.sqrt(2)) == pytest.approx(auc, abs=0.01)
    points = np.random.default_rng(3).standard_normal((2, 200, dims))
    points = (points - points.mean(axis=1, keepdims=True)) / points.std(axis=1, keepdims=True)
    points[0, :, 0] += math.sqrt(2 * 0.1025 * dims)
    found = separation(euclidean(points.reshape(400, dims)), ["a"] * 200 + ["b"] * 200)
    assert found.contrast == pytest.approx(0.05, abs=0.01)
    assert found.auc == pytest.approx(auc, abs=0.02)
