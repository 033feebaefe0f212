"""What procedural images are drawn with does what it says, measured in another way."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import pdist

from gramstyle.corpus.procedural.canvas import Canvas
from gramstyle.corpus.procedural.flow import along, flow, followed
from gramstyle.corpus.procedural.noise import noise, scattered, smooth_noise
from gramstyle.corpus.procedural.plate import Plate
from gramstyle.corpus.procedural.raster import at, blur, grid, slope, step
from gramstyle.corpus.procedural.streams import stream
from gramstyle.corpus.procedural.styles.dots import _spread


def test_streams_of_one_key_are_equal_and_of_others_not():
    numbers = [
        stream(*key).random(4).tolist() for key in ((1, "a"), (1, "a"), (1, "b"), (11, "a"), (1, 1, "a"))
    ]
    assert numbers[0] == numbers[1]
    assert len({tuple(one) for one in numbers}) == 4


def rings(field):
    """Frequency in cycles per sheet and power of every coefficient but the constant one."""
    side = len(field)
    line = np.fft.fftfreq(side, 1 / side)
    return np.hypot(line[:, None], line).ravel()[1:], (np.abs(np.fft.fft2(field)) ** 2).ravel()[1:]


@pytest.mark.parametrize("size", [224, 300])
def test_noise_holds_the_band_that_is_asked_for(size):
    field = noise(stream("noise"), size, 16, 4)
    assert field.shape == (size, size)
    assert abs(field.mean()) < 1e-6
    assert abs(field.std() - 1) < 1e-5
    frequency, power = rings(field.astype(np.float64))
    inside = (frequency >= 224 / 16) & (frequency <= 224 / 4)
    assert power[~inside].sum() < 1e-6 * power.sum()


@pytest.mark.parametrize("fall", [0.0, 0.5, 1.0])
def test_power_of_noise_falls_as_frequency_to_twice_the_exponent(fall):
    frequency, power = rings(noise(stream("fall"), 224, 224, 2.5, fall))
    edges = np.geomspace(4, 80, 9)
    number = np.digitize(frequency, edges)
    means = [power[number == ring].mean() for ring in range(1, 9)]
    middles = [frequency[number == ring].mean() for ring in range(1, 9)]
    assert abs(np.polyfit(np.log(middles), np.log(means), 1)[0] + 2 * fall) < 0.12


def test_a_larger_sheet_shows_the_same_noise_at_the_same_points():
    """Every third pixel centre of a sheet three times as fine is one of the coarse sheet."""
    coarse, fine = (noise(stream("size"), size, 40, 6, 1.0) for size in (224, 672))
    np.testing.assert_allclose(fine[1::3, 1::3], coarse, atol=2e-4)
    assert np.abs(fine[::3, ::3] - coarse).max() > 0.02


def test_scattered_points_cover_the_sheet_and_stay_near_their_lattice():
    points = scattered(stream("points"), 10.0, 0.3)
    offsets = points[:, None] - np.random.default_rng(0).uniform(0, 224, (500, 2))[None]
    assert np.linalg.norm(offsets, axis=-1).min(axis=0).max() < 10 * (0.71 + 0.43)
    turns = np.exp(2j * np.pi * points / 10)
    spread = np.angle(turns / turns.mean(axis=0))
    assert np.abs(spread).max() < 2 * np.pi * 0.32


def test_places_of_dots_keep_their_distance_and_crowd_in_the_dark():
    tone = np.zeros((224, 224), dtype=np.float32)
    tone[:, 112:] = 1
    places = _spread(tone, stream("dots"), 4.0, 12.0)
    dark = places[:, 0] < 112
    assert pdist(places).min() >= 4.0
    assert pdist(places[~dark]).min() >= 12.0
    assert dark.sum() > 5 * (~dark).sum()
    assert (~dark).sum() > 0.5 * 112 * 224 / 12**2 / (np.sqrt(3) / 2) * 0.7  # of the closest packing


@pytest.mark.parametrize("degrees", [0, 30, 90, 135])
def test_flow_runs_along_the_crests_of_waves(degrees):
    x, y = grid(224)
    angle = np.deg2rad(degrees)
    waves = 0.5 + 0.4 * np.sin(0.2 * (y * np.cos(angle) - x * np.sin(angle)))
    found = flow(waves.astype(np.float32), stream("flow"), 6.0)
    assert np.abs(np.sin(found - angle)[20:-20, 20:-20]).max() < 0.1


def test_flow_is_smooth_where_there_is_nothing_to_follow():
    found = flow(np.full((224, 224), 0.5, dtype=np.float32), stream("flat"), 3.0)
    turns = np.exp(2j * found)
    assert np.abs(turns[:, 1:] / turns[:, :-1] - 1).max() < 0.4
    assert np.abs(turns.mean()) < 0.99


def test_along_level_lines_is_a_running_mean_of_rows():
    field = np.random.default_rng(0).normal(size=(224, 224)).astype(np.float32)
    level = np.zeros_like(field)
    expected = ndimage.uniform_filter1d(field, 13, axis=1)
    np.testing.assert_allclose(along(field, level, 6, 1.0)[:, 8:-8], expected[:, 8:-8], atol=1e-5)
    other = np.where(np.arange(224) % 2, level, level + np.float32(np.pi))  # an angle has no sign
    np.testing.assert_allclose(along(field, other, 6, 1.0)[:, 8:-8], expected[:, 8:-8], atol=1e-5)


def test_lines_that_follow_circles_stay_on_them():
    x, y = grid(224)
    angle = (np.arctan2(y - 112, x - 112) + np.pi / 2).astype(np.float32)
    start = np.array([[112.0, 52.0], [172.0, 112.0], [60.0, 140.0]])
    lines = followed(start, angle, 2.0, 8)
    assert lines.shape == (3, 17, 2)
    np.testing.assert_array_equal(lines[:, 8], start)
    np.testing.assert_allclose(np.linalg.norm(np.diff(lines, axis=1), axis=-1), 2.0, rtol=1e-6)
    radii = np.linalg.norm(lines - 112, axis=-1)
    assert np.abs(radii / radii[:, 8:9] - 1).max() < 0.06
    assert (np.linalg.norm(lines[:, 0] - lines[:, -1], axis=-1) > 25).all()


@pytest.mark.parametrize("size", [224, 448])
def test_areas_of_shapes_are_those_of_geometry(size):
    unit = (size / 224) ** 2
    plate = Plate(size)
    plate.polygons(np.array([[[20, 30], [120, 30], [20, 190]]]), np.ones(1))
    assert abs(plate.field().sum() / unit / (100 * 160 / 2) - 1) < 0.03  # Pillow draws borders in full
    plate = Plate(size, 0.25)
    plate.ellipses(np.array([[160.0, 150.0]]), np.array([[40.0, 20.0]]), np.array([1.25]))
    assert abs((plate.field() - 0.25).sum() / unit / (np.pi * 40 * 20) - 1) < 0.03
    canvas = Canvas(size)
    assert abs(canvas.ellipse(100, 90, 50, 30, 0.4).sum() / unit / (np.pi * 50 * 30) - 1) < 0.01
    assert abs(canvas.polygon([(10, 10), (60, 10), (10, 80)]).sum() / unit / (50 * 70 / 2) - 1) < 0.03
    assert abs(canvas.below(100).sum() / unit / (224 * 124) - 1) < 0.01


def test_later_shapes_lie_over_earlier_ones_and_over_the_ground():
    ground = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    plate = Plate(64, ground)
    np.testing.assert_array_equal(plate.field(), ground)
    squares = np.array(
        [[[50, 50], [150, 50], [150, 150], [50, 150]], [[100, 100], [200, 100], [200, 200], [100, 200]]]
    )
    plate.polygons(squares, np.array([0.3, 0.7]))
    field = plate.field()
    assert at(field, np.array([75.0, 125.0]), np.array([75.0, 125.0])) == pytest.approx([0.3, 0.7])
    assert at(field, np.array(20.0), np.array(20.0)) == at(ground, np.array(20.0), np.array(20.0))


def test_a_turned_ellipse_is_long_in_its_direction():
    mask = Canvas(224).ellipse(112, 112, 80, 20, np.pi / 4)
    assert at(mask, np.array(112 + 50.0), np.array(112 + 50.0)) == 1
    assert at(mask, np.array(112 + 50.0), np.array(112 - 50.0)) == 0


def test_a_ball_is_lightest_where_it_faces_the_light():
    canvas = Canvas(224)
    shade = canvas.ball(112, 112, 60, 60, (1.0, -1.0, np.sqrt(2))) * canvas.ellipse(112, 112, 60, 60)
    row, column = np.unravel_index(shade.argmax(), shade.shape)
    assert shade.max() == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose([column, row], [112 + 30, 112 - 30], atol=2)  # the normal is the light


def test_paint_covers_as_far_as_the_mask_says_and_shadows_darken():
    canvas = Canvas(64)
    canvas.fill(np.full((64, 64), 0.8))
    canvas.paint(np.full((64, 64), 0.25), 0.4)
    np.testing.assert_allclose(canvas.tone, 0.7, rtol=1e-6)
    canvas.shadow(np.ones((64, 64), dtype=np.float32), 2.0, 0.5)
    np.testing.assert_allclose(canvas.tone, 0.35, rtol=1e-5)
    assert canvas.tone.dtype == np.float32


def test_blur_and_slope_are_in_units():
    field = np.random.default_rng(0).random((448, 448)).astype(np.float32)
    np.testing.assert_allclose(
        blur(field, 3.0), ndimage.gaussian_filter(field, 6.0, mode="nearest"), atol=2e-3
    )
    x, y = grid(448)
    across, down = slope(3 * x - 2 * y, 1.0)
    np.testing.assert_allclose(across[20:-20, 20:-20], 3, rtol=1e-4)
    np.testing.assert_allclose(down[20:-20, 20:-20], -2, rtol=1e-4)


def test_step_rises_over_its_width():
    np.testing.assert_allclose(step(np.array([-3, -1, 0, 0.5, 1, 3.0]), 2.0), [0, 0, 0.5, 0.75, 1, 1])


def test_smooth_noise_has_no_short_waves():
    frequency, power = rings(smooth_noise(stream("smooth"), 224, 20).astype(np.float64))
    assert power[frequency > 224 / 20].sum() < 1e-6 * power.sum()
