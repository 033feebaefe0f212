"""The course of a transfer: one line of JSON for each step, in a file that grows."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from gramstyle.errors import StyleError
from gramstyle.files import write_text
from gramstyle.transfer.run import State

BEGIN = '{"step": '
"""Of each line."""


class Trace:
    """A file of JSON lines, one per step, each written at once.

    A line holds ``step`` (over all scales, from 1), ``scale`` (from 0, the coarsest), ``size`` ([H, W]),
    ``loss``, ``losses`` (term -> weighted value before the step) and ``seconds`` that the step took.

    Args:
        path: the file. What it holds of steps after `done` is cut, so that a run that goes on from a snapshot
            has a line per step and none twice.
        done: steps of an earlier run that stand.

    Raises:
        StyleError: if the file holds something else than such lines.
        OSError: if it cannot be written.
    """

    def __init__(self, path: str | Path, done: int = 0) -> None:
        self.path = Path(path)
        kept = self._kept(done) if self.path.exists() else []
        write_text(self.path, "".join(f"{line}\n" for line in kept))

    def add(self, state: State, seconds: float) -> None:
        """One more step, which took so many seconds."""
        line = {
            "step": state.step,
            "scale": state.scale,
            "size": list(state.image.shape[1:]),
            "loss": state.loss,
            "losses": dict(state.losses),
            "seconds": round(seconds, 6),
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _kept(self, done: int) -> list[str]:
        """The lines of steps up to `done`; a last one that is broken, as of a run that was killed, is not."""
        kept = []
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines, start=1):
            step = _step(line)
            torn = number == len(lines) and (line.startswith(BEGIN) or BEGIN.startswith(line))
            if math.isnan(step) and not torn:
                raise StyleError(
                    f"trace must be a new file, or the trace of an earlier run; line {number} of {self.path} "
                    "is something else: name another file"
                )
            if step <= done:
                kept.append(line)
        return kept


def _step(line: str) -> float:
    """The step that a line is of; NaN if it is none."""
    try:
        plain: Any = json.loads(line)
        return float(plain["step"])
    except (ValueError, KeyError, TypeError):
        return math.nan
