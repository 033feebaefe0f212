"""gramstyle rerun: an image or film again, from its manifest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gramstyle.cli import options, work
from gramstyle.cli.console import check_writable, say
from gramstyle.cli.execution import Ways
from gramstyle.cli.running import Running
from gramstyle.cli.video import do_video
from gramstyle.errors import StyleError
from gramstyle.images import MAX_PIXELS
from gramstyle.transfer.execution import Asked
from gramstyle.transfer.job import Job
from gramstyle.transfer.manifest import changed_files, read_manifest
from gramstyle.transfer.video import VideoJob


def rerun(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="The .json beside an image or film.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. Default: the manifest's own.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Default: the manifest's own.")] = None,
    tile: Annotated[
        str | None, typer.Option(metavar="SIZE", help="As in `transfer`. Default: the manifest's own.")
    ] = None,
    memory_limit: Annotated[
        str | None, typer.Option(metavar="SIZE", help="As in `transfer`. Default: the manifest's own.")
    ] = None,
    weights_dir: options.WeightsDir = None,
    max_pixels: options.MaxPixels = MAX_PIXELS,
    quiet: options.Quiet = False,
) -> None:
    """Make an image or film again from its manifest: the same files, settings, seed and weights.

    It is run in the same way too, whole or in tiles, unless --tile or --memory-limit say another.
    """
    say.quiet = quiet
    with options.usage():
        plain = read_manifest(manifest)
        job: Job | VideoJob = (VideoJob if "video" in plain["job"] else Job).from_json(plain["job"])
        if output is not None:
            job = replace(job, output=str(output))
        if isinstance(job, Job):
            check_writable(Path(job.output), "--output")
        others = changed_files(plain)
        if others:
            raise StyleError(f"files are not what they were when {manifest} was written: {', '.join(others)}")
        where = Running(
            device=device or plain["device"],
            dtype=plain["dtype"],
            kernel=plain["kernel"],
            weights_dir=weights_dir,
            max_pixels=max_pixels,
        ).of_work()
        where["asked"] = Asked(**plain.get("execution", {}).get("asked", {}))
        if tile is not None or memory_limit is not None:
            deterministic = where["asked"].deterministic
            where["asked"] = Ways(tile=tile, memory_limit=memory_limit, deterministic=deterministic).asked()
    made = do_video(job, where) if isinstance(job, VideoJob) else work.do(job, where).transfer
    if made.digest != plain["digest"]:
        say.note("settings and files are the same; weights or precision are not, so the image may differ")
