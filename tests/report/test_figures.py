"""Figures show the numbers they are given, and are saved whole or not at all."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from gramstyle.errors import UnknownNameError
from gramstyle.report import (
    DARK,
    heatmap,
    heatmap_figure,
    rendered,
    save,
    separation_bars,
    separation_figure,
)


def axes():
    return Figure().subplots()


def texts(ax):
    return [one.get_text() for one in ax.texts]


def names_on(axis):
    return [one.get_text() for one in axis.get_ticklabels()]


def shown(ax):
    """The one image drawn on `ax`."""
    (image,) = ax.get_images()
    return image


def test_heatmap_shows_the_matrix_and_blanks_the_zero_diagonal():
    matrix = np.array([[0.0, 5.0, 3.0], [5.0, 0.0, 4.0], [3.0, 4.0, 0.0]])
    ax = heatmap(axes(), matrix, "abc", "abc", "T", "metric name")
    data = shown(ax).get_array()
    away = ~np.eye(3, dtype=bool)
    np.testing.assert_array_equal(data.data[away], matrix[away])
    np.testing.assert_array_equal(np.ma.getmaskarray(data), np.eye(3, dtype=bool))
    assert shown(ax).get_clim() == (3.0, 5.0)
    assert names_on(ax.xaxis) == names_on(ax.yaxis) == ["a", "b", "c"]
    assert ax.get_title(loc="left") == "T"
    assert [one.get_ylabel() for one in ax.figure.axes if one is not ax] == ["metric name"]
    assert matrix[0, 0] == 0


def test_heatmap_keeps_a_diagonal_that_is_not_zero_or_not_of_the_same_images():
    same = np.array([[0.5, 1.0], [1.0, 0.0]])
    assert np.ma.getmaskarray(shown(heatmap(axes(), same, "ab", "ab", "", "")).get_array()).sum() == 1
    assert not np.ma.getmaskarray(shown(heatmap(axes(), same, "ab", "cd", "", "")).get_array()).any()


def test_heatmap_of_few_images_carries_its_numbers_and_of_many_none():
    few = np.array([[0.0, 0.1234, 20000.0]])
    assert texts(heatmap(axes(), few, "a", "xyz", "", "")) == ["0.00", "0.123", "2.00e+04"]
    assert texts(heatmap(axes(), np.ones((13, 2)), "abcdefghijklm", "xy", "", "")) == []


@pytest.mark.parametrize("many", [41, 100, 1000])
def test_many_images_are_numbered_from_one_and_thinned(many):
    names = [f"image {place}" for place in range(many)]
    ax = heatmap(axes(), np.random.default_rng(0).random((many, 3)), names, "abc", "", "")
    written = names_on(ax.yaxis)
    assert written[0] == "1"
    assert 5 <= len(written) <= 40
    assert [int(text) for text in written] == [int(place) + 1 for place in ax.get_yticks()]
    assert "number" in ax.get_ylabel()
    assert ax.get_xlabel() == ""


def test_heatmap_refuses_names_that_do_not_fit():
    with pytest.raises(ValueError, match=r"one name per row and column.*\(2, 2\) for 1 rows and 2 columns"):
        heatmap(axes(), np.ones((2, 2)), ["a"], ["a", "b"], "", "")


def test_constant_missing_and_single_distances_are_drawn(distances_of):
    for matrix in (np.zeros((2, 3)), np.full((2, 3), 7.0), np.full((2, 3), np.nan)):
        figure = Figure()
        heatmap(figure.subplots(), matrix, "ab", "xyz", "", "")
        assert rendered(figure).startswith(b"\x89PNG")
    assert rendered(heatmap_figure(distances_of(names=("only",)))).startswith(b"\x89PNG")


def bars(ax):
    return [(bar.get_x(), bar.get_width()) for bar in ax.patches]


def test_bars_reach_the_numbers(separated):
    given = {"a": separated(0.9, 0.5), "b": separated(0.4, -0.2), "taps together": separated(0.5, 1.5)}
    ax = separation_bars(axes(), given, "auc", "T")
    assert [start + width for start, width in bars(ax)] == pytest.approx([0.9, 0.4, 0.5])
    assert all(start == 0.5 for start, _ in bars(ax))
    assert ax.get_xlim()[0] < 0.4
    assert ax.get_xlim()[1] == 1
    assert texts(ax) == ["0.900", "0.400", "0.500", "0.5: chance"]
    ax = separation_bars(axes(), given, "contrast", "T")
    assert bars(ax) == [(0, pytest.approx(50)), (0, pytest.approx(-20)), (0, pytest.approx(150))]
    assert ax.get_xlim()[0] < -20
    assert ax.get_xlim()[1] > 150
    assert [text.replace("\u00a0", " ") for text in texts(ax)] == [
        "50 %",
        "-20 %",
        "150 %",
        "5 %: the figure in the question",
    ]
    assert 5.0 in [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    assert names_on(ax.yaxis) == ["a", "b", "taps together"]
    top, bottom = ax.get_yticks()[0], ax.get_yticks()[-1]
    assert ax.transData.transform((0, top))[1] > ax.transData.transform((0, bottom))[1]


def test_the_line_of_the_question_is_in_sight_of_small_contrasts(separated):
    ax = separation_bars(axes(), {"a": separated(0.5, 0.001)}, "contrast")
    assert ax.get_xlim()[0] <= 0
    assert ax.get_xlim()[1] > 5


def test_infinite_contrast_is_said_and_not_drawn(separated):
    figure = Figure()
    ax = separation_bars(figure.subplots(), {"a": separated(1.0, float("inf"))}, "contrast")
    assert bars(ax) == [(0, 0)]
    assert texts(ax)[0] == "infinite"
    assert rendered(figure).startswith(b"\x89PNG")


def test_figure_has_two_panels_per_metric(three):
    figure = separation_figure(three[0])
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == [
        "relative-frobenius: AUC",
        "relative-frobenius: contrast",
        "frobenius: AUC",
        "frobenius: contrast",
    ]
    assert "vgg16" in figure.get_suptitle()


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".SVG", b"<?xml"), (".pdf", b"%PDF")])
def test_equal_figures_make_equal_undated_files(tmp_path, distances_of, suffix, start):
    first, second = (
        save(heatmap_figure(distances_of(), palette=DARK), tmp_path / f"{n}{suffix}") for n in "ab"
    )
    assert first.read_bytes().startswith(start)
    assert first.read_bytes() == second.read_bytes()
    assert b"dc:date" not in first.read_bytes()
    assert b"CreationDate" not in first.read_bytes()


def test_names_are_drawn_as_they_are(tmp_path, distances_of):
    names = ("$\\frac{$", "日本.png", "a\nb\x07\udcff", "x" * 200)
    figure = heatmap_figure(distances_of(names=names))
    assert rendered(figure, ".svg")
    written = names_on(figure.axes[0].yaxis)
    assert written[:3] == ["$\\frac{$", "日本.png", "a\ufffdb\ufffd\\udcff"]
    assert len(written[3]) < 40
    assert "…" in written[3]


def test_unknown_suffix_lists_those_that_exist(tmp_path):
    with pytest.raises(UnknownNameError) as caught:
        save(Figure(), tmp_path / "a.bmp")
    assert str(caught.value).startswith("suffix of a figure's file must be one of: ")
    assert {".png", ".svg", ".pdf"} <= set(str(caught.value).replace(",", "").replace(";", "").split())
    assert "got '.bmp'" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_figure_that_cannot_be_drawn_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "a.png"
    target.write_bytes(b"old")

    def broken(self, buffer, **options):
        buffer.write(b"half")
        raise RuntimeError("no ink")

    monkeypatch.setattr(Figure, "savefig", broken)
    with pytest.raises(RuntimeError, match="no ink"):
        save(Figure(), target)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.png", b"old")]


def test_settings_of_the_user_neither_matter_nor_change(distances_of):
    import matplotlib

    plain = rendered(heatmap_figure(distances_of()))
    with matplotlib.rc_context({"font.size": 30, "axes.titlesize": 40, "font.family": ["serif"]}):
        assert rendered(heatmap_figure(distances_of())) == plain
        assert matplotlib.rcParams["font.size"] == 30


@pytest.mark.proofs
def test_importing_loads_neither_matplotlib_nor_jinja2():
    code = "import sys, gramstyle.report; print({'matplotlib', 'jinja2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.proofs
def test_drawing_needs_no_pyplot():
    code = (
        "import sys, matplotlib.figure, numpy; from gramstyle.report import heatmap, rendered;"
        "f = matplotlib.figure.Figure(); heatmap(f.subplots(), numpy.eye(2), 'ab', 'ab', '', '');"
        "rendered(f); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
