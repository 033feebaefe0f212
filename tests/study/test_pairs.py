"""Questions against their words, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gramstyle.errors import StyleError, UnknownNameError
from gramstyle.study.labels import Labels
from gramstyle.study.pairs import QUESTIONS, ask, questions

SOME = st.lists(
    st.tuples(*[st.sampled_from(names) for names in ("ab", "xyz", "rg", "123456")]), min_size=2, max_size=12
)


def by_hand(name, one, other, only_source):
    """near, far or neither, for two images (style, content, palette, source)."""
    style, content, palette = (one[part] == other[part] for part in range(3))
    kept_out = one[3] == other[3] and not only_source
    if name == "style":
        return ("neither" if kept_out else "near") if style else "far"
    if name == "hard":
        if style:
            return "near" if not content and not kept_out else "neither"
        return "far" if content else "neither"
    if style:
        return "neither"
    if name == "content":
        return "near" if content else "far"
    return "neither" if content else "near" if palette else "far"


@settings(max_examples=80, deadline=None)
@given(SOME)
def test_every_question_is_what_its_words_say(images):
    labels = Labels(
        styles=[one[0] for one in images],
        contents=[one[1] for one in images],
        palettes=[one[2] for one in images],
        sources=[one[3] for one in images],
    )
    only_source = len({(one[0], one[3]) for one in images}) == len({one[0] for one in images})
    found = questions(labels)
    for name in QUESTIONS:
        said = {
            (i, j): by_hand(name, images[i], images[j], only_source)
            for i in range(len(images))
            for j in range(i + 1, len(images))
        }
        said = {pair: answer for pair, answer in said.items() if answer != "neither"}
        assert (name in found) == ({"near", "far"} <= set(said.values()))
        if name in found:
            pairs = found[name]
            assert pairs.name == name
            rows = zip(pairs.first.tolist(), pairs.second.tolist(), pairs.far.tolist(), strict=True)
            assert {(i, j): "far" if far else "near" for i, j, far in rows} == said


def test_crops_of_one_source_are_near_only_where_styles_are_sources():
    styles = list("aabb")
    assert (~ask("style", Labels(styles=styles, sources=styles)).far).sum() == 2
    mixed = Labels(styles=list("aabbb"), sources=["1", "1", "2", "2", "3"])
    pairs = ask("style", mixed)
    near = list(zip(pairs.first[~pairs.far].tolist(), pairs.second[~pairs.far].tolist(), strict=True))
    assert near == [(2, 4), (3, 4)]


def test_one_photograph_in_two_styles_is_a_source_of_each():
    labels = Labels(styles=list("aabb"), sources=["p", "q", "p", "q"])
    assert labels.source.names == ("a/p", "a/q", "b/p", "b/q")
    assert (~ask("style", labels).far).sum() == 2


def test_questions_need_their_factors():
    styles = list("aabb")
    assert set(questions(Labels(styles=styles))) == {"style"}
    assert set(questions(Labels(styles=styles, contents=list("xyxy")))) == {"style", "hard", "content"}
    assert questions(Labels(styles=list("aaaa"))) == {}
    assert questions(Labels(styles=list("abcd"))) == {}


def test_a_question_that_cannot_be_asked_says_why():
    with pytest.raises(UnknownNameError, match=r"name must be one of: style, content, .*; got 'styles'"):
        ask("styles", Labels(styles=list("aabb")))
    with pytest.raises(
        StyleError,
        match=r"question hard needs near pairs \(same style, different content, .*no content given",
    ):
        ask("hard", Labels(styles=list("aabb")))
    with pytest.raises(StyleError, match="got no content and no palette given"):
        ask("palette", Labels(styles=list("aabb")))
    with pytest.raises(StyleError, match="got 1 styles and 3 sources over 3 images"):
        ask("style", Labels(styles=list("aaa")))


def test_split_takes_near_and_far_values():
    pairs = ask("style", Labels(styles=list("aab")))
    matrix = np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0]], dtype=float)
    near, far = pairs.split(matrix)
    assert near.tolist() == [1]
    assert far.tolist() == [2, 3]
