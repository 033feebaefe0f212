"""Halves of styles, and the choice made on one."""

from __future__ import annotations

import hashlib

import pytest

from gramstyle.errors import StyleError
from gramstyle.study.selection import select, split_styles

NAMES = [f"style {number}" for number in range(11)]


def test_halves_share_nothing_and_leave_nothing_out():
    development, held_out = split_styles(NAMES)
    assert (len(development), len(held_out)) == (5, 6)
    assert sorted(development + held_out) == sorted(NAMES)
    assert list(development) == sorted(development)


def test_halves_are_by_the_digest_of_seed_and_name():
    ordered = sorted(NAMES, key=lambda name: hashlib.sha256(f"7:{name}".encode()).hexdigest())
    assert split_styles(NAMES, seed=7) == (tuple(sorted(ordered[:5])), tuple(sorted(ordered[5:])))


def test_order_and_number_of_images_do_not_matter():
    assert split_styles(NAMES[::-1] + NAMES[:3]) == split_styles(NAMES)
    assert len({split_styles(NAMES, seed) for seed in range(10)}) > 5


def test_the_highest_score_and_the_first_of_equals():
    assert select({"a": 0.1, "b": 0.7, "c": 0.7}) == "b"


def test_what_is_refused():
    with pytest.raises(
        StyleError, match=r"at least four styles, two for each half; got 3: \['a', 'b', 'c'\]"
    ):
        split_styles(list("abcabc"))
    with pytest.raises(
        StyleError, match=r"scores must hold a number for each of at least one name, got \{\}"
    ):
        select({})
    with pytest.raises(StyleError, match="scores must hold a number"):
        select({"a": float("nan"), "b": 1.0})
