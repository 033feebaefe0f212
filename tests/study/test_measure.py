"""Style distances end to end."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from gramstyle.distance import Combine, pairwise_distance
from gramstyle.errors import StyleError
from gramstyle.gram import Norm, gram, unpack
from gramstyle.measure import StyleDistance, distances, pairwise_style_distance, style_distance
from gramstyle.presets import PRESETS
from gramstyle.recipe import gram_settings, make_recipe

TINY = {
    "backbone": "timm:test_efficientnet@random",
    "taps": ("blocks.0", "blocks.1"),
    "resize": "none",
    "device": "cpu",
}


@pytest.fixture(scope="module")
def arrays():
    draw = np.random.default_rng(0)
    return [draw.random((32, 40, 3), dtype=np.float32) * level for level in (0.2, 0.6, 1.0)]


def test_distances_are_the_metric_of_grams_then_the_mean(described):
    _, found = described
    result = distances(found)
    for tap, value in found.values.items():
        expected = pairwise_distance(unpack(value), metric="cosine")
        torch.testing.assert_close(result.per_tap[tap], expected)
    torch.testing.assert_close(result.combined, sum(result.per_tap.values()) / 2)
    assert torch.equal(result.combined, result.combined.T)
    assert (result.combined.diagonal() == 0).all()
    assert result.columns is result.rows


def test_a_recipe_measures_again_without_the_network(described, monkeypatch):
    _, found = described
    monkeypatch.setattr("gramstyle.extract.Extractor.forward", lambda *_: pytest.fail("ran the network"))
    rule = replace(found.recipe, metric="mse", tap_weights=(3.0, 0.5), combine=Combine.SUM, source="mine")
    again = distances(found, recipe=rule)
    assert again.recipe == rule
    expected = sum(
        weight * pairwise_distance(unpack(value), metric="mse")
        for weight, value in zip((3.0, 0.5), found.values.values(), strict=True)
    )
    torch.testing.assert_close(again.combined, expected)


def test_a_recipe_without_words_for_taps_and_seed_means_the_same(described):
    _, found = described
    rule = replace(found.recipe, backbone="timm:test_efficientnet@random", tap_weights=None, metric="cosine")
    assert distances(found, recipe=rule).recipe == replace(found.recipe, metric="cosine")


def test_a_recipe_for_other_descriptors_is_refused(described):
    """The result would say that it was computed in a way in which it was not."""
    _, found = described
    changes = {
        "gram": {"gram": gram_settings(norm=Norm.ELEMENTS)},
        "backbone": {"backbone": "timm:test_efficientnet@random:5"},
        "resize": {"resize": "long:64"},
        "taps": {"taps": ("blocks.0",), "tap_weights": None},
        "alpha": {"alpha": "mask"},
    }
    for name, change in changes.items():
        with pytest.raises(StyleError, match=rf"recipe asks for descriptors made in another way: {name} "):
            distances(found, recipe=replace(found.recipe, **change))
    with pytest.raises(StyleError, match="backbone vgg19@CAFFE against timm:test_efficientnet@random:0"):
        distances(found, recipe=PRESETS["gatys2016"])


def test_two_sets(described, describer_of, tiny_recipe):
    pictures, found = described
    part = describer_of(tiny_recipe).describe(pictures[:2])
    result = distances(part, found)
    torch.testing.assert_close(result.combined, distances(found).combined[:2], rtol=1e-3, atol=1e-5)
    assert [len(result.rows), len(result.columns)] == [2, 5]
    plain = json.loads(json.dumps(result.as_json()))
    assert [image["name"] for image in plain["others"]] == [f"p{index}" for index in range(5)]
    assert plain["settings"]["backbone"] == "timm:test_efficientnet@random:0"
    assert plain["weights"]["sha256"] == found.identity.sha256
    assert np.allclose(plain["combined"], result.combined)


def test_progress_counts_every_pair_at_every_tap(described):
    _, found = described
    counted = []
    distances(found, progress=counted.append)
    assert sum(counted) == 2 * 5 * 5


def test_n_images_are_n_passes(arrays, monkeypatch):
    from gramstyle.extract import Extractor

    seen, forward = [], Extractor.forward
    monkeypatch.setattr(Extractor, "forward", lambda self, x: seen.append(len(x)) or forward(self, x))
    pairwise_style_distance(arrays * 3, batch_size=2, **TINY)
    assert sum(seen) == 9
    seen.clear()
    pairwise_style_distance(arrays, arrays[:2], **TINY)
    assert sum(seen) == 5


def test_style_distance_is_the_entry_of_the_matrix(arrays):
    matrix = pairwise_style_distance(arrays, **TINY).combined
    assert style_distance(arrays[0], arrays[2], **TINY) == pytest.approx(float(matrix[0, 2]), rel=1e-5)
    assert style_distance(arrays[1], arrays[1], **TINY) == 0
    assert matrix[0, 1] > 0


def test_every_kind_of_source_is_the_same_image(arrays, tmp_path):
    import PIL.Image

    array = (arrays[0] * 255).astype(np.uint8)
    image = PIL.Image.fromarray(array)
    image.save(tmp_path / "one.png")
    tensor = torch.from_numpy(array).permute(2, 0, 1) / 255
    sources = [array, image, tensor, tmp_path / "one.png", str(tmp_path / "one.png"), tmp_path]
    for source in sources:
        assert style_distance(source, array, **TINY) == pytest.approx(0, abs=1e-6)
    assert pairwise_style_distance(torch.stack([tensor, tensor / 2]), **TINY).combined.shape == (2, 2)
    assert pairwise_style_distance(np.stack([array, array // 2]), **TINY).combined.shape == (2, 2)


def test_a_folder_is_not_one_image(arrays, tmp_path):
    import PIL.Image

    for index, array in enumerate(arrays):
        PIL.Image.fromarray((array * 255).astype(np.uint8)).save(tmp_path / f"{index}.png")
    with pytest.raises(StyleError, match=r"one image on each side, got 3 and 1 .*pairwise_style_distance"):
        style_distance(tmp_path, arrays[0], **TINY)


def test_at_most_one_way_to_say_what(arrays):
    with pytest.raises(StyleError, match="give one of preset, recipe and settings, got preset and settings"):
        style_distance(*arrays[:2], preset="piq", metric="mse")
    with pytest.raises(StyleError, match="got recipe and settings"):
        StyleDistance(make_recipe(), metric="mse")


@pytest.fixture(scope="module")
def module():
    return StyleDistance(backbone=TINY["backbone"], taps=TINY["taps"], device="cpu")


def test_the_module_agrees_with_the_function(module, arrays):
    a, b = (torch.from_numpy(array).permute(2, 0, 1)[None] for array in arrays[:2])
    assert float(module(a, b)) == pytest.approx(style_distance(*arrays[:2], **TINY), rel=1e-4)
    both = module(torch.cat([a, b]), torch.cat([b, b]))
    assert both.shape == (2,)
    assert float(both[1]) == 0
    assert both.dtype == torch.float64


def test_the_module_is_differentiable(module):
    draw = torch.Generator().manual_seed(0)
    a = torch.rand(2, 3, 24, 24, generator=draw).requires_grad_()
    b = torch.rand(2, 3, 32, 40, generator=draw) * 0.5
    module.train()
    before = module(a, b)
    before.sum().backward()
    assert a.grad.shape == a.shape
    assert torch.isfinite(a.grad).all()
    with torch.no_grad():
        step = a - 1e-3 * a.grad / a.grad.abs().max()
        assert (module(step.clamp(0, 1), b).sum() < before.sum()).all()
    same = b.clone().requires_grad_()
    module(same, b).sum().backward()
    assert torch.equal(same.grad, torch.zeros_like(b)), "the gradient at distance 0 is 0, not NaN"
    assert not any(one.training for one in module.extractor.modules())


def test_the_module_needs_as_many_images(module):
    with pytest.raises(ValueError, match="a and b must hold as many images, got 2 and 1"):
        module(torch.rand(2, 3, 24, 24), torch.rand(1, 3, 24, 24))


def test_gram_of_the_module_is_the_public_gram(module):
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    features = module.extractor(x)
    for tap, value in module.describer.values(x).items():
        torch.testing.assert_close(value, gram(features[tap]))
