"""Convolutions of real networks with the Gram matrices of their features, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from gramstyle.bench.layers import Layer, as_module
from gramstyle.bench.timing import Contender, Row, take_turns
from gramstyle.extract.conv_act import ConvAct
from gramstyle.kernels import conv_gram, conv_gram_is_fused, conv_is_winograd

IN_PLACE: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda y: y,
    "relu": functional.relu_,
    "relu6": lambda y: functional.hardtanh_(y, 0, 6),
    "silu": lambda y: functional.silu(y, inplace=True),
}
APART: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda y: y,
    "relu": functional.relu,
    "relu6": functional.relu6,
    "silu": functional.silu,
}
UNFUSED = ("channels-first", "channels-last", "oneDNN")
"""Ways of torch that are tuned: activation in place or within oneDNN's own convolution."""


def time_convolutions(layers: Iterable[Layer], repeat: int) -> Iterator[Row]:
    """One row per layer: features and their Gram matrix, float32.

    ``eager`` is ordinary code: channels-first, activation apart, memory given back. `UNFUSED` are the
    best that torch has for the same. ``fused`` is `conv_gram`; ``auto`` what an `Extractor` does with
    this layer at a tap.
    """
    for layer in layers:
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(layer.x, generator=generator)
        with torch.inference_mode():
            yield _timed(layer, x, repeat)


def _timed(layer: Layer, x: Tensor, repeat: int) -> Row:
    last = x.contiguous(memory_format=torch.channels_last)
    weight, weight_last = layer.weight, layer.weight.contiguous(memory_format=torch.channels_last)
    act, apart = IN_PLACE[layer.activation], APART[layer.activation]
    auto = ConvAct(as_module(layer), None, layer.activation, "auto")
    contenders = [
        Contender(
            name="eager",
            allocator="default",
            run=lambda: _gram(apart(functional.conv2d(x, weight, layer.bias, *layer.shape))),
        ),
        Contender(
            name="channels-first",
            run=lambda: _gram(act(functional.conv2d(x, weight, layer.bias, *layer.shape))),
        ),
        Contender(
            name="channels-last",
            run=lambda: _gram(act(functional.conv2d(last, weight_last, layer.bias, *layer.shape))),
        ),
        Contender(name="fused", run=lambda: _fused(layer, last)),
        Contender(name="auto", run=lambda: auto.sums(last, features=True, wide=False)),
        Contender(
            name="auto, default memory",
            allocator="default",
            run=lambda: auto.sums(last, features=True, wide=False),
        ),
    ]
    onednn = _onednn(layer, last, weight_last)
    if onednn is not None:
        contenders.insert(3, Contender(name="oneDNN", run=onednn))
    exact = _gram(apart(_double(layer, x)))
    found = auto.sums(last, features=True, wide=False).second
    seconds = take_turns(contenders, repeat)
    return Row(
        job=layer.name,
        facts={
            "x": list(layer.x),
            "weight": list(layer.weight.shape),
            "stride": list(layer.shape.stride),
            "groups": layer.shape.groups,
            "activation": layer.activation,
            "operations": layer.operations,
            "choice": _choice(layer, last),
            "error": float((found - exact).norm() / exact.norm()),
        },
        seconds=seconds,
    )


def _gram(maps: Tensor) -> Tensor:
    flat = maps.flatten(2)
    return torch.bmm(flat, flat.mT)


def _double(layer: Layer, x: Tensor) -> Tensor:
    bias = None if layer.bias is None else layer.bias.double()
    return functional.conv2d(x.double(), layer.weight.double(), bias, *layer.shape)


def _fused(layer: Layer, x: Tensor) -> Tensor:
    return conv_gram(x, layer.weight, layer.bias, *layer.shape, activation=layer.activation).second


def _choice(layer: Layer, x: Tensor) -> str:
    if conv_gram_is_fused("auto", x, layer.weight, layer.shape.groups):
        return "one pass"
    apart = layer.shape.stride != (1, 1) or layer.shape.dilation != (1, 1)
    if not apart and conv_is_winograd("auto", x, layer.weight, layer.shape.groups):
        return "Winograd, then Gram"
    return "oneDNN, then Gram"


def _onednn(layer: Layer, x: Tensor, weight: Tensor) -> Callable[[], Tensor] | None:
    """What torch.compile makes of a convolution and its activation, where this torch has it."""
    named = {"none": ("none", []), "relu": ("relu", []), "relu6": ("hardtanh", [0, 6]), "silu": ("swish", [])}
    name, scalars = named[layer.activation]
    stride, padding, dilation, groups = layer.shape

    def run() -> Tensor:
        return _gram(
            torch.ops.mkldnn._convolution_pointwise(
                x, weight, layer.bias, padding, stride, dilation, groups, name, scalars, ""
            )
        )

    try:
        run()
    except (RuntimeError, AttributeError):
        return None
    return run
