"""Descriptors of pruned networks are compared with one another, and with no others."""

import json

import pytest
import torch

from gramstyle import load_descriptors, pairwise_style_distance, save_descriptors
from gramstyle.describe import Describer
from gramstyle.descriptors import joined
from gramstyle.errors import StyleError
from gramstyle.images import Picture
from gramstyle.measure import distances
from gramstyle.recipe import Recipe, make_recipe

BACKBONE, TAPS = "mobilenet_v2@random:1", ("block2",)


@pytest.fixture(scope="module")
def pictures():
    pixels = torch.rand(2, 3, 32, 40, generator=torch.Generator().manual_seed(0))
    return [Picture(pixels=one, alpha=None, name=f"{place}") for place, one in enumerate(pixels)]


@pytest.fixture(scope="module")
def described(pictures):
    return {
        sparsity: Describer(make_recipe(BACKBONE, TAPS, sparsity=sparsity), device="cpu").describe(pictures)
        for sparsity in (0.0, 0.5)
    }


def test_pruned_and_whole_are_not_compared(described):
    whole, pruned = described[0.0], described[0.5]
    for mixed in (lambda: distances(whole, pruned), lambda: joined([pruned, whole])):
        with pytest.raises(StyleError, match=r"sparsity 0\.\d against 0\.\d"):
            mixed()
    with pytest.raises(StyleError, match=r"made in another way: sparsity 0\.0 against 0\.5"):
        distances(pruned, recipe=make_recipe(BACKBONE, TAPS))
    assert not torch.equal(whole.values["block2"], pruned.values["block2"])


def test_files_say_the_sparsity_and_older_ones_mean_none(described, tmp_path):
    path = tmp_path / "one.safetensors"
    for sparsity, one in described.items():
        save_descriptors(one, path)
        again = load_descriptors(path)
        assert again.recipe.sparsity == sparsity
        assert again.recipe == one.recipe
        assert distances(again, one).per_tap["block2"].diagonal().abs().max() < 1e-6
    plain = Recipe().as_json()
    assert "sparsity" not in plain  # as files before there was any
    assert Recipe.from_json(json.loads(json.dumps(plain))).sparsity == 0.0


def test_distances_report_it(pictures, described):
    found = pairwise_style_distance(
        [one.pixels for one in pictures], backbone=BACKBONE, taps=TAPS, sparsity=0.5, resize="none",
        device="cpu",
    )  # fmt: skip
    torch.testing.assert_close(found.combined, distances(described[0.5]).combined)
    assert found.as_json()["settings"]["sparsity"] == 0.5
    assert found.identity == described[0.5].identity


def test_targets_are_checked_before_anything_is_loaded():
    with pytest.raises(ValueError, match="sparsity must be from 0 up to but not 1, got 1"):
        make_recipe(sparsity=1)
