"""Copies of one picture are found, and nothing else is."""

from __future__ import annotations

import hashlib
import io
import math

import numpy as np
import pytest
import torch
from conftest import assert_close
from PIL import Image

from gramstyle.corpus import (
    Corpus,
    Duplicate,
    Item,
    bundled_corpus,
    cropped_corpus,
    duplicates,
    duplicates_note,
    near_duplicates,
)
from gramstyle.corpus.alignment import LARGEST, STEP, best_correlations
from gramstyle.corpus.signatures import SIDE, signature_of
from gramstyle.images import read_image


class Held:
    """An image in memory."""

    def __init__(self, pixels):
        self.pixels = pixels

    def picture(self):
        return read_image(self.pixels)

    def digest(self):
        return hashlib.sha256(np.ascontiguousarray(self.pixels).tobytes()).hexdigest()


def corpus_of(**images):
    return Corpus(name="x", items=tuple(Item(name=name, origin=Held(one)) for name, one in images.items()))


def pairs(found):
    return [(one.first, one.second) for one in found]


def eight_bits(pixels):
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).round().astype(np.uint8))


def jpeg(pixels, quality=30):
    buffer = io.BytesIO()
    eight_bits(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer)) / np.float32(255)


def scaled(pixels, share):
    height, width = pixels.shape[:2]
    small = eight_bits(pixels).resize((round(width * share), round(height * share)), Image.Resampling.LANCZOS)
    return np.asarray(small) / np.float32(255)


def cropped(pixels, top, bottom, left, right):
    height, width = pixels.shape[:2]
    return pixels[
        round(top * height) : height - round(bottom * height),
        round(left * width) : width - round(right * width),
    ]


COPIES = {
    "encoded again": jpeg,
    "half as large": lambda x: scaled(x, 0.5),
    "larger": lambda x: scaled(x, 1.4),
    "squeezed": lambda x: np.asarray(eight_bits(x).resize((256, 256))) / np.float32(255),
    "2 % cut off a corner": lambda x: cropped(x, 0.02, 0, 0.02, 0),
    "1 % cut off each side": lambda x: cropped(x, 0.01, 0.01, 0.01, 0.01),
    "3 % cut off each side": lambda x: cropped(x, 0.03, 0.03, 0.03, 0.03),
    "10 % brighter": lambda x: np.clip(1.1 * x, 0, 1),
    "lifted": lambda x: np.clip(x + 0.1, 0, 1),
    "darker": lambda x: 0.8 * x,
    "all at once": lambda x: jpeg(scaled(np.clip(1.1 * cropped(x, 0.02, 0.01, 0, 0.02), 0, 1), 0.5)),
}


@pytest.fixture(scope="module")
def photographs():
    """The bundled images at half size, float32 (H, W, 3)."""
    return {
        item.name: scaled(item.origin.picture().pixels.permute(1, 2, 0).numpy(), 0.5)
        for item in bundled_corpus().items
    }


@pytest.mark.parametrize("how", COPIES)
def test_copies_are_found_and_no_others(photographs, how):
    images = {}
    for name, one in photographs.items():
        images |= {name: one, f"{name}'": COPIES[how](one)}
    found = near_duplicates(corpus_of(**images))
    assert sorted(pairs(found)) == [(name, f"{name}'") for name in photographs]
    assert all(0.9 <= one.similarity <= 1 for one in found)
    similarities = [one.similarity for one in found]
    assert similarities == sorted(similarities, reverse=True)


@pytest.mark.parametrize(
    "how", [lambda x: x[:, ::-1], lambda x: x[..., ::-1], lambda x: cropped(x, 0, 0.25, 0.25, 0)],
    ids=["mirrored", "red and blue exchanged", "a quarter cut off"],
)  # fmt: skip
def test_what_is_no_copy(photographs, how):
    coloured = {name: photographs[name] for name in ("astronaut", "cat", "coffee", "flower", "rocket")}
    images = coloured | {f"{name}'": np.ascontiguousarray(how(one)) for name, one in coloured.items()}
    assert near_duplicates(corpus_of(**images)) == ()


@pytest.mark.parametrize("size", [128, 64])
def test_crops_of_one_photograph_are_no_copies(size):
    assert near_duplicates(cropped_corpus(bundled_corpus(), size=size, gap=32)) == ()


def textures(seed, side=128):
    """Images of one texture each (H, W, 3), different for every seed."""
    draw = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequency[0, 0] = np.inf
    x = np.linspace(0, 1, side, endpoint=False)[None] + np.zeros((side, 1))

    def noise(slope=0):
        return np.fft.ifft2(np.fft.fft2(draw.standard_normal((side, side))) / frequency**slope).real

    fields = {
        "white": noise(),
        "pink": noise(1),
        "brown": noise(2),
        "grating": np.sin(2 * np.pi * (8 * x + draw.uniform())),
        "grained ramp": x * draw.uniform(0.5, 2) + 0.02 * noise(),
        "vignette": -((x - 0.5) ** 2) - (x.T - 0.5) ** 2 + 0.01 * noise(),
    }
    grey = {name: 0.5 + 0.15 * (field - field.mean()) / field.std() for name, field in fields.items()}
    grey["flat"] = np.full((side, side), draw.uniform())
    grey["nearly flat"] = 0.5 + 0.002 * noise()
    return {name: np.repeat(np.clip(one, 0, 1)[..., None], 3, axis=-1) for name, one in grey.items()}


def test_images_of_one_texture_are_no_copies():
    images = {f"{name} {seed}": one for seed in range(5) for name, one in textures(seed).items()}
    assert near_duplicates(corpus_of(**images)) == ()


def test_copies_of_a_texture_are_found():
    images = {}
    for name, one in textures(0).items():
        images |= {name: one, f"{name}'": jpeg(cropped(one, 0.02, 0.01, 0, 0.02), 60)}
    found = pairs(near_duplicates(corpus_of(**images)))
    assert sorted(found) == [(name, f"{name}'") for name in ("brown", "pink", "white")]


def test_a_texture_and_its_faint_ghost_are_no_copies():
    strong = textures(0)["pink"]
    images = {"strong": strong, "weaker": 0.2 + 0.6 * strong, "faint": 0.4 + 0.2 * strong}
    assert pairs(near_duplicates(corpus_of(**images))) == [("strong", "weaker")]


def test_a_pattern_of_less_than_a_quarter_of_a_grey_level_is_no_picture():
    """Such as a scanner leaves on every sheet of paper, or rounding on every flat image."""
    grain = textures(0)["pink"] - 0.5  # of standard deviation 0.15
    faint, seen = 5e-4, 0.05
    images = {"white": 0.9 + faint * grain, "grey": 0.5 + faint * grain}
    assert near_duplicates(corpus_of(**images)) == ()
    images = {"white": 0.9 + seen * grain, "grey": 0.5 + seen * grain}
    assert pairs(near_duplicates(corpus_of(**images))) == [("white", "grey")]


def test_one_layout_in_two_textures_is_no_copy():
    draw = np.random.default_rng(0)
    tones = np.kron(draw.uniform(0.3, 0.7, (6, 6)), np.ones((32, 32)))  # (192, 192)
    stripes = 0.1 * np.sin(np.arange(192) * 2 * np.pi / 6)[:, None]
    images = {"across": tones + stripes, "down": tones + stripes.T}
    grey = {name: np.repeat(one[..., None], 3, axis=-1) for name, one in images.items()}
    assert near_duplicates(corpus_of(**grey)) == ()


def test_identical_files_are_found_whatever_they_show():
    flat, noise = np.full((20, 30, 3), 0.25), np.random.default_rng(0).random((20, 30, 3))
    found = near_duplicates(corpus_of(a=flat, b=noise, c=flat, d=noise, e=flat + 0.5, f=flat))
    assert pairs(found) == [("a", "c"), ("a", "f"), ("b", "d"), ("c", "f")]
    assert {one.similarity for one in found} == {1.0}


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 3)])
def test_tiny_images_are_compared(shape):
    draw = np.random.default_rng(0)
    near_duplicates(corpus_of(a=draw.random((*shape, 3)), b=draw.random((*shape, 3))))


def test_blocks_change_nothing(photographs, monkeypatch):
    images = dict(list(photographs.items())[:7])
    images |= {f"{name}'": jpeg(one) for name, one in images.items()}
    whole = near_duplicates(corpus_of(**images), threshold=0.1)
    monkeypatch.setattr(duplicates, "BLOCK", 3)
    monkeypatch.setattr(duplicates, "SOME", 4)
    monkeypatch.setattr(duplicates, "CHUNK", 2)
    parts = near_duplicates(corpus_of(**images), threshold=0.1)
    assert pairs(parts) == pairs(whole)
    assert len(parts) >= 7
    assert_close(torch.tensor([one.similarity for one in parts]), [one.similarity for one in whole])


def test_the_threshold(photographs):
    images = {"a": photographs["coffee"], "b": COPIES["all at once"](photographs["coffee"])}
    ((found,),) = [near_duplicates(corpus_of(**images))]
    assert near_duplicates(corpus_of(**images), threshold=found.similarity) == (found,)
    assert near_duplicates(corpus_of(**images), threshold=math.nextafter(found.similarity, 1)) == ()
    with pytest.raises(TypeError, match="corpus must be Corpus, got str"):
        near_duplicates("paintings")
    for wrong in (0, -1, 1.1, math.nan):
        with pytest.raises(ValueError, match=f"threshold must be above 0 and at most 1, got {wrong}"):
            near_duplicates(corpus_of(**images), threshold=wrong)


def test_progress_is_told(photographs):
    told = []
    images = {name: photographs[name] for name in ("cat", "coffee")}
    near_duplicates(corpus_of(**images), progress=lambda *said: told.append(said))
    assert told == [("looking for near-duplicates", 1, 2), ("looking for near-duplicates", 2, 2)]


def test_the_note():
    found = [Duplicate(first=f"{n}.png", second=f"{n} copy.png", similarity=1 - n / 100) for n in range(7)]
    assert duplicates_note(()) == ""
    assert duplicates_note(found[1:2]) == (
        "1 pair of images look like copies of one picture: '1.png' and '1 copy.png' (0.99). Copies make "
        "their style look tighter than it is: take one of each pair out, or give both the same source"
    )
    assert duplicates_note(found).startswith(
        "7 pairs of images look like copies of one picture: '0.png' and "
    )
    assert "(0.96) and 2 more. Copies" in duplicates_note(found)


def test_alignment_is_that_of_trying_every_crop():
    """All four edges at once, each axis resampled by numpy, the correlation by its definition."""
    side, margin = 24, 3
    draw = np.random.default_rng(0)
    waves = [(draw.normal(), draw.uniform(1, 9, 2), draw.uniform(0, 7, 2)) for _ in range(40)]

    def view(start_y, end_y, start_x, end_x):
        """The picture of `waves` with these shares of its sides cut off, (side, side)."""
        at = (np.arange(side) + 0.5) / side
        y, x = (start + at * (1 - start - end) for start, end in ((start_y, end_y), (start_x, end_x)))
        return sum(
            height * np.outer(np.cos(fy * y + py), np.cos(fx * x + px))
            for height, (fy, fx), (py, px) in waves
        ).astype(np.float32)

    first = view(0, 0, 0, 0)
    others = [view(0.03, 0, 0.015, 0.0225), view(-0.0225, 0.0075, 0, -0.03), first, -first, 0 * first]
    shares = np.arange(-4, 5) * STEP
    assert shares[-1] == pytest.approx(LARGEST)
    places = (np.arange(side) + 0.5) / side
    inner = slice(margin, -margin)
    crops = [places[inner] * (1 - start - end) + start for start in shares for end in shares]
    maps = np.stack([np.stack([np.interp(at, places, unit) for unit in np.eye(side)], 1) for at in crops])
    warped = np.einsum("ayp,pq,bxq->abyx", maps, first, maps, optimize=True).reshape(81**2, -1)
    expected = []
    for other in others:
        target = other[inner, inner].ravel().astype(np.float64)
        lengths = np.linalg.norm(warped, axis=1) * np.linalg.norm(target)
        expected.append((warped @ target / np.where(lengths > 0, lengths, 1)).max())
    found = best_correlations(np.stack([first] * len(others)), np.stack(others))
    assert expected[0] > 0.995
    assert expected[1] > 0.995
    assert expected[2] == pytest.approx(1)
    # rows and columns in turn find the best of all four edges, where there is a good one
    assert_close(found[:3], expected[:3], tolerance=1e-5)
    assert found[3] <= expected[3] + 1e-6
    assert found[4] == expected[4] == 0


def test_signatures_hold_cosine_coefficients():
    places = (np.arange(SIDE) + 0.5) / SIDE
    wave = 0.5 + 0.2 * np.outer(np.cos(3 * np.pi * places), np.cos(20 * np.pi * places))
    signature = signature_of(Held(np.repeat(wave[..., None], 3, axis=-1)))
    expected = np.zeros((SIDE, SIDE))
    expected[3, 20] = 0.2 * SIDE / 2
    assert_close(signature.detail.astype(float), expected, tolerance=1e-3)  # kept in half precision
    assert signature.cut == pytest.approx(0.35 * SIDE)
    assert not signature.coarse.any()  # a single wave is plain
    assert np.abs(signature.colours).max() < 1e-6
