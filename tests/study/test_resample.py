"""Resamples against every way of drawing, written out."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from scipy.stats import chisquare
from study.repeated import weights

from gramstyle.study.labels import Labels
from gramstyle.study.resample import BLOCK_BYTES, blocks, draw_resamples

# two images of source p and one of source q in style a; styles b and c of one source each
NESTED = Labels(styles=list("aaabbc"), sources=list("ppqrrt"))


def outcome_of(drawn):
    """Counts of images and weights of pairs when `drawn` lists (style, its drawn sources)."""
    placed = [
        (copy, place, image)  # a drawn source of a drawn style holds these images
        for copy, (style, sources) in enumerate(drawn)
        for place, source in enumerate(sources)
        for image in range(6)
        if (NESTED.styles[image], NESTED.sources[image]) == (style, source)
    ]
    counts = tuple(sum(one[2] == image for one in placed) for image in range(6))
    pairs = Counter()
    for (copy, place, i), (other_copy, other_place, j) in combinations(placed, 2):
        if i == j:
            continue  # an image and its duplicate
        if NESTED.styles[i] == NESTED.styles[j]:
            if copy != other_copy:
                continue  # across two copies of one style
            if NESTED.sources[i] == NESTED.sources[j] and place != other_place:
                continue  # across two copies of one source
        pairs[min(i, j), max(i, j)] += 1
    return counts, tuple(pairs[pair] for pair in combinations(range(6), 2))


def every_outcome():
    """Probability of each resample, from all equally likely draws."""
    inside = {"a": list(product("pq", repeat=2)), "b": [("r",)], "c": [("t",)]}
    found = Counter()
    for styles in product("abc", repeat=3):
        ways = list(product(*(inside[style] for style in styles)))
        for sources in ways:
            found[outcome_of(list(zip(styles, sources, strict=True)))] += 1 / 27 / len(ways)
    return found


def test_resamples_are_those_of_all_draws_as_often():
    expected = every_outcome()
    assert sum(expected.values()) == pytest.approx(1)
    resamples = draw_resamples(NESTED, draws=40_000, seed=0)
    table = weights(resamples, *np.triu_indices(6, 1))
    found = Counter(
        (tuple(counts), tuple(pairs))
        for counts, pairs in zip(resamples.images.tolist(), table.tolist(), strict=True)
    )
    assert set(found) == set(expected)
    keys = list(expected)
    assert chisquare([found[key] for key in keys], [40_000 * expected[key] for key in keys]).pvalue > 1e-3


def test_sums_are_sums_over_pairs():
    draw = np.random.default_rng(1)
    resamples = draw_resamples(NESTED, draws=50, seed=1)
    first, second = np.triu_indices(6, 1)
    values = draw.standard_normal((2, len(first)))
    np.testing.assert_allclose(
        resamples.sums(first, second, values), weights(resamples, first, second) @ values.T, atol=1e-12
    )


def test_sums_in_small_blocks(monkeypatch):
    first, second = np.triu_indices(6, 1)
    values = np.random.default_rng(2).random((1, len(first)))
    resamples = draw_resamples(NESTED, draws=50, seed=1)
    whole = resamples.sums(first, second, values)
    monkeypatch.setattr("gramstyle.study.resample.BLOCK_BYTES", 500)
    again = draw_resamples(NESTED, draws=50, seed=1)
    np.testing.assert_array_equal(again.together, resamples.together)
    np.testing.assert_allclose(again.sums(first, second, values), whole)


def test_each_image_is_drawn_once_on_average():
    labels = Labels(styles=[f"s{i // 6}" for i in range(30)])
    resamples = draw_resamples(labels, draws=4000, seed=3)
    assert len(resamples) == 4000
    np.testing.assert_allclose(resamples.images.mean(axis=0), 1, atol=0.15)
    assert (resamples.images.sum(axis=1) == 30).all()


def test_crops_of_one_source_stay_together():
    names = list("aaabbbccc")
    resamples = draw_resamples(Labels(styles=names, sources=names), draws=200)
    assert (resamples.images.reshape(200, 3, 3) == resamples.images[:, ::3, None]).all()
    # three pairs of crops of one source, as often as the source was drawn
    np.testing.assert_array_equal(
        weights(resamples, [0, 0, 1], [1, 2, 2]), np.repeat(resamples.images[:, :1], 3, axis=1)
    )


def test_resamples_do_not_depend_on_the_order_of_images():
    order = np.array([3, 5, 0, 2, 1, 4])
    one, other = draw_resamples(NESTED, 20, seed=5), draw_resamples(NESTED.subset(order), 20, seed=5)
    np.testing.assert_array_equal(one.images[:, order], other.images)
    assert (draw_resamples(NESTED, 20, seed=6).images != one.images).any()


def test_draws_must_be_positive():
    with pytest.raises(ValueError, match="draws must be greater than 0, got 0"):
        draw_resamples(NESTED, draws=0)


def test_blocks_cover_everything_once():
    step = BLOCK_BYTES // 8 // 1000
    assert [(one.start, one.stop) for one in blocks(step + 5, 1000)] == [(0, step), (step, step + 5)]
    assert [(one.start, one.stop) for one in blocks(2, 10**12)] == [(0, 1), (1, 2)]
    assert list(blocks(0, 10)) == []
