"""What is true of Gram matrices whatever the features are."""

import numpy as np
import oracles
import pytest
import torch
from conftest import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st

from gramstyle.gram import Norm, Statistic, gram
from gramstyle.kernels import available

KERNELS = ("reference", *(("fused",) if available() else ()))
STATISTICS = [one.value for one in Statistic]
MATRICES = [one.value for one in Statistic if one.is_matrix]
NORMS = [one.value for one in Norm]


def drawn(seed, batch, channels, height, width):
    source = torch.Generator().manual_seed(seed)
    return torch.randn(batch, channels, height, width, generator=source, dtype=torch.float64)


features = st.builds(
    drawn, st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 9), st.integers(1, 6), st.integers(1, 6)
)


@pytest.mark.parametrize("kernel", KERNELS)
def test_ones_give_the_number_of_positions(kernel):
    x = torch.ones(2, 3, 5, 7)
    assert (gram(x, "none", kernel=kernel) == 35).all()
    assert (gram(x, "positions", kernel=kernel) == 1).all()
    assert_close(gram(x, "channels", kernel=kernel), np.full((2, 3, 3), 35 / 3), torch.float32)
    assert_close(gram(x, "elements", kernel=kernel), np.full((2, 3, 3), 1 / 3), torch.float32)
    assert (gram(x, center=True, kernel=kernel) == 0).all()


@given(features, st.floats(0.01, 100))
@settings(deadline=None, max_examples=25)
def test_quadratic_in_scale(x, scale):
    for kind in ("gram", "covariance", "diagonal"):
        assert_close(gram(scale * x, statistic=kind), scale**2 * gram(x, statistic=kind))
    for kind in ("mean", "mean-std"):
        assert_close(gram(scale * x, statistic=kind), scale * gram(x, statistic=kind))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", STATISTICS)
def test_forgets_where_things_are(kind, kernel, feature_map, generator):
    order = torch.randperm(42, generator=generator)
    shuffled = feature_map.flatten(2)[..., order].unflatten(2, (7, 6))
    assert_close(
        gram(shuffled, statistic=kind, kernel=kernel), gram(feature_map, statistic=kind, kernel=kernel)
    )


@pytest.mark.parametrize("kind", ["gram", "covariance"])
def test_rotated_channels_rotate_the_matrix(kind, feature_map, generator):
    q = torch.linalg.qr(torch.randn(5, 5, generator=generator, dtype=torch.float64)).Q
    rotated = torch.einsum("ij,bjhw->bihw", q, feature_map)
    assert_close(gram(rotated, statistic=kind), q @ gram(feature_map, statistic=kind) @ q.T)


def test_permuted_channels_permute_the_matrix(feature_map, generator):
    order = torch.randperm(5, generator=generator)
    for kind in MATRICES:
        whole = gram(feature_map, statistic=kind)
        assert_close(gram(feature_map[:, order], statistic=kind), whole[:, order][:, :, order])


@pytest.mark.parametrize("kernel", KERNELS)
@given(x=features)
@settings(deadline=None, max_examples=25)
def test_symmetric_and_positive_semi_definite(x, kernel):
    for kind in MATRICES:
        value = gram(x, statistic=kind, kernel=kernel)
        assert_close(value, value.mT)
        if not Statistic(kind).is_semidefinite:
            continue
        lowest = torch.linalg.eigvalsh(value).min()
        assert lowest >= -1e-12 * value.diagonal(dim1=1, dim2=2).sum(1).max() - 1e-300


@given(features)
@settings(deadline=None, max_examples=25)
def test_diagonal_is_the_energy_of_each_channel(x):
    for norm in NORMS:
        for center in (False, True):
            whole = gram(x, norm, center)
            assert_close(whole.diagonal(dim1=1, dim2=2), gram(x, norm, center, statistic="diagonal"))
    assert_close(gram(x, statistic="diagonal"), x.square().mean((2, 3)))


@given(features)
@settings(deadline=None, max_examples=25)
def test_second_moment_is_covariance_and_mean(x):
    gaussian = gram(x, statistic="gaussian")
    mean = gaussian[..., -1]
    assert_close(mean, x.mean((2, 3)))
    assert_close(gaussian[..., :-1] + mean[..., None] * mean[:, None], gram(x))
    assert_close(gram(x, center=True), gaussian[..., :-1])
    std = gram(x, statistic="mean-std")[:, x.shape[1] :]
    assert_close(std.square(), gaussian[..., :-1].diagonal(dim1=1, dim2=2))


@pytest.mark.parametrize("make", [torch.ones, torch.rand, torch.randn])
@pytest.mark.parametrize("norm", ["positions", "elements"])
def test_sizes_128_and_256_agree_when_normalised(make, norm, generator):
    options = {} if make is torch.ones else {"generator": generator}
    small, large = (gram(make(1, 3, side, side, **options), norm) for side in (128, 256))
    assert_close(small, large, tolerance=2e-2)  # of noise: 3 / sqrt(128^2) at most


@pytest.mark.parametrize("norm", ["none", "channels"])
def test_sizes_128_and_256_differ_by_positions_otherwise(norm, generator):
    small, large = (gram(torch.rand(1, 3, side, side, generator=generator), norm) for side in (128, 256))
    assert_close(4 * small, large, tolerance=2e-2)


@pytest.mark.parametrize("kernel", KERNELS)
def test_tiles_add_up(kernel, generator):
    x = torch.randn(2, 5, 8, 12, generator=generator, dtype=torch.float64)
    tiles = [x[:, :, :3], x[:, :, 3:, :5], x[:, :, 3:, 5:]]
    assert_close(sum(gram(one, "none", kernel=kernel) for one in tiles), gram(x, "none", kernel=kernel))
    shares = [one.shape[2] * one.shape[3] / 96 for one in tiles]
    parts = [share * gram(one, kernel=kernel) for share, one in zip(shares, tiles, strict=True)]
    assert_close(sum(parts), gram(x, kernel=kernel))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", STATISTICS)
def test_positions_of_weight_zero_have_no_influence(kind, kernel, feature_map):
    mask = torch.ones(6, 7)
    mask[1:3, 2:5] = 0
    other = feature_map.clone()
    other[:, :, 1:3, 2:5] = 1e6
    first = gram(feature_map, statistic=kind, mask=mask, kernel=kernel)
    assert torch.equal(first, gram(other, statistic=kind, mask=mask, kernel=kernel))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", STATISTICS)
def test_a_mask_of_a_rectangle_is_a_crop(kind, kernel, feature_map):
    mask = torch.zeros(6, 7, dtype=torch.bool)
    mask[2:5, 1:6] = True
    assert_close(
        gram(feature_map, statistic=kind, mask=mask, kernel=kernel),
        gram(feature_map[:, :, 2:5, 1:6], statistic=kind, kernel=kernel),
    )


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", STATISTICS)
def test_whole_weights_are_repetition(kind, kernel, generator):
    x = torch.randn(1, 4, 1, 6, generator=generator, dtype=torch.float64)
    times = torch.tensor([3, 1, 0, 2, 5, 1])
    repeated = x.repeat_interleave(times, dim=3)
    for norm in NORMS if kind in ("gram", "diagonal") else ["positions"]:
        weighted = gram(x, norm, statistic=kind, mask=times[None].double(), kernel=kernel)
        assert_close(weighted, gram(repeated, norm, statistic=kind, kernel=kernel))


@pytest.mark.parametrize("kind", STATISTICS)
def test_only_ratios_of_weights_matter_when_normalised(kind, feature_map, generator):
    mask = torch.rand(6, 7, generator=generator, dtype=torch.float64)
    first = gram(feature_map, statistic=kind, mask=mask)
    assert_close(gram(feature_map, statistic=kind, mask=1e-3 * mask), first)
    assert_close(
        gram(feature_map, statistic=kind, mask=torch.full((6, 7), 0.25)), gram(feature_map, statistic=kind)
    )


def test_a_float64_mask_is_not_rounded(feature_map, generator):
    mask = torch.rand(2, 6, 7, generator=generator, dtype=torch.float64)
    found = gram(feature_map, mask=mask)
    wanted = [oracles.statistic("gram", f, w) for f, w in zip(feature_map.numpy(), mask.numpy(), strict=True)]
    assert_close(found, np.stack(wanted), tolerance=1e-14)
