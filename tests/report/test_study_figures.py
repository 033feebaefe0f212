"""Figures of a study show the numbers of the record, in any study."""

from __future__ import annotations

import math
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from report.study_extremes import HOSTILE, hostile, minimal, nothing
from report.study_results import realistic

from gramstyle.diagnose import DIAGNOSTICS
from gramstyle.report import DARK, LIGHT, rendered
from gramstyle.report.study import View, drawn, study_plans
from gramstyle.report.study.diagnostics import CHOSEN
from gramstyle.report.study.plan import place_alike
from gramstyle.report.study.strokes import DASHES, MARKERS, strokes

STEMS = (
    "depth-auc-frobenius",
    "depth-contrast-frobenius",
    "depth-auc-relative-frobenius",
    "depth-contrast-relative-frobenius",
    "contrast-against-auc",
    "distributions-chosen",
    "distributions-others",
    "maps-style-chosen",
    "maps-style-others",
    "maps-content-chosen",
    "maps-content-others",
    "style-content-colour",
    "noise-floor",
    "noise-predicted-measured",
    "diagnostics-depth",
    "diagnostics-against-auc",
    "cka-gram",
    "cka-mean",
    "interventions-chosen",
    "interventions-others",
    "remedies",
)


@pytest.fixture(scope="module")
def results():
    return realistic(("vgg16", "mobilenet_v2"), 4)


@pytest.fixture(scope="module")
def figures(results):
    """Stem -> figure, light."""
    return {plan.stem: plan.figure(LIGHT) for plan in study_plans(View(results))}


@pytest.mark.proofs
def test_figures_for_dark_surroundings_have_their_panels_where_the_light_ones_have_them(results):
    """As if both had been laid out; finding places takes longer than drawing."""
    for plan in study_plans(View(results))[::4]:
        light, dark = plan.figure(LIGHT), plan.figure(DARK)
        for one in (light, dark):
            one.draw_without_rendering()
        copied = plan.figure(DARK)
        light.set_layout_engine("none")
        place_alike(copied, light)
        for mine, laid in zip([*copied.axes, *copied.texts], [*dark.axes, *dark.texts], strict=True):
            found, expected = mine.get_position(), laid.get_position()
            assert np.allclose(np.asarray(found), np.asarray(expected), atol=2e-3), plan.stem


def shown(figure):
    """Panels that are seen, colour bars left out."""
    return [ax for ax in figure.axes if ax.get_visible() and ax.get_label() != "<colorbar>"]


def titled(figure, title):
    """The panel of that title."""
    (ax,) = [ax for ax in shown(figure) if ax.get_title(loc="left") == title]
    return ax


def value_of(results, network, tap, question="style", name="auc", split="all", metric="frobenius"):
    backbone, _, weights = network.partition("@")
    (one,) = [
        one
        for one in results.estimates
        if (one.condition.backbone, one.condition.weights, one.condition.tap) == (backbone, weights, tap)
        and (one.question, one.name, one.split, one.condition.metric) == (question, name, split, metric)
    ]
    return one


def luminance(colour):
    """Relative luminance, WCAG 2.2."""
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_figure_is_there_once(figures):
    assert tuple(figures) == STEMS


def test_every_figure_says_what_it_shows(results, figures):
    for plan in study_plans(View(results)):
        assert plan.name
        assert plan.alt.endswith(".")
        assert plan.caption.endswith(".")
        figure = figures[plan.stem]
        words = [figure.get_suptitle(), *(ax.get_title(loc="left") for ax in figure.axes)]
        assert any(words)


@pytest.mark.parametrize(
    ("stem", "across", "up"),
    [
        ("depth-auc-frobenius", "", "AUC"),
        ("depth-contrast-frobenius", "", "contrast (%)"),
        ("contrast-against-auc", "contrast (%), logarithmic", "style AUC"),
        ("distributions-chosen", "distance / mean distance", "share of pairs"),
        ("style-content-colour", "AUC", ""),
        ("noise-floor", "PR / N_eff", "contrast (%)"),
        ("noise-predicted-measured", "predicted", "measured"),
        ("diagnostics-against-auc", "participation ratio PR", "style AUC"),
        ("interventions-chosen", "style AUC", ""),
        ("remedies", "held-out style AUC", ""),
    ],
)
def test_axes_are_named(figures, stem, across, up):
    first = shown(figures[stem])[0]
    assert (first.get_xlabel(), first.get_ylabel()) == (across, up)


def test_colour_bars_and_depths_are_named(figures):
    for stem, said in (("maps-style-chosen", "gram, frobenius, mean = 1"), ("cka-gram", "linear CKA")):
        bars = [ax for ax in figures[stem].axes if ax.get_label() == "<colorbar>"]
        assert bars
        assert {ax.get_ylabel() for ax in bars} == {said}
    for stem in ("depth-auc-frobenius", "diagnostics-depth"):
        for ax in shown(figures[stem])[-2:]:
            assert [one.get_text() for one in ax.get_xticklabels()] == ["first", "depth", "last"]


@pytest.mark.parametrize("name", ["auc", "contrast"])
@pytest.mark.parametrize("metric", ["frobenius", "relative-frobenius"])
def test_lines_over_depth_are_the_estimates(results, figures, name, metric):
    figure, unit = figures[f"depth-{name}-{metric}"], 100 if name == "contrast" else 1
    for backbone, weights in (("vgg16", "IMAGENET1K_V1"), ("mobilenet_v2", "IMAGENET1K_V2")):
        taps = [one for one in results.taps if (one.backbone, one.weights) == (backbone, weights)]
        network = f"{backbone}@{weights}"
        expected = [value_of(results, network, tap.tap, name=name, metric=metric) for tap in taps]
        ax = titled(figure, backbone)
        (line,) = [one for one in ax.lines if one.get_label() == weights]
        np.testing.assert_allclose(line.get_xdata(), [tap.depth for tap in taps])
        np.testing.assert_allclose(line.get_ydata(), [unit * one.value for one in expected])
        ends = {round(y, 9) for band in ax.collections for y in band.get_paths()[0].vertices[:, 1]}
        for one in expected:
            assert {round(unit * one.low, 9), round(unit * one.high, 9)} <= ends
        random = [
            unit * value_of(results, f"{backbone}@random:0", tap.tap, name=name, metric=metric).value
            for tap in taps
        ]
        assert any(np.allclose(one.get_ydata(), random) for one in ax.lines if len(one.get_ydata()) == 4)


def test_colours_and_chance_are_lines_across(results, figures):
    (colour,) = [
        one
        for one in results.estimates
        if one.condition.metric == "wasserstein" and (one.question, one.split) == ("style", "all")
    ]
    for ax in shown(figures["depth-auc-frobenius"]):
        across = [one.get_ydata()[0] for one in ax.lines if len(set(one.get_ydata())) == 1]
        assert 0.5 in across
        (bar,) = [one for one in ax.lines if one.get_marker() == "_"]
        assert list(bar.get_ydata()) == [colour.low, colour.high]
        assert any(np.isclose(one, colour.value) for one in across)
    for ax in shown(figures["depth-contrast-frobenius"]):
        assert 5.0 in [one.get_ydata()[0] for one in ax.lines]
        assert ax.get_yscale() == "log"
        assert ax.get_ylim()[0] < 5 < ax.get_ylim()[1]


def points_of(ax):
    return np.concatenate([np.asarray(one.get_offsets()) for one in ax.collections if len(one.get_offsets())])


def test_points_are_contrast_and_auc_of_every_tap(results, figures):
    for metric in ("frobenius", "relative-frobenius"):
        found = points_of(titled(figures["contrast-against-auc"], metric))
        expected = [
            (100 * value_of(results, network, tap, name="contrast", metric=metric).value, one.value)
            for network, tap, one in [
                (one.condition.network, one.condition.tap, one)
                for one in results.estimates
                if (one.question, one.name, one.split) == ("style", "auc", "all")
                and one.condition.metric == metric
                and one.condition.backbone != "pixels"
            ]
        ]
        np.testing.assert_allclose(sorted(map(tuple, found)), sorted(expected))


def test_histograms_are_the_distributions(results, figures):
    members = {(one.network, one.tap) for one in results.choices}
    chosen = [one for one in results.distributions if (one.condition.network, one.condition.tap) in members]
    for ax, one in zip(shown(figures["distributions-chosen"]), chosen, strict=True):
        near, far = ax.patches
        np.testing.assert_allclose(near.get_data().values, one.near)
        np.testing.assert_allclose(far.get_data().values, one.far)
        np.testing.assert_allclose(far.get_data().edges, one.edges)
        assert (near.get_fill(), far.get_fill()) == (True, False)
        assert ax.get_ylim()[1] > max(*one.near, *one.far)


def test_maps_are_in_units_of_their_mean(results, figures):
    members = {(one.network, one.tap) for one in results.choices}
    maps = [
        one
        for one in results.maps
        if one.factor == "style" and (one.condition.network, one.condition.tap) in members
    ]
    for ax, one in zip(shown(figures["maps-style-chosen"]), maps, strict=True):
        (image,) = ax.get_images()
        means = np.array(one.means)
        np.testing.assert_allclose(image.get_array(), means / means.mean())
        assert [tick.get_text() for tick in ax.get_yticklabels()] == list(one.labels)


def test_cka_is_on_one_scale_with_lines_between_networks(results, figures):
    ax = shown(figures["cka-gram"])[0]
    (image,) = ax.get_images()
    np.testing.assert_allclose(image.get_array(), results.similarity[0].values)
    assert image.get_clim() == (0.0, 1.0)
    assert [one.get_ydata()[0] for one in ax.lines if one.get_xdata()[0] == 0] == [1.5]
    assert [one.get_text() for one in ax.get_xticklabels()] == ["vgg16", "mobilenet_v2"]


def test_many_taps_of_cka_are_named_by_network(results):
    one = results.similarity[0]
    taps = tuple((network, f"tap {place}") for network in ("a@V", "b@V") for place in range(20))
    values = tuple(tuple(1.0 for _ in taps) for _ in taps)
    plans = study_plans(View(replace(results, similarity=(replace(one, taps=taps, values=values),))))
    (plan,) = [plan for plan in plans if plan.section == "similarity"]
    ax = shown(plan.figure(LIGHT))[0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a@V", "b@V"]
    assert list(ax.get_yticks()) == [9.5, 29.5]


def test_noise_points_are_those_of_the_record(results, figures):
    ratios = [one.participation / one.effective for one in results.noise]
    for title, values in (
        ("measured", [100 * one.contrast for one in results.noise]),
        ("predicted", [100 * one.predicted for one in results.noise]),
    ):
        found = points_of(titled(figures["noise-floor"], title))
        np.testing.assert_allclose(sorted(map(tuple, found)), sorted(zip(ratios, values, strict=True)))
    pairs = [(one.noise, one.measured_noise) for one in results.noise]
    first, second = shown(figures["noise-predicted-measured"])
    np.testing.assert_allclose(sorted(map(tuple, points_of(first))), sorted(pairs))
    pairs = [(100 * one.predicted, 100 * one.contrast) for one in results.noise]
    np.testing.assert_allclose(sorted(map(tuple, points_of(second))), sorted(pairs))
    for ax in (first, second):
        assert ax.get_xlim() == ax.get_ylim()
        (diagonal,) = ax.lines
        assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())


def test_diagnostics_are_medians_against_auc(results, figures):
    ax = next(
        ax for ax in shown(figures["diagnostics-against-auc"]) if ax.get_xlabel() == CHOSEN["top5_share"]
    )
    expected = [
        (one.median, value_of(results, f"{one.backbone}@{one.weights}", one.tap).value)
        for one in results.diagnostics
        if one.name == "top5_share"
    ]
    np.testing.assert_allclose(sorted(map(tuple, points_of(ax))), sorted(expected))
    ax = titled(figures["diagnostics-depth"], CHOSEN["top5_share"])
    drawn_values = sorted(value for line in ax.lines for value in line.get_ydata())
    np.testing.assert_allclose(drawn_values, sorted(median for median, _ in expected))


def test_chosen_diagnostics_exist_and_others_are_left_to_the_table(figures):
    assert set(CHOSEN) <= set(DIAGNOSTICS)
    titles = {ax.get_title(loc="left") for ax in shown(figures["diagnostics-depth"])}
    assert titles == set(CHOSEN.values()) - {
        CHOSEN[name] for name in ("mean_direction_share", "peak_over_mean", "gram_cosine")
    }


def rows_of(figure):
    """Place of a row -> its name, which stands beside the first panel."""
    first = shown(figure)[0]
    return dict(zip(first.get_yticks(), (one.get_text() for one in first.get_yticklabels()), strict=True))


def dots(ax, names):
    """Name of a row -> its dot, whether it is filled, and its interval."""
    found = {}
    for line in ax.lines:
        places = line.get_ydata()
        if line.get_marker() in ("o", "D"):
            face = line.get_markerfacecolor() == line.get_markeredgecolor()
            found.setdefault(names[places[0]], {}).update(
                value=line.get_xdata()[0], filled=face, marker=line.get_marker()
            )
        elif len(places) == 2 and places[0] == places[1] and places[0] in names:
            found.setdefault(names[places[0]], {})["ends"] = tuple(line.get_xdata())
    return found


def test_interventions_are_dots_with_intervals_and_contrast_beside(results, figures):
    chosen = {(one.network, one.tap) for one in results.choices}
    figure = figures["interventions-chosen"]
    for network, tap in chosen:
        steps = [one for one in results.ladder if (one.network, one.tap) == (network, tap)]
        ax = titled(figure, f"{network.partition('@')[0]}\n{tap}")
        found = dots(ax, rows_of(figure))
        texts = [one.get_text().replace("\u00a0", " ") for one in ax.texts]
        for step in steps:
            row = found[step.name]
            assert row["value"] == step.auc
            assert row["ends"] == (step.low, step.high)
            if step.name == "as it is":
                assert (row["marker"], row["filled"]) == ("D", True)
                assert any(line.get_xdata() == [step.auc, step.auc] for line in ax.lines)
            else:
                assert row["marker"] == "o"
                assert row["filled"] == (step.change_low >= 0.0005 or step.change_high <= -0.0005)
            percent = 100 * step.contrast
            assert f"{percent:.{1 if percent < 9.95 else 0}f} %" in texts
        assert "contrast" in texts


def test_remedies_are_ranked_with_the_plain_distance_among_them(results, figures):
    for ax in shown(figures["remedies"]):
        (network,) = [
            one.network for one in results.choices if one.network.startswith(ax.get_title(loc="left"))
        ]
        remedies = {one.name: one for one in results.remedies if one.network == network}
        names = dict(enumerate(tick.get_text() for tick in ax.get_yticklabels()))
        found = dots(ax, names)
        assert {name: row["value"] for name, row in found.items()} == {
            name: one.held_out for name, one in remedies.items()
        }
        assert list(names.values()) == sorted(remedies, key=lambda name: -remedies[name].held_out)
        assert found["L2"]["marker"] == "D"
        assert {name: row["filled"] for name, row in found.items() if name != "L2"} == {
            "signed square root, cosine": True,
            "log-Euclidean": True,
            "L2, relative": False,
            "matrix square root": False,
        }


def test_the_plain_distance_is_shown_however_low_it_ranks(results):
    base = next(one for one in results.remedies if one.name == "L2")
    better = tuple(
        replace(base, name=f"other {place}", held_out=base.held_out + 0.001 * place, gain=0.001 * place)
        for place in range(1, 40)
    )
    plan = next(
        plan
        for plan in study_plans(View(replace(results, remedies=(*better, base))))
        if plan.stem == "remedies"
    )
    (ax,) = shown(plan.figure(LIGHT))
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert len(names) == 15
    assert (names[0], names[-1]) == ("other 39", "L2")


def test_leak_has_a_column_per_question_and_a_row_per_network(results, figures):
    columns = {"style": "style", "style against content": "hard", "content": "content", "colours": "palette"}
    assert [ax.get_title(loc="left") for ax in shown(figures["style-content-colour"])] == list(columns)
    names = rows_of(figures["style-content-colour"])
    assert list(names.values()) == ["vgg16  block3", "mobilenet_v2  block3", "colour alone"]
    for ax in shown(figures["style-content-colour"]):
        found = dots(ax, names)
        for choice, name in zip(results.choices, names.values(), strict=False):
            one = value_of(results, choice.network, choice.tap, columns[ax.get_title(loc="left")])
            assert found[name]["value"] == one.value
            assert found[name]["ends"] == (one.low, one.high)


def test_networks_are_told_apart_without_colour():
    names = [f"network {place}" for place in range(60)]
    for palette in (LIGHT, DARK):
        looks = strokes(names, palette)
        assert len({(one.marker, one.dash) for one in looks.values()}) == 60
        assert len({one.marker for one in list(looks.values())[: len(MARKERS)]}) == len(MARKERS)
        assert len(set(DASHES)) == len(DASHES)
        for one in looks.values():
            assert ratio(one.colour, palette.surface) >= 3, one.colour


def test_near_and_far_differ_in_grey_and_in_shape():
    for palette in (LIGHT, DARK):
        assert ratio(palette.tap, palette.surface) >= 3
        assert ratio(palette.mark, palette.surface) >= 4.5
        assert ratio(palette.total, palette.tap) >= 1.5


def test_lines_of_one_panel_have_markers_and_dashes_of_their_own():
    view = View(realistic(("vgg16",), 3, more=(("vgg16", "CAFFE"), ("vgg16", "BGR"))))
    plan = study_plans(view)[0]
    (ax,) = shown(plan.figure(LIGHT))
    learned = [one for one in ax.lines if one.get_label() in ("IMAGENET1K_V1", "CAFFE", "BGR")]
    assert len({(one.get_marker(), str(one._unscaled_dash_pattern)) for one in learned}) == 3
    assert ax.get_legend() is not None
    assert [one.get_text() for one in ax.get_legend().get_texts()] == ["IMAGENET1K_V1", "CAFFE", "BGR"]


def test_negative_contrast_is_drawn(results):
    estimates = tuple(
        replace(one, value=-0.02, low=-0.05, high=0.01) if one.name == "contrast" else one
        for one in results.estimates
    )
    figure = study_plans(View(replace(results, estimates=estimates)))[1].figure(LIGHT)
    ax = shown(figure)[0]
    assert ax.get_yscale() == "symlog"
    assert ax.get_ylim()[0] < -2
    assert rendered(figure).startswith(b"\x89PNG")


def test_studies_of_little_have_few_figures():
    assert [plan.stem for plan in study_plans(View(minimal()))] == ["depth-auc-frobenius"]
    assert study_plans(View(nothing())) == []


def test_any_name_and_any_number_can_be_drawn():
    plans = study_plans(View(hostile()))
    assert len(plans) > 6
    stems = [plan.stem for plan in plans]
    assert all(set(stem) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_") for stem in stems)
    for plan in plans:
        assert rendered(plan.figure(DARK), ".png", plan.alt.encode("utf-8", "replace").decode())
    ladder = next(plan for plan in plans if plan.stem.startswith("interventions"))
    names = [tick.get_text() for tick in shown(ladder.figure(LIGHT))[0].get_yticklabels()]
    assert HOSTILE[1][:10] == names[0][:10]


def test_stems_are_distinct_on_any_file_system(results):
    maps = tuple(
        replace(results.maps[0], factor=factor) for factor in ("style", "Style", "a/b", "a b", "../c")
    )
    stems = [plan.stem for plan in study_plans(View(replace(results, maps=maps)))]
    assert len({stem.lower() for stem in stems}) == len(stems)
    assert sum(stem.startswith("maps-") for stem in stems) == 5
    assert not any("/" in stem or stem.startswith(".") for stem in stems)


def test_drawn_figures_are_light_dark_and_vector_and_always_the_same(results):
    plan = next(plan for plan in study_plans(View(results)) if plan.stem == "style-content-colour")
    (one,) = drawn([plan])
    assert one.images.light.startswith(b"\x89PNG")
    assert one.images.light != one.images.dark
    assert one.svg.startswith(b"<?xml")
    assert plan.alt.encode() in one.svg
    with matplotlib.rc_context({"font.size": 30, "text.usetex": True}):
        (again,) = drawn([plan])
    assert again == one
    assert math.isclose(one.images.size[0], one.inches * 144, abs_tol=1)
