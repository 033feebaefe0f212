"""The crop protocol, and the origins it reads."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

from gramstyle.corpus import (
    Corpus,
    CropOrigin,
    FileOrigin,
    Item,
    bundled_corpus,
    bundled_images,
    crop_positions,
    cropped_corpus,
    disjoint_crops,
    origins,
    read_corpus,
)
from gramstyle.errors import ImageError, StyleError
from gramstyle.images import Picture, read_image

GRID = {"size": 8, "gap": 2}


def noise(path, height, width, mode="RGB", **options):
    draw = np.random.default_rng(height * 1000 + width)
    values = draw.integers(0, 256, (height, width, len(mode)), dtype=np.uint8)
    Image.fromarray(values, mode=None if mode == "RGB" else mode).save(path, **options)


@pytest.fixture
def photographs(tmp_path):
    for name, height, width in (("a.png", 20, 30), ("b.png", 18, 18), ("c.png", 17, 40)):
        noise(tmp_path / name, height, width)
    return read_corpus(tmp_path, name="photographs")


def test_crops_are_what_their_names_say(photographs, tmp_path):
    corpus = cropped_corpus(photographs, **GRID)
    assert corpus.name == "crops of photographs"
    assert [item.name for item in corpus.items] == [
        "a.png@1,6", "a.png@1,16", "a.png@11,6", "a.png@11,16",
        "b.png@0,0", "b.png@0,10", "b.png@10,0", "b.png@10,10",
    ]  # fmt: skip
    for item in corpus.items:
        name, _, place = item.name.partition("@")
        top, left = map(int, place.split(","))
        values = np.array(Image.open(tmp_path / name))[top : top + 8, left : left + 8]
        picture = item.origin.picture()
        assert np.array_equal((picture.pixels * 255).round().permute(1, 2, 0).numpy(), values)
        assert picture.name == f"{tmp_path / name}@{top},{left}"
        assert (item.style, item.source, item.content) == (name, name, None)
    corpus.check_styles()


def test_what_is_too_small_is_left_out_and_named(photographs):
    assert cropped_corpus(photographs, **GRID).notes == (
        "took 3 images without labels",
        "cut 2 x 2 crops of 8 pixels, 2 apart, from each of 2 images; the image is the style",
        "left out 1 of 3 images, too small for 2 x 2 crops of 8 pixels, 2 apart: 'c.png' (17 x 40)",
    )
    assert len(cropped_corpus(photographs, **GRID, rows=1).notes) == 2
    with pytest.raises(
        StyleError,
        match=re.escape(
            "the crop protocol needs at least two images that hold 2 x 2 crops of 9 pixels, 2 apart; 1 of 3 "
            "in corpus photographs do; too small: 'b.png' (18 x 18), 'c.png' (17 x 40): ask for smaller or "
            "fewer crops"
        ),
    ):
        cropped_corpus(photographs, size=9, gap=2)


def test_arguments(photographs):
    with pytest.raises(TypeError, match="corpus must be Corpus, got list"):
        cropped_corpus(list(photographs.items))
    with pytest.raises(StyleError, match="must give at least 2 crops of each image to compare, got 1 x 1"):
        cropped_corpus(photographs, rows=1, columns=1)
    with pytest.raises(ValueError, match="size must be greater than 0, got 0"):
        cropped_corpus(photographs, size=0)
    with pytest.raises(ValueError, match="gap must be 0 or more, got -1"):
        cropped_corpus(photographs, gap=-1)


def test_positions_are_those_of_disjoint_crops():
    for shape in ((300, 288), (401, 555)):
        crops = disjoint_crops(torch.zeros(3, *shape), 50, 7, 3, 4)
        assert crop_positions(*shape, 50, 7, 3, 4) == tuple((crop.top, crop.left) for crop in crops)


def test_turned_images_are_cut_as_they_stand(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a.png", "b.png"):
        noise(tmp_path / name, 20, 40, exif=exif)
    corpus = cropped_corpus(read_corpus(tmp_path), size=8, gap=2, rows=3, columns=2)  # 28 x 18
    whole = read_image(tmp_path / "a.png").pixels
    assert whole.shape == (3, 40, 20)
    crops = disjoint_crops(whole, 8, 2, 3, 2)
    assert [item.name for item in corpus.items[:6]] == [f"a.png@{crop.top},{crop.left}" for crop in crops]
    for item, crop in zip(corpus.items[:6], crops, strict=True):
        assert torch.equal(item.origin.picture().pixels, crop.pixels)


def test_sizes_come_from_headers(photographs, monkeypatch):
    def refuse(self):
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", refuse)
    assert len(cropped_corpus(photographs, **GRID)) == 8


def test_other_origins_are_asked_for_their_picture(photographs):
    class Drawn:
        def picture(self):
            return Picture(pixels=torch.rand(3, 30, 20), alpha=None, name="drawn")

        def digest(self):
            return "0"

    items = (*photographs.items[:1], Item(name="drawn", origin=Drawn()))
    corpus = cropped_corpus(Corpus(name="x", items=items), **GRID)
    assert [item.name for item in corpus.items[4:6]] == ["drawn@6,1", "drawn@6,11"]
    again = cropped_corpus(corpus, size=3, gap=2)
    assert again.items[0].name == "a.png@1,6@0,0"
    assert torch.equal(
        again.items[0].origin.picture().pixels, corpus.items[0].origin.picture().pixels[:, :3, :3]
    )


def test_an_image_is_read_once_for_its_crops_and_anew_when_it_changes(photographs, tmp_path, monkeypatch):
    corpus = cropped_corpus(photographs, **GRID)
    read = []
    monkeypatch.setattr(origins, "read_image", lambda path: read.append(path.name) or read_image(path))
    monkeypatch.setattr(origins, "_last", [])
    before = [item.origin.picture().pixels for item in corpus.items]
    assert read == ["a.png", "b.png"]
    assert len(origins._last) == 1  # no more is kept
    Image.new("RGB", (18, 18), "white").save(tmp_path / "b.png")
    assert corpus.items[4].origin.picture().pixels.min() == 1
    assert torch.equal(corpus.items[0].origin.picture().pixels, before[0])
    assert read == ["a.png", "b.png", "b.png", "a.png"]


def test_two_files_of_the_same_bytes_keep_their_names(tmp_path):
    for name in ("a.png", "b.png"):
        noise(tmp_path / name, 8, 8)
    names = [CropOrigin(FileOrigin(tmp_path / name), 0, 0, 4).picture().name for name in ("a.png", "b.png")]
    assert names == [f"{tmp_path / 'a.png'}@0,0", f"{tmp_path / 'b.png'}@0,0"]


def test_a_crop_does_not_keep_its_image_alive(photographs):
    picture = cropped_corpus(photographs, **GRID).items[0].origin.picture()
    assert picture.pixels.untyped_storage().nbytes() == 3 * 8 * 8 * 4


def test_alpha_is_cut_too(tmp_path):
    noise(tmp_path / "x.png", 6, 7, mode="RGBA")
    whole, crop = (
        read_image(tmp_path / "x.png"),
        CropOrigin(FileOrigin(tmp_path / "x.png"), 1, 2, 4).picture(),
    )
    assert torch.equal(crop.alpha, whole.alpha[1:5, 2:6])
    assert torch.equal(crop.pixels, whole.pixels[:, 1:5, 2:6])
    assert crop.notes == whole.notes


def test_a_window_outside_the_image_is_refused(photographs, tmp_path):
    origin = cropped_corpus(photographs, **GRID).items[3].origin
    noise(tmp_path / "a.png", 18, 23)
    with pytest.raises(
        StyleError,
        match=re.escape(
            f"rows 11 to 19 and columns 16 to 24 must lie inside {tmp_path / 'a.png'}, which is 18 x 23: "
            "has the image changed?"
        ),
    ):
        origin.picture()
    for changed in ({"top": -1}, {"left": -2}):
        with pytest.raises(ValueError, match=r"(top|left) must be 0 or more, got -"):
            CropOrigin(**{"origin": origin, "top": 0, "left": 0, "size": 1, **changed})
    with pytest.raises(ValueError, match="size must be greater than 0, got 0"):
        CropOrigin(origin, 0, 0, 0)


def test_digests_tell_pictures_apart(photographs, tmp_path):
    origin = photographs.items[0].origin
    assert origin.digest() == hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    windows = [(0, 0, 4), (0, 1, 4), (1, 0, 4), (0, 0, 5), (1, 1, 4), (1, 11, 4), (11, 1, 4)]
    digests = [CropOrigin(origin, *window).digest() for window in windows]
    digests.append(CropOrigin(photographs.items[1].origin, *windows[0]).digest())
    assert len({*digests, origin.digest()}) == len(windows) + 2
    assert CropOrigin(origin, 0, 0, 4).digest() == digests[0]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)


def test_files_that_cannot_be_read_are_named(tmp_path):
    gone = FileOrigin(tmp_path / "gone.png")
    for read in (gone.digest, gone.picture, CropOrigin(gone, 0, 0, 1).picture):
        with pytest.raises(
            ImageError, match=re.escape(f"cannot read '{tmp_path / 'gone.png'}': no such file")
        ):
            read()


def test_the_bundled_corpus_holds_the_bundled_images_and_their_crops():
    corpus = bundled_corpus()
    assert corpus.name == "bundled"
    assert {item.name: item.origin for item in corpus.items} == {
        label: FileOrigin(path) for label, path in bundled_images().items()
    }
    assert corpus.labels("style") is None
    crops = cropped_corpus(corpus)
    assert len(crops) == 4 * len(corpus)
    assert len(crops.notes) == 1
    crops.check_styles()
