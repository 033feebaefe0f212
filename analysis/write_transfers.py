"""docs/transfer_quality.md and its figure, from the record of `compare_transfers.py measure`.

python analysis/write_transfers.py analysis/results/transfers.json analysis/results/transfers_full.json \
    docs/images/transfer-front.png > docs/transfer_quality.md
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gramstyle.report import save
from gramstyle.report.theme import LIGHT, themed

AGAIN = "the style, drawn again"
CONTENT = "the content"
DEFAULT = "gramstyle"
STYLE = "efficientnet_lite0 wasserstein"
"""What judges on the figure."""

COLUMNS = {
    STYLE: "Lite0, Wasserstein",
    "efficientnet_lite0 frobenius": "Lite0, Gram",
    "mobilenet_v2 wasserstein": "MobileNetV2, Wasserstein",
    "mobilenet_v2 frobenius": "MobileNetV2, Gram",
    "lpips": "LPIPS",
    "ssim": "SSIM",
    "palette": "palette",
}
LOOKED = {"EfficientNet-Lite0": "efficientnet_lite0", "MobileNetV2": "mobilenet_v2"}
"""Word in the name of a recipe -> network that it optimises, which may not judge it."""

INTRODUCTION = """# How good the transfers are

Which recipe keeps most of the content for the style that it takes on? {contents} photographs take on {styles}
drawn styles at {side} pixels under every recipe, at its own content weight and others: {factors} times, for
published recipes the first two. Two networks judge styles; where a recipe optimises one of them, it does not
judge that recipe. A style distance is given as a share of the content's own, so that 1 is the photograph
itself; LPIPS (Zhang et al. 2018, VGG16) and SSIM hold the result against the photograph; *palette* is the
sliced Wasserstein distance of its colours from those of the style. Recipes run with their published numbers
but for the steps, because a cpu made all images: 200 at three scales, a tenth of what was published, or 150
of L-BFGS at one scale, which takes about as long and is a third (gatys2016) or a seventh (neural-style).
"""


FULL = """## With all steps

The same question with every step that was published, at {side} pixels: {contents} photograph and
{styles} styles. Recipes with scales take 2000 steps, gatys2016 500 and neural-style 1000, these at full size.
"""


def main() -> None:
    """Print the page, write the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("record", type=Path)
    parser.add_argument("full", type=Path, help="record of `measure --full`")
    parser.add_argument("figure", type=Path)
    given = parser.parse_args()
    record = json.loads(given.record.read_text("utf-8"))
    save(front(record), given.figure, description="Style distance against LPIPS, a line per recipe")
    print(page(record, given.figure.name))
    print(full(json.loads(given.full.read_text("utf-8"))), end="")


def page(record: dict[str, Any], figure: str) -> str:
    """In Markdown."""
    rows = record["rows"]
    head = INTRODUCTION.format(
        contents=number(len({row["content"] for row in rows})),
        styles=number(len({row["style"] for row in rows})),
        side=record["side"],
        factors=", ".join(f"{one:g}" for one in factors(rows)),
    )
    versions = record["versions"]
    return "\n".join(
        [
            head,
            table(rows),
            "",
            "Means over all pairs, at the recipes' own content weights. *The style, drawn again* is another",
            "motif in the same style: what a true member of it scores, with no regard to the photograph.",
            "",
            f"![Style distance against LPIPS, a line per recipe](images/{figure})",
            "",
            "Lower and further left is better. Each line is a recipe, from more content to less; the dotted",
            "one is the style, drawn again. A recipe that EfficientNet-Lite0 was optimised for has no line.",
            beside(rows),
            "",
            f"`python analysis/compare_transfers.py run FOLDER`, then `measure FOLDER`; {record['date']},",
            f"torch {versions['torch']}, lpips {versions['lpips']}. Every image's figures are in",
            "`analysis/results/transfers.json`, with all settings.",
            "",
        ]
    )


def full(record: dict[str, Any]) -> str:
    """The second part of the page."""
    rows = record["rows"]
    head = FULL.format(
        side=record["side"],
        contents=number(len({row["content"] for row in rows})).lower(),
        styles=number(len({row["style"] for row in rows})).lower(),
    )
    return "\n".join(
        [
            head,
            table(rows),
            "",
            beaten(rows),
            "",
            "`python analysis/compare_transfers.py run FOLDER --full`, then `measure FOLDER --full`;",
            f"{record['date']}, torch {record['versions']['torch']}; `analysis/results/transfers_full.json`.",
            "",
        ]
    )


def curve(rows: list[dict[str, Any]], name: str) -> tuple[list[float], list[float]]:
    """LPIPS and style distance of a recipe at each content weight, from more content to less."""
    points = []
    for factor in reversed(factors(rows)):
        kept = [row for row in rows if row["recipe"] == name and row["factor"] == factor]
        if kept:
            points.append((fmean(row["lpips"] for row in kept), fmean(row[STYLE] for row in kept)))
    return [x for x, _ in points], [y for _, y in points]


def beside(rows: list[dict[str, Any]]) -> str:
    """Where the LPIPS of a published recipe is within reach of the default: both style distances."""
    xs, ys = curve(rows, DEFAULT)
    found = []
    for name in dict.fromkeys(row["recipe"] for row in rows if not row["recipe"].startswith(DEFAULT)):
        for x, y in zip(*curve(rows, name), strict=True):
            if xs[0] <= x <= xs[-1] and name not in (AGAIN, CONTENT):
                found.append(f"{name} {y:.2f} and the default {np.interp(x, xs, ys):.2f} at {x:.2f}")
    return f"At the same LPIPS, between the default's own points: {'; '.join(found)}."


def beaten(rows: list[dict[str, Any]]) -> str:
    """Which published recipes are further from the style and from the content than the default."""
    places = {}
    for name in dict.fromkeys(row["recipe"] for row in rows if row["recipe"] not in (AGAIN, CONTENT)):
        kept = [row for row in rows if row["recipe"] == name and row["factor"] == 1]
        places[name] = fmean(row["lpips"] for row in kept), fmean(row[STYLE] for row in kept)
    own = places[DEFAULT]
    found = [
        name
        for name, place in places.items()
        if not name.startswith(DEFAULT) and place[0] > own[0] and place[1] > own[1]
    ]
    names = ", ".join(found) or "none"
    return (
        f"Further from the style ({COLUMNS[STYLE]}) and from the content (LPIPS) than the default: {names}."
    )


def number(count: int) -> str:
    """As a word."""
    return ("No", "One", "Two", "three", "four", "five", "six")[count] if count < 7 else str(count)


def factors(rows: list[dict[str, Any]]) -> list[float]:
    """Of content weights, in order."""
    return sorted({row["factor"] for row in rows})


def table(rows: list[dict[str, Any]]) -> str:
    """One line per recipe."""
    names = list(dict.fromkeys(row["recipe"] for row in rows))
    lines = [f"| recipe | {' | '.join(COLUMNS.values())} |", "| --- " * (len(COLUMNS) + 1) + "|"]
    for name in names:
        kept = [row for row in rows if row["recipe"] == name and row["factor"] == 1]
        cells = [
            ""
            if partial(name, key)
            else f"{fmean(row[key] for row in kept):.{3 if key == 'palette' else 2}f}"
            for key in COLUMNS
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def partial(recipe: str, column: str) -> bool:
    """Whether a judge is the network that was optimised."""
    return any(word in recipe and column.startswith(network) for word, network in LOOKED.items())


def front(record: dict[str, Any]) -> Figure:
    """Style against content, a line per recipe over its content weights."""
    rows = record["rows"]
    names = [name for name in dict.fromkeys(row["recipe"] for row in rows) if name not in (AGAIN, CONTENT)]
    with themed():
        figure = Figure(figsize=(8, 5), layout="constrained")
        axis = figure.subplots()
        colours = ["#0b4f7d", "#4a90c2", "#7fbfe0", "#b54708", "#e08a3c", "#7a7f87", "#2f7d4f", "#8a4f9e"]
        shown = [name for name in names if not partial(name, STYLE)]
        for name, colour in zip(shown, colours, strict=False):
            xs, ys = curve(rows, name)
            axis.plot(xs, ys, "o-", color=colour, label=name, markersize=5, linewidth=1.6)
        again = fmean(row[STYLE] for row in rows if row["recipe"] == AGAIN)
        axis.axhline(again, color=LIGHT.muted, linewidth=1, linestyle=":")
        axis.annotate(AGAIN, (1, again), xycoords=("axes fraction", "data"), ha="right", va="bottom")
        axis.set_xlabel("LPIPS from the photograph: less is more content")
        axis.set_ylabel("style distance left, judged by EfficientNet-Lite0")
        axis.legend(frameon=False)
        axis.grid(color=LIGHT.grid)
    return figure


if __name__ == "__main__":
    main()
