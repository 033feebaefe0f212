"""The script that turns finished studies into the published page of figures."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest
from report.study_results import realistic

from gramstyle.report.strict import strict_json
from gramstyle.report.study.columns import estimate_table
from gramstyle.report.study.view import View
from gramstyle.report.tables import to_csv


@pytest.fixture(scope="module")
def results():
    return realistic(taps=3)


def written(results, folder):
    """A folder with what the script reads of what a study writes."""
    folder.mkdir()
    (folder / "summary.json").write_text(strict_json(results.as_json()))
    (folder / "estimates.csv").write_text(to_csv(*estimate_table(View(results)).table()))
    return folder


def tables(text):
    """Heading -> rows of its table, header first."""
    found, heading = {}, ""
    for line in text.splitlines():
        if line.startswith("### "):
            heading = line.removeprefix("### ")
        elif line.startswith("|") and "---" not in line:
            found.setdefault(heading, []).append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


def test_every_figure_is_that_of_the_study(script, results, tmp_path):
    found = tables(script.section(written(results, tmp_path / "one"), "gramstyle study"))
    choices = found["Taps chosen on development styles, on held-out styles"][1:]
    assert [row[:2] for row in choices] == [[one.network, one.tap] for one in results.choices]
    for row, one in zip(choices, results.choices, strict=True):
        assert row[3] == f"{one.held_out:.3f} [{one.low:.3f}, {one.high:.3f}]"
    deepest = found["The deepest tap, plain L2: the setting of the question"][1:]
    last = {one.network: one.tap for one in results.ladder}
    for network, tap in last.items():
        (row,) = [row for row in deepest if row[0] == network]
        backbone, _, weights = network.partition("@")
        (auc,) = results.find(
            backbone=backbone, weights=weights, tap=tap, metric="frobenius", name="auc", question="style",
            split="all", statistic="gram", input="as-is", features="as-is", channels="as-is",
        )  # fmt: skip
        assert row[1] == tap
        assert row[3] == f"{auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]"
    remedies = found["Ways to read distances, held-out AUC"][1:]
    assert {row[0] for row in remedies} == {one.network for one in results.remedies}
    (lead,) = [rows for heading, rows in found.items() if "Shapley" in heading]
    assert [row[0] for row in lead[1:]] == ["as it is", "16 channels", "grey images", "all together"]
    assert lead[1][1] == "0.050 [0.040, 0.060]"
    assert all(len(row) == len(rows[0]) for rows in found.values() for row in rows)


def test_provenance_verdicts_and_command_are_said(script, results, tmp_path):
    text = script.section(written(results, tmp_path / "one"), "gramstyle study --procedural")
    assert "```sh\ngramstyle study --procedural\n```" in text
    made = results.provenance
    assert f"{made.date}, {made.device}, {made.dtype}, torch {made.versions['torch']}" in text
    for one in results.verdicts:
        assert f"**{one.name}: {one.decision}.** {one.hypothesis}" in text
    for note in results.corpus.notes:
        assert f"Note: {note}." in text


def test_a_study_without_a_lead_has_no_table_of_it(script, results, tmp_path):
    text = script.section(written(replace(results, gaps=()), tmp_path / "one"), None)
    assert "Shapley" not in text
    assert "```" not in text


def test_all_studies_of_the_command_line_are_printed(script, results, tmp_path, monkeypatch, capsys):
    folders = [str(written(results, tmp_path / name)) for name in ("one", "two")]
    monkeypatch.setattr(
        sys, "argv", ["write_results.py", *folders, "--command", "first", "--command", "second"]
    )
    script.main()
    printed = capsys.readouterr().out
    assert printed.startswith("# Results")
    assert printed.index("first") < printed.index("second")
    assert json.loads((tmp_path / "one" / "summary.json").read_text())["gaps"]
