"""Which files become which file, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gramstyle.images.proof import ProofIntent
from gramstyle.images.save import Bits
from gramstyle.transfer.settings import TransferSettings


@dataclass(frozen=True, kw_only=True)
class StyleFile:
    """An image file whose style is wanted.

    Attributes:
        path: the image.
        weight: its share beside other styles of its region.
        region: colour of the region of the job's mask that it is for, ``#rrggbb``; "" for all, or for those
            of `mask`.
        mask: image whose colours say which part of the style is for which region.
    """

    path: str
    weight: float = 1.0
    region: str = ""
    mask: str | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """Which files become which file, and how.

    Attributes:
        content: an image; None for a texture.
        styles: at least one image.
        output: .png, .jpg, .webp or .tif.
        settings: what is minimised, and how.
        mask: image of the proportions of the content whose colours are regions; see `color_regions`.
        start: image to begin with, for ``init="image"``.
        shape: (H, W) whose proportions a texture has.
        bits: of the output per channel.
        proof: ICC profile of a press or printer, through which content, styles and start are seen; None for
            images as they are. See `SoftProof`.
        proof_intent: ``relative`` or ``perceptual``.
    """

    content: str | None
    styles: tuple[StyleFile, ...]
    output: str
    settings: TransferSettings
    mask: str | None = None
    start: str | None = None
    shape: tuple[int, int] | None = None
    bits: Bits = 8
    proof: str | None = None
    proof_intent: ProofIntent = "relative"

    def as_json(self) -> dict[str, Any]:
        """The job in plain types."""
        return asdict(self) | {"settings": self.settings.as_json()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Job:
        """The job that `as_json` wrote; what an older version did not know is as by default."""
        known = dict(plain)
        known["settings"] = TransferSettings.from_json(known["settings"])
        known["styles"] = tuple(StyleFile(**one) for one in known["styles"])
        known["shape"] = None if known["shape"] is None else tuple(known["shape"])
        return cls(**known)
