"""What controls take from the difference between VGG and another network."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from study.evidence_cases import DRAWS, Case, squares, tap

from gramstyle.study.gap import AFTER, BEFORE, CONTROLS, LADDER, LAST, gaps
from gramstyle.study.networks import Network
from gramstyle.study.plan import conditions
from gramstyle.study.settings import FULL

VGG, OTHER = "vgg16@one", "resnet18@one"
NAMES = [control.name for control in CONTROLS]
SETS = [frozenset(some) for size in range(len(NAMES) + 1) for some in combinations(NAMES, size)]
WIDE = {"channels": 64, "positions": 3136}


def changed(applied):
    return {key: value for one in CONTROLS if one.name in applied for key, value in one.changed.items()}


def every(case, network, where, values, draws, name="auc"):
    for applied in SETS:
        condition = case.at(network, where, **changed(applied))
        case.measure(condition, values[applied], name, draws=draws[applied])
    return case


def drawn(seed):
    draw = np.random.default_rng(seed)
    return {one: draw.random() for one in SETS}, {one: draw.random(DRAWS) for one in SETS}


def two(seed=0):
    case = Case().network(VGG, tap("a", **WIDE), tap("b", **WIDE)).network(OTHER, tap("c", **WIDE))
    tables = {}
    for number, (network, where) in enumerate(((VGG, "a"), (VGG, "b"), (OTHER, "c"))):
        tables[where] = drawn((seed, number))
        for name in ("auc", "contrast"):
            every(case, network, where, *tables[where], name)
    return case, tables


def in_every_order(gap):
    """Shapley's value as it is defined: the mean over all orders of what each takes when its turn comes."""
    shares = dict.fromkeys(NAMES, 0.0)
    orders = list(permutations(NAMES))
    for order in orders:
        for place, name in enumerate(order):
            shares[name] += gap[frozenset(order[:place])] - gap[frozenset(order[: place + 1])]
    return {name: share / len(orders) for name, share in shares.items()}


@pytest.mark.parametrize("where", [LAST, LADDER])
def test_shares_are_means_over_all_orders_for_figures_and_for_every_draw(where):
    case, tables = two()
    taps = ["b"] if where == LAST else ["a", "b"]
    found = {one.name: one for one in gaps(case.evidence()) if (one.where, one.estimate) == (where, "auc")}
    assert list(found) == [BEFORE, *NAMES, AFTER]

    def gap(part):
        return {
            some: np.mean([tables[one][part][some] for one in taps], axis=0) - tables["c"][part][some]
            for some in SETS
        }

    values, draws = in_every_order(gap(0)), in_every_order(gap(1))
    for name in NAMES:
        assert found[name].value == pytest.approx(values[name])
        low, high = np.quantile(draws[name], [0.025, 0.975])
        assert (found[name].low, found[name].high) == pytest.approx((low, high), abs=0.02)
    assert found[BEFORE].value == pytest.approx(gap(0)[frozenset()])
    assert found[AFTER].value == pytest.approx(gap(0)[frozenset(NAMES)])
    taken = sum(found[name].value for name in NAMES)
    assert taken == pytest.approx(found[BEFORE].value - found[AFTER].value)
    assert {(one.network, one.other) for one in found.values()} == {(VGG, OTHER)}


def test_a_tap_that_is_as_narrow_or_as_small_is_compared_as_it_is():
    case = Case().network(VGG, tap("a", **WIDE)).network(OTHER, tap("c", channels=16, positions=49))
    values, draws = drawn(0)
    for name in ("auc", "contrast"):
        every(case, VGG, "a", values, draws, name)
        for applied in SETS:
            if not {"49 positions", "16 channels"} & applied:
                case.measure(case.at(OTHER, "c", **changed(applied)), 0.5, name)
    assert len(gaps(case.evidence())) == 4 * (len(NAMES) + 2)


def test_a_combination_that_was_not_measured_leaves_the_gap_out():
    case, _ = two()
    missing = case.at(VGG, "a", **changed(NAMES[1:3]))
    del case.draws[missing, "style", "auc", "all"]
    found = {(one.where, one.estimate) for one in gaps(case.evidence())}
    assert found == {(LAST, "auc"), (LAST, "contrast"), (LADDER, "contrast")}
    assert gaps(Case().network(OTHER, "c").evidence()) == ()
    assert gaps(Case().network(VGG, "a").network("vgg19@one", "b").evidence()) == ()


def test_the_full_study_measures_every_combination():
    for name in ("vgg16@IMAGENET1K_V1", "mobilenet_v2@KERAS"):
        network = Network(name)
        planned = set(conditions(FULL, [network], squares))
        case = Case()
        for one in network.facts(224, 224):
            if one.tap not in [each.name for each in network.ladder]:
                continue
            for applied in SETS:
                if one.positions <= 49 and "49 positions" in applied:
                    continue
                if one.channels <= 16 and "16 channels" in applied:
                    continue
                assert case.at(name, one.tap, **changed(applied)) in planned
