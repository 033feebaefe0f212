"""What does pruning do to style distances? Distances and separation by sparsity; nothing is trained after.

    python analysis/measure_pruning.py FOLDER [--quick] [--backbones A,B] [--sparsities 0,0.5,0.9]
        [-o analysis/results/pruning.json] [--figure docs/images/pruning.png]
    python analysis/measure_pruning.py --table analysis/results/pruning.json [--figure FILE]

Images of the procedural corpus, those of `gramstyle study --procedural --quick`, go through each network at
each sparsity, and through the same network with random weights. Two distances are read: the default one, and
plain L2 at the deepest tap. FOLDER keeps features and estimates, so that a run that is killed goes on where
it was. --quick takes fewer images and sparsities. The second form prints and draws a record.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import nn

from gramstyle.cli.console import bars
from gramstyle.cli.study import procedural_study
from gramstyle.extract import Extractor, backbone
from gramstyle.files import write_text
from gramstyle.kernels import processor
from gramstyle.report import save
from gramstyle.report.names import displayed
from gramstyle.report.study.panels import dress, legend, log_scale, panels
from gramstyle.report.study.strokes import RANDOM_DASH, strokes
from gramstyle.report.theme import LIGHT, Palette, themed
from gramstyle.study import QUICK
from gramstyle.study.assess import Assessed, Assessor
from gramstyle.study.cache import Cache
from gramstyle.study.depth import taps_together
from gramstyle.study.intervals import paired_difference
from gramstyle.study.labels import Labels
from gramstyle.study.measure import Bench, measure
from gramstyle.study.measured import MeasuredStore
from gramstyle.study.networks import Network
from gramstyle.study.results import FROM_8, Condition
from gramstyle.study.survey import survey, thinned
from gramstyle.types import Progress
from gramstyle.versions import versions

SPARSITIES = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
FEW = (0.0, 0.5, 0.9)
DEFAULT, PLAIN = "default", "plain L2"
READINGS = {DEFAULT: "default distance", PLAIN: "plain L2 at the deepest tap"}
RANDOM = "random"

Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write and draw; or print a record."""
    given = parsed(arguments)
    if given.table is not None:
        record = json.loads(given.table.read_text(encoding="utf-8"))
        print(tables(record))
    else:
        with bars() as progress:
            record = measured(given, progress)
    if given.figure is not None:
        save(figure(record), given.figure, "gramstyle, analysis/measure_pruning.py")


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, help="for features and estimates")
    parser.add_argument("--quick", action="store_true", help="24 images, three sparsities, 100 draws")
    parser.add_argument("--backbones", default=",".join(QUICK.backbones))
    parser.add_argument("--sparsities", help="the first is what others are compared with")
    parser.add_argument("--limit", type=int, help="most images")
    parser.add_argument("--resize", default=QUICK.resize)
    parser.add_argument("-o", "--output", type=Path, help="JSON to write")
    parser.add_argument("--table", type=Path, metavar="JSON", help="print this record")
    parser.add_argument("--figure", type=Path, help="picture to draw")
    given = parser.parse_args(arguments)
    if (given.folder is None) == (given.table is None):
        parser.error("give FOLDER or --table, one of them")
    shares = given.sparsities.split(",") if given.sparsities else FEW if given.quick else SPARSITIES
    given.sparsities = [float(one) for one in shares]
    return given


def measured(given: argparse.Namespace, progress: Progress) -> Row:
    """The record of all networks at all sparsities, written after each."""
    bench = bench_of(given, progress)
    record: Row = {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "device": f"cpu, {processor()}",
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "corpus": bench.survey.corpus.name,
        "images": len(bench.survey.corpus),
        "styles": len(set(bench.survey.corpus.labels("style") or ())),
        "resize": bench.settings.resize,
        "draws": bench.assessor.parts["all"].resamples.images.shape[0],
        "rows": [],
    }
    first = given.sparsities[0]
    for name in given.backbones.split(","):
        whole = Found(Network(name, sparsity=first, device="cpu", progress=progress), bench)
        drawn = Network(f"{name.partition('@')[0]}@random:0", like=name, device="cpu", progress=progress)
        for sparsity in given.sparsities:
            network = Network(name, sparsity=sparsity, device="cpu", progress=progress)
            found = whole if sparsity == first else Found(network, bench)
            facts = {"network": name, "weights": "trained", "sparsity": sparsity}
            keep(given, record, facts | {"zeros": zeros(network, sparsity)}, found, whole)
        keep(given, record, {"network": name, "weights": RANDOM, "sparsity": 0.0}, Found(drawn, bench), whole)
    return record


def keep(given: argparse.Namespace, record: Row, facts: Row, found: Found, whole: Found) -> None:
    """Add a row per reading, and write what there is so far."""
    rows = [facts | one for one in found.beside(whole)]
    record["rows"] += rows
    for row in rows:
        print(
            f"{row['network']} {row['weights']} {row['sparsity']:g} {row['reading']}: rank correlation "
            f"{row['spearman']:.3f}, AUC {row['auc'][0]:.3f}",
            file=sys.stderr,
            flush=True,
        )
    if given.output is not None:
        write_text(given.output, json.dumps(record, indent=1) + "\n")


def bench_of(given: argparse.Namespace, progress: Progress) -> Bench:
    """Images, their labels and resamples, and where results are kept."""
    limit = given.limit or (24 if given.quick else QUICK.limit)
    corpus = thinned(procedural_study(QUICK.seed, quick=True), limit)
    looked = survey(corpus, given.resize, progress)
    draws, permutations = (100, 99) if given.quick else (2000, 999)
    labels = Labels(
        styles=corpus.labels("style") or (),
        contents=corpus.labels("content"),
        palettes=corpus.labels("palette"),
        sources=corpus.labels("source"),
    )
    return Bench(
        settings=replace(QUICK, resize=given.resize),
        survey=looked,
        assessor=Assessor(
            labels, (), draws=draws, permutations=permutations, level=QUICK.level, seed=QUICK.seed
        ),
        cache=Cache(given.folder / "moments"),
        store=MeasuredStore(
            given.folder / "measured",
            {"images": looked.digests, "draws": draws, "permutations": permutations, "resize": given.resize},
        ),
        fit=tuple(range(len(corpus))),
        diagnosed=frozenset(),
        batch_size=8,
        progress=progress,
    )


class Found:
    """What one network says of the images: distances and estimates of each reading.

    Args:
        network: pruned or not.
        bench: images and where results are kept.
    """

    def __init__(self, network: Network, bench: Bench) -> None:
        self.level = bench.assessor.level
        plan = conditions(network)
        measure(network, [one for group in plan.values() for one in group], bench)
        weights = network.identity["sha256"]
        network.unload()
        self.taps = {reading: group[-1].tap for reading, group in plan.items()}
        self.assessed: dict[str, Assessed] = {}
        self.distances: dict[str, NDArray[np.float64]] = {}
        for reading, group in plan.items():
            matrix = bench.store.matrix(group[-1], weights)
            self.assessed[reading], _ = bench.store.read(group[-1], weights)
            self.distances[reading] = matrix[np.triu_indices(len(matrix), k=1)]

    def beside(self, whole: Found) -> Iterator[Row]:
        """One row per reading, compared with those of the whole network."""
        for reading in READINGS:
            mine, theirs = self.distances[reading], whole.distances[reading]
            known = theirs > 0
            yield {
                "reading": reading,
                "tap": self.taps[reading],
                "spearman": float(spearmanr(mine, theirs).statistic),
                "ratio": float(np.median(mine[known] / theirs[known])),
                "auc": self.estimate(reading, "auc"),
                "contrast": self.estimate(reading, "contrast"),
                "auc_change": self.difference(whole, reading, "auc"),
                "contrast_change": self.difference(whole, reading, "contrast"),
            }

    def estimate(self, reading: str, name: str) -> list[float | None]:
        """Value and ends of the interval."""
        one = next(
            one for one in self.assessed[reading].estimates if (one.question, one.name) == ("style", name)
        )
        return [one.value, one.low, one.high]

    def difference(self, whole: Found, reading: str, name: str) -> list[float | None]:
        """Mine minus that of the whole network, on the same resamples."""
        mine, theirs = (float(one.estimate(reading, name)[0] or 0) for one in (self, whole))
        draws, others = (one.assessed[reading].draws["style", name, "all"] for one in (self, whole))
        found = paired_difference(mine, theirs, draws, others, self.level)
        return [found.value, found.interval.low, found.interval.high]


def conditions(network: Network) -> dict[str, list[Condition]]:
    """Reading -> its condition, after those that it is made of."""

    def at(tap: str, metric: str) -> Condition:
        return Condition(backbone=network.backbone, weights=network.weights, tap=tap, metric=metric)

    taps = taps_together(backbone(network.backbone), FROM_8)
    return {
        DEFAULT: [at(tap, "cosine") for tap in (*taps, FROM_8)],
        PLAIN: [at(network.ladder[-1].name, "frobenius")],
    }


def zeros(network: Network, sparsity: float) -> float:
    """Share of zeros among all weights of convolutions up to the deepest tap."""
    trunk = Extractor(network.name, [network.depth[-1].name], sparsity=sparsity, device="cpu").trunk
    weights = [one.weight for one in trunk.modules() if isinstance(one, nn.Conv2d)]
    return sum(int((one == 0).sum()) for one in weights) / sum(one.numel() for one in weights)


def tables(record: Row) -> str:
    """As Markdown has them: one per reading, a row per network and sparsity."""
    origin = (
        f"{record['date']}, {record['device']}, torch {record['versions']['torch']}: {record['images']} "
        f"images of {record['styles']} styles, {record['resize']}; 95 % intervals of {record['draws']} "
        "resamples of styles and sources."
    )
    return "\n\n".join([origin, *(table(record, reading) for reading in READINGS)])


def table(record: Row, reading: str) -> str:
    """One reading."""
    header = (
        READINGS[reading], "zeros", "rank correlation", "median ratio", "AUC", "AUC minus whole", "contrast",
    )  # fmt: skip
    lines = [header, ("---",) * len(header)]
    lines += [
        (
            f"{row['network'].partition('@')[0]}, "
            + (RANDOM if row["weights"] == RANDOM else f"{row['sparsity']:g}"),
            "" if "zeros" not in row else f"{100 * row['zeros']:.0f} %",
            f"{row['spearman']:.3f}",
            f"{row['ratio']:.3g}",
            interval(row["auc"]),
            interval(row["auc_change"], sign="+") if any(row["auc_change"]) else "",
            interval([100 * one for one in row["contrast"]], 0) + " %",
        )
        for row in record["rows"]
        if row["reading"] == reading
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def interval(ends: Sequence[float], digits: int = 3, sign: str = "") -> str:
    """A figure with its interval."""
    value, low, high = (f"{one:{sign}.{digits}f}" for one in ends)  # -0.000 is below 0
    return f"{value} [{low}, {high}]"


def figure(record: Row, palette: Palette = LIGHT) -> Any:
    """A row of panels per reading: distances beside those of the whole network, and separation."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    columns = {
        "spearman": "rank correlation with\nthe whole network",
        "ratio": "distance / that of the\nwhole network, median",
        "auc": "AUC: how well\nstyles are told apart",
        "contrast": "contrast (%): how far\nother styles lie beyond",
    }
    networks = list(dict.fromkeys(row["network"] for row in record["rows"]))
    looks = strokes(networks, palette)
    with themed():
        made = panels(
            2 * len(columns),
            "Style distances of networks pruned by magnitude and not trained again", palette,
            height=2.3, extra=1.2, sharex=True,
        )  # fmt: skip
        for ax, (reading, (column, title)) in zip(made.axes, product(READINGS, columns.items()), strict=True):
            dress(
                ax, palette, title if reading == DEFAULT else "",
                "weights pruned (%)" if made.is_lowest(ax) else "",
                READINGS[reading] if made.is_first(ax) else "",
            )  # fmt: skip
            for name in networks:
                curve(ax, column, rows_of(record, name, reading), looks[name])
            ax.set_xticks([0, 30, 50, 70, 90])
            if column == "ratio":
                shown = [row for row in record["rows"] if row["weights"] != RANDOM]
                log_scale(ax, "y", [row["ratio"] for row in shown if row["reading"] == reading])
        handles = [
            Line2D(
                [], [], color=one.colour, marker=one.marker, linestyle=one.dash, markersize=4,
                label=displayed(name.partition("@")[0]),
            )
            for name, one in looks.items()
        ]  # fmt: skip
        ghost = Line2D([], [], color=palette.muted, linestyle=RANDOM_DASH, linewidth=0.9)
        ghost.set_label("with random weights, not pruned")
        band = Patch(color=palette.muted, alpha=0.25, linewidth=0, label="95 % interval")
        legend(made.figure, [*handles, ghost, band], palette, 5)
    return made.figure


def rows_of(record: Row, network: str, reading: str) -> list[Row]:
    """Rows of one network and reading."""
    return [row for row in record["rows"] if (row["network"], row["reading"]) == (network, reading)]


def curve(ax: Any, column: str, rows: list[Row], look: Any) -> None:
    """One network in one panel: trained by sparsity, random as a line across."""
    unit = 100 if column == "contrast" else 1
    trained = [row for row in rows if row["weights"] != RANDOM]
    x = [100 * row["sparsity"] for row in trained]
    values = np.array([row[column] for row in trained], dtype=float).reshape(len(trained), -1) * unit
    if values.shape[1] == 3:
        ax.fill_between(x, values[:, 1], values[:, 2], color=look.colour, alpha=0.13, linewidth=0, zorder=3)
    ax.plot(
        x, values[:, 0], color=look.colour, marker=look.marker, linestyle=look.dash, linewidth=1.6,
        markersize=3.6, zorder=5,
    )  # fmt: skip
    for row in rows:
        if row["weights"] == RANDOM and column != "ratio":
            value = unit * float(np.ravel(row[column])[0])
            ax.axhline(value, color=look.colour, linestyle=RANDOM_DASH, linewidth=0.9, zorder=2)


if __name__ == "__main__":
    main()
