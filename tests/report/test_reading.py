"""The sentences say what the numbers say, whatever they are."""

from __future__ import annotations

import math

import pytest

from gramstyle.report import formats, reading
from gramstyle.report.reading import phrase

SEPARATE, NEAR, TELLS, PATTERN, TRUST = (
    "How well does each architecture separate?",
    "Is contrast anywhere near 5 %?",
    "Does contrast tell how well they separate?",
    "Is this the pattern of the question?",
    "How far can these numbers be trusted?",
)


def answers(*comparisons):
    return {one.question: one.answer.replace("\u00a0", " ") for one in reading(comparisons)}


def test_low_contrast_with_high_auc(compared):
    said = answers(
        compared("vgg16", (0.95, 1.0)),
        compared("efficientnet_b0", (0.97, 0.05)),
        compared("mobilenet_v2", (0.93, 0.04)),
    )
    assert said[SEPARATE].startswith(
        "Under frobenius, over the taps together: "
        "efficientnet_b0 separates very well (AUC 0.970, contrast 5.0 %); "
        "vgg16 separates very well (AUC 0.950, contrast 100 %); mobilenet_v2 separates very well"
    )
    assert "970 times in 1000" in said[SEPARATE]
    assert said[NEAR].startswith("Yes: it lies between -10 % and 10 % in 6 of 10 combinations of")
    assert said[NEAR].endswith(
        "The AUC there runs from 0.930 to 0.970: so little contrast goes with good separation here."
    )
    assert said[TELLS].startswith("No.")
    assert "vgg16" in said[TELLS]
    assert "efficientnet_b0" in said[TELLS]
    assert "The pattern of the question appears with these images" in said[PATTERN]
    assert "Even so, the AUC of efficientnet_b0 and mobilenet_v2 is 0.8 or more." in said[PATTERN]


def test_all_near_chance(compared):
    said = answers(
        compared("vgg16", (0.51, 0.01)),
        compared("efficientnet_b0", (0.5, 0.002)),
        compared("mobilenet_v2", (0.49, 0.0)),
    )
    assert said[SEPARATE].count("does not separate, it is at chance") == 3
    assert "in 10 of 10 combinations" in said[NEAR]
    assert "and 4 more" in said[NEAR]
    assert said[NEAR].endswith("where contrast is that low, distances do not tell the pairs apart.")
    assert "for vgg16 too" in said[PATTERN]
    assert "does not appear" in said[PATTERN]
    assert "larger contrast never goes with a smaller AUC" in said[TELLS]
    assert "separates well" not in " ".join(said.values())


@pytest.mark.parametrize(
    ("least", "end"),
    [
        (0.6, "The AUC there runs from 0.600 to 0.950."),
        (0.5, "to 0.950: the same low contrast goes with good separation and with none."),
        (0.95, "The AUC there is 0.950: so little contrast goes with good separation here."),
    ],
)
def test_low_contrast_with_any_auc(compared, least, end):
    said = answers(compared("vgg16", (0.95, 0.05)), compared("mobilenet_v2", (least, 0.05)))
    assert said[NEAR].endswith(end)


def test_all_separate(compared):
    said = answers(compared("vgg16", (0.85, 0.5)), compared("mobilenet_v2", (0.9, 0.6)))
    assert "mobilenet_v2 separates very well" in said[SEPARATE]
    assert "vgg16 separates well" in said[SEPARATE]
    assert said[NEAR].startswith("No: in none of 7 combinations")
    assert "50 % (vgg16, relu1_1 under frobenius)" in said[NEAR]
    assert "The collapse to about 5 % does not appear" in said[PATTERN]
    assert "single taps" not in said[PATTERN]


def test_collapse_in_part_and_at_one_tap(compared):
    said = answers(
        compared("vgg16", (0.6, 0.9)),
        compared("efficientnet_b0", (0.5, 0.03)),
        compared("mobilenet_v2", (0.9, 0.6), ((0.9, 0.6), (0.6, 0.02))),
    )
    assert "The pattern of the question appears in part, for efficientnet_b0, with" in said[PATTERN]
    assert "But the AUC of vgg16 is below 0.7 all the same." in said[PATTERN]
    assert "Even so" not in said[PATTERN]
    assert said[PATTERN].endswith("and mobilenet_v2, block3 (2.0 %).")


def test_wrong_way_round(compared):
    said = answers(compared("vgg16", (0.2, -0.4)))
    assert "puts pairs the wrong way round (AUC 0.200, contrast -40 %)" in said[SEPARATE]
    assert said[NEAR].startswith("No: in none of 4 combinations")
    assert "In 4 of 4 combinations of architecture, metric and tap it is -10 % or less" in said[NEAR]
    assert PATTERN not in said
    assert TELLS not in said


def test_infinite_contrast_is_no_obstacle(compared):
    said = answers(compared("vgg16", (1.0, math.inf)), compared("mobilenet_v2", (0.5, 0.0)))
    assert "vgg16 separates every pair (AUC 1.000, contrast infinite)" in said[SEPARATE]
    assert "every time" in said[SEPARATE]


def test_another_metric_is_not_called_the_questions(compared):
    both = [compared(name, metrics=("cosine",)) for name in ("vgg16", "mobilenet_v2")]
    assert "not the question's own metric" in answers(*both)[PATTERN]
    both = [compared(name, metrics=("cosine", "frobenius")) for name in ("vgg16", "mobilenet_v2")]
    assert answers(*both)[PATTERN].startswith("Under frobenius, the L2 distance of the question")


def test_sample_and_limits_are_told(compared):
    said = answers(compared("resnet18"))[TRUST]
    for expected in ("4 source images", "4 crops of each", "24 pairs of crops of one image", "96 pairs"):
        assert expected in said
    for expected in (
        "far from independent",
        "no intervals",
        "the sample is 4 images, not 120 pairs",
        "colour",
    ):
        assert expected in said
    assert "settings differ" not in said


def test_settings_that_differ_are_told(compared):
    pair = compared("vgg16", resize="long:512"), compared("resnet18", resize="short:64")
    said = answers(*pair)[TRUST]
    assert "these settings differ between the comparisons: resize (long:512 against short:64)" in said
    for shares in ((0.0, 0.5), (0.5, 0.0)):  # recipes say it only where it is not 0
        said = answers(*(compared("vgg16", sparsity=one) for one in shares))[TRUST]
        assert f"between the comparisons: sparsity ({shares[0]} against {shares[1]})" in said


def test_words_are_decided_on_the_number_shown():
    assert [phrase(auc) for auc in (0.8996, 0.9, 0.8994)] == [phrase(0.9), phrase(0.9), phrase(0.85)]
    assert phrase(0.99999) == "separates very well"
    assert phrase(1.0) == "separates every pair"
    assert phrase(0.0) == "puts pairs the wrong way round"


@pytest.mark.parametrize(
    ("value", "written"),
    [(1.0, "1.000"), (0.99999, ">0.999"), (0.9994, "0.999"), (0.00001, "<0.001"), (0.0, "0.000")],
)
def test_an_auc_short_of_perfect_is_not_written_as_perfect(value, written):
    assert formats.auc(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.04999, "5.0 %"),
        (0.0994, "9.9 %"),
        (0.0996, "10 %"),
        (-0.00001, "0.0 %"),
        (1.0, "100 %"),
        (math.inf, "infinite"),
    ],
)
def test_percent(value, written):
    assert formats.percent(value).replace("\u00a0", " ") == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.0, "0.00"), (0.12345, "0.123"), (123.4, "123"), (12345.0, "1.23e+04")]
)
def test_distance(value, written):
    assert formats.distance(value) == written
