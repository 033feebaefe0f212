"""Bytes that arrive in a scratch file, and plain words for what kept them from it."""

from __future__ import annotations

import hashlib
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar
from urllib.error import HTTPError

from gramstyle.errors import WeightsError
from gramstyle.types import Progress

T = TypeVar("T")

CONNECT_SECONDS = 8.0
"""How long any host may take to accept a connection: an offline machine answers soon."""

CHUNK = 1 << 20

_CUT_SHORT = {"RemoteProtocolError", "ReadError", "IncompleteRead"}  # of httpx and http.client


@dataclass(frozen=True)
class Scratch:
    """An unnamed temporary file and the folder whose disk holds it."""

    file: IO[bytes]
    folder: Path

    def empty(self) -> None:
        """Forget what was written."""
        self.file.seek(0)
        self.file.truncate()

    def append(self, chunk: bytes) -> None:
        """Write all of `chunk`.

        Raises:
            WeightsError: if the disk is full or refuses.
        """
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[self.file.write(rest) :]
        except OSError as error:
            raise cannot_write(self.folder, error) from error


@contextmanager
def scratch(folder: Path) -> Iterator[Scratch]:
    """A temporary file on the disk of `folder`, gone at the end even if the process is killed.

    Raises:
        WeightsError: if the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Unbuffered, so that a full disk is noticed at the write and never again on closing.
        file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
    except OSError as error:
        raise cannot_write(folder, error) from error
    with file:
        yield Scratch(file, folder)


def cannot_write(folder: Path, error: OSError) -> WeightsError:
    """The error for a cache folder that refuses a file."""
    return WeightsError(
        f"weights could not be written under {folder}: {error.strerror or error}. "
        "Make room there, or name another folder with GRAMSTYLE_CACHE_DIR."
    )


def receive(
    chunks: Iterable[bytes],
    into: Scratch,
    *,
    what: str,
    total: int | None,
    progress: Progress | None = None,
    at_most: int | None = None,
) -> tuple[int, str]:
    """Replace what `into` holds by `chunks`; returns (bytes received, their sha256).

    Receiving stops soon after more than `at_most` bytes, which the returned size then exceeds.

    Raises:
        WeightsError: if the file cannot be written.
    """
    into.empty()
    digest, received = hashlib.sha256(), 0
    if progress is not None:
        progress(what, 0, total)
    for chunk in chunks:
        digest.update(chunk)
        received += len(chunk)
        into.append(chunk)
        if progress is not None:
            progress(what, received, total)
        if at_most is not None and received > at_most:
            break
    into.file.seek(0)
    return received, digest.hexdigest()


def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns, or `TimeoutError` after `seconds`.

    A socket's own timeout counts anew for each address of a host, and looking up a name has none;
    this bounds them all. A call that is given up goes on in a daemon thread until its own end.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(call())
        except BaseException as error:
            failure.append(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise TimeoutError(f"no answer in {seconds:g} s")
    return outcome[0]


def reason(error: BaseException) -> str:
    """Why a request failed, in a few words: ``could not resolve host``, ``HTTP 403``, ``timed out``."""
    chain = _causes(error)
    for cause in chain:
        text = _status(cause) or _transport(cause)
        if text:
            return text
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _status(error: BaseException) -> str:
    """The HTTP status an error of urllib or of the index's client carries."""
    if isinstance(error, HTTPError):
        return http_status(error.code, str(error.reason or ""))
    response = getattr(error, "response", None)
    code = getattr(response, "status_code", None)
    return http_status(code, str(getattr(response, "reason_phrase", ""))) if isinstance(code, int) else ""


def http_status(code: int, phrase: str) -> str:
    """A status in words, e.g. ``HTTP 404 Not Found``."""
    return f"HTTP {code} {phrase}".rstrip()


def _transport(error: BaseException) -> str:
    """What went wrong below HTTP."""
    if isinstance(error, socket.gaierror):
        return "could not resolve host"
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return "timed out"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason})"
    if isinstance(error, ConnectionError) or type(error).__name__ in {
        "RemoteProtocolError",
        "IncompleteRead",
    }:
        return "connection closed early"
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return ""


def _causes(error: BaseException) -> list[BaseException]:
    """An error and what caused it, innermost first, each once."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        inner = getattr(current, "reason", None)
        current = inner if isinstance(inner, BaseException) else (current.__cause__ or current.__context__)
    return chain[::-1]
