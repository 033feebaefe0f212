"""What shuffles, shifts, samples and softmaxes keep and what they destroy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
import torch
from conftest import assert_close

from gramstyle.diagnose import (
    moments,
    scale,
    shift_independently,
    shuffle_independently,
    shuffle_jointly,
    softmax_channel,
    softmax_global,
    subsample,
)
from gramstyle.gram import gram

RANDOM = (shuffle_jointly, shuffle_independently, shift_independently)


@pytest.fixture
def alike(generator):
    """Features (2, 6, 15, 14) whose channels share nearly everything."""
    common = torch.randn(2, 1, 15, 14, generator=generator, dtype=torch.float64)
    return common + 0.1 * torch.randn(2, 6, 15, 14, generator=generator, dtype=torch.float64) + 1


@pytest.mark.parametrize("move", RANDOM, ids=lambda one: one.__name__)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_every_channel_keeps_its_values(move, layout, alike, generator):
    given = alike.to(memory_format=layout)
    moved = move(given, generator)
    assert moved.shape == alike.shape
    assert not torch.equal(moved, alike)
    assert torch.equal(given, alike)
    for channel, original in zip(moved.flatten(0, 1), alike.flatten(0, 1), strict=True):
        assert np.array_equal(np.sort(channel.numpy(), axis=None), np.sort(original.numpy(), axis=None))


def test_a_joint_shuffle_changes_no_gram_matrix(alike, generator):
    moved = shuffle_jointly(alike, generator)
    for statistic in ("gram", "covariance", "correlation", "gaussian"):
        assert_close(gram(moved, statistic=statistic), gram(alike, statistic=statistic))


@pytest.mark.parametrize("move", [shuffle_independently, shift_independently])
def test_independent_moves_keep_the_diagonal_and_destroy_the_rest(move, alike, generator):
    (S, mu), (moved, moved_mu) = moments(alike), moments(move(alike, generator))
    assert_close(moved_mu, mu)
    assert_close(moved.diagonal(dim1=1, dim2=2), S.diagonal(dim1=1, dim2=2))
    apart = ~torch.eye(6, dtype=torch.bool)
    r = (moved / S.diagonal(dim1=1, dim2=2).mean())[:, apart]
    assert (S[:, apart] > 0.9).all()
    assert r.abs().max() < 4 / np.sqrt(15 * 14)  # four standard deviations of chance


def test_a_shift_keeps_neighbours_and_a_shuffle_does_not(generator):
    ramp = torch.arange(8.0)[:, None] * 100 + torch.arange(5.0)
    features = ramp.expand(1, 3, 8, 5)
    for channel in shift_independently(features, generator)[0]:
        ((row, column),) = (channel == 0).nonzero().tolist()
        assert torch.equal(channel.roll((-row, -column), (0, 1)), ramp)
    steps = shuffle_independently(features, generator)[0].diff(dim=2)
    assert (steps == 1).float().mean() < 0.5


def test_no_two_channels_are_shifted_alike_while_there_are_shifts(generator):
    features = torch.arange(20.0).view(1, 1, 4, 5).expand(3, 20, 4, 5)
    for image in shift_independently(features, generator):
        assert len({tuple(one.flatten().tolist()) for one in image}) == 20
    more = shift_independently(features[:1].repeat(1, 2, 1, 1)[:, :33], generator)[0]
    assert len({tuple(one.flatten().tolist()) for one in more}) == 20


def test_images_and_channels_move_each_on_their_own(generator):
    same = torch.arange(210.0).view(1, 1, 15, 14).expand(2, 3, 15, 14)
    joint = shuffle_jointly(same, generator)
    assert torch.equal(joint[0, 0], joint[0, 1])
    assert not torch.equal(joint[0, 0], joint[1, 0])
    for move in (shuffle_independently, shift_independently):
        maps = move(same, generator).flatten(0, 1)
        assert len({tuple(one.flatten().tolist()) for one in maps}) == 6


def test_samples_are_positions_drawn_once(alike, generator):
    some = subsample(alike, 49, generator)
    assert some.shape == (2, 6, 1, 49)
    for image, chosen in zip(alike, some, strict=True):
        columns = {tuple(column) for column in image.flatten(1).T.tolist()}
        drawn = [tuple(column) for column in chosen.flatten(1).T.tolist()]
        assert len(set(drawn)) == 49
        assert set(drawn) <= columns
    every = subsample(alike, 210, generator)
    assert_close(gram(every), gram(alike))


def test_the_same_seed_moves_the_same(alike):
    for move in (*RANDOM, lambda x, g: subsample(x, 7, g)):
        one, again, other = (move(alike, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
        assert torch.equal(one, again)
        assert not torch.equal(one, other)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 5.0])
def test_softmaxes_are_those_of_scipy(temperature, alike):
    every, channels = softmax_global(alike, temperature), softmax_channel(alike, temperature)
    for image, one, two in zip(alike.numpy(), every, channels, strict=True):
        z = image / (temperature * image.std())
        assert_close(one, scipy.special.softmax(z) * image.size)
        assert_close(two, scipy.special.softmax(z, axis=0) * len(image))


def test_softmaxes_have_mean_one_and_do_not_know_the_scale(alike):
    assert_close(softmax_global(alike).mean((1, 2, 3)), torch.ones(2))
    assert_close(softmax_channel(alike).mean(1), torch.ones(2, 15, 14))
    for smooth in (softmax_global, softmax_channel):
        assert_close(smooth(1e6 * alike), smooth(alike), tolerance=1e-9)
    assert_close(softmax_global(alike, 1e4), torch.ones_like(alike), tolerance=1e-2)


def test_softmax_of_a_deep_map_stays_in_range():
    """Unscaled, entries of such a Gram matrix are near 1e-12; in half precision nothing is left."""
    deep = torch.randn(1, 512, 28, 28, generator=torch.Generator().manual_seed(0)).half()
    smooth = softmax_global(deep)
    assert smooth.dtype == torch.float32
    assert float(smooth.mean()) == pytest.approx(1, rel=1e-4)
    assert float(gram(smooth).mean()) == pytest.approx(1, rel=0.05)


def test_features_that_are_all_the_same_become_ones():
    for smooth in (softmax_global, softmax_channel):
        assert_close(smooth(torch.full((1, 3, 4, 4), 2.5)), torch.ones(1, 3, 4, 4))


def test_scale_multiplies_the_gram_by_its_square(alike):
    assert_close(gram(scale(alike, 0.001)), 1e-6 * gram(alike))


def test_wrong_arguments_are_refused(alike, generator):
    for move in RANDOM:
        with pytest.raises(ValueError, match=r"features must be \(B, C, H, W\), got shape \(6, 15, 14\)"):
            move(alike[0], generator)
    for positions in (0, 211):
        with pytest.raises(
            ValueError, match=rf"positions must be between 1 and the 210 of features .*, got {positions}"
        ):
            subsample(alike, positions, generator)
    for smooth in (softmax_global, softmax_channel):
        with pytest.raises(ValueError, match="temperature must be greater than 0, got 0"):
            smooth(alike, 0.0)
    with pytest.raises(ValueError, match="alpha must be greater than 0, got 0"):
        scale(alike, 0.0)
