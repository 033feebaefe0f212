"""Which descriptor should be the default? Readings ranked over networks and corpora.

    python analysis/choose_descriptor.py OUTPUT [OUTPUT ...]

Each OUTPUT is a folder that `gramstyle study ... -o OUTPUT` wrote. Only readings that need nothing but the
two images are ranked: no reference images, no neighbours, no change of the features. The rank is by the mean
AUC on development styles, over networks and corpora; gains over plain L2 are read off the held-out
styles, which took no part in that. The smallest of each stands beside the mean, because a default must not
fail anywhere. A default has no labels to choose a tap by: it is the first of those that average taps.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Any

from gramstyle.study.results import TOGETHER

AS_IS = "as-is"


def main() -> None:
    """Read the folders named on the command line, print a table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="+", type=Path, metavar="OUTPUT")
    studies = [json.loads((one / "summary.json").read_text("utf-8")) for one in parser.parse_args().studies]
    print(ranking(studies), end="\n\n")
    print(choice(studies))


Case = tuple[int, str]
"""Place of a study on the command line, and a network in it."""


def ranked(summaries: list[dict[str, Any]]) -> dict[str, dict[Case, dict[str, Any]]]:
    """Reading -> case -> what was found, for readings that every network of every study has, best first."""
    cases = {(number, network) for number, one in enumerate(summaries) for network in networks(one)}
    found: dict[str, dict[Case, dict[str, Any]]] = {}
    for number, one in enumerate(summaries):
        for remedy in one["remedies"]:
            if stands_alone(remedy["condition"]):
                found.setdefault(remedy["name"], {})[number, remedy["network"]] = remedy
    whole = {name: row for name, row in found.items() if set(row) == cases}
    return dict(sorted(whole.items(), key=lambda row: -mean(row[1], "development")))


def ranking(summaries: list[dict[str, Any]]) -> str:
    """Every reading, best mean first."""
    header = ("reading", "development AUC", "held-out AUC", "smallest", "held-out gain", "smallest")
    lines = [f"| {' | '.join(header)} |", "| --- " * len(header) + "|"]
    for name, row in ranked(summaries).items():
        values = (
            mean(row, "development"),
            mean(row, "held_out"),
            min(one["held_out"] for one in row.values()),
            mean(row, "gain"),
            min(one["gain"] for one in row.values()),
        )
        lines.append(f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} |")
    return "\n".join([*lines, "", f"{sum(len(networks(one)) for one in summaries)} networks and corpora."])


def choice(summaries: list[dict[str, Any]]) -> str:
    """The first reading that chooses no tap, and what it gains in each case."""
    averaged = {
        name: row
        for name, row in ranked(summaries).items()
        if all(one["condition"]["tap"] in TOGETHER for one in row.values())
    }
    if not averaged:
        return "No reading averages taps."
    name, row = next(iter(averaged.items()))
    header = ("corpus", "network", "held-out AUC", "gain over L2")
    lines = [f"Default: {name}.", "", f"| {' | '.join(header)} |", "| --- " * len(header) + "|"]
    for (number, network), one in row.items():
        corpus = summaries[number]["corpus"]["name"]
        lines.append(
            f"| {corpus} | {network} | {interval(one, 'held_out', '')} | {interval(one, 'gain', 'gain_')} |"
        )
    return "\n".join(lines)


def mean(row: dict[Case, dict[str, Any]], name: str) -> float:
    """Over networks and corpora."""
    return fmean(one[name] for one in row.values())


def interval(remedy: dict[str, Any], name: str, prefix: str) -> str:
    """A value with its interval."""
    return f"{remedy[name]:.3f} [{remedy[prefix + 'low']:.3f}, {remedy[prefix + 'high']:.3f}]"


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
