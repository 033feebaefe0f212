"""The table of contents."""

from __future__ import annotations

from functools import partial

from gramstyle.corpus.procedural.indoors import room, still_life
from gramstyle.corpus.procedural.landscapes import hills, skyline, tree
from gramstyle.corpus.procedural.photographs import Box, photograph
from gramstyle.corpus.procedural.portrait import portrait
from gramstyle.corpus.procedural.records import Content


def _cut(label: str, box: Box, summary: str) -> Content:
    return Content(summary=summary, draw=partial(photograph, label, box), photograph=label)


CONTENTS: dict[str, Content] = {
    "hills": Content(summary="fields, ridges with trees, and a sun", draw=hills),
    "skyline": Content(summary="towers at night, mirrored in water", draw=skyline),
    "tree": Content(summary="one tree on a meadow", draw=tree),
    "still-life": Content(summary="bottle, cup, cone and balls on a table", draw=still_life),
    "portrait": Content(summary="head and shoulders", draw=portrait),
    "room": Content(summary="tiled floor and window in central perspective", draw=room),
    "astronaut": _cut("astronaut", (0.12, 0.0, 0.84, 0.72), "photograph: upper body of an astronaut"),
    "cat": _cut("cat", (0.12, 0.0, 0.95, 1.0), "photograph: face of a cat"),
    "coffee": _cut("coffee", (0.1, 0.0, 0.85, 1.0), "photograph: cup on a saucer"),
    "china": _cut("china", (0.0, 0.0, 0.66, 1.0), "photograph: pagoda above a lake"),
}
"""Name -> content: six that are drawn, then four cut from bundled photographs."""
