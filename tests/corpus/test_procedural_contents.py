"""Contents are drawn anew each time, and photographs are cut where they should be."""

from __future__ import annotations

import numpy as np
import pytest

from gramstyle.corpus import CONTENTS
from gramstyle.corpus.procedural import photographs
from gramstyle.corpus.procedural.photographs import photograph
from gramstyle.corpus.procedural.streams import stream


@pytest.mark.parametrize("name", CONTENTS)
def test_each_drawing_is_another_composition_at_any_size(name):
    first, second, again = (CONTENTS[name].draw(stream(name, number), 224) for number in (0, 1, 0))
    for tone in (first, second):
        assert tone.shape == (224, 224)
        assert tone.dtype == np.float32
        assert -0.2 < tone.min() < tone.max() < 1.3
        assert tone.std() > 0.08
    np.testing.assert_array_equal(first, again)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] < 0.97
    finer = CONTENTS[name].draw(stream(name, 0), 448).reshape(224, 2, 224, 2).mean(axis=(1, 3))
    assert np.corrcoef(first.ravel(), finer.ravel())[0, 1] > 0.97


def ramp(monkeypatch, axis, height=300, width=400, margin=37):
    """A photograph whose tone is the share of its width or height; the margin goes on beyond it."""
    rows, columns = np.mgrid[-margin : height + margin, -margin : width + margin] + 0.5
    tones = (rows / height if axis == "y" else columns / width).astype(np.float32)
    monkeypatch.setattr(photographs, "_tones", lambda label: (tones, margin))


@pytest.mark.parametrize("axis", ["x", "y"])
def test_squares_lie_in_the_box_and_are_turned_and_mirrored_a_little(monkeypatch, axis):
    ramp(monkeypatch, axis)
    box = (0.25, 0.0, 1.0, 1.0)  # 300 x 300 pixels
    cuts = [photograph("ramp", box, stream(axis, number), 96) for number in range(24)]
    down, across = np.transpose([np.mean(np.gradient(cut[8:-8, 8:-8]), axis=(1, 2)) for cut in cuts])
    side = 300 / (400 if axis == "x" else 300)
    lengths = np.hypot(down, across) * 96 / side
    assert 0.8 - 1e-3 < lengths.min() < 0.84
    assert 0.96 < lengths.max() < 1 + 1e-3
    ahead, sideways = (across, down) if axis == "x" else (down, across)
    assert np.abs(sideways / ahead).max() < np.tan(0.101)
    assert (ahead > 0).all() if axis == "y" else 6 < (ahead < 0).sum() < 18
    middles = np.array([cut.mean() for cut in cuts])
    low, high = (0.25 + 0.3, 1 - 0.3) if axis == "x" else (0.4, 0.6)
    assert low - 1e-3 < middles.min() < middles.max() < high + 1e-3
    assert np.ptp(middles) > 0.05


def test_a_photograph_goes_on_as_its_mirror_image_and_is_read_once():
    tones, margin = photographs._tones("cat")
    inner = tones[margin:-margin, margin:-margin]
    assert inner.shape == (300, 451)
    np.testing.assert_array_equal(tones[margin - 5], tones[margin + 5])
    np.testing.assert_array_equal(tones[:, margin - 3], tones[:, margin + 3])
    assert photographs._tones("cat")[0] is tones


def test_tones_of_a_photograph_are_its_luma():
    from PIL import Image

    from gramstyle.corpus import bundled_images

    with Image.open(bundled_images()["coffee"]) as image:
        grey = np.asarray(image.convert("L"))  # ITU-R BT.601, rounded
    tones, margin = photographs._tones("coffee")
    np.testing.assert_allclose(255 * tones[margin:-margin, margin:-margin], grey, atol=1.01)
