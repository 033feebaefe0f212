"""Comparison of backbones, end to end, on networks small enough for a test."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from gramstyle.corpus import disjoint_crops
from gramstyle.distance import pairwise_distance
from gramstyle.errors import StyleError, UnknownNameError
from gramstyle.gram import gram
from gramstyle.images import Picture
from gramstyle.recipe import make_recipe
from gramstyle.study import compare, separation
from gramstyle.study.comparison import COMBINED

RECIPES = [
    make_recipe("timm:test_efficientnet@random", ("blocks.0", "blocks.1"), resize="long:48"),
    make_recipe("timm:test_resnet@random:1", ("act1",), resize="none", metric="cosine", tap_weights=(2.0,)),
]


@pytest.fixture(scope="module")
def pictures(noise_picture):
    return [noise_picture(name, 80, 90 + seed, seed) for seed, name in enumerate(("one", "two", "three"))]


@pytest.fixture(scope="module")
def compared(pictures):
    calls = []
    found = list(
        compare(
            pictures,
            RECIPES,
            metrics=("relative-frobenius", "mse"),
            crop=32,
            gap=8,
            device="cpu",
            batch_size=5,
            progress=lambda *call: calls.append(call),
        )
    )
    return found, calls


def test_one_result_per_recipe_in_order(compared):
    found, _ = compared
    assert [one.distances.recipe.backbone for one in found] == [
        "timm:test_efficientnet@random:0",
        "timm:test_resnet@random:1",
    ]
    for one, recipe in zip(found, RECIPES, strict=True):
        assert one.distances.combined.shape == (3, 3)
        assert one.distances.recipe.metric == recipe.metric
        assert [image.name for image in one.distances.rows] == ["one", "two", "three"]
        assert (one.crop, one.gap, one.crops) == (32, 8, 4)
        assert list(one.separations) == ["relative-frobenius", "mse"]
        assert all(list(taps) == [*recipe.taps, COMBINED] for taps in one.separations.values())
        assert one.seconds > 0
        for taps in one.separations.values():
            for value in taps.values():
                assert (value.within, value.between) == (3 * 6, 3 * 16)


def test_progress_is_called_once_per_image_and_crop(compared):
    calls = compared[1]
    said = Counter((what, total) for what, _, total in calls)
    assert said == {
        (f"{recipe.backbone}: {what}", total): total
        for recipe in RECIPES
        for what, total in (("images", 3), ("crops", 12))
    }
    for what in {call[0] for call in calls}:
        assert [done for name, done, _ in calls if name == what] == list(
            range(1, max(call[2] for call in calls if call[0] == what) + 1)
        )


def test_separation_is_that_of_crops_described_by_hand(compared, pictures, describer_of):
    extractor = describer_of(RECIPES[0]).extractor
    grams, labels = [], []
    for picture in pictures:
        for crop in disjoint_crops(picture.pixels, 32, 8):
            grams.append(gram(extractor(crop.pixels[None])["blocks.1"])[0].float())
            labels.append(picture.name)
    expected = separation(pairwise_distance(torch.stack(grams), metric="mse"), labels)
    found = compared[0][0].separations["mse"]["blocks.1"]
    assert vars(found) == pytest.approx(vars(expected), rel=1e-4)


def test_whole_images_are_resized_and_crops_are_not(compared):
    image = compared[0][0].distances.rows[0]
    assert (image.height, image.width) == (43, 48)


def test_two_images_of_different_names_are_needed(pictures):
    with pytest.raises(StyleError, match=r"at least two images of different names, got \['one'\]"):
        list(compare(pictures[:1], RECIPES))
    with pytest.raises(StyleError, match=r"different names, got \['one', 'one'\]"):
        list(compare([pictures[0], pictures[0]], RECIPES))


def test_an_image_too_small_for_its_crops_is_named(pictures):
    with pytest.raises(
        StyleError, match=r"one: 2 x 2 crops of 64 pixels, 8 apart, need an image of 136 x 136; got 80 x 90"
    ):
        list(compare(pictures, RECIPES, crop=64, gap=8))


def test_metrics_are_checked_before_a_network_is_loaded(pictures, monkeypatch):
    monkeypatch.setattr("gramstyle.study.comparison.Describer", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(UnknownNameError, match=r"metric must be one of: cosine.*'cosines'"):
        list(compare(pictures, RECIPES, metrics=("cosines",), crop=32, gap=8))
    gaussian = make_recipe("vgg16@random", metric="wasserstein")
    with pytest.raises(StyleError, match=r"metric frobenius is defined for the statistics .*got gaussian"):
        list(compare(pictures, [gaussian], metrics=("frobenius",), crop=32, gap=8))


def test_pictures_of_one_source_separate_under_a_random_network():
    """Flat colours: crops of one image are all but alike, those of two are not."""
    plain = [
        Picture(pixels=torch.full((3, 72, 72), level), alpha=None, name=str(level))
        for level in (0.1, 0.5, 0.9)
    ]
    (found,) = compare(plain, RECIPES[:1], crop=32, gap=8, device="cpu")
    value = found.separations["frobenius"][COMBINED]
    assert value.auc == 1
    assert value.contrast > 1e3 or math.isinf(value.contrast)
