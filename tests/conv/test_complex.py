"""Complex convolutions beside torch's own, SciPy's, and what is known of complex numbers."""

from dataclasses import replace
from pathlib import Path

import pytest
import scipy.signal
import torch
from conftest import assert_close
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from gramstyle.conv import ALGORITHMS, Planes, complex_conv2d, complex_conv3d, conv2d
from gramstyle.errors import StyleError, UnknownNameError

ROUTES = ("gauss", "stacked")
REAL = ("library", "im2col", "fft")
TOLERANCE = 1e-11
"""Of the largest output, in float64: that of spectra."""

GENERAL = [name for name in ALGORITHMS if name not in ("pointwise", "depthwise")]

numbers = st.integers(1, 3)


def drawn(*shape, kind=torch.complex128, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=kind)


def plane(*shape, seed=0):
    return drawn(*shape, kind=torch.float64, seed=seed)


def close(one, other, tolerance=TOLERANCE):
    """Complex numbers by their parts."""
    assert one.dtype == other.dtype
    assert_close(
        *(torch.view_as_real(x.resolve_conj()) if x.is_complex() else x for x in (one, other)),
        None,
        tolerance,
    )


@st.composite
def problems(draw, space):
    """Input and weight, at least one of them complex; bias or none; the shape of a convolution."""
    groups = draw(numbers)
    kernel, stride, dilation = (draw(st.tuples(*[numbers] * space)) for _ in range(3))
    padding = draw(st.tuples(*[st.integers(0, 2)] * space))
    size = draw(st.tuples(*[st.integers(3, 9 if space == 2 else 5)] * space))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    assume(all(s + 2 * p >= r for s, p, r in zip(size, padding, reach, strict=True)))
    kinds = draw(st.sampled_from([(1, 1), (0, 1), (1, 0)]))
    types = [torch.complex128 if one else torch.float64 for one in kinds]
    x = drawn(draw(numbers), groups * draw(numbers), *size, kind=types[0])
    weight = drawn(groups * draw(numbers), x.shape[1] // groups, *kernel, kind=types[1], seed=1)
    bias = drawn(len(weight), seed=2) if draw(st.booleans()) else None
    return x, weight, bias, (stride, padding, dilation, groups)


def expected_of(space, x, weight, bias, shape):
    conv = functional.conv2d if space == 2 else functional.conv3d
    return conv(x.to(torch.complex128), weight.to(torch.complex128), bias, *shape)


@pytest.mark.parametrize("space", [2, 3])
@pytest.mark.parametrize("route", ROUTES)
def test_planes_and_their_gradients_are_those_of_torch(route, space):
    ours = complex_conv2d if space == 2 else complex_conv3d

    @settings(max_examples=12, deadline=None)
    @given(problems(space), st.sampled_from(REAL))
    def check(problem, real):
        x, weight, bias, shape = problem
        weight = weight.to(torch.complex128)
        leaves = [one.requires_grad_() for one in (x, weight, bias) if one is not None]
        parts = [Planes.of(one) if one is not None and one.is_complex() else one for one in (x, weight, bias)]
        found = ours(*parts, *shape, algorithm=route, real=real).joined()
        expected = expected_of(space, x, weight, bias, shape)
        close(found, expected)
        outer = drawn(*expected.shape, seed=3)
        gradients = (torch.autograd.grad(one, leaves, outer) for one in (found, expected))
        for one, other in zip(*gradients, strict=True):
            close(one, other)

    check()


def suited(name, x, weight, bias, shape):
    """What an algorithm can do of a problem."""
    stride, padding, dilation, groups = shape
    if name == "pointwise":
        weight = weight[..., :1, :1]
    elif name == "depthwise":
        x, weight = x[:, :groups], weight[:, :1]
    elif name.startswith("winograd"):
        assume(max(weight.shape[2:]) > 1)
        stride = dilation = (1, 1)
    return x, weight, bias, (stride, padding, dilation, groups)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_one_of_two_may_be_real(name):
    @settings(max_examples=8, deadline=None)
    @given(problems(2))
    def check(problem):
        x, weight, bias, shape = suited(name, *problem)
        leaves = [one.detach().requires_grad_() for one in (x, weight)]
        found = conv2d(*leaves, bias, *shape, algorithm=name)
        expected = expected_of(2, *leaves, bias, shape)
        tolerance = 1e-9 if name.startswith("winograd") else TOLERANCE
        close(found, expected, tolerance)
        outer = drawn(*expected.shape, seed=3)
        gradients = (torch.autograd.grad(one, leaves, outer) for one in (found, expected))
        for one, other in zip(*gradients, strict=True):
            close(one, other, tolerance)

    check()


@pytest.mark.parametrize("name", GENERAL)
def test_scipy_conjugates_the_kernel_of_a_correlation_and_we_do_not(name):
    x, weight = drawn(1, 1, 11, 12), drawn(1, 1, 3, 2, seed=1)
    found = conv2d(x, weight, algorithm=name)[0, 0]
    image, kernel = x[0, 0].numpy(), weight[0, 0].numpy()
    close(found, torch.from_numpy(scipy.signal.correlate2d(image, kernel.conj(), mode="valid")))
    close(found, torch.from_numpy(scipy.signal.fftconvolve(image, kernel[::-1, ::-1], mode="valid")))


@pytest.mark.parametrize("name", GENERAL)
def test_conjugates_that_torch_has_not_written_out(name):
    x, weight = drawn(2, 2, 6, 5), drawn(2, 2, 3, 2, seed=1)
    close(conv2d(x.conj(), weight.conj(), algorithm=name), conv2d(x, weight, algorithm=name).conj())
    close(
        conv2d(x.conj(), weight.real.clone(), algorithm=name),
        conv2d(x, weight.real.clone(), algorithm=name).conj(),
    )


@pytest.mark.parametrize("route", ROUTES)
def test_gradients_are_the_slopes(route):
    x, weight, bias = drawn(1, 2, 4, 3), drawn(2, 1, 2, 2, seed=1), drawn(2, seed=2)
    leaves = [one.requires_grad_() for one in (x, weight, bias)]
    assert torch.autograd.gradcheck(lambda *t: conv2d(*t, groups=2, padding=1, algorithm=route), leaves)
    flat = [part.detach().requires_grad_() for one in leaves for part in Planes.of(one)]

    def planar(*t):
        return complex_conv2d(
            Planes(*t[:2]), Planes(*t[2:4]), Planes(*t[4:]), 1, 1, groups=2, algorithm=route
        )

    assert torch.autograd.gradcheck(planar, flat)
    assert torch.autograd.gradgradcheck(planar, flat)


def test_algorithms_are_told_the_sizes_that_they_see(monkeypatch):
    seen = []

    def run(x, weight, geometry):
        told = geometry.batch, geometry.channels, geometry.outputs, geometry.complex
        seen.append(told == (x.shape[0], x.shape[1], weight.shape[0], x.is_complex()))
        return ALGORITHMS["library"].run(x, weight, geometry)

    monkeypatch.setitem(ALGORITHMS, "spy", replace(ALGORITHMS["library"], run=run))
    x, weight = drawn(2, 4, 5, 5), drawn(6, 2, 3, 3)
    for one, other in ((x, weight), (x.real, weight), (x, weight.real)):
        conv2d(one, other, groups=2, algorithm="spy")
    for route in ROUTES:
        for one in (Planes.of(x), x.real):
            complex_conv2d(one, Planes.of(weight), groups=2, algorithm=route, real="spy")
    assert len(seen) == 3 + 3 + 1 + 1 + 1
    assert all(seen)


@pytest.mark.parametrize("route", ROUTES)
def test_channels_last_planes_stay_so_from_layer_to_layer(route):
    x = Planes.of(drawn(1, 4, 6, 6), torch.channels_last)
    weight = Planes.of(drawn(4, 4, 3, 3, seed=1))
    between = complex_conv2d(x, weight, padding=1, algorithm=route)
    found = complex_conv2d(between, weight, padding=1, algorithm=route)
    kept = [part.is_contiguous(memory_format=torch.channels_last) for part in (*x, *between, *found)]
    assert all(kept) or route == "stacked"
    wanted = x.joined()
    for _ in range(2):
        wanted = functional.conv2d(wanted, weight.joined(), padding=1)
    close(found.joined(), wanted)


def error(found, x, weight):
    """Root mean square of what is off, beside that of the output, of each part."""
    right = functional.conv2d(x.joined().to(torch.complex128), weight.joined().to(torch.complex128))
    parts = zip(found, Planes.of(right), strict=True)
    return torch.stack([(one.double() - other).norm() / other.norm() for one, other in parts])


def half(planes):
    return Planes(*(part.bfloat16() for part in planes))


def single(planes):
    return Planes(*(part.float() for part in planes))


def test_gauss_loses_about_a_bit_of_half_precision():
    x, weight = half(Planes.of(drawn(2, 32, 16, 16))), half(Planes.of(drawn(16, 32, 3, 3, seed=1)))
    three, four = (
        error(complex_conv2d(x, weight, algorithm=route), single(x), single(weight)) for route in ROUTES
    )
    assert (four < 2**-8).all()
    assert (1.5 * four < three).all()
    assert (three < 4 * four).all()


def test_a_small_part_drowns_in_gauss_and_not_in_blocks():
    """Its error is bounded by the size of the complex number (Higham 1992)."""
    x, weight = (
        Planes(plane(*shape, seed=one).float(), 1e-4 * plane(*shape, seed=one + 1).float())
        for one, shape in ((0, (1, 8, 12, 12)), (2, (4, 8, 3, 3)))
    )
    three, four = (error(complex_conv2d(x, weight, algorithm=route), x, weight) for route in ROUTES)
    assert four.max() < 1e-6
    assert three[1] > 1e-4
    x, weight = half(x), half(weight)
    three, four = (
        error(complex_conv2d(x, weight, algorithm=route), single(x), single(weight)) for route in ROUTES
    )
    assert four.max() < 5e-3
    assert three[1] > 1


PLANES = Planes(torch.ones(1, 2, 5, 5), torch.ones(1, 2, 5, 5))
KERNEL = Planes(torch.ones(3, 2, 3, 3), torch.ones(3, 2, 3, 3))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"input": PLANES.joined()},
            TypeError,
            "input must be floating point, got torch.complex64: Planes.of",
        ),
        (
            {"input": Planes(*(one.long() for one in PLANES))},
            TypeError,
            r"input.real must be .*: use .float\(\)",
        ),
        ({"input": PLANES._replace(imag=None)}, TypeError, "input.imag must be Tensor, got NoneType"),
        (
            {"input": PLANES._replace(imag=torch.ones(1, 2, 5, 4))},
            ValueError,
            "input.imag must be of the shape",
        ),
        ({"input": PLANES._replace(imag=PLANES.imag.double())}, TypeError, "input.imag must be of the type"),
        ({"input": PLANES._replace(imag=PLANES.imag * torch.nan)}, ValueError, "input.imag must be finite"),
        ({"weight": tuple(KERNEL)}, TypeError, "weight must be Planes or Tensor, got tuple"),
        ({"weight": torch.ones(3, 2, 3, 3)}, ValueError, r"weight must be Planes, or \(2, N, 2"),
        ({"weight": torch.ones(2, 3, 2, 2, 3, 3)}, StyleError, "gauss cannot .* stacked can"),
        (
            {"weight": torch.ones(2, 3, 2, 2, 3, 3), "input": PLANES.real},
            StyleError,
            "input must be Planes where",
        ),
        ({"weight": Planes(*(one.double() for one in KERNEL))}, TypeError, "weight must be of the precision"),
        ({"bias": torch.ones(3)}, TypeError, "bias must be Planes, got Tensor"),
        ({"bias": Planes(torch.ones(2), torch.ones(2))}, ValueError, r"bias must be \(3,\)"),
        ({"dilation": 3}, ValueError, "input must be as large as the kernel reaches"),
        ({"algorithm": "fft"}, UnknownNameError, "algorithm must be one of: stacked, gauss; got 'fft'"),
        ({"real": "fast"}, UnknownNameError, "real must be one of"),
        ({"real": "pointwise"}, StyleError, "real pointwise cannot do .* not one; direct, .*, library can"),
    ],
)
def test_what_cannot_be_convolved_is_said(changes, error, message):
    given_ = {"input": PLANES, "weight": KERNEL, "algorithm": "gauss"}
    with pytest.raises(error, match=message):
        complex_conv2d(**given_ | changes)


def test_gauss_over_gauss_is_refused():
    with pytest.raises(StyleError, match="real gauss cannot do this convolution: its tensors are real"):
        complex_conv2d(PLANES, KERNEL, algorithm="gauss", real="gauss")


def test_the_pages_examples_run(capsys):
    page = (Path(__file__).parents[2] / "docs" / "convolutions.md").read_text()
    for title in ("## Complex kernels", "## Batch normalisation"):
        section = page.split(title)[1].split("\n## ")[0]
        exec(section.split("```python\n")[1].split("```")[0], {})
    assert capsys.readouterr().out.split() == ["True"] * 4
