"""docs/performance.md, from the records of `gramstyle bench`.

gramstyle bench gram -o analysis/benchmarks/gram.json
gramstyle bench conv-gram -o analysis/benchmarks/conv_gram.json
gramstyle bench descriptor -o analysis/benchmarks/descriptor.json
gramstyle bench transfer -o analysis/benchmarks/transfer.json
gramstyle bench conv -o analysis/benchmarks/conv.json
python analysis/write_performance.py analysis/benchmarks > docs/performance.md
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from gramstyle.bench import (
    Row,
    Table,
    algorithm_table,
    descriptor_table,
    gram_table,
    layer_table,
    transfer_table,
)

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

The roof is what this machine did at most through torch, a large matrix product and a large copy; a share
of the roof counts half of a symmetric product's operations, since the other half need not be computed. On a
machine whose clock others share, a roof of one second can be passed in the next.
"""

CHOICES = """
`auto` takes the way that is named for each layer: `one pass` multiplies each tile of features while it is in
the cache, where a convolution is cheap beside the memory that it writes; `Winograd` is minimal filtering,
F(4 x 4, 3 x 3), for 3 x 3 convolutions of stride 1 from 16 channels on; everything else is torch's own
convolution, followed by the native Gram matrix. Error is the Gram matrix's, beside float64, of its norm.
Shares of the roof count multiplications by the definition of a convolution, so Winograd's pass 100 %.

Ratios to `unfused` that are below 1 are of layers of about a millisecond or less: `unfused` is the fastest
of three there, and `auto` takes some tens of microseconds more in Python.
"""

ALGORITHMS = """
[convolutions.md](convolutions.md) says what the algorithms are, and draws the same record. `library` is
torch's own on maps as they are; `library, channels-last` on maps and weights that were in that layout before,
which `auto` does not count: what it took is the fastest for a map as it is. What takes eight times as long as
the fastest takes no turns with it. The roof is here the larger of a matrix product and a convolution;
operations are those of the definition, with every weight, so FFT, Winograd and sparse kernels pass it. Memory
is what torch holds at once beyond input and weight, the output included; what libraries take for themselves
is not seen.
"""

STEPS = """A step of the default recipe of [style transfer](transfer.md): forward and backward through the
network, Wasserstein distances, Adam. Error is that of the gradient by the image, beside float64. Where a
photograph is flat, maxima of VGG's pools tie: plain convolutions round all positions alike, so that the first
wins, as in float64; Winograd's do not, and the gradient goes to another position of the same value.
"""


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with the records of all five")
    folder = parser.parse_args().folder
    records = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    print(INTRODUCTION)
    print("## Style descriptors\n")
    print(origin(records["descriptor"]))
    print(markdown(descriptor_table(rows_of(records["descriptor"]))))
    print("\n## Style transfer\n")
    print(origin(records["transfer"]))
    print(STEPS)
    print(markdown(transfer_table(rows_of(records["transfer"]))))
    print("\n## Gram matrices of maps in memory\n")
    print(origin(records["gram"]))
    print(markdown(gram_table(rows_of(records["gram"]))))
    print("\n## Convolutions with their Gram matrices, layer by layer\n")
    print(origin(records["conv_gram"]))
    print(CHOICES)
    print(markdown(layer_table(rows_of(records["conv_gram"]))))
    print("\n## Convolutions, by every algorithm\n")
    print(origin(records["conv"]))
    print(ALGORITHMS)
    print(markdown(algorithm_table(rows_of(records["conv"]))))


def origin(record: dict[str, Any]) -> str:
    """Where and when a record was taken."""
    machine = record["machine"]
    return (
        f"`{record['command']}`, {record['date'][:10]}, {machine['processor']}, "
        f"{machine['threads']} threads, {machine['instructions']}, torch {record['versions']['torch']}; roof "
        f"{machine['flops'] / 1e9:.0f} GFLOP/s float32 and {machine['bandwidth'] / 1e9:.0f} GB/s.\n"
    )


def rows_of(record: dict[str, Any]) -> list[Row]:
    """Its rows."""
    return [Row.of_record(one) for one in record["rows"]]


def markdown(table: Table) -> str:
    """As Markdown has tables."""
    lines = [table.header, ["---"] * len(table.header), *table.cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
