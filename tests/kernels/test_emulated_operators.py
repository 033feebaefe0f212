"""The CUDA half's operators with everything but the device: bindings and kernels, emulated on the host.

Kernels themselves have stricter tests beside this; here is what lies between them and torch: layouts,
alignment, workspaces, empty sizes, and what falls back to torch.
"""

import itertools
import re

import pytest
import torch
import twins
from emulated import missing, operators
from operator_cases import CONVOLUTIONS, ROUNDING, TYPES, VIEWS, agrees, alike, arguments, drawn

from gramstyle.kernels import fusible, reason_missing

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture(scope="module")
def cuda(request):
    torch.ops.load_library(operators(request.config.cache.mkdir("emulated")))
    return torch.ops.gramstyle_emulated


needs_cpu_half = pytest.mark.skipif(reason_missing() is not None, reason="the CPU half was not built")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", VIEWS)
def test_gram_of_any_layout(name, dtype, cuda, generator):
    x = VIEWS[name](drawn(generator, (3, 18, 7, 9), dtype))
    second, sums = cuda.gram(x, True, False, "ieee")
    for found, exact, size in zip((second, sums), twins.gram(x), twins.gram_sizes(x), strict=True):
        agrees(found, exact, size, ROUNDING[dtype])
    assert torch.equal(second, second.mT)


@needs_cpu_half
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("sums", "wide"), [(True, False), (False, True)])
def test_gram_gives_what_the_cpu_half_gives(dtype, sums, wide, cuda, generator):
    from gramstyle.kernels import gram

    x = drawn(generator, (2, 20, 5, 6), dtype)
    gram(x)
    expected = torch.ops.gramstyle.gram(x, sums, wide, "ieee")
    found = cuda.gram(x, sums, wide, "ieee")
    alike(found, expected)
    assert torch.allclose(found[0].double(), expected[0].double(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 0, 4, 5), (2, 3, 0, 5), (2, 3, 4, 0)])
def test_gram_of_nothing(shape, dtype, cuda):
    second, sums = cuda.gram(torch.zeros(shape, dtype=dtype), True, False, "tf32")
    assert second.shape == (shape[0], shape[1], shape[1])
    assert sums.shape == shape[:2]
    assert (second == 0).all()
    assert (sums == 0).all()


def test_tf32_loses_what_it_should(cuda, generator):
    x = drawn(generator, (1, 40, 9, 9), torch.float32)
    exact, _ = twins.gram(x)
    size, _ = twins.gram_sizes(x)
    errors = [
        ((cuda.gram(x, False, False, precision)[0] - exact).abs() / size).max().item()
        for precision in ("ieee", "tf32")
    ]
    assert errors[0] < 1e-6 < 1e-5 < errors[1] < 2e-3


def test_an_image_does_not_depend_on_its_batch(cuda, generator):
    x = drawn(generator, (4, 70, 9, 11), torch.bfloat16)
    whole = cuda.gram(x, True, False, "ieee")
    parts = [cuda.gram(one[None], True, False, "ieee") for one in x]
    for found, each in zip(whole, zip(*parts, strict=True), strict=True):
        assert torch.equal(found, torch.cat(each))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", VIEWS)
def test_gradient_of_any_layout(name, dtype, cuda, generator):
    x = VIEWS[name](drawn(generator, (3, 18, 7, 9), dtype) * 4)
    batch, channels = x.shape[:2]
    base = drawn(generator, x.shape, dtype)
    if "last" in name:
        base = base.contiguous(memory_format=torch.channels_last)
    symmetric = drawn(generator, (batch, channels, channels), torch.float32)
    symmetric = symmetric + symmetric.mT
    sums = drawn(generator, (batch, channels), torch.float32)
    found = cuda.gram_backward(x, base, symmetric, sums, "relu6")
    assert found.dtype == dtype
    assert found.stride() == torch.empty_like(x).stride()
    exact = twins.gram_backward(x, base, symmetric, sums, "relu6")
    size = twins.gram_backward(x.abs(), base.abs(), symmetric.abs(), sums.abs(), "none")
    agrees(found, exact, size, max(3 * torch.finfo(dtype).eps, 1e-14 if dtype == torch.float64 else 1e-6))
    assert (found[~twins.passes(x, "relu6")] == 0).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_gradient_without_base_or_sums_from_wide_matrices(dtype, cuda, generator):
    x = drawn(generator, (2, 10, 4, 5), dtype)
    symmetric = drawn(generator, (2, 10, 10), torch.float64)
    symmetric = symmetric + symmetric.mT
    found = cuda.gram_backward(x, None, symmetric, None, "none")
    exact = twins.gram_backward(x, None, symmetric, None, "none")
    size = twins.gram_backward(x.abs(), None, symmetric.abs(), None, "none")
    agrees(found, exact, size, max(3 * torch.finfo(dtype).eps, 1e-14 if dtype == torch.float64 else 1e-6))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 0, 4, 5), (2, 3, 0, 5)])
def test_gradient_of_nothing(shape, dtype, cuda):
    symmetric = torch.zeros(shape[0], shape[1], shape[1])
    assert cuda.gram_backward(torch.zeros(shape, dtype=dtype), None, symmetric, None, "relu").shape == shape


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution_and_gram(name, cuda, generator):
    call = arguments(name, generator)
    dtype = call[0].dtype
    features, second, sums = cuda.conv_gram(*call, True, True, False, "ieee")
    exact = twins.convolved(*call)
    assert features.shape == exact.shape
    assert features.is_contiguous(memory_format=torch.channels_last)
    # a sum of products in float32, then rounded; torch's own convolution of half precision does no better
    size = twins.convolved(*(one.abs() if torch.is_tensor(one) else one for one in call[:7]), "none")
    agrees(features, exact, size, 2 * torch.finfo(dtype).eps)
    for found, wanted, most in zip(
        (second, sums), twins.gram(features), twins.gram_sizes(features), strict=True
    ):
        agrees(found, wanted, most, ROUNDING[dtype])


@pytest.mark.parametrize("name", ["stem", "expansion", "many inputs", "float32"])
def test_features_are_left_out_where_not_asked_for(name, cuda, generator):
    call = arguments(name, generator, bias=False)
    _, second, sums = cuda.conv_gram(*call, True, True, True, "ieee")
    features, again, none = cuda.conv_gram(*call, False, False, True, "ieee")
    assert features.numel() == 0
    assert none.shape == (2, 0)
    assert torch.equal(second, again)
    assert second.dtype == sums.dtype == torch.float64


@needs_cpu_half
@pytest.mark.parametrize("features", [True, False])
@pytest.mark.parametrize("name", ["stem", "expansion", "depthwise", "float32", "many inputs"])
def test_convolution_gives_what_the_cpu_half_gives(name, features, cuda, generator):
    from gramstyle.kernels import gram

    gram(torch.zeros(1, 1, 1, 1))
    call = arguments(name, generator)
    expected = torch.ops.gramstyle.conv_gram(*call, features, True, False, "ieee")
    found = cuda.conv_gram(*call, features, True, False, "ieee")
    alike(found, expected)
    eps = torch.finfo(call[0].dtype).eps
    for one, other in zip(found, expected, strict=True):
        most = other.abs().max().item() if other.numel() else 0.0
        assert torch.allclose(one.double(), other.double(), rtol=8 * eps, atol=8 * eps * most)


def test_no_image_is_no_work(cuda, generator):
    call = list(arguments("stem", generator))
    call[0] = call[0][:0]
    features, second, sums = cuda.conv_gram(*call, True, True, False, "ieee")
    assert (features.shape, second.shape, sums.shape) == ((0, 64, 9, 11), (0, 64, 64), (0, 64))


def test_python_and_the_binding_agree_about_what_is_fused(cuda):
    dtypes = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
    seen = set()
    for dtype, inputs, outputs, kernel, groups in itertools.product(
        dtypes, (3, 7, 8, 16, 64, 65), (1, 64, 65, 256, 257), (1, 3), (1, 2)
    ):
        if inputs % groups or outputs % groups:
            continue
        x = torch.zeros(1, inputs, 4, 4, dtype=dtype)
        weight = torch.zeros(outputs, inputs // groups, kernel, kernel, dtype=dtype)
        native = cuda.fused(x, weight, groups)
        assert native == (fusible(dtype, weight.shape, groups) is not None)
        seen.add(native)
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ops: ops.gram(torch.ones(2, 3), False, False, "ieee"), "x must be (B, C, H, W)"),
        (lambda ops: ops.gram(torch.ones(1, 2, 3, 4).int(), False, False, "ieee"), "x must be float64"),
        (
            lambda ops: ops.gram(torch.ones(1, 2, 3, 4), False, False, "high"),
            "precision must be ieee or tf32",
        ),
        (
            lambda ops: ops.gram_backward(torch.ones(1, 2, 3, 4), None, torch.ones(1, 2, 3), None, "none"),
            "symmetric must be contiguous (B, C, C)",
        ),
        (
            lambda ops: ops.gram_backward(torch.ones(1, 2, 3, 4), None, torch.ones(1, 2, 2), None, "silu"),
            "activation must be none, relu or relu6",
        ),
        (
            lambda ops: ops.conv_gram(
                torch.ones(1, 2, 3, 4), torch.ones(2, 2, 1, 1).half(), None, [1, 1], [0, 0], [1, 1], 1,
                "none", True, True, False, "ieee",
            ),
            "weight must be contiguous, of the type of x",
        ),
    ],
)  # fmt: skip
def test_the_operators_defend_their_memory(call, message, cuda):
    with pytest.raises(RuntimeError, match=re.escape(message)):
        call(cuda)


def test_torch_accepts_the_schemas(cuda, generator):
    x = drawn(generator, (1, 4, 3, 3), torch.float32)
    torch.library.opcheck(cuda.gram.default, (x, True, False, "ieee"), test_utils="test_schema")
    matrix = torch.ones(1, 4, 4)
    torch.library.opcheck(
        cuda.gram_backward.default, (x, x.clone(), matrix, None, "relu"), test_utils="test_schema"
    )
    call = arguments("stem", generator)
    torch.library.opcheck(
        cuda.conv_gram.default, (*call, True, True, False, "ieee"), test_utils="test_schema"
    )
