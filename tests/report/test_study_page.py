"""The page of a study stands alone, shows the numbers, and takes any name."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import PIL.Image
import pytest
from report.parsed import Page
from report.study_extremes import HOSTILE, hostile, minimal, nothing
from report.study_results import realistic

from gramstyle.report.drawings import Drawing
from gramstyle.report.study import View, study_page, study_plans
from gramstyle.report.study.answer import answer
from gramstyle.report.study.page import SECTIONS
from gramstyle.report.study.plan import Drawn

DECISIONS = {"supported", "refuted", "undecided", "not measured"}


def png(size=(4, 2), colour="white"):
    buffer = io.BytesIO()
    PIL.Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def page_of(results, **options):
    """The page with figures that cost nothing to draw."""
    images = Drawing(light=png(), dark=png(colour="black"))
    figures = [Drawn(plan=plan, images=images, svg=b"", inches=4.0) for plan in study_plans(View(results))]
    return study_page(results, figures, **options)


@pytest.fixture(scope="module")
def results():
    return realistic(("vgg16", "mobilenet_v2"), 3)


@pytest.fixture(scope="module")
def html(results):
    return page_of(results, sheet=png((300, 200)), links=[("estimates.csv", "every estimate")])


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def plain(text):
    return " ".join(text.replace("\u00a0", " ").split())


def test_nothing_is_fetched_and_every_image_has_words(html, page, results):
    for tag, given in page.elements:
        for name in ("src", "srcset", "xlink:href", "poster", "data", "action", "background"):
            assert (given.get(name) or "data:image/").startswith("data:image/")
        if "href" in given:
            assert tag == "a"
            assert given["href"].startswith("#") or given["href"] == "estimates.csv"
    assert not any(one in html for one in ("http://", "https://", "url(", "@import"))
    assert not page.having("script")
    assert not page.having("link")
    figures = study_plans(View(results))
    assert [one["alt"] for one in page.having("img")][1:] == [plan.alt for plan in figures]
    assert len(page.having("source")) == len(figures)
    assert all(one["alt"] for one in page.having("img"))
    policy = [one for one in page.having("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy[0]["content"].startswith("default-src 'none'")


@pytest.mark.parametrize("made", [minimal, nothing, hostile])
def test_links_inside_any_page_lead_somewhere(made):
    check_links(Page(page_of(made())))


def test_links_inside_the_page_lead_somewhere(page):
    check_links(page)


def check_links(page):
    ids = [given["id"] for _, given in page.elements if "id" in given]
    assert len(ids) == len(set(ids))
    targets = {given["href"][1:] for _, given in page.elements if given.get("href", "").startswith("#")}
    assert targets
    assert targets <= set(ids)
    labelled = {given["aria-labelledby"] for _, given in page.elements if "aria-labelledby" in given}
    assert labelled <= set(ids)
    levels = [int(tag[1]) for tag, _ in page.elements if tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_sections_come_in_the_order_of_a_reader(page):
    anchors = [anchor for anchor, _ in SECTIONS]
    assert [given["id"] for tag, given in page.elements if tag == "h2"] == anchors
    linked = [given["href"][1:] for _, given in page.elements if given.get("href", "")[1:] in anchors]
    assert linked == anchors


def test_answers_stand_first(page, results):
    text = plain(page.text)
    for one in answer(View(results)):
        for said in (one.question, one.answer, *one.items, one.after):
            assert plain(said) in text
    assert text.index("The answer in short") < text.index("What was compared")


def test_chosen_taps_are_those_of_the_record(page, results):
    header, *rows = page.named["AUC of each network at its chosen tap: gram, frobenius"]
    assert header == [
        "network",
        "chosen tap",
        "AUC, development",
        "AUC, held-out",
        "95 % interval",
        "p",
        "adjusted p",
    ]
    for row, one in zip(rows, results.choices, strict=True):
        assert row == [
            one.network.partition("@")[0],
            one.tap,
            f"{one.development:.3f}",
            f"{one.held_out:.3f}",
            f"[{one.low:.3f}, {one.high:.3f}]",
            "<0.001",
            "<0.001",
        ]


def test_differences_are_those_of_the_record(page, results):
    _, *rows = page.named["Differences on the same resamples"]
    for row, one in zip(rows, results.differences, strict=True):
        assert row == [
            one.what.replace("@IMAGENET1K_V1", "")
            .replace("@IMAGENET1K_V2", "")
            .replace("colours", "colour alone"),
            "auc, held-out",
            f"{one.first.tap}, {one.second.tap}",
            f"{one.value:+.3f}",
            f"[{one.low:+.3f}, {one.high:+.3f}]",
            f"{one.p:.3f}",
            f"{one.p_adjusted:.3f}",
        ]


def test_a_difference_of_contrast_is_in_percent(results):
    one = replace(results.differences[0], estimate="contrast", value=0.123, low=-0.02, high=0.2)
    page = Page(page_of(replace(results, differences=(one,))))
    row = [plain(cell) for cell in page.named["Differences on the same resamples"][1]]
    assert row[3:5] == ["+12.3 %", "[-2.0 %, +20.0 %]"]


@pytest.mark.parametrize("metric", ["frobenius", "relative-frobenius"])
@pytest.mark.parametrize("network", ["vgg16", "mobilenet_v2"])
def test_every_tap_has_its_numbers(page, results, network, metric):
    known = {
        (one.condition.tap, one.name): one
        for one in results.estimates
        if (one.condition.backbone, one.condition.metric) == (network, metric)
        and one.condition.learned
        and (one.question, one.split) == ("style", "all")
    }
    header, *rows = page.named[f"{network}: every tap, {metric}"]
    taps = [one for one in results.taps if one.backbone == network and "random" not in one.weights]
    assert header == ["tap", "kind", "channels", "positions", "AUC", "contrast"]
    for row, tap in zip(rows, taps, strict=True):
        assert row[:4] == [tap.tap, tap.kind, f"{tap.channels:,}", f"{tap.positions:,}"]
        auc, contrast = known[tap.tap, "auc"], known[tap.tap, "contrast"]
        assert row[4] == f"{auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]"
        said = [f"{100 * one:.{0 if 100 * one >= 9.95 else 1}f} %" for one in
                (contrast.value, contrast.low, contrast.high)]  # fmt: skip
        assert plain(row[5]) == f"{said[0]} [{said[1]}, {said[2]}]"


def test_the_lead_of_vgg_is_shared_out_in_a_table_per_network(page, results):
    text = plain(page.text)
    assert "VGG and the others, made equal" in text
    header, *rows = page.named["vgg16 minus mobilenet_v2"]
    assert [row[0] for row in rows] == ["as it is", "16 channels", "grey images", "all together"]
    assert [plain(cell) for cell in header[1:3]] == ["AUC, the deepest tap", "contrast, the deepest tap"]
    assert plain(rows[0][1]) == "+0.050 [+0.040, +0.060]"
    assert plain(rows[1][2]) == "+4.0 % [+3.0 %, +5.0 %]"
    assert plain(rows[2][2]) == "–"  # not measured
    assert "VGG and the others" not in Page(page_of(replace(results, gaps=()))).text


def test_interventions_and_remedies_are_those_of_the_record(page, results):
    for network, tap in dict.fromkeys((one.network, one.tap) for one in results.ladder):
        _, *rows = page.named[f"{network.partition('@')[0]}, {tap}"]
        steps = [one for one in results.ladder if (one.network, one.tap) == (network, tap)]
        assert [row[:4] for row in rows] == [
            [
                one.name,
                f"{one.auc:.3f}",
                f"[{one.low:.3f}, {one.high:.3f}]" if one.high < 1 else f"[{one.low:.3f}, 1.000]",
                f"{one.change + 0.0:+.3f}",
            ]
            for one in steps
        ]
    _, *rows = page.named["vgg16"]
    mine = sorted(
        (one for one in results.remedies if one.network.startswith("vgg16")), key=lambda one: -one.held_out
    )
    assert [[row[0], row[4], row[6]] for row in rows] == [
        [one.name, f"{one.held_out:.3f}", f"{one.gain:+.3f}"] for one in mine
    ]


def test_noise_and_diagnostics_are_in_tables(page, results):
    _, *rows = page.named["Noise floor of every tap"]
    assert len(rows) == len(results.noise)
    assert [row[1] for row in rows[:2]] == ["no", "subsample:49"]
    assert rows[0][2] == f"{results.noise[0].participation:.3g}"
    header, *rows = page.named["Medians over images of the diagnostics drawn above"]
    assert len(rows) == len({(one.backbone, one.tap) for one in results.diagnostics})
    column = header.index("energy share of 5 channels")
    expected = [one.median for one in results.diagnostics if one.name == "top5_share"]
    assert [float(row[column]) for row in rows] == pytest.approx(expected, rel=0.01)


def test_every_decision_is_a_word_with_a_shape(page, results):
    badges = [
        given["class"] for tag, given in page.elements if tag == "span" and "badge" in given.get("class", "")
    ]
    parts = sum(len(one.parts) for one in results.verdicts)
    assert len(badges) == 2 * len(results.verdicts) + parts
    shapes = [given for tag, given in page.elements if tag == "svg"]
    assert len(shapes) == len(badges)
    text = plain(page.text)
    for verdict in results.verdicts:
        assert f"{verdict.decision} {verdict.name}{verdict.hypothesis}" in text
        assert f"{verdict.name}. {verdict.hypothesis} {verdict.decision}" in text
        for part in verdict.parts:
            for said in (part.prediction, part.rule, part.finding):
                assert said in text
    assert {one.decision for one in results.verdicts} == DECISIONS
    paths = {
        decision: page_of(replace(results, verdicts=(replace(results.verdicts[0], decision=decision),)))
        for decision in DECISIONS
    }
    drawn = {
        html[html.index('<span class="badge') :].split("</svg>")[0].split("<svg")[1]
        for html in paths.values()
    }
    assert len(drawn) == 4


def test_notes_and_facts_of_the_corpus_are_there(page, results):
    text = plain(page.text)
    assert results.corpus.notes[0] in text
    assert results.corpus.digest in text
    assert "6 styles, with images of each" in text
    assert "brush (12), cells (12)" in text
    assert "development stylesbrush, cells, dots" in text
    assert text.index("Noticed about the images") < text.rindex("How to read the numbers")


def test_what_made_it_is_said(page, results):
    text = plain(page.text)
    for network, weights in results.provenance.weights.items():
        assert network in text
        assert weights["sha256"] in text
    for expected in ("2025-03-04", "cpu, float32", "torch 2.10.0", "gramstyle 0.1.0"):
        assert expected in text
    start = page.text.index('{\n  "resize"')
    settings, _ = json.JSONDecoder().raw_decode(page.text[start:])
    assert settings == results.provenance.settings


def test_folders_of_weights_stay_at_home(results):
    weights = {
        "vgg16@IMAGENET1K_V1": {"name": "x", "source": "file /home/someone/secret/vgg.pth", "sha256": "0"}
    }
    html = page_of(replace(results, provenance=replace(results.provenance, weights=weights)))
    assert "file vgg.pth" in html
    assert "secret" not in html


def test_names_are_text_and_nothing_else():
    html = page_of(hostile(), title=HOSTILE[0])
    page = Page(html)
    assert not page.having("script")
    assert not page.having("b")
    assert not [given for _, given in page.elements if "onload" in given]
    for name in HOSTILE[:4]:
        assert name in page.text
    assert "bad\\udcff" in page.text
    assert "{{ 7*7 }}" in page.text
    assert html.encode()


def test_numbers_that_are_none_are_said_so():
    page = Page(page_of(hostile()))
    _, *rows = page.named["vgg16: every tap, frobenius"]
    assert rows[0][4] == "undefined [undefined, undefined]"
    assert rows[0][5].startswith("infinite [")
    assert all("nan" not in cell.split() for table in page.tables.values() for row in table for cell in row)


def test_empty_parts_are_left_out_and_named(results):
    page = Page(page_of(replace(results, ladder=(), remedies=(), noise=())))
    ids = {given["id"] for _, given in page.elements if "id" in given}
    assert not ids & {"interventions", "remedies", "noise"}
    said = "not on this page: the noise floor, what changes when one thing is changed, other distances."
    assert said in plain(page.text)


@pytest.mark.parametrize(("made", "sections"), [
    (nothing, ["answer", "corpus", "how", "made"]),
    (minimal, ["answer", "corpus", "how", "depth", "made"]),
])  # fmt: skip
def test_a_study_of_little_makes_a_page(made, sections):
    page = Page(page_of(made()))
    assert [given["id"] for tag, given in page.elements if tag == "h2"] == sections
    assert "4" in page.text


def test_factors_that_are_not_known_are_not_listed(results):
    corpus = replace(results.corpus, counts={"style": {"a": 2, "b": 1}, "content": {}})
    text = plain(Page(page_of(replace(results, corpus=corpus))).text)
    assert "2 styles, with images of each" in text
    assert "content, with" not in text
    assert "contents, with" not in text


def test_the_contact_sheet_is_shown_small_enough():
    given = Page(page_of(minimal(), sheet=png((300, 200)))).having("img")[0]
    assert (given["width"], given["height"]) == ("300", "200")
    assert given["src"].startswith("data:image/png;base64,")
    noise = np.random.default_rng(0).integers(0, 255, (1500, 2500, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(noise).save(buffer, "PNG", compress_level=0)
    given = Page(page_of(minimal(), sheet=buffer.getvalue())).having("img")[0]
    assert given["src"].startswith("data:image/jpeg;base64,")
    data = base64.b64decode(given["src"].partition(",")[2])
    assert len(data) < 2_500_000
    with PIL.Image.open(io.BytesIO(data)) as image:
        assert max(image.size) == 1600
        assert image.size == (int(given["width"]), int(given["height"]))


def test_a_sheet_that_is_no_image_is_refused():
    with pytest.raises(ValueError, match="sheet must be the bytes of a PNG or JPEG image, got 5 bytes"):
        page_of(minimal(), sheet=b"hello")


def test_what_is_no_study_has_no_page():
    with pytest.raises(TypeError, match="results must be StudyResults, got dict"):
        study_page({}, [])


def test_without_a_sheet_or_links_there_are_none():
    page = Page(page_of(minimal()))
    assert "Contact sheet" not in page.text
    assert "All numbers" not in page.text
