"""Descriptors in tiles are the descriptors, whatever images come from and are prepared like."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import piexif
import pytest
import torch
from conftest import assert_close
from PIL import Image

from gramstyle import Describer, pairwise_style_distance, style_distance
from gramstyle.errors import ImageError, StyleError
from gramstyle.gram import Statistic
from gramstyle.images import Picture, Raster, open_image, read_image
from gramstyle.kernels import available
from gramstyle.recipe import gram_settings, make_recipe
from gramstyle.tiles import RasterSource, TensorSource, Tiling

from .conftest import image_of

TINY = "timm:test_efficientnet@random"
RECIPE = make_recipe(TINY, ("blocks.0", "blocks.1"), resize="none")
SINGLE = 2e-5
"""Single precision, as shares of the largest entry; correlations of nearly constant channels lose more."""


def noise(height, width, channels=3, seed=0):
    """8-bit noise whose halves differ."""
    values = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    values[:, : width // 2] //= 3
    return values


def both(recipe, tile=20, **options):
    return [Describer(recipe, device="cpu", tile=one, **options) for one in (None, tile)]


def same(tiled, whole, tolerance=SINGLE):
    assert tiled.images == whole.images
    assert tiled.recipe == whole.recipe
    assert list(tiled.values) == list(whole.values)
    for tap, value in whole.values.items():
        assert tiled.values[tap].dtype == value.dtype
        for row, one in enumerate(value):
            assert_close(tiled.values[tap][row], one, tolerance=tolerance)


@pytest.mark.parametrize("kind", [one.value for one in Statistic])
def test_every_statistic(kind):
    pictures = [
        read_image(noise(*size, seed=seed), name=str(seed)) for seed, size in enumerate([(45, 38), (33, 33)])
    ]
    metric = "wasserstein" if kind == "gaussian" else "frobenius"
    whole, tiled = both(replace(RECIPE, gram=gram_settings(kind), metric=metric))
    same(tiled.describe(pictures), whole.describe(pictures), 2e-4 if kind == "correlation" else SINGLE)


@pytest.mark.parametrize("norm", ["none", "channels", "elements"])
def test_every_norm(norm):
    whole, tiled = both(replace(RECIPE, gram=gram_settings("gram", norm, True), metric="frobenius"))
    same(tiled.describe([read_image(noise(40, 41))]), whole.describe([read_image(noise(40, 41))]))


def save(path, form):
    """Files whose reading leaves notes: of orientation, of alpha, of depth."""
    if form == "turned.jpg":
        exif = piexif.dump({"0th": {piexif.ImageIFD.Orientation: 6}})
        Image.fromarray(noise(40, 51)).save(path / form, exif=exif, quality=95)
    elif form == "alpha.png":
        values = noise(47, 40, 4)
        values[..., 3] = np.where(np.arange(40) < 22, 255, values[..., 3])
        Image.fromarray(values).save(path / form)
    else:
        Image.fromarray(noise(40, 44, 1)[..., 0].astype(np.uint16) * 257).save(path / form)
    return path / form


@pytest.mark.parametrize("form", ["turned.jpg", "alpha.png", "deep.png"])
@pytest.mark.parametrize(
    "prepared",
    [
        {},
        {"alpha": "mask"},
        {"crop": 33, "alpha": "mask"},
        {"resize": "long:36", "alpha": "mask"},
        {"crop": 33},
    ],
    ids=str,
)
def test_files_are_prepared_as_the_recipe_says(form, prepared, tmp_path):
    """What keeps its size is read tile by tile, everything else is resized whole."""
    path = save(tmp_path, form)
    whole, tiled = both(replace(RECIPE, **prepared))
    read = []
    raster = open_image(path)
    watched = replace(raster, read=lambda *box: read.append(box) or raster.read(*box))
    expected = whole.describe([read_image(path)])
    same(tiled.describe([watched]), expected)
    same(tiled.describe([read_image(path)]), expected)
    same(whole.describe([open_image(path)]), expected)
    largest = max(height * width for _, _, height, width in read)
    assert (largest == raster.height * raster.width) == ("resize" in prepared)


def test_a_crop_of_a_mask_is_that_of_the_image():
    """By hand: the weights of the middle."""
    alpha = torch.zeros(40, 40)
    alpha[4:20, 4:36] = 1
    picture = replace(read_image(noise(40, 40)), alpha=alpha)
    by_hand = Picture(pixels=picture.pixels[:, 4:36, 4:36], alpha=alpha[4:36, 4:36], name="array")
    for describer in both(replace(RECIPE, alpha="mask")):
        cropped = describer.at(resize="none", crop=32).describe([picture])
        for tap, value in describer.describe([by_hand]).values.items():
            assert_close(cropped.values[tap], value)


def test_pictures_and_rasters_of_many_sizes_keep_their_order():
    sources = [noise(32 + 3 * seed, 40, seed=seed) for seed in range(4)]
    pictures = [
        open_image(one, name=str(at)) if at % 2 else read_image(one, name=str(at))
        for at, one in enumerate(sources)
    ]
    whole, tiled = both(RECIPE)
    found = tiled.describe(pictures)
    assert found.names == ("0", "1", "2", "3")
    same(found, whole.describe([read_image(one, name=str(at)) for at, one in enumerate(sources)]))


def test_images_too_small_or_transparent_everywhere(tmp_path):
    _, tiled = both(replace(RECIPE, alpha="mask"))
    skipped = []
    small, good = open_image(noise(3, 30), name="small"), open_image(noise(32, 32), name="good")
    clear = open_image(np.concatenate([noise(32, 32), np.zeros((32, 32, 1), np.uint8)], 2), name="clear")
    with pytest.raises(StyleError, match="small: 3 x 30 pixels are too few"):
        tiled.describe([small])
    with pytest.raises(
        StyleError, match=r"a mask leaves no position at tap blocks\.0: it is transparent everywhere"
    ):
        tiled.describe([clear])
    found = tiled.gather(list(tiled.each([small, good, clear], skipped)))
    assert found.names == ("good",)
    assert [one.name for one in skipped] == ["small", "clear"]


def test_colours_that_cannot_be_converted_are_met_while_tiles_run():
    def read(top, left, height, width):
        if top + height > 30:
            raise ImageError("cannot read 'torn.png': damaged")
        return read_image(noise(height, width))

    torn = Raster(name="torn.png", height=40, width=40, read=read)
    _, tiled = both(RECIPE)
    with pytest.raises(ImageError, match=r"torn\.png"):
        tiled.describe([torn])
    skipped = []
    assert list(tiled.each([torn], skipped)) == []
    assert [(one.name, one.reason) for one in skipped] == [("torn.png", "cannot read 'torn.png': damaged")]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_distances_of_mapped_arrays(kind, tmp_path):
    arrays = []
    for seed in range(2):
        array = np.memmap(tmp_path / str(seed), kind, "w+", shape=(50 + seed, 41, 3))
        array[:] = noise(50 + seed, 41, seed=seed).astype(kind) * (np.iinfo(kind).max // 255)
        arrays.append(array)
    options = {"backbone": TINY, "taps": ("blocks.0", "blocks.1"), "resize": "none", "device": "cpu"}
    whole = pairwise_style_distance(arrays, **options)
    tiled = pairwise_style_distance(arrays, tile=24, **options)
    assert_close(tiled.combined, whole.combined, tolerance=1e-5)
    assert tiled.recipe == whole.recipe
    assert style_distance(*arrays, tile=24, **options) == pytest.approx(float(whole.combined[0, 1]), rel=1e-5)
    others = pairwise_style_distance(arrays[:1], arrays[1:], tile="auto", **options)
    assert float(others.combined) == pytest.approx(float(whole.combined[0, 1]), rel=1e-5)


def test_sources_give_the_same_pixels_and_weights():
    values = noise(30, 40, 4)
    picture = read_image(values)
    extractor = Describer(RECIPE, device="cpu").extractor
    tiling = Tiling(extractor, 16)
    one = tiling.measure(RasterSource(open_image(values), masked=True))
    other = tiling.measure(TensorSource(picture.pixels, picture.alpha))
    plain = tiling.measure(RasterSource(open_image(values)))
    for tap, moments in other.items():
        assert torch.equal(moments.second, one[tap].second)
        assert not torch.allclose(moments.second, plain[tap].second)
        assert float(plain[tap].positions) == {"blocks.0": 15 * 20, "blocks.1": 8 * 10}[tap]


def test_a_mask_of_another_size_covers_the_image(extractor_of):
    """As where the whole image is described: weights go by area."""
    describers = both(RECIPE)
    image, mask = (
        image_of(40, 36, torch.float32),
        torch.rand(13, 17, generator=torch.Generator().manual_seed(1)),
    )
    whole, tiled = (one.values(image, mask[None]) for one in describers)
    for tap, value in whole.items():
        assert_close(tiled[tap], value, tolerance=SINGLE)


def test_values_of_a_batch_and_of_none():
    whole, tiled = both(RECIPE)
    images = torch.cat([image_of(40, 36, torch.float32, seed) for seed in range(3)])
    masks = torch.rand(3, 40, 36, generator=torch.Generator().manual_seed(1))
    for options in ((), (masks,)):
        found, expected = tiled.values(images, *options), whole.values(images, *options)
        for tap, value in expected.items():
            assert found[tap].shape == value.shape
            assert found[tap].dtype == value.dtype
            assert_close(found[tap], value, tolerance=SINGLE)
    assert {len(one) for one in tiled.values(images[:0]).values()} == {0}
    for wrong in (images[0], images.numpy()):
        with pytest.raises((TypeError, ValueError), match="images must be"):
            tiled.values(wrong)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions(dtype):
    whole, tiled = both(RECIPE, dtype=dtype)
    image = image_of(40, 36)
    for tap, value in whole.values(image).items():
        found = tiled.values(image)[tap]
        assert found.dtype == value.dtype
        assert_close(found, value, tolerance=1e-11 if dtype == torch.float64 else 2e-2)


@pytest.mark.parametrize("kernel", ["auto", *(["fused"] if available() else [])])
@pytest.mark.parametrize("backbone", ["mobilenet_v2", "resnet18"])
def test_every_kernel_gives_what_the_reference_gives_whole(kernel, backbone):
    """Batch normalisation folded, activations in place, native sums; weights of positions too."""
    picture = replace(read_image(noise(70, 81)), alpha=torch.rand(70, 81))
    recipe = make_recipe(f"{backbone}@random", resize="none", metric="frobenius")
    for one in (recipe, replace(recipe, alpha="mask")):
        whole, _ = both(one, 40, kernel="reference")
        _, tiled = both(one, 40, kernel=kernel)
        same(tiled.describe([picture]), whole.describe([picture]))


def test_a_network_that_cannot_run_in_tiles_is_refused_before_any_image():
    recipe = make_recipe("timm:test_convnext@random", resize="none")
    with pytest.raises(
        StyleError, match="timm:test_convnext cannot run in tiles because of permute at 'permute'"
    ):
        Describer(recipe, device="cpu", tile=64)
    picture = read_image(noise(64, 64))
    same(*(Describer(recipe, device="cpu", tile=tile).describe([picture]) for tile in ("auto", None)))


def test_progress_of_tiles_reaches_the_one_who_asked():
    told = []
    describer = Describer(RECIPE, device="cpu", tile=20, progress=lambda *each: told.append(each))
    describer.describe([read_image(noise(40, 40))])
    assert ("tiles at blocks.0", 4, 4) in told
    assert ("tiles at blocks.1", 4, 4) in told
