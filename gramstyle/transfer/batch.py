"""Many transfers, one after another, under one network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch

from gramstyle.errors import StyleError
from gramstyle.images import MAX_PIXELS
from gramstyle.kernels import Kernel
from gramstyle.transfer.execution import Asked
from gramstyle.transfer.job import Job
from gramstyle.transfer.network import network_of
from gramstyle.transfer.run import State
from gramstyle.transfer.work import SAVE_EVERY, Work
from gramstyle.types import Progress

End: TypeAlias = Literal["made", "kept", "failed"]

Watch: TypeAlias = Callable[[int, State], None]
"""Called with the place of a job in its batch, from 0, and its state after each step."""

FAILURES = (ValueError, TypeError, OSError, MemoryError, torch.OutOfMemoryError)
"""What ends one job and not the batch."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What became of a job.

    Attributes:
        job: the job.
        end: ``made`` in this run, ``kept`` from an earlier one, or ``failed``.
        steps: steps that the image has.
        losses: term -> weighted value at the last step.
        seconds: that this run took over it.
        note: why it failed, where it went on, or what was left aside.
    """

    job: Job
    end: End
    steps: int = 0
    losses: Mapping[str, float]
    seconds: float = 0.0
    note: str = ""

    @property
    def loss(self) -> float:
        """The sum of all terms."""
        return sum(self.losses.values())


class Batch:
    """Jobs of one network, done one after another.

    An output that an earlier run of the very same job finished is kept; a job that was stopped goes on from
    its snapshot. A job that fails, because an image cannot be read or a term is no number, does not end the
    others.

    Args:
        jobs: what to do, in order; a job may begin with the output of one before it.
        device: see `Extractor`.
        dtype: of the network.
        kernel: see `gramstyle.gram`.
        asked: how the network may be run; see `Work`.
        weights_dir: folder looked in for weights before the cache.
        save_every: steps between two snapshots.
        max_pixels: a file that claims more is refused.
        fresh: do all jobs from their beginning, whatever an earlier run has left.
        progress: called while weights are fetched.

    Raises:
        StyleError: if there is no job, or two have one output.
        WeightsError: for weights that cannot be found, fetched or trusted.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        device: str | torch.device = "auto",
        dtype: torch.dtype = torch.float32,
        kernel: Kernel = "auto",
        asked: Asked | None = None,
        weights_dir: str | Path | None = None,
        save_every: int = SAVE_EVERY,
        max_pixels: int = MAX_PIXELS,
        fresh: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.jobs = tuple(jobs)
        if not self.jobs:
            raise StyleError("jobs must hold at least one job, got none")
        check_outputs(self.jobs)
        self.fresh = fresh
        self._options: dict[str, Any] = {"save_every": save_every, "max_pixels": max_pixels, "asked": asked}
        self.extractor = network_of(
            self.jobs[0].settings,
            device=device,
            dtype=dtype,
            kernel=kernel,
            weights_dir=weights_dir,
            progress=progress,
        )

    def outcomes(self, watch: Watch | None = None) -> Iterator[Outcome]:
        """Do the jobs; an outcome for each, in order, as it ends.

        Args:
            watch: called after each step.
        """
        for place, job in enumerate(self.jobs):
            begin = time.perf_counter()
            try:
                outcome = self._done(job, place, begin, watch)
            except FAILURES as error:
                reason = str(error) or type(error).__name__
                took = time.perf_counter() - begin
                outcome = Outcome(job=job, end="failed", losses={}, seconds=took, note=reason)
            yield outcome

    def _done(self, job: Job, place: int, begin: float, watch: Watch | None) -> Outcome:
        work = Work(job, extractor=self.extractor, **self._options)
        if self.fresh:
            work.snapshot_path.unlink(missing_ok=True)
        elif (earlier := work.finished()) is not None:
            return Outcome(job=job, end="kept", steps=earlier["steps"][0], losses=earlier["losses"])
        try:
            done = work.resume()
            note = f"went on after step {done}" if done else ""
        except StyleError as error:
            note = f"{work.snapshot_path.name} is left aside: {error}"
        state: State | None = None
        for state in work.states():
            if watch is not None:
                watch(place, state)
        assert state is not None, "a job that is not finished has a step left"
        return Outcome(
            job=job,
            end="made",
            steps=state.step,
            losses=dict(state.losses),
            seconds=time.perf_counter() - begin,
            note=note,
        )


def check_outputs(jobs: Sequence[Job]) -> None:
    """Raise `StyleError` where two jobs would write one file, or one that another of them reads.

    File systems that ignore case are counted with. Images to begin with are not: results may be.
    """
    first: dict[str, Job] = {}
    for job in jobs:
        other = first.setdefault(_real(job.output), job)
        if other is not job:
            raise StyleError(
                f"two results would be {job.output}: that of {_inputs(other)} and that of {_inputs(job)}. "
                "Rename a file, or leave one out"
            )
    for path in dict.fromkeys(path for job in jobs for path in _images(job)):
        if _real(path) in first:
            raise StyleError(f"a result would take the place of {path}: name another folder for the results")


def _real(path: str) -> str:
    return str(Path(path).resolve()).casefold()


def _images(job: Job) -> list[str]:
    named = [job.content, job.mask, *(path for one in job.styles for path in (one.path, one.mask))]
    return [path for path in named if path is not None]


def _inputs(job: Job) -> str:
    return f"{' with '.join(_images(job))} (content weight {job.settings.content_weight:g})"
