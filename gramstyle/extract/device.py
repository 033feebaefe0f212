"""Devices by name."""

from __future__ import annotations

import torch

from gramstyle.errors import StyleError


def choose_device(device: str | torch.device) -> torch.device:
    """The torch device a name stands for; ``auto`` is cuda, else mps, else cpu.

    Raises:
        StyleError: if the device is not there.
        ValueError: if there is no such kind of device.
    """
    if str(device) == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        place = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device must be auto, cpu, cuda, cuda:N or mps, got {device!r}") from error
    if place.type == "cuda" and not torch.cuda.is_available():
        built = (
            "this torch is built without CUDA" if torch.version.cuda is None else "no CUDA device is visible"
        )
        raise StyleError(f"device cuda was asked for and {built}: use --device cpu or auto")
    if place.type == "cuda" and place.index is not None and place.index >= torch.cuda.device_count():
        raise StyleError(
            f"device {place} was asked for and there are {torch.cuda.device_count()} CUDA devices"
        )
    if place.type == "mps" and not torch.backends.mps.is_available():
        raise StyleError("device mps was asked for and this machine has none: use --device cpu or auto")
    return place
