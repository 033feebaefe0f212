"""The convolutions of a backbone, with the sizes of the maps they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gramstyle.extract import Extractor
from gramstyle.extract.conv_act import ConvAct, Shape
from gramstyle.extract.fusion import fuse


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A convolution with bias and activation; its numbers, and where it was seen first.

    Attributes:
        name: in the network.
        x: shape of what it reads, (B, C, H, W), padded where the layer pads by a step of its own.
        weight: (N, C / groups, kernel height, kernel width).
        bias: (N,) or None.
        shape: stride, padding, dilation and groups.
        activation: name of it.
        operations: multiplications and additions, by the definition.
    """

    name: str
    x: tuple[int, ...]
    weight: Tensor
    bias: Tensor | None
    shape: Shape
    activation: str
    operations: int

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two layers the same job."""
        return self.x, tuple(self.weight.shape), self.shape, self.activation


def layers_of(backbone: str, size: int, **options: Any) -> list[Layer]:
    """Every convolution of `backbone` up to its last tap that differs from those before it.

    Args:
        backbone: ``NAME[@WEIGHTS]``.
        size: side of the image, in pixels.
        options: of `Extractor`.
    """
    extractor = Extractor(backbone, device="cpu", kernel="reference", **options)
    fused = fuse(extractor.trunk, "reference")  # type: ignore[arg-type]  # a registered backbone is a graph
    found: dict[tuple[Any, ...], Layer] = {}

    def note(name: str, conv: ConvAct, whole: Tensor) -> None:
        x = conv.padded(whole)
        height, width = conv.output_size(*whole.shape[2:])
        layer = Layer(
            name=name.removesuffix("_fused"),
            x=tuple(x.shape),
            weight=conv.weight,
            bias=conv.bias,
            shape=conv.shape,
            activation=conv.activation,
            operations=2 * len(x) * height * width * conv.weight.numel(),
        )
        found.setdefault(layer.key, layer)

    hooks = [
        module.register_forward_pre_hook(lambda conv, inputs, name=name: note(name, conv, inputs[0]))
        for name, module in fused.named_modules()
        if isinstance(module, ConvAct)
    ]
    with torch.inference_mode():
        fused(torch.zeros(1, 3, size, size))
    for hook in hooks:
        hook.remove()
    return list(found.values())


def as_module(layer: Layer) -> nn.Conv2d:
    """`layer` as torch's own module, without its activation."""
    outputs, inputs, *kernel = layer.weight.shape
    conv = nn.Conv2d(
        inputs * layer.shape.groups,
        outputs,
        (kernel[0], kernel[1]),
        *layer.shape,
        bias=layer.bias is not None,
    )
    conv.weight.data = layer.weight
    if layer.bias is not None:
        assert conv.bias is not None
        conv.bias.data = layer.bias
    return conv
