"""Estimates of one matrix: those of the statistics, called by hand on the images of each split."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from study.planted import euclidean, random_matrix

from gramstyle.distance import csls
from gramstyle.study.assess import LEFT_OUT, Assessor
from gramstyle.study.bootstrap import bootstrap_auc, bootstrap_contrast, bootstrap_dprime, bootstrap_mean
from gramstyle.study.estimates import ESTIMATES, estimates
from gramstyle.study.labels import Labels
from gramstyle.study.pairs import ask
from gramstyle.study.permutation import permute_auc, permute_permanova, permute_permdisp
from gramstyle.study.resample import draw_resamples
from gramstyle.study.results import Condition
from gramstyle.study.retrieval import SCORES, retrieval
from gramstyle.study.shares import factor_shares
from gramstyle.study.variance import permanova, permdisp

STYLES, EACH = 5, 4
DEVELOPMENT = ("s1", "s3")
DRAWS, PERMUTATIONS, LEVEL, SEED = 40, 59, 0.9, 11
CONDITION = Condition(backbone="net", weights="w", tap="t")

LABELS = Labels(
    styles=[f"s{row % STYLES}" for row in range(STYLES * EACH)],
    contents=[f"c{row // STYLES % 2}" for row in range(STYLES * EACH)],
    palettes=[f"p{row // STYLES // 2}" for row in range(STYLES * EACH)],
    sources=[f"u{row}" for row in range(STYLES * EACH)],
)
ROWS = {
    "all": np.arange(STYLES * EACH),
    "development": np.array([row for row in range(STYLES * EACH) if row % STYLES in (1, 3)]),
    "held-out": np.array([row for row in range(STYLES * EACH) if row % STYLES not in (1, 3)]),
}
SEEDS = {"all": SEED, "development": SEED + 1, "held-out": SEED + 2}


def assessor(labels=LABELS, development=DEVELOPMENT, **changed):
    given = {"draws": DRAWS, "permutations": PERMUTATIONS, "level": LEVEL, "seed": SEED, **changed}
    return Assessor(labels, development, **given)


@pytest.fixture(scope="module")
def matrix():
    """Styles a little apart, contents as well."""
    draw = np.random.default_rng(0)
    styles, contents = draw.standard_normal((STYLES, 5)), draw.standard_normal((2, 5))
    points = draw.standard_normal((STYLES * EACH, 5))
    for row in range(len(points)):
        points[row] += styles[row % STYLES] + 0.5 * contents[row // STYLES % 2]
    return euclidean(points)


@pytest.fixture(scope="module")
def closely(matrix):
    return assessor().assess(CONDITION, matrix, closely=True)


def by_name(assessed):
    found = {(one.question, one.name, one.split): one for one in assessed.estimates}
    assert len(found) == len(assessed.estimates)
    return found


def ends(draws):
    return pytest.approx(tuple(np.quantile(draws[~np.isnan(draws)], [0.05, 0.95])))


@pytest.mark.parametrize("split", ROWS)
def test_the_auc_of_a_split_is_that_of_its_images_alone(split, matrix, closely):
    rows = ROWS[split]
    mine, part = LABELS.subset(rows), matrix[np.ix_(rows, rows)]
    pairs = ask("style", mine)
    found = by_name(closely)["style", "auc", split]
    near, far = pairs.split(part)
    assert found.value == np.mean([(f > n) + (f == n) / 2 for n in near for f in far])
    assert (found.images, found.near, found.far) == (len(rows), len(near), len(far))
    assert found.condition == CONDITION
    drawn = closely.draws.get(("style", "auc", split))
    if split == "development":  # chosen on: nothing is claimed of it
        assert drawn is None
        assert (found.low, found.high, found.p) == (None, None, None)
        return
    expected = bootstrap_auc(part, pairs, draw_resamples(mine, DRAWS, SEEDS[split]))
    assert np.array_equal(drawn, expected, equal_nan=True)
    assert (found.low, found.high) == ends(expected)
    assert found.p == permute_auc(part, mine, strata=mine.contents, permutations=PERMUTATIONS, seed=SEED).p


@pytest.mark.parametrize("question", ["style", "hard", "content", "palette"])
def test_questions_are_asked_of_all_images(question, matrix, closely):
    pairs, resamples = ask(question, LABELS), draw_resamples(LABELS, DRAWS, SEED)
    bootstraps = {"auc": bootstrap_auc, "contrast": bootstrap_contrast, "dprime": bootstrap_dprime}
    found = by_name(closely)
    for name, outcome in estimates(matrix, pairs).items():
        one = found[question, name, "all"]
        assert one.value == outcome.value
        assert (one.near, one.far) == tuple(len(part) for part in pairs.split(matrix))
        assert one.images == len(set(pairs.first) | set(pairs.second))
        if name not in bootstraps:
            assert (question, name, "all") not in closely.draws
            assert one.low is None
            continue
        drawn = bootstraps[name](matrix, pairs, resamples)
        assert np.array_equal(closely.draws[question, name, "all"], drawn, equal_nan=True)
        assert (one.low, one.high) == ends(drawn)


def test_labels_are_permuted_over_all_sources_where_contents_are_not_crossed(matrix):
    labels = replace(LABELS, contents=["c0", *LABELS.contents[1:-1], "c2"])
    options = {"permutations": PERMUTATIONS, "seed": SEED}
    found = by_name(assessor(labels).assess(CONDITION, matrix, closely=True))
    assert found["style", "auc", "all"].p == permute_auc(matrix, labels, **options).p
    assert found["style", "permdisp-f", "all"].p == permute_permdisp(matrix, labels, **options).p


def test_retrieval_and_variance_are_of_all_images(matrix, closely):
    found, resamples = by_name(closely), draw_resamples(LABELS, DRAWS, SEED)
    ranked = retrieval(matrix, ask("style", LABELS))
    for name in SCORES:
        one = found["style", name, "all"]
        assert one.value == ranked.means[name]
        drawn = bootstrap_mean(ranked.scores[name], ranked.anchors, resamples)
        assert np.array_equal(closely.draws["style", name, "all"], drawn)
        assert (one.low, one.high) == ends(drawn)
    options = {"permutations": PERMUTATIONS, "seed": SEED, "strata": LABELS.contents}
    location, spread = permanova(matrix, LABELS), permdisp(matrix, LABELS)
    assert found["style", "permanova-f", "all"].value == location.f
    assert found["style", "permanova-f", "all"].p == permute_permanova(matrix, LABELS, **options).p
    assert found["style", "permanova-r2", "all"].value == location.r2
    assert found["style", "permdisp-f", "all"].value == spread.f
    assert found["style", "permdisp-f", "all"].p == permute_permdisp(matrix, LABELS, **options).p
    shares = {name: one.value for (_, name, _), one in found.items() if name.startswith("share-")}
    assert shares == {f"share-{name}": one for name, one in factor_shares(matrix, LABELS).shares.items()}


def test_what_hangs_on_a_single_style(matrix, closely):
    aucs = []
    for left_out in LABELS.style.names:
        rows = [row for row, style in enumerate(LABELS.styles) if style != left_out]
        pairs = ask("style", LABELS.subset(rows))
        aucs.append(estimates(matrix[np.ix_(rows, rows)], pairs)["auc"].value)
    one = by_name(closely)["style", LEFT_OUT, "all"]
    assert (one.low, one.high) == (min(aucs), max(aucs))


def test_the_splits_share_no_style():
    parts = assessor().parts
    assert set(parts["development"].labels.styles) == set(DEVELOPMENT)
    assert set(parts["held-out"].labels.styles) == {"s0", "s2", "s4"}
    for name, part in parts.items():
        assert np.array_equal(part.rows, ROWS[name])


def test_nothing_but_style_has_an_interval_where_it_is_not_looked_at_closely(matrix, closely):
    found = assessor().assess(CONDITION, matrix, closely=False)
    assert all(one.p is None for one in found.estimates)
    kept = {("style", "auc", "all"), ("style", "auc", "held-out"), ("style", "contrast", "all")}
    kept |= {("style", name, "all") for name in SCORES}
    assert set(found.draws) == kept
    for key, drawn in found.draws.items():
        assert np.array_equal(drawn, closely.draws[key], equal_nan=True)
    values, expected = by_name(found), by_name(closely)
    assert set(expected) - set(values) == {("style", LEFT_OUT, "all")}
    assert all(one.value == expected[key].value for key, one in values.items())
    assert {key for key, one in values.items() if one.low is not None} == kept


def test_resamples_are_shared_by_matrices(matrix):
    """So that draws of two conditions may be subtracted."""
    judge = assessor()
    one = judge.assess(CONDITION, matrix, closely=True)
    scaled = judge.assess(replace(CONDITION, tap="u"), 3 * matrix, closely=True)
    for key, drawn in one.draws.items():
        assert np.allclose(scaled.draws[key], drawn, equal_nan=True)
    assert {one.condition.tap for one in scaled.estimates} == {"u"}


def test_too_few_styles_are_not_split(matrix):
    rows = [row for row in range(STYLES * EACH) if row % STYLES < 2]
    few = LABELS.subset(rows)
    judge = assessor(few, ())
    assert list(judge.parts) == ["all"]
    found = judge.assess(CONDITION, matrix[np.ix_(rows, rows)], closely=True)
    assert {one.split for one in found.estimates} == {"all"}
    assert not [one for one in found.estimates if one.name == LEFT_OUT]  # one style has no far pair
    pairs = ask("style", few)
    assert by_name(found)["style", "auc", "all"].value == (
        estimates(matrix[np.ix_(rows, rows)], pairs)["auc"].value
    )


def test_dissimilarities_with_a_sign_have_no_ratios_and_no_squares(matrix):
    signed = csls(matrix, k=5)
    assert signed.min() < 0
    found = by_name(assessor().assess(CONDITION, signed, closely=True))
    for (question, name, _), one in found.items():
        if name in ESTIMATES and not ESTIMATES[name].signed:
            assert math.isnan(one.value)
            assert one.low is None
        else:
            assert math.isfinite(one.value), (question, name)
    assert not {name for _, name, _ in found} & {"permanova-f", "permdisp-f", "share-style"}
    for name, bootstrap in (("auc", bootstrap_auc), ("dprime", bootstrap_dprime)):
        one = found["hard", name, "all"]
        drawn = bootstrap(signed, ask("hard", LABELS), draw_resamples(LABELS, DRAWS, SEED))
        assert (one.low, one.high) == ends(drawn)


def test_distances_that_are_all_zero_say_nothing():
    """Covariances of a tap that has a single position."""
    found = by_name(assessor().assess(CONDITION, np.zeros((20, 20)), closely=True))
    assert found["style", "auc", "all"].value == 0.5
    assert found["style", "auc", "held-out"].p == 1
    assert found["style", "contrast", "all"].value == 0
    assert "permanova-f" not in {name for _, name, _ in found}


def test_many_ties_and_no_metric():
    found = assessor().assess(
        CONDITION, 1 + random_matrix(np.random.default_rng(1), 20, levels=3), closely=True
    )
    assert all(math.isfinite(one.value) for one in found.estimates)
