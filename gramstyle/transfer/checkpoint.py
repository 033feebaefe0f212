"""Snapshots of transfers in files."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from gramstyle.errors import StyleError
from gramstyle.files import replacing
from gramstyle.transfer.run import Snapshot

FORMAT = "gramstyle-transfer-1"


def save_snapshot(path: str | PathLike[str], snapshot: Snapshot) -> None:
    """Write a snapshot, whole or not at all, as safetensors.

    Raises:
        OSError: if the file cannot be written.
    """
    about = {"scale": snapshot.scale, "step": snapshot.step, "digest": snapshot.digest}
    with replacing(path, durable=False) as temporary:
        save_file(dict(snapshot.tensors), temporary, {"format": FORMAT, "transfer": json.dumps(about)})


def load_snapshot(path: str | PathLike[str]) -> Snapshot:
    """Read what `save_snapshot` wrote.

    Raises:
        StyleError: if the file is something else.
        OSError: if it cannot be read.
    """
    try:
        with safe_open(Path(path), framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise StyleError(f"{path} is no snapshot of a transfer by this version ({FORMAT})")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError as error:
        raise StyleError(f"{path} is no snapshot of a transfer, or broken: {error}") from error
    about = json.loads(header["transfer"])
    return Snapshot(scale=about["scale"], step=about["step"], tensors=tensors, digest=about["digest"])
