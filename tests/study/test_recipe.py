"""Recipes: round trips, and settings that contradict each other."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gramstyle.errors import StyleError, UnknownNameError
from gramstyle.extract import backbone, choose_weights, parse, select_taps
from gramstyle.presets import PRESETS, preset
from gramstyle.recipe import Recipe, make_recipe


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name):
    recipe = preset(name)
    assert Recipe.from_json(json.loads(json.dumps(recipe.as_json()))) == recipe
    assert hash(recipe) == hash(Recipe.from_json(recipe.as_json()))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_name_what_exists(name):
    recipe = preset(name)
    named = parse(recipe.backbone)
    spec = backbone(named.backbone)
    row = choose_weights(spec, named.weights)
    taps = select_taps(spec, recipe.taps, row)
    assert len(recipe.weights_of_taps) == len(taps)
    assert recipe.source


def test_every_setting_survives_json():
    recipe = make_recipe(
        "resnet18@random:3", ["layer2_0", "stem"], tap_weights=[1, 0.25], norm="elements", center=True,
        metric="frobenius",
        combine="root-sum-squares", resize="exact:64x96", crop=48, alpha="mask",
        background=(0.0, 0.5, 1.0),
        normalization=PRESETS["gordicaleksa"].normalization, first_padding="reflect",
        pooling="l2", sparsity=0.5, source="me",
    )  # fmt: skip
    again = Recipe.from_json(json.loads(json.dumps(recipe.as_json())))
    assert again == recipe
    default = Recipe().as_json()
    assert [key for key, value in recipe.as_json().items() if default.get(key) == value] == []


def test_weights_follow_their_taps():
    recipe = make_recipe("vgg16", ("relu3_1", "relu1_1"), tap_weights=(3, 1))
    assert recipe.weights_of_taps == {"relu1_1": 1, "relu3_1": 3}
    assert list(recipe.weights_of_taps) == ["relu1_1", "relu3_1"]
    assert make_recipe().weights_of_taps == dict.fromkeys(backbone("vgg16").default_taps, 1.0)


def test_lists_are_tuples():
    assert Recipe(taps=["relu1_1"], tap_weights=[1.0]) == Recipe(taps=("relu1_1",), tap_weights=(1.0,))
    assert len({Recipe(taps=["relu1_1"]), Recipe(taps=("relu1_1",))}) == 1


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"background": (0, 255, 0)}, ValueError, "background must be three numbers from 0 to 1"),
        (
            {"metric": "wasserstein", "statistic": "gram"},
            StyleError,
            "wasserstein is defined for the statistics gaussian; got gram",
        ),
        (
            {"statistic": "mean", "norm": "elements"},
            StyleError,
            "norm and center are for the statistics gram, diagonal and off-diagonal",
        ),
        ({"statistic": "covariance", "center": True}, StyleError, "norm and center"),
        ({"tap_weights": (1.0,)}, StyleError, "tap weights need taps"),
        ({"taps": ("relu1_1",), "tap_weights": (1.0, 2.0)}, StyleError, "one per tap: 1 taps, 2 weights"),
        (
            {"taps": ("relu1_1", "relu1_1"), "tap_weights": (1.0, 2.0)},
            StyleError,
            "named once each, got relu1_1, relu1_1",
        ),
        ({"taps": ("relu1_1",), "tap_weights": (-1.0,)}, StyleError, "tap weights must be "),
        ({"taps": ("relu1_1",), "tap_weights": (float("nan"),)}, StyleError, "tap weights must be "),
        ({"taps": ("relu1_1",), "tap_weights": (0.0,)}, StyleError, "greater than 0, got only zeros"),
        ({"taps": "relu1_1"}, TypeError, "got the string 'relu1_1'"),
        ({"backbone": "vgg17"}, UnknownNameError, "backbone must be one of: vgg1"),
        ({"metric": "frobenus"}, UnknownNameError, "metric must be one of: frobenius, .*'frobenus'"),
        ({"norm": "position"}, UnknownNameError, "norm must be one of: positions, .*'position'"),
        ({"statistic": "grams"}, UnknownNameError, "statistic must be one of: gram, .*'grams'"),
        ({"combine": "avg"}, UnknownNameError, "combine must be one of: .*'avg'"),
        ({"alpha": "ignore"}, UnknownNameError, "alpha must be one of: .*'ignore'"),
        ({"resize": "512px"}, ValueError, "resize must be .*got '512px'"),
        ({"crop": 0}, ValueError, "crop must be greater than 0, got 0"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(settings, error, message):
    with pytest.raises(error, match=message):
        make_recipe(**settings)


def test_the_class_refuses_what_the_function_refuses():
    with pytest.raises(TypeError, match="got the string 'relu1_1'"):
        Recipe(taps="relu1_1")
    with pytest.raises(StyleError, match="gaussian"):
        replace(PRESETS["crowsonkb-2023"], metric="mse")


def test_an_unknown_preset_lists_the_nearest():
    with pytest.raises(UnknownNameError, match=r"preset must be one of: gatys2016, .*'gatys2015'"):
        preset("gatys2015")
