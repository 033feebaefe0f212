"""A figure before it is drawn: what it is called, what it shows, and how to draw it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gramstyle.report.drawings import Drawing
from gramstyle.report.render import rendered
from gramstyle.report.theme import DARK, LIGHT, Palette, themed

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One figure of a report.

    Attributes:
        stem: of its files.
        section: of the page that shows it.
        name: in a few words.
        caption: below it.
        alt: what it shows, for those who do not see it.
        folded: whether the page shows it on request only.
        draw: makes it, in the colours of a palette; called by `figure` alone.
    """

    stem: str
    section: str
    name: str
    caption: str
    alt: str
    folded: bool = False
    draw: Callable[[Palette], Figure]

    def figure(self, palette: Palette) -> Figure:
        """The figure, whatever the user's own settings of matplotlib."""
        with themed():
            return self.draw(palette)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One figure of a report with its bytes.

    Attributes:
        plan: what it is.
        images: as PNG, for light and for dark surroundings.
        svg: the light one as SVG.
        inches: of its width.
    """

    plan: Plan
    images: Drawing
    svg: bytes
    inches: float


def drawn(plans: Sequence[Plan]) -> list[Drawn]:
    """Every figure, in order."""
    return [_drawn(plan) for plan in plans]


def _drawn(plan: Plan) -> Drawn:
    light, dark = plan.figure(LIGHT), plan.figure(DARK)
    png = rendered(light, ".png", plan.alt)
    for one in (light, dark):  # places of panels are known by now, and finding them takes longest
        one.set_layout_engine("none")
    place_alike(dark, light)
    return Drawn(
        plan=plan,
        images=Drawing(light=png, dark=rendered(dark, ".png", plan.alt)),
        svg=rendered(light, ".svg", plan.alt),
        inches=float(light.get_figwidth()),
    )


def place_alike(figure: Figure, other: Figure) -> None:
    """Put the panels and the title of a figure where those of another of the same panels are."""
    for mine, theirs in zip(figure.axes, other.axes, strict=True):
        mine.set_position(theirs.get_position())
    for title, placed in zip(figure.texts, other.texts, strict=True):
        title.set_position(placed.get_position())
