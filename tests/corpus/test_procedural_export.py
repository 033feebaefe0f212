"""An exported corpus is the same corpus, as files."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gramstyle.corpus import Corpus, Item, export_corpus, procedural_corpus, read_corpus
from gramstyle.corpus.procedural import export
from gramstyle.errors import StyleError
from gramstyle.images import read_image


@pytest.fixture
def corpus():
    parts = {"styles": ["halftone", "weave"], "contents": ["hills"], "palettes": ["moss", "plum"]}
    return procedural_corpus(5, **parts, replicates=2, size=64)


def test_files_are_the_images_and_the_manifest_lists_them(corpus, tmp_path):
    written = list(export_corpus(corpus, tmp_path / "out"))
    expected = [
        f"{style}/hills/{palette}-{replicate}.png"
        for style in ("halftone", "weave")
        for palette in ("moss", "plum")
        for replicate in (0, 1)
    ]
    assert written == [tmp_path / "out" / one for one in [*expected, "manifest.csv"]]
    assert sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file()) == sorted(written)
    with (tmp_path / "out" / "manifest.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [row["path"] for row in rows] == expected
    for row, item in zip(rows, corpus.items, strict=True):
        assert (row["style"], row["content"], row["palette"], row["source"]) == (
            item.style, item.content, item.palette, "",
        )  # fmt: skip
        with Image.open(tmp_path / "out" / row["path"]) as image:
            assert image.format == "PNG"
            np.testing.assert_array_equal(np.asarray(image), item.origin.levels())


def test_what_is_read_again_is_the_same_bit_for_bit(corpus, tmp_path):
    list(export_corpus(corpus, tmp_path))
    again = read_corpus(tmp_path / "manifest.csv")
    for factor in ("style", "content", "palette"):
        assert again.labels(factor) == corpus.labels(factor)
    for item, origin in zip(again.items, corpus.items, strict=True):
        assert torch.equal(item.origin.picture().pixels, origin.origin.picture().pixels)
    folders = read_corpus(tmp_path, layout="factorial")
    assert folders.counts("style") == corpus.counts("style")


def test_a_folder_that_holds_something_is_not_written_into_unless_asked(corpus, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(
        StyleError, match=r"must be empty or not there, got .*: pass overwrite=True \(--overwrite\), or name"
    ):
        export_corpus(corpus, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    list(export_corpus(corpus, tmp_path, overwrite=True))
    assert (tmp_path / "mine.txt").read_text() == "mine"
    first = (tmp_path / "weave/hills/plum-1.png").read_bytes()
    (tmp_path / "weave/hills/plum-1.png").write_bytes(b"old")
    list(export_corpus(corpus, tmp_path, overwrite=True))
    assert (tmp_path / "weave/hills/plum-1.png").read_bytes() == first
    with pytest.raises(StyleError, match="must be a folder or not there, got the file"):
        export_corpus(corpus, tmp_path / "mine.txt", overwrite=True)


def test_an_export_that_is_stopped_leaves_whole_files_and_no_manifest(corpus, tmp_path):
    writing = export_corpus(corpus, tmp_path)
    done = [next(writing), next(writing)]
    writing.close()
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(done)
    for path in done:
        assert read_image(path).pixels.shape == (3, 64, 64)


def test_a_file_that_cannot_be_written_leaves_nothing_behind(corpus, tmp_path, monkeypatch):
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(export, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        list(export_corpus(corpus, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_images_of_another_kind_are_refused(corpus, tmp_path):
    class Elsewhere:
        def picture(self):
            raise NotImplementedError

        def digest(self):
            return ""

    mixed = Corpus(name="mixed", items=(corpus.items[0], Item(name="a.jpg", origin=Elsewhere())))
    with pytest.raises(StyleError, match=r"only images of a procedural corpus can be exported, got 'a\.jpg'"):
        export_corpus(mixed, tmp_path)
