"""Loading of the native halves, and the reason where one is not there."""

from __future__ import annotations

import importlib
import os

from gramstyle import check
from gramstyle.errors import NativeUnavailableError

HALVES = {"cpu": "_cpu", "cuda": "_cuda"}
"""Type of device -> module. The CPU half declares the operators that both implement."""

INSTRUCTIONS = ("avx512", "avx2", "neon", "portable")
"""Of processors, that the CPU half was written for. `GRAMSTYLE_CPU` names the most that it may use."""

_reasons: dict[str, str | None] = {}


def reason_missing(device: str = "cpu") -> str | None:
    """Why the native half for `device` cannot be used; None where it can. Loads it on the first call.

    Raises:
        UnknownNameError: if `GRAMSTYLE_CPU` names none of `INSTRUCTIONS`.
    """
    if device not in _reasons:  # a plain table: torch.compile reads it, and warns of a cached function
        _reasons[device] = _load(device)
    return _reasons[device]


def _load(device: str) -> str | None:
    if device not in HALVES:
        return f"there is none for {device}"
    if device != "cpu" and reason_missing() is not None:
        return f"it needs the CPU half: {reason_missing()}"
    if device == "cpu" and os.environ.get("GRAMSTYLE_CPU"):
        check.name_in("GRAMSTYLE_CPU", os.environ["GRAMSTYLE_CPU"], INSTRUCTIONS)
    try:
        importlib.import_module("torch")  # a half has no search path of its own for torch's libraries
        importlib.import_module(f"gramstyle.kernels.{HALVES[device]}")
    except ImportError as error:
        return str(error)
    return None


def available(device: str = "cpu") -> bool:
    """Whether the native half for `device` can be used."""
    return reason_missing(device) is None


def instructions() -> str:
    """Which of `INSTRUCTIONS` the CPU half uses on this processor.

    Raises:
        NativeUnavailableError: if the half is not there.
    """
    require()
    found: str = importlib.import_module(f"gramstyle.kernels.{HALVES['cpu']}").instructions
    return found


def capabilities() -> tuple[str, ...]:
    """Compute capabilities that the CUDA half holds machine code for; empty where it cannot be used.

    Newer devices compile what it holds for the oldest.
    """
    if not available("cuda"):
        return ()
    codes = importlib.import_module(f"gramstyle.kernels.{HALVES['cuda']}").codes
    return tuple(f"{code[:-1]}.{code[-1]}" for code in codes.split(","))


def require(device: str = "cpu") -> None:
    """Raise `NativeUnavailableError`, with the reason and the remedy, unless the half can be used."""
    reason = reason_missing(device)
    if reason is None:
        return
    if device == "cpu":
        raise NativeUnavailableError(
            f"kernel fused was asked for and its library is not there ({reason}): install with a "
            "C++ compiler and `pip install --no-build-isolation`, or use kernel reference"
        )
    raise NativeUnavailableError(
        f"kernel fused was asked for on {device} and its library is not there ({reason}): install with "
        "nvcc, a CUDA build of torch and `pip install --no-build-isolation`, or use kernel reference"
    )
