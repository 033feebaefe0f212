"""The procedural corpus is crossed in full, says what it is, and is the same every time."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from importlib import util

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from gramstyle.corpus import CONTENTS, PALETTES, STYLES, Rendered, procedural_corpus
from gramstyle.errors import StyleError, UnknownNameError

FEW = {"styles": ["mosaic", "band-noise"], "contents": ["room", "cat"], "palettes": ["plum", "moss"]}


def one(**changed):
    settings = {
        "seed": 0,
        "style": "mosaic",
        "content": "room",
        "palette": "plum",
        "replicate": 0,
        "size": 224,
    }
    return Rendered(**{**settings, **changed})


def test_every_combination_is_there_once():
    corpus = procedural_corpus(replicates=3)
    expected = [
        f"{style}/{content}/{palette}/{replicate}"
        for style in STYLES
        for content in CONTENTS
        for palette in PALETTES
        for replicate in range(3)
    ]
    assert [item.name for item in corpus.items] == expected
    for item in corpus.items:
        style, content, palette, _ = item.name.split("/")
        assert (item.style, item.content, item.palette, item.source) == (style, content, palette, "")
        assert item.origin.name == item.name
    assert corpus.counts("style") == dict.fromkeys(STYLES, len(CONTENTS) * len(PALETTES) * 3)
    assert corpus.counts("content") == dict.fromkeys(CONTENTS, len(STYLES) * len(PALETTES) * 3)
    assert corpus.counts("palette") == dict.fromkeys(PALETTES, len(STYLES) * len(CONTENTS) * 3)
    assert set(corpus.counts("source").values()) == {1}
    corpus.check_styles()


def test_tables_are_as_large_as_promised():
    assert len(STYLES) >= 16
    assert sum(content.photograph is None for content in CONTENTS.values()) >= 4
    assert sum(content.photograph is not None for content in CONTENTS.values()) >= 4
    assert len(PALETTES) >= 4
    for table in (STYLES, CONTENTS, PALETTES):
        summaries = [row.summary for row in table.values()]
        assert all(summaries)
        assert len(set(summaries)) == len(summaries)


def test_a_part_holds_the_images_of_the_whole_in_the_order_that_is_asked_for():
    whole = {item.name: item for item in procedural_corpus().items}
    part = procedural_corpus(**FEW)
    assert list(part.counts("style")) == FEW["styles"]
    assert list(part.counts("palette")) == FEW["palettes"]
    for item in part.items:
        assert item == whole[item.name]
    chosen = part.items[5].origin
    first = chosen.levels()
    for other in part.items[:5]:
        other.origin.levels()
    np.testing.assert_array_equal(chosen.levels(), first)


def test_notes_say_how_it_was_drawn():
    corpus = procedural_corpus(7, **FEW, size=100)
    assert corpus.name == "procedural"
    assert corpus.notes == ("drawn from seed 7 at 100 x 100 pixels, version 1 of the procedural corpus",)


SCRIPT = """
import json
from gramstyle.corpus import procedural_corpus
parts = dict(styles=["long-strokes", "stippling-fine"], contents=["tree", "portrait"], palettes=["moss"])
items = procedural_corpus(3, **parts, replicates=1, size=64).items
print(json.dumps({item.name: item.origin.digest() for item in items}))
"""


@pytest.mark.proofs
def test_a_fresh_process_draws_the_same_bytes():
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=environment
    )
    elsewhere = json.loads(done.stdout)
    parts = {
        "styles": ["long-strokes", "stippling-fine"],
        "contents": ["tree", "portrait"],
        "palettes": ["moss"],
    }
    here = {
        item.name: item.origin.digest() for item in procedural_corpus(3, **parts, replicates=1, size=64).items
    }
    assert elsewhere == here
    assert len(set(here.values())) == 4


CHANGES = [{}, {"seed": 1}, {"palette": "moss"}, {"replicate": 1}, {"style": "band-noise"}]


def composition(origin):
    """The picture without its texture: blurred lightness, whose order is that of tones in every palette."""
    light = origin.levels() @ np.array([0.2126, 0.7152, 0.0722])
    return gaussian_filter(light, 3).ravel()


@pytest.mark.parametrize("content", ["still-life", "cat"])
def test_no_two_images_share_a_composition(content):
    """Renderings of one composition in two styles correlate by 0.97."""
    correlations = np.corrcoef([composition(one(content=content, **change)) for change in CHANGES])
    assert correlations[np.triu_indices(len(CHANGES), 1)].max() < 0.8


def test_a_picture_is_made_of_whole_levels_and_its_digest_is_that_of_them():
    origin = one(size=80)
    picture = origin.picture()
    assert picture.pixels.dtype == torch.float32
    assert picture.pixels.shape == (3, 80, 80)
    assert picture.pixels.is_contiguous()
    assert picture.alpha is None
    assert picture.name == "mosaic/room/plum/0"
    levels = torch.arange(256, dtype=torch.float32) / 255
    assert set(picture.pixels.unique().tolist()) <= set(levels.tolist())
    bytes_of_it = (
        (picture.pixels.double() * 255).round().byte().permute(1, 2, 0).contiguous().numpy().tobytes()
    )
    assert origin.digest() == hashlib.sha256(bytes_of_it).hexdigest()
    assert origin.digest() == one(size=80).digest() != one(size=80, seed=1).digest()


@pytest.mark.parametrize("size", [64, 65, 223, 300])
def test_every_size_is_drawn(size):
    assert one(style="hatching-flat", size=size).levels().shape == (size, size, 3)


@pytest.mark.parametrize("style", ["woodcut", "mosaic", "stippling-coarse"])
def test_another_size_is_the_same_picture(style):
    """Averages over the same squares agree; 0.85 leaves room for dots that fall otherwise."""
    small, middle, large = (
        one(style=style, content="still-life", size=size).levels().mean(axis=-1) for size in (64, 256, 512)
    )
    middle_again = large.reshape(256, 2, 256, 2).mean(axis=(1, 3))
    small_again = middle.reshape(64, 4, 64, 4).mean(axis=(1, 3))
    assert np.corrcoef(middle.ravel(), middle_again.ravel())[0, 1] > 0.85
    assert np.corrcoef(small.ravel(), small_again.ravel())[0, 1] > 0.9


@pytest.mark.parametrize(
    ("argument", "near"), [("styles", "stained-glass"), ("contents", "skyline"), ("palettes", "prussian")]
)
def test_unknown_names_are_refused(argument, near):
    with pytest.raises(UnknownNameError, match=f"{argument} must be one of: {near}, .*; got '{near[:-1]}'"):
        procedural_corpus(**{argument: [near[:-1]]})
    with pytest.raises(TypeError, match=rf"{argument} must be several names, got one text: use \['{near}'\]"):
        procedural_corpus(**{argument: near})


def test_numbers_are_checked():
    with pytest.raises(TypeError, match="seed must be int, got float"):
        procedural_corpus(1.0)
    with pytest.raises(TypeError, match="replicates must be int, got float"):
        procedural_corpus(replicates=2.0)
    with pytest.raises(ValueError, match="replicates must be greater than 0, got 0"):
        procedural_corpus(replicates=0)
    for size in (63, 1025):
        with pytest.raises(ValueError, match=f"size must be 64 to 1024 pixels, got {size}"):
            procedural_corpus(size=size)
    with pytest.raises(ValueError, match="replicate must be 0 or more, got -1"):
        one(replicate=-1)
    with pytest.raises(UnknownNameError, match=r"style must be one of: mosaic, .*; got 'mosaics'"):
        one(style="mosaics")


def test_no_names_and_names_given_twice_are_refused():
    with pytest.raises(StyleError, match="must hold at least one image, got none"):
        procedural_corpus(styles=[])
    with pytest.raises(StyleError, match="names of their own; twice"):
        procedural_corpus(styles=["weave", "weave"])


def test_without_the_packages_scenes_are_drawn_and_photographs_refused(monkeypatch):
    find = util.find_spec
    monkeypatch.setattr(
        util, "find_spec", lambda name, *rest: None if name == "skimage" else find(name, *rest)
    )
    drawn = [name for name, content in CONTENTS.items() if content.photograph is None]
    corpus = procedural_corpus(styles=["weave"], contents=drawn, palettes=["moss"], replicates=1, size=64)
    assert len({item.origin.digest() for item in corpus.items}) == len(drawn)
    with pytest.raises(
        StyleError,
        match=r"need the package skimage, which is not installed: install gramstyle\[demo\], or name images "
        "of your own, or take contents that are drawn: hills, skyline, tree, still-life, portrait, room",
    ):
        procedural_corpus(contents=["hills", "cat"])
