"""The frames of a film, one transfer after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from gramstyle.extract import Extractor
from gramstyle.motion import temporal_error
from gramstyle.transfer.colors import recolored_result
from gramstyle.transfer.inputs import Style
from gramstyle.transfer.run import State, Transfer
from gramstyle.transfer.settings import TransferSettings
from gramstyle.transfer.video.past import Memory, Past, remembered
from gramstyle.transfer.video.settings import VideoSettings


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameState:
    """Where the transfer of a film is, after a step.

    Attributes:
        frame: the present frame, counted from 0.
        state: of its transfer.
        seen: share of it that earlier frames show; 0 for the first.
        cut: whether it begins anew, because that is too little.
    """

    frame: int
    state: State
    seen: float = 0.0
    cut: bool = False

    @property
    def done(self) -> float:
        """Frames done, the share of the present one with them."""
        return self.frame + self.state.step / self.state.steps

    @property
    def last(self) -> bool:
        """Whether the frame is finished."""
        return self.state.step == self.state.steps


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameTransfer:
    """The transfer of one frame.

    Attributes:
        transfer: as of an image.
        memory: what earlier frames say of it; None for the first.
        cut: whether it begins anew all the same.
    """

    transfer: Transfer
    memory: Memory | None
    cut: bool

    def states(self, frame: int) -> Iterator[FrameState]:
        """The states of the transfer, as of frame number `frame`."""
        seen = 0.0 if self.memory is None else self.memory.share
        for state in self.transfer.states():
            yield FrameState(frame=frame, state=state, seen=seen, cut=self.cut)

    def error(self, result: Tensor, past: Sequence[Past]) -> float | None:
        """`temporal_error` of the frame's result; None for the first frame of a scene."""
        if self.memory is None or self.cut:
            return None
        return temporal_error(result, past[-1].result, self.memory.motion)


class VideoTransfer:
    """A style transfer of a film: each frame begins with earlier ones, and is held to them.

    The first frame is a `Transfer` as of any image. Each other one is begun with the result of earlier
    frames, moved along the optical flow, and where these do not show it with the content; where they do,
    the loss has the term `temporal_loss`. Ruder, Dosovitskiy and Brox 2016 (Artistic style transfer for
    videos). With ``preserve_color="luminance"`` frames keep the style's colours until `shown`.

    Args:
        styles: see `Transfer`.
        settings: of each frame, and of the pyramid of first ones; without its `temporal_weight` frames are
            only begun with earlier ones.
        video: how frames follow one another.
        where: device, dtype, kernel, tile, memory_limit, weights_dir and the like, of `Transfer`.
    """

    def __init__(
        self,
        styles: Sequence[Style] | Tensor,
        settings: TransferSettings,
        video: VideoSettings | None = None,
        **where: Any,
    ) -> None:
        self.settings, self.video = settings, video or VideoSettings()
        self._styles, self._where = styles, where
        self._extractor: Extractor | None = None
        how = "none" if settings.preserve_color == "luminance" else settings.preserve_color
        self._first = replace(settings, preserve_color=how)
        self._later = replace(
            self._first,
            init="image",
            min_size=settings.size,
            first_iterations=self.video.frame_iterations,
        )

    def frame(self, content: Tensor, past: Sequence[Past] = ()) -> FrameTransfer:
        """The transfer of one frame.

        Args:
            content: the frame, (3, H, W) in [0, 1].
            past: frames before it, the last one last, as many as there are of ``max(look_back)``.

        Raises:
            ValueError: as `Transfer`.
            ImportError: if OpenCV is not installed.
        """
        memory = remembered(content, past, self.video.look_back) if past else None
        cut = memory is not None and memory.share < self.video.cut
        options: dict[str, Any] = {"extractor": self._extractor, **self._where}
        if memory is None or cut:
            transfer = Transfer(content, self._styles, self._first, **options)
        else:
            held = memory.temporal
            transfer = Transfer(
                content, self._styles, self._later, start=held.pixels, temporal=held, **options
            )
        self._extractor = transfer.extractor
        return FrameTransfer(transfer=transfer, memory=memory, cut=cut)

    def states(self, contents: Iterable[Tensor]) -> Iterator[FrameState]:
        """Every step of every frame of a film, with ``max(look_back)`` frames in memory.

        Args:
            contents: frames of one size, (3, H, W) in [0, 1].

        Raises:
            StyleError: where a term is not a number.
        """
        past: deque[Past] = deque(maxlen=self.video.look_back[-1])
        for number, content in enumerate(contents):
            for state in self.frame(content, past).states(number):
                yield state
            past.append(Past(content=content, result=eight_bits(state.state.image)))

    def shown(self, result: Tensor, content: Tensor) -> Tensor:
        """A result in the colours that are asked for, (3, H, W)."""
        return recolored_result(result, content, self.settings.preserve_color)


def eight_bits(image: Tensor) -> Tensor:
    """An image as a file of 8 bits gives it back: what later frames are held to, wherever it was kept."""
    return (image.clamp(0, 1).double() * 255).round().float() / 255
