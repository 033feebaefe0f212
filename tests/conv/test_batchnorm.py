"""Batch normalisation beside torch's; of complex maps beside NumPy's covariances and SciPy's roots."""

import numpy as np
import pytest
import scipy.linalg
import torch
from conftest import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from gramstyle.conv import (
    Planes,
    batch_norm2d,
    complex_batch_norm2d,
    complex_conv2d,
    complex_conv3d,
    fold,
    fold_complex,
)

numbers = st.integers(1, 4)


def drawn(*shape, seed=0, kind=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=kind)


def trained(channels, seed=0, **options):
    """A layer whose parameters and statistics are not those it begins with."""
    norm = nn.BatchNorm2d(channels, dtype=torch.float64, **options)
    source = torch.Generator().manual_seed(seed)
    for value in norm.state_dict().values():
        if value.ndim:
            value.copy_(torch.rand(channels, generator=source, dtype=torch.float64) + 0.5)
    return norm


def statistics(norm):
    return norm.running_mean, norm.running_var, norm.weight, norm.bias


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(numbers, numbers, st.integers(2, 5), numbers),
    st.sampled_from([None, 0.0, 0.1, 1.0]),
    st.sampled_from([1e-5, 0.3]),
    st.booleans(),
)
def test_training_inference_and_what_is_kept_are_those_of_torch(shape, momentum, eps, affine):
    theirs, ours = (trained(shape[1], momentum=momentum, eps=eps, affine=affine) for _ in range(2))
    for step in range(3):
        x, other = (drawn(*shape, seed=step).add_(step).requires_grad_() for _ in range(2))
        options = {"training": True, "momentum": momentum, "eps": eps, "batches": ours.num_batches_tracked}
        found, expected = batch_norm2d(x, *statistics(ours), **options), theirs(other)
        assert_close(found, expected, tolerance=1e-10)
        for name, value in theirs.state_dict().items():
            assert_close(ours.state_dict()[name].double(), value.double(), tolerance=1e-12)
        assert not ours.running_mean.requires_grad
        outer = drawn(*shape, seed=9)
        found.backward(outer)
        expected.backward(outer)
        assert_close(x.grad, other.grad, tolerance=1e-6 if shape[0] * shape[2] * shape[3] == 2 else 1e-9)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert_close(one.grad, other.grad, tolerance=1e-9)
    theirs.eval()
    assert_close(batch_norm2d(x, *statistics(ours), eps=eps), theirs(x), tolerance=1e-12)


def test_without_running_statistics_only_training():
    x = drawn(2, 3, 4, 5)
    found = batch_norm2d(x, None, None, training=True)
    assert found.mean((0, 2, 3)).abs().max() < 1e-12
    assert_close(found.var((0, 2, 3), correction=0), torch.ones(3, dtype=torch.float64), tolerance=1e-4)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_has_single_statistics(kind):
    x = (200 + 100 * drawn(2, 3, 16, 16)).to(kind)  # whose squares are beyond float16
    mean, variance = torch.zeros(3), torch.ones(3)
    found = batch_norm2d(x, mean, variance, training=True, momentum=1)
    assert found.dtype == kind
    assert_close(found, functional.batch_norm(x.double(), None, None, training=True), tolerance=1e-2)
    assert_close(variance, x.double().var((0, 2, 3)), tolerance=1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("layer", [nn.Conv2d, nn.Conv3d])
def test_a_folded_convolution_is_both(layer, bias, affine):
    conv = layer(4, 6, 3, groups=2, bias=bias, dtype=torch.float64)
    norm = trained(6, affine=affine, eps=0.1).eval()
    space = conv.weight.ndim - 2
    x = drawn(2, 4, *(5,) * space)
    weight, shift = fold(conv.weight, conv.bias, *statistics(norm), eps=0.1)
    found = getattr(functional, f"conv{space}d")(x, weight, shift, groups=2)
    assert_close(found.flatten(2), norm(conv(x).flatten(2)[..., None])[..., 0], tolerance=1e-12)


# Complex maps


def mixed(seed=0, shape=(3, 4, 6, 5)):
    """A map whose parts correlate, each channel otherwise."""
    real, imag = drawn(*shape, seed=seed), drawn(*shape, seed=seed + 1)
    slope = torch.linspace(-2, 3, shape[1], dtype=torch.float64)[:, None, None]
    return torch.complex(3 * real + 1, slope * real + 0.5 * imag - 2)


def columns(x):
    """(C, 2, values): the parts of each channel."""
    return torch.view_as_real(x.resolve_conj()).movedim(1, 0).flatten(1, 3).mT.numpy()


def three(matrices):
    return torch.from_numpy(np.stack([matrices[:, 0, 0], matrices[:, 1, 1], matrices[:, 0, 1]], 1))


def covariances(x, ddof):
    return np.stack([np.cov(one, ddof=ddof) for one in columns(x)])


GAMMA = torch.tensor(
    [[0.7, 0.8, 0.1], [1.0, 2.0, -0.5], [0.5, 0.5, 0.0], [2.0, 1.0, 1.2]], dtype=torch.float64
)
BETA = torch.tensor([1 + 2j, -1j, 0.5, 0], dtype=torch.complex128)


def test_the_parts_of_what_is_whitened_have_the_identity_as_covariance():
    found = complex_batch_norm2d(mixed(), None, None, training=True, eps=1e-14)
    assert_close(covariances(found, 0), np.tile(np.eye(2), (4, 1, 1)), tolerance=1e-10)
    assert np.abs(columns(found).mean(2)).max() < 1e-12


def test_complex_training_is_the_formula_with_roots_of_scipy():
    x, eps = mixed(), 0.01
    mean, covariance, count = torch.zeros(4) + 0j, torch.zeros(4, 3), torch.tensor(0)
    kept = mean.to(torch.complex128), covariance.double()
    found = complex_batch_norm2d(x, *kept, GAMMA, BETA, True, None, eps, count)
    gamma = GAMMA[:, [0, 2, 2, 1]].reshape(4, 2, 2).numpy()
    wanted = [
        g @ np.linalg.inv(scipy.linalg.sqrtm(v + eps * np.eye(2))) @ (c - c.mean(1)[:, None])
        + [[b.real], [b.imag]]
        for g, v, c, b in zip(gamma, covariances(x, 0), columns(x), BETA.numpy(), strict=True)
    ]
    assert_close(columns(found), np.stack(wanted), tolerance=1e-12)
    again = mixed(seed=5)
    complex_batch_norm2d(again, *kept, training=True, momentum=None, batches=count)
    assert int(count) == 2
    assert_close(
        torch.view_as_real(kept[0]), torch.view_as_real((x.mean((0, 2, 3)) + again.mean((0, 2, 3))) / 2)
    )
    assert_close(kept[1], three((covariances(x, 1) + covariances(again, 1)) / 2), tolerance=1e-12)


def test_planes_are_the_same():
    x = mixed()
    found = complex_batch_norm2d(Planes.of(x), None, None, GAMMA, BETA, training=True)
    assert isinstance(found, Planes)
    wanted = complex_batch_norm2d(x, None, None, GAMMA, BETA, training=True)
    assert_close(torch.view_as_real(found.joined()), torch.view_as_real(wanted))


def test_a_turn_of_the_plane_goes_through():
    """V becomes R V R', whose inverse root is R V^(-1/2) R'."""
    turn = torch.exp(torch.tensor(0.7j, dtype=torch.complex128))
    plain = complex_batch_norm2d(mixed(), None, None, training=True)
    turned = complex_batch_norm2d(turn * mixed(), None, None, training=True)
    assert_close(torch.view_as_real(turned), torch.view_as_real(turn * plain), tolerance=1e-10)


@pytest.mark.parametrize("slope", [0.0, 1.0, -30.0])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_parts_on_a_line_stay_finite(slope, scale):
    real = scale * drawn(2, 3, 8, 8, kind=torch.float32)
    x = torch.complex(real, slope * real).requires_grad_()
    found = complex_batch_norm2d(x, None, None, training=True)
    found.abs().sum().backward()
    assert torch.isfinite(torch.view_as_real(found)).all()
    assert torch.isfinite(torch.view_as_real(x.grad)).all()
    assert found.abs().max() < 10


@pytest.mark.parametrize("training", [True, False])
def test_complex_gradients_are_the_slopes(training):
    def function(x, mean, covariance, gamma, beta):
        return complex_batch_norm2d(x, mean, covariance, gamma, beta, training, 0.0, 0.01)

    leaves = [mixed(shape=(2, 4, 2, 2)), GAMMA.clone(), BETA.clone()]
    x, gamma, beta = (one.requires_grad_() for one in leaves)
    kept = BETA.clone(), three(covariances(mixed(), 1))
    assert torch.autograd.gradcheck(lambda *t: function(t[0], *kept, *t[1:]), (x, gamma, beta))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("space", [2, 3])
def test_a_folded_complex_convolution_is_both(space, bias):
    weight = Planes.of(drawn(4, 3, *(2,) * space, kind=torch.complex128))
    shift = Planes.of(drawn(4, kind=torch.complex128, seed=1)) if bias else None
    x = Planes.of(drawn(2, 6, *(4,) * space, kind=torch.complex128, seed=2))
    kept = BETA.conj(), three(covariances(mixed(), 1))
    conv = complex_conv2d if space == 2 else complex_conv3d
    kernel, moved = fold_complex(weight, shift, *kept, GAMMA, BETA, 0.1)
    found = conv(x, kernel, moved, groups=2, padding=1, algorithm="stacked").joined()
    between = conv(x, weight, shift, groups=2, padding=1, algorithm="gauss").joined()
    wanted = complex_batch_norm2d(between.flatten(3) if space == 3 else between, *kept, GAMMA, BETA, eps=0.1)
    assert_close(
        torch.view_as_real(found.flatten(3) if space == 3 else found),
        torch.view_as_real(wanted),
        tolerance=1e-12,
    )


def test_the_fold_of_a_circle_is_a_complex_kernel():
    """Where parts have one variance and do not correlate, nothing takes conjugates."""
    weight = Planes.of(drawn(4, 3, 2, 2, kind=torch.complex128))
    circle = torch.tensor([[4.0, 4.0, 0.0]] * 4, dtype=torch.float64)
    kernel, _ = fold_complex(weight, None, BETA, circle, eps=1e-12)
    assert_close(kernel[0, :, 0], weight.real / 2, tolerance=1e-10)
    assert_close(kernel[0, :, 1], -kernel[1, :, 0])
    assert_close(kernel[0, :, 0], kernel[1, :, 1])


ONE = torch.ones(3)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"x": torch.ones(2, 3, 4)}, ValueError, r"x must be \(B, C, H, W\)"),
        ({"x": torch.ones(2, 3, 4, 4).int()}, TypeError, "x must be floating point"),
        ({"x": torch.ones(2, 3, 4, 4) * 1j}, TypeError, "x must be floating point, got torch.complex64"),
        ({"x": torch.full((2, 3, 4, 4), torch.nan)}, ValueError, "x must be finite, got 96 NaN"),
        ({"x": torch.full((2, 3, 4, 4), 3e38), "training": True}, ValueError, r"beyond it: use .double\(\)"),
        ({"x": torch.ones(1, 3, 1, 1), "training": True}, ValueError, "two values per channel or more"),
        ({"running_mean": torch.ones(4)}, ValueError, r"running_mean must be \(3,\), one per channel"),
        ({"running_mean": None}, ValueError, "running statistics must be there"),
        ({"running_var": -ONE}, ValueError, "running_var must be 0 or more, got -1"),
        ({"running_var": ONE * torch.inf}, ValueError, "running_var must be finite"),
        ({"weight": ONE.long()}, TypeError, "weight must be floating point"),
        ({"bias": torch.ones(3, 1)}, ValueError, "bias must be"),
        ({"eps": 0}, ValueError, "eps must be greater than 0"),
        (
            {"momentum": 1.5, "training": True},
            ValueError,
            "momentum must be between 0 and 1, or None, got 1.5",
        ),
        ({"momentum": None, "training": True}, ValueError, "pass batches"),
    ],
)
def test_what_cannot_be_normalised_is_said(changes, error, message):
    given_ = {"x": torch.ones(2, 3, 4, 4), "running_mean": ONE.clone(), "running_var": ONE.clone()}
    with pytest.raises(error, match=message):
        batch_norm2d(**given_ | changes)


FLAT = torch.tensor([[1.0, 1.0, 0.0]] * 3)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"x": torch.ones(2, 3, 4, 4)},
            TypeError,
            "x must be complex, or Planes, .*: batch_norm2d takes real maps",
        ),
        ({"x": torch.ones(2, 3, 4) + 0j}, ValueError, r"x must be \(B, C, H, W\)"),
        ({"x": torch.ones(2, 3, 4, 4) * complex("nan")}, ValueError, "x.real must be finite"),
        (
            {"x": Planes(*torch.ones(2, 2, 3, 4, 4).half())},
            TypeError,
            r"double precision, got torch.float16: use",
        ),
        ({"x": torch.ones(1, 3, 1, 1) + 0j, "training": True}, ValueError, "two values per channel or more"),
        ({"running_mean": ONE}, TypeError, "running_mean must be complex"),
        ({"running_covariance": ONE}, ValueError, r"running_covariance must be \(3, 3\)"),
        ({"running_covariance": FLAT - 2}, ValueError, "running_covariance must hold"),
        ({"running_covariance": FLAT + torch.tensor([0, 0, 1.5])}, ValueError, "within their geometric mean"),
        ({"weight": ONE}, ValueError, "weight must be"),
        ({"bias": ONE}, TypeError, "bias must be complex"),
        ({"running_covariance": None}, ValueError, "running statistics must be there"),
    ],
)
def test_what_cannot_be_whitened_is_said(changes, error, message):
    given_ = {"x": torch.ones(2, 3, 4, 4) + 0j, "running_mean": ONE + 0j, "running_covariance": FLAT.clone()}
    with pytest.raises(error, match=message):
        complex_batch_norm2d(**given_ | changes)


def test_what_cannot_be_folded_is_said():
    weight = torch.ones(3, 2, 1, 1)
    with pytest.raises(ValueError, match=r"mean must be \(3,\)"):
        fold(weight, None, torch.ones(2), ONE)
    with pytest.raises(TypeError, match="weight must be Planes"):
        fold_complex(weight, None, ONE + 0j, FLAT)
