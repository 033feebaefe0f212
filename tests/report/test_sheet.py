"""A contact sheet shows the right images in the right places."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from gramstyle.corpus import Corpus, Item
from gramstyle.errors import StyleError, UnknownNameError
from gramstyle.images import Picture
from gramstyle.report import DARK, contact_sheet, rendered


@dataclass(frozen=True)
class Plain:
    """A picture of one colour."""

    level: int
    height: int = 40
    width: int = 40

    def picture(self):
        pixels = torch.zeros(3, self.height, self.width)
        pixels[0], pixels[1] = 1.0, self.level / 255
        return Picture(pixels=pixels, alpha=None, name="plain")

    def digest(self):
        return str(self.level)


def corpus_of(rows, columns, each=1, **others):
    """Level of green = 100 row + 10 column + replicate, counted from 0."""
    items = [
        Item(
            name=f"{row}-{column}-{one}", style=row, content=column,
            origin=Plain(100 * rows.index(row) + 10 * columns.index(column) + one), **others,
        )
        for row in rows for column in columns for one in range(each)
    ]  # fmt: skip
    return Corpus(name="plain", items=tuple(items))


def pixels(figure):
    with Image.open(io.BytesIO(rendered(figure))) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def cells(figure, side=40):
    """Green level -> (top, left) of every picture, which are the full red squares without blue."""
    image = pixels(figure)
    mask = (image[..., 0] == 255) & (image[..., 2] == 0)
    labels, _ = ndimage.label(mask)
    found = {}
    for number, (down, across) in enumerate(ndimage.find_objects(labels), start=1):
        inside = image[down, across][labels[down, across] == number]
        assert inside.shape == (side * side, 3)
        assert len(np.unique(inside[:, 1])) == 1, "one picture, one colour, pixel for pixel"
        found[int(inside[0, 1])] = (down.start, across.start)
    return found


def words(figure):
    ax = figure.axes[0]
    return (
        [one.get_text() for one in ax.get_yticklabels()],
        [one.get_text() for one in ax.get_xticklabels()],
        [one.get_text() for one in ax.texts],
        [one.get_text() for one in figure.texts],
    )


def test_every_cell_is_there_in_its_row_and_column():
    figure = contact_sheet(corpus_of(["a", "b"], ["x", "y", "z"]), cell=40)
    found = cells(figure)
    assert sorted(found) == [0, 10, 20, 100, 110, 120]
    tops, lefts = sorted({top for top, _ in found.values()}), sorted({left for _, left in found.values()})
    assert len(tops) == 2
    assert len(lefts) == 3
    for level, place in found.items():
        assert place == (tops[level // 100], lefts[level % 100 // 10])
    assert set(np.diff(tops)) | set(np.diff(lefts)) == {44}
    assert words(figure) == (["a", "b"], ["x", "y", "z"], [], ["plain: 6 of 6 images"])


def test_labels_stand_beside_their_rows_and_columns():
    figure = contact_sheet(corpus_of(["a", "b"], ["x", "y", "z"]), cell=40)
    found = cells(figure)
    figure.canvas.draw()
    height = pixels(figure).shape[0]
    for level, label in zip((0, 100), figure.axes[0].get_yticklabels(), strict=True):
        box = label.get_window_extent()
        assert height - (box.y0 + box.y1) / 2 == pytest.approx(found[level][0] + 20, abs=4)
        assert 0 < box.x0 < box.x1 < found[level][1]
    for level, label in zip((0, 10, 20), figure.axes[0].get_xticklabels(), strict=True):
        box = label.get_window_extent()
        assert (box.x0 + box.x1) / 2 == pytest.approx(found[level][1] + 20, abs=2)
        assert 0 < height - box.y1 < height - box.y0 < found[level][0]


def test_nothing_that_is_written_leaves_the_sheet_or_lies_on_a_picture():
    long = ["a style with a long name", "b"], ["x" * 20, "another long name", "z"]
    figure = contact_sheet(corpus_of(*long), cell=40)
    found = cells(figure)
    figure.canvas.draw()
    height, width = pixels(figure).shape[:2]
    top, left = height - min(top for top, _ in found.values()), min(left for _, left in found.values())
    boxes = [one.get_window_extent() for one in (*figure.axes[0].get_yticklabels(), *figure.texts)]
    turned = [one.get_window_extent() for one in figure.axes[0].get_xticklabels()]
    for box in (*boxes, *turned):
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height
    assert all(box.y0 >= top for box in turned)
    assert all(box.x1 <= left for box in boxes[:2])
    assert figure.axes[0].get_xticklabels()[0].get_rotation() == 45


def test_of_several_images_a_cell_shows_one_and_neighbours_others():
    found = cells(contact_sheet(corpus_of(["a", "b"], ["x", "y", "z"], each=4), cell=40))
    assert len(found) == 6
    shown = [level % 10 for level in sorted(found)]
    assert shown[0] != shown[1] != shown[2]
    assert set(shown) == {0, 1, 2, 3}


def test_a_combination_that_is_missing_leaves_a_blank():
    whole = corpus_of(["a", "b"], ["x", "y"])
    figure = contact_sheet(whole.subset([0, 1, 3]), cell=40)
    found = cells(figure)
    assert sorted(found) == [0, 10, 110]
    blank = pixels(figure)[found[110][0] + 20, found[0][1] + 20]
    assert blank.tolist() == [0xE9, 0xEB, 0xEE]
    assert words(figure)[3] == ["plain: 3 of 3 images"]


def test_other_factors_may_be_rows_and_columns():
    figure = contact_sheet(corpus_of(["a", "b"], ["x", "y", "z"]), "content", "style", cell=40)
    assert words(figure)[:2] == (["x", "y", "z"], ["a", "b"])
    found = cells(figure)
    assert found[100][1] > found[0][1]
    assert found[10][0] > found[0][0]


def test_without_columns_a_row_shows_the_images_of_its_label():
    items = tuple(Item(name=str(level), origin=Plain(level), style="ab"[level % 2]) for level in range(7))
    figure = contact_sheet(Corpus(name="styles", items=items), cell=40)
    assert words(figure)[:2] == (["a", "b"], [])
    found = cells(figure)
    assert sorted(found) == list(range(7))
    for level, (top, left) in found.items():
        assert top == found[level % 2][0]
        assert left == found[0][1] + 44 * (level // 2)


def test_without_labels_there_is_a_plain_grid_with_names():
    items = tuple(Item(name=f"n{level}", origin=Plain(level)) for level in range(5))
    figure = contact_sheet(Corpus(name="unlabelled", items=items), cell=40)
    found = cells(figure)
    lefts = sorted({left for _, left in found.values()})
    tops = sorted({top for top, _ in found.values()})
    assert [found[level] for level in range(5)] == [
        (tops[level // 3], lefts[level % 3]) for level in range(5)
    ]
    assert words(figure) == ([], [], ["n0", "n1", "n2", "n3", "n4"], ["unlabelled: 5 of 5 images"])
    assert tops[1] - tops[0] > 44


@pytest.mark.filterwarnings("ignore:Glyph")  # no font for it may be installed
@pytest.mark.parametrize("name", ["i" * 12, "W" * 12, "風" * 12, "a/folder/and/file.png"])
def test_names_are_as_wide_as_their_pictures_at_most(name):
    item = Item(name=name, origin=Plain(3))
    figure = contact_sheet(Corpus(name="one", items=(item,)), cell=60)
    figure.canvas.draw()
    (text,) = figure.axes[0].texts
    assert text.get_window_extent().width <= 60
    assert (text.get_text() == name) == (name[0] == "i")
    assert text.get_text().startswith(name[0])
    assert text.get_text().endswith(name[-1])


def test_what_does_not_fit_is_left_out_and_said():
    figure = contact_sheet(corpus_of(["a", "b"], ["x", "y", "z"]), cell=40, most=2)
    assert sorted(cells(figure)) == [0, 10, 100, 110]
    assert words(figure)[3] == ["plain: 4 of 6 images, the first 2 of 3 content labels"]
    items = tuple(Item(name=f"n{level}", origin=Plain(level)) for level in range(9))
    grid = contact_sheet(Corpus(name="many", items=items), cell=40, most=2)
    assert sorted(cells(grid)) == [0, 1, 2, 3]
    assert words(grid)[3] == ["many: 4 of 9 images"]


def test_pictures_keep_their_shape():
    item = Item(name="wide", origin=Plain(7, height=20, width=80))
    image = pixels(contact_sheet(Corpus(name="one", items=(item,)), cell=40))
    mask = (image == [255, 7, 0]).all(axis=-1)
    assert mask.any(axis=1).sum() == 10
    assert mask.any(axis=0).sum() == 40


def test_progress_is_told_of_each_picture():
    told = []
    contact_sheet(corpus_of(["a", "b"], ["x", "y"]), cell=40, progress=lambda *words: told.append(words))
    assert told == [("drawing the sheet", done, 4) for done in (1, 2, 3, 4)]


def test_equal_sheets_are_equal_files_and_dark_ones_are_dark():
    corpus = corpus_of(["a", "b"], ["x", "y"])
    first, second = (rendered(contact_sheet(corpus, cell=40)) for _ in range(2))
    assert first == second
    assert pixels(contact_sheet(corpus, cell=40, palette=DARK))[0, 0].tolist() == [0x16, 0x1B, 0x22]


def test_labels_in_any_script_and_with_dollars():
    figure = contact_sheet(corpus_of(["$a_b$", "風景"], ["x", "\U0001f3a8"]), cell=40)
    assert len(cells(figure)) == 4
    assert words(figure)[0] == ["$a_b$", "風景"]


def test_arguments_are_checked():
    corpus = corpus_of(["a", "b"], ["x", "y"])
    with pytest.raises(UnknownNameError, match=r"rows must be one of: style, .*; got 'styl'"):
        contact_sheet(corpus, "styl")
    with pytest.raises(UnknownNameError, match=r"columns must be one of: content, .*; got 'contents'"):
        contact_sheet(corpus, columns="contents")
    with pytest.raises(StyleError, match="rows and columns must be different factors, got 'style' for both"):
        contact_sheet(corpus, "style", "style")
    with pytest.raises(ValueError, match="cell must be 16 pixels or more, got 15"):
        contact_sheet(corpus, cell=15)
    with pytest.raises(ValueError, match="most must be greater than 0, got 0"):
        contact_sheet(corpus, most=0)
