"""Algorithms under torch.compile, torch.func and forward-mode differentiation."""

import pytest
import torch
from conftest import assert_close
from torch.autograd import forward_ad
from torch.nn import functional

from gramstyle.conv import (
    ALGORITHMS,
    Csr,
    Planes,
    batch_norm2d,
    choice,
    complex_batch_norm2d,
    complex_conv2d,
    conv2d,
    fold,
    sparse_conv2d,
    timings,
)
from gramstyle.errors import StyleError

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own use

NAMES = [*ALGORITHMS, "auto"]


@pytest.fixture(autouse=True)
def nothing_known(tmp_path, monkeypatch):
    """What auto would take if it could measure is not torch's own."""
    monkeypatch.setenv("GRAMSTYLE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(choice, "_chosen", {})
    monkeypatch.setattr(timings, "_open", {})
    monkeypatch.setattr(choice, "measure_rates", lambda *_: {"winograd4": (1.0, 0, 0)})
    torch._dynamo.reset()


def drawn(*shape, complex=False, seed=0):
    kind = torch.complex128 if complex else torch.float64
    return torch.randn(shape, dtype=kind, generator=torch.Generator().manual_seed(seed))


def problem(name):
    """Input, weight, and the convolution by an algorithm and by torch."""
    groups, taps = (4 if name == "depthwise" else 1), (1 if name == "pointwise" else 3)
    complex = name in ("gauss", "stacked")
    x = drawn(2, 4, 9, 8, complex=complex)
    weight = drawn(4, 4 // groups, taps, taps, complex=complex, seed=1)
    options = {"padding": taps // 2, "groups": groups}
    return (
        x,
        weight,
        lambda x, weight: conv2d(x, weight, **options, algorithm=name),
        lambda x, weight: functional.conv2d(x, weight, **options),
    )


def close(found, expected):
    parts = [torch.view_as_real(one) if one.is_complex() else one for one in (found, expected)]
    assert_close(*parts, tolerance=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_compiled_as_one_graph(name):
    x, weight, ours, theirs = problem(name)
    ours(x, weight)  # what is native is loaded by the first call, not within a graph
    compiled = torch.compile(ours, fullgraph=True, backend="aot_eager", dynamic=False)
    for side in (9, 12):
        x = x.repeat(1, 1, 2, 1)[:, :, :side]
        close(compiled(x, weight), theirs(x, weight))


MEAN, VARIANCE = drawn(4, seed=2), drawn(4, seed=3).square()
KERNEL = Csr.from_dense(drawn(16, 4, 3, 3))
PLANES = Planes.of(drawn(16, 4, 3, 3, complex=True))


@pytest.mark.parametrize(
    "run",
    [
        lambda x: sparse_conv2d(x, KERNEL, padding=1),
        lambda x: complex_conv2d(Planes(x, x.flip(2)), PLANES, algorithm="gauss").joined(),
        lambda x: complex_conv2d(Planes(x, x.flip(2)), PLANES, algorithm="stacked", real="fft").joined(),
        lambda x: batch_norm2d(x, MEAN, VARIANCE),
        lambda x: batch_norm2d(x, None, None, training=True),
        lambda x: complex_batch_norm2d(x + 1j * x.flip(2), None, None, training=True),
        lambda x: complex_batch_norm2d(x + 0j, MEAN + 0j, torch.tensor([[1.0, 2, 0.5]] * 4).double()),
        lambda x: torch.cat(fold(x[:, :2], None, *torch.ones(2, 2, dtype=torch.float64))[:1]),
    ],
)
def test_the_rest_of_the_room_compiles(run):
    x = drawn(2, 4, 9, 8)
    expected = run(x)
    close(torch.compile(run, fullgraph=True, backend="aot_eager", dynamic=False)(x), expected)


@pytest.mark.parametrize("name", NAMES)
def test_over_images_and_over_kernels(name):
    x, weight, ours, theirs = problem(name)
    close(torch.vmap(lambda image: ours(image[None], weight)[0])(x), theirs(x, weight))
    kernels = torch.stack([weight, weight.flip(3)])
    expected = torch.stack([theirs(x, one) for one in kernels])
    close(torch.vmap(lambda one: ours(x, one))(kernels), expected)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_of_torch_func(name):
    x, weight, ours, theirs = problem(name)

    def loss(conv):
        return lambda x, weight: conv(x, weight).abs().square().sum()

    for argument in (0, 1):
        close(*(torch.func.grad(loss(conv), argument)(x, weight) for conv in (ours, theirs)))
    each = [
        torch.func.vmap(torch.func.grad(loss(conv), 1), in_dims=(0, None))(x[:, None], weight)
        for conv in (ours, theirs)
    ]
    close(*each)


@pytest.mark.parametrize("name", NAMES)
def test_forwards(name):
    x, weight, ours, theirs = problem(name)
    tangents = x.flip(2), weight.flip(2)
    close(torch.func.jvp(ours, (x, weight), tangents)[1], torch.func.jvp(theirs, (x, weight), tangents)[1])
    with forward_ad.dual_level():
        for duals in (
            (forward_ad.make_dual(x, tangents[0]), weight),
            (x, forward_ad.make_dual(weight, tangents[1])),
        ):
            close(*(forward_ad.unpack_dual(conv(*duals)).tangent for conv in (ours, theirs)))


def test_nothing_is_explained_where_nothing_can_be_timed():
    x, weight, *_ = problem("direct")
    with pytest.raises(StyleError, match=r"explain needs times, which .* vmap"):
        torch.vmap(lambda image: conv2d(image[None], weight, explain=True)[0])(x)


def test_values_that_are_not_finite_are_found_within_gradients_of_torch_func():
    x, weight, ours, _ = problem("fft")
    x[0, 0, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="input must be finite, got 1 NaN"):
        torch.func.grad(lambda weight: ours(x, weight).sum())(weight)
