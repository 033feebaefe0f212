"""Images handed over as NumPy arrays or tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.images.samples import clamp_note, out_of_range

_WHITE = {torch.uint8: 255.0, torch.uint16: 65535.0}
_DTYPES = "uint8, uint16, bool or floating point in [0, 1]"


def from_numpy(array: NDArray[Any]) -> Tensor:
    """A copy of an array (H, W) or (H, W, C) as a tensor (C, H, W), C from 1 to 4.

    Raises:
        TypeError: if its type is none that `from_tensor` takes.
        ValueError: if its shape is something else.
    """
    if array.dtype.kind not in "ufb" or (array.dtype.kind == "u" and array.dtype.itemsize > 2):
        raise TypeError(
            f"source must be {_DTYPES}, got {array.dtype}: use .astype(numpy.uint8) for values in 0..255"
        )
    if array.ndim != 2 and (array.ndim != 3 or array.shape[-1] not in (1, 2, 3, 4)):
        raise ValueError(
            "source must be (H, W) or (H, W, C) with C from 1 to 4, "
            f"got shape {array.shape}{_numpy_hint(array)}"
        )
    # longdouble and foreign byte orders are unknown to torch
    known = np.dtype(np.float64) if array.dtype.itemsize > 8 else array.dtype.newbyteorder("=")
    native = array.astype(known, copy=False)
    planes = native[None] if native.ndim == 2 else native.transpose(2, 0, 1)
    return torch.from_numpy(np.array(planes, order="C", copy=True))


def from_tensor(tensor: Tensor) -> tuple[Tensor, Tensor | None, tuple[str, ...]]:
    """Split a tensor into RGB and alpha.

    Args:
        tensor: (C, H, W); C is 1 for grey, 2 for grey and alpha, 3 for RGB, 4 for RGB and alpha.

    Returns:
        float32 RGB (3, H, W), alpha (H, W) or None, and notes. Gradients flow through.

    Raises:
        TypeError: if it is neither uint8, uint16, bool nor floating point.
        ValueError: if its shape is something else, a value is not finite, or values leave [0, 1]
            by more than 0.001.
    """
    if tensor.dtype not in _WHITE and tensor.dtype != torch.bool and not tensor.is_floating_point():
        raise TypeError(
            f"source must be {_DTYPES}, got {tensor.dtype}: use .to(torch.uint8) for values in 0..255"
        )
    if tensor.ndim != 3 or tensor.shape[0] not in (1, 2, 3, 4):
        raise ValueError(
            "source must be (C, H, W) with C from 1 to 4, "
            f"got shape {tuple(tensor.shape)}{_tensor_hint(tensor)}"
        )
    if tensor.numel() == 0:
        raise ValueError(f"source must have at least one pixel, got shape {tuple(tensor.shape)}")
    notes: tuple[str, ...] = ("16-bit",) if tensor.dtype == torch.uint16 else ()
    if tensor.is_floating_point():
        said = _check_values(tensor)
        tensor, notes = tensor.clamp(0, 1) if said else tensor, said
    values = tensor.to(torch.float32)
    if tensor.dtype in _WHITE:
        values = values / _WHITE[tensor.dtype]
    colours, alpha = (values[:-1], values[-1]) if values.shape[0] in (2, 4) else (values, None)
    return colours.repeat(3, 1, 1) if colours.shape[0] == 1 else colours, alpha, notes


def _check_values(tensor: Tensor) -> tuple[str, ...]:
    """Notes on the values of a floating-point tensor; raises `ValueError` if they are no colours."""
    values = tensor.detach()
    if not bool(torch.isfinite(values).all()):
        nan = int(torch.isnan(values).sum())
        infinite = int(torch.isinf(values).sum())
        raise ValueError(f"source must be finite, got {nan} NaN and {infinite} infinite values")
    low, high = float(values.min()), float(values.max())
    if complaint := out_of_range(low, high):
        raise ValueError(f"source {complaint}")
    return clamp_note(low, high)


def _numpy_hint(array: NDArray[Any]) -> str:
    if array.ndim == 3 and array.shape[0] in (1, 2, 3, 4):
        return ": channels come last, use .transpose(1, 2, 0)"
    return ": pass one image at a time" if array.ndim == 4 else ""


def _tensor_hint(tensor: Tensor) -> str:
    if tensor.ndim == 3 and tensor.shape[-1] in (1, 2, 3, 4):
        return ": channels come first, use .permute(2, 0, 1)"
    if tensor.ndim == 2:
        return ": for a grey image use .unsqueeze(0)"
    return ": pass one image at a time" if tensor.ndim == 4 else ""
