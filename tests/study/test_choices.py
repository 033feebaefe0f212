"""Taps are chosen on development styles, and reported on the others."""

from __future__ import annotations

import numpy as np
import pytest
from study.evidence_cases import COLOURS, DRAWS, Case

from gramstyle.study.choices import choose, chosen, colour_baseline, differences

A, B, C = "resnet18@IMAGENET1K_V1", "vgg16@IMAGENET1K_V1", "mobilenet_v2@KERAS"
TAPS = ("one", "two", "three", "four")


def networks(development, held_out, *, p=(0.01, 0.04, 0.03), spread=0.0):
    """Three networks of four taps; AUC of each on both halves, (3, 4)."""
    case = Case()
    for place, name in enumerate((A, B, C)):
        case.network(name, *TAPS)
        for tap, one, other in zip(TAPS, development[place], held_out[place], strict=True):
            case.halves(case.at(name, tap), one, other, spread=spread, p=p[place])
            case.measure(case.at(name, tap), 1 - one)  # over all styles: nobody may look
    return case


DEVELOPMENT = [[0.6, 0.9, 0.8, 0.7], [0.9, 0.6, 0.7, 0.8], [0.5, 0.6, 0.7, 0.8]]
HELD_OUT = [[0.99, 0.71, 0.98, 0.97], [0.82, 0.99, 0.98, 0.97], [0.99, 0.98, 0.97, 0.63]]


def test_the_tap_is_the_best_one_of_development_and_the_figure_is_held_out():
    case = networks(DEVELOPMENT, HELD_OUT, spread=0.1)
    found = choose(case.evidence(), [A, B, C])
    assert [(one.network, one.tap) for one in found] == [(A, "two"), (B, "one"), (C, "four")]
    assert [one.development for one in found] == [0.9, 0.9, 0.8]
    assert [one.held_out for one in found] == [0.71, 0.82, 0.63]
    assert [one.low for one in found] == pytest.approx([0.71 - 0.095, 0.82 - 0.095, 0.63 - 0.095])
    assert [one.high for one in found] == pytest.approx([0.71 + 0.095, 0.82 + 0.095, 0.63 + 0.095])
    assert {(one.statistic, one.metric) for one in found} == {("gram", "frobenius")}


def test_held_out_figures_never_move_a_choice_and_development_figures_do():
    draw = np.random.default_rng(0)
    for _ in range(50):
        development, held_out = draw.random((3, 4)), draw.random((3, 4))
        places = development.argmax(axis=1)
        for other in (held_out, draw.random((3, 4)), 1 - held_out):
            found = choose(networks(development, other).evidence(), [A, B, C])
            assert [one.tap for one in found] == [TAPS[place] for place in places]
            assert [one.held_out for one in found] == [other[row, place] for row, place in enumerate(places)]
        worse = np.where(development == development.max(axis=1, keepdims=True), -1, development)
        moved = choose(networks(worse, held_out).evidence(), [A, B, C])
        assert [one.tap for one in moved] == [TAPS[place] for place in worse.argmax(axis=1)]
        assert not set(zip((A, B, C), places, strict=True)) & {
            (one.network, TAPS.index(one.tap)) for one in moved
        }


def test_the_ps_of_all_networks_are_one_family():
    """Holm by hand: 0.01 x 3, then 0.03 x 2, then 0.04 x 1 but no less than the one before."""
    found = choose(networks(DEVELOPMENT, HELD_OUT).evidence(), [A, B, C])
    assert [one.p for one in found] == [0.01, 0.04, 0.03]
    assert [one.p_adjusted for one in found] == pytest.approx([0.03, 0.06, 0.06])


def test_a_network_without_held_out_figure_is_left_out_of_the_family():
    case = networks(DEVELOPMENT, HELD_OUT)
    case.network("vgg19@CAFFE", *TAPS)
    for split in ("all", "development"):
        case.measure(case.at("vgg19@CAFFE", "one"), 0.99, split=split)
    found = choose(case.evidence(), [A, "vgg19@CAFFE", B, C])
    assert [one.network for one in found] == [A, B, C]
    assert found[0].p_adjusted == pytest.approx(0.03)
    assert choose(case.evidence(), ["vgg19@CAFFE"]) == ()
    assert choose(case.evidence(), []) == ()


@pytest.mark.parametrize("missing", ["p", "low"])
def test_a_held_out_figure_without_test_or_interval_is_no_choice(missing):
    case = networks(DEVELOPMENT, HELD_OUT)
    case.estimates = [
        type(one)(**{**vars(one), missing: None}) if one.condition == case.at(A, "two") else one
        for one in case.estimates
    ]
    assert [one.network for one in choose(case.evidence(), [A, B, C])] == [B, C]


def test_equal_taps_are_decided_for_the_shallow_one_and_no_number_never_wins():
    case = networks([[0.7, 0.8, 0.8, np.nan]] * 3, HELD_OUT)
    assert chosen(case.evidence(), A) == case.at(A, "two")
    case = networks([[np.nan, 0.2, 0.1, np.nan]] * 3, HELD_OUT)
    assert chosen(case.evidence(), A) == case.at(A, "two")


def test_every_tap_that_was_measured_may_be_chosen_not_only_the_ladder():
    case = Case().network(A, *TAPS, ladder=["four"])
    for tap, value in zip(TAPS[1:], (0.9, 0.8, 0.7), strict=True):
        case.halves(case.at(A, tap), value, 0.5)
    assert chosen(case.evidence(), A) == case.at(A, "two")
    assert chosen(case.evidence(), A, metric="cosine") is None


def test_a_tap_is_chosen_by_the_readout_that_is_asked_for():
    case = Case(primary=("covariance", "cosine")).network(A, "one", "two")
    case.halves(case.at(A, "one"), 0.9, 0.5).halves(case.at(A, "two"), 0.8, 0.5)
    case.halves(case.at(A, "one", metric="frobenius"), 0.1, 0.5)
    case.halves(case.at(A, "two", metric="frobenius"), 0.2, 0.5)
    assert chosen(case.evidence(), A).tap == "one"
    assert chosen(case.evidence(), A, metric="frobenius").tap == "two"


def test_networks_and_colours_are_compared_in_pairs_on_held_out_styles():
    case = networks(DEVELOPMENT, HELD_OUT, spread=0.2)
    case.halves(colour_baseline(), 0.99, 0.6, spread=0.2)
    found = differences(case.evidence(), [A, B, C])
    assert [one.what for one in found] == [
        f"{A} minus {B}",
        f"{A} minus {C}",
        f"{A} minus colours",
        f"{B} minus {C}",
        f"{B} minus colours",
        f"{C} minus colours",
    ]
    values = [0.71 - 0.82, 0.71 - 0.63, 0.71 - 0.6, 0.82 - 0.63, 0.82 - 0.6, 0.63 - 0.6]
    assert [one.value for one in found] == pytest.approx(values)
    # draws rise and fall together: each difference is the same in all of them
    assert [one.low for one in found] == pytest.approx(values)
    assert {(one.estimate, one.split) for one in found} == {("auc", "held-out")}
    assert found[0].first == case.at(A, "two")
    assert found[2].second == COLOURS == colour_baseline()


def test_the_ps_of_all_differences_are_one_family():
    """Of 41 draws 0, 2 and 9 lie on the other side: p = 2/42, 6/42, 20/42, times 3, 2, 1."""
    case = Case()
    ahead = {A: 0, B: 2}
    for name, behind in ahead.items():
        case.network(name, "one")
        draws = np.full(DRAWS, 0.8)
        draws[:behind] = 0.4
        case.halves(case.at(name, "one"), 0.9, 0.8)
        case.draws[case.at(name, "one"), "style", "auc", "held-out"] = draws
    case.halves(COLOURS, 0.9, 0.6)
    case.draws[COLOURS, "style", "auc", "held-out"] = np.full(DRAWS, 0.6)
    found = {one.what: one for one in differences(case.evidence(), [A, B])}
    # A minus B is 0.4 twice and 0 otherwise: no draw below 0 and 39 at 0, so the smaller side has 39
    assert found[f"{A} minus {B}"].p == 1.0
    assert found[f"{A} minus colours"].p == pytest.approx(2 / 42)
    assert found[f"{B} minus colours"].p == pytest.approx(6 / 42)
    adjusted = [found[f"{name} minus colours"].p_adjusted for name in (A, B)]
    assert adjusted == pytest.approx([3 * 2 / 42, 2 * 6 / 42])
    assert found[f"{A} minus {B}"].p_adjusted == 1.0


def test_nothing_to_compare_is_no_difference():
    case = networks(DEVELOPMENT, HELD_OUT)
    assert len(differences(case.evidence(), [A, B])) == 1  # colours were not measured
    assert differences(case.evidence(), [A]) == ()
    assert differences(Case().network(A, "one").evidence(), [A]) == ()


def test_halves_too_small_for_any_resample_are_no_reason_to_fail():
    """With one or two draws no resample of two styles may hold them both."""
    case = networks(DEVELOPMENT, HELD_OUT)
    for key, draws in case.draws.items():
        if key[3] == "held-out":
            case.draws[key] = np.full_like(draws, np.nan)
    assert differences(case.evidence(), [A, B, C]) == ()
