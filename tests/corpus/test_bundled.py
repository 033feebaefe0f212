"""Images that come with installed packages."""

from __future__ import annotations

from importlib import util
from pathlib import Path

import PIL.Image
import pytest

from gramstyle.corpus import BUNDLED, bundled_images, disjoint_crops
from gramstyle.errors import StyleError
from gramstyle.images import read_image


def test_labels_and_places_are_each_used_once():
    assert len({label for label, _ in BUNDLED}) == len({place for _, place in BUNDLED}) == len(BUNDLED)
    assert [label for label, _ in BUNDLED] == sorted(label for label, _ in BUNDLED)


def test_every_image_is_there_and_holds_its_crops():
    found = bundled_images()
    assert list(found) == [label for label, _ in BUNDLED]
    for label, path in found.items():
        with PIL.Image.open(path) as image:
            width, height = image.size
        assert min(width, height) >= 288, (label, width, height)
    picture = read_image(found["camera"])
    assert len(disjoint_crops(picture.pixels)) == 4


def test_a_package_that_is_missing_is_named_with_a_remedy(monkeypatch):
    find = util.find_spec
    monkeypatch.setattr(
        util, "find_spec", lambda name, *rest: None if name == "skimage" else find(name, *rest)
    )
    with pytest.raises(
        StyleError, match=r"need the package skimage, which is not installed: install gramstyle\[demo\]"
    ):
        bundled_images()


def test_an_image_that_a_package_dropped_is_named(monkeypatch):
    monkeypatch.setattr("gramstyle.corpus.bundled.BUNDLED", (("gone", "skimage/data/gone.png"),))
    with pytest.raises(StyleError, match=r"the installed skimage carries no data/gone\.png: install"):
        bundled_images()


def test_paths_are_paths():
    assert all(isinstance(path, Path) for path in bundled_images().values())
