"""Every content with every style, at every content weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gramstyle.errors import StyleError
from gramstyle.images.proof import ProofIntent
from gramstyle.images.save import Bits
from gramstyle.transfer.batch import check_outputs
from gramstyle.transfer.job import Job, StyleFile
from gramstyle.transfer.settings import TransferSettings


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Jobs in rows of contents and columns of styles, each at every content weight.

    Outputs are ``FOLDER/CONTENT_STYLE[_WEIGHT].png``, of the names of the files without folder and suffix;
    where two contents, or two styles, have the same, with the folder that each lies in: ``FOLDER-NAME``.

    Attributes:
        contents: images, at least one.
        styles: images, at least one.
        settings: of every job.
        folder: where outputs go.
        weights: content weights; empty takes that of `settings`.
        start: image to begin with, for ``init="image"``.
        bits: of the outputs per channel.
        proof: ICC profile through which images are seen; see `Job`.
        proof_intent: ``relative`` or ``perceptual``.

    Raises:
        StyleError: if there is no content or style, a weight is named twice, or two outputs would have one
            name.
        ValueError: for a weight out of range.
    """

    contents: tuple[str, ...]
    styles: tuple[str, ...]
    settings: TransferSettings
    folder: str
    weights: tuple[float, ...] = ()
    start: str | None = None
    bits: Bits = 8
    proof: str | None = None
    proof_intent: ProofIntent = "relative"

    def __post_init__(self) -> None:
        for name in ("contents", "styles", "weights"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("contents", "styles"):
            if not getattr(self, name):
                raise StyleError(f"{name} must hold at least one image, got none")
        if len(set(self.weights)) < len(self.weights):
            raise StyleError(f"weights must be named once each, got {', '.join(map(str, self.weights))}")
        check_outputs(self.jobs)

    @property
    def columns(self) -> tuple[tuple[str, float | None], ...]:
        """Style and weight of each column; the weight is None where there is one for all."""
        return tuple((style, weight) for style in self.styles for weight in (self.weights or (None,)))

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Row by row."""
        rows, columns = names_of(self.contents), names_of(self.styles)
        return tuple(
            self._job(content, rows[content], style, columns[style], weight)
            for content in self.contents
            for style, weight in self.columns
        )

    def _job(self, content: str, row: str, style: str, column: str, weight: float | None) -> Job:
        name = f"{row}_{column}" + ("" if weight is None else f"_{short(weight)}")
        return Job(
            content=content,
            styles=(StyleFile(path=style),),
            output=str(Path(self.folder) / f"{name}.png"),
            settings=self.settings if weight is None else replace(self.settings, content_weight=weight),
            start=self.start,
            bits=self.bits,
            proof=self.proof,
            proof_intent=self.proof_intent,
        )


def names_of(paths: Sequence[str]) -> dict[str, str]:
    """Path -> name of the file without folder and suffix, with its folder where another has the same."""
    stems = Counter(Path(path).stem.casefold() for path in paths)
    return {
        path: Path(path).stem
        if stems[Path(path).stem.casefold()] == 1
        else f"{Path(path).absolute().parent.name}-{Path(path).stem}"
        for path in paths
    }


def short(number: float) -> str:
    """A number in as few digits as read back to it."""
    text = f"{number:g}"
    return text if float(text) == number else repr(number)
