"""A transfer of an image, as the command line does it: with progress, notes, frames and a trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.progress import MofNCompleteColumn

from gramstyle.cli.console import say
from gramstyle.cli.execution import say_execution
from gramstyle.cli.screen import Screen
from gramstyle.cli.trail import Trail
from gramstyle.errors import StyleError
from gramstyle.transfer.job import Job
from gramstyle.transfer.work import Work


def do(job: Job, where: Mapping[str, Any], fresh: bool = False, trail: Trail = Trail()) -> Work:
    """Do a job and say how it goes.

    Args:
        job: what to do.
        where: arguments of `Work`; see `Running.of_work`.
        fresh: begin anew, whatever an earlier run has left.
        trail: what is written of its steps.
    """
    screen = Screen()
    with screen.bars():
        work = Work(job, **where, progress=screen)
    say_execution(work.transfer)
    if fresh:
        work.snapshot_path.unlink(missing_ok=True)
    done = _resumed(work)
    with screen.steps("transfer", job.settings.total_steps, done, MofNCompleteColumn()) as show:
        for state in trail.of(work, done):
            height, width = state.image.shape[1:]
            scale = f"scale {state.scale + 1} of {state.scales}"
            show(state.step, f"{scale}, {width} x {height}, loss {state.loss:.4g}", state.losses)
    say.note(f"wrote {job.output} and {work.manifest_path.name}")
    return work


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
