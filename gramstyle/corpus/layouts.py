"""Corpora whose labels are the names of folders."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gramstyle import check
from gramstyle.corpus.manifest import SUFFIXES, read_manifest
from gramstyle.corpus.origins import FileOrigin
from gramstyle.corpus.phrases import counted, listed
from gramstyle.corpus.records import Corpus, Item
from gramstyle.errors import ImageError, StyleError
from gramstyle.images import readable_extensions, walk_images

Parts = tuple[str, ...]

COMMON = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".jp2")
"""Suffixes that a message spells out before it counts the others."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A way in which folders name labels.

    Attributes:
        name: what users call it.
        pattern: path of an image.
        labels: factor -> place of its folder in the path.
        depth: folders that an image must lie in; None is any number from `least`.
        least: fewest folders that an image must lie in.
    """

    name: str
    pattern: str
    labels: dict[str, int]
    depth: int | None = None
    least: int = 0

    def fits(self, parts: Parts) -> bool:
        """Whether an image at this path has its labels."""
        folders = len(parts) - 1
        return folders >= self.least and self.depth in (None, folders)


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(name="styles", pattern="STYLE/.../IMAGE", labels={"style": 0}, least=1),
        Layout(name="factorial", pattern="STYLE/CONTENT/IMAGE", labels={"style": 0, "content": 1}, depth=2),
        Layout(name="unlabelled", pattern="IMAGE or .../IMAGE", labels={}),
    )
}
"""Name -> layout."""


def read_corpus(path: str | os.PathLike[str], *, layout: str = "auto", name: str | None = None) -> Corpus:
    """A corpus from a folder of images, or from a manifest as `read_manifest` reads it.

    Which files are images, and their order, is what `find_images` says. Layouts of a folder:

    * ``styles``: STYLE/.../IMAGE, one style per first-level folder, images at any depth below it.
    * ``factorial``: STYLE/CONTENT/IMAGE, exactly two levels.
    * ``unlabelled``: every image below the folder, without labels.
    * ``auto``: unlabelled if all images lie directly in the folder; factorial if every image lies two
      levels down and each name of a second-level folder occurs under two styles or more; else styles.

    Args:
        path: folder; or a file ending in .csv, .tsv or .parquet.
        layout: one of the above; a manifest takes `auto` only.
        name: of the corpus; None is the name of the folder or of the manifest.

    Returns:
        Images named by their paths relative to the folder, with / between folders. Labels are names of
        folders in Unicode's composed form (NFC), so that one name typed on two systems is one label.
        Notes say which layout was taken, and what was passed over.

    Raises:
        TypeError: if `path` is no path.
        UnknownNameError: if there is no such layout.
        ImageError: if there is no such folder, it cannot be listed, or it holds no images.
        StyleError: if the images do not lie as the layout says, or one file lies, through links, under
            two labels; or a file is no manifest.
    """
    check.name_in("layout", layout, ("auto", *LAYOUTS))
    check.one_of_type("path", path, str, os.PathLike)
    root = Path(path)
    if root.is_file():
        corpus = _from_manifest(root, layout)
        return corpus if name is None else replace(corpus, name=name)
    if not root.exists():
        raise ImageError(f"no such file or folder: {str(root)!r}")
    images = [image.relative_to(root) for image in walk_images(root)]
    if not images:
        raise ImageError(_nothing(root))
    chosen = LAYOUTS[_decided(root, [image.parts for image in images]) if layout == "auto" else layout]
    _check_fit(root, chosen, images)
    items, linked = _items(root, chosen, images)
    notes = (_taken(chosen, items), *linked, *_passed_over(root, chosen, images))
    return Corpus(name=name or root.resolve().name or str(root), items=tuple(items), notes=notes)


def _from_manifest(path: Path, layout: str) -> Corpus:
    if path.suffix.lower() not in SUFFIXES:
        raise StyleError(
            f"path must be a folder of images or a manifest ({', '.join(SUFFIXES)}), "
            f"got the file {str(path)!r}"
        )
    if layout != "auto":
        raise StyleError(
            f"layout {layout!r} says how folders name labels, and the manifest {str(path)!r} names them "
            "itself: leave layout at 'auto'"
        )
    return read_manifest(path)


def _decided(root: Path, places: Sequence[Parts]) -> str:
    """The layout that `auto` takes."""
    direct = [parts for parts in places if len(parts) == 1]
    nested = [parts for parts in places if len(parts) > 1]
    if direct and nested:
        raise StyleError(
            f"images lie both directly in {str(root)!r} ({_examples(direct)}) and in its folders "
            f"({_examples(nested)}): move each into the folder of its style, or pass layout='unlabelled' to "
            "take all of them without labels"
        )
    if direct:
        return "unlabelled"
    styles_of: dict[str, set[str]] = {}
    for parts in nested:
        styles_of.setdefault(_label(parts[1]), set()).add(_label(parts[0]))
    crossed = all(len(styles) > 1 for styles in styles_of.values())
    return "factorial" if crossed and all(len(parts) == 3 for parts in nested) else "styles"


def _check_fit(root: Path, layout: Layout, images: Sequence[Path]) -> None:
    wrong = [image.parts for image in images if not layout.fits(image.parts)]
    if wrong:
        raise StyleError(
            f"layout {layout.name!r} needs images at {layout.pattern} below {str(root)!r}; "
            f"{len(wrong)} of {len(images)} lie elsewhere: {_examples(wrong)}"
        )


def _items(root: Path, layout: Layout, images: Sequence[Path]) -> tuple[list[Item], list[str]]:
    """An item per file, and the note on files met again through links."""
    items: list[Item] = []
    first: dict[str, Item] = {}
    again: list[str] = []
    for image in images:
        labels = {factor: _label(image.parts[place]) for factor, place in layout.labels.items()}
        item = Item(name=image.as_posix(), origin=FileOrigin(root / image), **labels)
        met = first.setdefault(os.path.realpath(root / image), item)
        if met is item:
            items.append(item)
        elif (met.style, met.content) != (item.style, item.content):
            raise StyleError(
                f"{met.name!r} and {item.name!r} in {str(root)!r} are one file, through links, under two "
                "labels: keep one of them"
            )
        else:
            again.append(f"{item.name!r} is {met.name!r}")
    linked = f"passed over {counted(len(again), 'link')} to images that are there: {listed(again)}"
    return items, [linked] if again else []


def _taken(layout: Layout, items: Sequence[Item]) -> str:
    """The note on what was decided."""
    counts = Counter(item.style for item in items)
    styles = listed([f"{style} ({count})" for style, count in counts.items()])
    if layout.name == "styles":
        return f"took first-level folders as styles: {styles}"
    if layout.name == "factorial":
        contents = list(dict.fromkeys(str(item.content) for item in items))
        return f"took folders as STYLE/CONTENT: styles {styles}; contents {listed(contents)}"
    return f"took {counted(len(items), 'image')} without labels"


def _passed_over(root: Path, layout: Layout, images: Sequence[Path]) -> list[str]:
    """Notes on folders without images and on files that are no images."""
    used = {image.parts[:depth] for image in images for depth in (1, 2)}
    levels = layout.depth or 1
    empty: list[str] = []
    others: list[Path] = []
    extensions = readable_extensions()
    for folder, below, files in os.walk(root):
        here = Path(folder).relative_to(root)
        below[:] = sorted(one for one in below if not one.startswith("."))
        if len(here.parts) < levels:
            empty += [(here / one).as_posix() for one in below if (*here.parts, one) not in used]
        others += [
            here / one
            for one in sorted(files)
            if not one.startswith(".") and Path(one).suffix.lower() not in extensions
        ]
    notes = []
    if empty:
        quoted = listed([repr(one) for one in empty])
        notes.append(f"passed over {counted(len(empty), 'folder')} without images: {quoted}")
    if others:
        suffixes = Counter(one.suffix.lower() or "no suffix" for one in others)
        kinds = listed([f"{suffix} ({count})" for suffix, count in suffixes.most_common()])
        notes.append(f"passed over files whose names do not end like those of images: {kinds}")
    manifests = [one.as_posix() for one in others if one.suffix.lower() in SUFFIXES]
    if manifests:
        notes.append(
            f"did not read {listed(manifests)}: name a manifest instead of the folder to use its labels"
        )
    return notes


def _nothing(root: Path) -> str:
    extensions = readable_extensions()
    common = [one for one in COMMON if one in extensions]
    return (
        f"the folder {str(root)!r} holds no images: looked at any depth, but for hidden ones, for names "
        f"that end in {', '.join(common)} or {len(extensions) - len(common)} other suffixes that can be read"
    )


def _label(folder: str) -> str:
    return unicodedata.normalize("NFC", folder)


def _examples(places: Sequence[Parts]) -> str:
    return listed([repr("/".join(parts)) for parts in places])
