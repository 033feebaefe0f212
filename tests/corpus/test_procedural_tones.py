"""Single pixels of the procedural corpus tell nothing of style or content; textures tell of style."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata
from skimage.color import rgb2lab

from gramstyle.corpus import PALETTES, procedural_corpus
from gramstyle.corpus.procedural.streams import stream
from gramstyle.corpus.procedural.tone import DEVIATION, MEAN, balanced, evened

CONTENTS = ("hills", "room", "cat")


@pytest.fixture(scope="module")
def corpus():
    """All styles under one palette."""
    return procedural_corpus(contents=CONTENTS, palettes=["ochre"], replicates=1)


@pytest.fixture(scope="module")
def images(corpus):
    """(N, H, W, 3), 8 bits."""
    return np.stack([item.origin.levels() for item in corpus.items])


def test_all_images_of_a_palette_hold_the_same_colours_equally_often(images):
    packed = images.reshape(len(images), -1, 3).astype(np.int64) @ [65536, 256, 1]
    packed.sort(axis=1)
    assert (packed == packed[0]).all()
    moments = [(image.mean(axis=(0, 1)), image.std(axis=(0, 1))) for image in images.astype(np.float64)]
    np.testing.assert_allclose(moments, np.broadcast_to(moments[0], np.shape(moments)), rtol=1e-12)


def auc(distances, labels):
    """Probability that a pair of two labels lies further apart than a pair of one, ties counted half."""
    within, between = [], []
    for first in range(len(labels)):
        for second in range(first):
            (within if labels[first] == labels[second] else between).append(distances[first, second])
    wins = np.subtract.outer(between, within)
    return float(((wins > 0) + 0.5 * (wins == 0)).mean())


def apart(features):
    return np.linalg.norm(features[:, None] - features[None], axis=-1)


def colour_features(image):
    colours = image.reshape(-1, 3) / 255
    return np.concatenate([colours.mean(axis=0), np.cov(colours.T).ravel()])


LINE = np.fft.fftfreq(224, 1 / 224)
RING = np.digitize(np.hypot(LINE[:, None], LINE), np.geomspace(6, 112, 13)).ravel()
WINDOW = np.outer(np.hanning(224), np.hanning(224))


def texture_features(image):
    """Log power in 12 rings of frequency, and a histogram of the directions of the gradient."""
    tone = image.mean(axis=-1) / 255
    power = np.abs(np.fft.fft2((tone - tone.mean()) * WINDOW)).ravel() ** 2
    rings = np.log(np.bincount(RING, power, 14)[1:13] / np.bincount(RING, minlength=14)[1:13])
    down, across = np.gradient(tone)
    directions, _ = np.histogram(
        np.arctan2(down, across) % np.pi, 12, (0, np.pi), weights=np.hypot(down, across)
    )
    return np.concatenate([rings, 8 * directions / directions.sum()])


def test_colours_are_at_chance_and_textures_tell_styles_but_not_contents_apart(corpus, images):
    colours = np.round(apart(np.stack([colour_features(image) for image in images])), 9)
    textures = apart(np.stack([texture_features(image) for image in images]))
    styles, contents = corpus.labels("style"), corpus.labels("content")
    assert auc(colours, styles) == auc(colours, contents) == 0.5
    assert auc(textures, styles) > 0.85
    assert auc(textures, contents) < 0.65


def test_palettes_rise_alike_in_lightness_and_differ_in_hue():
    steps = np.linspace(0, 1, 257)
    lab = {name: rgb2lab(palette.levels(steps)[None] / 255)[0] for name, palette in PALETTES.items()}
    profile = np.interp(steps, np.linspace(0, 1, 5), (10, 32, 54, 76, 95))
    for name, values in lab.items():
        assert (np.diff(values[::8, 0]) > 0).all(), name
        assert np.abs(values[:, 0] - profile).max() < 1.6, name  # a level of 8 bits is up to 0.6
    names = list(PALETTES)
    for first in range(len(names)):
        for second in range(first):
            between = lab[names[first]][128, 1:] - lab[names[second]][128, 1:]
            assert np.hypot(*between) > 25, (names[first], names[second])


def test_a_palette_is_linear_between_its_five_colours():
    levels = PALETTES["ochre"].levels(np.array([[0.0, 0.25, 0.125], [0.5, 0.75, 1.0]]))
    assert levels.shape == (2, 3, 3)
    assert levels[0, 0].tolist() == [0x28, 0x18, 0x12]
    assert levels[0, 1].tolist() == [0x72, 0x3E, 0x16]
    assert levels[0, 2].tolist() == [0x4D, 0x2B, 0x14]  # halves of the sums of the two
    assert levels[1, 2].tolist() == [0xFC, 0xF0, 0xD2]


def test_evened_tones_are_ranks():
    field = np.random.default_rng(0).normal(size=(20, 20)).astype(np.float32)
    tones = evened(field, stream("test"))
    np.testing.assert_allclose(tones.ravel(), (rankdata(field) - 0.5) / 400)


def test_ties_are_broken_at_random_and_not_by_place():
    field = np.zeros((40, 40), dtype=np.float32)
    field[:, 20:] = 1
    tones = evened(field, stream("test"))
    assert tones[:, :20].max() < 0.5 < tones[:, 20:].min()
    assert abs(np.corrcoef(np.arange(800), tones[:, :20].ravel())[0, 1]) < 0.15
    assert np.unique(tones).size == 1600


def test_balanced_tones_have_one_mean_and_deviation_and_keep_their_order():
    field = np.random.default_rng(1).normal(7, 3, (60, 60)).astype(np.float32)
    tones = balanced(field)
    assert abs(tones.mean() - MEAN) < 0.01
    assert abs(tones.std() - DEVIATION) < 0.04
    assert 0 < tones.min() < tones.max() < 1
    assert (np.argsort(tones, axis=None) == np.argsort(field, axis=None)).all()
    np.testing.assert_allclose(balanced(np.full((4, 4), 0.3, dtype=np.float32)), MEAN, atol=1e-3)
