"""Which film becomes which film, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gramstyle.images.proof import ProofIntent
from gramstyle.transfer.job import StyleFile
from gramstyle.transfer.settings import TransferSettings
from gramstyle.transfer.video.settings import VideoSettings


@dataclass(frozen=True, kw_only=True)
class VideoJob:
    """Which film becomes which film, and how.

    Attributes:
        content: a film; see `gramstyle.film.open_film`.
        styles: at least one image.
        output: a film; see `gramstyle.film.write_film`.
        settings: what is minimised, and how.
        video: how frames follow one another.
        rate: frames per second, ``25`` or ``24000/1001``; None for those of the content.
        keep_frames: a folder for numbered frames, beside the film; None for none.
        proof: ICC profile through which frames and styles are seen; see `Job`.
        proof_intent: ``relative`` or ``perceptual``.
    """

    content: str
    styles: tuple[StyleFile, ...]
    output: str
    settings: TransferSettings
    video: VideoSettings = field(default_factory=VideoSettings)
    rate: str | None = None
    keep_frames: str | None = None
    proof: str | None = None
    proof_intent: ProofIntent = "relative"

    def as_json(self) -> dict[str, Any]:
        """The job in plain types."""
        return asdict(self) | {"settings": self.settings.as_json(), "video": self.video.as_json()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> VideoJob:
        """The job that `as_json` wrote; what an older version did not know is as by default."""
        known = dict(plain)
        known["settings"] = TransferSettings.from_json(known["settings"])
        known["video"] = VideoSettings.from_json(known["video"])
        known["styles"] = tuple(StyleFile(**one) for one in known["styles"])
        return cls(**known)
