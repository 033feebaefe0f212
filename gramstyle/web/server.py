"""A server of this machine that runs beside other work."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from gramstyle.errors import StyleError

if TYPE_CHECKING:
    from starlette.applications import Starlette

HOST = "127.0.0.1"
"""This machine alone."""

PORT = 8000


@contextmanager
def installed() -> Iterator[None]:
    """Say what to install where an import in the block fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ImportError(
            f'pages need {error.name}, which is not installed: pip install "gramstyle[web]"'
        ) from error


@contextmanager
def serving(app: Starlette, host: str = HOST, port: int = 0) -> Iterator[str]:
    """Serve `app` in a thread while the block runs.

    Args:
        app: what answers.
        host: address to listen at.
        port: there; 0 for one that is free.

    Yields:
        The address of the page.

    Raises:
        StyleError: if the address is not of this machine, or the port is taken.
        ImportError: if a package is missing.
    """
    with installed():
        import uvicorn
    with _listening(host, port) as listener:
        config = uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://{_named(host)}:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(5)


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=_family(host))
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)
        why = os.strerror(number) if number is not None and number > 0 else error
        raise StyleError(
            f"host and port must be an address of this machine and a port that is free, got {host} and "
            f"{port} ({why}): give another port, or 0 for any"
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _named(host: str) -> str:
    """How a browser on this machine calls it."""
    known = {"0.0.0.0": HOST, "::": "::1"}.get(host, host)
    return f"[{known}]" if ":" in known else known
