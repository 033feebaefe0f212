"""A transfer of an image, as the command line does it: with progress, notes, frames and a trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gramstyle.cli.console import say
from gramstyle.cli.execution import say_execution
from gramstyle.cli.screen import Screen
from gramstyle.cli.trail import Trail
from gramstyle.cli.watching import Watching
from gramstyle.errors import StyleError
from gramstyle.transfer import State
from gramstyle.transfer.job import Job
from gramstyle.transfer.work import Work


def do(
    job: Job,
    where: Mapping[str, Any],
    fresh: bool = False,
    trail: Trail = Trail(),
    watching: Watching = Watching(),
) -> Work:
    """Do a job and say how it goes.

    Args:
        job: what to do.
        where: arguments of `Work`; see `Running.of_work`.
        fresh: begin anew, whatever an earlier run has left.
        trail: what is written of its steps.
        watching: where it is shown besides.
    """
    screen = Screen()
    with screen.bars():
        work = Work(job, **where, progress=screen)
    say_execution(work.transfer)
    if fresh:
        work.snapshot_path.unlink(missing_ok=True)
    done = _resumed(work)
    state: State | None = None
    with (
        screen.steps("transfer", 1.0, work.transfer.share(done)) as show,
        watching.shown(job, trail.of(work, done)) as states,
    ):
        for state in states:
            show(state.share, _where(state), state.losses)
    if state is not None and state.step < state.steps:
        say.note(f"stopped on the page after step {state.step}: the same command goes on")
    say.note(f"wrote {job.output} and {work.manifest_path.name}")
    return work


def _where(state: State) -> str:
    """Where a transfer is, in words."""
    height, width = state.image.shape[1:]
    scale = f"scale {state.scale + 1} of {state.scales}, {width} x {height}"
    return f"step {state.step} of {state.steps}, {scale}, loss {state.loss:.4g}"


def _resumed(work: Work) -> int:
    """The steps that an earlier run has done."""
    try:
        done = work.resume()
    except StyleError as error:
        say.note(f"{work.snapshot_path} is left aside: {error}")
        return 0
    if done:
        say.note(f"going on after step {done} of an earlier run")
    return done
