"""The answer in short says what the numbers say."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from report.study_extremes import hostile, minimal, nothing
from report.study_results import realistic

from gramstyle.report.study.answer import EXPLANATIONS, answer
from gramstyle.report.study.view import View

PREMISE = "Do distances of similar and dissimilar images differ by only about 5 %?"
NETWORKS = "Which networks tell styles apart?"
DIFFER = "Which of them differ for sure?"
HELP = "Does another distance help?"
TRUST = "How far can these numbers be trusted?"


@pytest.fixture(scope="module")
def results():
    return realistic(("vgg16", "mobilenet_v2"), 3)


def answers(results):
    return {one.question: one for one in answer(View(results))}


def plain(text):
    return text.replace("\u00a0", " ")


def with_numbers(results, numbers):
    """The study with (contrast, AUC) at every tap: those of the first network, then of the second."""
    taps = [one for one in results.taps if one.weights.startswith("IMAGENET")]
    given = {(tap.backbone, tap.tap): pair for tap, pair in zip(taps, numbers, strict=True)}
    estimates = []
    for one in results.estimates:
        place = (one.condition.backbone, one.condition.tap)
        if one.condition.weights.startswith("IMAGENET") and one.question == "style":
            contrast, auc = given[place]
            value = {"contrast": contrast, "auc": auc}[one.name]
            estimates.append(replace(one, value=value, low=value, high=value))
        else:
            estimates.append(one)
    return replace(results, estimates=tuple(estimates))


def test_every_question_has_its_answer(results):
    assert list(answers(results)) == [PREMISE, NETWORKS, DIFFER, EXPLANATIONS, HELP, TRUST]


def test_premise_is_answered_at_the_deepest_taps_and_over_all(results):
    numbers = [(1.2, 0.9), (0.5, 0.95), (0.05, 0.83), (0.3, 0.7), (0.09, 0.81), (0.051, 0.912)]
    one = answers(with_numbers(results, numbers))[PREMISE]
    assert [plain(item) for item in one.items] == [
        "vgg16: contrast 5.0 %, AUC 0.830 at block3",
        "mobilenet_v2: contrast 5.1 %, AUC 0.912 at block3",
    ]
    assert plain(one.after) == (
        "Contrast lies between -10 % and 10 % at 3 of 6 taps of networks with learned weights. The AUC there "
        "runs from 0.810 to 0.912: so little contrast goes with good separation here."
    )


@pytest.mark.parametrize(
    ("aucs", "said"),
    [
        ((0.85, 0.9), "runs from 0.850 to 0.900: so little contrast goes with good separation here."),
        (
            (0.5, 0.54),
            "runs from 0.500 to 0.540: where contrast is that low, distances do not tell styles apart.",
        ),
        (
            (0.5, 0.9),
            "runs from 0.500 to 0.900: the same low contrast goes with good separation and with none.",
        ),
        ((0.6, 0.7), "runs from 0.600 to 0.700."),
        ((0.82, 0.82), "The AUC there is 0.820: so little contrast goes with good separation here."),
        ((0.7996, 0.9), "runs from 0.800 to 0.900: so little contrast goes with good separation here."),
        ((0.7994, 0.9), "runs from 0.799 to 0.900."),
    ],
)
def test_low_contrast_is_judged_by_the_auc_that_goes_with_it(results, aucs, said):
    numbers = [(0.05, aucs[0]), (0.02, aucs[1]), (0.5, 0.99), (0.5, 0.1), (0.5, 0.2), (0.5, 0.3)]
    after = plain(answers(with_numbers(results, numbers))[PREMISE].after)
    assert after.endswith(said)
    assert "at 2 of 6 taps" in after


def test_without_low_contrast_nothing_is_said_of_it(results):
    numbers = [(0.2, 0.9)] * 6
    assert plain(answers(with_numbers(results, numbers))[PREMISE].after) == (
        "Contrast lies between -10 % and 10 % at 0 of 6 taps of networks with learned weights."
    )


def test_the_head_of_a_network_is_not_its_deepest_tap(results):
    numbers = [(1.2, 0.9), (0.5, 0.95), (0.05, 0.83), (0.3, 0.7), (0.09, 0.81), (0.051, 0.912)]
    last = ("vgg16", "IMAGENET1K_V1", "block3")
    taps = tuple(
        replace(one, kind="head") if (one.backbone, one.weights, one.tap) == last else one
        for one in results.taps
    )
    one = answers(with_numbers(replace(results, taps=taps), numbers))[PREMISE]
    assert plain(one.items[0]) == "vgg16: contrast 50 %, AUC 0.950 at block2"
    assert "3 of 6" in plain(one.after)


def test_taps_without_numbers_are_not_counted(results):
    numbers = [(math.inf, 1.0), (0.05, math.nan), (0.04, 0.9), *[(0.2, 0.9)] * 3]
    one = answers(with_numbers(results, numbers))[PREMISE]
    assert "at 1 of 4 taps" in plain(one.after)


def test_networks_are_told_by_held_out_auc_best_first(results):
    low, high = results.choices
    choices = (replace(low, held_out=0.52, low=0.45, high=0.6), replace(high, held_out=0.91))
    one = answers(replace(results, choices=choices))[NETWORKS]
    assert one.items == (
        f"mobilenet_v2 separates very well: AUC 0.910 [{high.low:.3f}, {high.high:.3f}] at block2",
        "vgg16 does not separate, it is at chance: AUC 0.520 [0.450, 0.600] at block2",
    )
    (colour,) = [
        one
        for one in results.estimates
        if (one.condition.metric, one.question, one.split) == ("wasserstein", "style", "held-out")
    ]
    reached = f"{colour.value:.3f} [{colour.low:.3f}, {colour.high:.3f}]"
    assert one.after == f"The colours of the images alone reach {reached} on the same styles."


@pytest.mark.parametrize(
    ("adjusted", "said", "named"),
    [
        ((0.001, 0.2, 0.9), "Of 3 differences of AUC that were tested, 1 holds after Holm's", 1),
        ((0.001, 0.049, 0.9), "Of 3 differences of AUC that were tested, 2 hold after Holm's", 2),
        ((0.05, 0.2, 0.9), "Of 3 differences of AUC that were tested, none holds after Holm's", 0),
        ((math.nan, 0.2, 0.9), "Of 3 differences of AUC that were tested, none holds after Holm's", 0),
    ],
)
def test_differences_hold_by_their_adjusted_p(results, adjusted, said, named):
    differences = tuple(
        replace(one, p_adjusted=p) for one, p in zip(results.differences, adjusted, strict=True)
    )
    one = answers(replace(results, differences=differences))[DIFFER]
    assert plain(one.answer).startswith(said)
    assert len(one.items) == named
    if named:
        first = results.differences[0]
        assert one.items[0] == (
            f"vgg16 minus mobilenet_v2: {first.value:+.3f} [{first.low:+.3f}, {first.high:+.3f}]"
        )
        assert one.answer.endswith(":")
    else:
        assert one.answer.endswith(".")


def test_many_differences_are_named_in_part_and_untested_ones_not_counted(results):
    one = replace(results.differences[0], p_adjusted=0.001)
    other = replace(one, estimate="contrast")
    untested = replace(one, p_adjusted=None)
    found = answers(replace(results, differences=(*[one] * 9, other, untested)))[DIFFER]
    assert plain(found.answer).startswith("Of 9 differences of AUC that were tested, 9 hold")
    assert len(found.items) == 7
    assert found.items[-1] == "and 3 more, in the table below"
    assert DIFFER not in answers(replace(results, differences=(untested, other)))


def test_hypotheses_are_counted(results):
    assert answers(results)[EXPLANATIONS].answer == (
        "Of 4 hypotheses, with predictions registered before the data were seen: 1 supported, 1 refuted, 1 "
        "undecided and 1 not measured."
    )
    only = answers(replace(results, verdicts=results.verdicts[:1]))[EXPLANATIONS].answer
    assert only.startswith("Of one hypothesis,")
    assert only.endswith(": 1 supported.")


def test_remedies_are_counted_by_the_interval_of_their_gain(results):
    base = next(one for one in results.remedies if one.name == "L2")

    def other(name, gain):
        return replace(
            base, name=name, held_out=0.8 + gain, low=0.7, high=0.9, gain=gain, gain_low=gain - 0.03,
            gain_high=gain + 0.03,
        )  # fmt: skip

    base = replace(base, held_out=0.8)
    found = (other("a", 0.1), other("b", 0.05), other("c", 0.01), base, other("d", -0.2))
    items = answers(replace(results, remedies=found))[HELP].items
    assert tuple(map(plain, items)) == (
        "vgg16: of 4 others 2 higher and 1 lower; first is a, AUC 0.900 [0.700, 0.900], gain +0.100 "
        "[+0.070, +0.130]",
    )  # fmt: skip
    worse = (base, other("d", -0.2))
    items = answers(replace(results, remedies=worse))[HELP].items
    assert tuple(map(plain, items)) == (
        "vgg16: of 1 other 0 higher and 1 lower; first is the plain distance itself",
    )
    assert HELP not in answers(replace(results, remedies=(base,)))


def test_trust_says_what_the_sample_is(results):
    said = plain(answers(results)[TRUST].answer)
    assert "72 images of 6 styles and 72 sources" in said
    assert "Choices were made on 3 styles and judged on 3 others." in said
    assert "Intervals (95 %)" in said
    assert "2,000 times" in said
    assert "noticed" in said
    corpus = replace(results.corpus, notes=(), development=(), held_out=())
    said = plain(answers(replace(results, corpus=corpus))[TRUST].answer)
    assert "noticed" not in said
    assert "Choices" not in said


def test_little_and_odd_studies_are_answered_too():
    assert list(answers(minimal())) == [TRUST]
    assert list(answers(nothing())) == [TRUST]
    found = answers(hostile())
    assert {NETWORKS, EXPLANATIONS, HELP, TRUST} <= set(found)
    assert not any("nan" in item.split() for one in found.values() for item in one.items)
