"""Taps that a study reads, against lists that were written down by hand, and against loops."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gramstyle.extract import backbone, backbones
from gramstyle.study.depth import depth_taps, ladder_taps
from gramstyle.types import TapSpec
from gramstyle.weights import entry

NAMES = [spec.name for spec in backbones()]


def names(taps):
    return " ".join(tap.name for tap in taps)


@pytest.mark.parametrize(
    ("name", "weights", "depth", "ladder"),
    [
        (
            "vgg16",
            None,
            "relu1_1 relu1_2 relu2_1 relu2_2 relu3_1 relu3_3 relu4_1 relu4_3 relu5_1 relu5_3 pool5",
            "relu1_2 relu2_2 relu3_3 relu4_3 relu5_3 pool5",
        ),
        (
            "mobilenet_v2",
            None,
            "stem block1 block2_expand block2 block3 block4_expand block4 block6 block7_expand block7 "
            "block10 block11_expand block11 block13 block14_expand block14 block16 block17_expand block17 "
            "head",
            "block1 block3 block6 block13 block17",
        ),
        (  # weights that are trusted no deeper than the depthwise convolution of a block
            "mobilenet_v2",
            "KERAS",
            "stem block1 block2_expand block2 block3 block4_expand block4 block6 block7_expand block7 "
            "block10 block11_expand block11 block13 block14_expand block14_depthwise",
            "block1 block3 block6 block13 block14_depthwise",
        ),
        (  # every stage has two blocks, and every block a ReLU inside
            "resnet18",
            None,
            "stem pool1 layer1_0_inner layer1_0 layer1_1_inner layer1_1 layer2_0_inner layer2_0 "
            "layer2_1_inner layer2_1 layer3_0_inner layer3_0 layer3_1_inner layer3_1 layer4_0_inner "
            "layer4_0 layer4_1_inner layer4_1",
            "stem layer1_1 layer2_1 layer3_1 layer4_1",
        ),
        (
            "timm:test_efficientnet",
            None,
            "blocks.0 blocks.1 blocks.2 blocks.3 blocks.4",
            "blocks.0 blocks.1 blocks.2 blocks.3 blocks.4",
        ),
        (  # one width and one resolution: no stage to choose the ends of
            "timm:test_vit",
            None,
            " ".join(f"blocks.{block}" for block in range(6)),
            "blocks.5",
        ),
    ],
)
def test_taps_by_hand(name, weights, depth, ladder):
    row = None if weights is None else entry(name, weights)
    assert names(depth_taps(backbone(name), row)) == depth
    assert names(ladder_taps(backbone(name), row)) == ladder


@pytest.mark.parametrize("name", NAMES)
def test_depth_taps_hold_the_ends_of_every_stage(name):
    spec = backbone(name)
    chosen = depth_taps(spec)
    assert [tap for tap in spec.taps if tap in chosen] == list(chosen)
    stages: dict[tuple[str, int, int], list[TapSpec]] = {}
    for tap in spec.taps:
        stages.setdefault((tap.kind, tap.reduction, tap.channels), []).append(tap)
    for (kind, *_), stage in stages.items():
        if kind in ("relu", "block"):
            assert {stage[0], stage[-1]} <= set(chosen)
            assert not set(stage[1:-1]) & set(chosen)
        if kind in ("stem", "head"):
            assert set(stage) <= set(chosen)
        if kind in ("conv", "depthwise"):
            assert not set(stage) & set(chosen)
    assert {tap.reduction for tap in chosen} == {tap.reduction for tap in spec.taps}
    assert set(spec.default_taps) <= {tap.name for tap in chosen}


@pytest.mark.parametrize("name", NAMES)
def test_an_expansion_holds_the_positions_of_the_block_before_it(name):
    taps = depth_taps(backbone(name))
    pairs = [(one, other) for one, other in pairwise(taps) if other.kind == "expand"]
    assert len(pairs) == len([tap for tap in taps if tap.kind == "expand"])
    for block, expansion in pairs:
        assert block.kind == "block"
        assert expansion.reduction == block.reduction
        assert expansion.channels > block.channels


@pytest.mark.parametrize("name", NAMES)
def test_a_ladder_has_one_tap_for_each_resolution(name):
    ladder = ladder_taps(backbone(name))
    reductions = [tap.reduction for tap in ladder]
    assert reductions == sorted({tap.reduction for tap in backbone(name).taps})
    assert set(ladder) <= set(depth_taps(backbone(name)))
    assert not any(tap.kind in ("head", "expand", "depthwise") for tap in ladder)
