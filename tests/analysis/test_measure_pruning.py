"""The study of pruned networks: its record, the page made of that, and a small run beside the library."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

from gramstyle import make_recipe, separation
from gramstyle.corpus import PALETTES, STYLES, procedural_corpus
from gramstyle.describe import Describer
from gramstyle.measure import distances

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "analysis" / "results" / "pruning.json"


def test_the_page_has_the_tables_of_the_record(script):
    assert script.tables(json.loads(RECORD.read_text())) in (ROOT / "docs" / "convolutions.md").read_text()


def test_what_the_page_says_in_words():
    rows = {
        (row["network"].partition("@")[0], row["sparsity"]): row
        for row in json.loads(RECORD.read_text())["rows"]
        if row["weights"] == "trained" and row["reading"] == "default"
    }
    assert len(rows) == 3 * 7
    for (name, sparsity), row in rows.items():
        assert (row["spearman"] > 0.85) is (sparsity <= 0.5)
        assert row["auc_change"][0] > -0.012 or sparsity > 0.5
        assert (row["auc"][0] < 0.9) is (name == "efficientnet_lite0" and sparsity >= 0.7)
        assert row["zeros"] < sparsity + 0.01


@pytest.fixture(scope="module")
def corpus(script):
    """Eight images of two styles, which the script takes for its own."""
    made = procedural_corpus(
        0, styles=list(STYLES)[:2], contents=("hills", "cat"), palettes=list(PALETTES)[:2], replicates=1
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script, "procedural_study", lambda seed, quick: made)
        yield made


@pytest.fixture(scope="module")
def small(script, corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pruning")
    words = [str(folder / "kept"), "--quick", "--resize", "short:32", "--sparsities", "0,0.5",
             "--backbones", "mobilenet_v2@random:1", "-o", str(folder / "record.json"), "--figure",
             str(folder / "figure.png")]  # fmt: skip
    script.main(words)
    return words, json.loads((folder / "record.json").read_text()), folder


def test_rows_are_what_the_library_says(small, corpus):
    """The default distance, by descriptors; rank correlation by its definition."""
    pictures = [item.origin.picture() for item in corpus.items]
    found = []
    for sparsity in (0.0, 0.5):
        recipe = make_recipe("mobilenet_v2@random:1", sparsity=sparsity, resize="short:32")
        found.append(distances(Describer(recipe, device="cpu").describe(pictures)).combined.numpy())
    upper = np.triu_indices(len(pictures), k=1)
    whole, pruned = (one[upper] for one in found)
    row = next(
        row for row in small[1]["rows"] if (row["reading"], row["sparsity"]) == ("default", 0.5)
    )  # fmt: skip
    assert row["ratio"] == pytest.approx(np.median(pruned / whole), rel=1e-3)
    expected = np.corrcoef(rankdata(pruned), rankdata(whole))[0, 1]
    assert row["spearman"] == pytest.approx(expected, abs=1e-9)
    assert row["auc"][0] == pytest.approx(separation(found[1], corpus.labels("style")).auc)
    assert 0.4 < row["zeros"] < 0.5  # the first convolution and depthwise ones are whole


def test_the_whole_network_beside_itself(small):
    rows = [row for row in small[1]["rows"] if row["weights"] == "trained" and row["sparsity"] == 0]
    assert [row["reading"] for row in rows] == ["default", "plain L2"]
    for row in rows:
        assert (row["spearman"], row["ratio"], row["zeros"]) == (pytest.approx(1), 1, 0)
        assert row["auc_change"] == [0, 0, 0]


def test_a_second_run_runs_no_network(small, script, monkeypatch):
    words, before, folder = small
    assert (folder / "figure.png").stat().st_size > 10_000
    monkeypatch.setattr("gramstyle.study.measure.Network.features", None)
    again = folder / "again.json"
    script.main([*words, "--sparsities", "0", "-o", str(again)])
    assert json.loads(again.read_text())["rows"] == [row for row in before["rows"] if not row["sparsity"]]


def test_a_folder_or_a_table(script, capsys):
    with pytest.raises(SystemExit):
        script.main([])
    assert "give FOLDER or --table" in capsys.readouterr().err
