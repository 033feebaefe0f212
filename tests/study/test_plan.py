"""Which conditions a study measures, counted by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import pytest
import torch
from study.textures import TINY, textures

from gramstyle.study import Readout, StudySettings, Sweep
from gramstyle.study.networks import Network
from gramstyle.study.plan import conditions, taps_of, whose
from gramstyle.study.results import PIXELS
from gramstyle.study.survey import survey
from gramstyle.types import TapSpec

GRAM = Readout(statistic="gram", metric="frobenius")
MEAN = Readout(statistic="mean", metric="frobenius")


def tap(name, channels, reduction):
    return TapSpec(name=name, module="", channels=channels, reduction=reduction, kind="block")


@dataclass(frozen=True)
class Known:
    """What a plan asks of a network: three depth taps, of which two are the ladder."""

    backbone: str = "net"
    weights: str = "GOOD"
    learned: bool = True
    depth: tuple[TapSpec, ...] = (tap("a", 8, 1), tap("b", 16, 2), tap("c", 64, 4))
    ladder: tuple[TapSpec, ...] = (tap("a", 8, 1), tap("c", 64, 4))


LEARNED = Known()
DRAWN = replace(LEARNED, weights="random:0", learned=False)
RGB = Known(backbone=PIXELS, weights="", learned=False, depth=(tap("rgb", 3, 1),), ladder=(tap("rgb", 3, 1),))


def of_square_images(side):
    """Fewest positions, where every image is a square of `side` or what ``size:N`` makes of it."""

    def smallest(policy, reduction):
        kind, _, given = policy.partition(":")
        return ((int(given) if kind == "short" else side) // reduction) ** 2

    return smallest


def plan(*sweeps, networks=(LEARNED,), side=32):
    settings = StudySettings(
        backbones=("vgg16",),
        resize="none",
        sweeps=(Sweep(where="last", readouts=(GRAM,)), *sweeps),
    )
    found = conditions(settings, networks, of_square_images(side))
    assert len(set(found)) == len(found)
    return found


def test_every_combination_once():
    found = plan(
        Sweep(
            where="ladder",
            inputs=("as-is", "grayscale"),
            features=("as-is", "shuffled-jointly"),
            channels=("as-is", "rotated"),
            readouts=(GRAM, MEAN),
        )
    )
    # 2 taps x 2 inputs x 2 features x 2 channels x 2 readouts; the last tap as it is is among them
    assert len(found) == 32
    assert Counter(one.tap for one in found) == {"a": 16, "c": 16}
    for field in ("input", "features", "channels", "statistic"):
        assert set(Counter(getattr(one, field) for one in found).values()) == {16}
    assert found[0].tap == "c"  # of the first sweep
    assert [one.tap for one in found[1:9]] == ["a"] * 8
    assert {(one.backbone, one.weights) for one in found} == {("net", "GOOD")}


def test_arms_that_need_more_positions_than_a_tap_has_are_left_out():
    found = plan(
        Sweep(where="depth", inputs=("as-is", "size:16"), features=("subsample:49",), readouts=(GRAM,)),
        Sweep(where="ladder", inputs=("size:4",), features=("shuffled-jointly",), readouts=(GRAM,)),
    )[1:]
    # as they are 1024, 256 and 64 positions; at 16 pixels 256, 64 and 16: 49 of 16 cannot be drawn
    assert [(one.input, one.tap) for one in found if one.features == "subsample:49"] == [
        ("as-is", "a"), ("as-is", "b"), ("as-is", "c"), ("size:16", "a"), ("size:16", "b"),
    ]  # fmt: skip
    # at 4 pixels there is one position at c, and no other order of it
    assert [one.tap for one in found if one.features == "shuffled-jointly"] == ["a"]
    assert [one.tap for one in plan(Sweep(features=("subsample:64",), readouts=(GRAM,)))[1:]] == ["a"]
    assert len(plan(Sweep(features=("subsample:63",), readouts=(GRAM,)))[1:]) == 2


def test_arms_that_need_more_channels_than_a_tap_has_are_left_out():
    def taps(*channels):
        return [(one.channels, one.tap) for one in plan(Sweep(channels=channels, readouts=(GRAM,)))[1:]]

    assert taps("projected:16") == [("projected:16", "c")]
    assert taps("projected:7", "subset:8") == [
        ("projected:7", "a"),
        ("projected:7", "c"),
        ("subset:8", "c"),
    ]
    assert taps("drop-top:4", "drop-top:5") == [
        ("drop-top:4", "a"),
        ("drop-top:4", "c"),
        ("drop-top:5", "c"),
    ]


def test_readouts_are_taken_at_taps_of_at_most_so_many_channels():
    def taps(most, channels="as-is"):
        readout = Readout(statistic="mean", metric="frobenius", most=most)
        return [one.tap for one in plan(Sweep(channels=(channels,), readouts=(readout,)))[1:]]

    assert (taps(8), taps(63), taps(64)) == (["a"], ["a"], ["a", "c"])
    # after an arm, as many channels as it leaves
    assert (taps(15, "projected:16"), taps(16, "projected:16")) == ([], ["c"])
    assert (taps(59, "drop-top:4"), taps(60, "drop-top:4")) == (["a"], ["a", "c"])
    assert taps(10, "rotated") == ["a"]


def test_sweeps_are_of_learned_networks_copies_or_pixels():
    networks = (RGB, LEARNED, DRAWN)
    assert [whose(one) for one in networks] == ["pixels", "learned", "random"]
    found = plan(
        Sweep(whose=("random", "pixels"), where="last", readouts=(MEAN,)),
        Sweep(whose=("pixels",), where="depth", inputs=("grayscale",), readouts=(GRAM,)),
        networks=networks,
    )
    assert [(one.network, one.tap, one.input, one.statistic) for one in found] == [
        ("pixels", "rgb", "as-is", "mean"),
        ("pixels", "rgb", "grayscale", "gram"),
        ("net@GOOD", "c", "as-is", "gram"),
        ("net@random:0", "c", "as-is", "mean"),
    ]


def test_where_sweeps_read():
    deeper = replace(LEARNED, depth=(*LEARNED.depth, tap("head", 99, 4)))

    def names(where):
        return [tap.name for tap in taps_of(Sweep(where=where, readouts=(GRAM,)), deeper)]

    assert (names("depth"), names("ladder"), names("last")) == (["a", "b", "c", "head"], ["a", "c"], ["c"])


@pytest.mark.parametrize("name", ["vgg16", "resnet18", TINY])
def test_a_tap_has_the_positions_that_a_plan_counts_on(name):
    """A window over the edge is a position in some networks and none in others: count without."""
    network = Network(f"{name}@random", device="cpu")
    for sizes in ([(70, 99), (101, 64)], [(33, 200)]):
        looked = survey(textures(2, 1, sizes=sizes), "none")
        actual = [min(pair) for pair in zip(*(network.positions(*one) for one in looked.sizes), strict=True)]
        counted = [looked.smallest("none", tap.reduction) for tap in network.depth]
        assert all(one <= other for one, other in zip(counted, actual, strict=True))
        if name == "vgg16":  # which has no other positions
            assert counted == actual


def test_positions_are_those_of_features():
    network = Network(f"{TINY}@random", device="cpu")
    for height, width in ((48, 64), (50, 77)):
        found = network.features(torch.zeros(2, 3, height, width))
        assert network.positions(height, width) == tuple(one[0, 0].numel() for one in found.values())
        facts = network.facts(height, width)
        assert [one.positions for one in facts] == list(network.positions(height, width))
        assert [one.depth for one in facts] == [0, 0.25, 0.5, 0.75, 1]
    assert Network(PIXELS, device="cpu").positions(5, 7) == (35,)
