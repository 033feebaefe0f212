"""Whether freed memory goes back to the system, or is kept for the next tensor."""

from __future__ import annotations

import ctypes
import platform
from functools import cache
from typing import Any, Literal

Allocator = Literal["default", "tuned"]
"""``default`` gives tensors of more than 32 MiB back to the system when they are freed, so that every new one
costs page faults; ``tuned`` keeps them, as a caching allocator would."""

# numbers of glibc's malloc.h, and the thresholds at which its own adaption ends (mallopt(3), on 64 bits)
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_DEFAULT = {_TRIM_THRESHOLD: 64 << 20, _MMAP_THRESHOLD: 32 << 20, _MMAP_MAX: 65536}
_TUNED = {_TRIM_THRESHOLD: 2**31 - 1, _MMAP_MAX: 0}


@cache
def _library() -> Any | None:
    """The C library where it is glibc, else None."""
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


def can_tune() -> bool:
    """Whether `use` changes anything here."""
    return _library() is not None


def use(allocator: Allocator) -> None:
    """From now on allocate so; glibc only, elsewhere nothing changes.

    ``default`` also gives back what was kept, or it would serve the next tensors.
    """
    library = _library()
    if library is None:
        return
    for parameter, value in (_TUNED if allocator == "tuned" else _DEFAULT).items():
        library.mallopt(parameter, value)
    if allocator == "default":
        library.malloc_trim(0)
