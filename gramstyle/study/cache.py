"""Moments of features on disk, keyed by the content of the image and by what made them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from gramstyle.errors import StyleError
from gramstyle.files import replacing, write_text

FORMAT = 1
"""Counts up when the same settings would give other numbers."""


def holds(path: Path) -> bool:
    """Whether a file is there and not empty, as one may be where power was lost before the disk had it."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


class Cache:
    """A folder of tensors, one file per image and settings, each written whole or not at all.

    Two runs may share it, one after another or at once: what a file is called says what is in it.

    Args:
        folder: made when first written to.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = Path(folder)

    def room(self, settings: Mapping[str, Any]) -> Room:
        """The part of the cache that holds what `settings` made."""
        text = json.dumps({**settings, "format": FORMAT}, sort_keys=True)
        return Room(self.folder / hashlib.sha256(text.encode()).hexdigest()[:24], text)


class Room:
    """What one choice of settings made of any number of images.

    Args:
        folder: of its files.
        settings: as JSON; kept beside them for people who look.
    """

    def __init__(self, folder: Path, settings: str) -> None:
        self.folder = folder
        self.settings = settings

    def has(self, digest: str) -> bool:
        """Whether the image of that digest is there."""
        return holds(self._path(digest))

    def write(self, digest: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep `tensors` of the image of that digest."""
        path = self._path(digest)
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(self.folder / "settings.json", self.settings)
        with replacing(path, durable=False) as temporary:
            safetensors.torch.save_file({name: one.contiguous() for name, one in tensors.items()}, temporary)

    def read(self, digests: Sequence[str], name: str) -> Tensor:
        """The tensor of that name of each image, stacked: (N, ...).

        Args:
            digests: of at least one image.
            name: of the tensor.

        Raises:
            StyleError: if a file is damaged.
        """
        first = self._read(digests[0], name)
        found = first.new_empty(len(digests), *first.shape)  # a list to stack would hold them twice
        for row, digest in enumerate(digests):
            found[row] = self._read(digest, name)
        return found

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / f"{digest}.safetensors"

    def _read(self, digest: str, name: str) -> Tensor:
        path = self._path(digest)
        try:
            with safe_open(path, framework="pt") as file:
                return file.get_tensor(name)
        except SafetensorError as error:
            raise StyleError(f"{path} is damaged ({error}): remove it and run the study again") from error
