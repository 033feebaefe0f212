"""Folders of images."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gramstyle import errors
from gramstyle.images import Skipped, find_images, read_images
from gramstyle.images.folder import natural_key

IMAGE = Image.new("RGB", (2, 2), "red")


@pytest.fixture
def tree(tmp_path):
    names = ["10.png", "2.png", "1.JPG", "b/3.png", "b/20.tif", "a10/x.png", "a9/x.webp", "B2.png"]
    others = ["notes.txt", "c/data.csv", ".hidden.png", ".git/x.png", "page.pdf", "plot.eps", "noextension"]
    for name in names + others:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def relative(found, root):
    return [path.relative_to(root).as_posix() for path in found]


ORDER = ["1.JPG", "2.png", "10.png", "a9/x.webp", "a10/x.png", "b/3.png", "b/20.tif", "B2.png"]


def test_folders_are_searched_in_natural_order(tree):
    assert relative(find_images(tree), tree) == ORDER
    assert relative(find_images([str(tree)]), tree) == ORDER


def test_the_order_is_not_the_file_systems(tree, monkeypatch):
    listing = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: reversed(sorted(listing(self))))
    assert relative(find_images(tree), tree) == ORDER


def test_named_files_are_taken_whatever_their_name_and_in_the_order_given(tree):
    given = [tree / "noextension", tree / ".hidden.png", tree / "b"]
    assert relative(find_images(given), tree) == ["noextension", ".hidden.png", "b/3.png", "b/20.tif"]


def test_a_hidden_folder_that_is_named_is_searched(tree):
    assert relative(find_images(tree / ".git"), tree) == [".git/x.png"]


def test_the_same_file_is_kept_where_it_was_met_first(tree):
    (tree / "z.png").symlink_to(tree / "2.png")
    given = [tree / "10.png", tree, tree / "b" / ".." / "10.png", tree / "1.JPG"]
    assert relative(find_images(given), tree) == ["10.png", "1.JPG", "2.png", *ORDER[3:]]


def test_links_to_folders_are_followed_and_loops_end(tree, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "far.png").touch()
    (tree / "c" / "link").symlink_to(outside)
    (tree / "b" / "loop").symlink_to(tree)
    (outside / "back").symlink_to(tree / "c")
    (tree / "self").symlink_to(tree / "self")
    found = relative(find_images(tree), tree)
    assert found == [*ORDER, "c/link/far.png"]


def test_a_broken_link_to_an_image_is_listed(tree):
    (tree / "a9" / "gone.png").symlink_to(tree / "nowhere.png")
    assert "a9/gone.png" in relative(find_images(tree), tree)


def test_missing_path(tree):
    with pytest.raises(
        errors.ImageError, match=re.escape(f"no such file or folder: '{tree / 'nope.png'}'") + "$"
    ):
        find_images([tree, tree / "nope.png"])


def test_patterns_are_not_expanded(tree):
    with pytest.raises(errors.ImageError, match=r"\*\.png' \(patterns are left to the shell to expand\)$"):
        find_images(tree / "*.png")
    (tree / "[1].png").touch()
    assert find_images(tree / "[1].png") == [tree / "[1].png"]


def test_a_folder_without_images(tree):
    with pytest.raises(errors.ImageError, match=re.escape(f"the folder '{tree / 'c'}' holds no images")):
        find_images([tree, tree / "c"])


def test_a_folder_that_cannot_be_listed(tree, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(
        errors.ImageError, match=re.escape(f"cannot list the folder '{tree}': Permission denied")
    ):
        find_images(tree)


def test_no_paths():
    with pytest.raises(ValueError, match="paths must name at least one file or folder, got none"):
        find_images([])


@given(st.lists(st.text("aB10²é/", max_size=6), max_size=8))
def test_natural_key_orders_anything(names):
    ordered = sorted(map(Path, names), key=natural_key)
    assert ordered == sorted(reversed(ordered), key=natural_key)


@given(st.lists(st.integers(0, 10**30), unique=True))
def test_natural_key_orders_numbers_by_value(numbers):
    names = sorted((Path(f"x{number}.png") for number in numbers), key=natural_key)
    assert names == [Path(f"x{number}.png") for number in sorted(numbers)]


@pytest.fixture
def mixed(tmp_path):
    for name in ("a.png", "c.png"):
        IMAGE.save(tmp_path / name)
    (tmp_path / "b.png").write_text("not an image")
    return [tmp_path / name for name in ("a.png", "b.png", "c.png")]


def test_reading_ends_at_the_first_error(mixed):
    pictures = read_images(mixed)
    assert next(pictures).name == str(mixed[0])
    with pytest.raises(errors.ImageError, match=re.escape(str(mixed[1]))):
        next(pictures)


def test_what_is_skipped_is_told(mixed):
    skipped = []
    pictures = list(read_images([*mixed, mixed[0].parent], on_error="skip", skipped=skipped))
    assert [picture.name for picture in pictures] == [str(mixed[0]), str(mixed[2])]
    assert [left.name for left in skipped] == [str(mixed[1]), str(mixed[0].parent)]
    assert skipped[0] == Skipped(
        name=str(mixed[1]),
        reason=f"cannot read '{mixed[1]}': not an image in a format that can be read",
    )


def test_skipping_in_silence_is_refused(mixed):
    with pytest.raises(errors.StyleError, match=re.escape("on_error='skip' needs skipped=[]")):
        read_images(mixed, on_error="skip")


def test_wrong_arguments_are_never_skipped():
    pictures = read_images([np.zeros((2, 2, 7))], on_error="skip", skipped=[])
    with pytest.raises(ValueError, match="C from 1 to 4"):
        next(pictures)
    with pytest.raises(errors.UnknownNameError, match="on_error must be one of: skip, fail; got 'skpi'"):
        read_images([], on_error="skpi")
    with pytest.raises(
        TypeError, match=re.escape("sources must be several images, got one path: use ['a.png']")
    ):
        read_images("a.png")


def test_options_reach_every_image(mixed):
    clear = Image.new("RGBA", (1, 1), (0, 0, 0, 0))
    (picture,) = read_images([clear], background=(0, 1, 0))
    assert picture.pixels.flatten().tolist() == [0, 1, 0]
    skipped = []
    (small,) = read_images([*mixed, clear], on_error="skip", skipped=skipped, max_pixels=3)
    assert small.width == 1
    assert len(skipped) == 3


def test_reading_is_lazy(tmp_path):
    path = tmp_path / "later.png"
    pictures = read_images([path])
    IMAGE.save(path)
    assert next(pictures).width == 2
    assert os.fspath(path) == str(path)
