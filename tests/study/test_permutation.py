"""Permutation tests against all labellings of small corpora."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import f_oneway
from study.planted import corpus, principal_axes, random_matrix

from gramstyle.errors import StyleError
from gramstyle.study.estimates import estimates
from gramstyle.study.labels import Labels
from gramstyle.study.pairs import ask
from gramstyle.study.permutation import permute_auc, permute_permanova, permute_permdisp
from gramstyle.study.variance import permanova

TESTS = {"auc": permute_auc, "permanova": permute_permanova, "permdisp": permute_permdisp}


def auc_of(matrix, labels):
    return estimates(matrix, ask("style", labels))["auc"].value


def dispersion_of(matrix, labels):
    """F of distances to the centroids of other labels, once the true styles lie on one point."""
    axes, signs = principal_axes(matrix)
    for style in set(labels.styles):
        mine = [row for row, other in enumerate(labels.styles) if other == style]
        axes[mine] = axes[mine] - axes[mine].mean(axis=0)

    def statistic(_, other):
        groups = []
        for style in range(len(other.style)):
            mine = axes[other.style.codes == style]
            groups.append(np.sqrt(np.maximum((mine - mine.mean(axis=0)) ** 2 @ signs, 0)))
        return f_oneway(*groups).statistic

    return statistic


def labellings(labels, strata=None):
    """Labels under every permutation of the styles of units within strata, as often as it comes up."""
    names = labels.styles if labels.one_source_each else labels.source.names
    units = list(dict.fromkeys(range(len(names)) if labels.one_source_each else names))
    unit_of = (
        list(range(len(names)))
        if labels.one_source_each
        else [labels.source.names[code] for code in labels.source.codes]
    )
    styles = {unit: style for unit, style in zip(unit_of, labels.styles, strict=True)}
    stratum = {unit: one for unit, one in zip(unit_of, strata or ["all"] * len(labels), strict=True)}
    for order in permutations(units):
        if all(stratum[one] == stratum[other] for one, other in zip(units, order, strict=True)):
            given = {unit: styles[other] for unit, other in zip(units, order, strict=True)}
            renamed = [given[unit] for unit in unit_of]
            yield Labels(
                styles=renamed,
                sources=renamed if labels.one_source_each else [str(unit) for unit in unit_of],
            )


def digits(values):
    """How often each value comes up, to seven digits."""
    return Counter(f"{value:.6e}" for value in values)


CASES = {
    "one image per source": (Labels(styles=list("aaabbb")), None),
    "sources of unequal size": (Labels(styles=list("aaabbbbb"), sources=list("11234456")), None),
    "three styles, one of one source": (Labels(styles=list("aaabbbcc"), sources=list("11234566")), None),
    "crops": (Labels(styles=list("aaabbb"), sources=list("aaabbb")), None),
    "strata": (Labels(styles=list("aabbab")), list("xyxyyy")),
}


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("case", CASES)
def test_permutations_are_all_labellings_as_often(case, name):
    labels, strata = CASES[case]
    matrix = random_matrix(np.random.default_rng(len(case)), len(labels))
    statistic = {
        "auc": auc_of,
        "permanova": lambda matrix, labels: permanova(matrix, labels).f,
        "permdisp": dispersion_of(matrix, labels),
    }[name]
    every = [statistic(matrix, one) for one in labellings(labels, strata)]
    expected = {value: count / len(every) for value, count in digits(every).items()}
    found = TESTS[name](matrix, labels, permutations=6000, seed=1, strata=strata)
    assert found.statistic == name
    assert found.unit == ("image" if case in ("crops", "one image per source", "strata") else "source")
    assert found.observed == pytest.approx(statistic(matrix, labels))
    shares = {value: count / 6000 for value, count in digits(found.permuted).items()}
    assert set(shares) == set(expected)
    assert shares == {value: pytest.approx(share, abs=0.025) for value, share in expected.items()}
    reached = np.mean([value >= found.observed - 1e-8 for value in every])
    assert found.p == pytest.approx(reached, abs=0.025)


@pytest.mark.parametrize("name", TESTS)
def test_the_smallest_p_is_one_in_all(name):
    matrix, labels = corpus(np.random.default_rng(0), 4, 6, style=20)
    if name == "permdisp":  # each style wider than the last
        matrix = matrix * np.outer(*[4.0 ** np.repeat(np.arange(4), 6)] * 2)
    assert TESTS[name](matrix, labels, permutations=199).p == 1 / 200


@pytest.mark.parametrize("name", TESTS)
def test_blocks_and_seeds(name, monkeypatch):
    matrix, labels = corpus(np.random.default_rng(1), 3, 4)
    whole = TESTS[name](matrix, labels, permutations=50, seed=3)
    other = TESTS[name](matrix, labels, permutations=50, seed=4)
    assert (whole.permuted != other.permuted).any()
    monkeypatch.setattr("gramstyle.study.resample.BLOCK_BYTES", 4000)
    np.testing.assert_allclose(TESTS[name](matrix, labels, permutations=50, seed=3).permuted, whole.permuted)


def test_ties_are_ranked_in_the_middle():
    labels = Labels(styles=list("aaabbb"))
    matrix = random_matrix(np.random.default_rng(2), 6, levels=3)
    assert permute_auc(matrix, labels, permutations=9).observed == auc_of(matrix, labels)
    assert permute_auc(np.ones((6, 6)), labels, permutations=99).p == 1


def test_against_scikit_bio():
    skbio = pytest.importorskip("skbio.stats.distance")
    matrix, labels = corpus(np.random.default_rng(5), 3, 6, style=0.15)
    theirs = skbio.permanova(skbio.DistanceMatrix(matrix), list(labels.styles), permutations=4999, seed=0)
    found = permute_permanova(matrix, labels, permutations=4999)
    assert found.observed == pytest.approx(theirs["test statistic"])
    assert 0.01 < found.p < 0.5
    assert found.p == pytest.approx(theirs["p-value"], abs=0.03)


def test_strata_take_content_out():
    """Content moves images further than style does: within contents style shows all the same."""
    draw = np.random.default_rng(4)
    styles = [s for s in "abc" for _ in range(6)]
    contents = list("uvwxyz") * 3
    points = np.array([[ord(s), 10 * ord(c)] for s, c in zip(styles, contents, strict=True)])
    points = points + 0.2 * draw.standard_normal(points.shape)
    matrix = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
    labels = Labels(styles=styles, contents=contents)
    assert permute_permanova(matrix, labels, permutations=199, strata=contents).p == 1 / 200
    assert permute_permanova(matrix, labels, permutations=199).p > 0.2


def test_what_is_refused():
    matrix, labels = np.ones((4, 4)), Labels(styles=list("aabb"))
    with pytest.raises(ValueError, match="permutations must be greater than 0, got 0"):
        permute_auc(matrix, labels, permutations=0)
    with pytest.raises(StyleError, match="question style needs near pairs"):
        permute_auc(matrix, Labels(styles=list("abcd")))
    with pytest.raises(StyleError, match="strata must be as many as images, 4; got 3"):
        permute_auc(matrix, labels, strata=list("xxy"))
    with pytest.raises(StyleError, match="strata must not divide a source"):
        permute_auc(
            np.ones((5, 5)), Labels(styles=list("aaabb"), sources=list("11234")), strata=list("xyxxx")
        )
    with pytest.raises(StyleError, match="PERMANOVA needs distances of 0 or more"):
        permute_permanova(-matrix, labels)
    with pytest.raises(StyleError, match="PERMDISP needs distances of 0 or more"):
        permute_permdisp(-matrix, labels)
