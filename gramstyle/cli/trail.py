"""What a transfer leaves of its steps, as options."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gramstyle.cli.console import check_writable
from gramstyle.transfer import State, Trace
from gramstyle.transfer.work import Work


@dataclass(frozen=True, kw_only=True)
class Trail:
    """Frames and a trace, where they are wanted."""

    frames: Annotated[
        Path | None, typer.Option("--frames", metavar="FOLDER", help="Write numbered frames to this folder.")
    ] = None
    frame_every: Annotated[
        int, typer.Option("--frame-every", min=1, help="Steps from one frame to the next.")
    ] = 10
    trace: Annotated[
        Path | None,
        typer.Option(
            "--trace", metavar="FILE.jsonl", help="Write a line of JSON for each step: its terms, its time."
        ),
    ] = None

    def check(self) -> None:
        """Raise `StyleError` if the trace cannot be written."""
        check_writable(self.trace, "--trace")

    def of(self, work: Work, done: int) -> Iterator[State]:
        """The states of `work` after `done` steps, each written as it comes."""
        trace = None if self.trace is None else Trace(self.trace, done)
        began = time.perf_counter()
        with closing(work.states()) as states:
            for state in states:
                if trace is not None:
                    trace.add(state, time.perf_counter() - began)
                if self.frames is not None and state.step % self.frame_every == 0:
                    work.save(self.frames / f"{state.step:06d}.png", state)
                yield state
                began = time.perf_counter()
