"""Frames that are finished, in a folder, until the film is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from gramstyle.errors import StyleError
from gramstyle.film.write import frame_path
from gramstyle.images import read_image, save_image
from gramstyle.images.save import KEYWORD


class KeptFrames:
    """Numbered images, each with a record of how it came to be; written whole or not at all.

    Args:
        folder: where they are; made when the first is written.
        digest: of the job that they belong to.
    """

    def __init__(self, folder: Path, digest: str) -> None:
        self.folder, self.digest = folder, digest

    def path(self, number: int) -> Path:
        """Where frame `number` is."""
        return frame_path(self.folder, number)

    def snapshot(self, number: int) -> Path:
        """Where the transfer of frame `number` is kept while it is not finished."""
        return self.path(number).with_suffix(".snapshot")

    def count(self) -> int:
        """How many frames are there, from the first on without a gap.

        Raises:
            StyleError: if one belongs to another job, or is no such frame.
        """
        number = 0
        while self.path(number).exists():
            if self.record(number).get("digest") != self.digest:
                raise StyleError(
                    f"{self.folder} holds frames of another job: the film, styles, settings, weights or "
                    "precision differ. Give the same ones to go on, --fresh to begin anew, or another output"
                )
            number += 1
        return number

    def add(self, number: int, image: Tensor, record: Mapping[str, Any]) -> None:
        """Keep a frame, (3, H, W) in [0, 1], with what is known of it; its snapshot is not needed then."""
        save_image(self.path(number), image, about=json.dumps({"digest": self.digest, **record}))
        self.snapshot(number).unlink(missing_ok=True)

    def image(self, number: int) -> Tensor:
        """Frame `number`, (3, H, W), of 8 bits."""
        return read_image(self.path(number)).pixels

    def record(self, number: int) -> dict[str, Any]:
        """What is known of frame `number`; empty for a file that nobody kept here."""
        try:
            with Image.open(self.path(number)) as image:
                return dict(json.loads(getattr(image, "text", {}).get(KEYWORD, "{}")))
        except (OSError, ValueError, TypeError):
            return {}

    def clear(self) -> None:
        """Remove the frames and snapshots, and the folder where nothing else is in it."""
        if not self.folder.is_dir():
            return
        for one in [*self.folder.glob("[0-9]*.png"), *self.folder.glob("[0-9]*.snapshot")]:
            one.unlink()
        if not any(self.folder.iterdir()):
            self.folder.rmdir()
