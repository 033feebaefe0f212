"""Published figures: from the folders of finished studies to docs/results.md.

    python analysis/write_results.py OUTPUT [OUTPUT ...] > docs/results.md

Each OUTPUT is a folder that `gramstyle study ... -o OUTPUT` wrote.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

HEAD = """# Results

Written by `python analysis/write_results.py`; every figure is from the command above its table. Square
brackets hold 95 % bootstrap intervals over styles and images. How it was measured: [study.md](study.md).
"""
BEST = 10
"""Remedies shown of each network."""


def main() -> None:
    """Read the folders named on the command line, print Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="+", type=Path, metavar="OUTPUT")
    parser.add_argument("--command", action="append", default=[], help="the command of each study, in order")
    given = parser.parse_args()
    print(HEAD)
    for number, folder in enumerate(given.studies):
        said = given.command[number] if number < len(given.command) else None
        print(section(folder, said))


def section(folder: Path, command: str | None) -> str:
    """One study in Markdown."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    with (folder / "estimates.csv").open(encoding="utf-8", newline="") as file:
        estimates = list(csv.DictReader(file))
    corpus, made = summary["corpus"], summary["provenance"]
    counts = ", ".join(f"{len(labels)} {factor}s" for factor, labels in corpus["counts"].items())
    parts = [
        f"## {corpus['name']}: {corpus['images']} images ({counts})",
        "" if command is None else f"```sh\n{command}\n```",
        f"{made['date']}, {made['device']}, {made['dtype']}, torch {made['versions']['torch']}, "
        f"gramstyle {made['versions']['gramstyle']}, seed {made['seed']}. "
        f"Development styles: {', '.join(corpus['development'])}. Held out: {', '.join(corpus['held_out'])}.",
        *(f"Note: {note}." for note in corpus["notes"]),
        "### Taps chosen on development styles, on held-out styles",
        choices(summary),
        "### Differences of held-out AUC",
        differences(summary),
        "### The deepest tap, plain L2: the setting of the question",
        deepest(summary, estimates),
        "### Interventions at the deepest tap: change of AUC",
        ladder(summary),
        *gaps(summary),
        "### Ways to read distances, held-out AUC",
        remedies(summary),
        "### Verdict",
        verdict(summary),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def choices(summary: dict[str, Any]) -> str:
    """Held-out AUC of each network."""
    rows = [
        (
            one["network"],
            one["tap"],
            number(one["development"]),
            interval(one, "held_out"),
            p(one["p_adjusted"]),
        )
        for one in summary["choices"]
    ]
    return table(("network", "tap", "development AUC", "held-out AUC", "p, Holm"), rows)


def differences(summary: dict[str, Any]) -> str:
    """Networks against each other and against colours."""
    rows = [(one["what"], interval(one, "value"), p(one["p_adjusted"])) for one in summary["differences"]]
    return table(("first minus second", "difference", "p, Holm"), rows)


def deepest(summary: dict[str, Any], estimates: Sequence[dict[str, str]]) -> str:
    """Contrast and AUC where the question was asked, learned and random."""
    last = {one["network"]: one["tap"] for one in summary["ladder"]}  # the deepest comes last
    rows = []
    for network, tap in last.items():
        backbone = network.partition("@")[0]
        for weights in dict.fromkeys(one["weights"] for one in estimates if one["backbone"] == backbone):
            found = {
                one["estimate"]: one
                for one in estimates
                if (one["backbone"], one["weights"], one["tap"]) == (backbone, weights, tap)
                and (one["statistic"], one["metric"], one["split"]) == ("gram", "frobenius", "all")
                and one["input"] == one["features"] == one["channels"] == "as-is"
                and one["question"] == "style"
            }
            if "auc" in found and "contrast" in found:
                rows.append(
                    (
                        f"{backbone}@{weights}",
                        tap,
                        bracketed(found["contrast"], 100, " %"),
                        bracketed(found["auc"]),
                    )
                )
    return table(("network", "tap", "contrast", "AUC"), rows)


def ladder(summary: dict[str, Any]) -> str:
    """Change of AUC of every rung, one column per network."""
    steps = summary["ladder"]
    last = {one["network"]: one["tap"] for one in steps}
    names = dict.fromkeys(one["name"] for one in steps)
    rows = []
    for name in names:
        cells = {
            one["network"]: (
                interval(one, "auc", "low", "high")
                if name == "as it is"
                else interval(one, "change", "change_low", "change_high")
            )
            for one in steps
            if one["name"] == name and last[one["network"]] == one["tap"]
        }
        if cells:  # some can be made at shallower taps only
            rows.append((name, *(cells.get(network, "") for network in last)))
    return table(("intervention", *(f"{network} {tap}" for network, tap in last.items())), rows)


def gaps(summary: dict[str, Any]) -> list[str]:
    """What each control takes from a difference: one column per difference, nothing where there are none."""
    found = summary["gaps"]
    if not found:
        return []
    columns = list(dict.fromkeys((one["other"], one["where"], one["estimate"]) for one in found))
    cells = {(one["name"], one["other"], one["where"], one["estimate"]): one for one in found}
    rows = [
        (name, *(measured(cells.get((name, *column)), column[2] == "contrast") for column in columns))
        for name in dict.fromkeys(one["name"] for one in found)
    ]
    header = ("control", *(f"{other}, {where}, {estimate}" for other, where, estimate in columns))
    return [
        f"### {found[0]['network']} minus others, and what controls take from that (Shapley values)",
        table(header, rows),
    ]


def remedies(summary: dict[str, Any]) -> str:
    """The best readings of each network, and plain L2."""
    rows = []
    for network in dict.fromkeys(one["network"] for one in summary["remedies"]):
        mine = [one for one in summary["remedies"] if one["network"] == network]
        shown = mine[:BEST] + [one for one in mine[BEST:] if one["name"] == "L2"]
        rows += [
            (
                network,
                one["name"],
                one["condition"]["tap"],
                interval(one, "held_out"),
                interval(one, "gain", "gain_low", "gain_high"),
            )
            for one in shown
        ]
    return table(("network", "reading", "tap", "held-out AUC", "gain over L2"), rows)


def verdict(summary: dict[str, Any]) -> str:
    """Every hypothesis, with what was found."""
    lines = []
    for one in summary["verdicts"]:
        lines.append(f"**{one['name']}: {one['decision']}.** {one['hypothesis']}\n")
        lines += [f"- *{part['decision']}*: {part['prediction']} {part['finding']}." for part in one["parts"]]
        lines.append("")
    return "\n".join(lines)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown."""
    listed = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in listed)


def number(value: Any) -> str:
    """Three digits, of numbers and of the strings that stand for infinite ones."""
    return f"{float(value):.3f}"


def interval(one: dict[str, Any], name: str, low: str = "low", high: str = "high") -> str:
    """A figure with its interval."""
    return f"{number(one[name])} [{number(one[low])}, {number(one[high])}]"


def measured(one: dict[str, Any] | None, percent: bool) -> str:
    """The same, empty for what was not; contrasts in percent."""
    if one is None:
        return ""
    return bracketed(one, 100, " %") if percent else interval(one, "value")


def bracketed(row: dict[str, Any], times: float = 1, unit: str = "") -> str:
    """The same, in another unit."""
    digits = 1 if unit else 3
    value, low, high = (f"{times * float(row[name]):.{digits}f}" for name in ("value", "low", "high"))
    return f"{value}{unit} [{low}, {high}]"


def p(value: Any) -> str:
    """Two digits."""
    return f"{float(value):.2g}"


if __name__ == "__main__":
    main()
