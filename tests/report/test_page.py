"""The page stands alone, shows the numbers, and takes any name."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import PIL.Image
import pytest
from report.parsed import Page

from gramstyle.distance import METRICS
from gramstyle.errors import StyleError
from gramstyle.report import SUMMARY_HEADER, comparison_page, reading, summary_rows
from gramstyle.report.drawings import Drawing, Drawings


@pytest.fixture(scope="module")
def blank():
    """Figures that cost nothing to draw."""
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (4, 2), "white").save(buffer, "PNG")
    one = Drawing(light=buffer.getvalue(), dark=buffer.getvalue())
    return Drawings(distances=one, separation=one)


@pytest.fixture
def page_of(blank):
    def made(comparisons, thumbnails=None, title="Title"):
        return comparison_page(comparisons, thumbnails or {}, title, [blank] * len(comparisons))

    return made


def plain(text):
    return " ".join(text.replace("\u00a0", " ").split())


def test_nothing_is_fetched_and_every_image_has_words(three, pictured):
    html = comparison_page(three[:2], pictured())
    page = Page(html)
    for _, given in page.elements:
        for name in ("src", "srcset", "href", "xlink:href", "poster", "data", "action", "background"):
            assert (given.get(name) or "#").startswith(("#", "data:image/"))
    assert "http://" not in html
    assert "https://" not in html
    assert "url(" not in html
    assert "@import" not in html
    assert not page.having("script")
    images = page.having("img")
    assert len(images) == 4
    assert all(one["alt"] for one in images)
    assert len(page.having("source")) == 4
    assert all(one["aria-label"] for one in page.having("svg") if one.get("role") == "img")
    policy = [one for one in page.having("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy[0]["content"].startswith("default-src 'none'")
    assert len(html) < 2_000_000


def test_links_inside_the_page_lead_somewhere(three, page_of, pictured):
    page = Page(page_of(three, pictured()))
    ids = [given["id"] for _, given in page.elements if "id" in given]
    assert len(ids) == len(set(ids))
    targets = {given["href"][1:] for _, given in page.elements if given.get("href", "").startswith("#")}
    assert targets
    assert targets <= set(ids)
    labelled = {given["aria-labelledby"] for _, given in page.elements if "aria-labelledby" in given}
    assert labelled <= set(ids)


HOSTILE = (
    "<script>alert(1)</script>.png",
    '" onload="alert(2)\' {{ 7*7 }} &amp;.png',
    "日本語 ünï.png",
    "]]></style><b>",
    "bad\udcff.png",
)


@pytest.mark.parametrize("thumbnails", [True, False])
def test_names_are_text_and_nothing_else(compared, page_of, pictured, thumbnails):
    html = page_of([compared(names=HOSTILE)], pictured(HOSTILE) if thumbnails else {}, HOSTILE[0])
    page = Page(html)
    assert not page.having("script")
    assert not page.having("b")
    assert not [given for _, given in page.elements if "onload" in given]
    labels = [given["aria-label"] for _, given in page.elements if "aria-label" in given]
    for name in HOSTILE[:4]:
        assert name in page.text
        assert name in labels
    assert "bad\\udcff.png" in page.text
    assert page.text.startswith("\n") or HOSTILE[0] in page.text
    assert html.encode()


def test_summary_table_shows_the_numbers_of_the_comparisons(three, page_of):
    header, *rows = Page(page_of(three)).tables["summary-table"]
    assert tuple(header) == SUMMARY_HEADER
    assert [plain(" ".join(row)) for row in rows] == [
        "vgg16 relative-frobenius 0.910 120 % 3.60 0.950 at relu2_1 0.700 at relu3_1 12 s",
        "vgg16 frobenius 0.910 120 % 3.60 0.950 at relu2_1 0.700 at relu3_1 12 s",
        "efficientnet_b0 relative-frobenius 0.934 4.8 % 0.14 0.930 at block1 0.610 at block3 12 s",
        "efficientnet_b0 frobenius 0.934 4.8 % 0.14 0.930 at block1 0.610 at block3 12 s",
        "mobilenet_v2 relative-frobenius 0.520 4.9 % 0.15 0.530 at block3 0.530 at block3 12 s",
        "mobilenet_v2 frobenius 0.520 4.9 % 0.15 0.530 at block3 0.530 at block3 12 s",
    ]
    assert [tuple(row) for row in rows] == [row.cells for row in summary_rows(three)]


def test_table_of_each_tap_shows_its_numbers(three, page_of):
    tables = Page(page_of(three)).tables
    first = next(rows for key, rows in tables.items() if key != "summary-table")
    assert [plain(" ".join(row)) for row in first] == [
        "tap AUC contrast d'",
        "relu1_1 0.800 190 % 5.70",
        "relu2_1 0.950 70 % 2.10",
        "relu3_1 0.700 30 % 0.90",
        "taps together 0.910 120 % 3.60",
    ]


def test_nearest_neighbours_are_those_of_the_matrix(compared, page_of):
    comparison = compared(seed=5)
    text = plain(Page(page_of([comparison])).text)
    matrix = comparison.distances.combined.numpy() + np.diag([np.inf] * 4)
    names = [image.name for image in comparison.distances.rows]
    for row, name in enumerate(names):
        assert f"{name} → {names[matrix[row].argmin()]}{matrix[row].min():.3g}" in text.replace(" 0.", "0.")


def test_page_says_what_made_it_and_how_to_read_it(three, page_of):
    page = Page(page_of(three))
    text = plain(page.text)
    for finding in reading(three):
        assert plain(finding.question) in text
        assert plain(finding.answer) in text
    for name in ("relative-frobenius", "frobenius"):
        assert METRICS[name].formula in text
        assert METRICS[name].source[1:] in text
    for expected in ("ab" * 32, "Python package index, tiny 1.0", "torch 2.10.0", "128 x 128", "float32"):
        assert expected in text
    assert "flatters" in text
    start = page.text.index('{\n  "backbone"')
    recipe, _ = json.JSONDecoder().raw_decode(page.text[start:])
    assert recipe == json.loads(json.dumps(three[0].distances.recipe.as_json()))


def test_folders_of_weights_stay_at_home(compared, page_of):
    html = page_of([compared(source="file /home/someone/secret/vgg.pth")])
    assert "file vgg.pth" in html
    assert "secret" not in html
    assert "someone" not in html


def test_a_tap_of_no_weight_is_said_not_to_count(compared, page_of):
    counted = page_of([compared()])
    uncounted = page_of([compared(tap_weights=(1.0, 1.0, 0.0))])
    assert "relu3_1 has weight 0" in plain(Page(uncounted).text)
    assert "has weight 0" not in plain(Page(counted).text)


def test_thumbnails_are_small_and_of_their_image(compared, page_of, pictured):
    page = Page(page_of([compared()], pictured(height=100, width=400)))
    uris = [given["href"] for given in page.having("image")]
    assert len(uris) == 4
    for uri in uris:
        with PIL.Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
            assert (image.format, image.size) == ("JPEG", (160, 40))


def test_many_thumbnails_stay_within_bounds(compared, page_of, pictured):
    names = tuple(f"noise {place}" for place in range(150))
    html = page_of([compared(names=names)], pictured(names, 200, 200))
    assert len(html) < 1_600_000


def test_comparisons_of_different_images_or_crops_are_refused(compared, page_of):
    with pytest.raises(
        StyleError, match="same images in the same order, got cat, moon, sea and 1 more and a, b"
    ):
        page_of([compared(), compared(names=("a", "b"))])
    with pytest.raises(StyleError, match="size, gap and number of their crops"):
        page_of([compared(), compared(crops=6)])
    with pytest.raises(StyleError, match="at least one comparison, got none"):
        page_of([])
