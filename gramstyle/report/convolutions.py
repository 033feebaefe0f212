"""Which algorithm of a convolution wins where, drawn from a record of `gramstyle bench conv`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gramstyle.report import theme
from gramstyle.report.canvas import canvas
from gramstyle.report.theme import LIGHT, Palette, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]

COLOURS = {
    "library": "#1b1f24",
    "library, channels-last": "#8c959f",
    "direct": "#c9a227",
    "im2col": "#7fb069",
    "im2row": "#4a7c59",
    "implicit": "#b5c99a",
    "pointwise": "#4a90c2",
    "depthwise": "#0b4f7d",
    "separable": "#9c89b8",
    "fft": "#b54708",
    "winograd2": "#e8a0bf",
    "winograd4": "#c2185b",
    "winograd6": "#7b1e3a",
    "gauss": "#2a9d8f",
    "gauss, planar": "#0f5f57",
    "gauss of winograd4, planar": "#c2185b",
    "stacked": "#b09fca",
    "stacked, planar": "#6d597a",
    "scipy": "#a0785a",
    "csr": "#b54708",
    "blocks": "#0b4f7d",
    "2:4": "#2a9d8f",
}
"""Algorithm -> colour, the same in every panel; others are drawn in grey."""

REFERENCES = ("library", "library, channels-last")
"""What torch does by itself; the faster of the two is the line at 1."""


def convolution_figure(record: Mapping[str, Any], palette: Palette = LIGHT) -> Figure:
    """One panel for each sweep of a record: layers of networks, growing kernels, sparse and complex ones."""
    rows: list[Row] = list(record["rows"])
    panels = [(draw, found) for sweep, draw in PANELS if (found := _of(rows, sweep))]
    if not panels:
        raise ValueError("record must hold rows of gramstyle bench conv, got none")
    columns = min(len(panels), 2)
    lines = -(-len(panels) // columns)
    with themed():
        figure = canvas(7.4 * columns, 4.0 * lines + 0.5, palette)
        grid = figure.subfigures(lines, columns, squeeze=False, wspace=0.03).ravel()
        for part, (draw, found) in zip(grid, panels, strict=False):
            axes = part.subplots()
            axes.set_facecolor(palette.surface)
            axes.spines[:].set_visible(False)
            axes.tick_params(colors=palette.muted, labelsize=theme.SMALL, length=0)
            axes.grid(color=palette.grid, linewidth=0.8, zorder=0)
            axes.set_axisbelow(True)
            draw(axes, found, palette)
        machine = record["machine"]
        threads = f", {machine['threads']} threads" if machine["threads"] else ""
        figure.suptitle(
            f"Times of convolutions on {machine['processor']}{threads}, {record['date'][:10]}",
            x=0.012,
            ha="left",
            fontsize=theme.TITLE + 1,
            fontweight="bold",
            color=palette.ink,
        )
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)  # type: ignore[union-attr, call-arg]
    return figure


def _of(rows: Sequence[Row], sweep: str) -> list[Row]:
    return [row for row in rows if row["sweep"] == sweep]


def _networks(axes: Axes, rows: Sequence[Row], palette: Palette) -> None:
    """Layers by kind."""
    _strips(axes, rows, palette, "kind", "Layers of networks")


def _banks(axes: Axes, rows: Sequence[Row], palette: Palette) -> None:
    """Many filters, many images."""
    _strips(axes, rows, palette, "name", "Many filters, many images")


def _volumes(axes: Axes, rows: Sequence[Row], palette: Palette) -> None:
    """Three dimensions."""
    _strips(axes, rows, palette, "name", "Volumes")


def _shapes(axes: Axes, rows: Sequence[Row], palette: Palette) -> None:
    """A user's own."""
    _strips(axes, rows, palette, "name", "Shapes")


def _strips(axes: Axes, rows: Sequence[Row], palette: Palette, fact: str, title: str) -> None:
    """Each dot one algorithm on one convolution, in a strip for each value of a fact."""
    kinds = sorted({row[fact] for row in rows}, key=_order) if fact == "kind" else [row[fact] for row in rows]
    seen: set[str] = set()
    wins: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    for row in rows:
        times = row["median_ms"]
        reference = _reference(times)
        wins[row[fact]][min(times, key=lambda name: times[name])] += 1
        place = kinds.index(row[fact])
        for name, took in times.items():
            ratio = took / reference
            if name in REFERENCES or not 1 / 16 < ratio < 16:
                continue
            shift = (list(COLOURS).index(name) % 12 - 6) / 20 if name in COLOURS else 0
            axes.plot(ratio, place + shift, "o", ms=4.5, color=_colour(name), alpha=0.8, mew=0, zorder=3)
            seen.add(name)
    for place, kind in enumerate(kinds):
        (name, count), total = wins[kind].most_common(1)[0], sum(wins[kind].values())
        axes.annotate(
            name if total == 1 else f"{name}: {count} of {total}",
            (1, place),
            xycoords=axes.get_yaxis_transform(),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=theme.SMALL,
            color=palette.ink,
        )
    axes.set_xscale("log")
    axes.set_xlim(1 / 8, 16)
    axes.set_xticks([0.125, 0.25, 0.5, 1, 2, 4, 8, 16], ["1/8", "1/4", "1/2", "1", "2", "4", "8", "16"])
    axes.minorticks_off()
    axes.axvline(1, color=palette.mark, linestyle=(0, (4, 3)), linewidth=1.2, zorder=2)
    axes.set_yticks(range(len(kinds)), kinds, color=palette.ink)
    axes.set_ylim(len(kinds) - 0.4, -0.6)
    axes.set_xlabel("time beside torch's own (1); at the right the fastest", color=palette.muted)
    _title(axes, title, palette)
    _legend(axes, [name for name in COLOURS if name in seen], palette)


def _taps(axes: Axes, rows: Sequence[Row], palette: Palette) -> None:
    """Time as a kernel grows, for many channels."""
    _growth(axes, [row for row in rows if row["groups"] == 1 and row["x"][1] > 3], palette, "Growing kernels")


def _depthwise(axes: Axes, rows: Sequence[Row], palette: Palette) -> None:
    """The same, one channel a group."""
    _growth(axes, [row for row in rows if row["groups"] > 1], palette, "Growing depthwise kernels")


def _growth(axes: Axes, rows: Sequence[Row], palette: Palette, title: str) -> None:
    names = [name for name in COLOURS if any(name in row["median_ms"] for row in rows)]
    for name in names:
        points = [(row["weight"][-1], row["median_ms"][name]) for row in rows if name in row["median_ms"]]
        wide = 2.0 if name in REFERENCES else 1.4
        axes.plot(*zip(*points, strict=True), "o-", ms=3.5, lw=wide, color=_colour(name), zorder=3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    taps = sorted({row["weight"][-1] for row in rows})
    axes.set_xticks(taps, [str(one) for one in taps])
    axes.minorticks_off()
    axes.set_xlabel("taps along a side", color=palette.muted)
    axes.set_ylabel("ms", color=palette.muted)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    _, channels, height, width = rows[0]["x"]
    _title(axes, f"{title}: {channels} -> {rows[0]['weight'][0]}, {height} x {width}", palette)
    _legend(axes, names, palette)


def _sparse(axes: Axes, rows: Sequence[Row], palette: Palette) -> None:
    """How many times as fast as the dense library, by sparsity."""
    groups = sorted({row["name"].rpartition(", ")[0] for row in rows})
    styles = ["o-", "s--", "^:", "d-."]
    for style, group in zip(styles, groups, strict=False):
        chosen = [row for row in rows if row["name"].rpartition(", ")[0] == group]
        chosen.sort(key=lambda row: row["sparsity"])
        for name in ("csr", "blocks", "2:4", "winograd4"):
            ratios = [
                (100 * row["sparsity"], _reference(row["median_ms"]) / row["median_ms"][name])
                for row in chosen
                if name in row["median_ms"]
            ]
            if ratios:
                axes.plot(*zip(*ratios, strict=True), style, ms=4, lw=1.5, color=_colour(name), zorder=3)
                axes.lines[-1].set_label(f"{name}{' (dense)' if name == 'winograd4' else ''}: {group}")
    axes.axhline(1, color=palette.mark, linestyle=(0, (4, 3)), linewidth=1.2, zorder=2)
    axes.set_yscale("log", base=2)
    axes.set_yticks([0.25, 0.5, 1, 2, 4, 8], ["1/4", "1/2", "1", "2", "4", "8"])
    axes.minorticks_off()
    axes.set_xlabel("weights that are zero, %", color=palette.muted)
    axes.set_ylabel("times as fast as dense (1: break-even)", color=palette.muted)
    _title(axes, "Sparse kernels", palette)
    part: Any = axes.figure
    part.legend(fontsize=theme.SMALL, frameon=False, labelcolor=palette.ink, loc="outside right upper")


def _complex(axes: Axes, rows: Sequence[Row], palette: Palette) -> None:
    """Times beside torch's own complex convolution."""
    ways = ("gauss", "gauss, planar", "gauss of winograd4, planar", "stacked", "stacked, planar", "fft")
    names = [name for name in ways if any(name in row["median_ms"] for row in rows)]
    high = 0.8 / max(1, len(names))
    for place, row in enumerate(rows):
        times = row["median_ms"]
        for at, name in enumerate(names):
            if name not in times:
                continue
            ratio = times["library"] / times[name]
            axes.barh(place - 0.4 + high * (at + 0.5), ratio, height=high, color=_colour(name), zorder=3)
    axes.axvline(1, color=palette.mark, linestyle=(0, (4, 3)), linewidth=1.2, zorder=4)
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows], color=palette.ink)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("times as fast as torch's own complex convolution (1)", color=palette.muted)
    _title(axes, "Complex kernels", palette)
    _legend(axes, names, palette)


PANELS: tuple[tuple[str, Callable[[Axes, Sequence[Row], Palette], None]], ...] = (
    ("networks", _networks),
    ("sparse", _sparse),
    ("taps", _taps),
    ("taps", _depthwise),
    ("complex", _complex),
    ("banks", _banks),
    ("volumes", _volumes),
    ("shapes", _shapes),
)
"""Sweep -> what is drawn of it."""


def _reference(times: Mapping[str, float]) -> float:
    return min(times[name] for name in REFERENCES if name in times)


def _order(kind: str) -> tuple[int, str]:
    return ("first" not in kind) + 2 * ("depthwise" in kind), kind


def _colour(name: str) -> str:
    return COLOURS.get(name, COLOURS.get(name.partition(",")[0], "#8c959f"))


def _title(axes: Axes, text: str, palette: Palette) -> None:
    axes.set_title(text, loc="left", color=palette.ink, fontweight="bold")


def _legend(axes: Axes, names: Sequence[str], palette: Palette) -> None:
    """Beside the panel."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], marker="o", ls="", ms=5, color=_colour(name), label=name) for name in names]
    part: Any = axes.figure
    place = "outside right upper"
    part.legend(handles=handles, fontsize=theme.SMALL, frameon=False, labelcolor=palette.ink, loc=place)
