"""The operator conv_gram against a convolution in float64, an activation and a product."""

import itertools
import re

import pytest
import torch
from conftest import assert_close
from torch.nn import functional

from gramstyle.errors import UnknownNameError
from gramstyle.kernels import ACTIVATIONS, conv_gram

# one rounding of the features to their type, of values up to the largest
ROUNDING = {torch.float64: 1e-14, torch.float32: 4e-6, torch.float16: 2.0**-10, torch.bfloat16: 2.0**-7}
DTYPES = list(ROUNDING)
APPLY = {
    "none": lambda x: x,
    "relu": functional.relu,
    "relu6": functional.relu6,
    "silu": functional.silu,
}
# (C, N, kernel, stride, padding, dilation, groups)
FILTERS = {
    "first of VGG": (3, 64, 3, 1, 1, 1, 1),
    "stem": (3, 32, 3, 2, 1, 1, 1),
    "expansion": (16, 96, 1, 1, 0, 1, 1),
    "wide expansion": (24, 144, 1, 1, 0, 1, 1),
    "projection": (96, 24, 1, 1, 0, 1, 1),
    "depthwise": (97, 97, 3, 1, 1, 1, 97),
    "depthwise of whole vectors": (32, 32, 3, 1, 1, 1, 32),
    "strided depthwise": (40, 40, 5, 2, 2, 1, 40),
    "dilated depthwise": (16, 16, 3, 1, 2, 2, 16),
    "depthwise that doubles": (4, 8, 3, 1, 1, 1, 4),
    "deep": (64, 64, 3, 1, 1, 1, 1),
    "many outputs": (5, 300, 3, 1, 0, 1, 1),
    "groups": (8, 12, 3, 1, 1, 1, 4),
    "uneven": (8, 12, (3, 5), (2, 1), (0, 3), (1, 2), 4),
    "dilated": (6, 10, 3, 1, 2, 2, 1),
    "strided pointwise": (5, 70, 1, 2, 0, 1, 1),
    "large padding": (2, 3, 3, 1, 4, 1, 1),
}
SIZES = [(9, 11), (14, 300), (33, 130)]


def drawn(generator, name, size, dtype, batch=2):
    c, n, kernel, stride, padding, dilation, groups = FILTERS[name]
    height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    x = torch.randn(batch, c, *size, generator=generator, dtype=torch.float64)
    weight = torch.randn(n, c // groups, height, width, generator=generator, dtype=torch.float64)
    weight /= (c // groups * height * width) ** 0.5
    bias = torch.randn(n, generator=generator, dtype=torch.float64)
    return [one.to(dtype) for one in (x, weight, bias)], (stride, padding, dilation, groups)


def definition(x, weight, bias, shape, activation):
    bias = None if bias is None else bias.double()
    return APPLY[activation](functional.conv2d(x.double(), weight.double(), bias, *shape))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FILTERS)
def test_agrees_with_the_definition(name, dtype, generator):
    large = SIZES[1:] if dtype in (torch.float32, torch.bfloat16) else []
    cases = [*itertools.product(SIZES[:1], ACTIVATIONS), *((size, "relu6") for size in large)]
    for size, activation in cases:
        (x, weight, bias), shape = drawn(generator, name, size, dtype)
        for layout in (torch.contiguous_format, torch.channels_last):
            found = conv_gram(
                x.contiguous(memory_format=layout), weight, bias, *shape, activation=activation, sums=True
            )
            exact = definition(x, weight, bias, shape, activation)
            assert found.features.dtype == dtype
            assert found.features.is_contiguous(memory_format=torch.channels_last)
            assert_close(found.features, exact, tolerance=ROUNDING[dtype])
            # the sums are those of the features as they were stored
            flat = found.features.double().flatten(2)
            narrow = 1e-13 if dtype == torch.float64 else 1e-5
            assert_close(found.second, flat @ flat.mT, tolerance=narrow)
            assert torch.equal(found.second, found.second.mT)
            assert (found.first.double() - flat.sum(2)).abs().max() <= narrow * flat.abs().sum(2).max()


@pytest.mark.parametrize("name", ["first of VGG", "stem", "wide expansion", "groups"])
def test_features_that_are_written_past_the_caches(name, generator):
    """More than 4 MB of them, and of these more than a page of 2 MB."""
    (x, weight, bias), shape = drawn(generator, name, (371, 400), torch.float32, batch=1)
    x = x.contiguous(memory_format=torch.channels_last)
    found = conv_gram(x, weight, bias, *shape, activation="relu", sums=True)
    assert found.features.nbytes > 2**22
    assert_close(found.features, definition(x, weight, bias, shape, "relu"), tolerance=4e-6)
    flat = found.features.double().flatten(2)
    assert_close(found.second, flat @ flat.mT, tolerance=1e-5)


@pytest.mark.parametrize("name", ["first of VGG", "depthwise", "groups", "many outputs"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_features_that_are_never_stored_give_the_same_bits(name, dtype, generator):
    (x, weight, bias), shape = drawn(generator, name, (40, 60), dtype)
    tap = conv_gram(x, weight, bias, *shape, activation="relu", sums=True)
    alone = conv_gram(x, weight, bias, *shape, activation="relu", features=False)
    assert alone.features is None
    assert alone.first is None
    assert torch.equal(tap.second, alone.second)


def test_without_a_bias(generator):
    (x, weight, _), shape = drawn(generator, "deep", (20, 30), torch.float32)
    found = conv_gram(x, weight, None, *shape)
    assert_close(found.features, definition(x, weight, None, shape, "none"), tolerance=4e-6)


@pytest.mark.parametrize("wide", [False, True])
def test_type_of_the_sums(wide, generator):
    (x, weight, bias), shape = drawn(generator, "projection", (50, 120), torch.float32)
    found = conv_gram(x, weight, bias, *shape, sums=True, wide=wide)
    assert found.second.dtype == found.first.dtype == (torch.float64 if wide else torch.float32)
    flat = found.features.double().flatten(2)
    assert_close(found.second, flat @ flat.mT, tolerance=2e-6)


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:, :, 3:-2, 1:-4],
        lambda x: x.contiguous(memory_format=torch.channels_last)[:, :, 3:-2, 1:-4],
        lambda x: x.transpose(2, 3),
        lambda x: x[:, :, ::2, 1::3],
        lambda x: x[:1].expand(3, -1, -1, -1),
    ],
    ids=["crop", "crop, channels last", "transposed", "every other", "one for all"],
)
@pytest.mark.parametrize("name", ["first of VGG", "depthwise of whole vectors", "expansion"])
def test_strides_are_free(view, name, generator):
    (x, weight, bias), shape = drawn(generator, name, (30, 150), torch.float32)
    x = view(x)
    found = conv_gram(x, weight, bias, *shape, activation="relu6")
    assert_close(found.features, definition(x, weight, bias, shape, "relu6"), tolerance=4e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_silu_of_any_number(dtype):
    values = torch.cat([torch.linspace(-120, 120, 4001), torch.tensor([-3e38, 3e38, 0.0, -0.0, 1e-30])]).to(
        dtype
    )
    x = values.reshape(1, 1, 1, -1)
    found = conv_gram(x, torch.ones(1, 1, 1, 1, dtype=dtype), activation="silu").features.flatten()
    exact = functional.silu(values.double())
    off = (found.double() - exact).abs()
    # relative where float32 has a normal number for it
    assert (off <= (2.0**-8 if dtype == torch.bfloat16 else 5e-7) * exact.abs() + 1e-36).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_not_a_number_is_passed_on(activation):
    x = torch.ones(1, 3, 8, 40)
    x[0, 1, 4, 20] = torch.nan
    found = conv_gram(x, torch.ones(20, 3, 1, 1), activation=activation)
    assert found.features[:, :, 4, 20].isnan().all()
    assert found.features.isnan().sum() == 20
    assert found.second.isnan().all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("features", [False, True])
@pytest.mark.parametrize("name", ["uneven", "dilated"])
def test_gradient(name, features, activation, generator):
    (x, weight, bias), shape = drawn(generator, name, (6, 5), torch.float64, batch=1)
    inputs = [one.requires_grad_() for one in (x, weight, bias)]

    def run(*those):
        found = conv_gram(*those, *shape, activation=activation, features=features, sums=True)
        return tuple(one for one in found if one is not None)

    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_second_derivative(activation, generator):
    (x, weight, bias), shape = drawn(generator, "dilated", (5, 4), torch.float64, batch=1)
    inputs = [one.requires_grad_() for one in (x, weight[:2], bias[:2])]
    assert torch.autograd.gradgradcheck(
        lambda *those: conv_gram(*those, *shape, activation=activation).second, inputs, fast_mode=True
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("features", [False, True])
def test_gradient_is_that_of_separate_layers(activation, features, generator):
    (x, weight, bias), shape = drawn(generator, "stem", (50, 70), torch.float32)
    outer, dense = torch.randn(32, 32, generator=generator), torch.randn(2, 32, 25, 35, generator=generator)
    gradients = []
    for fused in (True, False):
        inputs = [one.detach().clone().requires_grad_() for one in (x, weight, bias)]
        if fused:
            found = conv_gram(*inputs, *shape, activation=activation, features=features, sums=True)
            maps, second, first = found
        else:
            maps = APPLY[activation](functional.conv2d(*inputs, *shape))
            flat = maps.flatten(2)
            second, first = flat @ flat.mT, flat.sum(2)
        loss = (second * outer).sum() + first.sum()
        if features:
            loss = loss + (maps * dense).sum()
        loss.backward()
        gradients.append([one.grad for one in inputs])
    for mine, theirs in zip(*gradients, strict=True):
        assert_close(mine, theirs, tolerance=1e-5)


def test_nothing_is_computed_for_what_needs_no_gradient(generator):
    (x, weight, bias), shape = drawn(generator, "stem", (20, 20), torch.float32)
    x.requires_grad_()
    conv_gram(x, weight, bias, *shape, activation="relu").second.sum().backward()
    assert x.grad is not None
    assert weight.grad is None


def test_transforms_of_functions(generator):
    (x, weight, bias), shape = drawn(generator, "dilated", (6, 5), torch.float64)

    def total(one):
        return conv_gram(one[None], weight, bias, *shape, activation="relu").second.square().sum()

    found = torch.vmap(torch.func.grad(total))(x)
    for one, its in zip(x, found, strict=True):
        leaf = one.clone().requires_grad_()
        total(leaf).backward()
        assert_close(its, leaf.grad)
    with pytest.raises(NotImplementedError, match="no vmap over weight or bias"):
        torch.vmap(lambda w: conv_gram(x, w, bias, *shape).second)(torch.stack([weight, weight]))


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # opcheck's own
@pytest.mark.parametrize("features", [False, True])
@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_torch_accepts_the_operator(features, activation, generator):
    (x, weight, bias), (stride, padding, dilation, groups) = drawn(generator, "stem", (9, 11), torch.float32)
    conv_gram(x, weight)
    pairs = [[one, one] for one in (stride, padding, dilation)]
    arguments = (x.requires_grad_(), weight.requires_grad_(), bias.requires_grad_(), *pairs, groups)
    torch.library.opcheck(
        torch.ops.gramstyle.conv_gram.default, (*arguments, activation, features, True, False, "ieee")
    )


def test_compiles_as_one_graph(generator):
    (x, weight, bias), shape = drawn(generator, "stem", (20, 30), torch.float32)
    conv_gram(x, weight)
    compiled = torch.compile(
        lambda y: conv_gram(y, weight, bias, *shape, activation="relu").second,
        fullgraph=True,
        backend="aot_eager",
    )
    assert torch.equal(compiled(x), conv_gram(x, weight, bias, *shape, activation="relu").second)


def test_autocast_casts_as_a_convolution_does(generator):
    (x, weight, bias), shape = drawn(generator, "stem", (20, 30), torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        found = conv_gram(x, weight, bias, *shape)
        assert found.features.dtype == functional.conv2d(x, weight, bias, *shape).dtype == torch.bfloat16
    assert found.second.dtype == torch.float32
    flat = found.features.double().flatten(2)
    assert_close(found.second, flat @ flat.mT, tolerance=1e-5)


def test_same_bits_for_any_number_of_threads(generator):
    (x, weight, bias), shape = drawn(generator, "first of VGG", (60, 80), torch.float32)
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.append(conv_gram(x, weight, bias, *shape, activation="relu", sums=True))
    torch.set_num_threads(before)
    for one in found[1:]:
        assert all(map(torch.equal, one, found[0]))


def test_a_batch_of_none():
    found = conv_gram(torch.ones(0, 3, 8, 8), torch.ones(4, 3, 3, 3), sums=True)
    assert found.features.shape == (0, 4, 6, 6)
    assert found.second.shape == (0, 4, 4)
    assert found.first.shape == (0, 4)


X, W = torch.ones(1, 4, 8, 9), torch.ones(6, 4, 3, 3)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((X[0], W), {}, ValueError, "x must be (B, C, H, W), got shape (4, 8, 9)"),
        ((X.int(), W), {}, TypeError, "x must be float64, float32, float16 or bfloat16, got torch.int32"),
        ((X, W.double()), {}, TypeError, "must have the type of x, torch.float32, got torch.float64"),
        ((X, W, torch.ones(6).half()), {}, TypeError, "got torch.float32 and torch.float16"),
        ((X, W.to("meta")), {}, ValueError, "must be on the device of x, cpu, got meta"),
        ((X, W, torch.ones(6, device="meta")), {}, ValueError, "device of x, cpu, got cpu, meta"),
        ((X, W[:, :3]), {}, ValueError, "for C = 4 and groups = 1, got shape (6, 3, 3, 3)"),
        ((X, W), {"groups": 2}, ValueError, "for C = 4 and groups = 2, got shape (6, 4, 3, 3)"),
        ((X, W[:5, :2]), {"groups": 2}, ValueError, "N a multiple of groups"),
        ((X, W[0]), {}, ValueError, "got shape (4, 3, 3)"),
        ((X, W, torch.ones(5)), {}, ValueError, "bias must be (6,), got shape (5,)"),
        ((X, W), {"groups": 0}, ValueError, "groups"),
        ((X, W), {"stride": 0}, ValueError, "stride must be one or two whole numbers of at least 1, got 0"),
        ((X, W), {"stride": (1, 2, 3)}, ValueError, "stride must be one or two whole numbers"),
        (
            (X, W),
            {"padding": -1},
            ValueError,
            "padding must be one or two whole numbers of at least 0, got -1",
        ),
        ((X, W), {"padding": "same"}, ValueError, "padding must be one or two whole numbers"),
        ((X, W), {"dilation": (1, 0)}, ValueError, "dilation must be one or two whole numbers"),
        ((X, W), {"dilation": 4}, ValueError, "height 8 with padding 0 on both sides is less than 9"),
        ((X[..., :2], W), {}, ValueError, "width 2 with padding 0 on both sides is less than 3"),
        ((X, W), {"activation": "gelu"}, UnknownNameError, "activation must be one of"),
    ],
)
def test_bad_inputs_are_refused(arguments, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        conv_gram(*arguments, **options)
