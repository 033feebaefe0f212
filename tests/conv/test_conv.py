"""Convolutions by every algorithm, beside torch in float64."""

from pathlib import Path

import pytest
import scipy.fft
import torch
from conftest import assert_close
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from gramstyle.conv import ALGORITHMS, Csr, Planes, conv2d, conv3d
from gramstyle.conv import fft as spectra
from gramstyle.conv import im2col as columns
from gramstyle.conv.geometry import geometry_of
from gramstyle.errors import StyleError, UnknownNameError

TOLERANCE = (
    {name: 1e-12 for name in ALGORITHMS}
    | {"fft": 1e-11, "separable": 1e-11}
    | {"winograd2": 1e-11, "winograd4": 1e-10, "winograd6": 1e-9}
)
"""Of the largest output, in float64."""

numbers = st.integers(1, 3)
one = st.just(1)
either = st.booleans()
complex_only = st.just(True)
LIMITS = {
    "pointwise": {"taps": one},
    "depthwise": {"each": one},
    "winograd2": {"taps": st.integers(1, 5), "steps": one},
    "winograd4": {"taps": st.integers(1, 5), "steps": one},
    "winograd6": {"steps": one},
    "gauss": {"kinds": complex_only},
    "stacked": {"kinds": complex_only},
}
"""What an algorithm cannot do is not drawn."""


def drawn(shape, complex_=False, seed=0):
    generator = torch.Generator().manual_seed(seed)
    kind = torch.complex128 if complex_ else torch.float64
    return torch.randn(shape, generator=generator, dtype=kind, requires_grad=True)


def padded(x, sides, mode):
    flat = [side for side in reversed(sides) for _ in range(2)]
    return functional.pad(x, flat, "constant" if mode == "zeros" else mode)


@st.composite
def problems(draw, space, taps=numbers, steps=numbers, each=numbers, kinds=either):
    """Arguments of a convolution."""
    groups = draw(numbers)
    kernel = draw(st.tuples(*[taps] * space))
    stride, dilation = (draw(st.tuples(*[steps] * space)) for _ in range(2))
    padding = draw(st.tuples(*[st.integers(0, 2)] * space))
    size = draw(st.tuples(*[st.integers(3, 12 if space == 2 else 6)] * space))
    x = drawn((draw(numbers), groups * draw(each), *size), draw(kinds))
    weight = drawn((groups * draw(numbers), x.shape[1] // groups, *kernel), x.is_complex(), 1)
    bias = drawn((weight.shape[0],), x.is_complex(), 2) if draw(st.booleans()) else None
    mode = draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    assume(all(s + 2 * p >= r for s, p, r in zip(size, padding, reach, strict=True)))
    assume(not (space == 3 and mode == "reflect" and x.is_complex()))  # torch has no gradient of that pad
    return x, weight, bias, stride, padding, dilation, groups, mode


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("space", [2, 3])
def test_every_algorithm_agrees_with_torch_and_its_gradients_too(name, space):
    if name == "separable" and space == 3:
        return  # it says so: see below
    ours, theirs = ((conv2d, functional.conv2d), (conv3d, functional.conv3d))[space - 2]

    @settings(max_examples=25, deadline=None)
    @given(problems(space, **LIMITS.get(name, {})))
    def check(problem):
        x, weight, bias, stride, padding, dilation, groups, mode = problem
        assume(not (name.startswith("winograd") and set(weight.shape[2:]) == {1}))
        found = ours(x, weight, bias, stride, padding, dilation, groups, padding_mode=mode, algorithm=name)
        expected = theirs(padded(x, padding, mode), weight, bias, stride, 0, dilation, groups)
        close(found, expected, TOLERANCE[name])
        leaves = [one for one in (x, weight, bias) if one is not None]
        outer = drawn(expected.shape, x.is_complex(), 3).detach()
        gradients = (torch.autograd.grad(one, leaves, outer) for one in (found, expected))
        for one, other in zip(*gradients, strict=True):
            close(one, other, TOLERANCE[name])

    check()


def close(one, other, tolerance):
    """Complex numbers by their parts."""
    parts = [torch.view_as_real(part) if part.is_complex() else part for part in (one, other)]
    assert_close(*parts, tolerance=tolerance)


GENERAL = [name for name in ALGORITHMS if name not in ("pointwise", "depthwise", "gauss", "stacked")]


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # of torch, which copies
@pytest.mark.parametrize("name", GENERAL)
def test_same_padding_is_that_of_torch(name):
    x, weight = drawn((1, 2, 9, 8)), drawn((3, 2, 4, 3))
    for dilation in (1, 2):  # of an even reach, which has more on one side, and an odd one
        if name.startswith("winograd"):
            weight, dilation = weight[:, :, :2], 1
        found = conv2d(x, weight, padding="same", dilation=dilation, algorithm=name)
        expected = functional.conv2d(x, weight, padding="same", dilation=dilation)
        assert_close(found, expected, tolerance=TOLERANCE[name])


def test_bands_and_blocks_of_large_images(monkeypatch):
    monkeypatch.setattr(columns, "MOST", 1000)
    x, weight = drawn((1, 2, 150, 90)), drawn((3, 2, 5, 7))
    expected = functional.conv2d(x, weight, stride=(2, 1), padding=3)
    for name in ("implicit", "fft"):
        found = conv2d(x, weight, stride=(2, 1), padding=3, algorithm=name)
        assert_close(found, expected, tolerance=1e-11)


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
            {"input": torch.ones(1, 2, 5, 5).to_sparse()},
            TypeError,
            r"input must be a dense tensor, got layout torch\.sparse_coo: .* point clouds, are for spconv",
        ),
        ({"weight": torch.ones(3, 2, 3, 3).to_sparse()}, TypeError, "weight must be a .* sparse_conv2d"),
        ({"weight": Csr.from_dense(torch.ones(3, 2, 3, 3))}, TypeError, "got Csr: sparse_conv2d takes"),
        ({"input": Planes(*torch.ones(2, 1, 2, 5, 5))}, TypeError, "got Planes: .* complex_conv2d planes"),
        (
            {"input": torch.ones(1, 2, 5, 5).to(torch.float8_e5m2)},
            TypeError,
            r"one of float16, .*; got torch\.float8_e5m2: use \.float\(\)",
        ),
        ({"bias": torch.ones(3) + 0j}, TypeError, "bias must be real"),
        ({"algorithm": "gauss"}, StyleError, "its tensors are real; direct, .*, library can"),
        ({"input": torch.ones(2, 5, 5)}, ValueError, "input must be"),
        ({"weight": torch.ones(3, 4, 3, 3)}, ValueError, "weight must be"),
        ({"weight": torch.ones(3, 2, 0, 3)}, ValueError, "weight must have outputs, channels and taps"),
        ({"weight": torch.ones(0, 2, 3, 3)}, ValueError, "weight must have outputs, channels and taps"),
        (
            {"input": torch.ones(1, 0, 5, 5), "weight": torch.ones(3, 0, 3, 3)},
            ValueError,
            "weight must have outputs, channels and taps",
        ),
        ({"input": torch.ones(1, 2, 0, 5), "padding": 2}, ValueError, r"have positions, got \(0, 5\)"),
        ({"groups": 2}, ValueError, "weight must be"),
        ({"groups": 0}, ValueError, "groups"),
        ({"bias": torch.ones(2)}, ValueError, r"bias must be \(3,\)"),
        ({"stride": 0}, ValueError, "stride must be 1 or more"),
        ({"stride": (1, 2, 3)}, ValueError, "stride must be a whole number or 2"),
        ({"padding": "same", "stride": 2}, StyleError, "needs stride 1"),
        ({"padding": "full"}, UnknownNameError, "padding must be one of"),
        ({"dilation": 3}, ValueError, "input must be as large as the kernel reaches"),
        ({"padding": 5, "padding_mode": "reflect"}, ValueError, "padding must be at most 4"),
        ({"padding_mode": "mirror"}, UnknownNameError, "padding_mode must be one of"),
        ({"algorithm": "fast"}, UnknownNameError, "algorithm must be one of"),
        (
            {"algorithm": "pointwise"},
            StyleError,
            "not one; direct, im2col, im2row, implicit, separable, fft,",
        ),
    ],
)
def test_what_cannot_be_convolved_is_said(changes, error, message):
    given_ = {"input": torch.ones(1, 2, 5, 5), "weight": torch.ones(3, 2, 3, 3), "algorithm": "direct"}
    with pytest.raises(error, match=message):
        conv2d(**given_ | changes)


def test_valid_padding_is_none():
    x, weight = torch.rand(1, 2, 7, 6), torch.rand(3, 2, 3, 2)
    found = conv2d(x, weight, padding="valid", stride=2, algorithm="direct")
    assert_close(found, functional.conv2d(x, weight, padding="valid", stride=2))


@pytest.mark.parametrize("name", [*(name for name in ALGORITHMS if name != "depthwise"), "auto"])
def test_no_images_have_no_results_and_gradients_of_zero(name):
    taps = 1 if name == "pointwise" else 3
    x, weight = torch.ones(0, 2, 5, 6), torch.ones(4, 2, taps, taps)
    if name in ("gauss", "stacked"):
        x, weight = x + 0j, weight + 0j
    weight.requires_grad_()
    found = conv2d(x, weight, algorithm=name)
    assert found.shape == (0, 4, 6 - taps, 7 - taps)
    (slope,) = torch.autograd.grad(found.abs().sum(), weight)
    assert torch.equal(slope, torch.zeros_like(weight))


@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_complex_numbers_of_half_precision_are_for_no_algorithm():
    x = torch.ones(1, 2, 5, 5).to(torch.complex32)
    with pytest.raises(TypeError, match=r"got torch\.complex32: use \.to\(torch\.complex64\)"):
        conv2d(x, torch.ones(3, 2, 3, 3).half())


@pytest.mark.parametrize(("size", "reach"), [(1, 1), (7, 3), (63, 3), (200, 31), (97, 97)])
def test_blocks_are_the_cheapest_of_the_lengths_that_transform_fast(size, reach):
    """SciPy knows these lengths: for real numbers those of 2, 3 and 5."""
    geometry = geometry_of(
        torch.ones(1, 2, size, 8), torch.ones(3, 2, reach, 3), None, 1, 0, 1, 1, "zeros", 2
    )
    block, across = spectra.blocks_of(geometry)
    lengths = {scipy.fft.next_fast_len(one, real=True) for one in range(reach, size + 1)}
    assert block in lengths
    assert spectra.operations(geometry, (block, across)) == min(
        spectra.operations(geometry, (one, across)) for one in lengths
    )


def test_the_page_runs_as_it_stands(capsys):
    page = (Path(__file__).parents[2] / "docs" / "convolutions.md").read_text()
    exec(page.split("```python\n")[1].split("```")[0], {})
    assert capsys.readouterr().out.count("torch.Size([1, 8, 64, 64])") == 4
    for name, one in ALGORITHMS.items():
        assert f"`{name}` " in page
        assert f"`gramstyle/{one.run.__module__.removeprefix('gramstyle.').replace('.', '/')}.py`" in page
