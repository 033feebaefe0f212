"""Names and shapes of the tensors a network holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch

from gramstyle.weights.names import keras_convs, keras_norms

Shapes: TypeAlias = dict[str, tuple[int, ...]]
"""Name of a tensor in a state dict -> its shape."""


def network_shapes(build: Callable[[], torch.nn.Module]) -> Shapes:
    """All tensors of the network that `build` makes; nothing is allocated."""
    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in build().state_dict().items()}


def vgg_shapes(factory: str) -> Shapes:
    """The trunk of one of torchvision's VGG networks."""
    from torchvision.models import vgg

    shapes = network_shapes(lambda: getattr(vgg, factory)())
    return {name: shape for name, shape in shapes.items() if name.startswith("features.")}


def mobilenet_v2_shapes() -> Shapes:
    """Torchvision's MobileNetV2 up to the depthwise convolution of ``features.14``.

    Counts of batches are left out: Keras keeps none.
    """
    from torchvision.models.mobilenetv2 import mobilenet_v2

    converted = tuple(f"{place}." for place, _ in (*keras_convs(), *keras_norms()))
    return {
        name: shape
        for name, shape in network_shapes(mobilenet_v2).items()
        if name.startswith(converted) and not name.endswith("num_batches_tracked")
    }


def lite0_shapes() -> Shapes:
    """Timm's EfficientNet-Lite0."""
    from timm import create_model

    return network_shapes(lambda: create_model("tf_efficientnet_lite0", pretrained=False))
