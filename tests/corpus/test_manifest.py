"""Corpora out of tables."""

from __future__ import annotations

import csv
import io
import re

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from gramstyle.corpus import FACTORS, read_manifest
from gramstyle.errors import StyleError


@pytest.fixture
def root(tmp_path):
    for name in ("1.png", "2.png", "sub/3.png", 'a "quoted", one.png', "ö ü.png", "a;b.png", "x, y.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (3, 2)).save(tmp_path / name)
    return tmp_path


def write(root, text, name="m.csv", encoding="utf-8"):
    path = root / name
    path.write_bytes(text.encode(encoding))
    return path


def rows(corpus):
    return [(item.name, item.style, item.content, item.palette, item.source) for item in corpus.items]


PLAIN = "path,style,content,palette,source\n2.png,s,c,p,one\nsub/3.png,t,d,q,\n"
EXPECTED = [("2.png", "s", "c", "p", "one"), ("sub/3.png", "t", "d", "q", "")]


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.rstrip("\n"),
        PLAIN.replace("\n", "\n\n,,,,\n"),
        PLAIN.replace("path,style", " Path , STYLE ").replace("s,c", " s ,\tc"),
        PLAIN.replace("2.png", '"2.png"').replace("t,d", '"t","d"'),
        PLAIN.replace("2.png", "sub/../2.png").replace("sub/3", "./sub/3"),
        PLAIN.replace("q,\n", "q\n"),
    ],
    ids=["plain", "mark", ";", "tab", "windows", "mac", "cut", "blank", "spaces", "quotes", "dots", "short"],
)
def test_ways_of_writing_one_csv(root, text):
    corpus = read_manifest(write(root, text))
    assert rows(corpus) == EXPECTED
    assert corpus.name == "m"
    assert corpus.notes == ("read 2 images with style and content and palette and source from m.csv",)
    assert corpus.items[1].origin.picture().width == 3


def test_paths_alone_are_enough_and_any_name_is_a_name(root):
    names = ['a "quoted", one.png', "ö ü.png", "a;b.png"]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["path"], *([name] for name in names)])
    corpus = read_manifest(write(root, buffer.getvalue()))
    assert rows(corpus) == [(name, None, None, None, "") for name in names]
    assert corpus.notes == ("read 3 images with no labels from m.csv",)
    for name in ("a;b.png", "x, y.png"):  # no delimiter is needed, and none is found
        assert [row[0] for row in rows(read_manifest(write(root, f"path\n{name}\n")))] == [name]


LABEL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    labels=st.lists(LABEL.filter(lambda text: text.strip()), min_size=2, max_size=2),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_labels_survive_the_writer_of_the_standard_library(root, labels, delimiter, quoting):
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, quoting=quoting)
    writer.writerows([["style", "path"], [labels[0], "1.png"], [labels[1], "2.png"]])
    corpus = read_manifest(write(root, buffer.getvalue()))
    assert corpus.labels("style") == tuple(label.strip() for label in labels)


def test_numbers_are_text(root):
    assert read_manifest(write(root, "path,style\n1.png,1\n2.png,1.0\n")).labels("style") == ("1", "1.0")
    table = pa.table(
        {
            "path": ["1.png", "2.png", "sub/3.png"],
            "style": pa.array([1, 2, 2], pa.int8()),
            "content": [1.0, 0.5, 1e15],
            "palette": [True, False, True],
            "source": pa.array([7.0, float("nan"), None]),
        }
    )
    parquet.write_table(table, root / "m.parquet")
    assert rows(read_manifest(root / "m.parquet")) == [
        ("1.png", "1", "1", "True", "7"),
        ("2.png", "2", "0.5", "False", ""),
        ("sub/3.png", "2", "1000000000000000", "True", ""),
    ]


def test_parquet_gives_what_csv_gives(root):
    columns = {name: [row[at] for row in EXPECTED] for at, name in enumerate(("path", *FACTORS))}
    columns["style"] = pa.array(columns["style"]).dictionary_encode()
    parquet.write_table(
        pa.table({" Path ": columns.pop("path"), "year": [1, 2], **columns}), root / "m.parquet"
    )
    corpus = read_manifest(root / "m.parquet")
    assert rows(corpus) == EXPECTED
    assert corpus.notes[1:] == ("ignored columns of m.parquet: 'year'",)


def test_further_and_blank_columns_are_noted(root):
    corpus = read_manifest(write(root, "year,path,style,,content\n1,1.png,a,,\n2,2.png,b,,\n"))
    assert corpus.labels("content") is None
    assert corpus.notes == (
        "read 2 images with style from m.csv",
        "ignored columns of m.csv: 'year'",
        "blank columns of m.csv: 'content'",
    )


def test_paths_start_from_the_manifest_or_from_root(root, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("tables")
    text = f"path\nsub/3.png\n{root / '1.png'}\n"
    assert [item.name for item in read_manifest(write(root, text)).items] == ["sub/3.png", "1.png"]
    manifest = write(elsewhere, text)
    assert [item.name for item in read_manifest(manifest, root=root).items] == ["sub/3.png", "1.png"]
    monkeypatch.chdir(root)
    for name in ("m.csv", "./m.csv"):
        assert read_manifest(name).items[0].name == "sub/3.png"
    outside = write(root / "sub", "path\n../1.png\n3.png\n")
    names = [item.name for item in read_manifest(outside).items]
    assert names == [(root / "1.png").as_posix(), "3.png"]
    with pytest.raises(StyleError, match=re.escape(f"root must be a folder, got '{root / '1.png'}'")):
        read_manifest(manifest, root=root / "1.png")


NEEDS = "needs a column 'path' with the path of each image, got"
MISSING = ": 1 of 1 images do not exist: line 2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,style\n1.png,a\n", f", line 1: {NEEDS} 'file', 'style': rename 'file' to 'path'"),
        ("\n\nstyle\na\n", f", line 3: {NEEDS} 'style': the header names the columns"),
        ("", f": {NEEDS} an empty file: the header names the columns"),
        ("path,style\n", " lists no images: it holds a header and no rows"),
        ("path,Style,style\n1.png,a,b\n", " must name each column once, got 'style' more than once"),
        (
            "path,style\n1.png,a\n,b\n , c\n",
            ": column 'path' must name an image in every row; blank on lines 3, 4",
        ),
        (
            "path,style\n1.png,a\n2.png,\nsub/3.png,c\n",
            ": column 'style' must be filled for every image or for none; blank on line 3 (1 of 3)",
        ),
        (
            "path,style\n1.png,a,b\n",
            ", line 2: 3 cells where the header has 2: put cells that contain ',' in double quotes",
        ),
        (
            'path,style\n1.png,a\n2.png,"b\n',
            ", line 3: unexpected end of data: is a double quote left open?",
        ),
        (
            "path,style\n1.png,a\n2.png,b\n1.png,a\n",
            ": lines 2, 4 name the same image '1.png': list each image once",
        ),
        (
            "path,style\n1.png,a\nsub/../1.png,b\n",
            ": lines 2, 3 name the same image '1.png' (as 'sub/../1.png'), with style 'a' and 'b': list each",
        ),
        ("path\nsub\n", f"{MISSING} 'sub': relative paths start from "),
        ("path\nsub\\3.png\n", f"{MISSING} 'sub\\\\3.png': write / between folders"),
        ("path\n" + "x" * 300 + ".png\n", f"{MISSING} 'xxx"),
        ("path\n1.png\0\n", ", line 2: holds a NUL: save it as CSV in UTF-8"),
    ],
)
def test_what_is_wrong_with_a_csv_is_said_with_its_place(root, text, message):
    manifest = write(root, text)
    with pytest.raises(StyleError, match=f"^{re.escape(str(manifest))}{re.escape(message)}"):
        read_manifest(manifest)


def test_all_missing_images_are_counted_and_five_named(root):
    text = "path\n1.png\n" + "".join(f"no{number}.png\n" for number in range(7))
    named = ", ".join(f"line {number + 3} 'no{number}.png'" for number in range(5))
    with pytest.raises(
        StyleError,
        match=re.escape(
            f"7 of 8 images do not exist: {named} and 2 more: relative paths start from '{root}', pass "
            "root to change that"
        ),
    ):
        read_manifest(write(root, text))
    with pytest.raises(StyleError, match=r"do not exist: line 2 '/no/x\.png'$"):
        read_manifest(write(root, "path\n/no/x.png\n"))


def test_lines_are_counted_as_editors_do(root):
    text = 'path,style\n1.png,"two\nlines"\n\n2.png,b\n2.png,c\n'
    with pytest.raises(StyleError, match=r"lines 5, 6 name the same image '2\.png', with style 'b' and 'c'"):
        read_manifest(write(root, text))


def test_a_link_is_the_image_it_leads_to(root):
    (root / "link.png").symlink_to(root / "1.png")
    with pytest.raises(StyleError, match=r"lines 2, 3 name the same image '1\.png' \(as 'link\.png'\): list"):
        read_manifest(write(root, "path\n1.png\nlink.png\n"))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_other_encodings_are_refused_with_the_line(root, encoding):
    line = 2 if encoding == "latin-1" else 1
    with pytest.raises(StyleError, match=f"m.csv, line {line}: not UTF-8: save it as CSV in UTF-8"):
        read_manifest(write(root, "path\nö ü.png\n", encoding=encoding))


def test_what_is_wrong_with_a_parquet_file(root):
    path = root / "m.parquet"
    path.write_bytes(b"no parquet at all")
    with pytest.raises(StyleError, match=re.escape(f"cannot read {path} as Parquet: ")):
        read_manifest(path)
    parquet.write_table(pa.table({"image": ["1.png"]}), path)
    with pytest.raises(
        StyleError, match=r"m\.parquet: needs a column 'path' .*, got 'image': rename 'image' to"
    ):
        read_manifest(path)
    parquet.write_table(pa.table({"path": ["1.png"], "style": [["a"]]}), path)
    with pytest.raises(
        StyleError, match=r"m\.parquet, row 1: column 'style' must hold text or numbers, got list"
    ):
        read_manifest(path)
    parquet.write_table(pa.table({"path": ["1.png", "2.png"], "style": ["a", None]}), path)
    with pytest.raises(StyleError, match=r"blank on row 2 \(1 of 2\)"):
        read_manifest(path)
    parquet.write_table(pa.table({"path": pa.array([], pa.string())}), path)
    with pytest.raises(StyleError, match="lists no images"):
        read_manifest(path)


def test_what_is_no_manifest(root):
    with pytest.raises(TypeError, match="path must be str or PathLike, got int"):
        read_manifest(5)
    with pytest.raises(TypeError, match="root must be str or PathLike, got int"):
        read_manifest(root / "m.csv", root=5)
    with pytest.raises(
        StyleError,
        match=re.escape(
            f"ending in .csv, .tsv, .parquet; got the folder '{root}': read_corpus reads folders"
        ),
    ):
        read_manifest(root)
    with pytest.raises(StyleError, match=r"must end in \.csv, \.tsv, \.parquet, got '.*m\.xlsx'"):
        read_manifest(root / "m.xlsx")
    with pytest.raises(StyleError, match=r"no such manifest: '.*m\.csv'"):
        read_manifest(root / "m.csv")
