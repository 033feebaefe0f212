"""Shares of factors against analyses of variance of coordinates."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from study.planted import euclidean, random_matrix

from gramstyle.errors import StyleError
from gramstyle.study.labels import Labels
from gramstyle.study.shares import factor_shares
from gramstyle.study.variance import permanova


def crossed(styles, contents, palettes, repeats, seed=0):
    """Points (N, 3) with effects, and their labels, shuffled."""
    draw = np.random.default_rng(seed)
    cells = [
        cell for cell in product(range(styles), range(contents), range(palettes)) for _ in range(repeats)
    ]
    cells = [cells[place] for place in draw.permutation(len(cells))]
    effects = [draw.standard_normal((levels, 3)) for levels in (styles, contents, palettes)]
    both = draw.standard_normal((styles, contents, 3))
    points = np.array(
        [2 * effects[0][s] + effects[1][c] + 0.5 * effects[2][p] + 0.7 * both[s, c] for s, c, p in cells]
    )
    points += 0.3 * draw.standard_normal(points.shape)
    labels = Labels(
        styles=[f"s{s}" for s, _, _ in cells],
        contents=[f"c{c}" for _, c, _ in cells],
        palettes=[f"p{p}" for _, _, p in cells],
    )
    return points, labels


def test_against_statsmodels_summed_over_coordinates():
    pandas = pytest.importorskip("pandas")
    ols = pytest.importorskip("statsmodels.formula.api").ols
    anova = pytest.importorskip("statsmodels.stats.anova").anova_lm
    points, labels = crossed(3, 2, 4, 2)
    sums = {}
    for values in points.T:
        frame = pandas.DataFrame(
            {"y": values, "s": labels.styles, "c": labels.contents, "p": labels.palettes}
        )
        for term, value in anova(
            ols("y ~ C(s) + C(c) + C(p) + C(s):C(c) + C(s):C(p) + C(c):C(p)", frame).fit()
        )["sum_sq"].items():
            sums[term] = sums.get(term, 0) + value
    names = {
        "C(s)": "style", "C(c)": "content", "C(p)": "palette", "C(s):C(c)": "style:content",
        "C(s):C(p)": "style:palette", "C(c):C(p)": "content:palette", "Residual": "residual",
    }  # fmt: skip
    found = factor_shares(euclidean(points), labels)
    total = sum(sums.values())
    assert found.shares == {names[term]: pytest.approx(value / total) for term, value in sums.items()}
    assert found.balanced
    assert found.note == "balanced design of 3 style x 2 content x 4 palette: orthogonal terms that sum to 1"
    assert found.chance == {
        "style": pytest.approx(2 / 47), "content": pytest.approx(1 / 47), "palette": pytest.approx(3 / 47),
        "style:content": pytest.approx(2 / 47), "style:palette": pytest.approx(6 / 47),
        "content:palette": pytest.approx(3 / 47), "residual": pytest.approx(30 / 47),
    }  # fmt: skip


def test_two_factors_by_hand():
    """Cell means of one number, each cell twice: 1 and 3 | 5 and 11."""
    values = np.array([[1], [1], [3], [3], [5], [5], [11], [11]], dtype=float)
    labels = Labels(styles=list("aaaabbbb"), contents=list("xxyyxxyy"))
    found = factor_shares(euclidean(values), labels).shares
    # grand mean 5; style means 2, 8; content means 3, 7; interaction residuals +-1; total 112 + 0
    total = 8 * 9 + 8 * 4 + 8 * 1
    assert found == {
        "style": pytest.approx(72 / total),
        "content": pytest.approx(32 / total),
        "style:content": pytest.approx(8 / total),
        "residual": pytest.approx(0, abs=1e-12),
    }


def test_one_image_per_cell_leaves_the_interaction_in_the_residual():
    points, labels = crossed(3, 4, 1, 1)
    found = factor_shares(euclidean(points), labels)
    assert list(found.shares) == ["style", "content", "residual"]
    assert sum(found.shares.values()) == pytest.approx(1)
    assert sum(found.chance.values()) == pytest.approx(1)


def test_three_factors_of_one_image_per_cell_keep_their_pairs():
    points, labels = crossed(2, 3, 2, 1)
    found = factor_shares(euclidean(points), labels)
    assert "style:content" in found.shares
    assert found.chance["residual"] == pytest.approx(2 / 11)


def test_an_unbalanced_design_says_so_and_gives_each_factor_alone():
    points, labels = crossed(3, 2, 2, 2)
    rows = np.arange(1, len(labels))
    matrix, kept = euclidean(points)[1:, 1:], labels.subset(rows)
    found = factor_shares(matrix, kept)
    assert not found.balanced
    assert found.note.startswith("unbalanced design: each factor alone")
    assert list(found.shares) == ["style", "content", "palette"]
    for name, values in (("style", kept.styles), ("content", kept.contents), ("palette", kept.palettes)):
        alone = permanova(matrix, Labels(styles=values))
        assert found.shares[name] == pytest.approx(alone.r2)
        assert found.chance[name] == pytest.approx(alone.chance_r2)


def test_a_missing_cell_is_unbalanced():
    labels = Labels(styles=list("aabb"), contents=list("xyxx"))
    assert not factor_shares(random_matrix(np.random.default_rng(0), 4), labels).balanced


def test_chance_is_the_mean_over_shuffled_images():
    draw = np.random.default_rng(1)
    points, labels = crossed(2, 3, 2, 1)
    matrix = euclidean(points)
    sums = {}
    for _ in range(400):
        order = draw.permutation(len(labels))
        found = factor_shares(matrix[np.ix_(order, order)], labels)
        for name, value in found.shares.items():
            sums[name] = sums.get(name, 0) + value / 400
    assert sums == {name: pytest.approx(value, abs=0.02) for name, value in found.chance.items()}


def test_what_is_refused():
    matrix = np.ones((4, 4))
    with pytest.raises(StyleError, match="factor_shares needs a factor with two labels"):
        factor_shares(matrix, Labels(styles=list("aaaa"), contents=list("xxxx")))
    with pytest.raises(StyleError, match="factor_shares needs distances, got only zeros"):
        factor_shares(0 * matrix, Labels(styles=list("aabb")))
    with pytest.raises(StyleError, match="factor_shares needs distances of 0 or more, got -1"):
        factor_shares(-matrix, Labels(styles=list("aabb")))
