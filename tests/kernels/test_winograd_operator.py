"""The operators of minimal filtering against a convolution in float64, and against exact rationals."""

import copy
import io
import itertools
import pickle
import re
from fractions import Fraction

import pytest
import torch
from conftest import assert_close
from torch import nn
from torch.nn import functional

from gramstyle.errors import UnknownNameError
from gramstyle.extract.conv_act import ConvAct
from gramstyle.kernels import ACTIVATIONS, turned_weight, winograd, winograd_filter

ROUNDING = {torch.float64: 2e-14, torch.float32: 1e-5, torch.float16: 2.0**-10, torch.bfloat16: 2.0**-7}
APPLY = {
    "none": lambda x: x,
    "relu": functional.relu,
    "relu6": functional.relu6,
    "silu": functional.silu,
}
CHANNELS = [(1, 1), (3, 5), (16, 16), (17, 70), (64, 64), (40, 200)]
SIZES = [(3, 3), (4, 4), (9, 11), (32, 29), (30, 100)]


def drawn(generator, channels, size, dtype, batch=2):
    c, n = channels
    x = torch.randn(batch, c, *size, generator=generator, dtype=torch.float64)
    weight = torch.randn(n, c, 3, 3, generator=generator, dtype=torch.float64) / (9 * c) ** 0.5
    bias = torch.randn(n, generator=generator, dtype=torch.float64)
    return [one.to(dtype) for one in (x, weight, bias)]


def definition(x, weight, bias, padding, activation):
    bias = None if bias is None else bias.double()
    return APPLY[activation](functional.conv2d(x.double(), weight.double(), bias, padding=padding))


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("channels", CHANNELS, ids=str)
def test_agrees_with_the_definition(channels, dtype, generator):
    for size, padding in itertools.product(SIZES, (0, 1, (2, 0), (0, 5))):
        x, weight, bias = drawn(generator, channels, size, dtype)
        found = winograd(x, weight, bias, padding, activation="relu")
        assert found.dtype == dtype
        assert found.is_contiguous(memory_format=torch.channels_last)
        assert_close(found, definition(x, weight, bias, padding, "relu"), tolerance=ROUNDING[dtype])


@pytest.mark.parametrize("channels", [(16, 16), (3, 32), (16, 24)], ids=str)
def test_maps_that_are_written_past_the_caches(channels, generator):
    """More than 4 MB; of 24 channels not whole vectors."""
    x, weight, bias = drawn(generator, channels, (261, 275), torch.float32, batch=1)
    x = x.contiguous(memory_format=torch.channels_last)
    found = winograd(x, weight, bias, 1, activation="relu")
    assert found.nbytes > 2**22
    assert_close(found, definition(x, weight, bias, 1, "relu"), tolerance=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_and_no_bias(activation, generator):
    x, weight, bias = drawn(generator, (16, 32), (13, 22), torch.float32)
    for one in (bias, None):
        found = winograd(3 * x, weight, one, 1, activation=activation)
        assert_close(found, definition(3 * x, weight, one, 1, activation), tolerance=1e-5)


def test_whole_numbers_are_exact():
    """Filters of multiples of 576 have whole transforms: no rounding hides a slip."""
    x = (torch.arange(2 * 3 * 10 * 9).reshape(2, 3, 10, 9) % 11 - 5).double()
    weight = (torch.arange(4 * 3 * 9).reshape(4, 3, 3, 3) % 7 - 3).double() * 576
    found = winograd(x, weight, padding=1)
    assert torch.equal(found, functional.conv2d(x, weight, padding=1))


def test_filter_is_the_product_of_the_published_matrices():
    """G g G' with the rows of G as in Lavin and Gray 2016, equation 14's F(4, 3)."""
    rows = [(6, 0, 0), (-4, -4, -4), (-4, 4, -4), (1, 2, 4), (1, -2, 4), (0, 0, 24)]
    g = [[Fraction(1), Fraction(2), Fraction(-3)], [Fraction(5), Fraction(7), Fraction(11)]]
    g.append([Fraction(-13), Fraction(0), Fraction(4)])
    exact = [
        sum(
            Fraction(a, 24) * Fraction(b, 24) * g[y][x]
            for y, a in enumerate(one)
            for x, b in enumerate(other)
        )
        for one in rows
        for other in rows
    ]
    weight = torch.tensor([[float(v) for v in row] for row in g]).double()
    found = winograd_filter(weight.expand(16, 1, 3, 3)).reshape(36, 16)  # of one channel: in any order
    expected = torch.tensor([[float(v)] * 16 for v in exact], dtype=torch.float64)
    assert_close(found, expected, tolerance=1e-15)


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:, :, 3:-2, 1:-4],
        lambda x: x.contiguous(memory_format=torch.channels_last)[:, :, 3:-2, 1:-4],
        lambda x: x.transpose(2, 3),
        lambda x: x.contiguous(memory_format=torch.channels_last)[:, :, ::2, 1::3],
        lambda x: x[:1].expand(3, -1, -1, -1),
    ],
    ids=["crop", "crop, channels last", "transposed", "every other", "one for all"],
)
def test_strides_are_free(view, generator):
    x, weight, bias = drawn(generator, (16, 16), (30, 50), torch.float32)
    found = winograd(view(x), weight, bias, 1)
    assert_close(found, definition(view(x), weight, bias, 1, "none"), tolerance=1e-5)


def test_filters_that_were_kept_give_the_same_bits(generator):
    x, weight, bias = drawn(generator, (17, 33), (20, 21), torch.float32)
    found = winograd(x, weight, bias, 1, filter=winograd_filter(weight))
    assert torch.equal(found, winograd(x, weight, bias, 1))


def test_same_bits_for_any_number_of_threads(generator):
    x, weight, bias = drawn(generator, (16, 48), (70, 90), torch.float32)
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.append(winograd(x, weight, bias, 1))
    torch.set_num_threads(before)
    assert all(torch.equal(one, found[0]) for one in found)


def test_an_image_does_not_depend_on_its_batch(generator):
    x, weight, bias = drawn(generator, (16, 16), (21, 18), torch.float32, batch=5)
    whole = winograd(x, weight, bias, 1)
    assert all(torch.equal(winograd(x[i : i + 1], weight, bias, 1)[0], whole[i]) for i in range(5))


def test_what_is_not_finite_is_passed_on(generator):
    x, weight, bias = drawn(generator, (16, 16), (40, 40), torch.float32)
    x[0, 3, 17, 22] = torch.nan
    found = winograd(x, weight, bias, 1, activation="relu")
    exact = definition(x, weight, bias, 1, "relu").isnan()
    assert found.isnan()[exact].all()
    assert not found[1].isnan().any()
    assert not found[0, :, :8].isnan().any()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("padding", [0, 1, 3])
def test_gradient(padding, activation, generator):
    inputs = [one.requires_grad_() for one in drawn(generator, (2, 3), (6, 5), torch.float64, batch=1)]
    assert torch.autograd.gradcheck(
        lambda *those: winograd(*those, padding, activation=activation), inputs, fast_mode=True
    )


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_second_derivative(activation, generator):
    inputs = [one.requires_grad_() for one in drawn(generator, (2, 3), (5, 4), torch.float64, batch=1)]
    assert torch.autograd.gradgradcheck(
        lambda *those: winograd(*those, 1, activation=activation).square(), inputs, fast_mode=True
    )


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_is_that_of_separate_layers(activation, kept, generator):
    x, weight, bias = drawn(generator, (24, 40), (30, 41), torch.float32)
    outer = torch.randn(2, 40, 30, 41, generator=generator)
    gradients = []
    for mine in (True, False):
        inputs = [one.detach().clone().requires_grad_() for one in (x, weight, bias)]
        if mine:
            turned = winograd_filter(turned_weight(weight)) if kept else None
            maps = winograd(*inputs, 1, activation=activation, turned=turned)
        else:
            maps = APPLY[activation](functional.conv2d(*inputs, padding=1))
        (maps * outer).sum().backward()
        gradients.append([one.grad for one in inputs])
    for one, other in zip(*gradients, strict=True):
        assert_close(one, other, tolerance=2e-5)


def test_transforms_of_functions(generator):
    x, weight, bias = drawn(generator, (3, 4), (6, 5), torch.float64)

    def total(one):
        return winograd(one[None], weight, bias, 1, activation="relu").square().sum()

    found = torch.vmap(torch.func.grad(total))(x)
    for one, its in zip(x, found, strict=True):
        leaf = one.clone().requires_grad_()
        total(leaf).backward()
        assert_close(its, leaf.grad)
    with pytest.raises(NotImplementedError, match="no vmap over weight or bias"):
        torch.vmap(lambda b: winograd(x, weight, b, 1))(torch.stack([bias, bias]))


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # opcheck's own
@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_torch_accepts_the_operators(activation, generator):
    x, weight, bias = drawn(generator, (3, 18), (9, 11), torch.float32)
    kept = winograd_filter(weight)
    torch.library.opcheck(
        torch.ops.gramstyle.winograd.default,
        (x.requires_grad_(), weight, kept, None, bias.requires_grad_(), [1, 2], activation),
    )
    torch.library.opcheck(torch.ops.gramstyle.winograd_filter.default, (weight,))


def test_compiles_as_one_graph(generator):
    x, weight, bias = drawn(generator, (3, 4), (12, 13), torch.float32)
    expected = winograd(x, weight, bias, 1)
    compiled = torch.compile(lambda y: winograd(y, weight, bias, 1), fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(x), expected)


def test_autocast_casts_as_a_convolution_does(generator):
    x, weight, bias = drawn(generator, (16, 16), (12, 13), torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        found = winograd(x, weight, bias, 1)
    assert found.dtype == torch.bfloat16
    assert_close(found, definition(x, weight, bias, 1, "none"), tolerance=2.0**-6)


def test_a_batch_of_none():
    assert winograd(torch.ones(0, 3, 8, 8), torch.ones(4, 3, 3, 3)).shape == (0, 4, 6, 6)


def test_a_layer_keeps_its_filters_and_drops_them_when_it_changes(generator):
    conv = nn.Conv2d(16, 16, 3, padding=1)
    layer = ConvAct(conv, None, "relu")
    x = torch.randn(1, 16, 12, 12, generator=generator)
    with torch.inference_mode():
        first = layer(x)
    kept = layer._filters["filter"]
    assert "turned" not in layer._filters
    assert torch.equal(layer(x), first)
    assert layer._filters["filter"] is kept
    x.requires_grad_()
    layer(x).sum().backward()  # filters that inference made serve gradients
    assert "turned" in layer._filters
    assert_close(x.grad, torch.autograd.grad(functional.relu(conv(x)).sum(), x)[0], tolerance=1e-5)
    assert not pickle.loads(pickle.dumps(layer))._filters
    assert not copy.deepcopy(layer)._filters
    torch.save(layer.state_dict(), io.BytesIO())
    assert set(layer.state_dict()) == {"weight", "bias"}
    layer.double()
    assert not layer._filters
    assert_close(layer(x.double()), functional.relu(conv.double()(x.double())), tolerance=1e-14)


def test_a_filter_of_another_weight_is_refused(generator):
    x, weight, bias = drawn(generator, (16, 16), (8, 8), torch.float32)
    with pytest.raises(RuntimeError, match="filter must be what winograd_filter made of weight"):
        winograd(x, weight, bias, filter=torch.ones(5))


X, W = torch.ones(1, 4, 8, 9), torch.ones(6, 4, 3, 3)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((X[0], W), {}, ValueError, "x must be (B, C, H, W), got shape (4, 8, 9)"),
        ((X.int(), W), {}, TypeError, "x must be float64, float32, float16 or bfloat16, got torch.int32"),
        ((X, W.int()), {}, TypeError, "weight must be float64, float32, float16 or bfloat16"),
        ((X, W.double()), {}, TypeError, "must have the type of x, torch.float32, got torch.float64"),
        ((X, W[..., :2]), {}, ValueError, "weight must be (N, C, 3, 3), got shape (6, 4, 3, 2)"),
        ((X, W[:, :3]), {}, ValueError, "for C = 4 and groups = 1, got shape (6, 3, 3, 3)"),
        ((X, W, torch.ones(5)), {}, ValueError, "bias must be (6,), got shape (5,)"),
        ((X, W), {"padding": -1}, ValueError, "padding must be one or two whole numbers of at least 0"),
        ((X[..., :2], W), {}, ValueError, "width 2 with padding 0 on both sides is less than 3"),
        ((X, W), {"activation": "gelu"}, UnknownNameError, "activation must be one of"),
    ],
)
def test_bad_inputs_are_refused(arguments, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        winograd(*arguments, **options)
