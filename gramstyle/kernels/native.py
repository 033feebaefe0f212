"""Loading of the native half, and the reason where it is not there."""

from __future__ import annotations

import importlib
import os

from gramstyle import check
from gramstyle.errors import NativeUnavailableError

INSTRUCTIONS = ("avx512", "avx2", "neon", "portable")
"""Of processors, that the CPU half was written for. `GRAMSTYLE_CPU` names the most that it may use."""

_tried = False
_reason: str | None = None


def reason_missing() -> str | None:
    """Why the native half cannot be used; None where it can. Loads it on the first call.

    Raises:
        UnknownNameError: if `GRAMSTYLE_CPU` names none of `INSTRUCTIONS`.
    """
    global _tried, _reason
    if not _tried:  # plain flags: torch.compile reads them as constants, and warns of a cached function
        if os.environ.get("GRAMSTYLE_CPU"):
            check.name_in("GRAMSTYLE_CPU", os.environ["GRAMSTYLE_CPU"], INSTRUCTIONS)
        try:
            importlib.import_module("torch")  # the half has no search path of its own for torch's libraries
            importlib.import_module("gramstyle.kernels._cpu")
        except ImportError as error:
            _reason = str(error)
        _tried = True
    return _reason


def available() -> bool:
    """Whether the native half can be used."""
    return reason_missing() is None


def instructions() -> str:
    """Which of `INSTRUCTIONS` the CPU half uses on this processor.

    Raises:
        NativeUnavailableError: if the half is not there.
    """
    require()
    found: str = importlib.import_module("gramstyle.kernels._cpu").instructions
    return found


def require() -> None:
    """Raise `NativeUnavailableError`, with the reason and the remedy, unless the half can be used."""
    reason = reason_missing()
    if reason is not None:
        raise NativeUnavailableError(
            f"kernel fused was asked for and its library is not there ({reason}): install with a "
            "C++ compiler and `pip install --no-build-isolation`, or use kernel reference"
        )
