"""Draws of estimates against pairs repeated as often as they weigh."""

from __future__ import annotations

import math

import numpy as np
import pytest
from study.planted import random_matrix
from study.repeated import weights

from gramstyle.errors import StyleError
from gramstyle.study.bootstrap import (
    bootstrap_auc,
    bootstrap_contrast,
    bootstrap_dprime,
    bootstrap_mean,
    bootstrap_squared_contrast,
)
from gramstyle.study.estimates import ESTIMATES, estimates
from gramstyle.study.labels import Labels
from gramstyle.study.pairs import Pairs, ask, questions
from gramstyle.study.resample import Resamples, draw_resamples

BOOTSTRAPS = {
    "auc": bootstrap_auc,
    "contrast": bootstrap_contrast,
    "squared-contrast": bootstrap_squared_contrast,
    "dprime": bootstrap_dprime,
}
LABELS = Labels(
    styles=list("aaaabbbbcccc"), contents=list("xxyyxxyyxxyy"), palettes=list("rgrgrgrgrgrg"),
    sources=[f"{i // 2}" for i in range(12)],
)  # fmt: skip


@pytest.fixture(scope="module")
def resamples():
    return draw_resamples(LABELS, draws=60, seed=0)


@pytest.mark.parametrize("name", BOOTSTRAPS)
@pytest.mark.parametrize("question", ["style", "hard", "content", "palette"])
@pytest.mark.parametrize("levels", [None, 4], ids=["continuous", "ties"])
def test_against_repeated_pairs(name, question, levels, resamples):
    matrix = random_matrix(np.random.default_rng(1), 12, levels)
    pairs = ask(question, LABELS)
    table = weights(resamples, pairs.first, pairs.second)
    values = matrix[pairs.first, pairs.second]
    found = BOOTSTRAPS[name](matrix, pairs, resamples)
    assert found.shape == (60,)
    seen = 0
    for draw, counts in enumerate(table):
        near, far = (np.repeat(values[side], counts[side]) for side in (~pairs.far, pairs.far))
        if not len(near) or not len(far):
            assert math.isnan(found[draw])
            continue
        expected = ESTIMATES[name].function(near, far)
        if abs(expected) < 1e6:  # where all distances of a draw are tied, a spread of 0 is one of 1e-9
            assert found[draw] == pytest.approx(expected, abs=1e-9)
            seen += 1
    assert seen > 40


def test_auc_of_ties_is_exact(resamples):
    pairs = ask("style", LABELS)
    found = bootstrap_auc(np.ones((12, 12)), pairs, resamples)
    assert set(found[~np.isnan(found)]) == {0.5}


@pytest.mark.parametrize("name", BOOTSTRAPS)
def test_a_draw_of_everything_once_is_the_estimate(name):
    matrix = random_matrix(np.random.default_rng(2), 12)
    drawn = draw_resamples(LABELS, draws=1)
    once = Resamples(
        images=np.ones_like(drawn.images), source=drawn.source, slots=drawn.slots,
        together=np.ones_like(drawn.together),
    )  # fmt: skip
    for question, pairs in questions(LABELS).items():
        expected = estimates(matrix, pairs)[name].value
        assert BOOTSTRAPS[name](matrix, pairs, once)[0] == pytest.approx(expected), question


def test_near_pairs_of_one_and_of_two_styles_in_one_question(resamples):
    draw = np.random.default_rng(3)
    first, second = np.triu_indices(12, 1)
    two_styles = LABELS.style.codes[first] != LABELS.style.codes[second]
    pairs = Pairs(name="mine", first=first, second=second, far=two_styles & (draw.random(len(first)) < 0.5))
    matrix = random_matrix(draw, 12)
    table = weights(resamples, first, second)
    found = bootstrap_auc(matrix, pairs, resamples)
    for row in range(10):
        near, far = (
            np.repeat(matrix[first, second][side], table[row][side]) for side in (~pairs.far, pairs.far)
        )
        if len(near) and len(far):
            assert found[row] == pytest.approx(ESTIMATES["auc"].function(near, far))


def test_monotone_changes_of_distances_leave_auc_draws_as_they_are(resamples):
    matrix = random_matrix(np.random.default_rng(4), 12)
    pairs = ask("style", LABELS)
    np.testing.assert_array_equal(
        bootstrap_auc(matrix, pairs, resamples), bootstrap_auc(np.expm1(3 * matrix), pairs, resamples)
    )


def test_small_spread_on_a_large_mean_keeps_its_digits(resamples):
    """Distances concentrate: 1e6 +- 1 is a spread all the same."""
    matrix = random_matrix(np.random.default_rng(5), 12)
    shifted = matrix + 1e6 * (1 - np.eye(12))
    pairs = ask("style", LABELS)
    one, other = (bootstrap_dprime(values, pairs, resamples) for values in (matrix, shifted))
    usable = np.abs(one) < 1e3
    np.testing.assert_allclose(other[usable], one[usable], rtol=1e-6)


def test_means_over_anchors_count_each_as_often_as_it_was_drawn(resamples):
    values, anchors = np.array([0.0, 1.0, 0.25]), np.array([1, 4, 9])
    found = bootstrap_mean(values, anchors, resamples)
    for draw, counts in enumerate(resamples.images.tolist()):
        repeated = [v for v, anchor in zip(values, anchors, strict=True) for _ in range(counts[anchor])]
        if repeated:
            assert found[draw] == pytest.approx(np.mean(repeated))
        else:
            assert math.isnan(found[draw])


def test_signed_dissimilarities_have_draws_of_auc_and_d_prime_only(resamples):
    matrix = random_matrix(np.random.default_rng(6), 12) - 0.5 * (1 - np.eye(12))
    pairs = ask("style", LABELS)
    assert np.isfinite(bootstrap_auc(matrix, pairs, resamples)).any()
    assert np.isfinite(bootstrap_dprime(matrix, pairs, resamples)).any()
    for one in (bootstrap_contrast, bootstrap_squared_contrast):
        with pytest.raises(
            StyleError, match=r"contrast is not defined: a distance is negative.*ask for the AUC"
        ):
            one(matrix, pairs, resamples)


def test_what_does_not_belong_together_is_refused(resamples):
    matrix = np.ones((12, 12))
    pairs = ask("style", LABELS)
    with pytest.raises(StyleError, match="resamples must be of the 13 images of the distances, got 12"):
        bootstrap_auc(np.ones((13, 13)), pairs, resamples)
    wrong = Pairs(name="x", first=pairs.first, second=pairs.second, far=~pairs.far)
    with pytest.raises(StyleError, match="far pairs must be of two styles"):
        bootstrap_contrast(matrix, wrong, resamples)
    with pytest.raises(ValueError, match=r"values must be \(A,\) for 3 anchors, got shape \(2,\)"):
        bootstrap_mean(np.ones(2), np.arange(3), resamples)
