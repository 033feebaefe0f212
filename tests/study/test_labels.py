"""Labels as codes, and what they refuse."""

from __future__ import annotations

import re

import numpy as np
import pytest

from gramstyle.errors import StyleError
from gramstyle.study.labels import Labels, coded, is_crossed


def test_codes_are_places_in_the_sorted_names():
    found = coded(["b", "a", "c", "a"])
    assert found.names == ("a", "b", "c")
    assert found.codes.tolist() == [1, 0, 2, 0]
    assert len(found) == 3


def test_sources_are_numbered_within_styles_one_style_after_another():
    labels = Labels(styles=list("baba"), sources=list("xxyx"))
    assert labels.source.names == ("a/x", "b/x", "b/y")
    assert labels.source.codes.tolist() == [1, 0, 2, 0]
    assert labels.style_of_source.tolist() == [0, 1, 1]
    assert not labels.one_source_each


def test_an_image_without_a_source_is_its_own():
    labels = Labels(styles=list("aabb"))
    assert len(labels.source) == 4
    assert not labels.one_source_each
    assert Labels(styles=list("ab")).one_source_each
    assert Labels(styles=list("aabb"), sources=list("xxyy")).one_source_each


def test_factors_that_are_not_known_are_none():
    labels = Labels(styles=list("ab"), palettes=("r", "g"))
    assert labels.factor("content") is None
    palette = labels.factor("palette")
    assert palette is not None
    assert palette.names == ("g", "r")


def test_subset_keeps_order_and_absence():
    labels = Labels(styles=list("abc"), contents=np.array(["x", "y", "z"]))
    part = labels.subset(np.array([2, 0]))
    assert part == Labels(styles=("c", "a"), contents=("z", "x"))
    assert part.sources is None


@pytest.mark.parametrize(
    ("error", "message", "arguments"),
    [
        (StyleError, "labels need at least one image, got none", {"styles": []}),
        (
            StyleError,
            "contents must be as many as styles, 2; got 1",
            {"styles": ["a", "b"], "contents": ["x"]},
        ),
        (TypeError, "styles must be a sequence of strings, one per image, got str", {"styles": "ab"}),
        (TypeError, "styles must be a sequence of strings, one per image, got NoneType", {"styles": None}),
        (
            TypeError,
            "sources must be strings, got int for image 1: 7; convert numbers with str()",
            {"styles": ["a", "b"], "sources": ["x", 7]},
        ),
    ],
)
def test_what_is_refused(error, message, arguments):
    with pytest.raises(error, match=re.escape(message)):
        Labels(**arguments)


@pytest.mark.parametrize(
    ("styles", "contents", "sources", "crossed"),
    [
        ("aabb", "xyxy", None, True),
        ("aabb", "xyxx", None, False),
        ("aaabbb", "xyyxyx", None, True),
        ("aabb", None, None, False),
        ("aaabbb", "xyyxyy", "112112", False),  # source 1 of each style holds two contents
        ("aaabbb", "xyyxyy", "122122", True),
        ("aabb", "xyxy", "1122", False),  # crops: each source holds both contents
    ],
)
def test_contents_are_crossed_with_styles_where_labels_can_be_permuted_within_each(
    styles, contents, sources, crossed
):
    labels = Labels(
        styles=list(styles), contents=contents and list(contents), sources=sources and list(sources)
    )
    assert is_crossed(labels) is crossed
