"""Draw one image of each style of the procedural corpus, as docs/corpora.md shows them.

python analysis/draw_styles.py docs/images/procedural-sheet.png
"""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import cycle

from gramstyle.corpus import CONTENTS, PALETTES, STYLES, Corpus, Item, procedural_corpus
from gramstyle.files import write_bytes
from gramstyle.report import contact_sheet, rendered
from gramstyle.report.drawings import smaller


def chosen() -> tuple[Item, ...]:
    """An image of each style, contents and palettes in turn, named by its style."""
    items = {item.name: item for item in procedural_corpus(replicates=1).items}
    names = zip(STYLES, cycle(CONTENTS), cycle(PALETTES), strict=False)
    found = [items[f"{style}/{content}/{palette}/0"] for style, content, palette in names]
    return tuple(replace(item, name=item.style or "", style=None) for item in found)


if __name__ == "__main__":
    sheet = contact_sheet(Corpus(name="styles", items=chosen()), cell=144)
    write_bytes(sys.argv[1], smaller(rendered(sheet)))
