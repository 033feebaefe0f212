"""gramstyle describe: descriptors of images in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gramstyle.cli import options
from gramstyle.cli.console import bars, check_writable, say
from gramstyle.cli.description import Describing, Preparation, Statistic
from gramstyle.cli.images import say_notes
from gramstyle.cli.spread import spread
from gramstyle.describe import Describer
from gramstyle.descriptors import Descriptors
from gramstyle.errors import StyleError
from gramstyle.images import Skipped, find_images, open_images
from gramstyle.store import DescriptorWriter

EXAMPLES = """
**Examples**

`gramstyle describe paintings/ -o paintings.safetensors`

`gramstyle distance paintings.safetensors --format csv` — later, without images or network

`gramstyle describe photos/ -o photos.safetensors --gram gaussian --metric wasserstein`

`gramstyle describe poster.tif -o poster.safetensors --size none --tile 1024` — at full size, in little memory
"""


@spread
def describe(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Images and folders (read recursively).")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, .safetensors.")],
    statistic: Statistic = Statistic(),
    preparation: Preparation = Preparation(),
    describing: Describing = Describing(),
) -> None:
    """Write style descriptors of images to a safetensors file, with the settings that made them.

    A run that is stopped, even by `kill -9`, goes on where it was when the same command is
    given again.
    """
    say.quiet = describing.quiet
    with options.usage():
        if len(statistic.backbone or ()) > 1:
            raise StyleError("describe writes the descriptors of one backbone: give --backbone once")
        (recipe,) = preparation.recipes(statistic, describing.seed)
        run = describing.run()
        if output.suffix != ".safetensors":
            raise StyleError(f"--output must end in .safetensors, got {output}")
        check_writable(output, "--output")
    on_error = describing.on_error
    skipped: list[Skipped] | None = [] if on_error is options.OnError.skip else None
    with bars() as progress:
        paths = find_images(images)
        describer = Describer(recipe, **run.as_arguments(), progress=progress)
        writer = DescriptorWriter(output, describer)
        earlier = _of(writer.finished(), {str(path) for path in paths})
        known = {name for part in earlier for name in part.names}
        rest = [path for path in paths if str(path) not in known]
        pictures = open_images(
            rest,
            on_error=on_error.value,
            skipped=skipped,
            background=recipe.background,
            max_pixels=describing.max_pixels,
        )
        for state in writer.write(pictures, earlier, skipped):
            progress(f"describing with {describer.recipe.backbone}", state.done, len(paths))
        descriptors = writer.finish([str(path) for path in paths])
    if known:
        say.note(f"{len(known)} of {len(paths)} images were described by an earlier run")
    say.skipped(skipped or (), len(paths))
    say_notes(descriptors.images)
    say.note(f"wrote {len(descriptors)} descriptors to {output}")


describe.__doc__ = (describe.__doc__ or "") + EXAMPLES


def _of(parts: list[Descriptors], names: set[str]) -> list[Descriptors]:
    """The images of `parts` that are among `names`."""
    kept = [part.subset([row for row, name in enumerate(part.names) if name in names]) for part in parts]
    return [part for part in kept if len(part)]
