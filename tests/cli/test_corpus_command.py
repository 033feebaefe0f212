"""gramstyle corpus: counts, a sheet, and an export."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gramstyle.corpus import STYLES, procedural_corpus

from .conftest import save_noise

FEW = ("--styles", "mosaic,weave", "--contents", "hills", "--palettes", "moss, plum", "--size", 64)


def rows(text):
    """Cells of every line of the table."""
    return [[cell.strip() for cell in line.split("│")] for line in text.splitlines() if "│" in line]


def test_the_procedural_corpus_is_counted(run):
    ended = run("corpus", "--procedural", *FEW, "--replicates", 3)
    assert ended.code == 0
    assert "procedural: 12 images" in ended.out
    assert rows(ended.out) == [
        ["style", "mosaic", "6"],
        ["style", "weave", "6"],
        ["content", "hills", "12"],
        ["palette", "moss", "6"],
        ["palette", "plum", "6"],
        ["source", "each image its own", ""],
    ]
    assert "drawn from seed 0 at 64 x 64 pixels" in ended.err


def test_sheet_and_export_are_written(run, tmp_path):
    sheet, folder = tmp_path / "sheet.png", tmp_path / "out"
    ended = run(
        "corpus", "--procedural", *FEW, "--seed", 4, "--replicates", 1,
        "--sheet", sheet, "--columns", "palette", "--export", folder,
    )  # fmt: skip
    assert ended.code == 0
    assert f"wrote {sheet}" in ended.err
    assert f"wrote 4 images and manifest.csv to {folder}" in ended.err
    with Image.open(sheet) as image:
        assert image.width > 2 * 96
        assert image.height > 2 * 96
    parts = {"styles": ["mosaic", "weave"], "contents": ["hills"], "palettes": ["moss", "plum"]}
    for item in procedural_corpus(4, **parts, replicates=1, size=64).items:
        with Image.open(folder / item.style / "hills" / f"{item.palette}-0.png") as image:
            np.testing.assert_array_equal(np.asarray(image), item.origin.levels())
    again = run("corpus", folder / "manifest.csv")
    assert again.code == 0
    assert rows(again.out)[:2] == [["style", "mosaic", "2"], ["style", "weave", "2"]]
    refused = run("corpus", "--procedural", *FEW, "--export", folder)
    assert refused.code == 1
    assert "--overwrite" in refused.err
    assert run("corpus", "--procedural", *FEW, "--export", folder, "--overwrite", "-q").code == 0
    assert (folder / "weave/hills/plum-1.png").exists()


def test_a_folder_is_counted_with_its_notes(run, tmp_path):
    for style in ("ink", "oil"):
        (tmp_path / style).mkdir()
        for number in range(2):
            save_noise(tmp_path / style / f"{number}.png", number)
    ended = run("corpus", tmp_path, "--sheet", tmp_path / "sheet.pdf")
    assert ended.code == 0
    assert rows(ended.out) == [
        ["style", "ink", "2"],
        ["style", "oil", "2"],
        ["content", "not known", ""],
        ["palette", "not known", ""],
        ["source", "each image its own", ""],
    ]
    assert "took first-level folders as styles: ink (2), oil (2)" in ended.err
    assert (tmp_path / "sheet.pdf").read_bytes().startswith(b"%PDF")
    quiet = run("corpus", tmp_path, "--quiet")
    assert quiet.err == ""


def test_factors_of_many_labels_take_one_row(run, tmp_path):
    lines = ["path,style,source"]
    for number in range(34):
        save_noise(tmp_path / f"{number}.png", number, (8, 8))
        lines.append(f"{number}.png,style {number % 31},artist {number % 2}")
    (tmp_path / "list.csv").write_text("\n".join(lines))
    ended = run("corpus", tmp_path / "list.csv")
    assert ["style", "31 labels", "1 to 2 each"] in rows(ended.out)
    assert ["source", "artist 0", "17"] in rows(ended.out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a folder or manifest, or --procedural for the corpus that is drawn"),
        (("pictures", "--procedural"), "leave out pictures or --procedural: there is one corpus at a time"),
        (
            ("pictures", "--styles", "weave", "--size", 64, "--export", "out"),
            "--styles, --size, --export: only with --procedural; leave out",
        ),
        (("--procedural", "--overwrite"), "--overwrite says how to --export: name its folder"),
        (("--procedural", "--styles", "mosiac"), "styles must be one of: mosaic, "),
        (("--procedural", "--size", 32), "for '--size'"),
        (("--procedural", "--replicates", 0), "for '--replicates'"),
        (("--procedural", *FEW, "--sheet", "sheet.jpg"), "suffix of a figure's file must be one of: "),
        (("--procedural", *FEW, "--sheet", "s.png", "--rows", "colour"), "rows must be one of: "),
        (("--procedural", *FEW, "--sheet", "s.png", "--rows", "content"), "different factors, got 'content'"),
    ],
)
def test_wrong_usage_is_said_and_nothing_written(run, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    ended = run("corpus", *arguments)
    assert ended.code == 2
    assert said in " ".join(ended.err.split())
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_fails(run, tmp_path):
    ended = run("corpus", tmp_path / "nowhere")
    assert ended.code == 1
    assert "no such file or folder" in ended.err


def test_help_lists_every_name_and_examples(run):
    out = " ".join(run("corpus", "--help").out.split())
    assert "gramstyle corpus --procedural --sheet sheet.png" in out
    assert all(style in out for style in STYLES)
