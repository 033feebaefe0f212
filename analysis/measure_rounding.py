"""Rounding of each algorithm of a convolution, beside float64, as channels and tiles grow; of complex routes.

python analysis/measure_rounding.py > analysis/results/rounding.json
python analysis/measure_rounding.py --table analysis/results/rounding.json
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

import torch

from gramstyle.conv import ALGORITHMS, Planes, complex_conv2d
from gramstyle.conv.geometry import geometry_of
from gramstyle.conv.planar import ROUTES
from gramstyle.conv.winograd import minimal
from gramstyle.kernels import processor

CHANNELS = (4, 16, 64, 256)
OUTPUTS, SIDE, SEEDS = 32, 38, 5
KINDS = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
WAYS = ("direct", "im2col", "library", "fft", "winograd2", "winograd4", "winograd6", "winograd4, native")


def main() -> None:
    """Print the record, or the table of one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, help="a record, printed as Markdown")
    asked = parser.parse_args().table
    if asked is None:
        print(json.dumps(measured(), indent=1))
        return
    record = json.loads(asked.read_text())
    print(f"{table(record)}\n\n{complex_table(record)}")


def measured() -> dict[str, Any]:
    """Root mean square of the difference from float64, of that of the output; median over seeds."""
    rows = []
    for positive in (False, True):
        for channels in CHANNELS:
            found = {name: [error(name, channels, positive, seed) for seed in range(SEEDS)] for name in WAYS}
            errors = {name: sorted(each)[SEEDS // 2] for name, each in found.items()}
            rows.append({"channels": channels, "positive": positive, "errors": errors})
    return {
        "date": date.today().isoformat(),
        "device": f"cpu, {processor()}",
        "torch": torch.__version__,
        "rows": rows,
        "complex": {
            kind: {
                route: sorted(complex_error(route, kind, seed) for seed in range(SEEDS))[SEEDS // 2]
                for route in ROUTES
            }
            for kind in KINDS
        },
    }


def error(name: str, channels: int, positive: bool, seed: int) -> float:
    """Of 3 x 3 kernels in float32: normal numbers, or an input as after ReLU."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(1, channels, SIDE, SIDE, generator=generator)
    weight = torch.randn(OUTPUTS, channels, 3, 3, generator=generator)
    x = x.relu() if positive else x
    geometry = geometry_of(x, weight, None, 1, 0, 1, 1, "zeros", 2)
    exact = ALGORITHMS["library"](x.double(), weight.double(), geometry)
    if name == "winograd4, native":
        found = ALGORITHMS["winograd4"](x, weight, geometry)
    elif name.startswith("winograd"):
        found = minimal(int(name[-1]), x, weight, geometry)
    else:
        found = ALGORITHMS[name](x, weight, geometry)
    return float((found - exact).norm() / exact.norm())


def complex_error(route: str, kind: str, seed: int) -> float:
    """Of 3 x 3 kernels of 64 channels, normal numbers on planes of a type."""
    generator = torch.Generator().manual_seed(seed)

    def planes(*shape: int) -> Planes:
        return Planes(*(torch.randn(shape, generator=generator).to(KINDS[kind]) for _ in range(2)))

    x, weight = planes(1, 64, SIDE, SIDE), planes(OUTPUTS, 64, 3, 3)
    found = complex_conv2d(x, weight, algorithm=route)
    wide = [Planes(*(part.double() for part in one)).joined() for one in (x, weight, found)]
    exact = torch.nn.functional.conv2d(wide[0], wide[1])
    return float((wide[2] - exact).norm() / exact.norm())


def complex_table(record: dict[str, Any]) -> str:
    """Markdown, of the complex routes."""
    lines = [f"| planes of | {' | '.join(ROUTES)} | times |", "| --- | --- | --- | --- |"]
    for kind, errors in record["complex"].items():
        ratio = errors["gauss"] / errors["stacked"]
        lines.append(f"| {kind} | {errors['gauss']:.2g} | {errors['stacked']:.2g} | {ratio:.1f} |")
    return "\n".join(lines)


def table(record: dict[str, Any]) -> str:
    """Markdown, in units of 1e-7, with the date, device and version."""
    lines = [
        f"{record['date']}, {record['device']}, torch {record['torch']}; float32, 3 x 3 kernels, 1e-7:",
        "",
        f"| channels | input | {' | '.join(WAYS)} |",
        f"| --- | --- | {' | '.join('---' for _ in WAYS)} |",
    ]
    for row in record["rows"]:
        cells = [f"{1e7 * row['errors'][name]:.2g}" for name in WAYS]
        kind = "after ReLU" if row["positive"] else "normal"
        lines.append(f"| {row['channels']} | {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
