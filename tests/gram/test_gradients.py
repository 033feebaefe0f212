"""Gradients against finite differences, the closed form, and each other; finite where x is flat."""

import oracles
import pytest
import torch
from conftest import assert_close

from gramstyle import StyleError
from gramstyle.gram import Norm, Statistic, gram, pack, unpack
from gramstyle.kernels import available
from gramstyle.numerics import safe_divide, safe_sqrt

KERNELS = ("reference", *(("fused",) if available() else ()))
STATISTICS = [one.value for one in Statistic]


def small(generator, *shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", STATISTICS)
def test_gradient_of_each_statistic(kind, masked, kernel, generator):
    x = small(generator, 2, 3, 2, 3)
    mask = torch.rand(2, 2, 3, generator=generator, dtype=torch.float64) if masked else None
    assert torch.autograd.gradcheck(lambda y: gram(y, statistic=kind, mask=mask, kernel=kernel), x)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", ["gram", "covariance", "gaussian", "mean-std"])
def test_second_derivative(kind, kernel, generator):
    x = small(generator, 1, 3, 2, 2)
    assert torch.autograd.gradgradcheck(lambda y: gram(y, statistic=kind, kernel=kernel), x)


@pytest.mark.parametrize("kind", ["gram", "diagonal"])
@pytest.mark.parametrize("norm", [one.value for one in Norm])
def test_gradient_of_each_norm(norm, kind, generator):
    x = small(generator, 2, 3, 2, 3)
    for center in (False, True):
        assert torch.autograd.gradcheck(lambda y, c=center: gram(y, norm, c, statistic=kind), x)


@pytest.mark.parametrize("kind", STATISTICS)
def test_gradient_of_the_mask(kind, feature_map, generator):
    mask = torch.rand(2, 2, 3, generator=generator, dtype=torch.float64) + 0.1
    mask.requires_grad_()
    x = feature_map[:, :3, :2, :3]
    assert torch.autograd.gradcheck(lambda m: gram(x, statistic=kind, mask=m), mask)


def test_gradient_of_the_mask_where_it_is_zero(feature_map):
    mask = torch.ones(2, 6, 7, dtype=torch.float64)
    mask[:, 0, 0] = 0
    mask.requires_grad_()
    gram(feature_map, "none", mask=mask).sum().backward()
    # d sum_ij (sum_p w_p f_ip f_jp) / d w_p = (sum_i f_ip)^2
    assert_close(mask.grad, feature_map.sum(1).square())


def test_native_says_that_it_has_no_gradient_of_the_mask(feature_map):
    with pytest.raises(StyleError, match="kernel fused has no gradient for the mask: use kernel reference"):
        gram(feature_map, mask=torch.ones(6, 7, requires_grad=True), kernel="fused")


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", STATISTICS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finite_for_constant_channels(dtype, kind, masked, kernel, generator):
    x = torch.randn(1, 4, 5, 5, generator=generator, dtype=dtype)
    x[:, 0], x[:, 1] = 0, 0.1
    x.requires_grad_()
    mask = torch.rand(5, 5, generator=generator) if masked else None
    value = gram(x, statistic=kind, mask=mask, kernel=kernel)
    upstream = torch.randn(value.shape, generator=generator)
    value.backward(upstream.to(value.dtype))
    assert torch.isfinite(x.grad).all()
    # no larger than rounding over rounding can make it: the gradient of a standard deviation is <= 1
    assert x.grad.abs().max() < 100


@pytest.mark.parametrize("kind", STATISTICS)
def test_finite_for_one_position(kind, generator):
    x = torch.randn(2, 3, 1, 1, generator=generator).requires_grad_()
    gram(x, statistic=kind).sum().backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_gatys_loss_and_gradient_in_closed_form(kernel, generator):
    x, target = torch.randn(2, 1, 4, 5, 6, generator=generator, dtype=torch.float64)
    x.requires_grad_()
    loss = (gram(x, kernel=kernel) - gram(target, kernel=kernel)).square().mean() / 4
    loss.backward()
    f, t = x.detach()[0].numpy(), target[0].numpy()
    assert_close(loss, oracles.gatys_loss(f, t))
    assert_close(x.grad[0], oracles.gatys_gradient(f, t))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gradient_of_half_precision_is_that_of_float64_rounded(dtype, kernel, feature_map):
    x = feature_map.to(dtype).requires_grad_()
    gram(x, kernel=kernel).square().sum().backward()
    assert x.grad.dtype == dtype
    exact = x.detach().double().requires_grad_()
    gram(exact).square().sum().backward()
    assert_close(x.grad, exact.grad, tolerance=torch.finfo(dtype).eps)


def test_gradient_through_packing(generator):
    matrices = small(generator, 2, 3, 3)
    assert torch.autograd.gradcheck(pack, matrices)
    assert torch.autograd.gradcheck(unpack, small(generator, 2, 6))


def test_safe_square_root():
    x = torch.tensor([4.0, 0.0, -1.0], dtype=torch.float64, requires_grad=True)
    root = safe_sqrt(x)
    root.sum().backward()
    assert root.tolist() == [2, 0, 0]
    assert x.grad.tolist() == [0.25, 0, 0]


def test_safe_square_root_does_not_hide_a_nan():
    assert torch.isnan(safe_sqrt(torch.tensor(float("nan"))))
    assert torch.isinf(safe_sqrt(torch.tensor(float("inf"))))


def test_safe_division():
    a = torch.tensor([1.0, 0.0, 3.0], requires_grad=True)
    b = torch.tensor([0.0, 0.0, 2.0], requires_grad=True)
    quotient = safe_divide(a, b, 7.0)
    quotient.sum().backward()
    assert quotient.tolist() == [7, 7, 1.5]
    assert a.grad.tolist() == [0, 0, 0.5]
    assert b.grad.tolist() == [0, 0, -0.75]
