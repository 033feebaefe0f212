"""Where the user's pip looks for packages."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

DEFAULT_INDEX = "https://pypi.org/simple"
_DEFAULT_TIMEOUT = 15.0  # pip's own
_SECTIONS = ("global", "install", "download", ":env:")  # later ones win, as for `pip download`

# As ``python -m pip``, but a folder named pip in the current directory is not run in pip's place.
_RUN_PIP = (
    "import sys, runpy; sys.path[:] = filter(None, sys.path); "
    "runpy.run_module('pip', run_name='__main__', alter_sys=True)"
)


@dataclass(frozen=True, kw_only=True)
class IndexSettings:
    """The part of pip's configuration that decides where a package file comes from.

    Attributes:
        index_urls: simple-API indexes, in order; empty with ``no-index``.
        find_links: folders, HTML pages or URLs that list files.
        trusted_hosts: hosts whose certificate is not checked.
        cert: bundle of certificate authorities, or None for the default one.
        client_cert: client certificate with its key in one PEM file.
        proxy: URL of the proxy, or None for what the environment says.
        timeout: seconds of silence after which a connection is given up.
    """

    index_urls: tuple[str, ...] = (DEFAULT_INDEX,)
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = None
    timeout: float = _DEFAULT_TIMEOUT


def read() -> IndexSettings:
    """The settings of the user's pip: files and environment as pip merges them.

    Where pip cannot be run in this environment, the ``PIP_*`` variables alone decide.
    """
    listed = _ask_pip()
    return from_options(_merged(listed) if listed is not None else _from_environment())


def from_options(options: dict[str, str]) -> IndexSettings:
    """Settings from pip's long option names, without the dashes in front, to their text."""
    indexes: tuple[str, ...] = ()
    if not _is_true(options.get("no-index", "")):
        indexes = (options.get("index-url", DEFAULT_INDEX), *options.get("extra-index-url", "").split())
    return IndexSettings(
        index_urls=tuple(dict.fromkeys(indexes)),
        find_links=tuple(_expanded(place) for place in options.get("find-links", "").split()),
        trusted_hosts=tuple(options.get("trusted-host", "").split()),
        cert=options.get("cert"),
        client_cert=options.get("client-cert"),
        proxy=options.get("proxy"),
        timeout=_seconds(options.get("timeout", options.get("default-timeout", ""))),
    )


def _ask_pip() -> str | None:
    """What ``pip config list`` prints, or None where pip cannot be run."""
    if not sys.executable:
        return None
    command = [sys.executable, "-c", _RUN_PIP, "--disable-pip-version-check", "config", "list"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    try:
        answer = subprocess.run(command, capture_output=True, env=environment, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.decode("utf-8", "replace") if answer.returncode == 0 else None


def _merged(listed: str) -> dict[str, str]:
    """One value per option from lines such as ``global.index-url='...'``; empty values do not count."""
    sections: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in listed.splitlines():
        key, equals, value = line.partition("=")
        section, dot, option = key.strip().partition(".")
        if not (equals and dot and section in sections):
            continue
        text = _literal(value)
        if text:
            sections[section][_canonical(option)] = text
    merged: dict[str, str] = {}
    for section in _SECTIONS:
        merged.update(sections[section])
    return merged


def _from_environment() -> dict[str, str]:
    """Options from the ``PIP_*`` variables."""
    return {
        _canonical(key.removeprefix("PIP_").lower().replace("_", "-")): value
        for key, value in os.environ.items()
        if key.startswith("PIP_") and value
    }


def _canonical(option: str) -> str:
    """Some options have two names: the variable ``PIP_DEFAULT_TIMEOUT`` is ``timeout``."""
    return {"default-timeout": "timeout", "pypi-url": "index-url"}.get(option, option)


def _literal(value: str) -> str:
    """The text behind a Python literal; the value itself where it is not one."""
    try:
        return str(ast.literal_eval(value.strip()))
    except (ValueError, SyntaxError):
        return value.strip()


def _is_true(value: str) -> bool:
    return value.strip().lower() in {"y", "yes", "t", "true", "on", "1"}


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        return _DEFAULT_TIMEOUT
    return seconds if 0 < seconds < float("inf") else _DEFAULT_TIMEOUT


def _expanded(place: str) -> str:
    """A home folder is expanded only where that names something, as pip does it."""
    if place.startswith("~"):
        home = Path(place).expanduser()
        return str(home) if home.exists() else place
    return place
