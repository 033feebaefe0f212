"""What a terminal shows of a transfer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.progress import Progress, TextColumn

from gramstyle.cli.console import bars, lines
from gramstyle.types import Progress as Told


class Steps:
    """The present step on one line, its terms or tiles on another."""

    def __init__(self, progress: Progress, what: str, total: float | None, done: float) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=total, terms="")
        progress.update(self._task, completed=done)

    def __call__(self, done: float, where: str, losses: Mapping[str, float]) -> None:
        """So much is done; this is where it is, and these are its terms."""
        terms = "  ".join(f"{name} {value:.2g}" for name, value in losses.items())
        self._progress.update(self._task, completed=done, description=where, terms=terms)

    def tiles(self, what: str, done: int, total: int | None) -> None:
        """So many tiles of the present step are done."""
        self._progress.update(self._task, terms=f"{what}: {done} of {total}")


class Screen:
    """Bars while a transfer is prepared, and then its steps; called with its progress in both."""

    def __init__(self) -> None:
        self._shown: Told | None = None

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """A `gramstyle.types.Progress`."""
        if self._shown is not None:
            self._shown(what, done, total)

    @contextmanager
    def bars(self) -> Iterator[None]:
        """Bars while the block runs."""
        with bars() as self._shown:
            yield

    @contextmanager
    def steps(self, what: str, total: float | None, done: float) -> Iterator[Steps]:
        """Steps while the block runs, of which some are done."""
        with lines((), TextColumn("\n[dim]{task.fields[terms]}[/dim]")) as progress:
            shown = Steps(progress, what, total, done)
            self._shown = shown.tiles
            yield shown
