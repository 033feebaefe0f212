"""Transfers that are begun on a page, one at a time, and what they left in a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from gramstyle.errors import StyleError
from gramstyle.files import write_bytes, write_text
from gramstyle.transfer import Job, State, Work
from gramstyle.web.course import Course
from gramstyle.web.form import facts_of

UPLOADS = "inputs"
"""Within the folder of results."""


class Studio:
    """A folder of results, and the one transfer that is running.

    A job is kept as ``OUTPUT.job`` until it is finished, so that it can be gone on with after a stop, of the
    page or of the machine.

    Args:
        folder: of results; made where there is none.
        where: arguments of `Work`.
        fresh: begin anew, whatever an earlier run has left.
    """

    def __init__(self, folder: Path, where: Mapping[str, Any], *, fresh: bool = False) -> None:
        self.folder = folder
        self.course = Course()
        self._where, self._fresh = dict(where), fresh
        self._lock = Lock()
        self._thread: Thread | None = None
        (folder / UPLOADS).mkdir(parents=True, exist_ok=True)

    def keep(self, name: str, data: bytes) -> Path:
        """Keep an image that was sent; the same one once."""
        known = Path(name.replace("\\", "/"))
        stem = "".join(one if one.isalnum() or one in "-_" else "_" for one in known.stem)[:60] or "image"
        path = self.folder / UPLOADS / f"{stem}-{sha256(data).hexdigest()[:12]}{_suffix(known)}"
        if not path.exists():
            write_bytes(path, data)
        return path

    def output(self, content: Path | None, styles: list[Path]) -> Path:
        """A name that is free for a result."""
        stems = [one.stem.rpartition("-")[0] for one in ([] if content is None else [content]) + styles[:1]]
        number = 1
        while True:
            path = self.folder / f"{'_'.join(stems) or 'image'}_{number:02d}.png"
            if not any(_beside(path, suffix).exists() for suffix in ("", ".job", ".snapshot")):
                return path
            number += 1

    def begin(self, job: Job) -> None:
        """Begin a job, or go on with it.

        Raises:
            StyleError: while another one runs.
        """
        with self._lock:
            if self.course.busy:
                raise StyleError("another transfer is running: stop it first, or wait for its end")
            write_text(_beside(Path(job.output), ".job"), json.dumps(job.as_json()))
            self.course.begin(Path(job.output).name, facts_of(job))
            self._thread = Thread(target=self._do, args=(job,))
            self._thread.start()

    def resume(self, name: str) -> None:
        """Go on with a job that was stopped.

        Raises:
            StyleError: if there is none of that name, or another one runs.
        """
        path = _beside(self.folder / name, ".job")
        if Path(name).name != name or not path.exists():
            raise StyleError(f"there is nothing to go on with of {name}")
        self.begin(Job.from_json(json.loads(path.read_text(encoding="utf-8"))))

    def results(self) -> list[dict[str, Any]]:
        """Images of the folder that have a manifest, and jobs that are not finished; the latest first."""
        jobs, manifests = (
            {path.name.removesuffix(suffix) for path in self.folder.glob(f"*{suffix}")}
            for suffix in (".job", ".json")
        )
        found = [self._result(name, name in jobs) for name in jobs | manifests]
        return sorted(
            (one for one in found if one["drawn"] or one["unfinished"]),
            key=lambda one: (-one["changed"], one["name"]),
        )

    def file(self, name: str) -> Path | None:
        """A result or manifest of that name."""
        known = {one[key] for one in self.results() if one["drawn"] for key in ("name", "manifest")}
        return self.folder / name if name in known else None

    def close(self) -> None:
        """Stop what is running, and wait for its last step."""
        self.course.stop()
        if self._thread is not None:
            self._thread.join()

    def _do(self, job: Job) -> None:
        """A job, in a thread of its own: whatever happens is told on the page."""
        kept = _beside(Path(job.output), ".job")
        last: State | None = None
        try:
            work = Work(job, **self._where, progress=self.course.prepare)
            self._restore(work)
            with closing(work.states()) as states:
                for last in states:
                    self.course.add(last)
                    if self.course.stopping:
                        break
        except Exception as error:
            if not _beside(Path(job.output), ".snapshot").exists():
                kept.unlink(missing_ok=True)
            self.course.end("failed", str(error) or type(error).__name__)
            return
        if last is not None and last.step < last.steps:
            self.course.end("stopped")
        else:
            kept.unlink(missing_ok=True)
            self.course.end("finished")

    def _restore(self, work: Work) -> None:
        if self._fresh:
            work.snapshot_path.unlink(missing_ok=True)
        try:
            work.resume()
        except StyleError as error:
            self.course.prepare(f"beginning anew, because {error}", 0, None)

    def _result(self, name: str, unfinished: bool) -> dict[str, Any]:
        image, manifest, job = (_beside(self.folder / name, suffix) for suffix in ("", ".json", ".job"))
        drawn = image.exists() and manifest.exists()
        shown = image if drawn else job
        return {
            "name": name,
            "drawn": drawn,
            "manifest": manifest.name if drawn else None,
            "unfinished": unfinished,
            "changed": shown.stat().st_mtime_ns if shown.exists() else 0,
        }


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _suffix(path: Path) -> str:
    """Of an upload: images are read by what is in them."""
    suffix = path.suffix.lower()
    return suffix if suffix.isascii() and suffix[1:].isalnum() and len(suffix) < 7 else ".image"
