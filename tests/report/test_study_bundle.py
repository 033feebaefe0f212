"""A folder holds everything about a study, or nothing."""

from __future__ import annotations

import ast
import json
import math
from pathlib import Path

import PIL.Image
import pytest
from report.parsed import Page
from report.study_extremes import hostile, minimal
from report.study_results import realistic

from gramstyle.report.strict import strict_json
from gramstyle.report.study import bundle, study_plans, write_study


@pytest.fixture(scope="module")
def results():
    return realistic(("vgg16",), 2)


@pytest.fixture(scope="module")
def written(results, tmp_path_factory):
    """The folder of a study; only its first and its last figure are drawn, to save time."""
    patch = pytest.MonkeyPatch()
    patch.setattr(bundle, "study_plans", lambda view: study_plans(view)[:: len(study_plans(view)) - 1])
    folder = tmp_path_factory.mktemp("study") / "new" / "report"
    paths = write_study(results, folder)
    patch.undo()
    return folder, paths


def test_folder_holds_every_file(written):
    folder, paths = written
    names = [path.relative_to(folder).as_posix() for path in paths]
    assert names == [
        "report.html",
        "estimates.csv",
        "estimates.parquet",
        "diagnostics.csv",
        "summary.json",
        "figures/depth-auc-frobenius.png",
        "figures/depth-auc-frobenius.svg",
        "figures/remedies.png",
        "figures/remedies.svg",
    ]
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == sorted(paths)
    assert all(path.stat().st_size for path in paths)


def test_links_of_the_page_lead_to_the_files(written):
    folder, _ = written
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    targets = [
        given["href"] for tag, given in page.elements if tag == "a" and not given["href"].startswith("#")
    ]
    assert targets == ["estimates.csv", "estimates.parquet", "diagnostics.csv", "summary.json"]
    assert all((folder / target).is_file() for target in targets)


def test_figures_are_images_of_their_size(written):
    folder, _ = written
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    with PIL.Image.open(folder / "figures" / "depth-auc-frobenius.png") as image:
        given = page.having("img")[0]
        assert image.width / image.height == pytest.approx(
            int(given["width"]) / int(given["height"]), rel=0.01
        )
        assert "vgg16" in image.text["Description"]


def test_summary_is_all_but_the_estimates(written, results):
    folder, _ = written
    found = json.loads((folder / "summary.json").read_text())
    assert "estimates" not in found
    assert found["corpus"]["counts"] == json.loads(json.dumps(results.corpus.counts))
    assert [one["held_out"] for one in found["choices"]] == [one.held_out for one in results.choices]
    assert [one["decision"] for one in found["verdicts"]] == [one.decision for one in results.verdicts]
    assert found["maps"][0]["means"] == [list(row) for row in results.maps[0].means]
    assert len(found["ladder"]) == len(results.ladder)


def refuse(name):
    raise AssertionError(f"{name} is no JSON")


def test_numbers_that_are_not_finite_are_strict_json():
    text = strict_json(hostile().as_json())
    found = json.loads(text, parse_constant=refuse)
    assert math.isnan(float(found["ladder"][0]["auc"]))
    assert float(found["diagnostics"][0]["pooled"]) == math.inf
    assert math.isnan(float(found["maps"][0]["means"][0][0]))


@pytest.mark.parametrize("broken", ["drawn", "study_page", "estimate_table", "parquet", "strict_json"])
def test_nothing_is_written_when_something_cannot_be_made(tmp_path, monkeypatch, broken):
    (tmp_path / "report.html").write_text("old")

    def fail(*arguments, **options):
        raise RuntimeError("no ink")

    monkeypatch.setattr(bundle, "study_plans", lambda view: [])
    monkeypatch.setattr(bundle, broken, fail)
    with pytest.raises(RuntimeError, match="no ink"):
        write_study(minimal(), tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("report.html", "old")]


def test_what_is_no_study_is_refused(tmp_path):
    with pytest.raises(TypeError, match="results must be StudyResults, got dict"):
        write_study({}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_importing_this_loads_neither_matplotlib_nor_jinja_nor_arrow():
    for path in Path(bundle.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = (
                [alias.name for alias in getattr(node, "names", [])] if isinstance(node, ast.Import) else []
            )
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            heavy = {"matplotlib", "jinja2", "pyarrow"} & {str(name).partition(".")[0] for name in names}
            assert not heavy, path.name
