"""The record of a study, arranged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report.study_extremes import minimal, nothing
from report.study_results import COLOURS, realistic

from gramstyle.report.study.view import COLOUR, View, arms, described, is_plain
from gramstyle.study.results import PIXELS, Condition


@pytest.fixture(scope="module")
def results():
    return realistic(("vgg16", "mobilenet_v2"), 3, copies=2)


def test_networks_are_learned_or_copies_and_colours_neither(results):
    view = View(results)
    assert view.learned == ("vgg16@IMAGENET1K_V1", "mobilenet_v2@IMAGENET1K_V2")
    assert set(view.copies) == {
        f"{name}@random:{seed}" for name in ("vgg16", "mobilenet_v2") for seed in "01"
    }
    assert view.backbones == ("vgg16", "mobilenet_v2")
    assert view.label("vgg16@IMAGENET1K_V1") == "vgg16"
    assert view.label("vgg16@random:1") == "vgg16@random:1"
    assert view.label(PIXELS) == COLOUR


def test_two_weights_of_one_architecture_are_told_apart():
    view = View(realistic(("vgg16",), 2, more=(("vgg16", "CAFFE"),)))
    assert [view.label(one) for one in view.learned] == ["vgg16@IMAGENET1K_V1", "vgg16@CAFFE"]
    assert view.heads == view.learned
    assert view.head("vgg16@random:0") == "vgg16@IMAGENET1K_V1"


def test_an_architecture_without_learned_weights_has_a_head_of_its_own(results):
    kept = tuple(one for one in results.taps if one.weights != "IMAGENET1K_V2")
    view = View(replace(results, taps=kept))
    assert view.heads == ("vgg16@IMAGENET1K_V1", "mobilenet_v2@random:0")
    assert view.head("mobilenet_v2@random:1") == "mobilenet_v2@random:0"
    assert view.head("vgg16@random:1") == "vgg16@IMAGENET1K_V1"


def test_curves_hold_plain_estimates_of_style_shallow_to_deep(results):
    view = View(replace(results, taps=results.taps[::-1]))
    for network in (*view.learned, *view.copies):
        backbone, _, weights = network.partition("@")
        for metric in ("frobenius", "relative-frobenius"):
            expected = [
                one.value
                for one in results.estimates
                if (one.condition.backbone, one.condition.weights, one.condition.metric)
                == (backbone, weights, metric)
                and (one.question, one.name, one.split) == ("style", "auc", "all")
            ]
            found = view.curve(network, metric)
            assert [one.value for _, one in found] == expected
            assert [tap.depth for tap, _ in found] == [0.0, 0.5, 1.0]


def test_colours_are_those_that_networks_were_compared_with(results):
    view = View(results)
    assert view.baseline == COLOURS
    assert view.colour("frobenius") == view.estimate(COLOURS)
    same = Condition(backbone=PIXELS, weights="", tap="rgb", metric="frobenius")
    assert view.colour("frobenius", "contrast") == view.estimate(same, name="contrast")
    alone = View(replace(results, differences=()))
    assert alone.baseline is not None
    assert alone.baseline.backbone == PIXELS
    assert View(minimal()).baseline is None
    assert View(minimal()).colour("frobenius") is None


def test_things_are_parted_into_chosen_taps_and_others(results):
    view = View(results)
    (chosen, others) = view.parted((one.condition, one) for one in results.distributions)
    assert {(one.condition.network, one.condition.tap) for one in chosen.members} == {
        (one.network, one.tap) for one in results.choices
    }
    assert {one.condition.tap for one in others.members} == {"block3"}
    assert (chosen.folded, others.folded) == (False, True)
    unchosen = View(replace(results, choices=()))
    (alone,) = unchosen.parted((one.condition, one) for one in results.distributions)
    assert (alone.suffix, alone.words, alone.members) == ("", "", list(results.distributions))
    assert view.parted([]) == []


def test_metrics_and_split_are_those_that_were_estimated(results):
    assert View(results).metrics == ("frobenius", "relative-frobenius")
    assert View(results).split == "all"
    held = tuple(one for one in results.estimates if one.split == "held-out")
    assert View(replace(results, estimates=held)).split == "held-out"
    other = tuple(
        replace(one, condition=replace(one.condition, metric="cosine")) for one in results.estimates
    )
    assert View(replace(results, estimates=other)).metrics == ("cosine",)
    assert View(nothing()).metrics == ()


def test_conditions_in_words():
    plain = Condition(backbone="vgg16", weights="V1", tap="relu1_1")
    altered = replace(plain, input="grayscale", channels="rotated", statistic="mean")
    assert (arms(plain), arms(altered)) == ([], ["grayscale", "rotated"])
    assert (is_plain(plain), is_plain(altered), is_plain(replace(plain, statistic="mean"))) == (
        True,
        False,
        False,
    )
    assert described(altered) == "grayscale, rotated, mean, frobenius"


@pytest.mark.parametrize(
    ("settings", "said"), [({}, "95 %"), ({"level": 0.9}, "90 %"), ({"level": "much"}, "95 %")]
)
def test_level_of_the_intervals_is_that_of_the_settings(results, settings, said):
    made = replace(results.provenance, settings=settings)
    assert View(replace(results, provenance=made)).level == said
