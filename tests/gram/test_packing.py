"""Upper triangles: nothing is lost, and inner products survive."""

import pytest
import torch
from conftest import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st

from gramstyle.gram import pack, unpack
from gramstyle.gram.packing import channels_of, pair_weights


def symmetric(seed, batch, channels, dtype):
    source = torch.Generator().manual_seed(seed)
    half = torch.randn(*batch, channels, channels, generator=source, dtype=torch.float64)
    return (half + half.mT).to(dtype)


matrices = st.builds(
    symmetric,
    st.integers(0, 2**31),
    st.sampled_from([(), (0,), (1,), (3,), (2, 3)]),
    st.integers(0, 12),
    st.sampled_from([torch.float16, torch.float32, torch.float64]),
)


@given(matrices)
@settings(deadline=None, max_examples=60)
def test_round_trip_is_exact(whole):
    packed = pack(whole)
    channels = whole.shape[-1]
    assert packed.shape == (*whole.shape[:-2], channels * (channels + 1) // 2)
    assert packed.dtype == whole.dtype
    assert torch.equal(unpack(packed), whole)
    assert torch.equal(pack(unpack(packed)), packed)


@given(matrices, st.integers(0, 2**31))
@settings(deadline=None, max_examples=60)
def test_inner_products_survive(whole, seed):
    whole = whole.double()
    other = symmetric(seed, whole.shape[:-2], whole.shape[-1], torch.float64)
    inner = (pack(whole) * pack(other) * pair_weights(whole.shape[-1])).sum(-1)
    torch.testing.assert_close(inner, (whole * other).sum((-2, -1)), rtol=1e-12, atol=1e-12)


def test_order_is_row_by_row():
    whole = torch.tensor([[1, 2, 3], [2, 4, 5], [3, 5, 6]])
    assert pack(whole).tolist() == [1, 2, 3, 4, 5, 6]
    assert pair_weights(3).tolist() == [1, 2, 2, 1, 2, 1]


def test_scaled_triangles_have_the_distance_of_the_matrices(generator):
    a, b = torch.randn(2, 4, 7, 7, generator=generator, dtype=torch.float64)
    a, b = a + a.mT, b + b.mT
    difference = (pack(a) - pack(b)) * pair_weights(7).sqrt()
    assert_close(difference.norm(dim=-1), (a - b).flatten(1).norm(dim=-1))


def test_lengths_that_are_no_triangle():
    assert [channels_of(length) for length in (0, 1, 3, 6, 10, 131328)] == [0, 1, 2, 3, 4, 512]
    for length in (2, 4, 5, 131327, 131329):
        with pytest.raises(ValueError, match=rf"must have length C\(C\+1\)/2, got {length}"):
            channels_of(length)
    with pytest.raises(ValueError, match=r"must have length C\(C\+1\)/2, got 5"):
        unpack(torch.zeros(2, 5))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 3, 2)])
def test_only_square_matrices_are_packed(shape):
    with pytest.raises(ValueError, match=r"matrices must be \(\.\.\., C, C\), got shape"):
        pack(torch.zeros(shape))
