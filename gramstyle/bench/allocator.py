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
_LARGE = 32 << 20
_DEFAULT = {_TRIM_THRESHOLD: 2 * _LARGE, _MMAP_THRESHOLD: _LARGE, _MMAP_MAX: 65536}
_TUNED = {_TRIM_THRESHOLD: 2**31 - 1, _MMAP_MAX: 0}

_hidden: list[int] = []
"""Addresses of blocks of `_LARGE` that `default` must not find."""


class _Info(ctypes.Structure):
    """``struct mallinfo2``."""

    _fields_ = [(name, ctypes.c_size_t) for name in ("heap", "chunks", "fast", "mapped", "in_maps")] + [
        (f"other_{i}", ctypes.c_size_t) for i in range(5)
    ]


@cache
def _library() -> Any | None:
    """The C library where it is a glibc of 2.33 or newer, else None."""
    library = ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
    if library is None or not hasattr(library, "mallinfo2"):
        return None
    library.malloc.argtypes, library.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    library.free.argtypes, library.free.restype = [ctypes.c_void_p], None
    library.mallinfo2.restype = _Info
    return library


def can_tune() -> bool:
    """Whether `use` changes anything here."""
    return _library() is not None


def use(allocator: Allocator) -> None:
    """From now on allocate so; glibc only, elsewhere nothing changes.

    ``default`` also gives back what was kept, and hides what cannot be given back: free blocks of the heap
    below others in use would serve the next tensors without page faults.
    """
    library = _library()
    if library is None:
        return
    while _hidden:
        library.free(_hidden.pop())
    if allocator == "default":
        library.mallopt(_MMAP_MAX, 0)  # so that blocks come from the heap
        library.malloc_trim(0)
        _hide(library)
    for parameter, value in (_TUNED if allocator == "tuned" else _DEFAULT).items():
        library.mallopt(parameter, value)
    if allocator == "default":
        library.malloc_trim(0)


def _hide(library: Any) -> None:
    """Take every free block of `_LARGE` in the heap."""
    while True:
        before = library.mallinfo2().heap
        block = library.malloc(_LARGE)
        if library.mallinfo2().heap > before:  # the heap had to grow: none was left
            library.free(block)
            return
        _hidden.append(block)
