"""What is known of a run, for those who look on from other threads."""

from __future__ import annotations

import io
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, Literal, TypeAlias

import PIL.Image
from torch import Tensor

from gramstyle.images.save import levels, srgb_profile
from gramstyle.transfer import State

Phase: TypeAlias = Literal["waiting", "preparing", "running", "finished", "stopped", "failed"]
ENDED = ("finished", "stopped", "failed")

POINTS = 500
"""Of the course of the losses, sent at most at a time; of more, some are left out."""

PACE = 60
"""Steps whose time says how long the rest will take."""

QUALITY = 92


@dataclass(kw_only=True)
class _Known:
    """Of one run."""

    title: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    phase: Phase = "waiting"
    note: str = ""
    state: State | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    pace: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=PACE))
    encoded: tuple[int, bytes | None] = (0, None)
    watched: bool = False

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take at the pace of late."""
        if self.phase != "running" or len(self.pace) < 2:
            return None
        (then, before), (now, share) = self.pace[0], self.pace[-1]
        return (1 - share) * (now - then) / (share - before)


class Course:
    """One run after another: what is done, what of it is known, and whether it is to stop.

    The thread of the run calls `begin`, `prepare`, `add` and `end`; others `news`, `picture` and `stop`.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._stop = Event()
        self._seen = Event()
        self._run = 0
        self._known = _Known()

    @property
    def stopping(self) -> bool:
        """Whether somebody asked the run to stop."""
        return self._stop.is_set()

    @property
    def busy(self) -> bool:
        """Whether a run has begun and not ended."""
        return self._known.phase in ("preparing", "running")

    def begin(self, title: str, facts: Mapping[str, str]) -> None:
        """A new run of that name, of which these things are to be said."""
        with self._lock:
            self._run += 1
            self._stop.clear()
            self._seen.clear()
            self._known = _Known(title=title, facts=dict(facts), phase="preparing")

    def prepare(self, what: str, done: int, total: int | None) -> None:
        """A `gramstyle.types.Progress` of what is done before the first step, or within one."""
        with self._lock:
            self._known.note = f"{what}: {done}" + ("" if total is None else f" of {total}")

    def add(self, state: State) -> None:
        """A step is done."""
        with self._lock:
            known = self._known
            known.phase, known.note, known.state = "running", "", state
            known.rows.append({"step": state.step, "scale": state.scale, "losses": dict(state.losses)})
            known.pace.append((time.monotonic(), state.share))

    def end(self, phase: Phase, note: str = "") -> None:
        """The run has ended: ``finished``, ``stopped`` or ``failed``."""
        with self._lock:
            self._known.phase, self._known.note = phase, note

    def stop(self) -> None:
        """Ask the run to stop after the present step."""
        self._stop.set()

    def seen(self, seconds: float) -> bool:
        """Wait until those who look on have been told of the end, or so long; whether they have."""
        return not self._known.watched or self._seen.wait(seconds)

    def news(self, run: int = 0, since: int = 0) -> dict[str, Any]:
        """What is known, in plain types; of the losses, what came after step `since` of run `run`."""
        with self._lock:
            known = self._known
            known.watched = True
            if known.phase in ENDED:
                self._seen.set()
            after = since if run == self._run else 0
            rows = [row for row in known.rows if row["step"] > after]
            every = max(1, -(-len(rows) // POINTS))
            return {
                "run": self._run,
                "phase": known.phase,
                "title": known.title,
                "facts": known.facts,
                "note": known.note,
                "rows": rows[::-every][::-1],
                "state": None if known.state is None else _plain(known.state),
                "left": known.left,
            }

    def picture(self) -> bytes | None:
        """The present image as a JPEG; None before the first step."""
        with self._lock:
            known = self._known
            state, (step, data) = known.state, known.encoded
        if state is None or step == state.step:
            return data
        data = _jpeg(state.image)
        with self._lock:
            known.encoded = state.step, data
        return data


def _plain(state: State) -> dict[str, Any]:
    height, width = state.image.shape[1:]
    return {
        "step": state.step,
        "steps": state.steps,
        "scale": state.scale,
        "scales": state.scales,
        "share": state.share,
        "loss": state.loss,
        "losses": dict(state.losses),
        "width": width,
        "height": height,
    }


def _jpeg(image: Tensor) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(levels(image, None, 8)).save(
        buffer, "jpeg", quality=QUALITY, subsampling=0, icc_profile=srgb_profile()
    )
    return buffer.getvalue()
