"""From pictures to diagnoses: pooled, per image, and side by side."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from conftest import assert_close

from gramstyle.diagnose import PER_IMAGE, TapGathering, diagnose_features, linear_cka, moments, second_moment
from gramstyle.diagnosis import cka_between, cka_json, diagnose
from gramstyle.errors import StyleError, UnknownNameError
from gramstyle.extract import Extractor
from gramstyle.images import Picture
from gramstyle.types import TapSpec

BACKBONE = "mobilenet_v2@random:0"
TAPS = ("block1", "block2_expand")
SETTINGS = {"resize": "none", "device": "cpu"}


def pictures(*sizes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        Picture(pixels=torch.rand(3, *size, generator=generator), alpha=None, name=f"picture {place}")
        for place, size in enumerate(sizes)
    ]


SIZES = ((48, 64), (48, 64), (40, 40), (48, 64), (64, 33))


@pytest.fixture(scope="module")
def extractor():
    return Extractor(BACKBONE, TAPS, device="cpu")


@pytest.fixture(scope="module")
def diagnosis():
    return diagnose(pictures(*SIZES), BACKBONE, TAPS, **SETTINGS)


def test_every_image_has_every_diagnostic_of_its_features(diagnosis, extractor):
    assert [image.name for image in diagnosis.images] == [f"picture {place}" for place in range(5)]
    assert [(image.height, image.width) for image in diagnosis.images] == list(SIZES)
    for row, picture in enumerate(pictures(*SIZES)):
        with torch.no_grad():
            features = extractor(picture.pixels[None])
        for name, one in features.items():
            tap = diagnosis.taps[name]
            assert tuple(tap.per_image) == PER_IMAGE
            assert tap.positions[row] == one.shape[2] * one.shape[3]
            truth = diagnose_features(one, torch.Generator())
            for diagnostic in set(PER_IMAGE) - {
                "shuffled_correlation",
                "shifted_correlation",
                "excess_correlation",
            }:
                if not torch.isnan(truth[diagnostic]):
                    found = tap.per_image[diagnostic][row]
                    assert_close(found, truth[diagnostic][0], tolerance=1e-4)  # batches round otherwise


def test_pooled_values_are_of_all_positions_of_all_images(diagnosis, extractor):
    with torch.no_grad():
        each = [extractor(one.pixels[None]) for one in pictures(*SIZES)]
    for name, tap in diagnosis.taps.items():
        flat = np.concatenate([one[name][0].double().flatten(1).numpy() for one in each], axis=1)
        S = np.cov(flat, ddof=0)
        assert tap.pooled["participation_ratio"] == pytest.approx(np.trace(S) ** 2 / np.sum(S**2), rel=1e-4)
        r = np.abs(np.corrcoef(flat))[np.triu_indices(len(S), 1)]
        assert tap.pooled["mean_absolute_correlation"] == pytest.approx(r.mean(), rel=1e-4)
        energies = np.sort((flat**2).mean(1))
        assert tap.pooled["top5_share"] == pytest.approx(energies[-5:].sum() / energies.sum(), rel=1e-4)
        assert tap.pooled["correlation_bias"] == pytest.approx(math.sqrt(2 / (math.pi * flat.shape[1])))


def test_quartiles_leave_undefined_values_out(diagnosis):
    tap = diagnosis.taps["block1"]
    values = tap.per_image["participation_ratio"]
    found = tap.quartiles("participation_ratio")
    assert [found.lower, found.median, found.upper] == pytest.approx(np.quantile(values, [0.25, 0.5, 0.75]))
    tap.per_image["participation_ratio"][0], kept = math.nan, float(values[0])
    try:
        assert tap.quartiles("participation_ratio").median == pytest.approx(np.median(values[1:]))
    finally:
        values[0] = kept
    assert math.isnan(tap.quartiles("power_law").median)
    with pytest.raises(
        UnknownNameError, match=r"diagnostic must be one of: participation_ratio, .*got 'participation'"
    ):
        tap.quartiles("participation")


def test_neither_batches_nor_other_taps_change_the_nulls(diagnosis):
    other = diagnose(pictures(*SIZES), BACKBONE, TAPS[1:], batch_size=1, **SETTINGS)
    for name in ("shuffled_correlation", "shifted_correlation"):
        one, two = (which.taps[TAPS[1]].per_image[name] for which in (diagnosis, other))
        assert_close(two, one, tolerance=1e-4)
        assert len(set(one.tolist())) == 5
    reseeded = diagnose(pictures(*SIZES[:1]), BACKBONE, TAPS[1:], seed=1, **SETTINGS).taps[TAPS[1]]
    assert float(reseeded.per_image["shuffled_correlation"]) != pytest.approx(float(one[0]), rel=1e-3)


def test_each_picture_has_draws_of_its_own():
    twice = pictures(SIZES[0]) * 2
    tap = diagnose(twice, BACKBONE, TAPS[1:], **SETTINGS).taps[TAPS[1]]
    assert len(set(tap.per_image["mean_absolute_correlation"].tolist())) == 1
    for name in ("shuffled_correlation", "shifted_correlation"):
        assert len(set(tap.per_image[name].tolist())) == 2


def gram_vectors(extractor, name):
    with torch.no_grad():
        each = [extractor(one.pixels[None])[name] for one in pictures(*SIZES)]
    return torch.stack([second_moment(*moments(one)).flatten() for one in each])


def test_kernels_are_inner_products_of_gram_matrices_and_means(diagnosis, extractor):
    for name, tap in diagnosis.taps.items():
        flat = gram_vectors(extractor, name)
        assert_close(tap.kernels["grams"], flat @ flat.T, tolerance=1e-4)
    truth = linear_cka(*(gram_vectors(extractor, name) for name in TAPS))
    found = cka_between(diagnosis, diagnosis)
    assert_close(found[0, 1], truth, tolerance=1e-3)
    assert_close(found, found.T)
    assert_close(found.diagonal(), torch.ones(2))
    with torch.no_grad():
        means = [
            torch.stack([extractor(one.pixels[None])[name].mean((0, 2, 3)) for one in pictures(*SIZES)])
            for name in TAPS
        ]
    biased = cka_between(diagnosis, diagnosis, "means", "biased")
    assert_close(biased[0, 1], linear_cka(*means, "biased"), tolerance=1e-3)


def test_two_networks_align_over_the_same_images(diagnosis):
    other = diagnose(pictures(*SIZES), "timm:test_efficientnet@random:1", ["blocks.0"], **SETTINGS)
    assert cka_between(diagnosis, other).shape == (2, 1)
    assert_close(cka_between(other, diagnosis), cka_between(diagnosis, other).T)
    assert (
        cka_json(diagnosis, other)["grams"]["biased"][0]
        == cka_between(diagnosis, other, estimator="biased")[0].tolist()
    )
    fewer = diagnose(pictures(*SIZES[:3]), BACKBONE, TAPS, **SETTINGS)
    with pytest.raises(
        StyleError, match="the same images in the same order: mobilenet_v2@random:0 saw 5 and"
    ):
        cka_between(diagnosis, fewer)
    with pytest.raises(UnknownNameError, match="representation must be one of: grams, means"):
        cka_between(diagnosis, diagnosis, "gram")
    assert list(cka_json(fewer, fewer)["means"]) == ["biased"]


def test_json_holds_everything_and_no_nan(diagnosis):
    plain = json.loads(json.dumps(diagnosis.as_json(), allow_nan=False))
    assert plain["settings"] == {"backbone": BACKBONE, "resize": "none", "seed": 0}
    assert len(plain["weights"]["sha256"]) == 64
    tap = plain["taps"][0]
    assert (tap["tap"], tap["channels"], tap["reduction"], tap["kind"]) == ("block1", 16, 2, "block")
    assert (
        tap["per_image"]["participation_ratio"]["values"]
        == diagnosis.taps["block1"].per_image["participation_ratio"].tolist()
    )
    assert tap["per_image"]["power_law"] == {
        "values": [None] * 5,
        "lower": None,
        "median": None,
        "upper": None,
    }
    assert "must be at least 22: C = 16" in tap["no_power_law"][0]
    assert set(plain["cka"]["grams"]) == {"debiased", "biased"}
    assert set(tap["across_images"]) == {"energy_variation", "gram_cosine", "norm_share"}


def test_channels_that_are_dead_over_the_whole_set_are_named():
    tap = TapSpec(name="t", module="m", channels=3, reduction=1, kind="relu")
    gathering = TapGathering(tap)
    features = torch.rand(2, 1, 3, 4, 4)
    features[:, :, 2] = 0  # dead everywhere
    features[0, :, 1] = 0  # dead in the first image only
    for one in features:
        gathering.add(one, torch.Generator())
    found = gathering.diagnosis()
    assert found.dead == (2,)
    assert found.per_image["dead_share"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert found.pooled["dead_share"] == pytest.approx(1 / 3)
    with pytest.raises(
        ValueError, match=r"features of tap t must be \(1, 3, H, W\), got shape \(2, 3, 4, 4\)"
    ):
        gathering.add(features[:, 0], torch.Generator())
    with pytest.raises(StyleError, match="at least one image to diagnose at tap t, got none"):
        TapGathering(tap).diagnosis()


def test_every_resolution_is_diagnosed_where_no_taps_are_named():
    found = diagnose(pictures((40, 40)), BACKBONE, **SETTINGS)
    assert tuple(found.taps) == ("block1", "block3", "block6", "block13")


def test_progress_counts_pictures():
    seen = []
    diagnose(pictures(*SIZES[:3]), BACKBONE, TAPS[:1], progress=lambda *now: seen.append(now), **SETTINGS)
    assert seen == [(f"diagnosing {BACKBONE}", done, 3) for done in (1, 2, 3)]
    unsized = []
    diagnose(
        iter(pictures(SIZES[0])), BACKBONE, TAPS[:1], progress=lambda *now: unsized.append(now), **SETTINGS
    )
    assert unsized == [(f"diagnosing {BACKBONE}", 1, None)]


def test_pictures_too_small_are_refused_or_skipped():
    given = pictures((48, 64), (1, 40))
    with pytest.raises(
        StyleError, match=r"picture 1: 1 x 40 pixels are too few .* need 2 x 2: use a shallower"
    ):
        diagnose(given, BACKBONE, TAPS, **SETTINGS)
    skipped = []
    found = diagnose(given, BACKBONE, TAPS, skipped=skipped, **SETTINGS)
    assert [image.name for image in found.images] == ["picture 0"]
    assert [one.name for one in skipped] == ["picture 1"]
    assert all(math.isnan(value) for value in found.taps["block1"].across.values())


def test_wrong_arguments_are_refused():
    with pytest.raises(StyleError, match="there must be at least one image to diagnose, got none"):
        diagnose([], BACKBONE, TAPS, **SETTINGS)
    with pytest.raises(ValueError, match="seed must be 0 or more, got -1"):
        diagnose(pictures(SIZES[0]), BACKBONE, seed=-1)
    with pytest.raises(ValueError, match="batch_size must be greater than 0, got 0"):
        diagnose(pictures(SIZES[0]), BACKBONE, batch_size=0)
    with pytest.raises(ValueError, match="resize must be 'short:512'"):
        diagnose(pictures(SIZES[0]), BACKBONE, resize="large")
