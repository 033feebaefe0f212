"""Which descriptor should be the default? Readings ranked over networks and corpora.

    python analysis/choose_descriptor.py OUTPUT [OUTPUT ...]

Each OUTPUT is a folder that `gramstyle study ... -o OUTPUT` wrote. Only readings that need nothing but the
two images are ranked: no reference images, no neighbours, no change of the features. The rank is by the mean
AUC on development styles, over networks and corpora; what the first gains over plain L2 is read off the
held-out styles, which took no part in that choice. The smallest of each stands beside the mean, because a
default must not fail anywhere.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Any

AS_IS = "as-is"


def main() -> None:
    """Read the folders named on the command line, print a table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="+", type=Path, metavar="OUTPUT")
    print(
        ranking(
            [json.loads((one / "summary.json").read_text("utf-8")) for one in parser.parse_args().studies]
        )
    )


def ranking(summaries: list[dict[str, Any]]) -> str:
    """Readings that every network of every study has, best mean first."""
    cases = [(number, network) for number, one in enumerate(summaries) for network in networks(one)]
    found: dict[str, dict[tuple[int, str], dict[str, Any]]] = {}
    for number, one in enumerate(summaries):
        for remedy in one["remedies"]:
            if stands_alone(remedy["condition"]):
                found.setdefault(remedy["name"], {})[number, remedy["network"]] = remedy
    whole = {name: [row[case] for case in cases] for name, row in found.items() if set(row) == set(cases)}
    rows = [
        (
            name,
            fmean(one["development"] for one in row),
            fmean(one["held_out"] for one in row),
            min(one["held_out"] for one in row),
            fmean(one["gain"] for one in row),
            min(one["gain"] for one in row),
        )
        for name, row in whole.items()
    ]
    rows.sort(key=lambda row: -row[1])
    header = ("reading", "development AUC", "held-out AUC", "smallest", "held-out gain", "smallest")
    lines = [f"| {' | '.join(header)} |", "| --- " * len(header) + "|"]
    lines += [f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} |" for name, *values in rows]
    return "\n".join([*lines, "", f"{len(cases)} networks and corpora."])


def networks(summary: dict[str, Any]) -> list[str]:
    """Networks whose readings were ranked."""
    return list(dict.fromkeys(one["network"] for one in summary["remedies"]))


def stands_alone(condition: dict[str, str]) -> bool:
    """Whether a distance needs nothing but the features of two images as they are."""
    return condition["input"] == condition["features"] == condition["channels"] == AS_IS and not condition[
        "metric"
    ].endswith("+csls")


if __name__ == "__main__":
    main()
