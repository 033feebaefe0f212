"""Sheets of any images, of grids and of walks: each picture in its place, by its colour."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from gramstyle.errors import StyleError
from gramstyle.images import Picture, save_image
from gramstyle.report import grid_sheet, image_sheet, outcome_table, rendered, to_csv, walk_sheet
from gramstyle.transfer import Grid, Outcome, Walk, transfer_preset

SETTINGS = transfer_preset("gramstyle")


def plain(level, height=30, width=40):
    """One colour: red, `level` of green, no blue."""
    pixels = torch.zeros(3, height, width)
    pixels[0], pixels[1] = 1.0, level / 255
    return pixels


def picture(level, height=30, width=40, name=""):
    return Picture(pixels=plain(level, height, width), alpha=None, name=name or str(level))


def page(figure):
    with Image.open(io.BytesIO(rendered(figure))) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def found(figure):
    """Green level -> (top, left, height, width) of each picture, and the same of blanks."""
    image = page(figure)
    seen, blanks = {}, []
    for mask, blank in (
        ((image[..., 0] == 255) & (image[..., 2] == 0), False),
        ((image == [0xE9, 0xEB, 0xEE]).all(-1), True),
    ):
        labels, _ = ndimage.label(mask)
        for number, (down, across) in enumerate(ndimage.find_objects(labels), start=1):
            box = down.start, across.start, down.stop - down.start, across.stop - across.start
            if blank:
                blanks.append(box)
                continue
            greens = np.unique(image[down, across][labels[down, across] == number][:, 1])
            assert len(greens) == 1
            seen.setdefault(int(greens[0]), []).append(box)
    return seen, sorted(blanks)


def words(figure):
    ax = figure.axes[0]
    return (
        [one.get_text() for one in ax.get_yticklabels()],
        [one.get_text() for one in ax.get_xticklabels()],
        [one.get_text() for one in ax.texts],
        [one.get_text() for one in figure.texts],
    )


def test_any_images_stand_row_by_row_in_cells_that_fit():
    levels = [0, 40, 80, 120, 160]
    figure = image_sheet((picture(one) for one in levels), columns=3, cell=40)
    seen, blanks = found(figure)
    assert blanks == []
    tops, lefts = (sorted({box[axis] for (box,) in seen.values()}) for axis in (0, 1))
    for place, level in enumerate(levels):
        assert seen[level] == [(tops[place // 3], lefts[place % 3], 30, 40)]
    assert np.diff(tops).tolist() == [34]  # as high as the highest, and a gap
    assert np.diff(lefts).tolist() == [44, 44]
    assert tops[0] == 12  # no room for a title that is not there
    assert words(figure) == ([], [], [], [])


def test_names_and_a_title():
    pictures = [picture(one, name=f"folder/{one}.png") for one in (0, 90)]
    figure = image_sheet(pictures, labels=True, title="two of them", cell=60)
    assert words(figure) == ([], [], ["0.png", "90.png"], ["two of them"])
    with pytest.raises(StyleError, match="pictures must hold at least one image, got none"):
        image_sheet([])
    with pytest.raises(ValueError, match="cell must be 16 pixels or more, got 9"):
        image_sheet(pictures, cell=9)
    with pytest.raises(ValueError, match="columns must be greater than 0, got 0"):
        image_sheet(pictures, columns=0)


@pytest.fixture
def grid(tmp_path):
    """Originals: contents 10 and 20, styles 30 and 40; results 100, 110, ... row by row."""
    named = {"a": 10, "b": 20, "s": 30, "t": 40}
    for name, level in named.items():
        save_image(tmp_path / f"{name}.png", plain(level))
    return Grid(
        contents=[str(tmp_path / f"{name}.png") for name in "ab"],
        styles=[str(tmp_path / f"{name}.png") for name in "st"],
        settings=SETTINGS,
        folder=str(tmp_path / "out"),
        weights=[0.5, 2.0],
    )


def ended(jobs, failed=()):
    outcomes = []
    for place, job in enumerate(jobs):
        save_image(job.output, plain(100 + 10 * place))
        end = "failed" if place in failed else "kept" if place == 1 else "made"
        losses = {} if place in failed else {"content x": 1.0 + place, "tv": 0.5}
        note = "no number" if place in failed else ""
        outcomes.append(Outcome(job=job, end=end, steps=7, losses=losses, seconds=1.23456, note=note))
    return outcomes


def test_a_grid_stands_beside_its_originals(grid):
    figure = grid_sheet(grid, ended(grid.jobs, failed={5}), cell=40)
    seen, blanks = found(figure)
    tops = sorted({box[0] for boxes in seen.values() for box in boxes})
    lefts = sorted({box[1] for boxes in seen.values() for box in boxes})
    assert (len(tops), len(lefts)) == (3, 5)
    places = {
        level: [(tops.index(box[0]), lefts.index(box[1])) for box in boxes] for level, boxes in seen.items()
    }
    assert places == {
        10: [(1, 0)], 20: [(2, 0)], 30: [(0, 1), (0, 2)], 40: [(0, 3), (0, 4)],
        **{100 + 10 * at: [(1 + at // 4, 1 + at % 4)] for at in range(8) if at != 5},
    }  # fmt: skip
    assert blanks == [(tops[2], lefts[2], 30, 40)]
    assert words(figure)[:2] == (["", "a", "b"], ["", "s, 0.5", "s, 2", "t, 0.5", "t, 2"])


def test_what_is_not_there_yet_is_blank(grid):
    Path(grid.styles[1]).write_bytes(b"no image")
    seen, blanks = found(grid_sheet(grid, ended(grid.jobs[:3]), cell=40))
    assert sorted(seen) == [10, 20, 30, 100, 110, 120]
    assert len(blanks) == 5 + 2


@pytest.mark.parametrize("count", [2, 4])
def test_a_walk_lies_between_its_styles(count, tmp_path):
    for level in range(count):
        save_image(tmp_path / f"{level}.png", plain(10 * level))
    walk = Walk(
        content="c.png", styles=[str(tmp_path / f"{level}.png") for level in range(count)], steps=3,
        settings=SETTINGS, folder=str(tmp_path / "out"),
    )  # fmt: skip
    figure = walk_sheet(walk, ended(walk.jobs), cell=40)
    seen, blanks = found(figure)
    lefts = sorted({box[1] for boxes in seen.values() for box in boxes})
    tops = sorted({box[0] for boxes in seen.values() for box in boxes})
    places = {level: (tops.index(box[0]), lefts.index(box[1])) for level, (box,) in seen.items()}
    rows = 1 if count == 2 else 3
    corners = [(0, 0), (0, 4), (rows - 1, 0), (rows - 1, 4)][:count]
    assert places == {
        **{10 * at: corner for at, corner in enumerate(corners)},
        **{100 + 10 * at: (at // 3, 1 + at % 3) for at in range(3 * rows)},
    }
    assert blanks == []
    if count == 2:
        assert words(figure)[1] == ["0", "0", "0.5", "1", "1"]
    else:
        assert words(figure)[:3] == (["0", "0.5", "1"], ["", "0", "0.5", "1", ""], ["0", "1", "2", "3"])


def test_the_table_has_a_row_per_job(grid):
    header, rows = outcome_table(ended(grid.jobs, failed={2})[:3], {"a_s_2.png": 9.5})
    assert header == (
        "image", "content", "style", "weight", "outcome", "steps", "seconds", "loss", "content x", "tv",
        "note",
    )  # fmt: skip
    a, (s, t) = grid.contents[0], grid.styles
    assert rows == [
        ("a_s_0.5.png", a, s, 0.5, "made", 7, 1.235, 1.5, 1.0, 0.5, ""),
        ("a_s_2.png", a, s, 2.0, "kept", 7, 9.5, 2.5, 2.0, 0.5, ""),
        ("a_t_0.5.png", a, t, 0.5, "failed", 7, 1.235, "", "", "", "no number"),
    ]
    assert to_csv(header, rows).count("\n") == 4


def test_shares_are_told_where_styles_are_blended(tmp_path):
    walk = Walk(content="c", styles=["a", "b"], steps=3, settings=SETTINGS, folder=str(tmp_path))
    header, rows = outcome_table([Outcome(job=job, end="made", losses={}) for job in walk.jobs])
    assert header[:5] == ("image", "content", "style", "shares", "weight")
    assert [row[2:4] for row in rows] == [("a b", "1 0"), ("a b", "0.5 0.5"), ("a b", "0 1")]
