"""The CUDA half on a device: results against float64, for what its kernels tell apart."""

import gc

import gpu
import pytest
import torch
import twins
from operator_cases import CONVOLUTIONS, ROUNDING, TYPES, VIEWS, agrees, arguments, drawn

from gramstyle.kernels import ACTIVATIONS, fusible, register

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(gpu.missing() is not None, reason=str(gpu.missing())),
]
DEVICE = torch.device("cuda")
LAYOUTS = {"planar": torch.contiguous_format, "channels-last": torch.channels_last}
# around what panels, superblocks and chunks hold
CHANNELS = [
    *range(1, 300, 7),
    16,
    31,
    32,
    33,
    63,
    64,
    65,
    80,
    96,
    127,
    128,
    129,
    192,
    255,
    256,
    257,
    300,
    520,
]
SIZES = [(1, 1), (3, 5), (7, 37), (31, 33), (64, 80)]


@pytest.fixture(autouse=True)
def operators(monkeypatch):
    """The operators; convolutions that fall back to torch's are those of float32, too."""
    register.ready()
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    yield torch.ops.gramstyle
    gc.collect()
    torch.cuda.empty_cache()


def on_device(*those):
    return [one.to(DEVICE) if torch.is_tensor(one) else one for one in those]


def close(found, x, rounding, sums_rounding=1e-6):
    """`found` are sums of `x`."""
    second, total, size, most = gpu.moments(x)
    agrees(found[0], second, size, rounding)
    agrees(found[1], total, most, sums_rounding)
    assert torch.equal(found[0], found[0].mT)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", TYPES)
def test_gram_of_any_shape(dtype, layout, operators, generator):
    for i, channels in enumerate(CHANNELS):
        x = drawn(generator, (1 + i % 3, channels, *SIZES[i % len(SIZES)]), dtype).to(DEVICE)
        x = x.contiguous(memory_format=LAYOUTS[layout])
        close(operators.gram(x, True, False, "ieee"), x, 2 * ROUNDING[dtype])
        if dtype == torch.float32:
            close(operators.gram(x, True, False, "tf32"), x, 2e-3, 1e-3)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", VIEWS)
def test_gram_and_gradient_of_any_strides(name, dtype, operators, generator):
    x = VIEWS[name](drawn(generator, (3, 18, 7, 9), dtype).to(DEVICE) * 4)
    close(operators.gram(x, True, False, "ieee"), x, 2 * ROUNDING[dtype])
    gradient_is_right(operators, x, "relu6", generator)


def gradient_is_right(operators, x, activation, generator, base=True):
    batch, channels = x.shape[:2]
    added = drawn(generator, x.shape, x.dtype).to(DEVICE) if base else None
    symmetric = drawn(generator, (batch, channels, channels), torch.float32).to(DEVICE)
    symmetric = symmetric + symmetric.mT
    sums = drawn(generator, (batch, channels), torch.float32).to(DEVICE) if base else None
    found = operators.gram_backward(x, added, symmetric, sums, activation)
    assert found.dtype == x.dtype
    assert found.stride() == torch.empty_like(x).stride()
    sizes = [None if one is None else one.abs() for one in (x, added, symmetric, sums)]
    exact = twins.gram_backward(x, added, symmetric, sums, activation)
    share = max(3 * torch.finfo(x.dtype).eps, 1e-14 if x.dtype == torch.float64 else 2e-6)
    agrees(found, exact, twins.gram_backward(*sizes, "none"), share)
    assert (found[~twins.passes(x, activation)] == 0).all()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", TYPES)
def test_gradient_of_any_shape(dtype, layout, operators, generator):
    for i, channels in enumerate(CHANNELS):
        x = drawn(generator, (1 + i % 3, channels, *SIZES[i % len(SIZES)]), dtype).to(DEVICE) * 4
        x = x.contiguous(memory_format=LAYOUTS[layout])
        gradient_is_right(operators, x, ("relu", "relu6", "none")[i % 3], generator, base=i % 2 == 0)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 0, 4, 5), (2, 3, 0, 5), (2, 3, 4, 0)])
def test_nothing_is_no_work(shape, dtype, operators):
    x = torch.zeros(shape, dtype=dtype, device=DEVICE)
    second, sums = operators.gram(x, True, False, "tf32")
    assert second.shape == (shape[0], shape[1], shape[1])
    assert (second == 0).all()
    assert (sums == 0).all()
    symmetric = torch.zeros(shape[0], shape[1], shape[1], device=DEVICE)
    assert operators.gram_backward(x, None, symmetric, None, "relu").shape == shape


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("channels", [20, 64, 128, 200])
def test_equal_terms_lose_no_more_than_chains_allow(dtype, channels, operators):
    x = torch.full((1, channels, 1024, 1024), 0.1, dtype=dtype, device=DEVICE)
    found, _ = operators.gram(x, False, False, "ieee")
    exact = x[0, 0, 0, 0].double() ** 2 * 1024**2
    # every rounding of a sum of equal terms may go the same way
    rounding = {torch.float64: 1e-12, torch.float32: 2e-5}.get(dtype, ROUNDING[dtype])
    assert ((found.double() - exact).abs() / exact).max().item() <= rounding


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("channels", [20, 60, 120, 290])
def test_what_is_not_finite_stays_in_its_channels(channels, dtype, value, operators):
    x = torch.ones(1, channels, 15, 20, dtype=dtype, device=DEVICE)
    x[0, 3, 5, 5] = value
    found = operators.gram(x, False, False, "ieee")[0][0]
    assert not torch.isfinite(found[3]).any()
    others = [c for c in range(channels) if c != 3]
    assert (found[others][:, others] == 300).all()


def convolution_is_right(operators, call):
    x, weight, *_, groups, activation = call
    eps = torch.finfo(x.dtype).eps
    features, second, sums = operators.conv_gram(*call, True, True, False, "ieee")
    exact = twins.convolved(*call)
    assert features.is_contiguous(memory_format=torch.channels_last)
    size = twins.convolved(*(one.abs() if torch.is_tensor(one) else one for one in call[:7]), "none")
    fused = fusible(x.dtype, weight.shape, groups) is not None
    # torch rounds before the activation, too
    agrees(features, exact, size.clamp_min(1) if activation == "silu" else size, (2 if fused else 6) * eps)
    close((second, sums), features, 2 * ROUNDING[x.dtype])
    alone, again, none = operators.conv_gram(*call, False, False, False, "ieee")
    assert (alone.numel(), none.numel()) == (0, 0)
    assert torch.equal(again, second)


@pytest.mark.parametrize("shape", [(2, 9, 11), (1, 33, 130), (3, 3, 3), (1, 224, 225)])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution_and_gram(name, shape, operators, generator):
    if shape[1] > 200 and CONVOLUTIONS[name][-1] == torch.float64:
        pytest.skip("slow in float64, and torch's own convolution")
    convolution_is_right(operators, on_device(*arguments(name, generator, shape)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kernel", [1, 3])
def test_convolution_to_any_number_of_channels(kernel, dtype, operators, generator):
    for i, outputs in enumerate([*range(1, 257, 15), 32, 63, 64, 65, 80, 127, 128, 129, 192, 255, 256]):
        inputs = (3, 5, 7)[i % 3] if kernel == 3 else (8, 13, 16, 24, 64)[i % 5]
        x = drawn(generator, (1 + i % 2, inputs, 13, 21 + i), dtype).to(DEVICE)
        x = x.contiguous(memory_format=torch.channels_last) if i % 4 else x
        weight = drawn(generator, (outputs, inputs, kernel, kernel), dtype).to(DEVICE) / inputs
        bias = drawn(generator, (outputs,), dtype).to(DEVICE) if i % 3 else None
        shape = ([1 + i % 2] * 2, [kernel // 2] * 2, [1, 1], 1, ACTIVATIONS[i % len(ACTIVATIONS)])
        convolution_is_right(operators, (x, weight, bias, *shape))


def room_for(gigabytes):
    gc.collect()
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info()
    if free < gigabytes << 30:
        pytest.skip(f"{free >> 30} GiB of device memory are free, {gigabytes} are needed")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_more_elements_than_32_bits_count(layout, operators):
    room_for(20)
    x = torch.empty(1, 64, 5800, 5800, dtype=torch.bfloat16, device=DEVICE, memory_format=LAYOUTS[layout])
    assert x.numel() > 1 << 31
    for rows in x.split(200, 2):  # what differs from place to place
        rows.normal_(0.3, 1.0)
    close(operators.gram(x, True, True, "ieee"), x, ROUNDING[torch.bfloat16])
    symmetric = torch.eye(64, device=DEVICE)[None] * 2
    found = operators.gram_backward(x, None, symmetric, None, "relu")
    for rows, its in zip(x.split(200, 2), found.split(200, 2), strict=True):
        assert torch.equal(its, rows.relu() * 2)


def test_a_convolution_to_more_elements_than_32_bits_count(operators, generator):
    room_for(20)
    x = drawn(generator, (1, 3, 29, 29), torch.bfloat16).to(DEVICE).repeat(1, 1, 200, 200)
    weight = drawn(generator, (64, 3, 1, 1), torch.bfloat16).to(DEVICE)
    call = (weight, None, [1, 1], [0, 0], [1, 1], 1, "relu", True, True, True, "ieee")
    features, second, sums = operators.conv_gram(x, *call)
    assert features.numel() > 1 << 31
    small = operators.conv_gram(x[..., :29, :29].contiguous(), *call)[0]
    for i in (0, 100, 199):
        for j in (0, 101, 199):
            tile = features[..., 29 * i : 29 * i + 29, 29 * j : 29 * j + 29]
            assert torch.equal(tile, small)
    second_of_one, total, size, most = gpu.moments(small)
    agrees(second, second_of_one * 40000, size * 40000, ROUNDING[torch.bfloat16])
    agrees(sums, total * 40000, most * 40000, 1e-6)
