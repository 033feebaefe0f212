"""Arms: what each does, by formulas; how their names are read."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from conftest import assert_close
from study.textures import textures

from gramstyle.errors import UnknownNameError
from gramstyle.images import color_moments, grayscale
from gramstyle.study.arms import (
    CHANNELS,
    FEATURES,
    INPUTS,
    NUMBERED,
    WHITENING_RIDGE,
    Reference,
    channel_arm,
    feature_arm,
    input_arm,
)

C = 6
POOLED = ["rotated", "eigenbasis", "whitened", "standardised", "projected:4", "subset:4", "drop-top:2"]


@pytest.fixture
def reference():
    """Pooled moments of channels that differ in mean and spread, and share much."""
    draw = np.random.default_rng(0)
    values = draw.standard_normal((C, C)) @ draw.standard_normal((C, 400)) + np.arange(C)[:, None]
    return Reference(
        covariance=torch.from_numpy(np.cov(values, ddof=0)), mean=torch.from_numpy(values.mean(1))
    )


@pytest.fixture
def pixels():
    return textures().items[1].origin.picture().pixels


def built(name, reference, seed=0):
    """Matrix and offset of a channel arm, as arrays."""
    made = channel_arm(name).build(reference, torch.Generator().manual_seed(seed))
    offset = np.zeros(C) if made.offset is None else made.offset.numpy()
    return made.matrix.numpy(), offset


@pytest.mark.parametrize(
    ("table", "find"), [(INPUTS, input_arm), (FEATURES, feature_arm), (CHANNELS, channel_arm)]
)
def test_every_arm_is_found_by_its_name_and_says_what_it_does(table, find):
    for kind in table:
        name = f"{kind}:12" if kind in NUMBERED else kind
        arm = find(name)
        assert arm.name == name
        assert arm.summary
        assert "12" in arm.summary or kind not in NUMBERED


@pytest.mark.parametrize(
    ("find", "name", "message"),
    [
        (input_arm, "greyscale", r"input arm must be one of: grayscale, .*; got 'greyscale'"),
        (feature_arm, "shuffled", r"features arm must be one of: shuffled-jointly, .*; got 'shuffled'"),
        (channel_arm, "rotate", r"channels arm must be one of: rotated, .*; got 'rotate'"),
        (channel_arm, "as-is", r"channels arm must be one of: .*; got 'as-is'"),
    ],
)
def test_other_names_are_refused(find, name, message):
    with pytest.raises(UnknownNameError, match=message):
        find(name)


@pytest.mark.parametrize(
    ("find", "name", "wanted"),
    [
        (feature_arm, "subsample", "subsample:NUMBER, with a whole number from 1"),
        (feature_arm, "subsample:", "subsample:NUMBER, with a whole number from 1"),
        (feature_arm, "subsample:0", "subsample:NUMBER, with a whole number from 1"),
        (feature_arm, "subsample:00", "subsample:NUMBER, with a whole number from 1"),
        (feature_arm, "subsample:1.5", "subsample:NUMBER, with a whole number from 1"),
        (channel_arm, "projected:-3", "projected:NUMBER, with a whole number from 1"),
        (input_arm, "size:big", "size:NUMBER, with a whole number from 1"),
        (input_arm, "grayscale:3", "grayscale"),
        (channel_arm, "rotated:", "rotated"),
    ],
)
def test_numbers_are_whole_and_stand_where_they_belong(find, name, wanted):
    with pytest.raises(ValueError, match=rf"arm must be written {wanted}; got '{name}'$"):
        find(name)


def test_grey_images_and_sizes(pixels):
    reference = Reference(covariance=torch.eye(3), mean=torch.zeros(3))
    assert torch.equal(input_arm("as-is").apply(pixels, reference), pixels)
    assert torch.equal(input_arm("grayscale").apply(pixels, reference), grayscale(pixels))
    assert input_arm("grayscale").resize is None
    assert torch.equal(input_arm("size:32").apply(pixels, reference), pixels)
    assert input_arm("size:32").resize == "short:32"
    assert [kind for kind, arm in INPUTS.items() if arm(kind, 1).fitted] == ["colour-matched"]


def test_matched_colours_have_the_moments_of_the_corpus(pixels):
    wanted = Reference(
        covariance=torch.tensor([[4e-3, 1e-3, 0], [1e-3, 3e-3, 0], [0, 0, 2e-3]], dtype=torch.float64),
        mean=torch.tensor([0.5, 0.4, 0.6], dtype=torch.float64),
    )
    mean, covariance = color_moments(input_arm("colour-matched").apply(pixels, wanted))
    assert_close(mean, wanted.mean, tolerance=1e-6)
    assert_close(covariance, wanted.covariance, tolerance=1e-5)  # pixels are float32
    bright = Reference(covariance=wanted.covariance, mean=wanted.mean + 0.4)
    assert input_arm("colour-matched").apply(pixels, bright).max() == 1  # never out of range


def test_feature_arms_by_what_they_leave(feature_map, generator):
    """Features (2, 5, 6, 7)."""

    def apply(name):
        return feature_arm(name).apply(feature_map, generator)

    flat = feature_map.flatten(2)
    assert torch.equal(apply("as-is"), feature_map)
    jointly, independently, shifted = (
        apply(f"{name}ly") for name in ("shuffled-joint", "shuffled-independent", "shifted-independent")
    )
    for one in (jointly, independently, shifted):
        assert one.shape == feature_map.shape
        assert torch.equal(one.flatten(2).sort().values, flat.sort().values)  # each channel's own values
    assert_close(jointly.flatten(2) @ jointly.flatten(2).mT, flat @ flat.mT)
    for one in (independently, shifted):
        apart = (one.flatten(2) @ one.flatten(2).mT - flat @ flat.mT).abs()
        assert (apart.masked_fill(torch.eye(5, dtype=torch.bool), 9) > 1e-6).all()
        assert_close(one.square().sum((2, 3)), feature_map.square().sum((2, 3)))
    few = apply("subsample:4")
    assert few.shape == (2, 5, 1, 4)
    for image in range(2):
        columns = {tuple(column.tolist()) for column in flat[image].T}
        assert len({tuple(column.tolist()) for column in few[image, :, 0].T} & columns) == 4


def test_softmax_is_one_standard_deviation_warm(feature_map, generator):
    for image in feature_map.numpy():
        warm = np.exp(image / image.std())
        one = torch.from_numpy(image)[None]
        over_all = feature_arm("softmax-global").apply(one, generator)[0]
        assert_close(over_all, warm / warm.sum() * image.size)
        over_channels = feature_arm("softmax-channel").apply(one, generator)[0]
        assert_close(over_channels, warm / warm.sum(0) * len(image))


@pytest.mark.parametrize("temperature", ["0.3", "3", "1e1"])
def test_softmax_is_as_warm_as_it_says(temperature, feature_map, generator):
    for image in feature_map.numpy():
        warm = np.exp(image / image.std() / float(temperature))
        one = torch.from_numpy(image)[None]
        over_all = feature_arm(f"softmax-global:{temperature}").apply(one, generator)[0]
        assert_close(over_all, warm / warm.sum() * image.size)
        over_channels = feature_arm(f"softmax-channel:{temperature}").apply(one, generator)[0]
        assert_close(over_channels, warm / warm.sum(0) * len(image))


@pytest.mark.parametrize(
    "name", ["softmax-global:0", "softmax-channel:-1", "softmax-global:", "softmax-global:x"]
)
def test_a_temperature_is_a_number_above_0(name):
    with pytest.raises(ValueError, match=r"softmax-.*T greater than 0"):
        feature_arm(name)


@pytest.mark.parametrize("name", FEATURES)
def test_feature_arms_say_how_many_positions_they_need_and_leave(name, feature_map, generator):
    arm = feature_arm(f"{name}:41" if name in NUMBERED else name)
    left = arm.apply(feature_map, generator).flatten(2).shape[2]
    assert left == (42 if arm.kept is None else arm.kept)
    assert arm.least == (42 if name == "subsample" else 2 if name.startswith("sh") else 1)


def test_a_rotation_is_drawn_and_orthogonal(reference):
    matrix, offset = built("rotated", reference)
    assert_close(matrix @ matrix.T, np.eye(C), tolerance=1e-12)
    assert not offset.any()
    assert np.array_equal(built("rotated", reference)[0], matrix)
    assert not np.allclose(built("rotated", reference, seed=1)[0], matrix)


def test_arms_that_are_fitted_do_to_the_reference_what_they_are_for(reference):
    S, mu = reference.covariance.numpy(), reference.mean.numpy()
    values = np.linalg.eigvalsh(S)
    turned, _ = built("eigenbasis", reference)
    assert_close(turned @ S @ turned.T, np.diag(values[::-1]), tolerance=1e-12)
    white, _ = built("whitened", reference)
    left = values / (values + WHITENING_RIDGE * values.mean())
    assert_close(np.linalg.eigvalsh(white @ S @ white.T), np.sort(left), tolerance=1e-11)
    standard, offset = built("standardised", reference)
    assert_close(np.diag(standard @ S @ standard.T), np.ones(C), tolerance=1e-12)
    assert_close(standard @ (mu - offset) + 1, np.ones(C), tolerance=1e-12)


def test_arms_that_leave_channels_out(reference):
    projected, _ = built("projected:4", reference)
    assert_close(projected @ projected.T, np.eye(4) * C / 4, tolerance=1e-12)
    chosen, _ = built("subset:4", reference)
    rows = chosen.argmax(1)
    assert list(rows) == sorted(set(rows))
    assert np.array_equal(chosen, np.eye(C)[rows])
    dropped, _ = built("drop-top:2", reference)
    # the mean counts: energy is that of the Gram matrix
    energy = [float(reference.covariance[i, i] + reference.mean[i] ** 2) for i in range(C)]
    assert np.array_equal(dropped, np.eye(C)[sorted(np.argsort(energy)[: C - 2])])
    variances = reference.covariance.diagonal().numpy()
    assert not np.array_equal(dropped, np.eye(C)[sorted(np.argsort(variances)[: C - 2])])


@pytest.mark.parametrize("name", POOLED)
def test_channel_arms_can_be_made_of_as_many_channels_as_they_say(name):
    least = channel_arm(name).least
    assert least == {"projected:4": 5, "subset:4": 5, "drop-top:2": 4}.get(name, 2)
    covariance = torch.eye(least, dtype=torch.float64)
    reference = Reference(covariance=covariance, mean=torch.arange(least, dtype=torch.float64))
    made = channel_arm(name).build(reference, torch.Generator().manual_seed(0))
    assert made.matrix.shape[1] == least
    assert math.isfinite(float(made.matrix.sum()))
