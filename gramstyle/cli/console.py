"""What is said on stderr, and how results reach stdout or a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from gramstyle.errors import StyleError
from gramstyle.files import write_text
from gramstyle.images import Skipped


class Say:
    """Words for people, on stderr."""

    def __init__(self) -> None:
        self.quiet = False

    @property
    def console(self) -> Console:
        """A console on the present stderr."""
        return Console(stderr=True, highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Something worth knowing; silent with --quiet."""
        if not self.quiet:
            self.console.print(f"[dim]{escape(text)}[/dim]")

    def always(self, text: str) -> None:
        """Something that is of no use unless it is known; said even with --quiet."""
        self.console.print(escape(text))

    def error(self, text: str) -> None:
        """Why the program ends."""
        self.console.print(f"[bold red]error:[/bold red] {escape(text)}")

    def skipped(self, skipped: Sequence[Skipped], total: int) -> None:
        """What was left out of a batch, said even with --quiet."""
        for one in skipped:
            self.console.print(f"[yellow]skipped[/yellow] {escape(one.name)}: {escape(one.reason)}")
        if skipped:
            self.console.print(f"[yellow]{len(skipped)} of {total} images skipped[/yellow]")


say = Say()


class Amount(ProgressColumn):
    """How much of how much: megabytes for downloads, a count for everything else."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes, self._count = DownloadColumn(), MofNCompleteColumn()

    def render(self, task: Task) -> Text:
        """The two numbers of `task`."""
        downloads = task.description.startswith("downloading ")
        return self._bytes.render(task) if downloads else self._count.render(task)


class Bars:
    """Progress bars, one per thing that is being done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """A `gramstyle.types.Progress`: `done` of `total` units of `what`."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(escape(what), total=total)
        self._progress.update(self._tasks[what], completed=done, total=total)


def lines(amount: Sequence[ProgressColumn], *below: ProgressColumn) -> Progress:
    """Lines on stderr while a block runs; nothing where stderr is no terminal, or with --quiet.

    Args:
        amount: columns between the bar and the time that remains.
        below: columns after that.
    """
    console = say.console
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *amount,
        TimeRemainingColumn(),
        *below,
        console=console,
        transient=True,
        disable=say.quiet or not console.is_terminal,
    )


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars on stderr while the block runs, as `lines`."""
    with lines([Amount()]) as progress:
        yield Bars(progress)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> Table:
    """A table of texts; columns whose cells are all numbers stand to the right."""
    made = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for index, name in enumerate(header):
        numeric = bool(rows) and all(_numeric(row[index]) for row in rows)
        made.add_column(escape(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(escape(cell) for cell in row))
    return made


def show(*tables: Table) -> None:
    """Tables on stdout, as wide as the terminal, or as they need where there is none."""
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=200)
    for one in tables:
        console.print(one)


def emit(text: str, output: Path | None) -> None:
    """Machine-readable text to a file, whole or not at all, or to stdout."""
    if output is None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    else:
        write_text(output, text if text.endswith("\n") else text + "\n")
        say.note(f"wrote {output}")


def check_writable(path: Path | None, option: str) -> None:
    """Refuse an output that cannot be written before any work is done.

    Raises:
        StyleError: if it is a folder, or its folder cannot be made or written.
    """
    if path is None:
        return
    if path.is_dir():
        raise StyleError(f"{option} must name a file, got the folder {path}")
    parent = path.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        probe = parent / f".{path.name}.probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StyleError(f"{option} {path} cannot be written: {error.strerror or error}") from error


def _numeric(cell: str) -> bool:
    try:
        float(cell.removesuffix("%").removesuffix(" s") or "0")
    except ValueError:
        return False
    return True
