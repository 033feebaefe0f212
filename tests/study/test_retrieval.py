"""Rankings against hand counts, scikit-learn, and all orders of ties."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from study.planted import random_matrix

from gramstyle.errors import StyleError
from gramstyle.study.labels import Labels
from gramstyle.study.pairs import Pairs, ask
from gramstyle.study.retrieval import SCORES, retrieval


def one_anchor(near, far):
    """Distances from image 0, which has the relevant images first."""
    size = 1 + len(near) + len(far)
    matrix = np.full((size, size), 50.0)
    matrix[0, 1:] = matrix[1:, 0] = [*near, *far]
    pairs = Pairs(
        name="style",
        first=np.zeros(size - 1, dtype=int),
        second=np.arange(1, size),
        far=np.array([False] * len(near) + [True] * len(far)),
    )
    found = retrieval(matrix, pairs, k=3)
    assert found.anchors[0] == 0
    return {name: values[0] for name, values in found.scores.items()}


def test_a_ranking_by_hand():
    """Relevant at ranks 1, 3 and 6 of 7."""
    found = one_anchor([1, 3, 6], [2, 4, 5, 7])
    assert found["recall-at-1"] == 1
    assert found["average-precision"] == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)
    assert found["average-precision-at-k"] == pytest.approx((1 + 2 / 3) / 3)
    assert found["r-precision"] == pytest.approx(2 / 3)
    assert found["triplet"] == pytest.approx((4 + 3 + 1) / 12)


def test_more_relevant_images_than_ranks_by_hand():
    """k is 3: relevant at ranks 1, 3, 4, 5 of 6."""
    found = one_anchor([1, 3, 4, 5], [2, 6])
    assert found["average-precision-at-k"] == pytest.approx((1 + 2 / 3) / 3)
    assert found["average-precision"] == pytest.approx((1 + 2 / 3 + 3 / 4 + 4 / 5) / 4)


DISTANCES = st.lists(st.integers(0, 3), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(DISTANCES, DISTANCES)
def test_ties_count_as_their_words_say(near, far):
    found = one_anchor(near, far)
    values, relevant = [*near, *far], [True] * len(near) + [False] * len(far)
    assert found["average-precision"] == pytest.approx(average_precision_score(relevant, -np.array(values)))
    first, precision = [], []
    for order in permutations(range(len(values))):
        if all(values[a] <= values[b] for a, b in pairwise(order)):
            hits = [relevant[place] for place in order]
            first.append(hits[0])
            precision.append(sum(hits[: len(near)]) / len(near))
    assert found["recall-at-1"] == pytest.approx(np.mean(first))
    assert found["r-precision"] == pytest.approx(np.mean(precision))
    wins = sum(1.0 if n < f else 0.5 if n == f else 0.0 for n in near for f in far)
    assert found["triplet"] == pytest.approx(wins / (len(near) * len(far)))


def test_every_anchor_of_a_matrix_against_scikit_learn():
    draw = np.random.default_rng(0)
    styles, sources = list("aaaabbbbbccc"), list("112234567896")
    labels = Labels(styles=styles, sources=sources)
    matrix = random_matrix(draw, 12)
    found = retrieval(matrix, ask("style", labels), k=4)
    assert found.k == 4
    for place, anchor in enumerate(found.anchors):
        others = [
            j for j in range(12)
            if j != anchor and (styles[j] != styles[anchor] or sources[j] != sources[anchor])
        ]  # fmt: skip
        relevant = [styles[j] == styles[anchor] for j in others]
        away = matrix[anchor, others]
        assert found.scores["average-precision"][place] == pytest.approx(
            average_precision_score(relevant, -away)
        )
        order = [relevant[j] for j in np.argsort(away)]
        hits = [sum(order[: rank + 1]) / (rank + 1) for rank in range(4) if order[rank]]
        assert found.scores["average-precision-at-k"][place] == pytest.approx(
            sum(hits) / min(4, sum(relevant))
        )
        assert found.chance[place] == pytest.approx(np.mean(relevant))
    assert found.means == {name: pytest.approx(np.mean(values)) for name, values in found.scores.items()}


def test_anchors_without_a_relevant_image_are_left_out():
    labels = Labels(styles=list("aabc"))
    found = retrieval(random_matrix(np.random.default_rng(1), 4), ask("style", labels))
    assert found.anchors.tolist() == [0, 1]
    assert list(found.scores) == list(SCORES)


def test_a_metric_that_says_nothing_scores_at_chance():
    labels = Labels(styles=list("aaabbbbb"))
    found = retrieval(np.ones((8, 8)), ask("style", labels))
    assert found.scores["triplet"] == pytest.approx(0.5)
    for name in ("recall-at-1", "r-precision", "average-precision"):
        np.testing.assert_allclose(found.scores[name], found.chance)


def test_what_is_refused():
    pairs = Pairs(name="hard", first=np.array([0, 2]), second=np.array([1, 3]), far=np.array([False, True]))
    with pytest.raises(StyleError, match="question hard has no anchor that is in a near pair and in a far"):
        retrieval(np.ones((4, 4)), pairs)
    with pytest.raises(ValueError, match="k must be greater than 0, got 0"):
        retrieval(np.ones((4, 4)), pairs, k=0)
