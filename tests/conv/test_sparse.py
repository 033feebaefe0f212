"""Convolutions by sparse kernels of every layout, beside torch with the dense ones in float64."""

from pathlib import Path

import pytest
import torch
from conftest import assert_close
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from gramstyle import kernels
from gramstyle.conv import SPARSE_ALGORITHMS, Blocks, Csr, TwoFour, sparse_conv2d
from gramstyle.conv.sparse import conv, semi_structured
from gramstyle.conv.sparse.prune import n_of_m_mask
from gramstyle.errors import StyleError, UnknownNameError

numbers = st.integers(1, 3)
LAYOUTS = {
    "csr": Csr.from_dense,
    "blocks": lambda weight: Blocks.from_dense(weight, (2, 1, 1, 1)),
    "2:4": TwoFour.from_dense,
}


def drawn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def thinned(weight, seed=3):
    """Two of four channels, and half of those: a kernel for every layout."""
    kept = torch.rand(weight.shape, generator=torch.Generator().manual_seed(seed)) < 0.5
    return weight * n_of_m_mask(weight) * kept


def padded(x, sides, mode):
    flat = [side for side in reversed(sides) for _ in range(2)]
    return functional.pad(x, flat, "constant" if mode == "zeros" else mode)


@st.composite
def problems(draw):
    """Arguments, and those of torch on an input that is padded beforehand."""
    groups = draw(numbers)
    kernel, stride, dilation = (draw(st.tuples(numbers, numbers)) for _ in range(3))
    padding, size = (draw(st.tuples(*[st.integers(*ends)] * 2)) for ends in ((0, 2), (3, 20)))
    dtype = draw(st.sampled_from([torch.float64, torch.float64, torch.complex128]))
    x = drawn(draw(numbers), 4 * groups, *size, dtype=dtype)
    weight = thinned(drawn(2 * groups * draw(numbers), 4, *kernel, seed=1, dtype=dtype))
    bias = drawn(len(weight), seed=2, dtype=dtype) if draw(st.booleans()) else None
    mode = draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    assume(all(s + 2 * p >= r for s, p, r in zip(size, padding, reach, strict=True)))
    return x, weight, bias, stride, padding, dilation, groups, mode


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("algorithm", ["native", "product", "auto"])
def test_every_geometry_agrees_with_torch_and_its_gradients_too(layout, algorithm):
    @settings(max_examples=25, deadline=None)
    @given(problems())
    def check(problem):
        x, weight, bias, stride, padding, dilation, groups, mode = problem
        assume(not (algorithm == "native" and x.is_complex()))
        x = x.requires_grad_()
        kernel = LAYOUTS[layout](weight)
        kernel = kernel.with_values(kernel.values.requires_grad_())
        leaves = [x, kernel.values, *([] if bias is None else [bias.requires_grad_()])]
        shape = (stride, padding, dilation, groups)
        found = sparse_conv2d(x, kernel, bias, *shape, padding_mode=mode, algorithm=algorithm)
        dense = kernel.to_dense()
        expected = functional.conv2d(padded(x, padding, mode), dense, bias, stride, 0, dilation, groups)
        close(found, expected)
        outer = drawn(*expected.shape, seed=4, dtype=x.dtype)
        pairs = (torch.autograd.grad(one, leaves, outer) for one in (found, expected))
        for one, other in zip(*pairs, strict=True):
            close(one, other)

    check()


def close(one, other):
    """Complex numbers by their parts."""
    parts = [torch.view_as_real(part) if part.is_complex() else part for part in (one, other)]
    assert_close(parts[0] + 1, parts[1] + 1, tolerance=1e-12)  # of an empty kernel all is 0


@pytest.mark.parametrize("algorithm", ["native", "product"])
def test_same_padding_is_that_of_torch(algorithm):
    x, weight = drawn(1, 4, 9, 8), thinned(drawn(3, 4, 4, 3, seed=1))
    found = sparse_conv2d(x, Csr.from_dense(weight), padding="same", dilation=2, algorithm=algorithm)
    assert_close(found, functional.conv2d(x, weight, padding="same", dilation=2))


@pytest.mark.parametrize("algorithm", ["native", "product"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_narrow_numbers_are_added_up_in_float32(algorithm, dtype):
    x, weight, bias = drawn(1, 64, 9, 8).to(dtype), thinned(drawn(8, 64, 3, 3)).to(dtype), drawn(8).to(dtype)
    found = sparse_conv2d(x, TwoFour.from_dense(weight), bias, algorithm=algorithm)
    expected = functional.conv2d(x.double(), weight.double(), bias.double())
    assert found.dtype == dtype
    assert_close(found, expected, tolerance=max(1e-6, torch.finfo(dtype).eps / 2))


@pytest.mark.parametrize("algorithm", ["native", "product"])
def test_a_bias_alone_may_be_learned(algorithm):
    x, bias = drawn(2, 4, 5, 6), drawn(3).requires_grad_()
    found = sparse_conv2d(x, Csr.from_dense(drawn(3, 4, 3, 3)), bias, algorithm=algorithm)
    (slope,) = torch.autograd.grad(found.sum(), bias)
    assert_close(slope, torch.full((3,), 2.0 * 3 * 4))


@pytest.mark.parametrize("algorithm", ["native", "product"])
def test_parts_of_a_kernel_may_be_views(algorithm):
    def strided(one):
        return torch.stack([one, one], 1)[:, 0]

    x, weight = drawn(1, 4, 9, 8), thinned(drawn(3, 4, 4, 3, seed=1))
    plain = Csr.from_dense(weight)
    kernel = Csr(**{name: strided(one) for name, one in plain.tensors().items()}, shape=plain.shape)
    assert not kernel.columns.is_contiguous()
    assert_close(sparse_conv2d(x, kernel, algorithm=algorithm), functional.conv2d(x, weight))


@pytest.mark.parametrize("weight", [torch.zeros(3, 4, 3, 3), thinned(drawn(1, 4, 3, 3)).float()])
def test_kernels_of_nothing_and_of_one_output(weight):
    x, bias = drawn(2, 4, 5, 5).float(), drawn(len(weight)).float()
    for algorithm in ("native", "product"):
        for layout in (Csr, TwoFour):
            found = sparse_conv2d(x, layout.from_dense(weight), bias, algorithm=algorithm)
            assert_close(found, functional.conv2d(x.double(), weight.double(), bias.double()))


def test_training_moves_what_is_kept_alone():
    weight, x = thinned(drawn(6, 4, 3, 3)), drawn(2, 4, 8, 8)
    kernel = Csr.from_dense(weight)
    values = kernel.values.clone().requires_grad_()
    sparse_conv2d(x, kernel.with_values(values)).square().sum().backward()
    moved = kernel.with_values((values - 0.1 * values.grad).detach()).to_dense()
    assert torch.equal(moved != 0, weight != 0)
    assert not torch.equal(moved, weight)


def test_gradients_reach_the_dense_kernel_that_one_was_made_of():
    weight = thinned(drawn(6, 4, 3, 3)).requires_grad_()
    x = drawn(2, 4, 8, 8)
    for make in LAYOUTS.values():
        (found,) = torch.autograd.grad(sparse_conv2d(x, make(weight)).square().sum(), weight)
        (expected,) = torch.autograd.grad(functional.conv2d(x, weight).square().sum(), weight)
        kept = make(weight.detach()).with_values(torch.ones_like(make(weight.detach()).values)).to_dense()
        assert_close(found, expected * kept)


def test_without_the_native_half_torch_does_it(monkeypatch):
    monkeypatch.setattr(conv, "available", lambda: False)
    monkeypatch.setattr(conv, "reason_missing", lambda: "no compiler")
    x, kernel = drawn(1, 4, 8, 8), Csr.from_dense(thinned(drawn(6, 4, 3, 3)))
    assert_close(sparse_conv2d(x, kernel), functional.conv2d(x, kernel.to_dense()))
    with pytest.raises(StyleError, match=r"native half is not there \(no compiler\); product can"):
        sparse_conv2d(x, kernel, algorithm="native")


# ---- tensor cores


@pytest.mark.parametrize("groups", [1, 2])
def test_sizes_that_tensor_cores_cannot_multiply(groups):
    x = torch.ones(1, 64 * groups, 5, 5, dtype=torch.float16)
    makes = [
        (x.float(), (32, 64, 3, 3), "float16 and bfloat16"),
        (x, (30 * groups, 64, 3, 3), "outputs must be a multiple of 32" if groups == 1 else "groups 1"),
        (x[:, : 8 * groups], (32, 8, 1, 1), "channels x taps one of 64" if groups == 1 else "groups 1"),
    ]
    for one, shape, message in makes:
        kernel = TwoFour.from_dense(torch.zeros(shape, dtype=one.dtype))
        geometry = conv.geometry_of(one, kernel.to_dense(), None, 1, 0, 1, groups, "zeros", 2)
        assert message in semi_structured.reason_against_sizes(one, kernel, geometry)


def test_tensor_cores_are_given_channels_side_by_side(monkeypatch):
    """The order of sums and gradients, with a matrix that is not compressed in the place of one that is."""

    def compressed(matrix):
        assert ((matrix != 0).unflatten(1, (-1, 4)).sum(2) <= 2).all()
        return matrix

    monkeypatch.setattr(torch.sparse, "to_sparse_semi_structured", compressed)
    x, weight, bias = drawn(2, 64, 7, 5), thinned(drawn(32, 64, 3, 2)), drawn(32)
    kernel = TwoFour.from_dense(weight)
    leaves = [x.requires_grad_(), kernel.values.requires_grad_(), bias.requires_grad_()]
    shape = (None, (2, 1), (1, 2), 1, 1, "zeros")
    geometry = conv.geometry_of(x, weight, *shape, 2)
    found = SPARSE_ALGORITHMS["semi-structured"].run(x, kernel, bias, geometry)
    expected = functional.conv2d(x, kernel.to_dense(), bias, (2, 1), (1, 2))
    assert_close(found, expected)
    outer = drawn(*found.shape, seed=5)
    for one, other in zip(*(torch.autograd.grad(y, leaves, outer) for y in (found, expected)), strict=True):
        assert_close(one, other)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch calls its layout a prototype
def test_tensor_cores_agree_with_the_definition():
    x, weight = drawn(2, 64, 9, 7).cuda().half(), thinned(drawn(32, 64, 3, 3)).cuda().half()
    found = sparse_conv2d(x, TwoFour.from_dense(weight), padding=1, algorithm="semi-structured")
    assert_close(found, functional.conv2d(x.double(), weight.double(), padding=1), tolerance=2e-3)


# ---- what cannot be

KERNEL = Csr.from_dense(torch.ones(3, 2, 3, 3))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"input": torch.ones(1, 2, 5, 5, dtype=torch.int64)}, TypeError, "input must be floating point"),
        (
            {"input": torch.ones(1, 2, 5, 5, dtype=torch.float64)},
            TypeError,
            "weight must be of the precision",
        ),
        (
            {"input": torch.ones(1, 2, 5, 5) + 0j},
            TypeError,
            r"type of the input, torch\.complex64, got .*float32",
        ),
        ({"input": torch.ones(2, 5, 5)}, ValueError, "input must be"),
        ({"input": torch.ones(1, 3, 5, 5)}, ValueError, "weight must be"),
        ({"weight": torch.ones(3, 2, 3, 3)}, TypeError, r"sparse kernel, got Tensor: .*Csr.from_dense"),
        ({"groups": 2}, ValueError, "weight must be"),
        ({"bias": torch.ones(2)}, ValueError, r"bias must be \(3,\)"),
        ({"stride": 0}, ValueError, "stride must be 1 or more"),
        ({"dilation": 3}, ValueError, "input must be as large as the kernel reaches"),
        ({"padding": "same", "stride": 2}, StyleError, "needs stride 1"),
        ({"padding_mode": "mirror"}, UnknownNameError, "padding_mode must be one of"),
        ({"algorithm": "fft"}, UnknownNameError, "algorithm must be one of"),
        ({"algorithm": "semi-structured"}, StyleError, "reads layout 2:4, not csr; native, product can"),
    ],
)
def test_what_cannot_be_convolved_is_said(changes, error, message):
    if "native" in message and not kernels.available():
        pytest.skip("there is no native half")
    with pytest.raises(error, match=message):
        sparse_conv2d(**{"input": torch.ones(1, 2, 5, 5), "weight": KERNEL} | changes)


def test_combinations_that_no_algorithm_but_one_can_do():
    kernel = Csr.from_dense(torch.ones(3, 2, 3, 3, dtype=torch.complex64))
    x = torch.ones(1, 2, 5, 5, dtype=torch.complex64)
    with pytest.raises(StyleError, match=r"real numbers, not torch\.complex64; product can"):
        sparse_conv2d(x, kernel, algorithm="native")
    pairs = TwoFour.from_dense(torch.zeros(32, 64, 3, 3, dtype=torch.float16))
    with pytest.raises(StyleError, match="it runs on cuda, not on cpu"):
        sparse_conv2d(torch.ones(1, 64, 5, 5).half(), pairs, algorithm="semi-structured")


def test_the_page_of_sparse_kernels_runs_as_it_stands(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "convolutions.md").read_text()
    section = page.split("## Sparse kernels\n")[1]
    exec(section.split("```python\n")[1].split("```")[0], {})
    assert capsys.readouterr().out.count("torch.Size([1, 64, 56, 56])") == 3
    for name in SPARSE_ALGORITHMS:
        assert f"| `{name}` |" in section
