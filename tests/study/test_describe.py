"""From pictures to descriptors: order, batches, masks, and a computation by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from conftest import assert_close

from gramstyle.descriptors import joined
from gramstyle.errors import StyleError, UnknownNameError
from gramstyle.gram import Norm, Statistic
from gramstyle.images import Picture, ResizePolicy, resize
from gramstyle.kernels import available
from gramstyle.recipe import gram_settings, make_recipe
from gramstyle.types import INCEPTION

SIZES = [(32, 40), (24, 24), (32, 40), (40, 32), (24, 24), (32, 40), (24, 24), (32, 40), (33, 40)]


@pytest.fixture(scope="module")
def mixed(noise_picture):
    return [noise_picture(f"p{index}", *size, index) for index, size in enumerate(SIZES)]


@pytest.fixture(scope="module")
def one_by_one(mixed, tiny_recipe, describer_of):
    describer = describer_of(tiny_recipe)
    return [describer.describe([picture]) for picture in mixed]


@pytest.mark.parametrize("batch_size", range(1, 9))
def test_order_is_kept_whatever_the_sizes_and_batches(
    batch_size, mixed, one_by_one, tiny_recipe, describer_of
):
    found = describer_of(tiny_recipe, batch_size=batch_size).describe(iter(mixed))
    assert found.names == tuple(picture.name for picture in mixed)
    assert [(image.height, image.width) for image in found.images] == SIZES
    for row, alone in enumerate(one_by_one):
        for tap, value in found.values.items():
            torch.testing.assert_close(value[row], alone.values[tap][0], rtol=1e-4, atol=1e-6)


def test_batches_of_one_size_go_through_together_each_image_once(mixed, tiny_recipe, describer_of):
    describer = describer_of(tiny_recipe, batch_size=3)
    seen = []
    describer.extractor.register_forward_pre_hook(lambda _m, x: seen.append(tuple(x[0].shape)))
    describer.describe(mixed)
    assert sum(shape[0] for shape in seen) == len(mixed)
    assert sorted(shape[0] for shape in seen) == [1, 1, 1, 3, 3]


def test_few_pictures_wait_at_a_time(noise_picture, tiny_recipe, describer_of):
    """Pictures of many sizes must not pile up: memory is bounded by four batches."""
    describer, taken, given, most = describer_of(tiny_recipe, batch_size=2), 0, 0, 0

    def stream():
        nonlocal taken
        for index in range(30):
            taken += 1
            yield noise_picture(str(index), 16, 16 + index, index)

    for _ in describer.each(stream()):
        most = max(most, taken - given)
        given += 1
    assert given == 30
    assert most <= 8


def test_a_descriptor_is_the_packed_gram_of_normalised_pixels(noise_picture, describer_of):
    """By hand from the trunk on, with nothing of gramstyle but the resampling."""
    recipe = make_recipe(
        "timm:test_resnet@random:2", ("layer1",), resize="long:32", crop=24, normalization=INCEPTION
    )
    describer = describer_of(recipe)
    picture = noise_picture("p", 50, 64, 3)
    pixels = resize(picture.pixels, ResizePolicy.parse("long:32"))
    assert pixels.shape[1:] == (25, 32)
    cut = pixels[:, 0:24, 4:28]
    with torch.no_grad():
        (features,) = describer.extractor.trunk.model(2 * cut[None] - 1)
    flat = features[0].double().flatten(1)
    matrix = flat @ flat.T / flat.shape[1]
    expected = torch.tensor([matrix[i, j] for i in range(len(matrix)) for j in range(i, len(matrix))])
    found = describer.describe([picture])
    assert found.values["layer1"].dtype == torch.float32
    torch.testing.assert_close(found.values["layer1"][0].double(), expected, rtol=1e-4, atol=1e-7)
    assert (found.images[0].height, found.images[0].width) == (24, 24)


@pytest.mark.parametrize("statistic", list(Statistic))
def test_length_of_each_statistic(statistic, noise_picture, describer_of):
    metric = (
        "wasserstein"
        if statistic is Statistic.GAUSSIAN
        else "wasserstein-diagonal"
        if statistic is Statistic.MEAN_STD
        else "mse"
    )
    recipe = make_recipe(
        "timm:test_resnet@random", ("act1",), resize="none", statistic=statistic, metric=metric
    )
    describer = describer_of(recipe)
    channels = describer.extractor.channels["act1"]
    length = {
        "gaussian": channels * (channels + 1),
        "mean": channels,
        "diagonal": channels,
        "mean-std": 2 * channels,
    }
    found = describer.describe([noise_picture("p", 16, 16, 0)])
    assert found.values["act1"].shape == (1, length.get(statistic.value, channels * (channels + 1) // 2))


def half_transparent(noise_picture, height=32, width=32):
    alpha = torch.zeros(height, width)
    alpha[:, : width // 2] = 1
    return noise_picture("half", height, width, 5, alpha)


def test_a_mask_weighs_positions(noise_picture, describer_of):
    """A mask of whole positions is the Gram of those positions alone."""
    masked = make_recipe("timm:test_resnet@random", ("act1",), resize="none", alpha="mask")
    picture = half_transparent(noise_picture)
    describer = describer_of(masked)
    found = describer.describe([picture]).values["act1"]
    whole = describer_of(replace(masked, alpha="composite")).describe([picture]).values["act1"]
    assert not torch.allclose(found, whole, rtol=1e-2)
    features = describer.extractor(picture.pixels[None])["act1"][0].double()
    flat = features[:, :, : features.shape[2] // 2].flatten(1)
    matrix = flat @ flat.T / flat.shape[1]
    rows, columns = torch.triu_indices(*matrix.shape)
    torch.testing.assert_close(found[0].double(), matrix[rows, columns], rtol=1e-4, atol=1e-7)


def test_opaque_masks_change_nothing_and_mix_with_none(noise_picture, describer_of):
    recipe = make_recipe("timm:test_resnet@random", ("act1",), resize="none", alpha="mask")
    plain = noise_picture("plain", 24, 24, 1)
    opaque = Picture(pixels=plain.pixels, alpha=torch.ones(24, 24), name="opaque")
    found = describer_of(recipe).describe([plain, opaque, plain]).values["act1"]
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-7)
    assert torch.equal(found[0], found[2])


def test_a_transparent_picture_and_masks_that_do_not_fit_are_refused(noise_picture, describer_of):
    describer = describer_of(make_recipe("timm:test_resnet@random", ("act1",), resize="none", alpha="mask"))
    with pytest.raises(StyleError, match="leaves no position at tap act1: it is transparent everywhere"):
        describer.describe([noise_picture("clear", 24, 24, 1, torch.zeros(24, 24))])
    for shape in ((24, 24), (1, 24, 24), (2, 1, 24, 24)):
        with pytest.raises(ValueError, match=r"masks must be \(B, H, W\), one for each of 2 images, got"):
            describer.values(torch.rand(2, 3, 24, 24), torch.ones(shape))


def test_the_recipe_is_spelled_out(describer_of, noise_picture):
    recipe = make_recipe("timm:test_resnet@random", ("layer1", "act1"), tap_weights=(2, 3), resize="none")
    found = describer_of(recipe).describe([noise_picture("p", 24, 24, 0)])
    assert found.recipe.backbone == "timm:test_resnet@random:0"
    assert found.recipe.taps == ("act1", "layer1") == tuple(found.values)
    assert found.recipe.tap_weights == (3, 2)
    assert found.identity.name == "random:0"
    assert (found.dtype, found.device) == ("float32", "cpu")
    assert found.versions["torch"] == torch.__version__


def test_no_picture_and_too_small_a_picture_are_refused(describer_of, noise_picture, tiny_recipe):
    describer = describer_of(replace(tiny_recipe, taps=("blocks.4",)))
    with pytest.raises(StyleError, match="at least one image to describe, got none"):
        describer.describe([])
    with pytest.raises(
        StyleError, match=r"tiny: 16 x 80 pixels are too few.*need 32 x 32: use a shallower tap"
    ):
        describer.describe([noise_picture("big", 40, 40, 0), noise_picture("tiny", 16, 80, 1)])
    skipped = []
    rows = list(describer.each([noise_picture("tiny", 16, 80, 1), noise_picture("big", 40, 40, 0)], skipped))
    assert [(one.index, one.image.name) for one in rows] == [(1, "big")]
    assert [one.name for one in skipped] == ["tiny"]


def test_descriptors_that_overflow_are_refused(describer_of, noise_picture):
    describer = describer_of(make_recipe("timm:test_resnet@random", ("act1",), resize="none"))
    with torch.no_grad():
        for one in describer.extractor.parameters():
            one.mul_(1e30)
    with pytest.raises(ValueError, match="descriptor at tap act1 must be finite"):
        describer.describe([noise_picture("p", 24, 24, 0)])


def test_settings_are_checked(describer_of, tiny_recipe):
    with pytest.raises(ValueError, match="batch_size must be greater than 0, got 0"):
        describer_of(tiny_recipe, batch_size=0)
    with pytest.raises(UnknownNameError, match=r"kernel must be one of: .*got 'gpu'"):
        describer_of(tiny_recipe, kernel="gpu")


def test_what_differs_between_descriptors_is_named(described, describer_of, tiny_recipe):
    pictures, first = described
    joined([first, first])
    changes = {
        "weights": replace(tiny_recipe, backbone="timm:test_efficientnet@random:1"),
        "taps": replace(tiny_recipe, taps=("blocks.0",)),
        "gram": replace(tiny_recipe, gram=gram_settings(norm=Norm.ELEMENTS)),
        "resize": replace(tiny_recipe, resize="long:32"),
        "crop": replace(tiny_recipe, crop=32),
        "alpha": replace(tiny_recipe, alpha="mask"),
        "normalization": replace(tiny_recipe, normalization=INCEPTION),
    }
    for name, recipe in changes.items():
        other = describer_of(recipe).describe(pictures[:1])
        with pytest.raises(StyleError, match=f"made in different ways cannot be compared: {name} "):
            first.check_comparable(other)
        with pytest.raises(StyleError, match=name):
            joined([first, other])
    same = describer_of(replace(tiny_recipe, metric="mse")).describe(pictures[:1])
    first.check_comparable(same)
    with pytest.raises(StyleError, match="at least one set of descriptors to join, got none"):
        joined([])


def test_joined_sets_are_those_of_one_run(described, describer_of, tiny_recipe):
    pictures, whole = described
    describer = describer_of(tiny_recipe)
    both = joined([describer.describe(pictures[:2]), describer.describe(pictures[2:])])
    assert both.names == whole.names
    for tap, value in whole.values.items():
        torch.testing.assert_close(both.values[tap], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("statistic", [kind.value for kind in Statistic])
def test_every_kernel_describes_alike(statistic, describer_of, noise_picture):
    # the reference is plain torch; the others may fold, fuse, and never hold the map of a tap
    metric = "wasserstein" if statistic == "gaussian" else "frobenius"
    recipe = make_recipe(
        "mobilenet_v2@random:1", ["stem", "block2_expand"], statistic=statistic, metric=metric
    )
    pictures = [noise_picture("a", 48, 40, 0), noise_picture("b", 40, 48, 1)]
    wanted = describer_of(recipe, kernel="reference").describe(pictures)
    for kernel in ("auto", *(("fused",) if available() else ())):
        found = describer_of(recipe, kernel=kernel).describe(pictures)
        for tap, value in wanted.values.items():
            assert_close(found.values[tap], value, tolerance=2e-4 if statistic == "correlation" else 3e-5)
