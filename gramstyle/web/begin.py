"""What a browser may ask of a studio."""

from __future__ import annotations

import python_multipart  # noqa: F401  # starlette asks for it with the first form, and no sooner
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from gramstyle.errors import StyleError
from gramstyle.web.app import FRESH, foreign, live_app
from gramstyle.web.form import form_of, job_of
from gramstyle.web.studio import Studio

MOST = 512 * 2**20
"""Bytes of all images that are sent at once."""

Sent = dict[str, list[tuple[str, bytes]]]
"""Field -> names and contents of its files."""


def studio_app(studio: Studio, host: str) -> Starlette:
    """The page of a run with a form that begins one, and what earlier ones left.

    Beside `live_app`: ``/runs``, ``/results``, ``/results/NAME`` and ``/results/NAME/resume``.

    Args:
        studio: where runs are done.
        host: the address that is listened at.
    """
    page = _Page(studio)
    routes = [
        Route("/runs", page.runs, methods=["POST"]),
        Route("/results", page.results),
        Route("/results/{name}", page.result),
        Route("/results/{name}/resume", page.resume, methods=["POST"]),
    ]
    return live_app(studio.course, host, form_of(studio.folder), routes)


class _Page:
    """Answers to what is asked of a studio."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def runs(self, request: Request) -> Response:
        if foreign(request):
            return _refused(403, "only the page itself may begin a transfer")
        if int(request.headers.get("content-length", MOST + 1)) > MOST:
            return _refused(413, f"images must be {MOST >> 20} MB together at most")
        fields: dict[str, str] = {}
        files: Sent = {"content": [], "styles": []}
        async with request.form(max_files=100) as form:
            for name, value in form.multi_items():
                if not isinstance(value, UploadFile):
                    fields[name] = value
                elif name in files and value.filename:
                    files[name].append((value.filename, await value.read()))
        return await run_in_threadpool(self._begin, fields, files)

    def results(self, request: Request) -> Response:
        return JSONResponse(self._studio.results(), headers=FRESH)

    def result(self, request: Request) -> Response:
        path = self._studio.file(request.path_params["name"])
        return Response(status_code=404) if path is None else FileResponse(path)

    def resume(self, request: Request) -> Response:
        if foreign(request):
            return _refused(403, "only the page itself may begin a transfer")
        try:
            self._studio.resume(request.path_params["name"])
        except (ValueError, OSError, KeyError, TypeError) as error:
            return _refused(400, str(error))
        return Response(status_code=204)

    def _begin(self, fields: dict[str, str], files: Sent) -> Response:
        studio = self._studio
        try:
            if len(files["content"]) > 1:
                raise StyleError(f"content must be one image, got {len(files['content'])}")
            contents, styles = ([studio.keep(*one) for one in files[name]] for name in ("content", "styles"))
            content = contents[0] if contents else None
            studio.begin(job_of(fields, content, styles, studio.output(content, styles)))
        except (ValueError, OSError) as error:
            return _refused(400, str(error))
        return Response(status_code=204)


def _refused(status: int, words: str) -> Response:
    return JSONResponse({"error": words}, status_code=status)
