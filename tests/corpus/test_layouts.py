"""Corpora out of folders."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from gramstyle.corpus import FileOrigin, read_corpus
from gramstyle.errors import ImageError, StyleError, UnknownNameError


def plant(root, *names):
    """Files below `root`; those that end like images are images."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".png", ".jpg"):
            Image.new("RGB", (3, 2), "red").save(path)
        else:
            path.write_text("text")
    return root


def labelled(corpus):
    return {item.name: (item.style, item.content) for item in corpus.items}


FLAT = ("10.png", "2.png", "1.jpg")
STYLES = ("a/1.png", "a/2.png", "b/deep/er/1.png")
FACTORIAL = ("a/cat/1.png", "a/dog/1.png", "b/cat/1.png", "b/dog/1.png", "b/dog/2.png")


def test_images_directly_in_the_folder_have_no_labels(tmp_path):
    corpus = read_corpus(plant(tmp_path, *FLAT))
    assert labelled(corpus) == {"1.jpg": (None, None), "2.png": (None, None), "10.png": (None, None)}
    assert [item.name for item in corpus.items] == ["1.jpg", "2.png", "10.png"]  # as people count
    assert corpus.notes == ("took 3 images without labels",)


def test_first_level_folders_are_styles(tmp_path):
    corpus = read_corpus(plant(tmp_path, *STYLES))
    assert labelled(corpus) == {
        "a/1.png": ("a", None),
        "a/2.png": ("a", None),
        "b/deep/er/1.png": ("b", None),
    }
    assert corpus.notes == ("took first-level folders as styles: a (2), b (1)",)
    assert corpus.labels("source") == ("a/1.png", "a/2.png", "b/deep/er/1.png")


def test_two_crossed_levels_are_style_and_content(tmp_path):
    corpus = read_corpus(plant(tmp_path, *FACTORIAL))
    assert labelled(corpus) == {name: tuple(name.split("/")[:2]) for name in FACTORIAL}
    assert corpus.notes == ("took folders as STYLE/CONTENT: styles a (2), b (3); contents cat, dog",)


@pytest.mark.parametrize(
    "more",
    ["b/bird/1.png", "b/1.png", "b/dog/deep/1.png"],
    ids=["a content under one style", "an image one level down", "an image three levels down"],
)
def test_levels_that_are_not_crossed_are_styles(tmp_path, more):
    corpus = read_corpus(plant(tmp_path, *FACTORIAL, more))
    assert {style for style, _ in labelled(corpus).values()} == {"a", "b"}
    assert {content for _, content in labelled(corpus).values()} == {None}


def expected_layout(names):
    """The rule of `auto`, written as the documentation says it."""
    depths = {len(name.split("/")) for name in names}
    if depths == {1}:
        return "unlabelled"
    if 1 in depths:
        return "error"
    pairs = {tuple(name.split("/")[:2]) for name in names}
    contents = [content for _, content in pairs]
    return "factorial" if depths == {3} and min(map(contents.count, contents)) > 1 else "styles"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(
        st.lists(st.sampled_from(["a", "b", "c"]), max_size=3).map(lambda parts: "/".join([*parts, "x.png"])),
        min_size=1,
        max_size=7,
    )
)
def test_auto_decides_as_documented(tmp_path, names):
    root = tmp_path / hashlib.sha256(repr(sorted(names)).encode()).hexdigest()
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    expected = expected_layout(names)
    if expected == "error":
        with pytest.raises(StyleError, match="images lie both directly in"):
            read_corpus(root)
        expected = "unlabelled"
        corpus = read_corpus(root, layout=expected)
    else:
        corpus = read_corpus(root)
    depth = {"unlabelled": 0, "styles": 1, "factorial": 2}[expected]
    for item in corpus.items:
        folders = [*PurePosixPath(item.name).parts[:depth], None, None][:2]
        assert [item.style, item.content] == folders
    assert {item.name for item in corpus.items} == names


def test_images_in_and_beside_folders_are_refused_with_a_way_out(tmp_path):
    root = plant(tmp_path, *FLAT, "a/1.png")
    with pytest.raises(
        StyleError,
        match=re.escape(
            f"images lie both directly in '{root}' ('1.jpg', '2.png', '10.png') and in its folders "
            "('a/1.png'): move each into the folder of its style, or pass layout='unlabelled' to take all of "
            "them without labels"
        ),
    ):
        read_corpus(root)
    assert labelled(read_corpus(root, layout="unlabelled")) == dict.fromkeys((*FLAT, "a/1.png"), (None, None))


def test_a_layout_can_be_named(tmp_path):
    root = plant(tmp_path, *FACTORIAL)
    assert labelled(read_corpus(root, layout="styles"))["b/dog/2.png"] == ("b", None)
    assert labelled(read_corpus(root, layout="factorial"))["b/dog/2.png"] == ("b", "dog")
    assert labelled(read_corpus(root, layout="unlabelled"))["b/dog/2.png"] == (None, None)
    with pytest.raises(UnknownNameError, match=r"layout must be one of: factorial, .*; got 'factorail'"):
        read_corpus(root, layout="factorail")


def test_images_that_do_not_lie_as_the_layout_says(tmp_path):
    root = plant(tmp_path, "a/cat/1.png", "b/2.png", "3.png")
    with pytest.raises(
        StyleError,
        match=re.escape(
            f"layout 'factorial' needs images at STYLE/CONTENT/IMAGE below '{root}'; 2 of 3 lie elsewhere: "
            "'3.png', 'b/2.png'"
        ),
    ):
        read_corpus(root, layout="factorial")
    with pytest.raises(
        StyleError, match=r"'styles' needs images at STYLE/\.\.\./IMAGE .* 1 of 3 .*: '3\.png'"
    ):
        read_corpus(root, layout="styles")


def test_what_is_passed_over_is_noted(tmp_path):
    root = plant(
        tmp_path, *STYLES, "a/notes.txt", "a/photo.heic2", ".git/x.png", "a/.hidden.png", "manifest.csv"
    )
    for empty in ("z", "a/empty", "c", ".secret"):
        (root / empty).mkdir()
    corpus = read_corpus(root)
    assert list(labelled(corpus)) == list(STYLES)
    assert corpus.notes[1:] == (
        "passed over 2 folders without images: 'c', 'z'",
        "passed over files whose names do not end like those of images: .csv (1), .txt (1), .heic2 (1)",
        "did not read manifest.csv: name a manifest instead of the folder to use its labels",
    )


def test_empty_second_levels_are_noted_where_they_would_be_contents(tmp_path):
    root = plant(tmp_path, *FACTORIAL)
    (root / "a" / "bird").mkdir()
    assert read_corpus(root).notes[1:] == ("passed over 1 folder without images: 'a/bird'",)
    assert read_corpus(root, layout="styles").notes[1:] == ()


def test_a_folder_without_images_names_what_was_looked_for(tmp_path):
    plant(tmp_path, "notes.txt", ".hidden.png")
    with pytest.raises(
        ImageError,
        match=re.escape(
            f"the folder '{tmp_path}' holds no images: looked at any depth, but for hidden ones, for "
        )
        + r"names that end in \.png, \.jpg, .* or \d+ other suffixes that can be read",
    ):
        read_corpus(tmp_path)


def test_one_image_is_a_corpus(tmp_path):
    corpus = read_corpus(plant(tmp_path, "x.png"))
    assert len(corpus) == 1
    assert corpus.notes == ("took 1 image without labels",)
    assert corpus.items[0].origin.picture().width == 3


def test_names_of_any_alphabet_and_composition(tmp_path):
    composed, apart = (unicodedata.normalize(form, "énoncé") for form in ("NFC", "NFD"))
    assert composed != apart
    root = plant(tmp_path, f"印象 派/{composed}/1.png", f"b c/{apart}/2.png")
    corpus = read_corpus(root)
    assert labelled(corpus) == {
        f"印象 派/{composed}/1.png": ("印象 派", composed),
        f"b c/{apart}/2.png": ("b c", composed),
    }
    assert all(item.origin.picture().height == 2 for item in corpus.items)


def test_a_name_that_is_no_text_is_refused(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.png")).touch()
    except OSError:
        pytest.skip("this file system takes Unicode only")
    with pytest.raises(
        StyleError,
        match=re.escape(
            r"names of images must be valid Unicode, got 'caf\udce9.png' in corpus paintings: rename"
        ),
    ):
        read_corpus(tmp_path, name="paintings")


def test_the_corpus_is_named_after_the_folder(tmp_path, monkeypatch):
    root = plant(tmp_path / "paintings", *FLAT)
    assert read_corpus(root).name == "paintings"
    assert read_corpus(root, name="mine").name == "mine"
    monkeypatch.chdir(root)
    assert read_corpus(".").name == "paintings"
    assert read_corpus("../paintings/").items[0].origin == FileOrigin(Path("../paintings/1.jpg"))


def test_the_order_is_not_the_file_systems(tmp_path, monkeypatch):
    root = plant(tmp_path, *FACTORIAL)
    names = list(labelled(read_corpus(root)))
    listing = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: reversed(sorted(listing(self))))
    assert list(labelled(read_corpus(root))) == names


def test_loops_of_links_end(tmp_path):
    root = plant(tmp_path, *STYLES)
    (root / "a" / "loop").symlink_to(root)
    (root / "z").symlink_to(root / "z")
    assert list(labelled(read_corpus(root))) == ["a/1.png", "a/2.png", "b/deep/er/1.png"]


def test_a_second_link_to_an_image_is_noted_within_a_style_and_refused_across(tmp_path):
    root = plant(tmp_path, *STYLES)
    (root / "a" / "9.png").symlink_to(root / "a" / "1.png")
    corpus = read_corpus(root)
    assert list(labelled(corpus)) == list(STYLES)
    assert "passed over 1 link to images that are there: 'a/9.png' is 'a/1.png'" in corpus.notes
    (root / "b" / "1.png").symlink_to(root / "a" / "1.png")
    with pytest.raises(
        StyleError,
        match=re.escape(f"'a/1.png' and 'b/1.png' in '{root}' are one file, through links, under two labels"),
    ):
        read_corpus(root)
    assert len(read_corpus(root, layout="unlabelled")) == 3


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(TypeError, match="path must be str or PathLike, got NoneType"):
        read_corpus(None)
    with pytest.raises(ImageError, match=re.escape(f"no such file or folder: '{tmp_path / 'no'}'")):
        read_corpus(tmp_path / "no")


def test_a_file_that_is_no_manifest(tmp_path):
    plant(tmp_path, "x.png")
    with pytest.raises(
        StyleError,
        match=re.escape(
            "path must be a folder of images or a manifest (.csv, .tsv, .parquet), "
            f"got the file '{tmp_path / 'x.png'}'"
        ),
    ):
        read_corpus(tmp_path / "x.png")


def test_a_manifest_is_read_as_one(tmp_path):
    root = plant(tmp_path, "a/1.png")
    (root / "all.CSV").write_text("path,style\na/1.png,x\n")
    corpus = read_corpus(root / "all.CSV")
    assert (corpus.name, labelled(corpus)) == ("all", {"a/1.png": ("x", None)})
    assert read_corpus(root / "all.CSV", name="mine").name == "mine"
    with pytest.raises(StyleError, match=r"layout 'styles' says how folders .*: leave layout at 'auto'"):
        read_corpus(root / "all.CSV", layout="styles")


def test_a_folder_that_is_called_like_a_manifest_is_a_folder(tmp_path):
    assert len(read_corpus(plant(tmp_path / "set.csv", *FLAT))) == 3
