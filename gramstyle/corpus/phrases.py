"""Lists in the notes and messages of a corpus."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 5
"""Names that a list spells out; the others are counted."""


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def counted(count: int, singular: str, plural: str = "") -> str:
    """A number and its noun, e.g. "1 image", "2 images"."""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"
