"""gramstyle web: transfers begun and watched in a browser."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from gramstyle.cli import options
from gramstyle.cli.console import check_writable, say
from gramstyle.cli.running import Running
from gramstyle.cli.spread import spread
from gramstyle.cli.watching import Place
from gramstyle.web.server import installed, serving
from gramstyle.web.studio import Studio


@spread
def web(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder of the results.")
    ] = Path("transfers"),
    place: Place = Place(),
    running: Running = Running(),
) -> None:
    """Begin style transfers in a browser and watch them, on a page of this machine.

    Ctrl-C ends it. What was not finished is gone on with from the page.
    """
    say.quiet = running.quiet
    with options.usage():
        where = running.of_work()
        check_writable(output / "result", "--output")
    with installed():
        from gramstyle.web.begin import studio_app
    studio = Studio(output, where, fresh=running.fresh)
    with serving(studio_app(studio, place.host), place.host, place.port) as url:
        place.tell(url)
        try:
            Event().wait()
        except KeyboardInterrupt:
            say.note(f"ended; what was made is in {output}")
        finally:
            studio.close()
