"""Terms and gradients by tiles and by segments are those of the whole image."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from conftest import assert_close

from gramstyle.errors import StyleError
from gramstyle.extract import Extractor
from gramstyle.gram import Statistic
from gramstyle.transfer import (
    Objective,
    SegmentedObjective,
    StyleImage,
    Temporal,
    TiledObjective,
    Transfer,
    bands,
    losses,
)
from gramstyle.transfer.losses import VARIATIONS, variation_with_gradient
from gramstyle.transfer.rehearsal import Watch

from .conftest import TINY, picture

WASSERSTEIN = ("squared-wasserstein", Statistic.GAUSSIAN)
NETWORKS = {
    "tiny": (TINY, ("act1", "layer2"), ("layer1",), {}),
    "shallow": (TINY, ("act1",), ("act1",), {}),
    "vgg": ("vgg16", ("relu1_1", "relu2_1", "relu3_1"), ("relu2_2",), {"first_padding": "replicate"}),
    "average": ("vgg16", ("relu1_1", "relu2_1"), ("relu2_1",), {"pooling": "average"}),
    "l2": ("vgg16", ("relu1_1", "relu2_1"), ("relu2_1",), {"pooling": "l2"}),
    "mobilenet": ("mobilenet_v2", ("block1", "block3"), ("block2", "block3_expand"), {}),
    "squeeze": ("efficientnet_b0", ("stem", "block2"), ("block1_depthwise",), {}),
}
SIZE = (45, 37)


@pytest.fixture
def case(settings, lively):
    """(name of a network, ...) -> what an objective is made of, and an image."""

    def of(name, metric=("mse", Statistic.GRAM), dtype=torch.float64, size=SIZE, regional=False, **changes):
        backbone, taps, contents, options = NETWORKS[name]
        named = backbone if backbone == TINY else lively(backbone, (*taps, *contents))
        chosen = settings(*metric, **{"color_weight": 0.3, "relative": True, **changes})
        weights = tuple(4.0**-at for at in range(len(taps)))
        style = replace(chosen.style, backbone=named, taps=taps, tap_weights=weights, **options)
        chosen = replace(chosen, style=style, content_taps=contents)
        extractor = Extractor(named, chosen.taps, device="cpu", dtype=dtype, check_range=False, **options)
        content, other = (picture(seed, *size)[None].to(dtype) for seed in (1, 9))
        styles, regions = [StyleImage(pixels=picture(2, 50, 61)[None].to(dtype))], None
        if regional:
            soft = torch.linspace(-1, 2, size[1], dtype=dtype).clamp(0, 1).expand(size)
            regions = {"left": 1 - soft, "right": soft}
            mask = torch.ones(50, 61, dtype=dtype)
            mask[:30, :40] = 0.25
            styles = [
                replace(styles[0], region="left", mask=mask),
                replace(styles[0], region="right", weight=2.0, mask=1.25 - mask),
                StyleImage(pixels=picture(3, 40, 40)[None].to(dtype), region="right"),
            ]
        return (extractor, chosen, content, styles, regions), 0.6 * content.flip(2) + 0.4 * other

    return of


def compared(found, expected, tolerance):
    assert list(found.terms) == list(expected.terms)
    assert all(value != 0 for value in expected.terms.values())
    assert found.terms == pytest.approx(expected.terms, rel=10 * tolerance)
    assert found.gradient.dtype == expected.gradient.dtype
    assert not found.gradient.requires_grad
    assert_close(found.gradient, expected.gradient, tolerance=tolerance)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_in_tiles_that_do_not_divide(name, case):
    given, image = case(name)
    compared(TiledObjective(*given, tile=20).evaluate(image), Objective(*given).evaluate(image), 1e-10)


@pytest.mark.parametrize("name", ["tiny", "vgg", "squeeze"])
def test_regions_with_styles_and_masks_of_their_own(name, case):
    given, image = case(name, WASSERSTEIN, ridge=1e-3, regional=True)
    found = TiledObjective(*given, tile=19, keep_content=True).evaluate(image)
    compared(found, Objective(*given).evaluate(image), 1e-8)


@pytest.mark.parametrize(
    "changes",
    [
        {"content_weight": 0.0},
        {"style_weight": 0.0, "color_weight": 0.0},
        {"style_weight": 0.0, "content_weight": 0.0},
        {"content_norm": "half-sum", "relative": False, "tv": "absolute"},
        {"metric": ("squared-frobenius", Statistic.MEAN_STD)},
        {"metric": ("mse", Statistic.CORRELATION)},
    ],
)
def test_every_kind_of_term(changes, case):
    given, image = case("tiny", **changes)
    whole = Objective(*given).evaluate(image)
    for tile in (19, 64):
        compared(TiledObjective(*given, tile=tile).evaluate(image), whole, 1e-9)


def test_single_precision_to_its_rounding(case):
    given, image = case("tiny", WASSERSTEIN, dtype=torch.float32, ridge=1e-3, regional=True)
    compared(TiledObjective(*given, tile=20).evaluate(image), Objective(*given).evaluate(image), 1e-5)


def test_tiles_are_as_near_to_the_truth_as_the_whole_image(case):
    """Of more than 64 channels eigenvalues are float32, with an error of their own."""
    exact, image = case("vgg", WASSERSTEIN, ridge=1e-3)
    given, single = case("vgg", WASSERSTEIN, torch.float32, ridge=1e-3)
    truth = Objective(*exact).evaluate(image).gradient
    errors = [
        float((one.evaluate(single).gradient - truth).norm() / truth.norm())
        for one in (Objective(*given), TiledObjective(*given, tile=20))
    ]
    assert errors[1] < 1.5 * errors[0] + 1e-6
    assert errors[1] < 1e-3


def test_kept_features_of_the_content_are_those_that_are_made_again(case):
    given, image = case("tiny", regional=True)
    kept = TiledObjective(*given, tile=20, keep_content=True)
    again = TiledObjective(*given, tile=20)
    for one in (image, image.flip(2)):  # a second time too
        compared(kept.evaluate(one), again.evaluate(one), 1e-14)


def test_terms_of_a_tiled_objective_are_its_values(case):
    given, image = case("tiny")
    objective = TiledObjective(*given, tile=20)
    assert {name: float(one) for name, one in objective.terms(image).items()} == objective.evaluate(
        image
    ).terms


def test_large_styles_are_read_in_tiles(case):
    given, image = case("tiny", regional=True)
    found = Objective(*given, style_tile=45).evaluate(image)  # below one of two
    compared(found, Objective(*given).evaluate(image), 1e-10)


def test_colours_by_bands(case, monkeypatch):
    given, image = case("tiny", style_weight=0.0, content_weight=0.0, regional=True)
    whole = Objective(*given).evaluate(image)
    monkeypatch.setattr(bands, "ON_CPU", 200)  # five rows of 45
    compared(TiledObjective(*given, tile=64).evaluate(image), whole, 1e-9)


def test_earlier_frames_without_weight_are_no_term(case):
    given, image = case("tiny", content_weight=0.0)
    held = Temporal(pixels=picture(4, *SIZE).double(), weights=torch.ones(SIZE))
    assert "temporal" not in TiledObjective(*given, temporal=held, tile=64).evaluate(image).terms


def test_a_term_that_is_no_number_is_named(case):
    given, image = case("tiny")
    for objective in (Objective(*given), TiledObjective(*given, tile=20)):
        with pytest.raises(StyleError, match=r"the term .* became nan"):
            objective.evaluate(image * torch.nan)


def test_what_is_held_does_not_grow_but_by_copies_of_the_image(case, monkeypatch):
    monkeypatch.setattr(losses, "BAND", 200)
    monkeypatch.setattr(bands, "ON_CPU", 200)
    held = []
    for size in ((48, 48), (96, 192)):  # nine tiles, of which one has its whole halo; and 72
        given, image = case("shallow", WASSERSTEIN, ridge=1e-3, size=size)
        objective = TiledObjective(*given, tile=16)
        with Watch() as seen:
            objective.evaluate(image)
        held.append(seen.most - 3 * image.untyped_storage().nbytes())
    with Watch() as whole:
        Objective(*given).evaluate(image)
    assert held[1] < 1.05 * held[0]
    assert whole.most > 4 * held[1]


@pytest.mark.parametrize("name", ["tiny", "vgg", "mobilenet", "squeeze"])
def test_segments_give_the_same_gradient_and_keep_less(name, case):
    given, image = case(name, WASSERSTEIN, ridge=1e-3, regional=name == "tiny")
    found, kept = [], []
    for objective in (Objective(*given), SegmentedObjective(*given)):
        sizes = {}

        def pack(tensor, sizes=sizes):
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            objective.terms(image.clone().requires_grad_())
        kept.append(sum(sizes.values()))
        found.append(objective.evaluate(image))
    compared(found[1], found[0], 1e-14)
    assert kept[1] < 0.8 * kept[0]


def test_a_network_without_tiles_says_why(case):
    given, _ = case("tiny")
    extractor = Extractor("timm:test_convnext@random", None, device="cpu")
    with pytest.raises(StyleError, match="cannot run in tiles because of permute"):
        TiledObjective(extractor, *given[1:], tile=20)


@pytest.mark.parametrize("kind", VARIATIONS)
@pytest.mark.parametrize("band", [1, 20, 35, 10**6])
def test_variation_by_bands(kind, band, generator, monkeypatch):
    monkeypatch.setattr(losses, "BAND", band)
    image = torch.rand(1, 3, 9, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    value = VARIATIONS[kind](image)
    value.backward()
    found, gradient = variation_with_gradient(kind, image)
    assert_close(found, value)
    assert_close(gradient, image.grad)


@pytest.mark.parametrize(
    "changes",
    [{"remedy": "standardised"}, {"blend": "geodesic", "regional": True}, {"temporal_weight": 5.0}],
    ids=["a remedy of descriptors", "a geodesic of styles", "earlier frames"],
)
def test_what_is_a_function_of_moments_or_pixels(changes, case):
    given, image = case("tiny", WASSERSTEIN, ridge=1e-3, **changes)
    held = Temporal(pixels=picture(4, *SIZE).double(), weights=torch.linspace(0, 1, SIZE[1]).expand(SIZE))
    options = {"temporal": held} if "temporal_weight" in changes else {}
    found = TiledObjective(*given, **options, tile=20).evaluate(image)
    assert ("temporal" in found.terms) == bool(options)
    compared(found, Objective(*given, **options).evaluate(image), 1e-8)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"histogram_weight": 0.5}, "histograms need all positions at once"),
        ({"remedy": "softmax-channel:2"}, "the remedy softmax-channel:2 needs whole maps"),
    ],
)
def test_what_needs_whole_maps_says_so(changes, reason, case):
    given, image = case("tiny", **changes)
    with pytest.raises(StyleError, match=reason):
        TiledObjective(*given, tile=20)
    _, chosen, content, _, _ = given
    of = partial(Transfer, content[0].float(), picture(2), chosen)
    with pytest.raises(StyleError, match=reason):
        of(tile=128)
    with pytest.raises(StyleError, match=f"memory_limit is .* too little .* {reason}"):
        of(memory_limit=10**6)
    assert of(tile="auto").execution(0).words == "whole"
    whole = Objective(*given, style_tile=16).evaluate(image)  # the style is larger, and read whole
    compared(SegmentedObjective(*given).evaluate(image), whole, 1e-10)
