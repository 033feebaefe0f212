"""Every statistic and norm against the oracle, over types, layouts, sizes and masks."""

import numpy as np
import oracles
import pytest
import torch
from conftest import assert_close

from gramstyle.gram import (
    Norm,
    Statistic,
    correlation,
    covariance,
    from_moments,
    from_packed_moments,
    gram,
    pack,
)
from gramstyle.kernels import available

KERNELS = ("reference", *(("fused",) if available() else ()))
STATISTICS = [one.value for one in Statistic]
WITH_NORM = ["gram", "diagonal", "off-diagonal"]
SETTINGS = [
    *[(kind, norm.value, center) for kind in WITH_NORM for norm in Norm for center in (False, True)],
    *[(kind, "positions", False) for kind in STATISTICS if kind not in WITH_NORM],
]
DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def expected(kind, features, weights=None, norm="positions", center=False):
    """The oracle's value for each image of a batch."""
    images = features.detach().cpu().to(torch.float64).numpy()
    masks = [None] * len(images) if weights is None else weights.to(torch.float64).numpy()
    return np.stack(
        [oracles.statistic(kind, one, w, norm, center) for one, w in zip(images, masks, strict=True)]
    )


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("kind", "norm", "center"), SETTINGS)
def test_statistic_is_its_definition(kind, norm, center, kernel, feature_map):
    actual = gram(feature_map, norm, center, statistic=kind, kernel=kernel)
    assert actual.dtype == torch.float64
    assert_close(actual, expected(kind, feature_map, None, norm, center))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("masking", ["bool", "soft", "shared", "half"])
@pytest.mark.parametrize(("kind", "norm", "center"), SETTINGS)
def test_weighted_statistic_is_its_definition(kind, norm, center, masking, kernel, feature_map, generator):
    soft = torch.rand(2, 6, 7, generator=generator, dtype=torch.float64)
    soft[:, 0] = 0
    mask = {"bool": soft > 0.4, "soft": soft, "shared": soft[0], "half": soft.half()}[masking]
    actual = gram(feature_map, norm, center, statistic=kind, mask=mask, kernel=kernel)
    weights = mask.to(torch.float64).expand(2, 6, 7)
    assert_close(actual, expected(kind, feature_map, weights, norm, center))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", STATISTICS)
def test_each_type_on_each_device(kind, dtype, device, feature_map):
    x = feature_map.to(device=device, dtype=dtype)
    actual = gram(x, statistic=kind)
    assert actual.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert actual.device.type == device.type
    assert_close(actual, expected(kind, x), dtype)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("norm", [one.value for one in Norm])
def test_half_precision_does_not_overflow(norm, kernel):
    # the sum of 4096 squares of 300 is 3.7e8; float16 ends at 65504
    x = torch.full((1, 2, 64, 64), 300.0, dtype=torch.float16)
    share = oracles.divisor(norm, 2, 4096)
    assert_close(gram(x, norm, kernel=kernel), np.full((1, 2, 2), 300.0**2 * 4096 / share), torch.float16)


@pytest.mark.parametrize("kind", STATISTICS)
def test_half_precision_keeps_a_small_spread_about_a_large_mean(kind, generator):
    x = (1000 + torch.randn(1, 3, 64, 64, generator=generator)).to(torch.float16)
    # float32 squares of 1000 carry errors of 0.03, unless the mean is taken off before they are formed
    assert_close(gram(x, statistic=kind), expected(kind, x), tolerance=1e-4)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", STATISTICS)
@pytest.mark.parametrize("layout", ["channels-last", "transposed", "every-other", "expanded", "flipped"])
def test_layout_in_memory_changes_nothing(layout, kind, kernel, generator):
    x = torch.randn(2, 3, 6, 8, generator=generator, dtype=torch.float64)
    x = {
        "channels-last": lambda: x.contiguous(memory_format=torch.channels_last),
        "transposed": lambda: x.mT,
        "every-other": lambda: x[:, :, ::2, 1::2],
        "expanded": lambda: x[:1].expand(3, 3, 6, 8),
        "flipped": lambda: x.permute(3, 2, 1, 0)[:2],
    }[layout]()
    assert_close(gram(x, statistic=kind, kernel=kernel), expected(kind, x))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", STATISTICS)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 1, 2, 2), (1, 4, 1, 1), (2, 3, 1, 5), (1, 17, 2, 1)])
def test_smallest_sizes(shape, kind, kernel, generator):
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    actual = gram(x, statistic=kind, kernel=kernel)
    assert_close(actual, expected(kind, x))
    assert actual.shape[1:] == Statistic(kind).shape(shape[1])


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", STATISTICS)
def test_a_batch_of_none_is_allowed(kind, kernel):
    for mask in (None, torch.ones(4, 5), torch.ones(0, 4, 5)):
        value = gram(torch.zeros(0, 3, 4, 5), statistic=kind, mask=mask, kernel=kernel)
        assert value.shape == (0, *Statistic(kind).shape(3))


@pytest.mark.parametrize("kind", STATISTICS)
def test_images_of_a_batch_do_not_meet(kind, feature_map):
    together = gram(feature_map, statistic=kind)
    assert_close(together, torch.cat([gram(one[None], statistic=kind) for one in feature_map]))


def test_shorthands_are_the_statistics(feature_map, generator):
    mask = torch.rand(6, 7, generator=generator, dtype=torch.float64)
    assert_close(covariance(feature_map), expected("covariance", feature_map))
    assert_close(correlation(feature_map), expected("correlation", feature_map))
    weights = mask.expand(2, 6, 7)
    assert_close(covariance(feature_map, mask), expected("covariance", feature_map, weights))
    assert_close(correlation(feature_map, mask), expected("correlation", feature_map, weights))


def test_correlation_is_that_of_numpy(feature_map):
    for one, ours in zip(feature_map, correlation(feature_map), strict=True):
        assert_close(ours, np.corrcoef(one.flatten(1).numpy()))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("value", [0.0, 0.1, -300.0, 1e5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_constant_channel_correlates_with_nothing(value, dtype, kernel, generator):
    x = torch.randn(1, 3, 37, 41, generator=generator, dtype=dtype)
    x[:, 1] = value
    found = gram(x, statistic="correlation", kernel=kernel)[0]
    assert (found[1] == 0).all()
    assert (found[:, 1] == 0).all()
    assert_close(found[::2, ::2], oracles.correlation(x[0, ::2].double()), dtype)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_correlation_does_not_depend_on_scale(scale, generator):
    x = torch.randn(1, 3, 8, 8, generator=generator)
    assert_close(correlation(x * scale), correlation(x), tolerance=1e-5)


def test_correlation_stays_within_one(generator):
    x = torch.randn(4, 1, 16, 16, generator=generator)
    found = correlation(torch.cat([x, 3 * x, -7 * x], dim=1))
    assert found.abs().max() <= 1
    assert_close(found, torch.tensor([[1.0, 1, -1], [1, 1, -1], [-1, -1, 1]]).expand(4, 3, 3))


@pytest.mark.parametrize("kind", STATISTICS)
def test_every_statistic_follows_from_the_first_two_moments(kind, feature_map):
    gaussian = gram(feature_map, statistic="gaussian")
    found = from_moments(gaussian[..., :-1], gaussian[..., -1], Statistic(kind))
    assert found.shape[1:] == Statistic(kind).shape(5)
    assert_close(found, expected(kind, feature_map))
    packed = from_packed_moments(pack(gaussian[..., :-1]), gaussian[..., -1], Statistic(kind))
    assert torch.equal(packed, pack(found) if Statistic(kind).is_matrix else found)
