"""From one style to another, or between four."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gramstyle.errors import StyleError
from gramstyle.images.proof import ProofIntent
from gramstyle.images.save import Bits
from gramstyle.transfer.job import Job, StyleFile
from gramstyle.transfer.settings import TransferSettings


@dataclass(frozen=True, kw_only=True)
class Walk:
    """One content in styles between two, a row, or between four, a square.

    Of two styles A and B the shares at place i of N are ``1 - t`` and ``t``, ``t = i / (N - 1)``. Of four
    they are bilinear, ``(1 - u)(1 - t)``, ``(1 - u) t``, ``u (1 - t)`` and ``u t``: A and B are the upper
    corners, C and D the lower ones. Settings say what a blend is; see `TransferSettings.blend`.

    Attributes:
        content: an image.
        styles: two images or four.
        steps: N, images on a side, 2 or more.
        settings: of every job.
        folder: where outputs go, ``FOLDER/00.png`` and on, or ``FOLDER/00_00.png`` by row and column.
        chained: each image begins with the one before it in its row, the first of a row with the one
            above, and the very first as the settings say; else all as the settings say.
        start: image to begin with, for ``init="image"``.
        bits: of the outputs per channel.
        proof: ICC profile through which images are seen; see `Job`.
        proof_intent: ``relative`` or ``perceptual``.

    Raises:
        StyleError: for another number of styles, or fewer than 2 steps.
    """

    content: str
    styles: tuple[str, ...]
    steps: int = 5
    settings: TransferSettings
    folder: str
    chained: bool = True
    start: str | None = None
    bits: Bits = 8
    proof: str | None = None
    proof_intent: ProofIntent = "relative"

    def __post_init__(self) -> None:
        object.__setattr__(self, "styles", tuple(self.styles))
        if len(self.styles) not in (2, 4):
            raise StyleError(f"styles must be two images, or four, got {len(self.styles)}")
        if self.steps < 2:
            raise StyleError(f"steps must be 2 or more, got {self.steps}")

    @property
    def rows(self) -> int:
        """Rows of outputs: 1 between two styles, as many as `steps` between four."""
        return 1 if len(self.styles) == 2 else self.steps

    def shares(self, row: int, column: int) -> tuple[float, ...]:
        """The share of each style at a place; they add up to 1."""
        across = column / (self.steps - 1)
        upper = (1 - across, across)
        if self.rows == 1:
            return upper
        down = row / (self.steps - 1)
        return tuple((1 - down) * one for one in upper) + tuple(down * one for one in upper)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Row by row."""
        return tuple(self._job(row, column) for row in range(self.rows) for column in range(self.steps))

    def _job(self, row: int, column: int) -> Job:
        shares = self.shares(row, column)
        before = None
        if self.chained and (row or column):
            before = self._output(row, column - 1) if column else self._output(row - 1, 0)
        return Job(
            content=self.content,
            styles=tuple(
                StyleFile(path=path, weight=share) for path, share in zip(self.styles, shares, strict=True)
            ),
            output=self._output(row, column),
            settings=self.settings if before is None else replace(self.settings, init="image"),
            start=before or self.start,
            bits=self.bits,
            proof=self.proof,
            proof_intent=self.proof_intent,
        )

    def _output(self, row: int, column: int) -> str:
        name = f"{column:02d}" if self.rows == 1 else f"{row:02d}_{column:02d}"
        return str(Path(self.folder) / f"{name}.png")
