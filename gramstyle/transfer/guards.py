"""What becomes of a step for which torch has no memory, or no deterministic operation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

import torch

from gramstyle.errors import StyleError
from gramstyle.transfer.execution import Asked

T = TypeVar("T")

SIGNS = ("not enough memory", "out of memory", "DefaultCPUAllocator", "can't allocate memory")
"""What allocators say in errors that have no class of their own."""

CUBLAS = "CUBLAS_WORKSPACE_CONFIG"


def guarded(do: Callable[[], T], asked: Asked, device: torch.device, where: str) -> T:
    """What `do` gives.

    Args:
        do: a step.
        asked: how it is to be run.
        device: on which.
        where: for messages.

    Raises:
        StyleError: if memory runs out, with what to do; what was in it is let go before.
    """
    try:
        with deterministic(device) if asked.deterministic else nullcontext():
            return do()
    except (MemoryError, RuntimeError) as error:
        advice = advice_on(error, asked)
        if advice is None:
            raise
    raise StyleError(f"{where}: {advice}")  # here, where no traceback holds the tensors of the step


def advice_on(error: MemoryError | RuntimeError, asked: Asked) -> str | None:
    """What to do about an error of torch, in words; None if it is of another kind.

    Args:
        error: which.
        asked: how the transfer was to be run.
    """
    why = next(iter(str(error).splitlines()), "") or type(error).__name__
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(sign in str(error) for sign in SIGNS):
        tile = "a smaller --tile" if isinstance(asked.tile, int) else "--tile 512"
        return (
            f"out of memory ({why}). Say what memory there is with --memory-limit, such as 4GB, or use "
            f"{tile}, a smaller --size, or --dtype bfloat16 (memory_limit, tile, size and dtype in Python)"
        )
    if asked.deterministic and "deterministic" in str(error):
        return f"{why} Leave out --deterministic (deterministic in Python), or use --device cpu"
    return None


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """A block in which torch refuses operations whose result depends on the order of threads.

    On cuda the choice of convolutions by timing is off too, and cuBLAS gets the fixed workspace that it
    needs, if it has not been used before.
    """
    before = torch.get_deterministic_debug_mode()
    timing, workspace = torch.backends.cudnn.benchmark, os.environ.get(CUBLAS)
    if device.type == "cuda" and workspace is None:
        os.environ[CUBLAS] = ":4096:8"
    torch.set_deterministic_debug_mode("error")  # as use_deterministic_algorithms, which loads a compiler
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
        torch.backends.cudnn.benchmark = timing
        if workspace is None:
            os.environ.pop(CUBLAS, None)
