"""Analyses of variance of distances against classical ones of coordinates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import f_oneway
from study.planted import corpus, euclidean, principal_axes, random_matrix

from gramstyle.errors import StyleError
from gramstyle.study.labels import Labels
from gramstyle.study.variance import centroid_squares, permanova, permdisp, residual_squares


def points_and_labels(seed=0, sizes=(3, 5, 2)):
    draw = np.random.default_rng(seed)
    points = draw.standard_normal((sum(sizes), 4)) * np.repeat([1.0, 2.0, 0.5], sizes)[:, None]
    styles = [name for name, size in zip("abc", sizes, strict=True) for _ in range(size)]
    order = draw.permutation(len(styles))
    return points[order], [styles[place] for place in order]


def test_on_euclidean_distances_it_is_a_classical_manova():
    points, styles = points_and_labels()
    total = sum(float(((point - points.mean(0)) ** 2).sum()) for point in points)
    within = 0.0
    for name in "abc":
        mine = np.array([point for point, style in zip(points, styles, strict=True) if style == name])
        within += float(((mine - mine.mean(0)) ** 2).sum())
    found = permanova(euclidean(points), Labels(styles=styles))
    assert found.f == pytest.approx(((total - within) / 2) / (within / 7))
    assert found.r2 == pytest.approx(1 - within / total)
    assert found.chance_r2 == pytest.approx(2 / 9)


def test_in_one_dimension_it_is_the_f_test():
    points, styles = points_and_labels()
    groups = [[p[0] for p, s in zip(points, styles, strict=True) if s == name] for name in "abc"]
    assert permanova(euclidean(points[:, :1]), Labels(styles=styles)).f == pytest.approx(
        f_oneway(*groups).statistic
    )


@pytest.mark.parametrize(
    "matrix_of", [lambda points: euclidean(points), lambda points: euclidean(points) ** 3]
)
def test_against_scikit_bio(matrix_of):
    """Of distances that are no metric too."""
    skbio = pytest.importorskip("skbio.stats.distance")
    points, styles = points_and_labels(1)
    matrix = matrix_of(points)
    theirs = skbio.permanova(skbio.DistanceMatrix(matrix), styles, permutations=0)
    assert permanova(matrix, Labels(styles=styles)).f == pytest.approx(theirs["test statistic"])


def test_dispersion_against_scikit_bio():
    skbio = pytest.importorskip("skbio.stats.distance")
    points, styles = points_and_labels(2)
    matrix = euclidean(points)
    theirs = skbio.permdisp(skbio.DistanceMatrix(matrix), styles, test="centroid", permutations=0)
    assert permdisp(matrix, Labels(styles=styles)).f == pytest.approx(theirs["test statistic"])


def test_dispersion_is_an_f_test_of_distances_to_centroids():
    points, styles = points_and_labels(3)
    away = {}
    for name in "abc":
        mine = np.array([p for p, s in zip(points, styles, strict=True) if s == name])
        away[name] = [math.dist(point, mine.mean(0)) for point in mine]
    found = permdisp(euclidean(points), Labels(styles=styles))
    assert found.f == pytest.approx(f_oneway(*away.values()).statistic)
    assert found.dispersions == {name: pytest.approx(np.mean(one)) for name, one in away.items()}


def to_centroids(matrix, styles):
    labels = Labels(styles=styles)
    return np.sqrt(centroid_squares(matrix**2, labels.style.codes[None], len(labels.style))[0])


def test_centroids_in_real_and_imaginary_axes():
    """Anderson 2006: squared distance along real axes minus that along imaginary ones."""
    matrix = 0.2 * (1 - np.eye(8)) + random_matrix(np.random.default_rng(4), 8)
    styles = list("aaaabbbb")
    axes, signs = principal_axes(matrix)
    assert signs.min() == -1
    expected = []
    for row, style in enumerate(styles):
        mine = [place for place, other in enumerate(styles) if other == style]
        expected.append(math.sqrt(max(((axes[row] - axes[mine].mean(0)) ** 2) @ signs, 0)))
    np.testing.assert_allclose(to_centroids(matrix, styles), expected, atol=1e-7)


def test_a_negative_square_counts_as_zero():
    """Two images far apart and one near to both of them: no Euclidean triangle."""
    matrix = np.ones((5, 5)) - np.eye(5)
    matrix[0, 1] = matrix[1, 0] = 10
    found = to_centroids(matrix, list("aaabb"))
    assert found[2] == 0
    assert found[0] > 0


def test_residuals_are_points_about_their_centroids():
    points, styles = points_and_labels(6)
    labels = Labels(styles=styles)
    centred = np.array(
        [p - np.mean([q for q, t in zip(points, styles, strict=True) if t == s], axis=0)
         for p, s in zip(points, styles, strict=True)]
    )  # fmt: skip
    found = residual_squares(euclidean(points) ** 2, labels.style.codes, 3)
    np.testing.assert_allclose(found, euclidean(centred) ** 2, atol=1e-9)


def test_scale_and_order_do_not_matter():
    matrix, labels = corpus(np.random.default_rng(5), 4, 5, style=1.0)
    order = np.random.default_rng(6).permutation(20)
    moved, renamed = matrix[np.ix_(order, order)], labels.subset(order)
    for statistic in (permanova, permdisp):
        assert statistic(3 * moved, renamed).f == pytest.approx(statistic(matrix, labels).f)


def test_perfect_styles_have_infinite_f():
    matrix = 1 - np.equal.outer(list("aabb"), list("aabb")).astype(float)
    found = permanova(matrix, Labels(styles=list("aabb")))
    assert (found.f, found.r2) == (math.inf, 1)


def test_dispersion_of_equal_distances_is_nothing_and_of_two_images_without_end():
    same = np.ones((6, 6)) - np.eye(6)
    assert permdisp(same, Labels(styles=list("aaabbb"))).f == 0
    draw = np.random.default_rng(7)
    assert permdisp(euclidean(draw.random((6, 3))), Labels(styles=list("aabbcc"))).f == math.inf


@pytest.mark.parametrize("statistic", [permanova, permdisp])
def test_what_is_refused(statistic):
    matrix = np.ones((4, 4)) - np.eye(4)
    with pytest.raises(
        StyleError, match="at least two styles, one of them with two images; got 1 styles over 4"
    ):
        statistic(matrix, Labels(styles=list("aaaa")))
    with pytest.raises(StyleError, match="got 4 styles over 4 images"):
        statistic(matrix, Labels(styles=list("abcd")))
    with pytest.raises(StyleError, match="needs distances, got only zeros"):
        statistic(0 * matrix, Labels(styles=list("aabb")))
    with pytest.raises(StyleError, match=r"needs distances of 0 or more, got -1; .* ask for the AUC or d'"):
        statistic(-matrix, Labels(styles=list("aabb")))
    with pytest.raises(ValueError, match=r"distances must be \(N, N\) for N = 3 labels, got shape \(4, 4\)"):
        statistic(matrix, Labels(styles=list("aab")))
