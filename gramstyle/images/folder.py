"""Images named by files and folders."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from gramstyle import check
from gramstyle.errors import ImageError, StyleError
from gramstyle.images.decode import readable_extensions
from gramstyle.images.io import WHITE, ImageSource, read_image
from gramstyle.images.picture import Picture
from gramstyle.images.raster import Raster, open_image
from gramstyle.images.samples import MAX_PIXELS

T = TypeVar("T")
PathLike: TypeAlias = str | os.PathLike[str]
OnError: TypeAlias = Literal["fail", "skip"]


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """An image that was left out.

    Attributes:
        name: its path as given, or its kind.
        reason: the message of the `ImageError`.
    """

    name: str
    reason: str


def find_images(paths: PathLike | Iterable[PathLike]) -> list[Path]:
    """List the images that files and folders name.

    A file is taken whatever its name. A folder is searched to any depth for files with an
    extension that can be read, in natural order ("2.png" before "10.png") whatever the file
    system's; hidden files and folders are passed over, links to folders followed. A file reached
    twice, by name or through links, is kept where it was met first. Patterns are not expanded.

    Args:
        paths: one path or several, in the order in which their images are wanted.

    Raises:
        ImageError: if a path is missing, or a folder cannot be listed or holds no image; the
            message names it.
        ValueError: if there are no paths.
    """
    listed = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if not listed:
        raise ValueError("paths must name at least one file or folder, got none")
    extensions = readable_extensions()
    found: dict[str, Path] = {}
    for path in map(Path, listed):
        for image in _images_of(path, extensions):
            found.setdefault(os.path.realpath(image), image)
    return list(found.values())


def read_images(
    sources: Iterable[ImageSource],
    *,
    on_error: OnError = "fail",
    skipped: list[Skipped] | None = None,
    background: Sequence[float] = WHITE,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Picture]:
    """Read images one after another, as `read_image` does.

    Args:
        sources: anything that `read_image` takes; folders go through `find_images` first.
        on_error: what an image that cannot be read does: end the reading, or be left out.
        skipped: list that images left out are appended to; required with "skip".
        background: sRGB colour in [0, 1] under transparent pixels.
        max_pixels: a file or Pillow image that claims more is refused.

    Returns:
        An iterator that reads each image when it is asked for.

    Raises:
        ImageError: while iterating, with "fail".
        UnknownNameError: if `on_error` is neither.
        StyleError: if images are to be skipped and there is no list to say so.
        TypeError, ValueError: while iterating, as `read_image`; a wrong argument is never skipped.
    """
    _check_reading(sources, on_error, skipped)
    return _read(
        sources, skipped if on_error == "skip" else None, _reader(read_image, background, max_pixels)
    )


def open_images(
    sources: Iterable[ImageSource],
    *,
    on_error: OnError = "fail",
    skipped: list[Skipped] | None = None,
    background: Sequence[float] = WHITE,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Raster]:
    """As `read_images`, but each image is left as `open_image` leaves it, to be read in parts."""
    _check_reading(sources, on_error, skipped)
    opener = _reader(open_image, background, max_pixels)
    return _read(sources, skipped if on_error == "skip" else None, opener)


def walk_images(folder: PathLike) -> Iterator[Path]:
    """The images of a folder as `find_images` lists them, but a file as often as links name it.

    Nothing comes from a folder without images.

    Raises:
        ImageError: while iterating, if a folder cannot be listed.
    """
    return _walk(Path(folder), readable_extensions(), set())


def natural_key(path: Path) -> tuple[tuple[tuple[str | int, ...], str], ...]:
    """Key that sorts paths as people do: numbers by value, case aside, folder by folder."""
    return tuple((_numbers(part), part) for part in path.parts)


def _numbers(text: str) -> tuple[str | int, ...]:
    """Text and numbers in turn, beginning with text, so that like meets like in a comparison."""
    pieces = re.split(r"([0-9]+)", unicodedata.normalize("NFC", text).casefold())
    return tuple(int(piece) if index % 2 else piece for index, piece in enumerate(pieces))


def _check_reading(sources: Iterable[ImageSource], on_error: OnError, skipped: list[Skipped] | None) -> None:
    check.name_in("on_error", on_error, ("fail", "skip"))
    if on_error == "skip" and skipped is None:
        raise StyleError("on_error='skip' needs skipped=[], a list that receives what was left out, got None")
    if isinstance(sources, (str, os.PathLike)):
        raise TypeError(f"sources must be several images, got one path: use [{os.fspath(sources)!r}]")


def _reader(
    door: Callable[..., T], background: Sequence[float], max_pixels: int
) -> Callable[[ImageSource], T]:
    return lambda source: door(source, background=background, max_pixels=max_pixels)


def _read(
    sources: Iterable[ImageSource], skipped: list[Skipped] | None, reader: Callable[[ImageSource], T]
) -> Iterator[T]:
    for source in sources:
        try:
            found = reader(source)
        except ImageError as error:
            if skipped is None:
                raise
            skipped.append(Skipped(name=_name(source), reason=str(error)))
        else:
            yield found


def _name(source: ImageSource) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return str(getattr(source, "filename", "")) or "image"


def _images_of(path: Path, extensions: frozenset[str]) -> list[Path]:
    """The file itself, or the images of the folder."""
    try:
        is_folder = path.is_dir()
        exists = is_folder or path.exists() or path.is_symlink()
    except (OSError, ValueError) as error:
        raise ImageError(f"cannot look at {str(path)!r}: {error}") from error
    if not exists:
        pattern = " (patterns are left to the shell to expand)" if re.search(r"[*?\[]", str(path)) else ""
        raise ImageError(f"no such file or folder: {str(path)!r}{pattern}")
    if not is_folder:
        return [path]
    images = list(_walk(path, extensions, set()))
    if not images:
        raise ImageError(f"the folder {str(path)!r} holds no images (hidden ones are passed over)")
    return images


def _walk(folder: Path, extensions: frozenset[str], seen: set[str]) -> Iterator[Path]:
    """Images below `folder`; each real folder is entered once, which ends every loop of links."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: natural_key(Path(entry.name)))
    except OSError as error:
        raise ImageError(f"cannot list the folder {str(folder)!r}: {error.strerror or error}") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(entry, extensions, seen)
        elif entry.suffix.lower() in extensions and (entry.is_file() or entry.is_symlink()):
            yield entry  # a broken link is listed, so that reading it says what is wrong
