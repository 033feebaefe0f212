"""The first look at a corpus: sizes, colours, twins, and which images of many are taken."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import assert_close
from study.textures import textures, times_read
from study.tiny_study import Drawn

from gramstyle.corpus import Corpus, FileOrigin, Item
from gramstyle.errors import ImageError
from gramstyle.images import ResizePolicy, resize
from gramstyle.study import survey as module
from gramstyle.study.survey import spread_over_styles, survey, thinned

SIZES = ((48, 48), (50, 81), (96, 31))


def unread(count, styles, name="many"):
    """A corpus of images that nobody may look at."""
    items = tuple(
        Item(name=f"{styles[row % len(styles)]}/{row}", origin=None, style=styles[row % len(styles)])
        for row in range(count)
    )
    return Corpus(name=name, items=items)


@pytest.fixture(scope="module")
def corpus():
    return textures(3, 2, sizes=SIZES)


@pytest.mark.parametrize("policy", ["none", "short:40", "long:64:down", "exact:32x48"])
def test_sizes_are_those_that_networks_see(policy, corpus):
    looked = survey(corpus, policy)
    sizes = [tuple(resize(one.origin.pixels, ResizePolicy.parse(policy)).shape[1:]) for one in corpus.items]
    assert list(looked.sizes) == sizes
    assert looked.given == SIZES * 2
    assert looked.digests == tuple(one.origin.digest() for one in corpus.items)
    for other in ("none", "short:24"):
        assert looked.brought_to(other) == survey(corpus, other).sizes


def test_the_image_of_fewest_positions_is_found_by_trying_all(corpus):
    looked = survey(corpus, "none")
    assert looked.smallest("none", 1) == 48 * 48  # of 48 x 48, 50 x 81, 96 x 31
    assert (
        looked.smallest("none", 16) == 6 * 1
    )  # 3 x 3, 3 x 5 and 6 x 1 windows: not the image of fewest pixels
    assert looked.smallest("none", 48) == 1
    assert looked.smallest("none", 64) == 1  # a network makes one of less than a window
    # 24 x 24, 24 x 39 and 74 x 24
    assert looked.smallest("short:24", 8) == 3 * 3
    assert looked.smallest("exact:32x48", 8) == 4 * 6


def test_colours_are_means_over_images(corpus):
    looked = survey(corpus, "short:40")
    means, covariances = [], []
    for one in corpus.items:
        values = resize(one.origin.pixels, ResizePolicy.parse("short:40")).flatten(1).double().numpy()
        means.append(values.mean(1))
        covariances.append(np.cov(values, ddof=0))
    assert_close(looked.colours.mean, np.mean(means, axis=0), tolerance=1e-12)
    assert_close(looked.colours.covariance, np.mean(covariances, axis=0), tolerance=1e-12)


def test_every_image_is_read_once_and_held(monkeypatch):
    corpus = textures(2, 2)
    looked = survey(corpus, "none")
    assert times_read(corpus) == 4
    for one, item in zip(looked.corpus.items, corpus.items, strict=True):
        assert torch.equal(one.origin.picture().pixels, item.origin.pixels)
        assert one.origin.digest() == item.origin.digest()
        assert replace(one, origin=item.origin) == item
    assert times_read(corpus) == 4


def test_what_does_not_fit_is_read_again(monkeypatch):
    corpus = textures(2, 2)
    monkeypatch.setattr(module, "KEPT_BYTES", 2 * 3 * 48 * 48 * 4)  # two images
    looked = survey(corpus, "none")
    before = times_read(corpus)
    for one in looked.corpus.items:
        one.origin.picture()
    assert times_read(corpus) == before + 2
    assert looked.sizes == survey(corpus, "none").sizes


def test_twins_are_noted(corpus):
    assert survey(corpus, "none").corpus.notes == ()
    twin = replace(corpus.items[1], name="again")
    noted = replace(corpus, items=(*corpus.items, twin), notes=("read from memory",))
    looked = survey(noted, "none")
    assert looked.corpus.notes[0] == "read from memory"
    assert looked.corpus.notes[1].startswith(
        "1 pair of images look like copies of one picture: 'image 001' and 'again' (1.00)"
    )
    assert looked.digests[1] == looked.digests[-1]


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    items = (*textures(2, 1).items, Item(name="broken", origin=FileOrigin(path), style="style 0"))
    with pytest.raises(ImageError, match=r"broken\.png"):
        survey(Corpus(name="broken", items=items), "none")


@pytest.mark.parametrize(
    ("value", "got"), [(float("nan"), "nan to nan"), (-0.5, "-0.5 to 0.2"), (1.5, "0.2 to 1.5")]
)
def test_pixels_that_are_no_colours_are_refused(value, got):
    pixels = torch.full((3, 40, 40), 0.2)
    pixels[1, 2, 3] = value
    items = (*textures(2, 1).items, Item(name="odd", origin=Drawn(pixels, "odd"), style="style 0"))
    with pytest.raises(ImageError, match=rf"^pixels of odd must lie in \[0, 1\], got {got}$"):
        survey(Corpus(name="odd", items=items), "none")


def test_progress_is_told(corpus):
    said = []
    survey(corpus, "none", lambda *now: said.append(now))
    assert said == [("looking at images", done, 6) for done in range(1, 7)]


def test_few_enough_images_stay_as_they_are():
    corpus = unread(12, "abc")
    assert thinned(corpus, 12) is corpus


@pytest.mark.parametrize(("limit", "each"), [(11, 3), (9, 3), (8, 2), (6, 2), (1, 2)])
def test_thinning_is_even_over_styles(limit, each):
    corpus = unread(12, "abc")
    found = thinned(corpus, limit)
    assert Counter(item.style for item in found.items) == {"a": each, "b": each, "c": each}
    names = [item.name for item in corpus.items]
    assert [names.index(item.name) for item in found.items] == sorted(
        names.index(item.name) for item in found.items
    )
    assert found.notes == (f"thinned from 12 to {3 * each} images, as evenly over the styles as they allow",)


def test_small_styles_keep_what_they_have():
    items = (*unread(20, "ab").items, Item(name="only", origin=None, style="c"))
    found = thinned(Corpus(name="uneven", items=items), 15)
    assert Counter(item.style for item in found.items) == {"a": 5, "b": 5, "c": 1}


def test_which_images_stay_depends_on_their_names_alone():
    corpus = unread(40, "abcd")
    found = {item.name for item in thinned(corpus, 12).items}
    assert found == {item.name for item in thinned(replace(corpus, items=corpus.items[::-1]), 12).items}
    # of each style those whose names have the lowest sha256
    for style in "abcd":
        mine = [item.name for item in corpus.items if item.style == style]
        mine.sort(key=lambda name: hashlib.sha256(name.encode()).hexdigest())
        assert set(mine[:3]) <= found
    renamed = tuple(replace(item, name=f"other {item.name}") for item in corpus.items)
    kept = thinned(replace(corpus, items=renamed), 12)
    assert {item.name.removeprefix("other ") for item in kept.items} != found


def test_images_to_diagnose_are_spread_over_styles():
    corpus = unread(40, "abcd")
    assert Counter(corpus.items[row].style for row in spread_over_styles(corpus, 8)) == dict.fromkeys(
        "abcd", 2
    )
    few = spread_over_styles(corpus, 3)
    assert len(few) == 3
    assert len({corpus.items[row].style for row in few}) == 3
    assert spread_over_styles(corpus, 100) == frozenset(range(40))
    assert spread_over_styles(corpus, 8) <= spread_over_styles(corpus, 16)
