"""Histograms of channels, against scipy, POT's one-dimensional transport, and histogram matching."""

import ot
import pytest
import scipy.stats
import torch
from conftest import assert_close
from skimage.exposure import match_histograms

from gramstyle.transfer.histogram import HistogramTarget


def target_of(*styles, relative=False):
    """A target of features (C, P), each with a weight of 1."""
    return HistogramTarget([(one, torch.full(one.shape[1:], 1 / one.shape[1])) for one in styles], relative)


def drawn(seed, channels=3, positions=2000, shift=0.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(channels, positions, generator=generator).relu() + shift


def as_map(flat, height=40):
    return flat.view(1, len(flat), height, -1)


def test_it_is_the_squared_wasserstein_distance_of_each_channel():
    a, b = drawn(0), 1.5 * drawn(1, positions=1400) + 0.2
    pairs = zip(a.double().numpy(), b.double().numpy(), strict=True)
    wanted = sum(ot.wasserstein_1d(x, y, p=2) for x, y in pairs) / 3
    found = target_of(b).loss(as_map(a))
    assert float(found) == pytest.approx(wanted, rel=5e-3)  # 1024 levels of 1400 values


def test_a_shift_costs_its_square():
    flat = drawn(0, positions=1024)
    assert float(target_of(flat + 0.25).loss(as_map(flat, 32))) == pytest.approx(0.0625, rel=1e-4)
    assert float(target_of(flat).loss(as_map(flat, 32))) < 1e-10


def test_the_gradient_points_to_the_matched_values():
    """With as many positions as levels, quantiles are the sorted values themselves."""
    flat, style = drawn(0, positions=1024, shift=0.1), drawn(1, positions=1024)
    x = as_map(flat, 32).clone().requires_grad_()
    target_of(style).loss(x).backward()
    matched = match_histograms(flat.double().numpy().T, style.double().numpy().T, channel_axis=-1).T
    wanted = 2 * (flat.double() - torch.tensor(matched)) / 1024 / 3
    # equal values, here 0.1, are matched to one value by scikit-image, and to as many as there are by us
    several = flat > 0.1
    assert_close(x.grad[0].flatten(1)[several], wanted[several], tolerance=1e-4)


def test_finite_differences(generator):
    """The matched values stay the same for changes that leave the order alone, as the gradient has it."""
    x = torch.randn(1, 2, 6, 7, generator=generator, dtype=torch.float64).requires_grad_()
    weights = torch.rand(6, 7, generator=generator, dtype=torch.float64)
    target = target_of(drawn(3, channels=2, positions=500))
    assert torch.autograd.gradcheck(lambda one: target.loss(one, weights), (x,), eps=1e-6)


def test_weights_count_positions():
    """A position of weight 2 is two positions; of weight 0, none."""
    flat = drawn(4, positions=60)
    weights = torch.arange(60) % 3
    twice = torch.cat([flat[:, weights == 1], flat[:, weights == 2], flat[:, weights == 2]], 1)
    target = target_of(drawn(5))
    found = target.loss(as_map(flat, 6), weights.view(6, 10).float())
    wanted = [
        scipy.stats.wasserstein_distance(one.numpy(), other.numpy())
        for one, other in zip(twice, drawn(5), strict=True)
    ]
    assert float(found) == pytest.approx(float(target.loss(twice.view(1, 3, 1, -1))), rel=0.05)
    assert float(found) >= sum(one**2 for one in wanted) / 3 * 0.95  # W2 is never below W1


def test_positions_of_no_weight_say_nothing():
    """Whatever their values, of few positions, whose quantiles lie between those that are kept."""
    flat = drawn(0, positions=60)
    hidden = torch.cat([flat, torch.full((3, 20), 1000.0), torch.full((3, 20), -1000.0)], 1)
    weights = torch.cat([torch.ones(60), torch.zeros(40)])
    found = HistogramTarget([(hidden, weights)]).loss(as_map(drawn(1), 40))
    assert float(found) == pytest.approx(float(target_of(flat).loss(as_map(drawn(1), 40))), rel=1e-5)


def test_quantiles_are_linear_between_values_and_level_beyond():
    """Of 0 and 1: 0 up to 1/4, 1 from 3/4 on; the mean square is 1/4 and a third of 1/2."""
    found = target_of(torch.tensor([[0.0, 1.0]])).loss(torch.zeros(1, 1, 64, 64))
    assert float(found) == pytest.approx(1 / 4 + 1 / 6, rel=1e-3)


def test_features_in_half_precision_are_compared_in_single():
    features, target = as_map(drawn(1)).bfloat16(), target_of(drawn(0))
    assert target.loss(features) == target.loss(features.float())


def test_styles_are_one_distribution():
    a, b = drawn(0, positions=300), drawn(1, positions=900, shift=1.0)
    blended = HistogramTarget([(a, torch.full((300,), 3 / 300)), (b, torch.full((900,), 1 / 900))])
    drawn_in_those_shares = torch.cat([a.repeat(1, 9), b], 1)
    assert float(blended.loss(as_map(drawn_in_those_shares))) < 1e-4


def test_relative_is_one_for_no_features():
    target = target_of(drawn(0), relative=True)
    assert float(target.loss(torch.zeros(1, 3, 32, 32))) == pytest.approx(1.0, rel=1e-5)
    nothing = target_of(torch.zeros(3, 50), relative=True)  # which has no unit
    assert float(nothing.loss(torch.full((1, 3, 4, 4), 2.0))) == pytest.approx(4.0)


@pytest.mark.parametrize("positions", [1, 2, 5000])
def test_any_number_of_positions(positions):
    flat = drawn(0, positions=positions)
    assert float(target_of(flat).loss(flat.view(1, 3, 1, -1))) < 1e-3
