"""Statistics of packed covariances, by their definitions, in single precision too."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
import torch
from conftest import assert_close

from gramstyle.gram import STATISTICS, Statistic, from_packed_moments, gram, pack


@pytest.fixture
def features(generator):
    """Rectified features (3, 5, 4, 6), of which one channel is dead in one image."""
    made = (torch.randn(3, 5, 4, 6, generator=generator, dtype=torch.float64) + 0.5).relu()
    made[1, 2] = 0
    return made


def moments(features):
    gaussian = gram(features, statistic="gaussian")
    return gaussian[..., :-1], gaussian[..., -1]


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_statistic_by_its_definition(name, dtype, features):
    statistic = STATISTICS[name]
    covariance, mean = moments(features.to(dtype))
    found = from_packed_moments(pack(covariance), mean, statistic)
    assert found.dtype == dtype
    for row, one in enumerate(features.numpy()):
        expected = oracles.statistic(name, one)
        upper = expected[np.triu_indices(5)] if statistic.is_matrix else expected
        assert_close(found[row], upper)


def test_one_channel(features):
    covariance, mean = moments(features[:, :1])
    for statistic in Statistic:
        found = from_packed_moments(pack(covariance), mean, statistic)
        assert found.shape == (3, *((1,) if statistic.is_matrix else statistic.shape(1)))
