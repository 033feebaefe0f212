"""Loading of the native half, and the reason where it is not there."""

from __future__ import annotations

import importlib

from gramstyle.errors import NativeUnavailableError

_tried = False
_reason: str | None = None


def reason_missing() -> str | None:
    """Why the native half cannot be used; None where it can. Loads it on the first call."""
    global _tried, _reason
    if not _tried:  # plain flags: torch.compile reads them as constants, and warns of a cached function
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


def require() -> None:
    """Raise `NativeUnavailableError`, with the reason and the remedy, unless the half can be used."""
    reason = reason_missing()
    if reason is not None:
        raise NativeUnavailableError(
            f"kernel fused was asked for and its library is not there ({reason}): install with a "
            "C++ compiler and `pip install --no-build-isolation`, or use kernel reference"
        )
