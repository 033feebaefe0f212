"""Diagnostics of features, over depth and against separation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from gramstyle.report.names import displayed
from gramstyle.report.study.panels import dress, legend, log_scale, panels
from gramstyle.report.study.plan import Plan
from gramstyle.report.study.points import looks_of, network_handles, scatter, tap_handles
from gramstyle.report.study.view import View, network_of, plain
from gramstyle.report.theme import Palette
from gramstyle.study.results import DiagnosticValue

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHOSEN: dict[str, str] = {
    "participation_ratio": "participation ratio PR",
    "effective_positions": "effective positions N_eff",
    "noise_ratio": "noise ratio 2 (PR + 1) / N_eff",
    "excess_correlation": "mean |r| beyond chance",
    "mean_direction_share": "share of the mean direction",
    "top5_share": "energy share of 5 channels",
    "activation_entropy": "activation entropy (SWAG)",
    "peak_over_mean": "peak over mean (SWAG)",
    "gram_cosine": "cosine between Grams",
}
"""Name of a diagnostic -> what figures call it; see `gramstyle.diagnose.DIAGNOSTICS`."""

SHOWN = len(CHOSEN)
"""Diagnostics in one figure, of a study that holds none of these; diagnostics.csv holds all."""

Values = dict[tuple[str, str], DiagnosticValue]
"""Network and tap -> one diagnostic."""


def diagnostic_plans(view: View) -> list[Plan]:
    """Each diagnostic over depth, and against the AUC of its tap."""
    names = chosen_diagnostics(view)
    if not names:
        return []
    plans = [
        Plan(
            stem="diagnostics-depth",
            section="diagnostics",
            name="Diagnostics by depth",
            caption=(
                "Median over images of each diagnostic, over the taps of each network from first to last. "
                "An axis is logarithmic where values span more than a factor of 20."
            ),
            alt=f"Lines over depth, one panel per diagnostic: {', '.join(map(diagnostic_label, names))}.",
            draw=partial(depth_figure, view, names),
        )
    ]
    if view.metrics:
        plans.append(
            Plan(
                stem="diagnostics-against-auc",
                section="diagnostics",
                name="Diagnostics against separation",
                caption=(
                    f"Style AUC under {view.metrics[0]} against each diagnostic; every tap is a point. A "
                    "diagnostic that explains separation lines them up across networks, not only within "
                    "one; depth moves both, so look for what is left at equal depth."
                ),
                alt="Scatters of style AUC against each diagnostic, a point per tap.",
                draw=partial(separation_figure, view, names, view.metrics[0]),
            )
        )
    return plans


def chosen_diagnostics(view: View) -> list[str]:
    """Those of `CHOSEN` that a study holds; of one that holds none of them, its first."""
    found = list(dict.fromkeys(one.name for one in view.results.diagnostics if math.isfinite(one.median)))
    return [name for name in CHOSEN if name in found] or found[:SHOWN]


def diagnostic_label(name: str) -> str:
    """What figures call a diagnostic."""
    return CHOSEN.get(name, displayed(name))


def depth_figure(view: View, names: Sequence[str], palette: Palette) -> Figure:
    """One panel per diagnostic, a line per network."""
    made = panels(len(names), "Diagnostics by depth", palette, columns=3, height=1.9, extra=1.2, sharex=True)
    looks = looks_of(view, palette)
    for ax, name in zip(made.axes, names, strict=True):
        dress(ax, palette, diagnostic_label(name))
        values = _values(view, name)
        for network in view.heads:
            taps = [tap for tap in view.taps(network) if (network, tap.tap) in values]
            ax.plot(
                [tap.depth for tap in taps],
                [values[network, tap.tap].median for tap in taps],
                color=looks[network].colour,
                linestyle=looks[network].dash,
                marker=looks[network].marker,
                linewidth=1.4,
                markersize=3.6,
                zorder=4,
            )
        _scale(ax, "y", values)
        ax.set_xlim(-0.04, 1.04)
        ax.set_xticks([0, 0.5, 1], ["first", "depth", "last"])
    legend(made.figure, network_handles(view, palette, lines=True), palette)
    return made.figure


def separation_figure(view: View, names: Sequence[str], metric: str, palette: Palette) -> Figure:
    """One panel per diagnostic, a point per tap."""
    made = panels(
        len(names),
        f"Style AUC ({metric}) against diagnostics",
        palette,
        columns=3,
        height=2.1,
        extra=1.2,
        sharey=True,
    )
    looks = looks_of(view, palette)
    for ax, name in zip(made.axes, names, strict=True):
        dress(ax, palette, "", diagnostic_label(name), "style AUC" if made.is_first(ax) else "")
        values = _values(view, name)
        for network in (*view.copies, *view.learned):
            pairs = []
            for tap in view.taps(network):
                one, auc = values.get((network, tap.tap)), view.estimate(plain(tap, metric))
                if one is not None and auc is not None:
                    pairs.append((one.median, auc.value))
            scatter(ax, pairs, looks[network], network in view.learned)
        _scale(ax, "x", values)
    legend(
        made.figure,
        tap_handles(view, palette, {network_of(one) for one in view.results.diagnostics}),
        palette,
    )
    return made.figure


def _values(view: View, name: str) -> Values:
    return {(network_of(one), one.tap): one for one in view.results.diagnostics if one.name == name}


def _scale(ax: object, axis: str, values: Values) -> None:
    """Logarithmic where positive values span more than a factor of 20."""
    finite = [one.median for one in values.values() if math.isfinite(one.median)]
    if finite and min(finite) > 0 and max(finite) > 20 * min(finite):
        log_scale(ax, axis, finite)  # type: ignore[arg-type]
