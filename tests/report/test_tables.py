"""Tables hold the very numbers, and read back."""

from __future__ import annotations

import csv
import io

import pytest

from gramstyle.report import (
    SUMMARY_HEADER,
    distance_table,
    pair_table,
    separation_table,
    summary_rows,
    to_csv,
    to_markdown,
    without_shared_folders,
)

AWKWARD = ("a,b.png", 'say "hi".png', "two\nlines\r.png", "日本 ü.png", "=1+1")


def read(text):
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    return header, rows


def test_matrix_reads_back_exactly(distances_of):
    distances = distances_of(names=AWKWARD)
    header, rows = read(to_csv(*distance_table(distances)))
    assert header == ["image", *AWKWARD]
    assert [row[0] for row in rows] == list(AWKWARD)
    assert [[float(cell) for cell in row[1:]] for row in rows] == distances.combined.tolist()


def test_pairs_read_back_exactly_each_once(distances_of):
    distances = distances_of(names=AWKWARD)
    header, rows = read(to_csv(*pair_table(distances)))
    assert header == ["image", "other", "combined", *distances.per_tap]
    place = {name: index for index, name in enumerate(AWKWARD)}
    found = {(place[row[0]], place[row[1]]): [float(cell) for cell in row[2:]] for row in rows}
    assert len(rows) == len(found) == 10
    assert all(i < j for i, j in found)
    for (i, j), values in found.items():
        assert values == [float(one[i, j]) for one in (distances.combined, *distances.per_tap.values())]


def test_pairs_of_two_sets_are_all_there(distances_of):
    distances = distances_of(names=("a", "b"), others=("a", "x", "y"))
    _, rows = pair_table(distances)
    assert [row[:2] for row in rows] == [(i, j) for i in "ab" for j in "axy"]
    assert [row[2] for row in rows] == distances.combined.flatten().tolist()


def test_a_name_that_is_no_text_can_be_written(distances_of):
    text = to_csv(*pair_table(distances_of(names=("bad\udcff", "good"))))
    assert read(text)[1][0][0] == "bad\\udcff"
    assert text.encode()


def test_separations_are_all_there(three):
    header, rows = read(to_csv(*separation_table(three)))
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert len(found) == 2 * (4 + 3 + 3)
    named = {"vgg16": three[0], "efficientnet_b0": three[1], "mobilenet_v2": three[2]}
    for row in found:
        one = named[row["architecture"]].separations[row["metric"]][row["tap"]]
        assert float(row["auc"]) == one.auc
        assert float(row["contrast_percent"]) == 100 * one.contrast
        assert float(row["dprime"]) == one.dprime
        assert (int(row["pairs_within"]), int(row["pairs_between"])) == (one.within, one.between)
        assert row["weights"] == "TEST_V1"


def test_summary_names_best_and_last_tap(three):
    row = summary_rows(three)[0]
    assert (row.label, row.metric) == ("vgg16", "relative-frobenius")
    assert (row.best_tap, row.best.auc) == ("relu2_1", 0.95)
    assert (row.last_tap, row.last.auc) == ("relu3_1", 0.7)
    assert row.overall.auc == 0.91
    plain = [cell.replace("\u00a0", " ") for cell in row.cells]
    assert plain == [
        "vgg16",
        "relative-frobenius",
        "0.910",
        "120 %",
        "3.60",
        "0.950 at relu2_1",
        "0.700 at relu3_1",
        "12 s",
    ]
    assert len(SUMMARY_HEADER) == len(plain)


def test_comparisons_of_one_backbone_are_told_apart(compared):
    pair = [compared("vgg16", weights="V1"), compared("vgg16", weights="V2")]
    assert [row.label for row in summary_rows(pair)] == ["vgg16@V1", "vgg16@V2"]
    same = [compared("vgg16"), compared("vgg16", resize="short:64")]
    assert [row.label for row in summary_rows(same)] == ["vgg16@TEST_V1", "vgg16@TEST_V1 (2)"]


@pytest.mark.parametrize(
    ("cell", "written"),
    [("a|b", "a\\|b"), ("<b>*x*", "\\<b\\>\\*x\\*"), ("two\nlines", "two lines"), ("_x_", "\\_x\\_")],
)
def test_markdown_survives_its_own_signs(cell, written):
    lines = to_markdown(("name", "value"), [(cell, 0.12345678)]).splitlines()
    assert lines == ["| name | value |", "| --- | ---: |", f"| {written} | 0.1235 |"]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["/a/b/1.png", "/a/b/c/2.png"], ["1.png", "c/2.png"]),
        (["x/1.png", "y/1.png"], ["x/1.png", "y/1.png"]),
        (["cat", "dog"], ["cat", "dog"]),
        (["/a/1.png"], ["1.png"]),
        (["/abc/1.png", "/abd/1.png"], ["abc/1.png", "abd/1.png"]),
        ([], []),
    ],
)
def test_shared_folders_are_left_out_of_names(names, short):
    assert without_shared_folders(names) == short
