"""Ways to read distances: taps chosen on development styles, ranks on the others."""

from __future__ import annotations

import numpy as np
import pytest
from study.evidence_cases import Case, squares

from gramstyle.study.combined import combined
from gramstyle.study.networks import Network
from gramstyle.study.plan import conditions
from gramstyle.study.remedies import READINGS, best, rank
from gramstyle.study.results import ALL_TAPS, FROM_4, FROM_8
from gramstyle.study.settings import FULL

NET = "resnet18@IMAGENET1K_V1"
TAPS = ("one", "two", "three")
NAMED = {reading.name: reading for reading in READINGS}


def reading(case, name, development, held_out, spread=0.0):
    """AUC of one reading at each tap, or of all together."""
    taps = (NAMED[name].together,) if NAMED[name].together else TAPS
    for tap, one, other in zip(taps, development, held_out, strict=True):
        case.halves(case.at(NET, tap, **NAMED[name].changed), one, other, spread=spread)
    return case


def three():
    case = Case().network(NET, *TAPS)
    reading(case, "L2", [0.6, 0.8, 0.7], [0.9, 0.7, 0.95], spread=0.10)
    reading(case, "cosine", [0.9, 0.8, 0.7], [0.75, 0.99, 0.98], spread=0.04)
    reading(case, "L2, relative", [0.6, 0.7, 0.8], [0.99, 0.98, 0.65], spread=0.10)
    return case


def test_readings_are_ranked_held_out_at_taps_chosen_on_development():
    found = rank(three().evidence(), NET)
    assert [(one.name, one.condition.tap) for one in found] == [
        ("cosine", "one"),
        ("L2", "two"),
        ("L2, relative", "three"),
    ]
    assert [one.held_out for one in found] == [0.75, 0.7, 0.65]
    assert [one.development for one in found] == [0.9, 0.8, 0.8]
    assert [one.gain for one in found] == pytest.approx([0.05, 0, -0.05])
    assert [one.low for one in found] == pytest.approx([0.75 - 0.038, 0.7 - 0.095, 0.65 - 0.095])
    # draw by draw: 0.04 against 0.10 wide
    assert found[0].gain_low == pytest.approx(0.05 - 0.95 * 0.06)
    assert found[0].gain_high == pytest.approx(0.05 + 0.95 * 0.06)
    assert {one.network for one in found} == {NET}


def test_held_out_figures_never_move_a_tap_and_development_figures_do():
    draw = np.random.default_rng(1)
    for _ in range(30):
        development = draw.random(3)
        for held_out in (draw.random(3), draw.random(3)):
            case = reading(three(), "correlation", development, held_out)
            (one,) = [one for one in rank(case.evidence(), NET) if one.name == "correlation"]
            assert one.condition.tap == TAPS[development.argmax()]
            assert one.held_out == held_out[development.argmax()]


def test_taps_of_the_ladder_alone_are_read_so_that_all_readings_choose_among_the_same():
    case = Case().network(NET, *TAPS, ladder=TAPS[:2])
    reading(case, "L2", [0.6, 0.7, 0.9], [0.5, 0.6, 0.7])
    assert rank(case.evidence(), NET)[0].condition.tap == "two"


@pytest.mark.parametrize("averaged", [ALL_TAPS, FROM_4, FROM_8])
def test_taps_together_are_one_reading_without_choice(averaged):
    case = reading(three(), f"cosine, {averaged}", [0.3], [0.97])
    first = rank(case.evidence(), NET)[0]
    assert (first.name, first.condition.tap) == (f"cosine, {averaged}", averaged)
    assert (first.development, first.held_out) == (0.3, 0.97)
    assert first.gain == pytest.approx(0.97 - 0.7)


def test_what_was_not_measured_is_no_remedy():
    case = Case().network(NET, *TAPS)
    reading(case, "cosine", [0.9, 0.8, 0.7], [0.7, 0.9, 0.9])
    assert rank(case.evidence(), NET) == ()  # nothing to compare with
    case = three()
    case.measure(case.at(NET, "one", statistic="mean"), 0.9, split="development")
    assert "channel means" not in [one.name for one in rank(case.evidence(), NET)]
    assert best(case.evidence(), NET, NAMED["channel means"]) == case.at(NET, "one", statistic="mean")
    assert best(case.evidence(), NET, NAMED["correlation"]) is None


def test_readings_do_not_depend_on_the_primary_one():
    case = three()
    case.primary = ("covariance", "cosine")
    found = rank(case.evidence(), NET)
    assert [one.name for one in found] == ["cosine", "L2", "L2, relative"]


def test_the_full_study_measures_every_reading():
    network = Network("mobilenet_v2@KERAS")
    planned = {*conditions(FULL, [network], squares), *combined(network, FULL)}
    case = Case().network(network.name)
    names = [one.name for one in READINGS]
    assert len(set(names)) == len(names)
    assert names[0] == "L2"
    for one in READINGS:
        taps = (one.together,) if one.together else [tap.name for tap in network.ladder]
        there = [tap for tap in taps if case.at(network.name, tap, **one.changed) in planned]
        assert there, one.name
