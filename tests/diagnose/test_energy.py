"""Energy of channels: shares of the largest, and channels that do not vary."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import assert_close

from gramstyle.diagnose import (
    constant_channels,
    constant_share,
    energy_variation,
    moments,
    top_percent,
    top_share,
)
from gramstyle.diagnose.energy import NEAR_CONSTANT


def test_top_shares_are_those_of_sorted_energies(generator):
    energies = torch.rand(3, 250, generator=generator, dtype=torch.float64) ** 4
    for count in (1, 5, 250, 9999):
        truth = [np.sort(one)[::-1][:count].sum() / one.sum() for one in energies.numpy()]
        assert_close(top_share(energies, count), truth)
    assert_close(top_percent(energies), top_share(energies, 3))  # 2.5 channels, rounded up
    assert_close(top_percent(energies[:, :100]), top_share(energies[:, :100], 1))
    assert_close(top_percent(energies[:, :7]), top_share(energies[:, :7], 1))


def test_no_energy_has_no_top():
    assert torch.isnan(top_share(torch.zeros(1, 4), 2)).all()
    with pytest.raises(ValueError, match="count must be greater than 0, got 0"):
        top_share(torch.ones(1, 4), 0)
    with pytest.raises(ValueError, match=r"energies must be \(B, C\).*got shape \(4,\)"):
        top_percent(torch.ones(4))


def test_dead_channels_are_constant_or_far_too_small(generator):
    live = torch.randn(1, 3, 8, 8, generator=generator, dtype=torch.float64)
    noise = torch.randn(1, 1, 8, 8, generator=generator, dtype=torch.float64)
    zero, level = torch.zeros_like(noise), torch.full_like(noise, 40.0)
    features = torch.cat([live, zero, level, level + 1e-7 * noise, 1e-8 * noise, 1e-3 * noise], dim=1)
    found = constant_channels(*moments(features))
    assert found.tolist() == [[False] * 3 + [True] * 4 + [False]]
    assert_close(constant_share(*moments(features)), [4 / 8])
    # its own root mean square is 40 and that of the tap 40 sqrt(2/8) = 20: 1 % of both is more than 0.1
    near = torch.cat([live, level, level, level + 0.3 * noise], dim=1)
    assert constant_channels(*moments(near), NEAR_CONSTANT).tolist() == [[False] * 3 + [True] * 3]
    assert constant_channels(*moments(near)).tolist() == [[False] * 3 + [True] * 2 + [False]]


def test_energy_variation_is_the_spread_over_images():
    equal = torch.tensor([[1.0, 2.0, 3.0]] * 4)
    assert float(energy_variation(equal)) == 0
    hot = torch.eye(4)  # each image has a channel of its own
    # variance of (1, 0, 0, 0) is 3/16 and its mean 1/4
    assert float(energy_variation(hot)) == pytest.approx((3 / 16 / (1 / 16)) ** 0.5)
    assert torch.isnan(energy_variation(equal[:1]))
    assert torch.isnan(energy_variation(torch.zeros(3, 2)))
