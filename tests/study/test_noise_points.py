"""The noise floor: by the formula, and of Gaussian features whose floor is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from study.evidence_cases import Case, tap

from gramstyle.diagnose import subsample
from gramstyle.gram import pack
from gramstyle.study.assess import Assessor
from gramstyle.study.labels import Labels
from gramstyle.study.matrices import Moments, matrices
from gramstyle.study.measure import facts
from gramstyle.study.noise import EFFECTIVE, noise_points

NET = "resnet18@IMAGENET1K_V1"
KNOWN = {"near": 3.0, "far": 5.0, "participation": 9.0, "floor": 25.0, "square": 2.0}


def covariances(case, where="one", **changed):
    return case.at(NET, where, **{"statistic": "covariance", **changed})


def one_tap(effective=20.0, positions=101):
    case = Case().network(NET, tap("one", positions=positions), "two")
    return case.diagnose(NET, "one", EFFECTIVE, effective)


def test_a_point_by_hand():
    case = one_tap()
    condition = covariances(case)
    case.measure(condition, 0.3, "contrast")
    (point,) = noise_points(case.evidence(), {condition: KNOWN})
    assert point.condition == condition
    assert (point.participation, point.effective, point.contrast) == (9.0, 20.0, 0.3)
    assert point.noise == pytest.approx(2 * (9 + 1) / 20)
    assert point.measured_noise == pytest.approx(3 / 2)
    # the floor is 2 x 25 / 20 = 2.5, and styles add 5 - 3 to it
    assert point.predicted == pytest.approx(math.sqrt(1 + 2 / 2.5) - 1)


def test_styles_nearer_than_images_of_one_are_predicted_so_down_to_nothing():
    case = one_tap()
    condition = covariances(case)
    case.measure(condition, -0.1, "contrast")
    (point,) = noise_points(case.evidence(), {condition: {**KNOWN, "far": 1.0}})
    assert point.predicted == pytest.approx(math.sqrt(1 - 2 / 2.5) - 1)
    (point,) = noise_points(case.evidence(), {condition: {**KNOWN, "near": 30.0}})
    assert point.predicted == -1


@pytest.mark.parametrize(
    ("effective", "drawn", "worth"),
    [
        (101.0, 50, 50),  # independent positions: as many as were drawn
        (101.0, 101, 101),  # all of them
        (1.0, 50, 1),  # all positions alike: one, however many are drawn
        (20.0, 11, 1 / (1 / 20 + 90 / (11 * 100) * (1 - 1 / 20))),
    ],
)
def test_drawn_positions_carry_the_noise_of_the_map_and_of_the_draw(effective, drawn, worth):
    case = one_tap(effective)
    condition = covariances(case, features=f"subsample:{drawn}")
    case.measure(condition, 0.3, "contrast")
    (point,) = noise_points(case.evidence(), {condition: KNOWN})
    assert point.effective == pytest.approx(worth)
    assert point.noise == pytest.approx(20 / worth)


def test_points_are_of_features_as_they_are_or_drawn_and_of_what_was_measured():
    case = one_tap()
    case.diagnose(NET, "two", EFFECTIVE, float("nan"))
    there = [covariances(case), covariances(case, features="subsample:50")]
    left = [
        covariances(case, input="grayscale"),
        covariances(case, features="shuffled-independently"),
        covariances(case, features="softmax-global"),
        covariances(case, channels="projected:16"),
        covariances(case, features="subsample:50", channels="projected:16"),
        covariances(case, "two"),
        covariances(case, "three"),
    ]
    for one in (*there, *left):
        case.measure(one, 0.3, "contrast")
    unmeasured = covariances(case, metric="relative-frobenius")
    known = {one: KNOWN for one in (*there, *left, unmeasured)}
    empty = case.at(NET, "one")
    case.measure(empty, 0.3, "contrast")
    points = noise_points(case.evidence(), {**known, empty: {}})
    assert [one.condition for one in points] == there


STYLES, IMAGES, CHANNELS, SIDE = 6, 12, 16, 20


def spectra(seed, strength):
    """Channel variances k^-1 of each style, each changed by exp(strength z), of equal energy, (6, C)."""
    draw = np.random.default_rng(seed)
    base = 1 / np.arange(1, CHANNELS + 1)
    changed = base * np.exp(strength * draw.standard_normal((STYLES, CHANNELS)))
    return changed / changed.sum(axis=1, keepdims=True)


def gaussian_maps(seed, strength, block=1):
    """Features (72, C, 20, 20) of independent blocks of `block` x `block` equal positions."""
    draw = torch.Generator().manual_seed(seed)
    scale = torch.tensor(spectra(seed, strength)).sqrt().repeat_interleave(IMAGES, 0)
    side = SIDE // block
    white = torch.randn(STYLES * IMAGES, CHANNELS, side, side, generator=draw, dtype=torch.float64)
    whole = white.repeat_interleave(block, 2).repeat_interleave(block, 3)
    return whole * scale[:, :, None, None]


def measured(features, effective, changed=None):
    """The point of these features, everything measured as a study does."""
    labels = Labels(styles=[f"s{style}" for style in range(STYLES) for _ in range(IMAGES)])
    flat = features.flatten(2)
    mean = flat.mean(2)
    about = flat - mean[..., None]
    packed = pack(about @ about.mT / flat.shape[2])
    moments = Moments(packed.float(), mean.float(), torch.full((len(flat),), float(SIDE**2)))
    case = one_tap(effective, SIDE**2)
    condition = covariances(case, **(changed or {}))
    ((_, matrix),) = matrices(moments, [condition], range(len(flat)), 0)
    assessor = Assessor(labels, (), draws=2, permutations=1, level=0.95, seed=0)
    known = facts(condition, moments, matrix, assessor)
    near, far = assessor.parts["all"].questions["style"].split(matrix)
    case.measure(condition, far.mean() / near.mean() - 1, "contrast")
    (point,) = noise_points(case.evidence(), {condition: known})
    return point


def theory(seed, strength, effective):
    """Noise and contrast from the covariances that were drawn from, style by style."""
    styles = spectra(seed, strength)
    floors, norms, ratios = [], [], []
    for one in styles:
        floors.append(2 * (sum(one) ** 2 + sum(one**2)) / effective)
        norms.append(sum(one**2))
        ratios.append(sum(one) ** 2 / sum(one**2))
    apart = [sum((styles[i] - styles[j]) ** 2) for i in range(STYLES) for j in range(i)]
    contrast = math.sqrt(1 + np.mean(apart) / np.mean(floors)) - 1
    return np.mean(floors) / np.mean(norms), contrast, np.median(ratios)


@pytest.mark.parametrize("strength", [0.2, 0.5, 1.0])
def test_gaussian_features_lie_as_far_apart_as_theory_says(strength):
    effective = SIDE**2
    point = measured(gaussian_maps(1, strength), effective)
    noise, contrast, participation = theory(1, strength, effective)
    assert point.participation == pytest.approx(participation, rel=0.15)
    assert point.noise == pytest.approx(noise, rel=0.15)
    assert point.measured_noise == pytest.approx(noise, rel=0.15)
    assert point.predicted == pytest.approx(contrast, rel=0.15)
    assert point.contrast == pytest.approx(contrast, rel=0.15)


@pytest.mark.parametrize(("block", "drawn"), [(1, 200), (1, 49), (2, 200), (2, 100)])
def test_drawn_positions_lie_as_far_apart_as_theory_says(block, drawn):
    effective = (SIDE / block) ** 2
    generator = torch.Generator().manual_seed(0)
    features = subsample(gaussian_maps(2, 0.5, block), drawn, generator)
    point = measured(features, effective, {"features": f"subsample:{drawn}"})
    if block == 1:
        assert point.effective == pytest.approx(drawn)
    noise, contrast, _ = theory(2, 0.5, point.effective)
    # a sample of few positions has a larger |S|^2, which both figures are shares of
    assert point.measured_noise == pytest.approx(point.noise, rel=0.1)
    assert point.noise == pytest.approx(noise, rel=0.25)
    assert point.predicted == pytest.approx(contrast, rel=0.15)
    assert point.contrast == pytest.approx(contrast, rel=0.15)
