"""A transfer from a film to a film, that can be stopped and repeated."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from gramstyle.errors import StyleError
from gramstyle.files import write_text
from gramstyle.film import Film, Frame, check_film, open_film, write_film
from gramstyle.images import MAX_PIXELS, Picture, resize_mask
from gramstyle.transfer.checkpoint import load_snapshot, save_snapshot
from gramstyle.transfer.execution import Asked
from gramstyle.transfer.manifest import digest_of
from gramstyle.transfer.reader import Reader
from gramstyle.transfer.video.job import VideoJob
from gramstyle.transfer.video.kept import KeptFrames
from gramstyle.transfer.video.manifest import frame_record, video_manifest
from gramstyle.transfer.video.past import Past
from gramstyle.transfer.video.sequence import FrameState, FrameTransfer, VideoTransfer, eight_bits
from gramstyle.transfer.work import SAVE_EVERY, styles_of


class VideoWork:
    """A job of a film that is being done.

    Frames that are finished are in the folder ``OUTPUT.frames``, the one in hand is kept there every
    `save_every` steps, and from them the same job goes on after it was stopped, even by ``kill -9``, to the
    same bits on a cpu. At the end the film is written, with its manifest ``OUTPUT.json`` beside it, and the
    folder is removed. At no time is more of a film in memory than ``max(look_back)`` frames and the present
    one. Transparency and sound of the content are those of the output, where such a file has them.

    Args:
        job: what to do.
        save_every: steps between two snapshots.
        max_pixels: a file that claims more is refused.
        asked: how the network may be run; see `Work`.
        where: device, dtype, kernel, weights_dir and the like; see `Transfer`.

    Raises:
        ImageError: for a film or image that cannot be read; the message names it.
        StyleError: for settings that contradict each other or the images, or an output of an unknown kind.
        ImportError: where PyAV or OpenCV is needed and not installed; the message says how to install it.
    """

    def __init__(
        self,
        job: VideoJob,
        *,
        save_every: int = SAVE_EVERY,
        max_pixels: int = MAX_PIXELS,
        asked: Asked | None = None,
        **where: Any,
    ) -> None:
        self.job, self.output, self.save_every = job, Path(job.output), save_every
        check_film(self.output)
        if job.keep_frames is not None and Path(job.keep_frames).suffix:
            raise StyleError(f"keep_frames must be a folder, got {job.keep_frames}")
        self.film: Film = open_film(
            job.content, rate=None if job.rate is None else Fraction(job.rate), max_pixels=max_pixels
        )
        self._read = Reader(job.proof, job.proof_intent, max_pixels)
        regional = False  # a mask would have to move with the film
        styles = [style for one in job.styles for style in styles_of(one, self._read, regional)]
        self.video = VideoTransfer(styles, job.settings, job.video, **(asked or Asked()).as_json(), **where)
        self._first = self.video.frame(next(self._frames()).picture.pixels)
        self.notes: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Of all that decides the result: the film, styles, settings, weights and precision."""
        words = [self._first.transfer.digest, digest_of(self.job.content), str(self.film.rate)]
        words.append(json.dumps(self.job.video.as_json(), sort_keys=True))
        if self.job.proof is not None:  # frames after the first may differ where that does not
            words += [digest_of(self.job.proof), self.job.proof_intent]
        return sha256(" ".join(words).encode()).hexdigest()

    @cached_property
    def kept(self) -> KeptFrames:
        """Where frames are until the film is finished."""
        return KeptFrames(self.output.with_name(self.output.name + ".frames"), self.digest)

    @property
    def manifest_path(self) -> Path:
        """Beside the output."""
        return self.output.with_name(self.output.name + ".json")

    def resume(self) -> int:
        """The frames that an earlier run of this job has finished.

        Raises:
            StyleError: if what is there belongs to another job.
        """
        return self.kept.count()

    def states(self) -> Iterator[FrameState]:
        """Do the job, a state for every step that is not done yet.

        Raises:
            StyleError: where a term is not a number; frames before stay kept.
            OSError: if a file cannot be written.
        """
        done, back = self.kept.count(), self.job.video.look_back[-1]
        past: deque[Past] = deque(maxlen=back)
        begin = max(0, done - back)
        for number, frame in enumerate(self._frames(begin), begin):
            content = frame.picture.pixels
            if number >= done:
                made = self._first if number == 0 else self.video.frame(content, past)
                yield from self._frame(number, made, past)
            past.append(Past(content=content, result=self.kept.image(number)))
        self._write(number + 1)

    def _frames(self, begin: int = 0) -> Iterator[Frame]:
        """Frames of the content, as the job sees them."""
        for frame in self.film.frames(begin):
            yield replace(frame, picture=self._read.seen(frame.picture))

    def _frame(self, number: int, made: FrameTransfer, past: Sequence[Past]) -> Iterator[FrameState]:
        """The steps of one frame that are not done yet; it is kept after the last."""
        snapshot = self.kept.snapshot(number)
        try:
            if snapshot.exists():
                made.transfer.restore(load_snapshot(snapshot))
        except StyleError:  # of another version: the frame begins anew
            snapshot.unlink()
        try:
            for state in made.states(number):
                if state.last:
                    result = eight_bits(state.state.image)
                    self.kept.add(number, result, frame_record(state, made, result, past))
                elif state.state.step % self.save_every == 0:
                    save_snapshot(snapshot, made.transfer.snapshot())
                yield state
        except StyleError as error:
            raise StyleError(f"frame {number + 1}: {error}") from error

    def _write(self, count: int) -> None:
        """The film, the folder of frames if one is wanted, and the manifest; then kept frames can go."""
        if self.job.keep_frames is not None:
            write_film(self.job.keep_frames, self._shown(), self.film.rate)
        sound = self.film.path if self.film.sound else None
        self.notes = write_film(self.output, self._shown(), self.film.rate, sound=sound, hold=self.film.hold)
        records = [self.kept.record(number) for number in range(count)]
        manifest = video_manifest(self.job, self._first.transfer, self.digest, self.film.rate, records)
        write_text(self.manifest_path, json.dumps(manifest, indent=1) + "\n")
        self.kept.clear()

    def _shown(self) -> Iterator[Frame]:
        """Finished frames in the colours, and with the transparency, that they are wanted with."""
        for number, frame in enumerate(self._frames()):
            content, alpha = frame.picture, frame.picture.alpha
            shown = self.video.shown(self.kept.image(number), content.pixels)
            if alpha is not None:
                alpha = resize_mask(alpha, (shown.shape[1], shown.shape[2])).clamp(0, 1)
            yield Frame(picture=Picture(pixels=shown, alpha=alpha, name=content.name), seconds=frame.seconds)
