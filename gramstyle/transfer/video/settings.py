"""How frames of a film follow one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gramstyle import check


@dataclass(frozen=True, kw_only=True)
class VideoSettings:
    """How frames of a film follow one another.

    Attributes:
        frame_iterations: steps of each frame that begins with earlier ones, all at full size.
        look_back: which earlier frames say what a frame looks like, counted back from it, the nearest
            first; each only of pixels of which those before it say nothing. ``(1,)`` is the short-term
            consistency of Ruder, Dosovitskiy and Brox 2016, ``(1, 2, 4)`` their long-term one, which knows
            again what was hidden for a moment.
        cut: where earlier frames show less than this share of a frame, it begins anew, with the whole
            pyramid. Of photographs that follow one another at most 0.03 is found again; of a pan by a seventh
            of the width, 0.6.

    Raises:
        ValueError: for numbers out of range.
    """

    frame_iterations: int = 100
    look_back: tuple[int, ...] = (1,)
    cut: float = 0.2

    def __post_init__(self) -> None:
        check.positive("frame_iterations", self.frame_iterations)
        object.__setattr__(self, "look_back", tuple(self.look_back))
        rising = all(a < b for a, b in zip(self.look_back, self.look_back[1:], strict=False))
        if not self.look_back or self.look_back[0] < 1 or not rising:
            raise ValueError(
                f"look_back must be numbers of frames from 1 up, rising, such as 1,2,4; got {self.look_back}"
            )
        if not 0 <= self.cut <= 1:
            raise ValueError(f"cut must be a share from 0 to 1, got {self.cut}")

    def as_json(self) -> dict[str, Any]:
        """The settings in plain types."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> VideoSettings:
        """The settings that `as_json` wrote."""
        return cls(**{**plain, "look_back": tuple(plain["look_back"])})
