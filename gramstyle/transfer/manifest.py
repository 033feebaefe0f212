"""What made an image, in a file beside it, from which it can be made again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from gramstyle.errors import ImageError, StyleError
from gramstyle.film.folder import frame_files
from gramstyle.images.stored import reading
from gramstyle.transfer.job import Job
from gramstyle.transfer.run import State, Transfer
from gramstyle.versions import versions

FORMAT = "gramstyle-manifest-1"


def manifest_of(job: Job, transfer: Transfer, state: State) -> dict[str, Any]:
    """All that made an image, in plain types."""
    styles = job.styles
    files = [job.content, job.mask, job.start, *(one.path for one in styles), *(one.mask for one in styles)]
    files.append(job.proof)
    steps = {"steps": [state.step, state.steps], "losses": dict(state.losses)}
    return made_by(job.as_json(), files, transfer) | {"digest": transfer.digest} | steps


def made_by(job: Mapping[str, Any], files: Iterable[str | None], transfer: Transfer) -> dict[str, Any]:
    """What every manifest holds: a job, its files, weights, and where and by what it was done."""
    extractor = transfer.extractor
    return {
        "format": FORMAT,
        "job": dict(job),
        "files": {path: digest_of(path) for path in files if path is not None},
        "weights": asdict(transfer.identity),
        "device": extractor.device.type,
        "dtype": str(extractor.dtype).removeprefix("torch."),
        "kernel": extractor.kernel,
        "execution": {
            "asked": transfer.asked.as_json(),
            "scales": [
                dict(zip(("height", "width"), transfer.size(scale), strict=True))
                | transfer.execution(scale).as_json()
                for scale in range(len(transfer.settings.sizes))
            ],
        },
        "versions": versions(),
    }


def read_manifest(path: str | Path) -> dict[str, Any]:
    """What a `Work` wrote beside its output.

    Raises:
        StyleError: if the file is something else, or of a newer version.
        OSError: if it cannot be read.
    """
    try:
        plain = json.loads(Path(path).read_text())
        written = plain["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise StyleError(
            f"{path} is no manifest of a transfer: it must be the .json beside an image"
        ) from error
    if written != FORMAT:
        raise StyleError(
            f"{path} is a manifest of format {written}, this version reads {FORMAT}: install the "
            f"gramstyle that wrote it ({plain.get('versions', {}).get('gramstyle', 'unknown')})"
        )
    return dict(plain)


def changed_files(manifest: Mapping[str, Any]) -> list[str]:
    """The files of a manifest whose bytes are no longer the same."""
    return [path for path, digest in manifest["files"].items() if digest_of(path) != digest]


def digest_of(path: str) -> str:
    """sha256 of a file; of a folder of frames, of the names and digests of all.

    Raises:
        ImageError: if it cannot be read; the message names it.
    """
    if not Path(path).is_dir():
        return _digest(path)
    words = (f"{one.name} {_digest(str(one))}\n" for one in frame_files(Path(path)))
    return sha256("".join(words).encode()).hexdigest()


def _digest(path: str) -> str:
    """Of a file, a piece at a time: films are large."""
    if not Path(path).exists():
        raise ImageError(f"cannot read {path!r}: no such file")
    sha = sha256()
    with reading(repr(path)), Path(path).open("rb") as file:
        while piece := file.read(2**20):
            sha.update(piece)
    return sha.hexdigest()
