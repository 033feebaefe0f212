"""Estimates against counting, other libraries, and what theory says of Gaussians."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, norm
from study.planted import random_matrix

from gramstyle.distance import csls
from gramstyle.errors import StyleError
from gramstyle.study.estimates import ESTIMATES, SIGNED, estimates
from gramstyle.study.labels import Labels
from gramstyle.study.pairs import Pairs, ask, questions

VALUES = st.lists(st.integers(0, 6), min_size=1, max_size=12)


def by_loops(near, far):
    """Every estimate, written out."""
    wins = sum(1.0 if f > n else 0.5 if f == n else 0.0 for n in near for f in far)
    mean_near, mean_far = sum(near) / len(near), sum(far) / len(far)
    square_near, square_far = (sum(x * x for x in one) / len(one) for one in (near, far))
    spread = math.sqrt((square_near - mean_near**2 + square_far - mean_far**2) / 2)
    gaps = (
        abs(sum(n <= t for n in near) / len(near) - sum(f <= t for f in far) / len(far)) for t in near + far
    )
    found = {"auc": wins / (len(near) * len(far)), "overlap": 1 - max(gaps)}
    if mean_near > 0:
        found["contrast"] = mean_far / mean_near - 1
        found["squared-contrast"] = square_far / square_near - 1
    if spread > 0:
        found["dprime"] = (mean_far - mean_near) / spread
    if mean_near + mean_far > 0:
        found["style-selectivity"] = (mean_far - mean_near) / (mean_near / 2 + mean_far / 2)
    return found


@settings(max_examples=100, deadline=None)
@given(VALUES, VALUES)
def test_against_loops_with_many_ties(near, far):
    expected = by_loops(near, far)
    for name, value in expected.items():
        estimate = ESTIMATES[name]
        found = estimate.function(np.array(near, float), np.array(far, float))
        assert found == pytest.approx(value, abs=1e-9), name
        assert estimate.lowest is None or found >= estimate.lowest - 1e-12
        assert estimate.highest is None or found <= estimate.highest + 1e-12


@pytest.mark.parametrize("name", ESTIMATES)
def test_chance_is_where_near_and_far_are_alike(name):
    values = np.random.default_rng(0).random(20)
    assert ESTIMATES[name].function(values, values) == pytest.approx(ESTIMATES[name].chance)


@pytest.mark.parametrize("name", ESTIMATES)
def test_only_differences_or_ratios_matter(name):
    near, far = np.random.default_rng(1).random((2, 15)) + np.array([[0.0], [0.3]])
    function = ESTIMATES[name].function
    assert function(5 * near, 5 * far) == pytest.approx(function(near, far))
    if ESTIMATES[name].signed:
        assert function(near - 2, far - 2) == pytest.approx(function(near, far))


def test_overlap_is_one_minus_kolmogorov_smirnov():
    near, far = np.random.default_rng(4).gamma(3, size=(2, 60))
    found = ESTIMATES["overlap"].function(near, 1.3 * far[:45])
    assert found == pytest.approx(1 - ks_2samp(near, 1.3 * far[:45]).statistic)


def test_of_a_matrix_by_hand():
    """Four images, two styles, two contents."""
    labels = Labels(styles=list("aabb"), contents=list("xyxy"))
    matrix = np.array([[0, 2, 5, 7], [2, 0, 6, 3], [5, 6, 0, 4], [7, 3, 4, 0]], dtype=float)
    asked = questions(labels)
    style = {name: outcome.value for name, outcome in estimates(matrix, asked["style"]).items()}
    # near 2, 4; far 5, 7, 6, 3
    assert style["auc"] == 7 / 8
    assert style["contrast"] == pytest.approx(5.25 / 3 - 1)
    assert style["squared-contrast"] == pytest.approx((25 + 49 + 36 + 9) / 4 / 10 - 1)
    assert style["dprime"] == pytest.approx(2.25 / math.sqrt((1 + 2.1875) / 2))
    assert style["overlap"] == pytest.approx(1 / 4)
    assert "style-selectivity" not in style
    # hard: near 2, 4; far 5 (x-x), 3 (y-y)
    hard = {name: outcome.value for name, outcome in estimates(matrix, asked["hard"]).items()}
    assert hard["auc"] == 3 / 4
    assert hard["style-selectivity"] == pytest.approx((4 - 3) / 3.5)


def test_gaussian_distances_follow_theory():
    """AUC = Phi(d' / sqrt 2), and the overlap of two Gaussians of one width is 2 Phi(-d' / 2)."""
    draw = np.random.default_rng(2)
    near, far = draw.standard_normal((2, 200_000))
    far = far + 1.2
    assert ESTIMATES["dprime"].function(near, far) == pytest.approx(1.2, abs=0.01)
    assert ESTIMATES["auc"].function(near, far) == pytest.approx(norm.cdf(1.2 / math.sqrt(2)), abs=0.003)
    assert ESTIMATES["overlap"].function(near, far) == pytest.approx(2 * norm.cdf(-0.6), abs=0.005)


def test_nothing_within_a_style_is_infinite_contrast():
    labels = Labels(styles=list("aabb"))
    matrix = np.where(np.equal.outer(labels.styles, labels.styles), 0.0, 1.0)
    found = estimates(matrix, ask("style", labels))
    assert found["contrast"].value == math.inf
    assert found["dprime"].value == math.inf
    assert {name: one.value for name, one in estimates(0 * matrix, ask("style", labels)).items()} == {
        "auc": 0.5, "contrast": 0, "squared-contrast": 0, "dprime": 0, "overlap": 1,
    }  # fmt: skip


def test_ratios_of_signed_dissimilarities_are_left_out_with_a_reason():
    labels = Labels(styles=list("aaabbb"), contents=list("xyzxyz"))
    matrix = csls(1 + random_matrix(np.random.default_rng(3), 6), k=2)
    pairs = ask("hard", labels)
    assert matrix.min() < 0
    found = estimates(matrix, pairs)
    for name, outcome in found.items():
        if ESTIMATES[name].signed:
            assert outcome.value == ESTIMATES[name].function(*pairs.split(matrix))
            assert outcome.reason == ""
        else:
            assert outcome.value is None
            assert outcome.reason == SIGNED
    assert {name for name, one in found.items() if one.value is None} == {
        "contrast", "squared-contrast", "style-selectivity",
    }  # fmt: skip


def test_pairs_of_other_images_are_refused():
    pairs = ask("style", Labels(styles=list("aabb")))
    with pytest.raises(StyleError, match=r"images that the pairs were made for, at least 4; got 3"):
        estimates(np.ones((3, 3)), pairs)
    with pytest.raises(ValueError, match=r"distances must be \(N, N\), got shape \(4,\)"):
        estimates(np.ones(4), pairs)


def test_every_estimate_explains_itself():
    for name, estimate in ESTIMATES.items():
        assert estimate.name == name
        assert all((estimate.formula, estimate.meaning, estimate.source))
    assert next(iter(ESTIMATES)) == "auc"


def test_pairs_need_not_come_from_a_question():
    pairs = Pairs(name="mine", first=np.array([0, 0]), second=np.array([1, 2]), far=np.array([False, True]))
    matrix = np.array([[0, 1, 3], [1, 0, 9], [3, 9, 0]], dtype=float)
    assert estimates(matrix, pairs)["contrast"].value == 2
