"""Interventions against the same distances as they are."""

from __future__ import annotations

import pytest
from study.evidence_cases import Case, squares

from gramstyle.gram import STATISTICS
from gramstyle.study.arms import channel_arm, feature_arm, input_arm
from gramstyle.study.ladder import RUNGS, climb
from gramstyle.study.networks import Network
from gramstyle.study.plan import conditions
from gramstyle.study.results import AS_IS
from gramstyle.study.settings import FULL

NET = "resnet18@IMAGENET1K_V1"
NAMED = {rung.name: rung for rung in RUNGS}


def rung(case, name, value, contrast=0.1, spread=0.0):
    condition = case.at(NET, "one", **NAMED[name].changed)
    case.measure(condition, value, spread=spread)
    return case.measure(condition, contrast, "contrast")


def test_every_rung_measured_is_a_step_in_the_order_of_the_report():
    case = Case().network(NET, "one", "two")
    for name, value in (("grey images", 0.6), ("as it is", 0.8), ("diagonal only", 0.85)):
        rung(case, name, value, contrast=value / 10, spread=0.1)
    steps = climb(case.evidence(), NET, "one")
    assert [one.name for one in steps] == ["as it is", "diagonal only", "grey images"]
    assert [one.auc for one in steps] == [0.8, 0.85, 0.6]
    assert [one.low for one in steps] == pytest.approx([0.705, 0.755, 0.505])
    assert [one.high for one in steps] == pytest.approx([0.895, 0.945, 0.695])
    assert [one.contrast for one in steps] == pytest.approx([0.08, 0.085, 0.06])
    assert [one.change for one in steps] == pytest.approx([0, 0.05, -0.2])
    assert [one.condition for one in steps] == [
        case.at(NET, "one"),
        case.at(NET, "one", statistic="diagonal"),
        case.at(NET, "one", input="grayscale"),
    ]
    assert {(one.network, one.tap) for one in steps} == {(NET, "one")}
    assert climb(case.evidence(), NET, "two") == ()


def test_a_change_is_of_the_same_resamples():
    """As it is, wide; after it, narrow: the change is as wide as the two are apart, no wider."""
    case = Case().network(NET, "one")
    rung(case, "as it is", 0.8, spread=0.10)
    rung(case, "correlation", 0.7, spread=0.04)
    plain, step = climb(case.evidence(), NET, "one")
    assert (plain.change, plain.change_low, plain.change_high) == (0, 0, 0)
    assert (step.change_low, step.change_high) == pytest.approx((-0.1 - 0.95 * 0.06, -0.1 + 0.95 * 0.06))


def test_a_rung_that_lacks_a_figure_or_something_to_compare_with_is_no_step():
    case = Case().network(NET, "one")
    rung(case, "correlation", 0.7)
    assert climb(case.evidence(), NET, "one") == ()  # nothing as it is
    rung(case, "as it is", 0.8)
    case.measure(case.at(NET, "one", statistic="diagonal"), 0.7)  # no contrast
    case.measure(case.at(NET, "one", statistic="mean"), 0.7, "contrast")  # no AUC
    assert [one.name for one in climb(case.evidence(), NET, "one")] == ["as it is", "correlation"]


def test_rungs_are_interventions_that_exist_each_once():
    assert RUNGS[0].changed == {}
    assert len(NAMED) == len(RUNGS) == len({tuple(sorted(one.changed.items())) for one in RUNGS})
    known = {"input": input_arm, "features": feature_arm, "channels": channel_arm}
    for one in RUNGS:
        for what, name in one.changed.items():
            assert name in STATISTICS if what == "statistic" else known[what](name)


def test_the_full_study_measures_every_rung_at_the_deepest_tap_that_has_the_positions():
    network = Network("mobilenet_v2@KERAS")  # its last tap: 320 channels at 7 x 7
    planned = set(conditions(FULL, [network], squares))
    case = Case().network(network.name, *[one.name for one in network.ladder])
    missing = {
        one.name
        for one in RUNGS
        if case.at(network.name, network.ladder[-1].name, **one.changed) not in planned
    }
    assert missing == {
        "784 positions",
        "196 positions",
        "49 positions",
        "49 positions, 16 channels",
        "49 positions, 16 channels, grey",
    }
    wide = network.ladder[1].name  # 56 x 56
    drawn = [one for one in RUNGS if one.changed.get("features", AS_IS).startswith("subsample")]
    assert len(drawn) == 5
    for one in drawn:
        assert case.at(network.name, wide, **one.changed) in planned
