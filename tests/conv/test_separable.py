"""Kernels that are products of columns and rows."""

import pytest
import torch
from conftest import assert_close
from torch.nn import functional

from gramstyle.conv import conv2d
from gramstyle.conv.separable import factors


def gaussian(sigma, taps=7):
    at = torch.arange(taps, dtype=torch.float64) - taps // 2
    return torch.exp(-(at**2) / (2 * sigma**2))


def ranks(weight, groups=1):
    return factors(weight, groups)[0].shape[0] // groups


def test_ranks_are_those_of_the_filters():
    row, wide = gaussian(1.0), gaussian(3.0)
    at = torch.arange(7, dtype=torch.float64) - 3
    wave = torch.cos(0.9 * at[:, None] + 0.5 * at)  # cos cos - sin sin
    round_ = row[:, None] * row
    assert ranks(round_[None, None]) == 1
    assert ranks((round_ * wave)[None, None]) == 2
    assert ranks((round_ + wide[:, None] * wide)[None, None]) == 2
    ring = torch.exp(-(((at[:, None] ** 2 + at**2).sqrt() - 2) ** 2))
    assert ranks(ring[None, None]) == 4  # symmetric: as many as different rows


def test_a_bank_of_columns_and_rows_of_many_channels():
    """Two channels, three outputs: the factors are shared by them."""
    generator = torch.Generator().manual_seed(0)
    down, across = (
        torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((2, 2, 5), (3, 2, 4))
    )
    weight = torch.einsum("rci,nrj->ncij", down, across)
    assert ranks(weight) == 2
    x = torch.randn(1, 2, 12, 11, generator=generator, dtype=torch.float64)
    expected = functional.conv2d(x, weight, stride=(2, 1), padding=(1, 3), dilation=(1, 2))
    found = conv2d(x, weight, None, (2, 1), (1, 3), (1, 2), algorithm="separable")
    assert_close(found, expected, tolerance=1e-12)


def test_the_gradient_leaves_the_rank():
    """That of the weight is that of the definition, not of the factors that a rank of 1 has."""
    weight = (gaussian(1.0)[:, None] * gaussian(2.0))[None, None].requires_grad_()
    x = torch.rand(1, 1, 9, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *given: conv2d(*given, algorithm="separable"), (x, weight))
    assert torch.autograd.gradgradcheck(lambda *given: conv2d(*given, algorithm="separable"), (x, weight))


@pytest.mark.parametrize("wanted", [(True, False), (False, True)])
def test_one_gradient_of_two(wanted):
    tensors = [
        torch.rand(shape, dtype=torch.float64).requires_grad_(want)
        for shape, want in zip([(1, 2, 6, 6), (3, 2, 3, 3)], wanted, strict=True)
    ]
    conv2d(*tensors, algorithm="separable").square().sum().backward()
    found = [one.grad for one in tensors]
    for one in tensors:
        one.grad = None
    functional.conv2d(*tensors).square().sum().backward()
    for one, other in zip(found, tensors, strict=True):
        assert (one is None) == (other.grad is None)
        if one is not None:
            assert_close(one, other.grad, tolerance=1e-11)
