"""Convolutions of real networks with the Gram matrices of their features, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from gramstyle.bench.gram import second_moment
from gramstyle.bench.layers import Layer, as_module
from gramstyle.bench.machine import Machine
from gramstyle.bench.timing import Contender, Row, take_turns
from gramstyle.extract.conv_act import ConvAct
from gramstyle.kernels import conv_gram, conv_gram_is_fused, conv_is_winograd
from gramstyle.kernels.maps import activate

UNFUSED = ("channels-first", "channels-last", "oneDNN")
"""Ways of torch that are tuned: activation in place or within oneDNN's own convolution."""


def time_convolutions(
    layers: Iterable[Layer], repeat: int, machine: Machine, *, compiled: bool = False
) -> Iterator[Row]:
    """One row per layer: features and their Gram matrix, float32.

    ``eager`` is ordinary code: channels-first, activation apart, memory given back. `UNFUSED` are the
    best that torch has for the same. ``fused`` is `conv_gram`; ``auto`` what an `Extractor` does with
    this layer at a tap; ``compiled`` is ``eager`` on channels-last maps under `torch.compile`.

    Args:
        layers: of `layers_of`.
        repeat: rounds.
        machine: the roof; the fact ``roof`` is the share of it that ``auto`` reaches, with operations by
            the definition of the convolution.
        compiled: also time `torch.compile`; compilation takes seconds a layer and is not counted.
    """
    for layer in layers:
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(layer.x, generator=generator)
        yield _timed(layer, x, repeat, machine, compiled)


def _timed(layer: Layer, x: Tensor, repeat: int, machine: Machine, compiled: bool) -> Row:
    last = x.contiguous(memory_format=torch.channels_last)
    first_module = ConvAct(as_module(layer), None, layer.activation, "reference")
    last_module = ConvAct(as_module(layer), None, layer.activation, "reference")
    last_module.to(memory_format=torch.channels_last)
    auto = ConvAct(as_module(layer), None, layer.activation, "auto")

    def eager(image: Tensor) -> Tensor:
        return second_moment(activate(functional.conv2d(image, layer.weight, layer.bias, *layer.shape), act))

    act = layer.activation
    contenders = [
        Contender(name="eager", allocator="default", run=lambda: eager(x)),
        Contender(name="channels-first", run=lambda: second_moment(first_module(x))),
        Contender(name="channels-last", run=lambda: second_moment(last_module(last))),
        Contender(name="fused", run=lambda: _fused(layer, last)),
        Contender(name="auto", run=lambda: auto.sums(last, features=True, wide=False)),
        Contender(
            name="auto, default memory",
            allocator="default",
            run=lambda: auto.sums(last, features=True, wide=False),
        ),
    ]
    with torch.inference_mode():
        onednn = _onednn(layer, last, last_module.weight)
        if onednn is not None:
            contenders.insert(3, Contender(name="oneDNN", run=onednn))
        if compiled:
            torch.compiler.reset()  # or the ninth job would run as it is, uncompiled
            program = torch.compile(eager)
            program(last)
            contenders.append(Contender(name="compiled", run=lambda: program(last)))
        maps = activate(_double(layer, x), act)
        exact = second_moment(maps)
        found = auto.sums(last, features=True, wide=False).second
        seconds = take_turns(contenders, repeat)
    channels, height, width = maps.shape[1:]
    row = Row(
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
    products = channels * (channels + 1) * height * width  # half: the matrix is symmetric
    least = machine.least(layer.operations + products, (x.numel() + maps.numel()) * x.element_size())
    row.facts["roof"] = least / row.median("auto")
    return row


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
        return second_moment(
            torch.ops.mkldnn._convolution_pointwise(
                x, weight, layer.bias, padding, stride, dilation, groups, name, scalars, ""
            )
        )

    try:
        run()
    except (RuntimeError, AttributeError):
        return None
    return run
