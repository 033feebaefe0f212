"""gramstyle film: films of numbered images."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from gramstyle.cli import options
from gramstyle.cli.console import bars, check_writable, say
from gramstyle.errors import StyleError
from gramstyle.film import Frame, check_film, open_film, write_film
from gramstyle.film.encode import ENCODINGS
from gramstyle.film.write import is_folder
from gramstyle.images import MAX_PIXELS

Output = Annotated[
    Path,
    typer.Option("--output", "-o", help=f"File to write: {', '.join(ENCODINGS)}; or a folder, for frames."),
]
Rate = Annotated[
    str | None,
    typer.Option(
        "--fps",
        metavar="RATE",
        help="Frames per second, such as 25 or 24000/1001. A folder has 25 by itself; of a film some frames "
        "are left out.",
    ),
]


def film(
    content: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Numbered images, as `--frames` writes; or any film.")
    ],
    output: Output,
    rate: Rate = None,
    max_pixels: options.MaxPixels = MAX_PIXELS,
    quiet: options.Quiet = False,
) -> None:
    """Make a film of numbered images, such as those of `gramstyle transfer --frames`.

    Images of other sizes, as coarse scales have them, are brought to the size of the last.

    `gramstyle film frames/ -o film.mp4 --fps 25`, `gramstyle film clip.mp4 -o clip.gif --fps 10`
    """
    say.quiet = quiet
    with options.usage():
        check_film(output)
        check_place(output)
        source = open_film(content, rate=rate_of(rate), fit=True, max_pixels=max_pixels)
    with bars() as progress:

        def counted() -> Iterator[Frame]:
            for done, frame in enumerate(source.frames(), start=1):
                yield frame
                progress("frames", done, source.count)

        notes = write_film(
            output, counted(), source.rate, sound=source.path if source.sound else None, hold=source.hold
        )
    for note in notes:
        say.note(note)
    say.note(f"wrote {output}")


def check_place(output: Path) -> None:
    """Refuse an output that cannot be written before any work is done.

    Raises:
        StyleError: if its folder cannot be made or written, or it is a file where a folder is wanted.
    """
    if is_folder(output):
        if output.exists() and not output.is_dir():
            raise StyleError(f"--output must end in {', '.join(ENCODINGS)} or be a folder, got {output}")
        check_writable(output / "frame", "--output")
    else:
        check_writable(output, "--output")


def rate_of(text: str | None) -> Fraction | None:
    """What ``--fps`` asks for.

    Raises:
        StyleError: if it is no number of frames per second.
    """
    if text is None:
        return None
    try:
        found = Fraction(text)
    except (ValueError, ZeroDivisionError):
        found = Fraction(0)
    if found <= 0:
        raise StyleError(f"--fps must be frames per second, such as 25 or 24000/1001, got {text!r}")
    return found
