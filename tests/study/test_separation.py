"""Separation against counting by hand, and against what theory expects of Gaussian features."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from gramstyle.errors import StyleError
from gramstyle.study import separation


def pairs(matrix, labels):
    """Distances within and between labels, each pair once."""
    within, between = [], []
    for i in range(len(labels)):
        for j in range(i + 1, len(labels)):
            (within if labels[i] == labels[j] else between).append(float(matrix[i][j]))
    return within, between


def auc_by_counting(within, between):
    wins = 0.0
    for far in between:
        for near in within:
            wins += 1.0 if far > near else 0.5 if far == near else 0.0
    return wins / (len(within) * len(between))


def symmetric(values, size):
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size, 1)] = values
    return matrix + matrix.T


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_against_counting_and_scipy(data):
    """Few different distances, so that ties are common."""
    size = data.draw(st.integers(3, 8))
    labels = data.draw(st.lists(st.sampled_from("abc"), min_size=size, max_size=size))
    count = size * (size - 1) // 2
    values = data.draw(st.lists(st.integers(0, 5), min_size=count, max_size=count))
    matrix = symmetric(values, size)
    within, between = pairs(matrix, labels)
    if not within or not between:
        with pytest.raises(StyleError, match="pairs within a label and between labels"):
            separation(matrix, labels)
        return
    found = separation(matrix, labels)
    assert (found.within, found.between) == (len(within), len(between))
    assert found.auc == pytest.approx(auc_by_counting(within, between))
    assert found.auc == pytest.approx(mannwhitneyu(between, within).statistic / (len(within) * len(between)))
    if np.mean(within) > 0:
        assert found.contrast == pytest.approx(np.mean(between) / np.mean(within) - 1)
    spread = math.sqrt((np.var(within) + np.var(between)) / 2)
    if spread > 0:
        assert found.dprime == pytest.approx((np.mean(between) - np.mean(within)) / spread)


def blocks(near, far):
    """Two labels of three: distance `near` within, `far` between."""
    labels = list("aaabbb")
    matrix = np.where(np.equal.outer(labels, labels), near, far).astype(float)
    np.fill_diagonal(matrix, 0)
    return matrix, labels


def test_perfect_chance_and_inverted():
    perfect = separation(*blocks(1, 3))
    assert (perfect.auc, perfect.contrast, perfect.dprime) == (1, 2, math.inf)
    chance = separation(*blocks(2, 2))
    assert (chance.auc, chance.contrast, chance.dprime) == (0.5, 0, 0)
    inverted = separation(*blocks(4, 1))
    assert (inverted.auc, inverted.contrast, inverted.dprime) == (0, -0.75, -math.inf)
    nothing = separation(*blocks(0, 1))
    assert (nothing.auc, nothing.contrast) == (1, math.inf)


def test_order_and_names_of_labels_do_not_matter():
    draw = np.random.default_rng(0)
    labels = list("aabbccd")
    matrix = symmetric(draw.random(21), 7)
    found = separation(matrix, labels)
    order = draw.permutation(7)
    assert vars(separation(matrix[np.ix_(order, order)], [labels[i] for i in order])) == pytest.approx(
        vars(found)
    )
    assert separation(matrix, [f"source {one}" for one in labels]) == found


def test_the_diagonal_is_not_counted():
    matrix, labels = blocks(1, 3)
    other = matrix + 100 * np.eye(6)
    assert separation(matrix, labels) == separation(other, labels)


def test_scale_changes_nothing_but_nothing():
    matrix = symmetric(np.random.default_rng(1).random(15), 6)
    assert vars(separation(7 * matrix, list("aabbcc"))) == pytest.approx(
        vars(separation(matrix, list("aabbcc")))
    )


def test_tensors_with_gradients_are_read():
    matrix, labels = blocks(1, 3)
    tensor = torch.from_numpy(matrix).requires_grad_()
    assert separation(tensor, labels) == separation(matrix, labels)


@pytest.mark.parametrize("labels", [list("aaaaaa"), list("abcdef")])
def test_one_source_or_no_repeated_source_is_refused(labels):
    with pytest.raises(StyleError, match=rf"got {len(set(labels))} labels over 6 items"):
        separation(blocks(1, 2)[0], labels)


def test_what_is_no_distance_matrix_is_refused():
    matrix, labels = blocks(1, 2)
    with pytest.raises(ValueError, match=r"distances must be \(N, N\) for N = 6 labels, got shape \(6, 5\)"):
        separation(matrix[:, :5], labels)
    with pytest.raises(ValueError, match=r"for N = 5 labels, got shape \(6, 6\)"):
        separation(matrix, labels[:5])
    bad = matrix.copy()
    bad[0, 1] = bad[1, 0] = np.nan
    with pytest.raises(ValueError, match="distances must be finite"):
        separation(bad, labels)
    bad = matrix.copy()
    bad[0, 5] = 9
    with pytest.raises(ValueError, match="distances must be symmetric"):
        separation(bad, labels)


@pytest.mark.parametrize(
    ("channels", "positions", "decay", "spread"),
    [(64, 196, 1.0, 0.15), (96, 49, 0.0, 0.3), (48, 784, 1.0, 0.15)],
)
def test_contrast_of_gaussian_features_is_what_theory_expects(channels, positions, decay, spread):
    """c = sqrt(1 + |dSigma|^2 N / (2 [(tr Sigma)^2 + tr Sigma^2])) - 1 for Frobenius distances of Grams.

    Zero-mean Gaussian features, styles that scale channels, equal energy. The formula takes roots of
    expectations for expectations of roots, which is right to about a tenth.
    """
    draw = np.random.default_rng(0)
    spectrum = np.arange(1, channels + 1) ** -decay
    spectrum *= channels / spectrum.sum()
    grams, labels, sigmas = [], [], []
    for style in range(8):
        factor = np.exp(spread * draw.standard_normal(channels))
        sigma = spectrum * factor**2
        sigma *= channels / sigma.sum()
        sigmas.append(sigma)
        for _ in range(6):
            x = draw.standard_normal((positions, channels)) * np.sqrt(sigma)
            grams.append((x.T @ x / positions).ravel())
            labels.append(str(style))
    flat = np.stack(grams)
    squares = (flat**2).sum(1)
    matrix = np.sqrt(np.maximum(squares[:, None] + squares - 2 * flat @ flat.T, 0))
    matrix = (matrix + matrix.T) / 2
    delta = np.mean([((a - b) ** 2).sum() for i, a in enumerate(sigmas) for b in sigmas[:i]])
    noise = np.mean([sigma.sum() ** 2 + (sigma**2).sum() for sigma in sigmas])
    expected = math.sqrt(1 + delta * positions / (2 * noise)) - 1
    assert separation(matrix, labels).contrast == pytest.approx(expected, rel=0.2)
