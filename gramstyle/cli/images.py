"""Images named on the command line, read and described."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from gramstyle.cli.console import Bars, say
from gramstyle.cli.run import Run
from gramstyle.describe import Describer
from gramstyle.descriptors import Descriptors
from gramstyle.errors import ImageError, StyleError
from gramstyle.images import MAX_PIXELS, Picture, Skipped, find_images, open_images, read_image
from gramstyle.recipe import Recipe

OnError = Literal["fail", "skip"]


def described(
    images: Sequence[Path],
    recipe: Recipe,
    run: Run,
    on_error: OnError,
    progress: Bars,
    max_pixels: int = MAX_PIXELS,
) -> Descriptors:
    """Descriptors of every image, with what was skipped and noticed said on stderr."""
    paths = find_images(images)
    describer = Describer(recipe, **run.as_arguments(), progress=progress)
    skipped: list[Skipped] | None = [] if on_error == "skip" else None
    found = []
    pictures = open_images(
        paths, on_error=on_error, skipped=skipped, background=recipe.background, max_pixels=max_pixels
    )
    for one in describer.each(pictures, skipped):
        found.append(one)
        progress(f"describing with {describer.recipe.backbone}", len(found), len(paths))
    found.sort(key=lambda one: one.index)
    say.skipped(skipped or (), len(paths))
    if not found:
        raise StyleError(f"none of {len(paths)} images could be described")
    descriptors = describer.gather(found)
    say_notes(descriptors)
    return descriptors


def say_notes(descriptors: Descriptors) -> None:
    """What was noticed while images were read."""
    told: dict[str, list[str]] = {}
    for image in descriptors.images:
        for note in image.notes:
            told.setdefault(note, []).append(image.name)
    for note, names in told.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        say.note(f"{names[0]}{more}: {note}")


def read_all(
    paths: dict[str, Path], on_error: OnError, progress: Bars
) -> tuple[list[Picture], list[Skipped]]:
    """Pictures under their labels, and what was skipped."""
    pictures, skipped = [], []
    for done, (label, path) in enumerate(paths.items(), start=1):
        try:
            pictures.append(read_image(path, name=label))
        except ImageError as error:
            if on_error == "fail":
                raise
            skipped.append(Skipped(name=str(path), reason=str(error)))
        progress("reading images", done, len(paths))
    return pictures, skipped
