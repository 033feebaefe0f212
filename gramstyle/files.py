"""Files written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

NAME_KEPT = 40
"""Characters of a file's name that its temporary file keeps: a name of 255 bytes has no room for more."""


@contextmanager
def replacing(path: str | os.PathLike[str], *, durable: bool = True) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well.

    The temporary file has the same suffix. On any exception, `KeyboardInterrupt` included, it
    is removed and what stood at `path` before still stands. Parent folders are made.

    Args:
        path: the file.
        durable: wait until the disk holds the file, so that it also survives a loss of power. What
            can be made again, thousands of times over, need not wait.

    Raises:
        OSError: if the folder cannot be written, is full, or the file system refuses.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".{target.stem[:NAME_KEPT]}-", suffix=f".part{target.suffix}", dir=target.parent
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if durable:
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


_reading_umask = Lock()


def _umask() -> int:
    """The process's umask, which can only be read by setting it: two threads at once would swap theirs."""
    with _reading_umask:
        current = os.umask(0o022)
        os.umask(current)
    return current
