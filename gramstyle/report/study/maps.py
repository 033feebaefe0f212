"""Matrices as colours: mean distances between labels, and CKA between taps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gramstyle.report import theme
from gramstyle.report.canvas import canvas
from gramstyle.report.heatmap import heatmap
from gramstyle.report.names import displayed
from gramstyle.report.study.panels import panels
from gramstyle.report.study.plan import Plan
from gramstyle.report.study.view import STYLE, Group, View, described
from gramstyle.report.theme import Palette
from gramstyle.study.results import LabelMap, Similarity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 9
"""Maps in one figure; the record may hold more."""

NARROW = 6
"""Labels of a map up to which three stand beside each other, with numbers in their cells."""

TAPS_NAMED_UP_TO = 36
"""Taps on a side of a map of CKA up to which each is named; beyond, networks are."""

WIDEST = 6.0
"""Inches of a side of a map of CKA."""


def map_plans(view: View) -> list[Plan]:
    """One figure per factor, and one of its maps at other than the chosen taps."""
    known = [one for one in view.results.maps if _is_known(one)]
    factors = list(dict.fromkeys(one.factor for one in known))
    return [
        _map_plan(view, factor, group)
        for factor in factors
        for group in view.parted((one.condition, one) for one in known if one.factor == factor)
    ]


def _map_plan(view: View, factor: str, group: Group[LabelMap]) -> Plan:
    count = len(group.members)
    more = f" {count - SHOWN} more are in summary.json." if count > SHOWN else ""
    return Plan(
        stem=f"maps-{factor}{group.suffix}",
        section="maps",
        name=f"Mean distance between labels of {factor}{group.words}",
        caption=(
            f"Mean distance between the images of every two labels of {factor}, divided by the mean of the "
            "map. A dark diagonal means that images of one label lie closer together than images of two. "
            f"Each map has its own scale: read the range of its bar before its colours.{more}"
        ),
        alt=f"Heat maps of mean distances between labels of {factor}, one per network and tap.",
        folded=group.folded or factor != STYLE,
        draw=partial(map_figure, view, group.members[:SHOWN], f"Mean distances by {factor}{group.words}"),
    )


def _is_known(one: LabelMap) -> bool:
    return bool(np.isfinite(np.array(one.means, dtype=np.float64)).any())


def map_figure(view: View, maps: Sequence[LabelMap], title: str, palette: Palette) -> Figure:
    """One heat map per condition."""
    side = max(len(one.labels) for one in maps)
    columns = 2 if side > NARROW else 3
    made = panels(
        len(maps), title, palette, columns=columns, height=min(3.9, 1.7 + 0.2 * side), widest=4.2, extra=0.5
    )
    for ax, one in zip(made.axes, maps, strict=True):
        values = np.array(one.means, dtype=np.float64)
        names = [displayed(label, 18) for label in one.labels]
        label = f"{described(one.condition)}, mean = 1"
        heatmap(ax, values / _unit(values), names, names, "", label, palette)
        place = f"{displayed(view.label(one.condition.network))}\n{displayed(one.condition.tap)}"
        ax.set_title(place, loc="left", color=palette.ink, fontsize=theme.FONT_SIZE, fontweight="bold", pad=8)
        for text in ax.texts:
            text.set_fontsize(5.5 if side > NARROW else 6.5)
    return made.figure


def _unit(values: NDArray[np.float64]) -> float:
    """The mean of a map, or 1 where that is 0."""
    return float(values[np.isfinite(values)].mean()) or 1.0


def similarity_plans(view: View) -> list[Plan]:
    """One figure per kind of representation that was compared."""
    return [
        Plan(
            stem=f"cka-{place}"
            if sum(one.of == other.of for other in view.results.similarity) > 1
            else f"cka-{one.of}",
            section="similarity",
            name=f"CKA between taps, {one.of}",
            caption=(
                f"Linear CKA of {one.of} representations of the same images: 1 means that two taps "
                "arrange the "
                "images alike, up to rotation and scale, 0 that they have nothing in common. Lines part the "
                "networks; taps run from shallow to deep."
            ),
            alt=f"Heat map of linear CKA between {len(one.taps)} taps of all networks.",
            folded=place > 1,
            draw=partial(similarity_figure, view, one),
        )
        for place, one in enumerate(view.results.similarity, start=1)
        if one.taps
    ]


def similarity_figure(view: View, one: Similarity, palette: Palette) -> Figure:
    """All taps against all taps, on one scale from 0 to 1."""
    named = len(one.taps) <= TAPS_NAMED_UP_TO
    side = min(0.15 * len(one.taps) + 1.8, WIDEST)
    figure = canvas(side + 2.4, side + 1.2, palette)
    ax = figure.subplots()
    image = ax.imshow(
        np.array(one.values), cmap=theme.COLOUR_MAP, vmin=0.0, vmax=1.0, interpolation="nearest"
    )
    ax.set_facecolor(palette.blank)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, labelsize=theme.SMALL)
    _groups(ax, view, one, palette, named)
    ax.set_title(
        f"CKA between taps, {one.of}",
        loc="left",
        color=palette.ink,
        fontsize=theme.TITLE + 1,
        fontweight="bold",
        pad=10,
    )
    bar = figure.colorbar(image, ax=ax, shrink=0.7, pad=0.03, aspect=28)
    bar.set_label("linear CKA", color=palette.muted, fontsize=theme.SMALL + 0.5)
    bar.ax.tick_params(colors=palette.muted, labelsize=theme.SMALL)
    bar.outline.set_visible(False)
    return figure


def _groups(ax: Axes, view: View, one: Similarity, palette: Palette, named: bool) -> None:
    """Networks along both sides with lines between them, taps where there is room."""
    start, middles, labels = 0, [], []
    for network, members in groupby(network for network, _ in one.taps):
        length = len(list(members))
        middles.append(start + (length - 1) / 2)
        labels.append(view.label(network))
        if start:
            ax.axhline(start - 0.5, color=palette.surface, linewidth=1.6)
            ax.axvline(start - 0.5, color=palette.surface, linewidth=1.6)
        start += length
    ax.set_xticks(middles, labels, color=palette.ink, rotation=50, ha="right", rotation_mode="anchor")
    if not named:
        ax.set_yticks(middles, labels, color=palette.ink)
        return
    names = [f"{view.label(network)}  {displayed(tap, 18)}" for network, tap in one.taps]
    ax.set_yticks(range(len(names)), names, color=palette.ink, fontsize=theme.SMALL - 0.5)
