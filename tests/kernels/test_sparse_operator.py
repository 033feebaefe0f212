"""The operator of sparse convolutions against torch's in float64, of the kernel with its zeros."""

import itertools

import pytest
import torch
from conftest import assert_close
from torch.nn import functional

from gramstyle.conv import Csr
from gramstyle.kernels import sparse_conv

ROUNDING = {torch.float64: 2e-14, torch.float32: 1e-5, torch.float16: 2.0**-10, torch.bfloat16: 2.0**-7}


def drawn(generator, channels, outputs, kernel, size, dtype, density=0.2, groups=1):
    x = torch.randn(2, channels, *size, generator=generator, dtype=torch.float64)
    weight = torch.randn(outputs, channels // groups, *kernel, generator=generator, dtype=torch.float64)
    weight *= torch.rand(weight.shape, generator=generator) < density
    bias = torch.randn(outputs, generator=generator, dtype=torch.float64)
    return x.to(dtype), weight.to(dtype), bias.to(dtype)


def by_operator(x, weight, bias, *shape):
    kind = torch.promote_types(x.dtype, torch.float32)
    kernel = Csr.from_dense(weight)
    bias = None if bias is None else bias.to(kind)
    return sparse_conv(x, kernel.values.to(kind), kernel.columns, kernel.rows, bias, weight.shape[2:], *shape)


def definition(x, weight, bias, *shape):
    bias = None if bias is None else bias.double()
    return functional.conv2d(x.double(), weight.double(), bias, *shape)


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("size", [(1, 1), (7, 7), (9, 31), (33, 56), (5, 130)], ids=str)
def test_agrees_with_the_definition(size, dtype, generator):
    kernels = [(1, 1), (3, 3), (2, 5)]
    for kernel, stride, dilation in itertools.product(kernels, [(1, 1), (2, 3)], [(1, 1), (2, 9)]):
        x, weight, bias = drawn(generator, 10, 35, kernel, size, dtype)
        padding = [d * (k - 1) // 2 + 1 for k, d in zip(kernel, dilation, strict=True)]
        shape = (stride, padding, dilation)
        found = by_operator(x, weight, bias, *shape)
        assert found.dtype == dtype
        assert_close(found, definition(x, weight, bias, *shape), tolerance=ROUNDING[dtype])


@pytest.mark.parametrize("groups", [1, 3, 12])
@pytest.mark.parametrize("density", [0, 0.02, 1])
def test_groups_and_empty_rows(groups, density, generator):
    x, weight, bias = drawn(generator, 12, 24, (3, 3), (14, 14), torch.float32, density, groups)
    shape = ((1, 1), (1, 1), (1, 1), groups)
    for one in (bias, None):
        assert_close(by_operator(x, weight, one, *shape) + 1, definition(x, weight, one, *shape) + 1)


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)], ids=str)
def test_many_channels_go_through_the_cache_in_blocks(kernel, generator):
    x, weight, bias = drawn(generator, 300, 9, kernel, (12, 56), torch.float32)
    assert_close(by_operator(x, weight, bias), definition(x, weight, bias))


@pytest.mark.parametrize("padding", [(0, 1), (1, 0)])
def test_padding_of_one_tap(padding, generator):
    x, weight, bias = drawn(generator, 5, 6, (1, 1), (4, 7), torch.float32)
    assert_close(by_operator(x, weight, bias, (1, 1), padding), definition(x, weight, bias, 1, padding))


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:, :, 3:-2, 1:-4],
        lambda x: x.contiguous(memory_format=torch.channels_last)[:, :, 3:-2, 1:-4],
        lambda x: x.transpose(2, 3),
        lambda x: x[:1].expand(3, -1, -1, -1),
        lambda x: x[:0],
    ],
    ids=["crop", "crop, channels last", "transposed", "one for all", "none"],
)
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)], ids=str)
def test_strides_are_free(view, kernel, generator):
    x, weight, bias = drawn(generator, 6, 8, kernel, (20, 50), torch.float32)
    assert_close(by_operator(view(x), weight, bias), definition(view(x), weight, bias))


def test_same_bits_for_any_number_of_threads_and_any_batch(generator):
    x, weight, bias = drawn(generator, 40, 70, (3, 3), (23, 30), torch.float32)
    before, found = torch.get_num_threads(), []
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        found.append(by_operator(x, weight, bias, (1, 1), (1, 1)))
    torch.set_num_threads(before)
    found.append(torch.cat([by_operator(x[i : i + 1], weight, bias, (1, 1), (1, 1)) for i in (0, 1)]))
    assert all(torch.equal(one, found[0]) for one in found)


def test_what_is_not_finite_reaches_those_that_multiply_it(generator):
    x, weight, bias = drawn(generator, 8, 16, (3, 3), (20, 20), torch.float32)
    x[0, 3, 11, 5] = torch.nan
    found = by_operator(x, weight, bias, (1, 1), (1, 1)).isnan()
    marked = torch.zeros_like(x)
    marked[0, 3, 11, 5] = 1
    assert torch.equal(found, functional.conv2d(marked, weight.abs(), padding=1) > 0)


@pytest.mark.parametrize("shape", [((1, 1), (1, 2)), ((2, 1), (0, 3)), ((1, 1), (4, 1), (2, 1))], ids=str)
@pytest.mark.parametrize("groups", [1, 2])
def test_gradients_first_and_second(shape, groups, generator):
    x, weight, bias = drawn(generator, 4, 6, (3, 2), (5, 4), torch.float64, 0.4, groups)
    kernel = Csr.from_dense(weight)
    shape = (*shape, (1, 1))[:3]

    def run(x, values, bias):
        places = (kernel.columns, kernel.rows)
        return sparse_conv(x[:1], values, *places, bias, weight.shape[2:], *shape, groups)

    leaves = [one.clone().requires_grad_() for one in (x, kernel.values, bias)]
    assert torch.autograd.gradcheck(run, leaves, fast_mode=True)
    assert torch.autograd.gradgradcheck(run, leaves, fast_mode=True)


def test_torch_knows_its_shapes_and_batches(generator):
    x, weight, bias = drawn(generator, 4, 6, (3, 3), (9, 8), torch.float32)
    one = Csr.from_dense(weight)
    args = (x, one.values, one.columns, one.rows, bias, [3, 3], [1, 2], [1, 0], [1, 1], 1)
    sparse_conv(*args)  # loads it
    checks = ("test_schema", "test_faketensor", "test_autograd_registration")
    torch.library.opcheck(torch.ops.gramstyle.sparse_conv.default, args, test_utils=checks)
    turned = (one.values, one.columns, one.rows, 4, 1, 9)
    torch.library.opcheck(torch.ops.gramstyle.sparse_turned.default, turned, test_utils=checks)
    stacked = torch.stack([x, 2 * x], 1)
    found = torch.func.vmap(lambda x: sparse_conv(x, *args[1:]), in_dims=1)(stacked)
    assert torch.equal(found[1], sparse_conv(2 * x, *args[1:]))
    with pytest.raises(NotImplementedError, match="no vmap over its kernel"):
        torch.func.vmap(lambda bias: sparse_conv(*args[:4], bias, *args[5:]))(torch.stack([bias, bias]))


def ints(*numbers):
    return torch.tensor(numbers, dtype=torch.int32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": ints(2, 1, 3)}, "columns must ascend"),
        ({"columns": ints(1, 1, 3)}, "columns must ascend"),
        ({"columns": ints(0, 1, 36)}, "from 0 to less than 36"),
        ({"columns": ints(-1, 1, 3)}, "columns must ascend"),
        ({"columns": ints(0, 1)}, "columns must be contiguous int32, one per value"),
        ({"columns": torch.tensor([0, 1, 3])}, "columns must be contiguous int32"),
        ({"rows": ints(0, 2, 4)}, "rows must ascend"),
        ({"rows": ints(1, 2, 3)}, "rows must ascend"),
        ({"rows": ints(0, 4, 3)}, "rows must ascend"),
        ({"rows": ints(0, 2, 3).long()}, "rows must be contiguous int32"),
        ({"values": torch.ones(3, dtype=torch.float64)}, "float64 where x is, else float32"),
        ({"bias": torch.ones(3)}, r"bias must be contiguous \(N\)"),
        ({"kernel": [3, 9]}, "at least as large as the filter"),
        ({"kernel": [3]}, "must have two entries"),
        ({"stride": [0, 1]}, "stride and dilation must be at least 1"),
        ({"groups": 3}, "groups must divide"),
    ],
)
def test_what_would_read_elsewhere_is_refused(changes, message):
    given = {"x": torch.ones(1, 4, 5, 5), "values": torch.ones(3), "columns": ints(0, 1, 3)}
    given |= {"rows": ints(0, 2, 3), "bias": None, "kernel": [3, 3]} | changes
    with pytest.raises(RuntimeError, match=message):
        sparse_conv(**given)
