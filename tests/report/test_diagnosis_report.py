"""Tables and figure of diagnoses hold the numbers they are given."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
import torch

from gramstyle.descriptors import Image
from gramstyle.diagnose import DIAGNOSTICS, OF_IMAGES, OF_MOMENTS, PER_IMAGE, TapDiagnosis, linear_cka
from gramstyle.diagnosis import Diagnosis
from gramstyle.errors import UnknownNameError
from gramstyle.report import DARK, rendered, to_csv
from gramstyle.report.diagnosis import (
    SUMMARY,
    best_estimator,
    cka_table,
    full_table,
    image_table,
    legend_table,
    summary_table,
)
from gramstyle.report.diagnosis_figure import LOGARITHMIC, SHOWN, diagnosis_figure
from gramstyle.types import TapSpec, WeightsIdentity


def vectors(tap, images):
    return torch.randn(images, 7, generator=torch.Generator().manual_seed(tap), dtype=torch.float64)


def diagnosed(taps=("a", "b"), images=5, backbone="vgg16"):
    """Random numbers; the power law is defined nowhere."""
    generator = torch.Generator().manual_seed(len(taps))
    made = {}
    for place, name in enumerate(taps):
        values = {one: torch.rand(images, generator=generator, dtype=torch.float64) for one in PER_IMAGE}
        values["power_law"] = torch.full((images,), math.nan, dtype=torch.float64)
        kernel = vectors(place, images) @ vectors(place, images).T
        made[name] = TapDiagnosis(
            tap=TapSpec(name=name, module=name, channels=64 * 2**place, reduction=2**place, kind="relu"),
            positions=tuple(range(100, 100 + images)),
            per_image=values,
            pooled={one: 0.25 + place for one in OF_MOMENTS},
            across={one: 0.75 + place for one in OF_IMAGES},
            dead=(),
            kernels={"grams": kernel, "means": kernel},
        )
    return Diagnosis(
        images=tuple(Image(name=f"{place}.png", height=32, width=48) for place in range(images)),
        taps=made,
        backbone=f"{backbone}@TEST_V1",
        resize="none",
        seed=0,
        identity=WeightsIdentity(backbone=backbone, name="TEST_V1", source="nowhere", sha256="ab" * 32),
        dtype="float32",
        device="cpu",
        versions={},
    )


def test_summary_holds_medians():
    diagnosis = diagnosed()
    header, rows = summary_table(diagnosis)
    assert header == ("tap", "C", "P", *(heading for heading, _ in SUMMARY))
    assert [row[:3] for row in rows] == [("a", 64, 102), ("b", 128, 102)]
    for tap, row in zip(diagnosis.taps.values(), rows, strict=True):
        truth = [np.median(tap.per_image[name]) for _, name in SUMMARY]
        assert list(row[3:]) == pytest.approx(truth)


def test_full_table_has_each_kind_of_value():
    diagnosis = diagnosed()
    header, rows = full_table(diagnosis)
    assert header == ("diagnostic", "of images", "a", "b")
    assert list(dict.fromkeys(row[0] for row in rows)) == list(DIAGNOSTICS)
    found = {(row[0], row[1]): row[2:] for row in rows}
    assert len(found) == len(rows) == len(PER_IMAGE) + len(OF_MOMENTS) + len(OF_IMAGES)
    assert found["gini", "median"][1] == pytest.approx(np.median(diagnosis.taps["b"].per_image["gini"]))
    assert found["stable_rank", "pooled"] == (0.25, 1.25)
    assert found["norm_share", "across"] == (0.75, 1.75)
    assert found["power_law", "median"] == ("", "")


def test_image_table_reads_back_every_number():
    diagnosis = diagnosed()
    text = to_csv(*image_table(diagnosis))
    assert "nan" not in text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 2 * (5 + 2)
    assert [row["scope"] for row in rows[:7]] == [*["image"] * 5, "pooled", "across"]
    for place, row in enumerate(rows[:5]):
        assert (row["tap"], row["channels"], row["reduction"], row["kind"]) == ("a", "64", "1", "relu")
        assert (row["image"], row["height"], row["positions"]) == (f"{place}.png", "32", str(100 + place))
        for name in PER_IMAGE:
            value = float(diagnosis.taps["a"].per_image[name][place])
            assert row[name] == ("" if name == "power_law" else repr(value))
        assert row["norm_share"] == ""
    assert rows[5]["stable_rank"] == "0.25"
    assert rows[5]["gini"] == ""
    assert rows[6]["norm_share"] == "0.75"
    assert rows[5]["positions"] == str(sum(range(100, 105)))


def test_cka_is_that_of_the_kernels():
    a, b = diagnosed(), diagnosed(("x", "y", "z"))
    header, rows = cka_table(a, b)
    assert header == ("tap", "x", "y", "z")
    truth = [[float(linear_cka(vectors(i, 5), vectors(j, 5))) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose([row[1:] for row in rows], truth, atol=1e-9)
    few = diagnosed(images=3)
    _, rows = cka_table(few, few)
    assert rows[0][2] == pytest.approx(float(linear_cka(vectors(0, 3), vectors(1, 3), "biased")))
    assert [best_estimator(images) for images in (3, 4)] == ["biased", "debiased"]


def test_legend_has_every_diagnostic():
    header, rows = legend_table()
    assert header == ("diagnostic", "formula", "range", "of", "source")
    assert [row[0] for row in rows] == list(DIAGNOSTICS)


def drawn(ax):
    """Medians as drawn, one line per network, and pooled values."""
    lines = [line.get_ydata() for line in ax.lines]
    return lines, [points.get_offsets() for points in ax.collections if len(points.get_offsets()) > 1]


def test_figure_draws_medians_middle_halves_and_pooled_values():
    diagnoses = [diagnosed(), diagnosed(("x", "y", "z"), backbone="resnet18")]
    figure = diagnosis_figure(diagnoses, ("gini", "stable_rank"))
    gini, stable, *maps = figure.axes
    lines, pooled = drawn(gini)
    for line, one in zip(lines, diagnoses, strict=True):
        assert list(line) == pytest.approx([tap.quartiles("gini").median for tap in one.taps.values()])
    assert [list(line.get_xdata()) for line in gini.lines] == [[0, 1], [3, 4, 5]]
    bars = [bar for one in gini.collections for bar in one.get_segments()]
    quartiles = [tap.quartiles("gini") for one in diagnoses for tap in one.taps.values()]
    assert [tuple(bar[:, 1]) for bar in bars] == [(one.lower, one.upper) for one in quartiles]
    assert pooled == []
    _, pooled = drawn(stable)
    assert [one[:, 1].tolist() for one in pooled] == [[0.25, 1.25], [0.25, 1.25, 2.25]]
    assert (gini.get_yscale(), stable.get_yscale()) == ("linear", "log")
    assert gini.get_ylabel() == "gini"
    assert stable.get_ylabel() == "stable\nrank"
    assert [one.get_text() for one in gini.texts] == ["vgg16@TEST_V1", "resnet18@TEST_V1"]
    assert [one.get_text() for one in stable.get_xticklabels()] == ["a", "b", "x", "y", "z"]
    assert len(maps) == 2
    np.testing.assert_allclose(maps[1].get_images()[0].get_array().diagonal(), 1)
    assert maps[0].texts[1].get_text() == f"{float(linear_cka(vectors(0, 5), vectors(1, 5))):.2f}"
    assert rendered(figure).startswith(b"\x89PNG")


def test_figure_of_few_images_has_no_alignment_and_undefined_values_no_points():
    figure = diagnosis_figure([diagnosed(images=2)], ("power_law", "gini"), title="T", palette=DARK)
    assert len(figure.axes) == 2
    assert np.isnan(figure.axes[0].lines[0].get_ydata()).all()
    assert figure.get_suptitle() == "T"
    assert rendered(figure).startswith(b"\x89PNG")
    assert diagnosis_figure([diagnosed(images=1)]).get_suptitle() == "Diagnostics over 1 image"


def test_figure_of_many_taps_has_a_colour_bar_in_place_of_numbers():
    few, many = (diagnosis_figure([diagnosed([f"t{i}" for i in range(n)])], ("gini",)) for n in (12, 13))
    assert [len(figure.axes) for figure in (few, many)] == [2, 3]
    assert len(few.axes[1].texts) == 144
    assert not many.axes[1].texts
    assert rendered(many).startswith(b"\x89PNG")


def test_figure_knows_its_diagnostics():
    assert set(SHOWN) | set(LOGARITHMIC) <= set(PER_IMAGE)
    with pytest.raises(UnknownNameError, match=r"diagnostic must be one of: gini, .*got 'ginny'"):
        diagnosis_figure([diagnosed()], ["ginny"])
    with pytest.raises(ValueError, match="a diagnosis and a diagnostic to draw, got 0 and 6"):
        diagnosis_figure([])
