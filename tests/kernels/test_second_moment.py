"""The native operator: numbers, shapes, layouts, derivatives, and what torch asks of an operator."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from conftest import assert_close

from gramstyle.kernels import available, reason_missing, second_moment, second_moment_op

# a chunk of 256 positions is summed in float32, chunks in float64
ROUNDING = dict.fromkeys([torch.float16, torch.bfloat16, torch.float32], 256 * 2.0**-24)
ROUNDING[torch.float64] = 256 * 2.0**-53
DTYPES = list(ROUNDING)
# below, at and above a tile of 4 x 8 channels and a chunk of 256 positions
SHAPES = [
    (1, 1, 1),
    (2, 3, 5),
    (1, 4, 300),
    (1, 5, 2),
    (1, 7, 255),
    (1, 8, 256),
    (2, 9, 257),
    (1, 15, 4),
    (3, 16, 1),
    (1, 17, 700),
]
SHAPES += [(1, 31, 2), (2, 33, 300), (1, 64, 512), (1, 129, 3)]


def drawn(generator, shape, dtype):
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def reference(x):
    wide = x.detach().double().numpy()
    return np.stack([one @ one.T for one in wide]) if len(wide) else np.zeros((0, x.shape[1], x.shape[1]))


def test_the_library_is_there():
    assert available()
    assert reason_missing() is None


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_the_product(shape, dtype, generator):
    x = drawn(generator, shape, dtype)
    found = second_moment(x)
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert found.is_contiguous()
    assert_close(found, reference(x), tolerance=ROUNDING[dtype])


@pytest.mark.parametrize("shape", SHAPES)
def test_exactly_symmetric(shape, generator):
    found = second_moment(drawn(generator, shape, torch.float32))
    assert torch.equal(found, found.mT)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (2, 3, 0), (0, 0, 0)])
def test_empty_dimensions(shape, dtype):
    found = second_moment(torch.zeros(shape, dtype=dtype))
    assert found.shape == (shape[0], shape[1], shape[1])
    assert (found == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("positions before channels", lambda x: x.transpose(1, 2)),
        ("batch last", lambda x: x.permute(1, 2, 0)),
        ("every other position", lambda x: x[:, :, 1::2]),
        ("every third channel", lambda x: x[:, ::3]),
        ("one image for all", lambda x: x[:1].expand(4, -1, -1)),
        ("one channel for all", lambda x: x[:, :1].expand(-1, 20, -1)),
        ("one position for all", lambda x: x[:, :, :1].expand(-1, -1, 300)),
        ("an offset", lambda x: x[1:, 2:, 3:]),
        ("channels last", lambda x: x.transpose(1, 2).contiguous().transpose(1, 2)),
    ],
)
def test_strides_are_free(name, view, dtype, generator):
    x = view(drawn(generator, (3, 18, 300), dtype))
    assert_close(second_moment(x), reference(x), tolerance=ROUNDING[dtype])


def test_sums_beyond_half_precision():
    x = torch.full((1, 2, 4096), 300.0, dtype=torch.float16)
    assert_close(second_moment(x), np.full((1, 2, 2), 300.0**2 * 4096), tolerance=ROUNDING[x.dtype])


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_stays_in_its_channels(value):
    x = torch.ones(1, 20, 300)
    x[0, 3, 100] = value
    found = second_moment(x)[0]
    assert not torch.isfinite(found[3]).any()
    others = [c for c in range(20) if c != 3]
    assert (found[others][:, others] == 300).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 5, 7), (1, 17, 3), (0, 3, 4), (2, 3, 0)])
def test_gradient(shape, generator):
    x = drawn(generator, shape, torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(second_moment, x)


def test_gradient_of_a_view(generator):
    x = drawn(generator, (2, 6, 3), torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda y: second_moment(y.transpose(1, 2)[:, ::2]), x)


def test_second_derivative(generator):
    x = drawn(generator, (2, 3, 4), torch.float64).requires_grad_()
    assert torch.autograd.gradgradcheck(second_moment, x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradient_has_the_type_of_the_features(dtype, generator):
    x = drawn(generator, (1, 3, 4), dtype).requires_grad_()
    second_moment(x).sum().backward()
    assert x.grad.dtype == dtype
    exact = 2 * x.detach().double().sum(1, keepdim=True).expand(1, 3, 4)
    assert_close(x.grad, exact, tolerance=2 * torch.finfo(dtype).eps)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # opcheck's own
@pytest.mark.parametrize(("dtype", "contiguous"), [(torch.float32, True), (torch.bfloat16, False)])
def test_torch_accepts_the_operator(dtype, contiguous, generator):
    x = drawn(generator, (2, 5, 6), dtype)
    x = (x if contiguous else x.transpose(1, 2)).detach().requires_grad_()
    second_moment(x)
    torch.library.opcheck(torch.ops.gramstyle.second_moment.default, (x,))


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    yield lambda count: torch.set_num_threads(count)
    torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_same_bits_each_time_and_for_any_number_of_threads(dtype, one_thread, generator):
    x = drawn(generator, (3, 50, 1000), dtype)
    found = []
    for threads in (1, 1, 2, 2, 3):
        one_thread(threads)
        found.append(second_moment(x))
    assert all(torch.equal(found[0], one) for one in found[1:])


def test_an_image_does_not_depend_on_its_batch(generator):
    x = drawn(generator, (4, 20, 300), torch.float32)
    assert torch.equal(second_moment(x), torch.cat([second_moment(one[None]) for one in x]))


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (torch.ones(2, 3), ValueError, "x must be (B, C, P) on the cpu, got (2, 3) on cpu"),
        (torch.ones(1, 2, 3, 4), ValueError, "x must be (B, C, P) on the cpu, got (1, 2, 3, 4) on cpu"),
        (torch.ones(1, 2, 3, device="meta"), ValueError, "got (1, 2, 3) on meta"),
        (torch.ones(1, 2, 3).int(), TypeError, "float64, float32, float16 or bfloat16, got torch.int32"),
        (torch.ones(1, 2, 3).to(torch.float8_e4m3fn), TypeError, "bfloat16, got torch.float8_e4m3fn"),
        (torch.ones(1, 2, 3, dtype=torch.complex64), TypeError, "bfloat16, got torch.complex64"),
    ],
)
def test_bad_inputs_are_refused(x, error, message):
    with pytest.raises(error, match=re.escape(message)):
        second_moment(x)


@pytest.mark.parametrize("x", [torch.ones(2, 3), torch.ones(1, 2, 3).int()])
def test_the_operator_itself_defends_its_memory(x):
    second_moment(torch.ones(1, 1, 1))
    with pytest.raises(RuntimeError, match="second_moment: x must be"):
        torch.ops.gramstyle.second_moment.default(x)


def test_compiling_before_the_first_call_says_what_to_do(monkeypatch):
    monkeypatch.setattr(second_moment_op, "_registered", False)
    torch.compiler.reset()
    compiled = torch.compile(second_moment, fullgraph=True, backend="eager")
    with pytest.raises(RuntimeError, match=r"load the native half before torch\.compile"):
        compiled(torch.ones(1, 2, 3))
    torch.compiler.reset()


def test_threads_that_ask_first_at_once_register_once(monkeypatch):
    seen = []

    def slow():
        time.sleep(0.05)
        seen.append(1)

    monkeypatch.setattr(second_moment_op, "_registered", False)
    monkeypatch.setattr(second_moment_op, "_describe", slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(second_moment, [torch.ones(1, 2, 3)] * 4))
    assert seen == [1]
