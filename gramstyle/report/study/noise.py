"""The noise floor: predicted and measured, beside the contrast it leaves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from gramstyle.report.bars import QUESTIONED
from gramstyle.report.study.panels import dress, legend, line_at, log_scale, panels, percent_scale
from gramstyle.report.study.plan import Plan
from gramstyle.report.study.points import hollow, looks_of, network_handles, scatter
from gramstyle.report.study.view import View, arms
from gramstyle.report.theme import Palette
from gramstyle.study.results import NoisePoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Value = Callable[[NoisePoint], float]


def noise_plans(view: View) -> list[Plan]:
    """Contrast against PR/N_eff, and both predictions against what was measured."""
    if not view.results.noise:
        return []
    return [
        Plan(
            stem="noise-floor",
            section="noise",
            name="Contrast against PR / N_eff",
            caption=(
                "Measured contrast (left) and the contrast predicted from the noise floor (right) against "
                "the ratio that sets the floor; every tap of every network, hollow where images or "
                "features were altered first. If points of all networks fall on one curve, that ratio is "
                "what makes contrast small, whatever the network."
            ),
            alt="Two scatters on logarithmic axes: measured and predicted contrast against PR / N_eff.",
            draw=partial(collapse_figure, view),
        ),
        Plan(
            stem="noise-predicted-measured",
            section="noise",
            name="Predicted against measured",
            caption=(
                "On the diagonal prediction and measurement agree. Left: squared relative distance of two "
                "images of one style, predicted as 2 (PR + 1) / N_eff. Right: contrast, predicted from "
                "that floor and from what the styles add to it."
            ),
            alt=(
                "Two scatters on logarithmic axes of measured against predicted noise and contrast, with "
                "diagonals."
            ),
            draw=partial(agreement_figure, view),
        ),
    ]


def collapse_figure(view: View, palette: Palette) -> Figure:
    """Contrast, measured and predicted, on common axes."""
    made = panels(
        2,
        "Noise floor: contrast against PR / N_eff",
        palette,
        columns=2,
        height=3.3,
        sharex=True,
        sharey=True,
    )
    pairs: tuple[tuple[str, Value], ...] = (
        ("measured", lambda one: 100 * one.contrast),
        ("predicted", lambda one: 100 * one.predicted),
    )
    noise = view.results.noise
    for ax, (title, value) in zip(made.axes, pairs, strict=True):
        dress(ax, palette, title, "PR / N_eff", "contrast (%)" if made.is_first(ax) else "")
        _points(ax, view, _ratio, value, palette)
    log_scale(made.axes[0], "x", [_ratio(one) for one in noise])
    percent_scale(
        made.axes[0], "y", [100 * value for one in noise for value in (one.contrast, one.predicted)]
    )
    for ax in made.axes:
        line_at(ax, "y", QUESTIONED, palette, "5 %")
    legend(made.figure, _handles(view, palette), palette)
    return made.figure


def agreement_figure(view: View, palette: Palette) -> Figure:
    """Measured against predicted, with the diagonal of agreement."""
    made = panels(2, "Noise floor: predicted against measured", palette, columns=2, height=3.6)
    for ax, title, first, second, scale in (
        (made.axes[0], "noise, as a share of the squared norm", _noise, _measured_noise, log_scale),
        (made.axes[1], "contrast (%)", _predicted, _contrast, percent_scale),
    ):
        dress(ax, palette, title, "predicted", "measured")
        _points(ax, view, first, second, palette)
        values = [value(one) for one in view.results.noise for value in (first, second)]
        for axis in "xy":
            scale(ax, axis, values)
        low, high = ax.get_xlim()
        ax.set_ylim(low, high)
        ax.plot([low, high], [low, high], color=palette.mark, linestyle=(0, (4, 3)), linewidth=1.1, zorder=2)
    legend(made.figure, _handles(view, palette), palette)
    return made.figure


def _handles(view: View, palette: Palette) -> list[Any]:
    found = network_handles(view, palette, lines=False)
    altered = any(arms(one.condition) for one in view.results.noise)
    return [*found, hollow(palette, "images or features altered first")] if altered else found


def _points(ax: Axes, view: View, x: Value, y: Value, palette: Palette) -> None:
    for network, look in looks_of(view, palette).items():
        for altered in (False, True):
            kept = [
                one
                for one in view.results.noise
                if one.condition.network == network and bool(arms(one.condition)) == altered
            ]
            scatter(ax, _finite(kept, x, y), look, learned=not altered)


def _finite(points: Sequence[NoisePoint], x: Value, y: Value) -> list[tuple[float, float]]:
    pairs = [(x(one), y(one)) for one in points]
    return [pair for pair in pairs if all(map(math.isfinite, pair))]


def _ratio(one: NoisePoint) -> float:
    return one.participation / one.effective if one.effective else math.nan


def _noise(one: NoisePoint) -> float:
    return one.noise


def _measured_noise(one: NoisePoint) -> float:
    return one.measured_noise


def _predicted(one: NoisePoint) -> float:
    return 100 * one.predicted


def _contrast(one: NoisePoint) -> float:
    return 100 * one.contrast
