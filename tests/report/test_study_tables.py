"""Tables of a study hold the very numbers of the record, and read back."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from dataclasses import replace

import pyarrow
import pyarrow.parquet
import pytest
from report.study_extremes import HOSTILE, hostile, minimal, nothing
from report.study_results import realistic

from gramstyle.report import to_csv, to_markdown
from gramstyle.report.study import View, choices_table, remedies_table, verdict_table
from gramstyle.report.study.columns import diagnostic_table, estimate_table
from gramstyle.report.study.parquet import parquet
from gramstyle.study.results import ALL_TAPS, AS_IS, Condition, Estimate

CONDITION = ("backbone", "weights", "tap", "input", "features", "channels", "statistic", "metric")


@pytest.fixture(scope="module")
def results():
    return realistic(("vgg16", "mobilenet_v2"), 3)


def read_csv(table):
    return list(csv.DictReader(io.StringIO(to_csv(*table.table()), newline="")))


def read_parquet(table):
    return pyarrow.parquet.read_table(io.BytesIO(parquet(table)))


def test_estimates_in_csv_are_those_of_the_record(results):
    rows = read_csv(estimate_table(View(results)))
    assert len(rows) == len(results.estimates)
    taps = {(one.backbone, one.weights, one.tap): one for one in results.taps}
    for row, one in zip(rows, results.estimates, strict=True):
        assert tuple(row[name] for name in CONDITION) == tuple(
            getattr(one.condition, name) for name in CONDITION
        )
        assert (row["question"], row["estimate"], row["split"]) == (one.question, one.name, one.split)
        assert float(row["value"]) == one.value
        for name in ("low", "high", "p", "p_adjusted"):
            value = getattr(one, name)
            assert (row[name] == "") if value is None else (float(row[name]) == value)
        assert [int(row[name]) for name in ("images", "near", "far")] == [one.images, one.near, one.far]
        tap = taps[one.condition.backbone, one.condition.weights, one.condition.tap]
        assert (row["tap_kind"], float(row["tap_depth"])) == (tap.kind, tap.depth)
        assert [int(row[f"tap_{name}"]) for name in ("channels", "positions", "reduction")] == [
            tap.channels,
            tap.positions,
            tap.reduction,
        ]
        assert row["learned"] == str(tap.backbone != "pixels" and "random" not in tap.weights)
        assert row["weights_sha256"] == results.provenance.weights[one.condition.network]["sha256"]
        assert (row["corpus"], row["corpus_digest"]) == (results.corpus.name, results.corpus.digest)
        assert (row["seed"], row["device"], row["dtype"]) == ("7", "cpu", "float32")
        assert (row["torch"], row["gramstyle"]) == ("2.10.0", "0.1.0")


def test_parquet_holds_the_same_with_types_and_nulls(results):
    table = read_parquet(estimate_table(View(results)))
    rows = read_csv(estimate_table(View(results)))
    assert table.column_names == list(rows[0])
    types = {field.name: field.type for field in table.schema}
    assert types["value"] == types["tap_depth"] == pyarrow.float64()
    assert types["near"] == types["tap_channels"] == types["seed"] == pyarrow.int64()
    assert types["learned"] == pyarrow.bool_()
    assert types["metric"] == pyarrow.string()
    for plain, row in zip(rows, table.to_pylist(), strict=True):
        assert plain == {name: "" if value is None else str(value) for name, value in row.items()}
    assert table.column("p_adjusted").null_count == sum(one.p_adjusted is None for one in results.estimates)


def test_not_defined_is_not_the_same_as_not_computed():
    condition = Condition(backbone="vgg16", weights="IMAGENET1K_V1", tap=ALL_TAPS)
    one = Estimate(condition=condition, question="", name="x", split="all", value=math.nan, high=math.inf)
    results = minimal()
    view = View(replace(results, estimates=(one,)))
    (row,) = read_parquet(estimate_table(view)).to_pylist()
    assert math.isnan(row["value"])
    assert (row["low"], row["high"]) == (None, math.inf)
    assert row["tap"] == ALL_TAPS
    assert (row["tap_kind"], row["tap_depth"], row["tap_channels"]) == (None, None, None)
    (plain,) = read_csv(estimate_table(view))
    assert (plain["value"], plain["low"], plain["high"], plain["tap_kind"]) == ("nan", "", "inf", "")


def test_diagnostics_are_those_of_the_record(results):
    rows = read_csv(diagnostic_table(View(results)))
    assert len(rows) == len(results.diagnostics)
    for row, one in zip(rows, results.diagnostics, strict=True):
        assert (row["backbone"], row["weights"], row["tap"]) == (one.backbone, one.weights, one.tap)
        assert row["network"] == f"{one.backbone}@{one.weights}"
        assert row["diagnostic"] == one.name
        found = [float(row[name]) for name in ("median", "first_quartile", "third_quartile")]
        assert found == [one.median, one.low, one.high]
        assert row["pooled"] == ("" if one.pooled is None else repr(one.pooled))
        assert row["tap_depth"] != ""


@pytest.mark.parametrize("made", [minimal, nothing, hostile])
def test_every_study_has_its_tables(made):
    view = View(made())
    for table, expected in (
        (estimate_table(view), view.results.estimates),
        (diagnostic_table(view), view.results.diagnostics),
    ):
        assert len(read_csv(table)) == len(expected)
        assert read_parquet(table).num_rows == len(expected)


def test_names_that_are_no_text_can_be_written():
    results = hostile()
    bad = replace(results.corpus, name=HOSTILE[4])
    view = View(replace(results, corpus=bad))
    assert {row["corpus"] for row in read_csv(estimate_table(view))} == {"bad\\udcff"}
    assert set(read_parquet(estimate_table(view)).column("corpus").to_pylist()) == {"bad\\udcff"}


def test_choices_and_their_header(results):
    header, rows = choices_table(results)
    assert len(rows) == 2
    for row, one in zip(rows, results.choices, strict=True):
        found = dict(zip(header, row, strict=True))
        assert (found["network"], found["tap"]) == (one.network, one.tap)
        assert (found["statistic"], found["metric"]) == (one.statistic, one.metric)
        assert (found["development_auc"], found["held_out_auc"]) == (one.development, one.held_out)
        assert (found["low"], found["high"]) == (one.low, one.high)
        assert (found["p"], found["p_adjusted"]) == (one.p, one.p_adjusted)
    assert to_markdown(header, rows).count("\n") == 4
    assert to_csv(header, rows)


def test_verdicts_have_a_row_for_each_prediction(results):
    header, rows = verdict_table(results)
    assert header == ("hypothesis", "claim", "verdict", "prediction", "rule", "finding", "decision")
    assert Counter(row[0] for row in rows) == {"H1": 2, "H3": 1, "H8": 1, "H11": 2}
    assert rows[-1][2:4] == ("refuted", "A shuffle of each channel hurts.")
    assert [row[-1] for row in rows][-2:] == ["undecided", "refuted"]


def test_remedies_are_ranked_within_each_network():
    results = hostile()
    shuffled = replace(results, remedies=results.remedies[::-1])
    header, rows = remedies_table(shuffled)
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert [one["rank"] for one in found] == list(range(1, len(results.remedies) + 1))
    values = [one["held_out_auc"] for one in found]
    assert values[:-1] == sorted(values[:-1], reverse=True)
    assert math.isnan(values[-1])
    assert found[0]["remedy"] == "log-Euclidean"
    assert found[-1]["remedy"] == HOSTILE[0]
    named = {one.name: one for one in results.remedies}
    for one in found:
        record = named[one["remedy"]]
        assert (one["tap"], one["gain"]) == (record.condition.tap, record.gain)
        assert (one["gain_low"], one["gain_high"]) == (record.gain_low, record.gain_high)


@pytest.mark.parametrize("table", [choices_table, verdict_table, remedies_table])
def test_tables_of_nothing_are_headers(table):
    header, rows = table(nothing())
    assert header
    assert rows == []


def test_as_is_conditions_say_so(results):
    assert {row["input"] for row in read_csv(estimate_table(View(results)))} == {AS_IS}
