"""docs/performance.md, from the records of `gramstyle bench`.

gramstyle bench gram -o analysis/benchmarks/gram.json
gramstyle bench conv-gram -o analysis/benchmarks/conv_gram.json
gramstyle bench descriptor -o analysis/benchmarks/descriptor.json
python analysis/write_performance.py analysis/benchmarks > docs/performance.md
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

UNFUSED = ("channels-first", "channels-last", "oneDNN")

INTRODUCTION = """# How fast it is

For every figure below: the command, the machine and the date. `python analysis/write_performance.py`
writes this page from the records in `analysis/benchmarks`; run the commands for figures of your machine.

Contenders take turns within each round, in alternating order; a time is the median over rounds, and a
ratio the median of the ratios within rounds, so that what slows the machine for a while slows them all.
`eager` is ordinary code: maps channels-first, every step a call of its own, memory as glibc's malloc
keeps it, which gives tensors of more than 32 MiB back to the system each time. `unfused` is the best that
torch has for the same: the fastest of channels-first, channels-last and oneDNN's convolution with its own
activation, all with activations in place and with memory kept from call to call. `auto` is what this
package does by default, with memory kept as well; its ratio to `eager` is taken without.

**The records of 2026-11-23 are harsher on `eager`**: every tensor of more than 128 KiB was given back, which
glibc does only until it has adapted. Take ratios to `eager` as upper bounds until they are taken again;
ratios to `unfused` are not touched by it.

The roof is what this machine did at most through torch, a large matrix product and a large copy; a share
of the roof counts half of a symmetric product's operations, since the other half need not be computed.
"""

CHOICES = """
`auto` takes the way that is named for each layer: `one pass` multiplies each tile of features while it is in
the cache, where a convolution is cheap beside the memory that it writes; `Winograd` is minimal filtering,
F(4 x 4, 3 x 3), for 3 x 3 convolutions of stride 1 from 16 channels on; everything else is torch's own
convolution, followed by the native Gram matrix. Error is the Gram matrix's, beside float64, of its norm.
"""


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with gram.json, conv_gram.json and descriptor.json")
    folder = parser.parse_args().folder
    records = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    print(INTRODUCTION)
    print("## Style descriptors\n")
    print(origin(records["descriptor"]))
    print(descriptors(records["descriptor"]["rows"]))
    print("\n## Gram matrices of maps in memory\n")
    print(origin(records["gram"]))
    print(grams(records["gram"]["rows"]))
    print("\n## Convolutions with their Gram matrices, layer by layer\n")
    print(origin(records["conv_gram"]))
    print(CHOICES)
    print(layers(records["conv_gram"]["rows"]))


def origin(record: dict[str, Any]) -> str:
    """Where and when a record was taken."""
    machine = record["machine"]
    return (
        f"`{record['command']}`, {record['date'][:10]}, {machine['processor']}, "
        f"{machine['threads']} threads, {machine['instructions']}, torch {record['versions']['torch']}; roof "
        f"{machine['flops'] / 1e9:.0f} GFLOP/s float32 and {machine['bandwidth'] / 1e9:.0f} GB/s.\n"
    )


def descriptors(rows: list[dict[str, Any]]) -> str:
    """One line per backbone."""
    found = [
        [
            row["job"].partition("@")[0],
            f"{len(row['taps'])}",
            *(ms(row, name) for name in ("eager", "unfused", "auto", "auto, bfloat16")),
            ratio(row, "eager", "auto, default memory"),
            ratio(row, "unfused", "auto"),
            ratio(row, "eager", "auto, bfloat16"),
            f"{row['error']:.0e}",
            f"{row['bfloat16_distance_error']:.1e}",
        ]
        for row in rows
    ]
    header = ["backbone", "taps", "eager ms", "unfused ms", "auto ms", "bfloat16 ms", "eager / auto"]
    return table([*header, "unfused / auto", "eager / bfloat16", "error", "distance error, bfloat16"], found)


def grams(rows: list[dict[str, Any]]) -> str:
    """One line per shape."""
    found = [
        [
            row["job"],
            ms(row, "bmm"),
            ms(row, "native"),
            ratio(row, "bmm", "native"),
            ms(row, "bmm, channels-last"),
            ms(row, "native, channels-last"),
            ratio(row, "bmm, channels-last", "native, channels-last"),
            f"{row['roof']:.0%}",
            f"{row['error']:.0e}",
        ]
        for row in rows
    ]
    header = ["C x H x W", "bmm ms", "native ms", "ratio", "channels-last: bmm ms", "native ms", "ratio"]
    return table([*header, "of the roof", "error"], found)


def layers(rows: list[dict[str, Any]]) -> str:
    """One line per layer."""
    found = []
    for row in rows:
        known = [name for name in UNFUSED if name in row["median_ms"]]
        unfused = min(known, key=lambda name: row["median_ms"][name])
        outputs, _, height, width = row["weight"]
        groups = "" if row["groups"] == 1 else f", groups {row['groups']}"
        found.append(
            [
                row["job"],
                f"{row['x'][1]} -> {outputs}, {height} x {width} / {row['stride'][0]}{groups}",
                f"{row['x'][2]} x {row['x'][3]}",
                ms(row, "eager"),
                ms(row, unfused),
                ms(row, "fused"),
                ms(row, "auto"),
                row["choice"],
                ratio(row, "eager", "auto, default memory"),
                ratio(row, unfused, "auto"),
                f"{row['error']:.0e}",
            ]
        )
    header = ["layer", "convolution", "at", "eager ms", "unfused ms", "one pass ms", "auto ms", "auto takes"]
    return table([*header, "eager / auto", "unfused / auto", "error"], found)


def ms(row: dict[str, Any], name: str) -> str:
    """Median milliseconds of a contender."""
    return f"{row['median_ms'][name]:.3g}"


def ratio(row: dict[str, Any], slower: str, faster: str) -> str:
    """Median over rounds of the ratio within a round."""
    pairs = zip(row["rounds_ms"][slower], row["rounds_ms"][faster], strict=True)
    return f"{statistics.median(one / other for one, other in pairs):.2f}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
