"""Figures looked up, and compared on the same resamples."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import assert_close
from scipy.stats import spearmanr
from study.evidence_cases import DRAWS, Case

from gramstyle.study.evidence import Interval
from gramstyle.study.results import Condition

NET, OTHER, COPY = "resnet18@IMAGENET1K_V1", "vgg16@IMAGENET1K_V1", "resnet18@random:3"
TAPS = tuple(f"layer{number}" for number in range(6))


def ends(draws, level=0.95):
    """Interval of draws that are numbers, by sorting and counting (linear between neighbours)."""
    kept = sorted(one for one in draws if one == one)
    found = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        place = share * (len(kept) - 1)
        below = int(place)
        above = min(below + 1, len(kept) - 1)
        found.append(kept[below] + (place - below) * (kept[above] - kept[below]))
    return found


def scattered(seed, values, spread=0.1):
    """A case with one network whose taps have these AUC, and independent draws around them."""
    draw = np.random.default_rng(seed)
    case = Case().network(NET, *TAPS[: len(values)])
    for name, value in zip(TAPS, values, strict=False):
        case.measure(case.at(NET, name), value, draws=value + spread * draw.standard_normal(DRAWS))
    return case, [case.at(NET, name) for name in TAPS[: len(values)]]


@pytest.mark.parametrize(
    ("values", "against"),
    [
        ([0.9, 0.6, 0.7, 0.8, 0.65, 0.5], [1, 5, 4, 2, 3, 6]),
        ([0.9, 0.6, 0.9, 0.8, 0.6, 0.5], [1, 5, 1, 2, 3, 6]),
        ([0.51, 0.52, 0.53, 0.50], [10, 10, 3, 7.5]),
    ],
    ids=["no ties", "ties", "four"],
)
def test_a_rank_correlation_is_spearmans_of_values_and_of_each_draw(values, against):
    case, conditions = scattered(0, values)
    found = case.evidence().rank_correlation(conditions, against)
    assert_close(found.value, spearmanr(values, against).statistic)
    rows = [case.draws[one, "style", "auc", "all"] for one in conditions]
    each = [spearmanr(column, against).statistic for column in np.transpose(rows)]
    assert_close([found.low, found.high], ends(each))


def test_a_rank_correlation_leaves_out_what_was_not_measured():
    values, against = [0.9, 0.6, 0.7, 0.8, 0.65, 0.5], [1, 5, 4, 2, float("nan"), float("inf")]
    case, conditions = scattered(1, values)
    absent = case.at(NET, "nowhere")
    found = case.evidence().rank_correlation([*conditions, absent], [*against, 3])
    kept = case.evidence().rank_correlation(conditions[:4], against[:4])
    assert found == kept
    assert found.value == pytest.approx(spearmanr(values[:4], against[:4]).statistic)
    assert case.evidence().rank_correlation([*conditions[:3], absent], [1, 2, 3, 4]) is None
    assert case.evidence().rank_correlation(conditions, against, "contrast") is None
    assert case.evidence().rank_correlation([], []) is None


def test_a_rank_correlation_leaves_out_resamples_that_one_condition_lacks():
    values, against = [0.9, 0.6, 0.7, 0.8], [1, 5, 4, 2]
    case, conditions = scattered(2, values)
    case.draws[conditions[1], "style", "auc", "all"][3:9] = np.nan
    found = case.evidence().rank_correlation(conditions, against)
    rows = np.array([case.draws[one, "style", "auc", "all"] for one in conditions])
    whole = np.flatnonzero(~np.isnan(rows).any(axis=0))
    assert len(whole) == DRAWS - 6
    assert_close([found.low, found.high], ends([spearmanr(rows[:, one], against).statistic for one in whole]))


def test_a_rank_correlation_of_equal_values_is_no_number():
    case, conditions = scattered(3, [1.0, 1.0, 1.0, 1.0], spread=0.0)
    found = case.evidence().rank_correlation(conditions, [1, 2, 3, 4])
    assert np.isnan([found.value, found.low, found.high]).all()
    found = scattered(3, [0.9, 0.6, 0.7, 0.8])[0].evidence().rank_correlation(conditions, [2, 2, 2, 2])
    assert np.isnan([found.value, found.low, found.high]).all()


def test_gains_are_correlated_draw_by_draw():
    values, plain = [0.9, 0.6, 0.7, 0.8, 0.75], [0.5, 0.55, 0.45, 0.6, 0.7]
    against = [3, 1, 2, 5, 4]
    case, conditions = scattered(4, values)
    draw = np.random.default_rng(5)
    before = [case.at(NET, name, metric="cosine") for name in TAPS[:5]]
    for one, value in zip(before, plain, strict=True):
        case.measure(one, value, draws=value + 0.1 * draw.standard_normal(DRAWS))
    found = case.evidence().rank_correlation_of_gains(list(zip(conditions, before, strict=True)), against)
    gains = np.subtract(values, plain)
    assert_close(found.value, spearmanr(gains, against).statistic)
    rows = [
        case.draws[one, "style", "auc", "all"] - case.draws[other, "style", "auc", "all"]
        for one, other in zip(conditions, before, strict=True)
    ]
    assert_close(
        [found.low, found.high], ends([spearmanr(one, against).statistic for one in np.transpose(rows)])
    )
    absent = (case.at(NET, "nowhere"), before[0])
    pairs = list(zip(conditions[:3], before[:3], strict=True))
    assert case.evidence().rank_correlation_of_gains([*pairs, absent], [1, 2, 3, 4]) is None


def test_a_difference_is_taken_resample_by_resample():
    """Draws that rise and fall together leave a narrow difference; two wide ones do not make it wide."""
    case = Case().network(NET, "a", "b")
    one, other = case.at(NET, "a"), case.at(NET, "b")
    case.measure(one, 0.8, spread=0.2).measure(other, 0.7, spread=0.18)
    found = case.evidence().mean_difference([(one, other)])
    assert_close([found.value, found.low, found.high], [0.1, 0.1 - 0.95 * 0.02, 0.1 + 0.95 * 0.02])


def test_a_mean_difference_is_the_mean_over_pairs_of_each_draw():
    case, conditions = scattered(6, [0.9, 0.6, 0.7, 0.8])
    pairs = [(conditions[0], conditions[1]), (conditions[2], conditions[3])]
    found = case.evidence().mean_difference(pairs)
    assert_close(found.value, ((0.9 - 0.6) + (0.7 - 0.8)) / 2)
    first, second, third, fourth = (case.draws[one, "style", "auc", "all"] for one in conditions)
    assert_close(
        [found.low, found.high],
        ends([((a - b) + (c - d)) / 2 for a, b, c, d in zip(first, second, third, fourth, strict=True)]),
    )


def test_a_mean_difference_has_the_level_of_the_study():
    case, conditions = scattered(7, [0.9, 0.6])
    case.level = 0.5
    found = case.evidence().mean_difference([tuple(conditions)])
    apart = np.subtract(*(case.draws[one, "style", "auc", "all"] for one in conditions))
    assert_close([found.low, found.high], ends(apart, 0.5))


def test_a_mean_difference_of_what_is_missing_is_none():
    case, (one, other) = scattered(8, [0.9, 0.6])
    evidence = case.evidence()
    absent = case.at(NET, "nowhere")
    for pairs in ([], [(one, absent)], [(absent, one)], [(one, other), (one, absent)]):
        assert evidence.mean_difference(pairs) is None
    assert evidence.mean_difference([(one, other)], "contrast") is None
    assert evidence.mean_difference([(one, other)], split="held-out") is None
    for without in (one, other):
        fewer = dict(case.draws)
        del fewer[without, "style", "auc", "all"]
        evidence.draws = fewer
        assert evidence.mean_difference([(one, other)]) is None


def test_a_difference_of_draws_without_numbers_has_no_interval():
    case = Case().network(NET, "a", "b")
    one, other = case.at(NET, "a"), case.at(NET, "b")
    case.measure(one, 0.8, draws=[np.nan] * 3).measure(other, 0.7, draws=[0.7, 0.7, np.nan])
    found = case.evidence().mean_difference([(one, other)])
    assert found.value == pytest.approx(0.1)
    assert np.isnan([found.low, found.high]).all()
    assert case.evidence().difference("a minus b", one, other) is None


def test_contrasts_that_are_infinite_are_no_reason_to_warn():
    """Where near pairs are identical images, contrast is infinite in every resample of them."""
    case = Case().network(NET, "a", "b")
    one, other = case.at(NET, "a"), case.at(NET, "b")
    draws = [np.inf, 1.0, 2.0]
    case.measure(one, 1.0, "contrast", draws=draws).measure(other, 1.0, "contrast", draws=draws)
    found = case.evidence().mean_difference([(one, other)], "contrast")
    assert (found.low, found.high) == (0, 0)
    inf = np.inf
    for draws, ends in (
        ([inf, inf, inf, 1.0, 2.0], (1.1, inf)),
        ([0.0, 1.0, 2.0, 3.0, inf], (0.1, inf)),
        ([-inf, -inf, 1.0, 2.0], (-inf, 1.925)),
    ):
        around = case.evidence().around(1.0, np.array(draws))
        assert (around.low, around.high) == pytest.approx(ends)


@pytest.mark.parametrize(
    ("draws", "p"),
    [
        ([0.1, 0.2, 0.3, 0.4], 2 * 1 / 5),
        ([-0.1, 0.2, 0.3, 0.4], 2 * 2 / 5),
        ([-0.1, -0.2, -0.3, -0.4], 2 * 1 / 5),
        ([-0.1, -0.2, 0.3, 0.4], 1.0),
        ([0.0, 0.2, np.nan, 0.4], 2 * 2 / 4),
    ],
)
def test_the_p_of_a_difference_counts_resamples_on_the_smaller_side(draws, p):
    case = Case().network(NET, "a", "b")
    one, other = case.at(NET, "a"), case.at(NET, "b")
    base = np.array([0.3, 0.5, 0.4, 0.6])
    case.measure(one, 0.8, "contrast", "held-out", draws=base + draws)
    case.measure(other, 0.6, "contrast", "held-out", draws=base)
    found = case.evidence().difference("a minus b", one, other, "contrast", "held-out")
    assert found.p == pytest.approx(p)
    assert found.value == pytest.approx(0.2)
    assert_close([found.low, found.high], ends((base + draws) - base))
    assert (found.what, found.first, found.second) == ("a minus b", one, other)
    assert (found.estimate, found.split, found.p_adjusted) == ("contrast", "held-out", None)
    assert case.evidence().difference("a minus b", one, other) is None


def test_an_interval_is_that_of_the_estimate_itself():
    case = Case().network(NET, "a")
    one = case.at(NET, "a")
    case.measure(one, 0.8, spread=0.1).measure(one, 0.3, "contrast").measure(one, 0.9, split="development")
    evidence = case.evidence()
    found = evidence.interval(one)
    assert_close([found.value, found.low, found.high], [0.8, 0.705, 0.895])
    assert str(found) == "0.800 [0.705, 0.895]"
    assert str(Interval(-1e-9, -0.0004, float("inf"))) == "0.000 [0.000, inf]"
    assert str(Interval(float("nan"), -float("inf"), -0.0006)) == "nan [-inf, -0.001]"
    assert evidence.interval(one, "contrast").value == 0.3
    assert evidence.interval(one, split="development").value == 0.9
    assert evidence.interval(one, "dprime") is None
    assert evidence.interval(one, split="held-out") is None
    assert evidence.interval(case.at(NET, "b")) is None


def test_a_figure_without_draws_has_no_interval():
    case = Case().network(NET, "a")
    one = case.at(NET, "a")
    case.measure(one, 0.8)
    case.estimates = [type(found)(**{**vars(found), "low": None}) for found in case.estimates]
    assert case.evidence().interval(one) is None
    assert case.evidence().estimate(one).value == 0.8
    found = case.evidence().around(0.5, np.full(4, np.nan))
    assert isinstance(found, Interval)
    assert np.isnan([found.low, found.high]).all()


def test_questions_are_kept_apart():
    case = Case().network(NET, "a")
    one = case.at(NET, "a")
    case.measure(one, 0.8).measure(one, 0.2, question="content")
    assert case.evidence().estimate(one).value == 0.8
    assert case.evidence().estimate(one, question="content").value == 0.2
    assert case.evidence().estimate(one, question="hard") is None
    assert case.evidence().drawn(one)[0] == 0.8


def test_networks_are_those_of_taps_learned_or_random():
    case = Case(primary=("covariance", "cosine")).network(NET, "a", "b", "c", ladder=["a", "b"])
    case.network(OTHER, "x").network(COPY, "a", "b")
    evidence = case.evidence()
    assert evidence.networks(learned=True) == [NET, OTHER]
    assert evidence.networks(learned=False) == [COPY]
    assert evidence.copies(NET) == [COPY]
    assert evidence.copies(OTHER) == []
    assert evidence.last(NET) == "b"
    assert [one.tap for one in evidence.taps_of(NET)] == ["a", "b", "c"]
    assert evidence.tap(COPY, "b").weights == "random:3"
    assert evidence.plain(NET, "a", metric="frobenius") == Condition(
        backbone="resnet18",
        weights="IMAGENET1K_V1",
        tap="a",
        statistic="covariance",
        metric="frobenius",
    )


def test_weights_from_a_file_may_hold_the_sign_that_names_are_split_at():
    name = "vgg16@/tmp/a@b.safetensors"
    case = Case().network(name, "a")
    condition = case.evidence().plain(name, "a")
    assert (condition.backbone, condition.weights) == ("vgg16", "/tmp/a@b.safetensors")
    assert condition.network == name
