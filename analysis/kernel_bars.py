"""What kernels must reach to be on by default, and whether measured ones do.

python analysis/kernel_bars.py analysis/benchmarks/DEVICE.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SHARE_OF_COPY = 0.8
"""Of the bandwidth of a copy, for second moments of up to 128 channels of an image of 1024 x 1024."""

FUSED = 1.5
"""Times as fast as convolution and second moment apart, for first layers and early 1x1 expansions."""

EARLY = ("relu1_1 of VGG", "expansion 16 -> 96", "expansion 24 -> 144")


def bars(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry per bar and case: required, measured (None: it did not run), and whether that is met."""
    copies = [row["bytes_per_second"] for row in rows if row["kind"] == "copy"]
    found: list[dict[str, Any]] = []
    for row in rows:
        if row["kind"] == "gram":
            found += gram_bars(row, copies[0] if copies else None)
        elif row["kind"] == "gradient":
            entry = ratio(row["seconds"], "torch", "ours")
            found.append(judged("no slower than torch", case_of(row), 1.0, entry))
        elif row["kind"] == "convolution":
            found += convolution_bars(row)
    return found


def gram_bars(row: dict[str, Any], copy: float | None) -> list[dict[str, Any]]:
    """Bandwidth where few channels leave nothing else to wait for, and torch.mm everywhere."""
    found = []
    if row["channels"] <= 128 and row["side"] >= 1024:
        ours = row["seconds"]["ours"]
        share = row["bytes"] / ours / copy if copy and isinstance(ours, float) else None
        found.append(judged("share of copy bandwidth", case_of(row), SHARE_OF_COPY, share))
    entry = ratio(row["seconds"], "torch.mm", "ours")
    return [*found, judged("no slower than torch.mm", case_of(row), 1.0, entry)]


def convolution_bars(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The fused kernel beside the fastest of the others; of late layers, for information."""
    apart = [
        value for name, value in row["seconds"].items() if "fused" not in name and isinstance(value, float)
    ]
    found = []
    for name in ("fused, features kept", "fused, sums alone"):
        one = row["seconds"][name]
        speed = min(apart) / one if apart and isinstance(one, float) else None
        required = FUSED if row["layer"] in EARLY and "kept" in name else None
        found.append(judged(f"{name}: times as fast as apart", case_of(row), required, speed))
    return found


def ratio(seconds: dict[str, Any], other: str, ours: str) -> float | None:
    """Times as fast as `other`."""
    both = seconds[other], seconds[ours]
    return both[0] / both[1] if all(isinstance(one, float) for one in both) else None


def case_of(row: dict[str, Any]) -> str:
    """Type, layout and shape in words."""
    shape = row.get("layer") or f"{row['channels']} channels"
    return f"{row['type']}, {row['layout']}, {shape} at {row['side']}"


def judged(bar: str, case: str, required: float | None, measured: float | None) -> dict[str, Any]:
    """Met, or None where nothing is required."""
    met = None if required is None else measured is not None and measured >= required
    return {
        "bar": bar, "case": case, "required": required,
        "measured": None if measured is None else round(measured, 3), "met": met,
    }  # fmt: skip


def table(found: list[dict[str, Any]]) -> str:
    """The bars as Markdown."""
    lines = ["| bar | case | required | measured | met |", "| --- | --- | --- | --- | --- |"]
    for one in found:
        measured = "did not run" if one["measured"] is None else f"{one['measured']:.2f}"
        met = {True: "yes", False: "no", None: ""}[one["met"]]
        lines.append(f"| {one['bar']} | {one['case']} | {one['required'] or ''} | {measured} | {met} |")
    counted = [one for one in found if one["met"] is not None]
    return "\n".join([*lines, "", f"{sum(one['met'] for one in counted)} of {len(counted)} bars are met."])


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_text())["bars"]))
