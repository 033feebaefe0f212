"""A page of this machine on which a run is watched."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from gramstyle.transfer import State
from gramstyle.web.course import Course
from gramstyle.web.server import HOST, installed, serving

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing from Python 3.11

LINGER = 3.0
"""Seconds that a page has to learn of the end."""


class LivePage:
    """A page that shows a transfer while it runs: image, losses, time left, and a button that stops it.

    ::

        with LivePage() as page:
            print(page.url)
            for state in page.watch(Transfer(content, style).states()):
                ...

    Args:
        title: of the page.
        facts: name -> words, shown below the image.
        host: address to listen at; this machine alone, unless another is given.
        port: there; 0 for one that is free.

    Raises:
        StyleError: when entered, if that port is taken.
        ImportError: if starlette or uvicorn are missing.
    """

    def __init__(
        self,
        title: str = "transfer",
        facts: Mapping[str, str] | None = None,
        *,
        host: str = HOST,
        port: int = 0,
    ) -> None:
        self.course = Course()
        self._about = title, dict(facts or {})
        self._place = host, port
        self._stack = ExitStack()
        self.url = ""

    def __enter__(self) -> Self:
        with installed():
            from gramstyle.web.app import live_app
        self.course.begin(*self._about)
        self.url = self._stack.enter_context(serving(live_app(self.course, self._place[0]), *self._place))
        return self

    def __exit__(self, *_: object) -> None:
        if self.course.busy:
            self.course.end("stopped")
        self.course.seen(LINGER)
        self._stack.close()

    def watch(self, states: Iterator[State]) -> Iterator[State]:
        """The same states, shown as they come; no more of them once somebody has pressed the button."""
        last: State | None = None
        with _closed(states):
            try:
                for last in states:
                    self.course.add(last)
                    yield last
                    if self.course.stopping:
                        break
            except Exception as error:
                self.course.end("failed", str(error))
                raise
        if self.course.stopping and last is not None and last.step < last.steps:
            self.course.end("stopped")
        else:
            self.course.end("finished")


@contextmanager
def _closed(states: Iterator[State]) -> Iterator[None]:
    """Close a generator after the block."""
    try:
        yield
    finally:
        if isinstance(states, Generator):
            states.close()
