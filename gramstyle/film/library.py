"""PyAV, which reads and writes video files, where it is installed."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

EXTRA = 'pip install "gramstyle[video]"'


def pyav(what: str) -> ModuleType:
    """The module ``av``.

    Args:
        what: it is needed for, in words.

    Raises:
        ImportError: if it is not installed; the message says how to install it.
    """
    try:
        import av
    except ImportError as error:
        raise ImportError(f"{what} needs PyAV, which is not installed: {EXTRA}") from error
    return av


def address(path: Path) -> str:
    """What FFmpeg calls a file, whatever is in its name: ``a:b.mp4`` alone would be a protocol."""
    return f"file:{path}"
