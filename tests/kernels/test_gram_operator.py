"""The operator gram: numbers, shapes, layouts, derivatives, and what torch asks of an operator."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from conftest import assert_close

from gramstyle.kernels import available, gram, reason_missing, register

# a tile of 128 positions is summed in float32, and so are up to 32 tiles; strips in float64
ROUNDING = dict.fromkeys([torch.float16, torch.bfloat16, torch.float32], 160 * 2.0**-24)
ROUNDING[torch.float64] = 160 * 2.0**-53
DTYPES = list(ROUNDING)
# around a vector of 4, 8 and 16 channels, a block of 48, a tile of 128 positions, a strip of 256, the 256
# channels from which threads share one matrix, and panels of 1024 or, of 1280 channels, 256 positions
SHAPES = [
    (1, 1, 1, 1),
    (2, 3, 5, 1),
    (1, 4, 12, 25),
    (1, 7, 3, 85),
    (2, 9, 1, 257),
    (3, 16, 1, 1),
    (1, 17, 20, 35),
    (2, 33, 15, 20),
    (1, 64, 9, 57),
    (1, 129, 3, 1),
    (1, 257, 23, 23),
    (2, 300, 2, 3),
    (1, 272, 33, 40),
    (1, 1280, 17, 16),
]


def drawn(generator, shape, dtype):
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def reference(x):
    wide = x.detach().double().numpy().reshape(*x.shape[:2], -1)
    return np.stack([one @ one.T for one in wide]) if len(wide) else np.zeros((0, x.shape[1], x.shape[1]))


def second(x):
    return gram(x).second


def test_the_library_is_there():
    assert available()
    assert reason_missing() is None


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_the_product(shape, dtype, generator):
    x = drawn(generator, shape, dtype)
    found = gram(x, sums=True)
    kind = torch.float64 if dtype == torch.float64 else torch.float32
    assert found.second.dtype == found.first.dtype == kind
    assert found.second.is_contiguous()
    assert torch.equal(found.second, found.second.mT)
    assert_close(found.second, reference(x), tolerance=ROUNDING[dtype])
    exact = x.double().numpy().sum((2, 3))
    assert (
        np.abs(found.first.numpy() - exact).max()
        <= ROUNDING[dtype] * np.abs(x.double().numpy()).sum((2, 3)).max()
    )


def test_sums_are_there_where_asked_for(generator):
    x = drawn(generator, (2, 5, 3, 3), torch.float32)
    assert gram(x).first is None
    assert torch.equal(gram(x).second, gram(x, sums=True).second)


@pytest.mark.parametrize("channels", [40, 300])
def test_wide_results_keep_what_float32_would_round(channels, generator):
    x = drawn(generator, (1, channels, 90, 100), torch.float32)
    wide, narrow = gram(x, sums=True, wide=True), gram(x, sums=True)
    assert wide.second.dtype == wide.first.dtype == torch.float64
    assert torch.equal(wide.second.float(), narrow.second)
    assert torch.equal(wide.first.float(), narrow.first)
    assert not torch.equal(wide.second, narrow.second.double())


def test_many_positions_lose_no_more_than_few():
    x = torch.full((1, 2, 1024, 1024), 0.1)  # equal terms: the worst case of a running sum
    exact = float(x[0, 0, 0, 0].double()) ** 2 * 1024**2
    assert_close(gram(x).second, np.full((1, 2, 2), exact), tolerance=2e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [64, 144, 257, 272])
def test_sums_that_are_added_up_in_double(channels, layout, generator):
    """Of more strips than one wave holds, and of a shared matrix after each 4096 positions."""
    x = drawn(generator, (2, channels, 67, 123 if channels > 256 else 1000), torch.float32)
    found = gram(x.contiguous(memory_format=layout), sums=True)
    assert_close(found.second, reference(x), tolerance=160 * 2.0**-24)
    assert torch.equal(found.second, found.second.mT)
    assert_close(found.first, x.double().sum((2, 3)), tolerance=160 * 2.0**-24)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 3, 4, 1), (2, 0, 4, 2), (2, 3, 0, 5), (2, 300, 0, 5), (0, 0, 0, 0)])
def test_empty_dimensions(shape, dtype):
    found = gram(torch.zeros(shape, dtype=dtype), sums=True)
    assert found.second.shape == (shape[0], shape[1], shape[1])
    assert found.first.shape == shape[:2]
    assert (found.second == 0).all()
    assert (found.first == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [18, 32, 272])
@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("channels last", lambda x: x.contiguous(memory_format=torch.channels_last)),
        ("rows and columns swapped", lambda x: x.transpose(2, 3)),
        ("batch last", lambda x: x.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2)),
        ("every other position", lambda x: x[:, :, 1::2, ::3]),
        ("every third channel", lambda x: x[:, ::3]),
        ("one image for all", lambda x: x[:1].expand(4, -1, -1, -1)),
        ("one channel for all", lambda x: x[:, :1].expand(-1, 20, -1, -1)),
        ("one position for all", lambda x: x[:, :, :1, :1].expand(-1, -1, 17, 20)),
        ("one row for all", lambda x: x[:, :, :1].expand(-1, -1, 12, -1)),
        (
            "one row for all, channels last",
            lambda x: x.contiguous(memory_format=torch.channels_last)[:, :, :1].expand(-1, -1, 12, -1),
        ),
        (
            "one column for all, channels last",
            lambda x: x.contiguous(memory_format=torch.channels_last)[..., :1].expand(-1, -1, -1, 25),
        ),
        ("a crop", lambda x: x[1:, :, 2:11, 3:-1]),
        (
            "a crop, channels last",
            lambda x: x.contiguous(memory_format=torch.channels_last)[:, :, 2:11, 3:-1],
        ),
        ("a crop of channels", lambda x: x.contiguous(memory_format=torch.channels_last)[:, 2:18]),
        ("one column", lambda x: x[..., 5:6]),
    ],
)
def test_strides_are_free(name, view, channels, dtype, generator):
    x = view(drawn(generator, (3, channels, 12, 25), dtype))
    assert_close(second(x), reference(x), tolerance=ROUNDING[dtype])


def test_sums_beyond_half_precision():
    x = torch.full((1, 2, 64, 64), 300.0, dtype=torch.float16)
    assert_close(second(x), np.full((1, 2, 2), 300.0**2 * 4096), tolerance=ROUNDING[x.dtype])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_every_number_of_half_precision_is_read(dtype, layout):
    every = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(dtype)
    every = every[every.isfinite() & (every.abs().double() < 1e15)]
    every = torch.cat([every, every.new_zeros(-len(every) % 16)])
    x = every.reshape(1, 16, 1, -1).contiguous(memory_format=layout)
    alone = torch.zeros(1, 16, x.shape[3], x.shape[3] + 1, dtype=dtype)  # the sums of single numbers are they
    for p in (0, 5, x.shape[3] - 1):
        alone[:] = 0
        alone[0, :, 3, 3] = x[0, :, 0, p]
        assert torch.equal(gram(alone[:, :, 3:4, 3:4], sums=True).first[0], x[0, :, 0, p].float())
    assert_close(second(x.clamp(-1e3, 1e3)), reference(x.clamp(-1e3, 1e3)), tolerance=ROUNDING[dtype])


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("channels", [20, 290])
def test_what_is_not_finite_stays_in_its_channels(value, channels):
    x = torch.ones(1, channels, 15, 20)
    x[0, 3, 5, 5] = value
    found = second(x)[0]
    assert not torch.isfinite(found[3]).any()
    others = [c for c in range(channels) if c != 3]
    assert (found[others][:, others] == 300).all()


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 5, 7, 1), (1, 17, 1, 3), (0, 3, 4, 4), (2, 3, 0, 1)])
def test_gradient(shape, generator):
    x = drawn(generator, shape, torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda y: gram(y, sums=True), x)


def test_gradient_of_a_view(generator):
    x = drawn(generator, (2, 6, 3, 4), torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda y: second(y.transpose(1, 2)[:, ::2]), x)


def test_second_derivative(generator):
    x = drawn(generator, (2, 3, 2, 2), torch.float64).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda y: gram(y, sums=True), x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("wide", [False, True])
def test_gradient_of_large_maps(dtype, layout, wide, generator):
    x = drawn(generator, (2, 35, 12, 25), dtype).contiguous(memory_format=layout).requires_grad_()
    outer, sums = torch.randn(2, 35, 35, generator=generator), torch.randn(2, 35, generator=generator)
    found = gram(x, sums=True, wide=wide)
    ((found.second * outer).sum() + (found.first * sums).sum()).backward()
    assert x.grad.dtype == dtype
    assert x.grad.stride() == x.stride()
    flat = x.detach().double().numpy().reshape(2, 35, -1)
    both = (outer.double() + outer.mT.double()).numpy()
    exact = (both @ flat + sums.double().numpy()[..., None]).reshape(x.shape)
    # the rounding of the result, and of a product of 35 terms
    sums_of = torch.float64 if dtype == torch.float64 else torch.float32
    assert_close(x.grad, exact, tolerance=torch.finfo(dtype).eps + 16 * torch.finfo(sums_of).eps)


def test_vmap_is_a_larger_batch(generator):
    x = drawn(generator, (4, 2, 5, 3, 3), torch.float32)
    for dim in (0, 1):
        found = torch.vmap(lambda one: gram(one, sums=True), in_dims=dim, out_dims=dim)(x)
        folded = gram(x.reshape(8, 5, 3, 3), sums=True)
        assert_close(found.second, folded.second.reshape(4, 2, 5, 5))
        assert_close(found.first, folded.first.reshape(4, 2, 5))


def test_gradients_of_single_images_by_vmap(generator):
    x = drawn(generator, (3, 4, 3, 3), torch.float64)
    found = torch.vmap(torch.func.grad(lambda one: gram(one[None]).second.square().sum()))(x)
    for one, its in zip(x, found, strict=True):
        one = one.clone().requires_grad_()
        gram(one[None]).second.square().sum().backward()
        assert_close(its, one.grad)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # opcheck's own
@pytest.mark.parametrize(("dtype", "contiguous"), [(torch.float32, True), (torch.bfloat16, False)])
def test_torch_accepts_the_operators(dtype, contiguous, generator):
    x = drawn(generator, (2, 5, 6, 4), dtype)
    x = (x if contiguous else x.transpose(1, 2)).detach().requires_grad_()
    gram(x)
    torch.library.opcheck(torch.ops.gramstyle.gram.default, (x, True, False, "ieee"))
    detached = x.detach()
    both = gram(detached).second
    for others in ((None, both, None, "none"), (detached, both, both[:, 0].contiguous(), "relu6")):
        torch.library.opcheck(torch.ops.gramstyle.gram_backward.default, (detached, *others))


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    yield lambda count: torch.set_num_threads(count)
    torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [50, 300])
def test_same_bits_each_time_and_for_any_number_of_threads(dtype, channels, one_thread, generator):
    x = drawn(generator, (3, channels, 40, 25), dtype)
    found = []
    for threads in (1, 1, 2, 2, 3):
        one_thread(threads)
        found.append(gram(x, sums=True))
    assert all(torch.equal(found[0].second, one.second) for one in found[1:])
    assert all(torch.equal(found[0].first, one.first) for one in found[1:])


def test_an_image_does_not_depend_on_its_batch(generator):
    x = drawn(generator, (4, 20, 20, 45), torch.float32)
    assert torch.equal(second(x), torch.cat([second(one[None]) for one in x]))


def test_calls_from_several_threads_do_not_meet(generator):
    maps = [drawn(generator, (1, 24 + 8 * k, 30, 30), torch.float32) for k in range(6)]
    alone = [second(x) for x in maps]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            assert all(map(torch.equal, pool.map(second, maps), alone))


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (torch.ones(2, 3), ValueError, "x must be (B, C, H, W), got shape (2, 3)"),
        (torch.ones(1, 2, 3), ValueError, "x must be (B, C, H, W), got shape (1, 2, 3)"),
        (torch.ones(1, 2, 3, 4).int(), TypeError, "float64, float32, float16 or bfloat16, got torch.int32"),
        (torch.ones(1, 2, 3, 4).to(torch.float8_e4m3fn), TypeError, "bfloat16, got torch.float8_e4m3fn"),
        (torch.ones(1, 2, 3, 4, dtype=torch.complex64), TypeError, "bfloat16, got torch.complex64"),
        ([[1.0]], TypeError, "x must be Tensor, got list"),
    ],
)
def test_bad_inputs_are_refused(x, error, message):
    with pytest.raises(error, match=re.escape(message)):
        gram(x)


def test_shapes_without_numbers():
    found = gram(torch.ones(2, 3, 4, 5, device="meta"), sums=True)
    assert found.second.shape == (2, 3, 3)
    assert found.first.shape == (2, 3)


@pytest.mark.parametrize("x", [torch.ones(2, 3), torch.ones(1, 2, 3, 4).int()])
def test_the_operator_itself_defends_its_memory(x):
    gram(torch.ones(1, 1, 1, 1))
    with pytest.raises(RuntimeError, match="x must be"):
        torch.ops.gramstyle.gram.default(x, False, False, "ieee")


def test_compiling_before_the_first_call_says_what_to_do(monkeypatch):
    monkeypatch.setattr(register, "_registered", False)
    torch.compiler.reset()
    compiled = torch.compile(second, fullgraph=True, backend="eager")
    with pytest.raises(RuntimeError, match=r"load the native half before torch\.compile"):
        compiled(torch.ones(1, 2, 3, 4))
    torch.compiler.reset()


def test_threads_that_ask_first_at_once_register_once(monkeypatch):
    seen = []

    def slow():
        time.sleep(0.05)
        seen.append(1)

    monkeypatch.setattr(register, "_registered", False)
    monkeypatch.setattr(register, "_register_gram", slow)
    for other in ("_register_gram_backward", "_register_conv_gram", "register_winograd"):
        monkeypatch.setattr(register, other, lambda: None)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(second, [torch.ones(1, 2, 3, 4)] * 4))
    assert seen == [1]
