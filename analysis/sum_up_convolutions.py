"""What a record of `gramstyle bench conv` says: who wins by how much, and how well auto chooses.

python analysis/sum_up_convolutions.py analysis/benchmarks/conv.json
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from gramstyle.conv import ALGORITHMS
from gramstyle.report import to_markdown

Row = dict[str, Any]
OWN_LAYOUT = "library, channels-last"
CLOSE = 1.2


def main() -> None:
    """Print one table for each question."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("record", type=Path)
    record = json.loads(parser.parse_args().record.read_text())
    rows: list[Row] = record["rows"]
    print(
        f"{record['date'][:10]}, {record['machine']['processor']}, {record['machine']['threads']} threads\n"
    )
    print(kinds([row for row in rows if row["sweep"] == "networks"]))
    for sweep in ("taps", "banks", "volumes", "complex", "sparse"):
        print(gains([row for row in rows if row["sweep"] == sweep]))
    print(automatic([row for row in rows if row["sweep"] != "sparse" and not row["complex"]]))


def library(row: Row) -> float:
    """Milliseconds of torch's own, in its better layout."""
    times = row["median_ms"]
    return min(times[name] for name in ("library", OWN_LAYOUT) if name in times)


def kinds(rows: list[Row]) -> str:
    """Layers of networks by kind: the winner, and medians of what the fastest gains."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["kind"]].append(row)
    cells = []
    for kind, group in found.items():
        winner, count = Counter(fastest(row) for row in group).most_common(1)[0]
        gained = [library(row) / min(row["median_ms"].values()) for row in group]
        as_is = [row["median_ms"]["library"] / min(row["median_ms"].values()) for row in group]
        medians = [f"{statistics.median(ratios):.2f}" for ratios in (gained, as_is)]
        cells.append((kind, f"{winner}: {count} of {len(group)}", *medians))
    return to_markdown(("layers", "fastest", "over torch's better layout", "over torch's as it is"), cells)


def fastest(row: Row) -> str:
    """The name with the shortest time."""
    times = row["median_ms"]
    return min(times, key=lambda name: times[name])


def gains(rows: list[Row]) -> str:
    """The fastest six of each convolution, and how many times as fast as torch's own they are."""
    cells = []
    for row in rows:
        times = row["median_ms"]
        first = sorted(
            (name for name in times if name not in ("library", OWN_LAYOUT)), key=lambda n: times[n]
        )
        cells.append(
            (row["job"], ", ".join(f"{name} {library(row) / times[name]:.2f}" for name in first[:6]))
        )
    return to_markdown(("convolution", "times as fast as torch's own"), cells)


def automatic(rows: list[Row]) -> str:
    """How far what `auto` took is from the fastest that it may take."""
    may = {name for name, one in ALGORITHMS.items() if one.not_automatic is None}
    lost = {}
    for row in rows:
        times = {name: took for name, took in row["median_ms"].items() if name in may}
        lost[row["job"]] = times[row["auto"]] / min(times.values())
    far = sorted(((job, ratio) for job, ratio in lost.items() if ratio > CLOSE), key=lambda one: one[1])
    title = f"auto within {CLOSE} of the fastest: {len(lost) - len(far)} of {len(lost)}; the others"
    return to_markdown((title, "times as slow"), [(job, f"{ratio:.2f}") for job, ratio in far])


if __name__ == "__main__":
    main()
