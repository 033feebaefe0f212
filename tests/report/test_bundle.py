"""A folder holds everything, or nothing."""

from __future__ import annotations

import json
import math

import pytest

from gramstyle.report import bundle, results_json, write_comparison


def test_folder_holds_every_file(tmp_path, three, pictured):
    written = write_comparison(three[:2], pictured(), tmp_path / "new" / "report")
    names = [path.name for path in written]
    assert names == [
        "report.html",
        "vgg16-distances.png",
        "vgg16-separation.png",
        "efficientnet_b0-distances.png",
        "efficientnet_b0-separation.png",
        "distances-vgg16.csv",
        "distances-efficientnet_b0.csv",
        "separation.csv",
        "results.json",
    ]
    assert sorted(path.name for path in (tmp_path / "new" / "report").iterdir()) == sorted(names)
    assert all(path.stat().st_size for path in written)


def test_results_read_back_exactly(three):
    found = json.loads(results_json(three))["comparisons"]
    assert [one["label"] for one in found] == ["vgg16", "efficientnet_b0", "mobilenet_v2"]
    for plain, comparison in zip(found, three, strict=True):
        distances = comparison.distances
        assert plain["combined"] == distances.combined.tolist()
        assert plain["per_tap"] == {tap: one.tolist() for tap, one in distances.per_tap.items()}
        assert plain["weights"]["sha256"] == "ab" * 32
        assert plain["versions"] == dict(distances.versions)
        assert plain["settings"] == json.loads(json.dumps(distances.recipe.as_json()))
        assert plain["crops"] == {"per_image": 4, "side": 128, "gap": 32}
        for metric, taps in comparison.separations.items():
            for tap, one in taps.items():
                assert plain["separations"][metric][tap]["auc"] == one.auc
                assert plain["separations"][metric][tap]["within"] == one.within


def test_infinite_numbers_are_strict_json(compared):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    found = json.loads(results_json([compared(overall=(1.0, math.inf))]), parse_constant=refuse)
    assert float(found["comparisons"][0]["separations"]["frobenius"]["taps together"]["contrast"]) == math.inf


def test_names_of_files_are_distinct_and_harmless(tmp_path, compared, monkeypatch):
    monkeypatch.setattr(bundle, "comparison_page", lambda *arguments: "page")
    pair = [compared(weights="../../x y.pth"), compared(weights="..\\..\\X Y.pth")]
    names = [path.name for path in write_comparison(pair, {}, tmp_path)]
    assert len({name.lower() for name in names}) == len(names)
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzXY0123456789._-") for name in names)


@pytest.mark.parametrize("broken", ["drawings", "comparison_page", "pair_table", "results_json"])
def test_nothing_is_written_when_something_cannot_be_made(tmp_path, compared, monkeypatch, broken):
    (tmp_path / "report.html").write_text("old")

    def fail(*arguments):
        raise RuntimeError("no ink")

    monkeypatch.setattr(bundle, broken, fail)
    with pytest.raises(RuntimeError, match="no ink"):
        write_comparison([compared()], {}, tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("report.html", "old")]
