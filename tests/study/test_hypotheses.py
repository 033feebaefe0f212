"""Each prediction under evidence that must support it, refute it, leave it open, or that lacks it."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import spearmanr
from study.evidence_cases import COLOURS, DRAWS, Case, tap

from gramstyle.study.evidence import Interval
from gramstyle.study.hypotheses import HYPOTHESES, judge
from gramstyle.study.hypotheses.prediction import above, below, different, each, together
from gramstyle.study.hypotheses.verdict import overall

STEP = {"supported": 1, "undecided": 0, "refuted": -1}
VGG, BN, RES = "vgg16@IMAGENET1K_V1", "vgg16_bn@IMAGENET1K_V1", "resnet18@IMAGENET1K_V1"
MOBILE, OTHER_MOBILE = "mobilenet_v2@IMAGENET1K_V1", "mobilenet_v2@KERAS"
LITE, B0 = "efficientnet_lite0@GOOGLE", "efficientnet_b0@TF_IN1K"
PREDICTIONS = {(one.name, place): part for one in HYPOTHESES for place, part in enumerate(one.predictions)}


def shown(value, spread):
    """A figure as it is written, its interval 0.95 of the spread to both sides."""
    ends = (value, value - 0.95 * spread, value + 0.95 * spread)
    return "{:.3f} [{:.3f}, {:.3f}]".format(*(round(one, 3) + 0.0 for one in ends))  # no -0.000


def rho(case, conditions, against, decision, name="auc"):
    """Values at `conditions` that rank as `against` in every draw, in none, or in every second one.

    Returns rho as it is written: 1 or -1 in every draw, so its interval ends there.
    """
    order = np.argsort(np.argsort(against)) / 10
    sign = STEP[decision] or np.where(np.arange(DRAWS) % 2, 1, -1)
    draws = order[:, None] * np.broadcast_to(sign, DRAWS)
    for condition, value, drawn in zip(conditions, order * (STEP[decision] or 1), draws, strict=True):
        case.measure(condition, value, name, draws=drawn)
    return f"{STEP[decision] or 1:.3f} [{min(np.min(sign), 1):.3f}, {np.max(sign):.3f}]"


def premise_contrast(decision):
    case = Case().network(RES, "a", "last").network(VGG, "a", "last")
    value = 0.1 - 0.05 * STEP[decision]
    for network in (RES, VGG):
        case.measure(case.at(network, "last"), value, "contrast", spread=0.02)
        case.measure(case.at(network, "a"), 0.1 + 0.05 * STEP[decision], "contrast")
    return case, [f"{RES} last: {shown(value, 0.02)}", f"{VGG} last: {shown(value, 0.02)}"]


def compared(first, second, *, step=0.2, spread=0.1):
    """Scenes of the held-out AUC of one network minus that of another, taps chosen on development."""

    def scene(decision):
        case, value = Case(), step * STEP[decision]
        for network, held_out, wide in ((first, 0.6 + value, spread), (second, 0.6, 0.0)):
            case.network(network, "a", "b")
            case.halves(case.at(network, "a"), 0.8, 0.1 if network == first else 0.9)
            case.halves(case.at(network, "b"), 0.9, held_out, spread=wide)
        return case, [f"{first} b minus {second} b: {shown(value, spread)}"]

    return scene


def apart(first, second):
    """As `compared`, of a difference in either direction; refuted is a narrow interval around 0."""

    def scene(decision):
        step, spread = {"supported": (0.2, 0.1), "undecided": (0.0, 0.1), "refuted": (0.0, 0.04)}[decision]
        return compared(first, second, step=step, spread=spread)(decision)

    return scene


def collapse(decision):
    """Contrast must fall where noise grows, so it rises with noise that is turned around."""
    case = Case().network(RES, *"abcdef")
    conditions = [case.at(RES, one, statistic="covariance") for one in "abcdef"]
    noise = [3.0, 1.0, 2.0, 6.0, 5.0, 4.0]
    for condition, one in zip(conditions, noise, strict=True):
        case.point(condition, one, 0.5, 0.5)
    rho(case, conditions, [-one for one in noise], decision, "contrast")
    figures = {
        "supported": "-1.000 [-1.000, -1.000]",
        "undecided": "-1.000 [-1.000, 1.000]",
        "refuted": "1.000 [1.000, 1.000]",
    }
    return case, [f"rho over 6 taps: {figures[decision]}"]


def fewer_positions(decision):
    case = Case().network(RES, tap("wide", positions=3136), tap("deep", positions=784), "last")
    part = 0.5 - 0.2 * STEP[decision]
    few, whole = case.at(RES, "deep", features="subsample:49"), case.at(RES, "deep")
    case.measure(few, part, "contrast", spread=0.1).measure(whole, 1.0, "contrast")
    wide = case.at(RES, "wide", features="subsample:49"), case.at(RES, "wide")
    case.measure(wide[0], 1 - part, "contrast").measure(wide[1], 1.0, "contrast")
    return case, [f"{RES} deep: {shown(part, 0.1)}"]


def predicted_contrast(decision):
    case = Case().network(RES, *"abcdef")
    right = {"supported": 4, "undecided": 3, "refuted": 1}[decision]
    ratios = [0.5, 2.0, 1.0, 1.5][:right] + [2.01, 0.49, 10.0, 3.0, 4.0][: 6 - right]
    for one, ratio in zip("abcdef", ratios, strict=True):
        case.point(case.at(RES, one), 1.0, 0.2 * ratio, 0.2)
    case.point(case.at(RES, "a"), 1.0, -0.1, 0.2).point(case.at(RES, "a"), 1.0, 0.2, -0.1)
    median = sum(sorted(ratios)[2:4]) / 2
    return case, [f"{right / 6:.0%} of 6 taps", f"{median:.2f}"]


def metric_at_last(metric):
    def scene(decision):
        case = Case().network(RES, "a", "last")
        value = 0.1 * STEP[decision]
        case.measure(case.at(RES, "last"), 0.6).measure(case.at(RES, "a"), 0.6)
        case.measure(case.at(RES, "last", metric=metric), 0.6 + value, spread=0.06)
        case.measure(case.at(RES, "a", metric=metric), 0.6 - value)
        return case, [f"{RES} last: {shown(value, 0.06)}"]

    return scene


def over_the_ladder(sign, threshold=0.0, statistic="gram", **changed):
    """AUC of an arm minus AUC without, two taps of a ladder and one beside it; a third has no arm."""

    def scene(decision):
        case = Case().network(RES, "a", "b", "c", "beside", ladder=["a", "b", "c"])
        value = threshold + sign * 0.1 * STEP[decision]
        for where, more in (("a", 0.04), ("b", -0.04), ("beside", 0.5)):
            base = case.at(RES, where, statistic=statistic)
            case.measure(base, 0.6)
            case.measure(case.at(RES, where, statistic=statistic, **changed), 0.6 + value + more, spread=0.06)
        case.measure(case.at(RES, "c", statistic=statistic), 0.9)
        return case, [f"{RES} (2 taps): {shown(value, 0.06)}"]

    return scene


def gain_against_share(decision):
    case = Case().network(RES, *"abcde").network(VGG, "a")
    shares = [0.3, 0.1, 0.5, 0.2, 0.4]
    damped = [case.at(RES, one, metric="signed-sqrt-cosine") for one in "abcde"]
    for one, share in zip("abcde", shares, strict=True):
        case.measure(case.at(RES, one), 0.0).diagnose(RES, one, "top5_share", share)
    case.diagnose(VGG, "a", "top5_share", 0.9)  # neither metric was measured there
    return case, [f"rho over 5 taps: {rho(case, damped, shares, decision)}"]


def auc_at_last(decision):
    case = Case().network(RES, "a", "last")
    value = 0.8 + 0.1 * STEP[decision]
    case.measure(case.at(RES, "last"), value, spread=0.06)
    case.measure(case.at(RES, "a"), 0.8 - 0.1 * STEP[decision])
    return case, [f"{RES} last: {shown(value, 0.06)}"]


def early_width(decision, ahead=None, still=None):
    """VGG at full width and at 16 channels, minus a block of 16 channels of its resolution."""
    ahead = 1 if ahead is None else ahead
    still = -STEP[decision] if still is None else still
    case = Case().network(
        VGG,
        tap("relu1_2", kind="relu", channels=64, reduction=1),
        tap("relu2_2", kind="relu", channels=128, reduction=2),
        tap("relu3_3", kind="relu", channels=256, reduction=4),
    )
    case.network(
        MOBILE,
        tap("stem", kind="stem", channels=16, reduction=2),
        tap("block1", channels=16, reduction=2),
        tap("block2", channels=24, reduction=4),
    )
    case.measure(case.at(MOBILE, "block1"), 0.5).measure(case.at(MOBILE, "stem"), 0.9)
    wide, narrow = 0.5 + 0.2 * ahead, 0.5 + 0.2 * still
    case.measure(case.at(VGG, "relu2_2"), wide, spread=0.1)
    case.measure(case.at(VGG, "relu2_2", channels="projected:16"), narrow, spread=0.1)
    return case, [
        f"{VGG} relu2_2 minus {MOBILE} block1: {shown(wide - 0.5, 0.1)}; "
        f"at 16 channels each: {shown(narrow - 0.5, 0.1)}"
    ]


INSIDE = (
    tap("stem", kind="stem", channels=32, reduction=2, positions=400),
    tap("block1", channels=16, reduction=2, positions=400),
    tap("block2_expand", kind="expand", channels=96, reduction=2, positions=400),
    tap("block2", channels=24, reduction=4, positions=100),
    tap("block3", channels=24, reduction=4, positions=100),
    tap("block4_expand", kind="expand", channels=144, reduction=4, positions=100),
    tap("block4", channels=32, reduction=8, positions=25),
    tap("block6", channels=32, reduction=8, positions=25),
    tap("block7_expand", kind="expand", channels=192, reduction=8, positions=24),
    tap("head", kind="head", channels=1280, reduction=32, positions=4),
)


def inside_blocks(pairs):
    """Mean over two pairs of taps of one network, first minus second."""

    def scene(decision):
        case, value = Case().network(MOBILE, *INSIDE), 0.1 * STEP[decision]
        given = {one["tap"]: 0.9 - 0.1 * place for place, one in enumerate(INSIDE)}
        for (first, second), more in zip(pairs, (0.03, -0.03), strict=True):
            given[second] = 0.5
            given[first] = 0.5 + value + more
        for name, auc in given.items():
            case.measure(
                case.at(MOBILE, name), auc, spread=0.06 if name in [one for one, _ in pairs] else 0.0
            )
        said = ", ".join(f"{one} against {other}" for one, other in pairs)
        return case, [f"{MOBILE} ({said}): {shown(value, 0.06)}"]

    return scene


def learned_ahead(decision):
    case, value = Case().network(RES, "a", "b"), 0.1 * STEP[decision]
    for where, more in (("a", 0.04), ("b", -0.04)):
        case.measure(case.at(RES, where), 0.6 + value + more, spread=0.06)
    for seed, aucs in enumerate(((0.5, 0.6), (0.7, 0.6))):
        copy = f"resnet18@random:{seed}"
        case.network(copy, "a", "b")
        for where, auc in zip("ab", aucs, strict=True):
            case.measure(case.at(copy, where), auc)
    case.network("vgg16@random:0", "a").measure(case.at("vgg16@random:0", "a"), 0.1)
    return case, [f"{RES} minus 2 random copies: {shown(value, 0.06)}"]


def random_contrast(decision):
    case, value = Case().network(RES, "a", "last"), 0.1 - 0.05 * STEP[decision]
    for seed, more in enumerate((0.01, -0.01)):
        copy = f"resnet18@random:{seed}"
        case.network(copy, "a", "last")
        case.measure(case.at(copy, "last"), value + more, "contrast", spread=0.02)
        case.measure(case.at(copy, "a"), 1.0, "contrast")
    return case, [f"{RES} last, 2 random copies: {shown(value, 0.02)}"]


def correlated_ahead(decision):
    case = Case().network(RES, "a", "b", "c").network(VGG, "a", "b", "c", ladder=["c"])
    places = [(network, one) for network in (RES, VGG) for one in "abc"]
    values = [0.3, 0.1, 0.6, 0.2, 0.4, 0.5]
    for (network, one), value in zip(places, values, strict=True):
        case.diagnose(network, one, "excess_correlation", value)
    conditions = [case.at(*place) for place in places]
    return case, [f"rho over 6 taps: {rho(case, conditions, values, decision)}"]


def against_colours(decision):
    case, value = Case().network(RES, "a", "b"), 0.2 * STEP[decision]
    case.halves(case.at(RES, "a"), 0.8, 0.1).halves(case.at(RES, "b"), 0.9, 0.6 + value, spread=0.1)
    case.halves(COLOURS, 0.1, 0.6)
    return case, [f"{RES} b minus colours: {shown(value, 0.1)}"]


SCENES = {
    ("H0", 0): premise_contrast,
    ("H0", 1): compared(VGG, RES),
    ("H1", 0): collapse,
    ("H1", 1): fewer_positions,
    ("H1", 2): predicted_contrast,
    ("H2", 0): metric_at_last("signed-sqrt-cosine"),
    ("H2", 1): metric_at_last("relative-frobenius"),
    ("H2", 2): over_the_ladder(1, channels="drop-top:5"),
    ("H2", 3): gain_against_share,
    ("H3", 0): auc_at_last,
    ("H4", 0): early_width,
    ("H5", 0): inside_blocks([("block2_expand", "block1"), ("block4_expand", "block3")]),
    ("H5", 1): apart(B0, LITE),
    ("H6", 0): inside_blocks([("block2", "block3"), ("block4", "block6")]),
    ("H7", 0): apart(VGG, BN),
    ("H9", 0): apart(MOBILE, OTHER_MOBILE),
    ("H10", 0): learned_ahead,
    ("H10", 1): random_contrast,
    ("H11", 0): over_the_ladder(-1, -0.02, features="shuffled-independently"),
    ("H11", 1): over_the_ladder(-1, -0.02, statistic="covariance", features="shuffled-independently"),
    ("H11", 2): over_the_ladder(-1, -0.02, channels="eigenbasis"),
    ("H11", 3): correlated_ahead,
    ("H12", 0): against_colours,
}
"""Every prediction that data can decide -> decision -> (case, figures that must be said)."""


def test_every_prediction_has_its_scene():
    assert set(SCENES) == set(PREDICTIONS) - {("H8", 0)}


@pytest.mark.parametrize("decision", ["supported", "undecided", "refuted"])
@pytest.mark.parametrize("place", SCENES, ids=lambda place: f"{place[0]}.{place[1]}")
def test_a_prediction_is_decided_by_its_figure_which_is_said(place, decision):
    case, figures = SCENES[place](decision)
    words, found = PREDICTIONS[place].test(case.evidence())
    for figure in figures:
        assert figure in words
    assert found == decision


@pytest.mark.parametrize("place", SCENES, ids=lambda place: f"{place[0]}.{place[1]}")
def test_a_prediction_without_its_networks_or_numbers_is_not_measured(place):
    case, _ = SCENES[place]("supported")
    numberless, nameless = Case(), Case()
    numberless.taps, numberless.ladder = case.taps, case.ladder
    for one in (numberless, nameless):
        words, decision = PREDICTIONS[place].test(one.evidence())
        assert decision == "not measured"
        assert words
        assert "nan" not in words


@pytest.mark.parametrize("place", SCENES, ids=lambda place: f"{place[0]}.{place[1]}")
def test_the_same_evidence_gives_the_same_verdict_in_whatever_order_it_came(place):
    case, _ = SCENES[place]("refuted")
    first = judge(case.evidence())
    case.estimates.reverse()
    case.draws = dict(reversed(case.draws.items()))
    case.diagnostics.reverse()
    case.noise.reverse()
    assert judge(case.evidence()) == first == judge(case.evidence())


def test_shape_bias_cannot_be_decided():
    for place in SCENES:
        case, _ = SCENES[place]("supported")
        words, decision = PREDICTIONS["H8", 0].test(case.evidence())
        assert decision == "not measured"
        assert "Geirhos" in words


def test_every_hypothesis_is_there_in_words_that_say_how_it_falls():
    assert [one.name for one in HYPOTHESES] == [f"H{number}" for number in range(13)]
    claims = [one.claim for one in HYPOTHESES]
    texts = [part.text for one in HYPOTHESES for part in one.predictions]
    for group in (claims, texts):
        assert len(set(group)) == len(group)
        assert all(len(one) > 20 and one.endswith(".") for one in group)
    for one in HYPOTHESES:
        assert any(part.decisive for part in one.predictions)
        for part in one.predictions:
            assert "support" in part.rule
            assert "refute" in part.rule


def test_a_verdict_repeats_what_was_registered():
    case, _ = SCENES["H10", 0]("supported")
    verdicts = judge(case.evidence())
    assert [one.name for one in verdicts] == [one.name for one in HYPOTHESES]
    for verdict, registered in zip(verdicts, HYPOTHESES, strict=True):
        assert verdict.hypothesis == registered.claim
        said = [(part.prediction, part.rule) for part in verdict.parts]
        assert said == [(part.text, part.rule) for part in registered.predictions]
        for part, one in zip(verdict.parts, registered.predictions, strict=True):
            assert (part.finding, part.decision) == one.test(case.evidence())
    decisions = {one.name: one.decision for one in verdicts}
    assert decisions["H10"] == "supported"
    assert {decisions[one] for one in ("H0", "H1", "H2", "H4", "H7", "H8", "H12")} == {"not measured"}


def test_a_hypothesis_falls_with_its_decisive_prediction_alone():
    """The answer of H11: shuffling is decisive, the eigenbasis is not."""
    for decisive, other, decision in (
        ("refuted", "supported", "refuted"),
        ("supported", "refuted", "undecided"),
        ("supported", "supported", "supported"),
        ("undecided", "supported", "undecided"),
    ):
        case, _ = SCENES["H11", 0](decisive)
        more, _ = SCENES["H11", 2](other)
        case.estimates += more.estimates
        case.draws |= more.draws
        (verdict,) = [one for one in judge(case.evidence()) if one.name == "H11"]
        assert [part.decision for part in verdict.parts[::2]] == [decisive, other]
        assert verdict.decision == decision


ABSENT = "not measured"


@pytest.mark.parametrize(
    ("decisive", "others", "decision"),
    [
        (["supported"], [], "supported"),
        (["refuted"], [], "refuted"),
        (["undecided"], [], "undecided"),
        ([ABSENT], [], ABSENT),
        ([ABSENT, ABSENT], ["supported"], ABSENT),
        ([ABSENT], ["refuted"], ABSENT),
        (["supported", ABSENT], [ABSENT], "supported"),
        (["supported", "supported"], ["supported"], "supported"),
        (["supported", "undecided"], [], "undecided"),
        (["supported", "refuted"], [], "refuted"),
        (["undecided", "refuted"], ["supported"], "refuted"),
        (["supported"], ["refuted"], "undecided"),
        (["supported"], ["undecided"], "undecided"),
        (["undecided"], ["supported"], "undecided"),
        ([ABSENT, "refuted"], ["supported"], "refuted"),
    ],
)
def test_the_truth_table_of_a_hypothesis(decisive, others, decision):
    assert overall(decisive, [*decisive, *others]) == decision
    assert overall(decisive[::-1], [*others, *decisive]) == decision


def test_networks_that_disagree_leave_a_prediction_open():
    case = Case().network(RES, "last").network(VGG, "last")
    case.measure(case.at(RES, "last"), 0.9).measure(case.at(VGG, "last"), 0.7)
    words, decision = PREDICTIONS["H3", 0].test(case.evidence())
    assert decision == "undecided"
    assert words == (
        f"{RES} last: 0.900 [0.900, 0.900], supported; {VGG} last: 0.700 [0.700, 0.700], refuted"
    )
    assert together(["supported", "supported"]) == "supported"
    assert together(["undecided", "supported"]) == "undecided"
    assert together([]) == ABSENT
    assert each([("a", None), ("b", Interval(1, 1, 1))], above(0))[1] == "supported"
    assert each([("a", None)], above(0))[1] == ABSENT


def test_random_networks_and_pixels_are_asked_nothing_of_learned_ones():
    case = Case().network("resnet18@random:0", "last")
    case.measure(case.at("resnet18@random:0", "last"), 0.9).measure(
        case.at("resnet18@random:0", "last"), 0.01, "contrast"
    )
    case.halves(COLOURS, 0.9, 0.9)
    assert {one.decision for one in judge(case.evidence())} == {ABSENT}


@pytest.mark.parametrize(
    ("interval", "is_above", "is_below", "is_different"),
    [
        ((0.10, 0.20), "supported", "refuted", "supported"),
        ((-0.20, -0.10), "refuted", "supported", "supported"),
        ((-0.10, 0.10), "undecided", "undecided", "undecided"),
        ((0.00, 0.02), "undecided", "undecided", "refuted"),
        ((-0.04, 0.04), "undecided", "undecided", "refuted"),
        ((-0.05, 0.04), "undecided", "undecided", "undecided"),
        ((-0.04, 0.05), "undecided", "undecided", "undecided"),
        ((0.01, 0.02), "supported", "refuted", "supported"),
        ((math.nan, math.nan), "undecided", "undecided", "undecided"),
        ((-math.inf, math.inf), "undecided", "undecided", "undecided"),
    ],
)
def test_intervals_decide_by_where_they_lie(interval, is_above, is_below, is_different):
    found = Interval(sum(interval) / 2, *interval)
    assert (above(0)(found), below(0)(found), different(found)) == (is_above, is_below, is_different)


@pytest.mark.parametrize(("ahead", "still"), list(product((1, 0, -1), repeat=2)))
def test_width_explains_an_advantage_that_goes_with_it(ahead, still):
    case, figures = early_width("supported", ahead, still)
    words, decision = PREDICTIONS["H4", 0].test(case.evidence())
    assert figures[0] in words
    table = {(1, 1): "refuted", (1, -1): "supported"} | {(-1, one): "refuted" for one in (1, 0, -1)}
    assert decision == table.get((ahead, still), "undecided")


def test_a_share_of_a_contrast_that_may_be_none_decides_nothing():
    """A part of 0.1 of a whole of -0.01 is no contrast below half."""
    for whole, spread in ((-0.01, 0.0), (0.05, 0.2), (0.0, 0.0)):
        case = Case().network(RES, tap("deep", positions=784))
        case.measure(case.at(RES, "deep", features="subsample:49"), 0.1, "contrast")
        case.measure(case.at(RES, "deep"), whole, "contrast", spread=spread)
        words, decision = PREDICTIONS["H1", 1].test(case.evidence())
        assert decision == "undecided"
        assert "[-inf, inf]" in words


def test_a_share_is_taken_resample_by_resample():
    case = Case().network(RES, tap("deep", positions=784))
    case.measure(case.at(RES, "deep", features="subsample:49"), 0.4, "contrast", spread=0.2)
    case.measure(case.at(RES, "deep"), 1.0, "contrast", spread=0.5)
    words, decision = PREDICTIONS["H1", 1].test(case.evidence())
    assert words == f"{RES} deep: 0.400 [0.400, 0.400], supported"  # both rise alike: 0.4 in every draw
    assert decision == "supported"
    draws = case.draws[case.at(RES, "deep"), "style", "contrast", "all"]
    draws[0] = math.inf
    draws[1] = 0.0
    assert PREDICTIONS["H1", 1].test(case.evidence()) == (words, decision)


def test_a_correlation_weaker_than_half_is_no_collapse():
    case = Case().network(RES, *"abcde")
    contrasts = [0.2, 0.4, 0.5, 0.1, 0.3]
    noise = [5.0, 4.0, 1.0, 2.0, 3.0]
    for one, contrast, ratio in zip("abcde", contrasts, noise, strict=True):
        case.point(case.at(RES, one), ratio, contrast, 0.5).measure(case.at(RES, one), contrast, "contrast")
    value = spearmanr(contrasts, noise).statistic
    assert -0.5 < value < 0
    words, decision = PREDICTIONS["H1", 0].test(case.evidence())
    assert f"{value:.3f}" in words
    assert decision == "refuted"


def test_copies_that_end_before_a_network_are_compared_as_far_as_they_go():
    """Two sets of weights of one backbone, whose copies are read no deeper than the first."""
    case = Case().network(RES, "a", "b").network("resnet18@random:0", "a")
    case.measure(case.at(RES, "a"), 0.9).measure(case.at(RES, "b"), 0.1)
    case.measure(case.at("resnet18@random:0", "a"), 0.6)
    words, decision = PREDICTIONS["H10", 0].test(case.evidence())
    assert "0.300 [0.300, 0.300]" in words
    assert decision == "supported"


def test_recipes_are_compared_with_the_first_of_their_backbone():
    names = [MOBILE, OTHER_MOBILE, "mobilenet_v2@IMAGENET1K_V2"]
    case = Case()
    for name, held_out in zip(names, (0.9, 0.6, 0.7), strict=True):
        case.network(name, "a").halves(case.at(name, "a"), 0.8, held_out)
    case.network(RES, "a").halves(case.at(RES, "a"), 0.8, 0.1)
    words, decision = PREDICTIONS["H9", 0].test(case.evidence())
    assert words == (
        f"{names[0]} a minus {names[1]} a: 0.300 [0.300, 0.300], supported; "
        f"{names[0]} a minus {names[2]} a: 0.200 [0.200, 0.200], supported"
    )
    assert decision == "supported"


def test_vgg16_stands_against_networks_of_other_kinds_only():
    case = Case()
    for name, held_out in ((BN, 0.1), (VGG, 0.9), (RES, 0.6), (MOBILE, 0.7)):
        case.network(name, "a").halves(case.at(name, "a"), 0.8, held_out)
    words, decision = PREDICTIONS["H0", 1].test(case.evidence())
    assert words.count("minus") == 2
    assert BN not in words
    assert decision == "supported"
