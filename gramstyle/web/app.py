"""What a browser may ask of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gramstyle.report.templates import template
from gramstyle.web.course import Course

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""What the page may load: nothing from elsewhere."""

FRESH = {"Cache-Control": "no-store"}


def live_app(
    course: Course, host: str, form: Mapping[str, Any] | None = None, routes: Sequence[BaseRoute] = ()
) -> Starlette:
    """The page of a run: ``/``, ``/live.js``, ``/news``, ``/image`` and ``/stop``.

    Pages of other sites can neither read it, by another name for this address, nor stop or begin runs.

    Args:
        course: what is shown.
        host: the address that is listened at.
        form: what the page offers to begin runs with; None where it shows one run alone.
        routes: what else is answered.
    """
    page = _Page(course, form)
    own = [
        Route("/", page.index),
        Route("/live.js", page.script),
        Route("/news", page.news),
        Route("/image", page.image),
        Route("/stop", page.stop, methods=["POST"]),
    ]
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=_names(host), www_redirect=False)
    return Starlette(routes=[*own, *routes], middleware=[trusted])


class _Page:
    """Answers to questions about a run."""

    def __init__(self, course: Course, form: Mapping[str, Any] | None) -> None:
        self._course = course
        self._html = template("web/live.html").render(form=form)
        self._script = resources.files("gramstyle.web").joinpath("live.js").read_text(encoding="utf-8")

    def index(self, request: Request) -> Response:
        return HTMLResponse(self._html, headers={"Content-Security-Policy": POLICY})

    def script(self, request: Request) -> Response:
        return Response(self._script, media_type="text/javascript")

    def news(self, request: Request) -> Response:
        run, since = (_number(request, name) for name in ("run", "since"))
        return JSONResponse(self._course.news(run, since), headers=FRESH)

    def image(self, request: Request) -> Response:
        data = self._course.picture()
        if data is None:
            return Response(status_code=404)
        return Response(data, media_type="image/jpeg", headers=FRESH)

    def stop(self, request: Request) -> Response:
        if foreign(request):
            return Response(status_code=403)
        self._course.stop()
        return Response(status_code=204)


def foreign(request: Request) -> bool:
    """Whether a page of another site asks."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def _number(request: Request, name: str) -> int:
    """A number of the query; 0 for none."""
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() else 0


def _names(host: str) -> list[str]:
    """Names that this machine may be called by; any where the whole network may ask."""
    if host in ("0.0.0.0", "::"):
        return ["*"]
    return [host, "127.0.0.1", "localhost", "[::1]"]
