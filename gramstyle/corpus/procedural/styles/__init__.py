"""Ways to render, some of them near each other."""

from __future__ import annotations

from gramstyle.corpus.procedural.records import Style
from gramstyle.corpus.procedural.styles import cells, dots, grain, lines, paint, woven

STYLES: dict[str, Style] = {
    "pink-noise": Style(summary="noise whose power falls as 1 / f", render=grain.pink_noise),
    "band-noise": Style(summary="noise of one octave", render=grain.band_noise),
    "flow-lines": Style(summary="noise drawn out along the forms", render=grain.flow_lines),
    "hatching-steep": Style(summary="close hatching at 62 degrees", render=lines.hatching_steep),
    "hatching-flat": Style(summary="wider hatching at 28 degrees", render=lines.hatching_flat),
    "cross-hatching": Style(summary="thin lines in up to four directions", render=lines.cross_hatching),
    "engraving": Style(summary="level lines that swell in the dark", render=lines.engraving),
    "woodcut": Style(summary="black and paper, with cuts along the forms", render=lines.woodcut),
    "halftone": Style(summary="a printer's screen at 45 degrees", render=dots.halftone),
    "stippling-fine": Style(summary="dots of a fine pen", render=dots.stippling_fine),
    "stippling-coarse": Style(summary="dots of a broad pen", render=dots.stippling_coarse),
    "short-dabs": Style(summary="short dabs of thick paint", render=paint.short_dabs),
    "long-strokes": Style(summary="long strokes of a bristle brush", render=paint.long_strokes),
    "watercolour": Style(summary="transparent washes with dark rims", render=paint.watercolour),
    "mosaic": Style(summary="square stones in mortar", render=cells.mosaic),
    "stained-glass": Style(summary="Voronoi cells in lead", render=cells.stained_glass),
    "low-poly": Style(summary="flat triangles", render=cells.low_poly),
    "weave": Style(summary="a twill of round threads", render=woven.weave),
}
"""Name -> style.

Near each other by intent, so that telling them apart is no trivial task: the two noises, the two
hatchings and cross-hatching, the two stipplings, dabs and strokes, flow lines and woodcut.
"""
