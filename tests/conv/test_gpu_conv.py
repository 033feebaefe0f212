"""The room of convolutions on a GPU, beside torch on the CPU in float64."""

import pytest
import torch
from conftest import assert_close
from torch.nn import functional

from gramstyle.bench import measure_machine, of_complex, of_network, of_sparse, of_text, time_algorithms
from gramstyle.conv import (
    ALGORITHMS,
    Blocks,
    Csr,
    Planes,
    TwoFour,
    batch_norm2d,
    choice,
    complex_batch_norm2d,
    complex_conv2d,
    conv2d,
    conv3d,
    sparse_conv2d,
    timings,
)
from gramstyle.conv.algorithms import able
from gramstyle.conv.geometry import geometry_of
from gramstyle.conv.planar import ROUTES
from gramstyle.conv.sparse.prune import block_mask, magnitude_mask, n_of_m_mask
from gramstyle.extract import Extractor

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]
DEVICE = torch.device("cuda")

CASES = {
    "3 x 3": ((2, 6, 13, 11), (8, 6, 3, 3), {"padding": 1}),
    "strided": ((1, 4, 15, 12), (6, 2, 3, 2), {"stride": 2, "padding": (2, 0), "dilation": 2, "groups": 2}),
    "depthwise": ((2, 5, 9, 9), (5, 1, 3, 3), {"padding": "same", "groups": 5, "padding_mode": "reflect"}),
    "one tap": ((2, 8, 7, 5), (3, 8, 1, 1), {}),
    "volume": ((1, 3, 6, 7, 5), (4, 3, 3, 3, 3), {"padding": 1}),
}


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """What is measured is kept for this test, and cuDNN multiplies float32 as such."""
    monkeypatch.setenv("GRAMSTYLE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(choice, "_chosen", {})
    monkeypatch.setattr(timings, "_open", {})
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def drawn(*shape, dtype=torch.float64, seed=0):
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def own(x, weight, options):
    """Torch's convolution on the CPU."""
    options = dict(options)
    mode = options.pop("padding_mode", "zeros")
    if mode != "zeros":
        (side,) = {one // 2 for one in weight.shape[2:]}
        x, options["padding"] = functional.pad(x, [side] * 2 * (x.ndim - 2), mode), 0
    return (functional.conv2d if x.ndim == 4 else functional.conv3d)(x, weight, **options)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("case", CASES)
def test_every_algorithm_and_its_gradients(case, dtype):
    shape, taps, options = CASES[case]
    x, weight = drawn(*shape, dtype=dtype), drawn(*taps, dtype=dtype, seed=1)
    leaves = [x.requires_grad_(), weight.requires_grad_()]
    expected = own(x, weight, options)
    outer = drawn(*expected.shape, dtype=dtype, seed=2)
    slopes = torch.autograd.grad(expected, leaves, outer)
    there = [one.detach().to(DEVICE).requires_grad_() for one in leaves]
    conv = conv2d if x.ndim == 4 else conv3d
    usual = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "padding_mode": "zeros"} | options
    geometry = geometry_of(x, weight, None, *usual.values(), x.ndim - 2)
    for name in able(geometry):
        found = conv(*there, **options, algorithm=name)
        assert found.device.type == DEVICE.type
        assert_numbers_close(found, expected, name)
        for one, other in zip(torch.autograd.grad(found, there, outer.to(DEVICE)), slopes, strict=True):
            assert_numbers_close(one, other, name)


def assert_numbers_close(found, expected, name):
    """Complex numbers by their parts."""
    parts = [torch.view_as_real(one) if one.is_complex() else one for one in (found, expected)]
    assert_close(*parts, tolerance=1e-9 if ALGORITHMS[name].transforms else 1e-11)


def test_auto_measures_the_device():
    x, weight = drawn(1, 8, 20, 20, dtype=torch.float32), drawn(4, 8, 3, 3, dtype=torch.float32)
    found, why = conv2d(x.to(DEVICE), weight.to(DEVICE), padding=1, explain=True)
    assert_close(found, functional.conv2d(x, weight, padding=1))
    assert torch.cuda.get_device_name() in why.machine
    assert why.algorithm in why.measured


@pytest.mark.parametrize("layout", [Csr, Blocks, TwoFour])
def test_sparse_kernels(layout):
    x, weight = drawn(2, 16, 9, 8), drawn(32, 16, 3, 3, seed=1)
    mask = {
        Csr: magnitude_mask(weight, 0.8),
        Blocks: block_mask(weight, 0.5, (16, 1, 1, 1)),
        TwoFour: n_of_m_mask(weight),
    }[layout]
    kernel = layout.from_dense(weight * mask).to(DEVICE)
    expected = functional.conv2d(x, weight * mask, stride=2, padding=1)
    assert_close(sparse_conv2d(x.to(DEVICE), kernel, stride=2, padding=1), expected)


@pytest.mark.parametrize("route", ROUTES)
def test_planes(route):
    x, weight = drawn(2, 4, 9, 8, dtype=torch.complex128), drawn(6, 4, 3, 3, dtype=torch.complex128, seed=1)
    planes, kernel = (Planes.of(one.to(DEVICE)) for one in (x, weight))
    for real in ("library", "winograd4", "fft"):
        found = complex_conv2d(planes, kernel, padding=1, algorithm=route, real=real).joined()
        assert_numbers_close(found, functional.conv2d(x, weight, padding=1), "winograd4")


def test_batch_normalisation():
    x, mean, variance = drawn(3, 4, 5, 6), drawn(4, seed=1), drawn(4, seed=2).square()
    statistics = mean.clone().to(DEVICE), variance.clone().to(DEVICE)
    found = batch_norm2d(x.to(DEVICE), *statistics, training=True)
    assert_close(found, functional.batch_norm(x, mean, variance, training=True))
    assert_close(statistics[1], variance)
    z = drawn(3, 4, 5, 6, dtype=torch.complex128)
    expected = complex_batch_norm2d(z, None, None, training=True)
    assert_numbers_close(complex_batch_norm2d(z.to(DEVICE), None, None, training=True), expected, "direct")


def test_the_bench():
    machine = measure_machine(DEVICE, convolution=True)
    problems = [of_text("1x4x16x16:8x3x3"), next(of_complex()), next(of_sparse())]
    problems.append(next(of_network("mobilenet_v2@random", 64)))
    for row in time_algorithms(problems, 2, machine, device=DEVICE):
        assert max(row.facts["errors"].values()) < 2e-5, row.job
        assert min(row.facts["memory"].values()) > 0
        assert "scipy" not in row.seconds


def test_the_bank_of_filters_and_pruned_networks():
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    for name, options in (("filterbank", {}), ("mobilenet_v2@random", {"sparsity": 0.5})):
        here, there = (Extractor(name, device=device, **options) for device in ("cpu", DEVICE))
        assert here.identity == there.identity
        found = there(images.to(DEVICE))
        for tap, expected in here(images).items():
            assert_close(found[tap], expected, tolerance=1e-4)  # sums of many taps, in another order
