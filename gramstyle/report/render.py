"""Figures as bytes and as files."""

from __future__ import annotations

import io
import warnings
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gramstyle import check
from gramstyle.files import write_bytes
from gramstyle.report.theme import themed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNDATED: dict[str, dict[str, Any]] = {
    ".png": {},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
"""Suffix -> metadata that keep the date out, so that equal figures make equal files."""

DESCRIPTION = {".png": "Description", ".svg": "Description", ".pdf": "Subject"}
"""Suffix -> the field of the metadata that a description goes into."""


def check_figure(path: str | PathLike[str]) -> None:
    """Raise `UnknownNameError` unless a figure can be written as the suffix of `path` says."""
    _kind(Path(path).suffix)


def _kind(suffix: str) -> str:
    return check.name_in("suffix of a figure's file", suffix.lower(), UNDATED)


def rendered(figure: Figure, suffix: str = ".png", description: str = "") -> bytes:
    """The bytes of a figure as PNG, SVG or PDF, with a description in its metadata.

    Raises:
        UnknownNameError: for another suffix; the message lists those that exist.
    """
    kind = _kind(suffix)
    metadata = {**UNDATED[kind], **({DESCRIPTION[kind]: description} if description else {})}
    buffer = io.BytesIO()
    with themed(), warnings.catch_warnings():
        # a script that no font at hand knows is drawn as boxes; the figure is good otherwise
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format=kind[1:], metadata=metadata, facecolor=figure.get_facecolor())
    return buffer.getvalue()


def save(figure: Figure, path: str | PathLike[str], description: str = "") -> Path:
    """Write a figure as PNG, SVG or PDF, by the suffix of `path`; whole or not at all.

    Raises:
        UnknownNameError: for another suffix; the message lists those that exist.
        OSError: if the file cannot be written.
    """
    target = Path(path)
    write_bytes(target, rendered(figure, target.suffix, description))
    return target
