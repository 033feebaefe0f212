"""The cache: one safetensors file for each row of the table, with a record of what it must be."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from gramstyle.errors import WeightsError
from gramstyle.files import replacing
from gramstyle.types import ResolvedWeights, WeightsEntry, WeightsIdentity
from gramstyle.weights.network import cannot_write
from gramstyle.weights.sources import label
from gramstyle.weights.tensors import from_safetensors, normalised, serialise

_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A state dict as it arrived, and the file it arrived in.

    Attributes:
        state: tensors with the names of the network's library.
        source: where the bytes came from, in words.
        file: name of the file they came in.
        sha256: of that file.
    """

    state: Mapping[str, Tensor]
    source: str
    file: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class CacheRecord:
    """What `verify` found for one file of the cache.

    Attributes:
        backbone: name of the backbone.
        name: pinned name of the weights.
        path: of the safetensors file.
        status: ``ok``, ``damaged`` (not what its record says), or ``unrecorded`` (no record beside
            it, as after a run that was killed; such a file is never loaded).
        detail: where it came from, or what is wrong and what to do.
    """

    backbone: str
    name: str
    path: Path
    status: Literal["ok", "damaged", "unrecorded"]
    detail: str


def path_of(entry: WeightsEntry, cache_dir: Path) -> Path:
    """Where the cache keeps a row's safetensors file."""
    return cache_dir / "weights" / _plain(entry.backbone) / f"{_plain(entry.name)}.safetensors"


def is_stored(entry: WeightsEntry, cache_dir: Path) -> bool:
    """Whether the cache has a file with its record; nothing is read."""
    path = path_of(entry, cache_dir)
    return path.is_file() and _record_path(path).is_file()


def store(entry: WeightsEntry, fetched: Fetched, cache_dir: Path) -> ResolvedWeights:
    """Keep the tensors that belong to a row; the record is written last and makes the copy count.

    Raises:
        WeightsError: if the folder refuses, or nothing of the state dict belongs to the row.
    """
    state = normalised(fetched.state, entry.trunk_only)
    data = serialise(state)
    sha256 = hashlib.sha256(data).hexdigest()
    record = {
        "format": _FORMAT,
        "backbone": entry.backbone,
        "name": entry.name,
        "sha256": sha256,
        "source": fetched.source,
        "upstream": {"file": fetched.file, "sha256": fetched.sha256},
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "tensors": len(state),
    }
    path = path_of(entry, cache_dir)
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(data)
        with replacing(_record_path(path)) as temporary:
            temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise cannot_write(path.parent, error) from error
    return ResolvedWeights(state=state, identity=_identity(entry, fetched.source, sha256))


def load(entry: WeightsEntry, cache_dir: Path) -> ResolvedWeights | None:
    """The cached copy of a row, or None where there is none with a record.

    Raises:
        WeightsError: if the copy is not, byte for byte, what its record says.
    """
    if not is_stored(entry, cache_dir):
        return None
    path = path_of(entry, cache_dir)
    record = _read_record(path, label(entry))
    data = _read(path)
    _check(data, record, path, label(entry))
    state = from_safetensors(data, str(path))
    return ResolvedWeights(state=state, identity=_identity(entry, record["source"], record["sha256"]))


def verify(cache_dir: Path) -> list[CacheRecord]:
    """Check every cached file against its record, in order of their paths."""
    folder = cache_dir / "weights"
    stored = {path for path in folder.glob("*/*.safetensors") if not path.name.startswith(".")}
    recorded = {
        path.with_suffix(".safetensors") for path in folder.glob("*/*.json") if not path.name.startswith(".")
    }
    return [_verified(path) for path in sorted(stored | recorded)]


def check_beside(path: Path, data: bytes) -> None:
    """Check a safetensors file against the record beside it, as in a cache that was copied, if any.

    Raises:
        WeightsError: if they disagree.
    """
    if _record_path(path).is_file():
        backbone, name = path.parent.name, path.name.removesuffix(".safetensors")
        _check(data, _read_record(path, f"{backbone}@{name}"), path, f"{backbone}@{name}")


def _verified(path: Path) -> CacheRecord:
    backbone, name = path.parent.name, path.name.removesuffix(".safetensors")
    status: Literal["ok", "damaged", "unrecorded"] = "ok"
    try:
        if not _record_path(path).is_file():
            status, detail = "unrecorded", f"no record; run: gramstyle weights pull {backbone}@{name}"
        else:
            record = _read_record(path, f"{backbone}@{name}")
            backbone, name = record["backbone"], record["name"]
            _check(_read(path), record, path, f"{backbone}@{name}")
            detail = record["source"]
    except WeightsError as error:
        status, detail = "damaged", str(error)
    return CacheRecord(backbone=backbone, name=name, path=path, status=status, detail=detail)


def _check(data: bytes, record: Mapping[str, Any], path: Path, what: str) -> None:
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != record["sha256"]:
        raise WeightsError(
            f"{path} must have sha256 {record['sha256']}, got {sha256}: it was changed or cut short. "
            f"Fetch it again: gramstyle weights pull {what} --force"
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} could not be read: {error.strerror or error}") from error


def _read_record(path: Path, what: str) -> dict[str, str]:
    """The record beside a cached file, with its text fields checked."""
    place = _record_path(path)
    try:
        record = json.loads(_read(place))
    except ValueError as error:
        raise WeightsError(_unusable(place, "is not JSON", what)) from error
    if not isinstance(record, dict) or record.get("format") != _FORMAT:
        got = record.get("format") if isinstance(record, dict) else type(record).__name__
        raise WeightsError(_unusable(place, f"must have format {_FORMAT}, got {got}", what))
    fields = {key: record.get(key) for key in ("backbone", "name", "sha256", "source")}
    if not all(isinstance(value, str) for value in fields.values()):
        raise WeightsError(_unusable(place, f"must hold text for {', '.join(fields)}", what))
    return {key: str(value) for key, value in fields.items()}


def _unusable(place: Path, why: str, what: str) -> str:
    return f"the record {place} {why}. Fetch the weights again: gramstyle weights pull {what} --force"


def _identity(entry: WeightsEntry, source: str, sha256: str) -> WeightsIdentity:
    return WeightsIdentity(backbone=entry.backbone, name=entry.name, source=source, sha256=sha256)


def _record_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _plain(name: str) -> str:
    """A name that every file system takes: ``timm:resnet18`` has a colon."""
    return re.sub(r"[^\w.-]", "_", name)
