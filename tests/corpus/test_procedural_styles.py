"""Each style has the texture that its name claims, and keeps what it renders recognisable."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from gramstyle.corpus import CONTENTS, STYLES
from gramstyle.corpus.procedural.raster import grid
from gramstyle.corpus.procedural.streams import stream
from gramstyle.corpus.procedural.tone import balanced, evened

GREY = np.full((224, 224), 0.5, dtype=np.float32)


def rendered(style, tone, number=0):
    return evened(STYLES[style].render(tone, stream(style, number)), stream("ties"))


def spectrum(field):
    """Frequency (cycles per sheet), direction of the wave (degrees, 0 to 180) and power."""
    side = len(field)
    window = np.hanning(side)
    power = np.abs(np.fft.fft2((field - field.mean()) * window[:, None] * window)) ** 2
    line = np.fft.fftfreq(side, 1 / side)
    down, across = np.meshgrid(line, line, indexing="ij")
    return np.hypot(down, across), np.rad2deg(np.arctan2(down, across)) % 180, power


def test_every_style_keeps_the_picture():
    """Blurred until its texture is gone, the rendering is the picture; 18 styles, a content each."""
    contents = list(CONTENTS)
    for place, style in enumerate(STYLES):
        tone = balanced(CONTENTS[contents[place % 6]].draw(stream("content", style), 224))
        seen = ndimage.gaussian_filter(rendered(style, tone), 5)
        assert np.corrcoef(seen.ravel(), ndimage.gaussian_filter(tone, 5).ravel())[0, 1] > 0.85, style


@pytest.mark.parametrize("style", STYLES)
def test_every_style_has_a_texture_of_its_own_on_plain_grey(style):
    one, other = rendered(style, GREY, 0), rendered(style, GREY, 1)
    frequency, _, power = spectrum(one)
    assert power[frequency > 6].sum() > 0.3 * power.sum()
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.8  # screens may fall onto one another


@pytest.mark.parametrize(
    ("style", "period", "waves"),
    [
        ("hatching-steep", 4.6, [62 + 90]),
        ("hatching-flat", 6.2, [28 + 90]),
        ("engraving", 4.4, [90]),
        ("halftone", 5.5, [45, 135]),
        ("cross-hatching", 5.4, [45, 135]),
    ],
)
def test_periods_and_directions_are_those_that_are_named(style, period, waves):
    """Directions are of the waves, across the lines; y points down, so that 62 upwards is 118."""
    frequency, direction, power = spectrum(rendered(style, GREY))
    strongest = np.where(frequency > 12, power, 0)
    place = np.unravel_index(strongest.argmax(), strongest.shape)
    assert frequency[place] == pytest.approx(224 / period, rel=0.08)
    expected = [wave if style in ("halftone", "engraving") else 180 - wave for wave in waves]
    assert min(abs((direction[place] - one + 90) % 180 - 90) for one in expected) < 7


def test_threads_of_a_twill_lie_over_two_and_under_two_one_further_in_each_row():
    """The cloth falls onto itself when it is moved by a thread both ways, or by four one way."""
    field = rendered("weave", GREY)

    def alike(down, across):
        moved = field[down:, across:], field[: 224 - down, : 224 - across]
        return np.corrcoef(moved[0].ravel(), moved[1].ravel())[0, 1]

    assert min(alike(5, 5), alike(20, 0), alike(0, 20)) > 0.4
    assert max(alike(5, 0), alike(0, 5), alike(10, 0)) < 0.2
    down, across = (np.abs(one).mean() for one in np.gradient(field))
    assert down == pytest.approx(across, rel=0.05)  # as many threads one way as the other


def test_noises_have_their_spectra():
    ring = {}
    for style in ("pink-noise", "band-noise"):
        frequency, _, power = spectrum(rendered(style, GREY))
        ring[style] = [
            power[(frequency > low) & (frequency < high)].sum() for low, high in ((9, 30), (33, 63))
        ]
    assert ring["band-noise"][1] > 50 * ring["band-noise"][0]
    assert ring["pink-noise"][1] < 4 * ring["pink-noise"][0]


def dots(field):
    """Number of dark spots."""
    return ndimage.label(field < 0.25)[1]


def test_a_broad_pen_makes_fewer_dots_than_a_fine_one_and_light_parts_have_fewer():
    light = np.full_like(GREY, 0.7)
    fine, coarse = (STYLES[f"stippling-{pen}"].render(light, stream(pen)) for pen in ("fine", "coarse"))
    counts = [ndimage.label(one < 0.6)[1] for one in (fine, coarse)]
    assert counts[0] > 2 * counts[1] > 200
    lighter = STYLES["stippling-fine"].render(light + 0.25, stream("fine"))
    assert ndimage.label(lighter < 0.6)[1] < 0.7 * counts[0]


@pytest.mark.parametrize(("style", "period"), [("mosaic", 6.6), ("stained-glass", 10.5)])
def test_cells_are_as_many_as_their_period_says(style, period):
    field = STYLES[style].render(GREY, stream(style))
    cells, count = ndimage.label(field > (0.44 if style == "mosaic" else 0.36))
    assert count == pytest.approx((224 / period) ** 2, rel=0.25)
    sizes = np.bincount(cells.ravel())[1:]
    assert np.median(sizes) < period**2


def test_low_poly_is_flat_but_for_its_edges():
    field = STYLES["low-poly"].render(GREY, stream("flat"))
    change = ndimage.gaussian_gradient_magnitude(field, 1)
    assert np.median(change) < 0.01 < 0.02 < np.quantile(change, 0.95)


@pytest.mark.parametrize("style", ["flow-lines", "long-strokes", "short-dabs", "woodcut"])
def test_strokes_run_along_the_forms(style):
    """Two renderings of waves differ in their strokes alone, which change least along the crests."""
    x, y = grid(224)
    ratios = []
    for axis in (x, y):
        waves = (0.5 + 0.35 * np.sin(axis / 6)).astype(np.float32)
        down, across = np.gradient(rendered(style, waves, 0) - rendered(style, waves, 1))
        ratios.append(np.abs(down).mean() / np.abs(across).mean())
    assert ratios[0] < 0.9
    assert ratios[1] > 1 / 0.9


def test_washes_have_dark_rims():
    x, _ = grid(224)
    ramp = (x / 224).astype(np.float32)
    field = ndimage.gaussian_filter1d(STYLES["watercolour"].render(ramp, stream("wash")), 1, axis=1)
    change = np.diff(field, axis=1)
    assert (change < -0.005).mean() > 0.1  # a ramp that only rises is drawn with falls
    assert field[:, -20:].mean() > field[:, :20].mean() + 0.4
