"""Peak memory and time of a step of a style transfer, by size and by how it is run: one process per row.

    python analysis/transfer_memory.py [--backbones vgg16,mobilenet_v2@KERAS] [--sizes 256,512,1024,2048]
        [--ways whole,checkpointed,512] [--steps 3] [--device cpu] [--dtype float32] [--threads 1]
        [--most 12000] [-o OUTPUT.json]
    python analysis/transfer_memory.py --table OUTPUT.json

Memory is what Linux counts as resident in the process (`ru_maxrss`), libraries included, in MB of a million
bytes; on cuda what torch has allocated there. "estimated" is what `--memory-limit` would have reckoned with.
Seconds are the median of the steps after the first. --most leaves out rows whose estimate is larger. The
second form prints the record as a table.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from gramstyle.kernels import processor
from gramstyle.transfer import Transfer, for_backbone, transfer_preset
from gramstyle.transfer.execution import Asked
from gramstyle.transfer.planner import Planner
from gramstyle.versions import versions

MB = 1e6


def main() -> None:
    """Measure and print a line per row, or print a record."""
    options = parsed()
    if options.table is not None:
        print(table(json.loads(options.table.read_text())))
    elif options.one:
        print(json.dumps(measured(options, *options.one)))
    else:
        measure_all(options)


def parsed() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbones", default="vgg16,mobilenet_v2@KERAS")
    parser.add_argument("--sizes", default="256,512,1024,2048", help="sides of square images, in pixels")
    parser.add_argument(
        "--ways", default="whole,checkpointed,512", help="whole, checkpointed, sides of tiles"
    )
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--most", type=float, default=float("inf"), help="MB")
    parser.add_argument("-o", "--output", type=Path, help="JSON to write")
    parser.add_argument("--table", type=Path, metavar="JSON", help="print this record")
    parser.add_argument("--one", nargs=3, metavar=("BACKBONE", "SIZE", "WAY"), help=argparse.SUPPRESS)
    return parser.parse_args()


def measure_all(options: argparse.Namespace) -> None:
    """One process per row; the record is written after each."""
    rows: list[dict[str, Any]] = []
    for backbone in options.backbones.split(","):
        for size in options.sizes.split(","):
            for way in options.ways.split(","):
                if way.isdecimal() and int(way) >= int(size):
                    continue
                rows.append(
                    {"backbone": backbone, "size": int(size), "way": way, **apart(backbone, size, way)}
                )
                print(json.dumps(rows[-1]), flush=True)
                save(options, rows)


def apart(*row: str) -> dict[str, Any]:
    """What this script says of one row, in a process of its own."""
    command = [sys.executable, *sys.argv, "--one", *row]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        return {"failed": (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]}
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def measured(options: argparse.Namespace, backbone: str, side: str, way: str) -> dict[str, Any]:
    """MB and seconds of one row."""
    torch.set_num_threads(options.threads)
    imported = peak("cpu")
    size = int(side)
    settings = replace(
        for_backbone(transfer_preset("gramstyle"), backbone),
        size=size, min_size=size, first_iterations=options.steps,
    )  # fmt: skip
    content, style = (picture(seed, size) for seed in (0, 1))
    transfer = Transfer(
        content,
        style,
        settings,
        device=options.device,
        dtype=getattr(torch, options.dtype),
        tile=int(way) if way.isdecimal() else None,
        gradient_checkpointing=way == "checkpointed",
    )
    estimated = estimate(transfer, size, way) / MB
    row = {"imported": imported, "built": peak(options.device), "estimated": round(estimated)}
    if estimated > options.most:
        return row | {"failed": "left out: more than --most"}
    seconds, before = [], time.perf_counter()
    for state in transfer.states():
        now = time.perf_counter()
        seconds.append(now - before)
        if state.step == state.steps:
            transfer.snapshot()
        before = time.perf_counter()
    step = statistics.median(seconds[1:] or seconds)
    return row | {"peak": peak(transfer.extractor.device.type), "seconds": round(step, 2)}


def estimate(transfer: Transfer, size: int, way: str) -> int:
    """What a planner takes the bytes of this way to be."""
    planner = Planner(transfer.extractor, transfer.settings, Asked(), transfer.held)
    how = transfer.execution(0)
    found = planner.estimated((size, size), how).estimate
    assert found is not None
    return found


def picture(seed: int, size: int) -> torch.Tensor:
    """Soft blobs with noise, (3, H, W)."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 16, 16, generator=draw)
    soft = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")[0]
    return soft.mul_(0.8).add_(torch.rand(3, size, size, generator=draw), alpha=0.2)


def peak(device: str) -> int:
    """MB at most so far."""
    if device == "cuda":
        return round(torch.cuda.max_memory_allocated() / MB)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB)  # kibibytes on Linux


def save(options: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    """Write what was measured, and with what, where that was asked for."""
    if options.output is None:
        return
    name = torch.cuda.get_device_name() if options.device.startswith("cuda") else processor()
    record = {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "device": f"{options.device}, {name}",
        "threads": options.threads,
        "dtype": options.dtype,
        "versions": versions(),
        "unit": "MB",
        "rows": rows,
    }
    options.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def table(record: dict[str, Any]) -> str:
    """As Markdown has tables: a row per network and size, a pair of columns per way."""
    rows = record["rows"]
    ways = list(dict.fromkeys(row["way"] for row in rows))
    titles = [f"tiles of {way}" if way.isdecimal() else way for way in ways]
    lines = [["network", "size", *titles], ["---"] * (2 + len(ways))]
    for backbone, size in dict.fromkeys((row["backbone"], row["size"]) for row in rows):
        found = {row["way"]: row for row in rows if (row["backbone"], row["size"]) == (backbone, size)}
        lines.append([backbone, str(size), *(cell(found.get(way, {})) for way in ways)])
    origin = (
        f"{record['date']}, {record['device']}, {record['threads']} thread(s), {record['dtype']}, torch "
        f"{record['versions']['torch']}: MB at most (estimated) and seconds a step"
    )
    return "\n".join([origin, "", *(f"| {' | '.join(line)} |" for line in lines)])


def cell(row: dict[str, Any]) -> str:
    """Of one way."""
    if "peak" not in row:
        return f"({row['estimated']})" if "estimated" in row else ""
    return f"{row['peak']} ({row['estimated']}), {row['seconds']:.1f} s"


if __name__ == "__main__":
    main()
