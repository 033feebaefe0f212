"""Many transfers, as the command line does them: with progress, a table and a sheet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress

from gramstyle.cli.console import bars, lines, say
from gramstyle.errors import StyleError
from gramstyle.files import write_text
from gramstyle.transfer import Batch, Job, Outcome, State

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TABLE, SHEET = "results.csv", "sheet.png"


def do(
    jobs: Sequence[Job],
    where: Mapping[str, Any],
    folder: Path,
    sheet: Callable[[Sequence[Outcome]], Figure],
) -> list[Outcome]:
    """Do jobs whose outputs go to `folder`; write their table after each, and their sheet at the end.

    Args:
        jobs: what to do.
        where: arguments of `Batch`; see `Running.of_batch`.
        folder: of the results.
        sheet: draws what became of the jobs.
    """
    from gramstyle import report

    with bars() as progress:
        batch = Batch(jobs, **where, progress=progress)
    earlier = _seconds(folder / TABLE)
    outcomes: list[Outcome] = []
    with lines([MofNCompleteColumn()]) as bar:
        watch = _Watch(bar, batch)
        for outcome in batch.outcomes(watch):
            outcomes.append(outcome)
            watch.ended(len(outcomes))
            _say(outcome, len(outcomes), len(jobs))
            write_text(folder / TABLE, report.to_csv(*report.outcome_table(outcomes, earlier)))
    report.save(sheet(outcomes), folder / SHEET)
    say.note(f"wrote {SHEET} and {TABLE} to {folder}")
    return outcomes


def finish(outcomes: Sequence[Outcome]) -> None:
    """End with exit code 1 where a job failed, and say which."""
    failed = [one for one in outcomes if one.end == "failed"]
    if not failed:
        return
    reasons: dict[str, list[str]] = {}
    for one in failed:
        reasons.setdefault(one.note, []).append(Path(one.job.output).name)
    for reason, names in reasons.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        say.error(f"{names[0]}{more}: {reason}")
    say.error(f"{len(failed)} of {len(outcomes)} failed; the same command tries these again")
    raise typer.Exit(1)


def check_apart(paths: Sequence[Path], output: Path) -> None:
    """Raise `StyleError` if results go to a folder of images: they would be among these the next time."""
    for path in paths:
        if path.is_dir() and path.resolve() in (output.resolve(), *output.resolve().parents):
            raise StyleError(f"--output must be a folder apart from the images, got {output} in {path}")


class _Watch:
    """The steps of a batch on two lines of a terminal: all jobs, and the one in hand."""

    def __init__(self, bar: Progress, batch: Batch) -> None:
        self._bar, self._batch = bar, batch
        self._ends = [0]
        for job in batch.jobs:
            self._ends.append(self._ends[-1] + job.settings.total_steps)
        self._all = bar.add_task(f"0 of {len(batch.jobs)} images", total=self._ends[-1])
        self._one = bar.add_task("", total=None)

    def __call__(self, place: int, state: State) -> None:
        """One more step."""
        job = self._batch.jobs[place]
        height, width = state.image.shape[1:]
        where = f"{escape(Path(job.output).name)}: {width} x {height}, loss {state.loss:.4g}"
        self._bar.update(self._one, completed=state.step, total=state.steps, description=where)
        self._bar.update(self._all, completed=self._ends[place] + state.step)

    def ended(self, count: int) -> None:
        """So many jobs have ended."""
        words = f"{count} of {len(self._batch.jobs)} images"
        self._bar.update(self._all, completed=self._ends[count], description=words)


def _say(outcome: Outcome, place: int, count: int) -> None:
    words = {"made": "wrote", "kept": "kept", "failed": "failed"}[outcome.end]
    more = f": {outcome.note}" if outcome.note else ""
    say.note(f"{place} of {count}: {words} {outcome.job.output}{more}")


def _seconds(table: Path) -> dict[str, float]:
    """Output -> seconds, of a table that an earlier run left."""
    try:
        with table.open(newline="", encoding="utf-8") as file:
            return {row["image"]: float(row["seconds"]) for row in csv.DictReader(file) if row["seconds"]}
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return {}
