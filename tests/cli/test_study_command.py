"""gramstyle study: corpora of every kind in, a folder out; wrong usage is said before any work."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image
from study.tiny_study import coloured, grain, save_weights

from gramstyle.cli.study import procedural_study
from gramstyle.corpus import CONTENTS, PALETTES, STYLES, procedural_corpus
from gramstyle.study import QUICK

from .conftest import TINY, save_noise

SETTINGS = f"""
backbones = ["{TINY}"]
random_seeds = []
resize = "none"
draws = 20
permutations = 19
diagnosed = 2

[[sweeps]]
whose = ["learned", "random"]
where = "last"
readouts = [{{statistic = "gram", metric = "frobenius"}}]

[[sweeps]]
whose = ["pixels"]
where = "depth"
readouts = [{{statistic = "gaussian", metric = "wasserstein"}}]
"""
TABLES = {"report.html", "estimates.csv", "estimates.parquet", "diagnostics.csv", "summary.json"}


@pytest.fixture(autouse=True)
def unsynced(monkeypatch):
    """Files need not outlive the machine here; waiting for the disk takes most of the time."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(SETTINGS)
    return path


def painted(path, style, seed, side=48):
    """An image file whose grain is its style."""
    values = grain(np.random.default_rng(seed), style * np.pi / 4, 0.05 + 0.05 * style, side=side)
    pixels = coloured(values, (0, 0, 0)).permute(1, 2, 0).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((255 * pixels).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def paintings(tmp_path):
    """STYLE/IMAGE: four styles of two images each."""
    root = tmp_path / "paintings"
    for style in range(4):
        for number in range(2):
            painted(root / f"style {style}" / f"{number}.png", style, 10 * style + number)
    return root


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def estimates(folder):
    with (folder / "estimates.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def undated(folder):
    plain = summary(folder)
    del plain["provenance"]["date"]
    return plain


def test_a_folder_of_styles_becomes_a_folder_of_findings(run, paintings, tiny, tmp_path):
    network, out = save_weights(tmp_path / "w.safetensors"), tmp_path / "out"
    ended = run("study", paintings, "--settings", tiny, "-b", network, "-o", out)
    assert ended.code == 0
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    written = {name for name in written if not name.startswith("cache/")}
    figures = {name for name in written if name.startswith("figures/")}
    assert written - figures == TABLES
    assert {Path(name).suffix for name in figures} == {".png", ".svg"}
    assert len(figures) >= 10
    found = summary(out)
    assert found["corpus"]["counts"] == {"style": {f"style {number}": 2 for number in range(4)}}
    assert found["provenance"]["settings"]["backbones"] == [network]
    assert found["provenance"]["settings"]["draws"] == 20
    (choice,) = found["choices"]
    assert choice["tap"] == "blocks.4"
    rows = estimates(out)
    assert pyarrow.parquet.read_table(out / "estimates.parquet").num_rows == len(rows) > 20
    (held,) = [
        row
        for row in rows
        if (row["backbone"], row["estimate"], row["split"], row["tap"])
        == ("timm:test_efficientnet", "auc", "held-out", "blocks.4")
    ]
    assert float(held["value"]) == pytest.approx(choice["held_out"])
    page = (out / "report.html").read_text()
    assert page.count("data:image/") > len(figures) / 2
    assert "style 3" in page
    # results on stdout, words about them on stderr
    assert f"Open {out / 'report.html'}" in ended.out
    assert "Held-out styles, taps chosen on the others" in ended.out
    (line,) = [one for one in ended.out.splitlines() if one.startswith("H12")]
    assert "not measured" in line or "undecided" in line
    assert ended.err.count("took first-level folders as styles") == 1
    assert f"wrote {len(written)} files to {out}" in ended.err


@pytest.mark.proofs
def test_a_run_that_is_repeated_takes_what_is_there(run, paintings, tiny, tmp_path, monkeypatch):
    out = tmp_path / "out"
    assert run("study", paintings, "--settings", tiny, "-o", out).code == 0
    first = undated(out)
    monkeypatch.setattr("gramstyle.extract.Extractor.forward", lambda *_: pytest.fail("ran the network"))
    assert run("study", paintings, "--settings", tiny, "-o", out).code == 0
    assert undated(out) == first
    assert run("study", paintings, "--settings", tiny, "-o", out, "--draws", 30, "--seed", 3).code == 0
    again = summary(out)["provenance"]["settings"]
    assert (again["draws"], again["permutations"], again["seed"]) == (30, 19, 3)


def test_options_replace_what_the_settings_say(run, paintings, tiny, tmp_path):
    out = tmp_path / "out"
    ended = run(
        "study", paintings, "--settings", tiny, "-o", out, "-b", "timm:test_resnet@random:2",
        "--size", "short:40", "--permutations", 29, "--random-copies", 2, "--quiet",
    )  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    settings = summary(out)["provenance"]["settings"]
    assert settings["backbones"] == ["timm:test_resnet@random:2"]
    assert (settings["resize"], settings["permutations"], settings["draws"]) == ("short:40", 29, 20)
    assert settings["random_seeds"] == [0, 1]
    taps = [one for one in summary(out)["taps"] if one["backbone"] == "timm:test_resnet"]
    assert taps[0]["positions"] == 20 * 20
    assert "Held-out" not in ended.out  # no learned network, no choice


def test_folders_of_styles_and_contents_are_crossed(run, tiny, tmp_path):
    root = tmp_path / "factorial"
    for style in range(3):
        for content in ("cat", "dog"):
            for number in range(2):
                painted(root / f"s{style}" / content / f"{number}.png", style, 20 * style + number)
    ended = run("study", root, "--settings", tiny, "-o", tmp_path / "out")
    assert ended.code == 0
    assert summary(tmp_path / "out")["corpus"]["counts"]["content"] == {"cat": 6, "dog": 6}
    questions = {row["question"] for row in estimates(tmp_path / "out")}
    assert {"style", "hard", "content"} <= questions
    assert "took folders as STYLE/CONTENT" in ended.err
    assert "fewer than 4 styles" in ended.err


def test_images_without_styles_are_cut_up(run, tiny, tmp_path):
    root = tmp_path / "photographs"
    for number in range(4):
        painted(root / f"{number}.png", number, number, side=112)
    ended = run("study", root, "--settings", tiny, "--crop", 48, "--gap", 16, "-o", tmp_path / "out")
    assert ended.code == 0
    corpus = summary(tmp_path / "out")["corpus"]
    assert corpus["counts"]["style"] == {f"{number}.png": 4 for number in range(4)}
    assert corpus["sources"] == 4
    assert "2 x 2 crops of 48 pixels, 16 apart" in ended.err


def test_crops_are_not_resampled_unless_that_is_asked_for(run, tmp_path, monkeypatch):
    root = tmp_path / "photographs"
    for number in range(2):
        painted(root / f"{number}.png", number, number, side=128)
    asked = []

    def stopped(corpus, settings, folder, **options):
        asked.append((len(corpus), settings.resize, settings.limit, folder))
        raise OSError("far enough")

    monkeypatch.setattr("gramstyle.cli.study.run_study", stopped)
    how = ("study", root, "--quick", "--crop", 48, "-b", TINY, "-o", tmp_path / "out")
    for options in ((), ("--size", "short:64"), ("--limit", 5)):
        ended = run(*how, *options)
        assert (ended.code, "far enough" in ended.err) == (1, True)
    cache = tmp_path / "out" / "cache"
    assert asked == [
        (8, "none", QUICK.limit, cache),
        (8, "short:64", QUICK.limit, cache),
        (8, "none", 5, cache),
    ]


def test_a_manifest_names_the_labels(run, paintings, tiny, tmp_path):
    rows = [["path", "style", "content", "palette", "source"]]
    for number, path in enumerate(sorted(paintings.rglob("*.png"))):
        place = path.relative_to(tmp_path).as_posix()
        rows.append([place, path.parent.name, f"c{number % 2}", "grey", f"artist {number}"])
    manifest = tmp_path / "works.csv"
    manifest.write_text("\n".join(",".join(row) for row in rows))
    for how in (("--manifest", manifest), (manifest,)):
        ended = run("study", *how, "--settings", tiny, "-o", tmp_path / "out")
        assert ended.code == 0
        corpus = summary(tmp_path / "out")["corpus"]
        assert corpus["name"] == "works"
        assert set(corpus["counts"]) == {"style", "content", "palette"}
        assert "read 8 images with style and content and palette and source from works.csv" in ended.err


def test_drawn_images_go_through_a_network_of_the_registry(run, tiny, tmp_path, monkeypatch):
    """Four styles of the procedural corpus, small; all of it is what the command asks for."""
    asked = []

    def smaller(seed, **given):
        asked.append((seed, given))
        return procedural_corpus(
            seed, styles=list(STYLES)[:4], contents=list(CONTENTS)[:2], palettes=given["palettes"][:1],
            replicates=given["replicates"], size=64,
        )  # fmt: skip

    monkeypatch.setattr("gramstyle.cli.study.procedural_corpus", smaller)
    ended = run(
        "study", "--procedural", "--settings", tiny, "-b", "mobilenet_v2@random:0", "--seed", 4,
        "-o", tmp_path / "out",
    )  # fmt: skip
    assert ended.code == 0
    ((seed, given),) = asked
    assert (seed, given["replicates"], len(given["palettes"])) == (4, 1, 2)
    assert set(given) == {"contents", "palettes", "replicates"}
    found = summary(tmp_path / "out")
    assert len(found["corpus"]["counts"]["style"]) == 4
    assert found["provenance"]["weights"]["mobilenet_v2@random:0"]["name"] == "random:0"


def test_the_procedural_corpora_of_the_presets_are_crossed():
    full, quick = (procedural_study(0, quick=one) for one in (False, True))
    assert len(full) == len(STYLES) * 4 * 2
    assert len(quick) == QUICK.limit
    assert set(quick.counts("style")) < set(full.counts("style")) == set(STYLES)
    for corpus in (full, quick):
        assert set(corpus.counts("content")) <= set(CONTENTS)
        assert set(corpus.counts("palette")) <= set(PALETTES)
        cells = {(item.style, item.content, item.palette) for item in corpus.items}
        contents, palettes = corpus.counts("content"), corpus.counts("palette")
        styles = corpus.counts("style")
        assert len(cells) == len(corpus) == len(styles) * len(contents) * len(palettes)
        assert min(len(contents), len(palettes)) > 1
    assert len(quick) < len(full)


def test_bundled_images_are_cropped(run, tmp_path, monkeypatch):
    asked = []

    def stopped(corpus, settings, folder, **options):
        asked.append((corpus, settings))
        raise OSError("far enough")

    monkeypatch.setattr("gramstyle.cli.study.run_study", stopped)
    ended = run("study", "--bundled", "-b", TINY, "-o", tmp_path)
    assert "far enough" in ended.err
    ((corpus, settings),) = asked
    assert set(corpus.counts("style").values()) == {4}
    assert "astronaut" in corpus.counts("style")
    assert settings.resize == "none"
    assert settings.draws == 2000  # the full study is the default


def test_names_of_any_kind_are_written_as_they_are(run, tiny, tmp_path):
    """Blanks, other alphabets, and brackets that are markup to the terminal."""
    root = tmp_path / "Bilder & Gemälde [red]"
    for style in range(4):
        for number in range(2):
            painted(root / f"стиль {style} [bold]" / f"{number} ö.png", style, 10 * style + number)
    settings = tiny.rename(tmp_path / "настройки 1.toml")
    out = tmp_path / "отчёт [/]" / "2 b"
    ended = run("study", root, "--settings", settings, "-o", out)
    assert ended.code == 0
    assert f"Open {out / 'report.html'}" in ended.out
    assert "стиль 0 [bold] (2)" in ended.err
    assert set(summary(out)["corpus"]["counts"]["style"]) == {f"стиль {one} [bold]" for one in range(4)}
    assert "стиль 0 [bold]" in (out / "report.html").read_text()
    assert {path.name for path in out.iterdir()} >= TABLES


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name one corpus: a folder of images, --manifest FILE, --procedural or --bundled; got none"),
        (("{images}", "--procedural"), "got IMAGES, --procedural"),
        (("--bundled", "--procedural"), "got --procedural, --bundled"),
        (("{images}", "--manifest", "x.csv"), "got IMAGES, --manifest"),
        (("--procedural", "--layout", "styles"), "--layout styles is of a folder IMAGES, got --procedural"),
        (("{images}", "--quick", "--full"), "--quick, --full and --settings each say what is measured"),
        (("{images}", "--quick", "--settings", "{tiny}"), "give one of them"),
        (("{images}", "-b", "vgg17"), "backbone must be one of: vgg16"),
        (("{images}", "--size", "huge"), "resize must be"),
        (("{images}", "--dtype", "int8"), "dtype must be one of"),
        (("{images}", "--device", "abacus"), "device"),
        (("{images}", "--draws", "0"), "draws"),
        (("{images}", "--limit", "1"), "limit"),
        (("{images}", "--random-copies", "-1"), "random-copies"),
        (("{images}", "--crop", "32"), "--crop and --gap are for images without styles"),
        (("{images}", "--gap", "8"), "--crop and --gap are for images without styles"),
    ],
)
def test_contradictions_are_wrong_usage_and_nothing_is_begun(run, paintings, tiny, tmp_path, arguments, said):
    given = [one.format(images=paintings, tiny=tiny) for one in arguments]
    ended = run("study", *given, "-o", tmp_path / "out")
    assert ended.code == 2
    assert said in " ".join(ended.err.replace("│", " ").split())
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("draws = ", "must be a TOML file of study settings"),
        ('speed = "high"', "setting must be one of"),
        ("draws = 0", "draws must be"),
        ('sweeps = [{features = ["shaken"]}]', "readouts of a sweep must name at least one"),
        (
            'primary = {statistic = "mean", metric = "cosine"}',
            "primary readout mean cosine must be in a sweep",
        ),
    ],
)
def test_settings_that_mean_nothing_are_wrong_usage(run, paintings, tmp_path, text, said):
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    ended = run("study", paintings, "--settings", path, "-o", tmp_path / "out")
    assert ended.code == 2
    assert str(path) in ended.err
    assert said in ended.err


def test_settings_that_are_not_there_end_the_run(run, paintings, tmp_path):
    ended = run("study", paintings, "--settings", tmp_path / "none.toml", "-o", tmp_path / "out")
    assert ended.code != 0
    assert "none.toml" in ended.err


def test_an_output_that_cannot_be_written_is_refused_before_any_work(run, paintings, tiny, tmp_path):
    file = tmp_path / "file"
    file.touch()
    (tmp_path / "taken" / "report.html").mkdir(parents=True)
    for out in (file, file / "below", tmp_path / "taken"):
        ended = run("study", paintings, "--settings", tiny, "-o", out)
        assert ended.code == 2
        assert "--output" in ended.err
    assert not (tmp_path / "taken" / "cache").exists()


def test_images_that_cannot_be_studied_end_the_run_with_their_names(run, paintings, tiny, tmp_path):
    how = ("--settings", tiny, "-o", tmp_path / "out")
    ended = run("study", tmp_path / "nowhere", *how)
    assert (ended.code, "nowhere" in ended.err) == (1, True)
    (paintings / "style 2" / "1.png").write_bytes(b"no image")
    ended = run("study", paintings, *how)
    assert (ended.code, "1.png" in ended.err) == (1, True)
    (paintings / "style 2" / "1.png").unlink()
    ended = run("study", paintings, *how)
    assert ended.code == 1
    assert "only one image each for 'style 2'" in ended.err
    save_noise(paintings / "style 2" / "1.png", 0, (20, 20))
    ended = run("study", paintings, *how)
    assert ended.code == 1
    assert "1.png: 20 x 20 pixels are too few" in ended.err
    assert "Traceback" not in ended.err


def test_an_interrupted_run_goes_on(run, paintings, tiny, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("gramstyle.study.run.conclude", interrupted)
        ended = run("study", paintings, "--settings", tiny, "-o", out)
    assert ended.code == 130
    assert not (out / "report.html").exists()
    monkeypatch.setattr("gramstyle.extract.Extractor.forward", lambda *_: pytest.fail("ran the network"))
    assert run("study", paintings, "--settings", tiny, "-o", out).code == 0
    assert (out / "report.html").exists()
