"""Images named on the command line, read and described."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from gramstyle.cli.console import Bars, say
from gramstyle.cli.description import Describing
from gramstyle.cli.run import Run
from gramstyle.describe import Describer
from gramstyle.descriptors import Descriptors, Image
from gramstyle.errors import ImageError, StyleError
from gramstyle.images import Picture, Skipped, find_images, open_images, read_image
from gramstyle.recipe import Recipe

OnError = Literal["fail", "skip"]


def described(
    images: Sequence[Path],
    recipe: Recipe,
    run: Run,
    describing: Describing,
    progress: Bars,
) -> Descriptors:
    """Descriptors of every image, with what was skipped and noticed said on stderr."""
    paths = find_images(images)
    describer = Describer(recipe, **run.as_arguments(), progress=progress)
    on_error: OnError = describing.on_error.value
    skipped: list[Skipped] | None = [] if on_error == "skip" else None
    found = []
    pictures = open_images(
        paths,
        on_error=on_error,
        skipped=skipped,
        background=recipe.background,
        max_pixels=describing.max_pixels,
    )
    for one in describer.each(pictures, skipped):
        found.append(one)
        progress(f"describing with {describer.recipe.backbone}", len(found), len(paths))
    found.sort(key=lambda one: one.index)
    say.skipped(skipped or (), len(paths))
    if not found:
        raise StyleError(f"none of {len(paths)} images could be described")
    descriptors = describer.gather(found)
    say_notes(descriptors.images)
    return descriptors


def say_notes(images: Iterable[Image]) -> None:
    """What was noticed while images were read."""
    told: dict[str, list[str]] = {}
    for image in images:
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
