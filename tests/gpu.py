"""Whether tests of the CUDA half can run on a device here, and sums in float64 that any map has room for."""

from __future__ import annotations

import os

import torch
from torch import Tensor

from gramstyle.kernels import OLDEST, reason_missing


def missing() -> str | None:
    """Why kernels cannot run here; None where they can.

    An error where `make gpu-check` asks: what it skips it would take for good.
    """
    reason = _reason()
    if reason is not None and os.environ.get("GRAMSTYLE_GPU_CHECK") == "1":
        raise RuntimeError(reason)
    return reason


def _reason() -> str | None:
    if not torch.cuda.is_available():
        return "there is no CUDA device"
    if torch.cuda.get_device_capability() < OLDEST:
        return f"the device is older than {OLDEST}"
    reason = reason_missing("cuda")
    return None if reason is None else f"the CUDA half is not there: {reason}"


def moments(x: Tensor, step: int = 1 << 20) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Second moment and sums of x (B, C, H, W), and of its absolute values, `step` positions at a time."""
    flat = x.flatten(2) if x.numel() < 1 << 31 else x.view(*x.shape[:2], -1)
    batch, channels, positions = flat.shape
    second, size = (x.new_zeros(batch, channels, channels, dtype=torch.float64) for _ in range(2))
    total, most = (x.new_zeros(batch, channels, dtype=torch.float64) for _ in range(2))
    for start in range(0, positions, step):
        part = flat[..., start : start + step].double()
        second += part @ part.mT
        total += part.sum(2)
        part = part.abs()
        size += part @ part.mT
        most += part.sum(2)
    return second, total, size, most
