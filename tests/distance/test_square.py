"""The door for matrices of distances."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from gramstyle.distance.square import square_distances, unsigned_distances
from gramstyle.errors import StyleError

GOOD = np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0]], dtype=float)


@pytest.mark.parametrize(
    "given", [GOOD, GOOD.tolist(), torch.tensor(GOOD, requires_grad=True), GOOD.astype("f4")]
)
def test_what_is_a_matrix_is_read(given):
    found = square_distances(given, 3)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, GOOD)


def test_the_diagonal_is_not_read_and_the_given_matrix_stays():
    given = GOOD + 9 * np.eye(3)
    assert (square_distances(given) == GOOD).all()
    assert given[0, 0] == 9


def test_rounding_is_no_asymmetry_and_the_upper_half_counts():
    given = GOOD.copy()
    given[1, 0] += 1e-6
    assert (square_distances(given) == GOOD).all()
    small = 1e-12 * GOOD
    small[1, 0] *= 1.5
    with pytest.raises(ValueError, match=re.escape("differ by up to 5e-13: average them first")):
        square_distances(small)


@pytest.mark.parametrize(
    ("given", "count", "message"),
    [
        (GOOD[:2], None, "distances must be (N, N), got shape (2, 3)"),
        (GOOD[0], None, "distances must be (N, N), got shape (3,)"),
        (GOOD, 4, "distances must be (N, N) for N = 4 labels, got shape (3, 3)"),
        (np.where(GOOD == 2, np.nan, GOOD), 3, "distances must be finite, got 2 NaN or infinite values of 9"),
        (np.triu(GOOD), 3, "distances must be symmetric, because each pair is counted once, from above the"),
    ],
)
def test_what_is_none_is_refused(given, count, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        square_distances(given, count)


def test_signs_are_refused_where_they_mean_nothing():
    assert (unsigned_distances(GOOD, 3, "it") == GOOD).all()
    with pytest.raises(
        StyleError, match=re.escape("it needs distances of 0 or more, got -3; for dissimilarit")
    ):
        unsigned_distances(-GOOD, 3, "it")
