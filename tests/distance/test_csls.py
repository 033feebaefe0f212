"""CSLS against loops, and what it is for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gramstyle.distance import csls


def symmetric(draw, size):
    upper = np.triu(draw.random((size, size)), 1)
    return upper + upper.T


@pytest.mark.parametrize("k", [1, 3, 6])
def test_against_loops(k):
    matrix = symmetric(np.random.default_rng(0), 7)
    radius = [sum(sorted(matrix[i][j] for j in range(7) if j != i)[:k]) / k for i in range(7)]
    found = csls(matrix, k)
    for i in range(7):
        for j in range(7):
            expected = 0 if i == j else 2 * matrix[i, j] - radius[i] - radius[j]
            assert found[i, j] == pytest.approx(expected)


def test_it_is_that_of_similarities_up_to_sign():
    """Conneau et al. 2018 of s = 1 - d: 2 s - r(i) - r(j) = -(2 d - r(i) - r(j))."""
    matrix = symmetric(np.random.default_rng(1), 6)
    similar = 1 - matrix
    mean = [np.mean(sorted((similar[i, j] for j in range(6) if j != i), reverse=True)[:2]) for i in range(6)]
    expected = [2 * similar[i, j] - mean[i] - mean[j] for i in range(6) for j in range(i)]
    np.testing.assert_allclose([-csls(matrix, 2)[i, j] for i in range(6) for j in range(i)], expected)


def test_half_of_what_all_distances_of_an_item_share_is_taken():
    """All distances of an outlier grow by 4: 2 D grows by 8, and the outlier's own mean by 4."""
    matrix = symmetric(np.random.default_rng(2), 9)
    outlier = matrix.copy()
    outlier[0, 1:] += 6
    outlier[1:, 0] += 6
    nearest = 2  # of eight others, so that the outlier is nobody's neighbour before or after
    matrix[0, 1:] = matrix[1:, 0] = outlier[0, 1:] - 4
    plain, corrected = csls(matrix, nearest), csls(outlier, nearest)
    np.testing.assert_allclose((corrected - plain)[0, 1:], 4)
    np.testing.assert_allclose((corrected - plain)[1:, 1:], 0, atol=1e-12)


def test_symmetric_with_a_diagonal_of_zero_and_tensors_are_read():
    matrix = symmetric(np.random.default_rng(3), 12)
    found = csls(torch.from_numpy(matrix + 7 * np.eye(12)))
    assert (found == found.T).all()
    assert (np.diag(found) == 0).all()
    np.testing.assert_array_equal(found, csls(matrix, k=10))
    assert found.min() < 0


def test_what_is_refused():
    for k in (0, 3):
        with pytest.raises(ValueError, match=f"k must be from 1 to N - 1 = 2, got {k}"):
            csls(np.ones((3, 3)), k)
    with pytest.raises(ValueError, match=r"distances must be \(N, N\), got shape \(2, 3\)"):
        csls(np.ones((2, 3)))
