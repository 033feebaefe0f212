"""A transfer from files to a file, that can be stopped and repeated."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gramstyle.errors import StyleError
from gramstyle.extract import Extractor
from gramstyle.files import write_text
from gramstyle.images import MAX_PIXELS, Picture, check_saveable, resize_mask, save_image
from gramstyle.kernels import Kernel
from gramstyle.transfer.checkpoint import load_snapshot, save_snapshot
from gramstyle.transfer.execution import Asked
from gramstyle.transfer.inputs import Style
from gramstyle.transfer.job import Job, StyleFile
from gramstyle.transfer.manifest import manifest_of, read_manifest
from gramstyle.transfer.reader import Reader
from gramstyle.transfer.regions import color_regions
from gramstyle.transfer.run import State, Transfer
from gramstyle.types import Progress

SAVE_EVERY = 50
"""Steps between two snapshots."""


class Work:
    """A job that is being done.

    The output is written when it is finished, with a manifest in it and beside it, ``OUTPUT.json``. Before
    that, every `save_every` steps, ``OUTPUT.snapshot`` is: from it the same job goes on after it was stopped,
    even by ``kill -9``, to the same bits on a cpu. The alpha channel of the content is that of the output.

    Args:
        job: what to do.
        extractor: a network that is there already; see `Transfer`.
        device: see `Extractor`.
        dtype: of the network.
        kernel: see `gramstyle.gram`.
        asked: how the network may be run. A job that goes on may be run in another way than it was begun in:
            the result is the same to rounding, and with the same way to the same bits.
        weights_dir: folder looked in for weights before the cache.
        save_every: steps between two snapshots.
        max_pixels: a file that claims more is refused.
        progress: called while weights are fetched, and after each tile.

    Raises:
        ImageError: for an image or profile that cannot be read; the message names it.
        StyleError: for settings that contradict each other or the images, an output of an unknown kind, or a
            proof that is no profile of a device.
    """

    def __init__(
        self,
        job: Job,
        *,
        extractor: Extractor | None = None,
        device: str | torch.device = "auto",
        dtype: torch.dtype = torch.float32,
        kernel: Kernel = "auto",
        asked: Asked | None = None,
        weights_dir: str | Path | None = None,
        save_every: int = SAVE_EVERY,
        max_pixels: int = MAX_PIXELS,
        progress: Progress | None = None,
    ) -> None:
        self.job = job
        self.output = Path(job.output)
        self.save_every = save_every
        check_saveable(self.output, job.bits)
        read = Reader(job.proof, job.proof_intent, max_pixels)
        content = None if job.content is None else read.image(job.content)
        self._alpha = None if content is None or self.output.suffix in (".jpg", ".jpeg") else content.alpha
        self.transfer = Transfer(
            None if content is None else content.pixels,
            [style for one in job.styles for style in styles_of(one, read, job.mask is not None)],
            job.settings,
            regions=None if job.mask is None else _regions(job.mask, read, content),
            shape=job.shape,
            start=None if job.start is None else read.image(job.start).pixels,
            extractor=extractor,
            device=device,
            dtype=dtype,
            kernel=kernel,
            **(asked or Asked()).as_json(),
            weights_dir=weights_dir,
            progress=progress,
        )

    @property
    def snapshot_path(self) -> Path:
        """Where the job is kept while it is not finished."""
        return self.output.with_name(self.output.name + ".snapshot")

    @property
    def manifest_path(self) -> Path:
        """Beside the output."""
        return self.output.with_name(self.output.name + ".json")

    def finished(self) -> dict[str, Any] | None:
        """The manifest of an earlier run of this very job that went to its end; None if there is none."""
        if not self.output.exists():
            return None
        try:
            plain = read_manifest(self.manifest_path)
            same = plain["digest"] == self.transfer.digest and plain["job"]["bits"] == self.job.bits
            done, steps = plain["steps"]
        except (OSError, KeyError, TypeError, ValueError):
            return None
        return plain if same and done == steps else None

    def resume(self) -> int:
        """Go on from an earlier run of this job, if there is one; the steps that it had done.

        Raises:
            StyleError: if what is there belongs to another job.
        """
        if not self.snapshot_path.exists():
            return 0
        snapshot = load_snapshot(self.snapshot_path)
        self.transfer.restore(snapshot)
        earlier = sum(self.job.settings.steps(scale) for scale in range(snapshot.scale))
        return earlier + snapshot.step

    def states(self) -> Generator[State, None, None]:
        """Do the job, a state for every step.

        If a term is not a number any more, memory runs out or the caller stops early, by an error or by
        closing the generator, the image so far is written.

        Raises:
            StyleError: where a term is not a number, or memory runs out.
            OSError: if a file cannot be written.
        """
        last: State | None = None
        try:
            for state in self.transfer.states():
                last = state
                if state.step % self.save_every == 0 and state.step < state.steps:
                    save_snapshot(self.snapshot_path, self.transfer.snapshot())
                yield state
        except (StyleError, KeyboardInterrupt, GeneratorExit):
            if last is not None:
                self._write(last)
            raise
        if last is not None:
            self._write(last)
        self.snapshot_path.unlink(missing_ok=True)

    def save(self, path: str | Path, state: State) -> None:
        """Write the image of a state, without a manifest: a frame."""
        save_image(path, state.image, bits=8)

    def _write(self, state: State) -> None:
        manifest = json.dumps(manifest_of(self.job, self.transfer, state), indent=1)
        alpha = None if self._alpha is None else _fitted(self._alpha, state)
        self.manifest_path.unlink(missing_ok=True)  # never beside an image that it did not make
        save_image(self.output, state.image, alpha=alpha, bits=self.job.bits, about=manifest)
        write_text(self.manifest_path, manifest + "\n")


def styles_of(file: StyleFile, read: Reader, regional: bool) -> list[Style]:
    """A style for each region that it is for; its transparent parts do not count.

    Raises:
        StyleError: if the job has a mask and the style no region, or the other way round.
    """
    picture = read.image(file.path)
    seen = None if picture.alpha is None or bool((picture.alpha == 1).all()) else picture.alpha
    if (file.mask is not None or bool(file.region)) != regional:
        problem = "has no region of the mask" if regional else "has a region, and there is no mask"
        raise StyleError(
            f"style {file.path} {problem}: give a mask for the content and a region for each style"
        )
    if file.mask is None:
        return [Style(pixels=picture.pixels, weight=file.weight, mask=seen, region=file.region)]
    masks = _regions(file.mask, read, picture)
    size = picture.height, picture.width
    fitted = {name: resize_mask(mask, size) for name, mask in masks.items()}
    return [
        Style(
            pixels=picture.pixels,
            weight=file.weight,
            mask=mask if seen is None else mask * seen,
            region=name,
        )
        for name, mask in fitted.items()
    ]


def _regions(path: str, read: Reader, image: Picture | None) -> dict[str, Tensor]:
    """The regions of a mask, which must have the proportions of its image.

    Raises:
        StyleError: otherwise.
    """
    mask = read.mask(path)
    if image is not None and abs(mask.height * image.width - mask.width * image.height) > max(
        image.height, image.width, mask.height, mask.width
    ):
        raise StyleError(
            f"mask {path} must have the proportions of {image.name}, {image.width} x {image.height} pixels; "
            f"it has {mask.width} x {mask.height}"
        )
    return color_regions(mask.pixels)


def _fitted(alpha: Tensor, state: State) -> Tensor:
    return resize_mask(alpha, (state.image.shape[1], state.image.shape[2])).clamp(0, 1)
