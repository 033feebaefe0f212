"""What an extractor promises beyond the values: types, layouts, gradients, modes, copies."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from gramstyle.errors import StyleError
from gramstyle.extract import Extractor, choose_device
from gramstyle.images import normalize
from gramstyle.types import CAFFE, IDENTITY, IMAGENET, INCEPTION


def relative_error(found, expected):
    return {
        tap: float((found[tap].double() - one.double()).norm() / one.double().norm())
        for tap, one in expected.items()
    }


def bit_equal(found, expected):
    return found.keys() == expected.keys() and all(
        torch.equal(found[tap], one) for tap, one in expected.items()
    )


# Worst seen over the four taps of `small`: 3.2e-7, 6.1e-3, 8.6e-4. Half precision rounds every layer
# to 8 and 11 bits; errors add up over 14 layers.
HALF = {torch.float64: 2e-6, torch.bfloat16: 3e-2, torch.float16: 4e-3}


@pytest.mark.parametrize("dtype", HALF)
def test_dtype_of_the_network(dtype, lively, small, images):
    extractor = lively("mobilenet_v2", list(small.channels), dtype=dtype)
    found = extractor(images)
    assert {one.dtype for one in found.values()} == {dtype}
    errors = relative_error(found, small(images))
    assert max(errors.values()) < HALF[dtype], errors
    assert max(errors.values()) > 0


def test_dtype_follows_the_module(small, images):
    wide = copy.deepcopy(small).double()
    assert wide.dtype == torch.float64
    assert {one.dtype for one in wide(images).values()} == {torch.float64}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_images_are_normalised_in_float32_whatever_their_type(dtype, lively, images):
    """Half precision would lose 8-bit levels once they are scaled to 0..255 and a mean is removed."""
    extractor = lively("resnet18", ["stem"], normalization=CAFFE)
    rough = images.to(dtype)
    assert bit_equal(extractor(rough), extractor(rough.float()))


def test_float64_images_are_not_rounded_first(lively, images):
    extractor = lively("resnet18", ["stem"], dtype=torch.float64, normalization=INCEPTION, kernel="reference")
    wide = images.double() + 1e-10
    direct = extractor.trunk(normalize(wide, INCEPTION))
    assert torch.equal(extractor(wide)["stem"], direct["stem"])


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet18"])
def test_channels_last_equals_contiguous(name, lively, images):
    one = lively(name, memory_format="contiguous")
    other = lively(name, memory_format="channels_last")
    weight = next(p for p in other.trunk.parameters() if p.ndim == 4)
    assert weight.is_contiguous(memory_format=torch.channels_last)
    # float32 sums in another order
    assert max(relative_error(other(images), one(images)).values()) < 1e-5
    shuffled = images.contiguous(memory_format=torch.channels_last)
    assert bit_equal(one(shuffled), one(images))


def test_auto_takes_channels_last_on_the_cpu(lively):
    assert lively("mobilenet_v2").memory_format is torch.channels_last
    assert lively("resnet18", memory_format="contiguous").memory_format is torch.contiguous_format
    maps = lively("resnet18")(torch.rand(1, 3, 64, 64))["layer2_1"]
    assert maps.is_contiguous(memory_format=torch.channels_last)


def test_a_batch_equals_its_images_one_by_one(small, images):
    found = small(images)
    for row in range(len(images)):
        alone = small(images[row : row + 1])
        errors = relative_error(alone, {tap: one[row : row + 1] for tap, one in found.items()})
        assert max(errors.values()) < 1e-5  # blocking of sums may depend on the batch


def test_an_image_does_not_feel_its_neighbours(small, images):
    other = images.clone()
    other[1] = 0.0
    assert all(torch.equal(one[0], small(other)[tap][0]) for tap, one in small(images).items())


def test_an_empty_batch_gives_empty_features(small, images):
    assert {tap: len(one) for tap, one in small(images[:0]).items()} == dict.fromkeys(small.channels, 0)


def test_odd_strides_and_views_are_read_right(small, images):
    padded = torch.zeros(4, 6, 60, 80)
    padded[::2, ::2, 5:45, 7:63] = images
    view = padded[::2, ::2, 5:45, 7:63]
    assert not view.is_contiguous()
    assert bit_equal(small(view), small(images))


def test_images_are_left_as_they_were(small, images):
    before = images.clone()
    small(images)
    assert torch.equal(images, before)


def test_gradients_flow_to_the_images_and_to_nothing_else(lively, images):
    extractor = lively("resnet18", ["stem", "layer1_0"], dtype=torch.float64)
    x = images.double().requires_grad_()
    sum(one.square().mean() for one in extractor(x).values()).backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert all(not p.requires_grad and p.grad is None for p in extractor.parameters())
    # against a finite difference along one direction
    step = torch.randn(x.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    def loss(t):
        moved = (x.detach() + t * step).clamp(0.01, 0.99)
        return sum(one.square().mean() for one in extractor(moved).values())

    x2 = x.detach().clamp(0.02, 0.98)
    x = x2.requires_grad_()
    (gradient,) = torch.autograd.grad(sum(one.square().mean() for one in extractor(x).values()), x)
    h = 1e-7
    numeric = (loss(h) - loss(-h)) / (2 * h)
    assert float((gradient * step).sum()) == pytest.approx(float(numeric), rel=1e-4)


def test_nothing_is_kept_for_gradients_where_none_are_asked(small, images):
    assert all(one.grad_fn is None for one in small(images).values())
    with torch.no_grad():
        assert all(not one.requires_grad for one in small(images.clone().requires_grad_()).values())
    with torch.inference_mode():
        assert bit_equal(small(images), small(images.clone()))


def test_autocast(small, images):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = small(images)
    assert max(relative_error(found, small(images)).values()) < HALF[torch.bfloat16]


def test_compiled_equals_eager(lively, images):
    torch.compiler.reset()
    try:
        extractor = lively("resnet18", ["stem", "layer1_0"])
        extractor(images)  # filters of its convolutions are made outside of graphs
        compiled = torch.compile(extractor, backend="eager", fullgraph=True)
        assert bit_equal(compiled(images), extractor(images))
        assert bit_equal(compiled(images[..., :33]), extractor(images[..., :33]))
    finally:
        torch.compiler.reset()


class Around(nn.Module):
    """A user's module with an extractor inside."""

    def __init__(self, extractor):
        super().__init__()
        self.extractor = extractor
        self.drop = nn.Dropout()


def test_batch_normalisation_never_trains(lively, images):
    extractor = lively("mobilenet_v2", ["block3"])
    before = {key: one.clone() for key, one in extractor.state_dict().items()}
    expected = extractor(images)
    around = Around(extractor).train()
    assert around.drop.training
    assert not any(module.training for module in extractor.modules())
    assert bit_equal(around.extractor(images), expected)
    extractor.train()
    assert bit_equal(extractor(images), expected)
    assert all(torch.equal(one, before[key]) for key, one in extractor.state_dict().items())


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "efficientnet_lite0"])
@pytest.mark.parametrize(
    "how", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))], ids=["deepcopy", "pickle"]
)
def test_copies_are_equal_and_in_eval_mode(name, how, lively, images):
    extractor = lively(name)
    copied = how(extractor)
    assert not any(module.training for module in copied.modules())
    assert bit_equal(copied(images), extractor(images))
    assert copied.identity == extractor.identity
    assert [p.data_ptr() for p in copied.parameters()] != [p.data_ptr() for p in extractor.parameters()]


def test_a_copy_of_a_timm_model_is_in_eval_mode(images):
    extractor = Extractor("timm:test_resnet@random", device="cpu")
    copied = copy.deepcopy(extractor)
    assert not any(module.training for module in copied.modules())
    assert bit_equal(copied(images), extractor(images))


def test_state_dict_goes_back_and_forth(lively, small, images):
    other = Extractor("mobilenet_v2@random", list(small.channels), device="cpu")
    assert not bit_equal(other(images), small(images))
    result = other.load_state_dict(small.state_dict())
    assert (result.missing_keys, result.unexpected_keys) == ([], [])
    assert bit_equal(other(images), small(images))


def test_features_are_in_order_of_depth_and_named(small, images):
    assert list(small(images)) == ["stem", "block1", "block2_depthwise", "block3"]
    assert small.channels == {tap: one.shape[1] for tap, one in small(images).items()}


def test_repr_says_what_differs(small):
    text = repr(small)
    assert "mobilenet_v2@mobilenet_v2.safetensors, taps=(stem, block1, block2_depthwise, block3)" in text
    assert "dtype=torch.float32, device=cpu" in text


@pytest.mark.parametrize(
    ("norm", "by_hand"),
    [
        (IDENTITY, lambda x: x),
        (
            IMAGENET,
            lambda x: (
                (x - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1))
                / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
            ),
        ),
        (INCEPTION, lambda x: 2 * x - 1),
        (CAFFE, lambda x: (255 * x - torch.tensor([123.68, 116.779, 103.939]).view(3, 1, 1)).flip(1)),
    ],
)
def test_normalization_is_what_the_network_sees(norm, by_hand, lively, images):
    extractor = lively("vgg16", ["conv1_1"], normalization=norm)
    conv = dict(extractor.trunk.named_modules())["features.0"]
    expected = torch.nn.functional.conv2d(by_hand(images), conv.weight, conv.bias, padding=1)
    # rounding of pixels near 123, times 27 terms
    assert max(relative_error(extractor(images), {"conv1_1": expected}).values()) < 1e-5


@pytest.mark.parametrize("mode", ["replicate", "reflect"])
def test_first_padding_pads_the_first_convolution_and_no_other(mode, lively, images):
    plain = lively("vgg16", ["conv1_1", "conv1_2"], normalization=IDENTITY)
    padded = lively("vgg16", ["conv1_1", "conv1_2"], normalization=IDENTITY, first_padding=mode)
    one, two = (dict(plain.trunk.named_modules())[f"features.{index}"] for index in (0, 2))
    first = torch.nn.functional.conv2d(
        torch.nn.functional.pad(images, (1, 1, 1, 1), mode=mode), one.weight, one.bias
    )
    second = torch.nn.functional.conv2d(first.relu(), two.weight, two.bias, padding=1)
    found = padded(images)
    assert max(relative_error(found, {"conv1_1": first, "conv1_2": second}).values()) < 1e-5
    inside = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(
        plain(images)["conv1_1"][inside], found["conv1_1"][inside], rtol=1e-5, atol=1e-5
    )
    assert not torch.allclose(plain(images)["conv1_1"], found["conv1_1"], atol=1e-2)


def test_reflecting_needs_pixels_to_reflect(lively):
    extractor = lively("vgg16", ["relu1_1"], first_padding="reflect")
    assert extractor.minimum_size == 2
    with pytest.raises(ValueError, match="at least 2 x 2 pixels"):
        extractor(torch.rand(1, 3, 1, 5))
    extractor(torch.rand(1, 3, 2, 2))


@pytest.mark.parametrize(("pooling", "gain", "power"), [("average", 2.0, 1), ("l2", 0.78, 2)])
def test_other_pooling_takes_the_place_of_every_maximum(pooling, gain, power, lively, images):
    """Each window by slices: gain times the mean, and gain times the root of the sum of squares."""
    made = lively("vgg16", ["relu1_2", "pool1", "relu2_2", "pool2"], pooling=pooling)
    features = made(images)
    for before, after in (("relu1_2", "pool1"), ("relu2_2", "pool2")):
        x = features[before][..., : features[after].shape[2] * 2, : features[after].shape[3] * 2]
        corners = [x[..., i::2, j::2] ** power for i in (0, 1) for j in (0, 1)]
        expected = gain * (sum(corners) / 4 if power == 1 else sum(corners).sqrt())
        torch.testing.assert_close(features[after], expected, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(features["pool1"], lively("vgg16", ["pool1"])(images)["pool1"])


def test_pooling_is_refused_where_there_are_no_such_maxima():
    for name in ("resnet18@random", "mobilenet_v2@random"):
        with pytest.raises(StyleError, match=r"pooling must be 'max' for .*'l2'. VGG does"):
            Extractor(name, pooling="l2", device="cpu")
    with pytest.raises(StyleError, match="pooling is for backbones of the registry"):
        Extractor("timm:test_resnet@random", pooling="average", device="cpu")


def test_first_padding_is_refused_where_it_would_be_ignored():
    """TensorFlow's SAME is done by a module that pads by itself, and takes no notice of padding_mode."""
    with pytest.raises(
        StyleError, match=r"first_padding must be 'zeros' for efficientnet_lite0.*SAME.*'reflect'"
    ):
        Extractor("efficientnet_lite0@random", first_padding="reflect", device="cpu")
    with pytest.raises(
        StyleError, match="first_padding is for backbones of the registry, not for timm:test_resnet"
    ):
        Extractor("timm:test_resnet@random", first_padding="reflect", device="cpu")


def test_auto_device_is_the_best_there_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cuda")


def test_a_device_that_is_not_there_is_refused_with_a_remedy(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(
        StyleError, match=r"device cuda was asked for and this torch is built without CUDA: use .*cpu"
    ):
        Extractor("resnet18@random", device="cuda")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    with pytest.raises(StyleError, match="no CUDA device is visible"):
        choose_device("cuda:0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(StyleError, match="device cuda:2 was asked for and there are 2 CUDA devices"):
        choose_device(torch.device("cuda:2"))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(StyleError, match="device mps was asked for and this machine has none"):
        choose_device("mps")
    with pytest.raises(ValueError, match="device must be auto, cpu, cuda, cuda:N or mps, got 'gpu'"):
        choose_device("gpu")


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_cuda_agrees_with_cpu(dtype, lively_file, small, images):
    extractor = Extractor(
        "mobilenet_v2", list(small.channels), weights=lively_file("mobilenet_v2"), device="cuda", dtype=dtype
    )
    found = {tap: one.cpu() for tap, one in extractor(images).items()}
    # TF32 convolutions keep 11 bits
    assert max(relative_error(found, small(images)).values()) < (3e-2 if dtype == torch.bfloat16 else 5e-3)
