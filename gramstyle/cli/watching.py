"""On what page a run is shown, as options."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

import typer

from gramstyle.cli.console import say
from gramstyle.transfer import Job, State
from gramstyle.web import LivePage
from gramstyle.web.form import facts_of
from gramstyle.web.server import HOST, PORT


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a page is served."""

    host: Annotated[
        str,
        typer.Option(
            "--host", metavar="ADDRESS", help="Address of the page: of this machine alone, or 0.0.0.0."
        ),
    ] = HOST
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of the page; 0 for any.")] = PORT
    browser: Annotated[bool, typer.Option("--browser", help="Open the page in a browser.")] = False

    def tell(self, url: str) -> None:
        """Say where the page is."""
        say.always(f"watch it at {url}")
        if self.host not in (HOST, "localhost", "::1"):
            say.always(f"everyone who reaches {self.host} may see it and stop it")
        if self.browser:
            webbrowser.open(url)


@dataclass(frozen=True, kw_only=True)
class Watching:
    """Whether a run is shown on a page, and where."""

    web: Annotated[bool, typer.Option("--web", help="Show the run on a page: image, losses, time left.")] = (
        False
    )
    place: Place = field(default_factory=Place)

    @contextmanager
    def shown(self, job: Job, states: Iterator[State]) -> Iterator[Iterator[State]]:
        """`states`, shown on a page while the block runs where that is wanted."""
        if not self.web:
            yield states
            return
        with LivePage(job.output, facts_of(job), host=self.place.host, port=self.place.port) as page:
            self.place.tell(page.url)
            yield page.watch(states)
