"""gramstyle diagnose: every format says what the functions say, and stdout holds nothing else."""

import csv
import io
import json

import pytest
import torch
from PIL import Image

from gramstyle.diagnose import DIAGNOSTICS, PER_IMAGE
from gramstyle.diagnosis import cka_between, diagnose
from gramstyle.images import read_images

from .conftest import TINY, save_noise

OTHER = "mobilenet_v2@random:0"
TAPS = ("--taps", "blocks.0,blocks.1")


def expected(paths, backbone=TINY, taps=("blocks.0", "blocks.1"), **settings):
    pictures = read_images(paths, on_error="fail", skipped=None, background=(1.0, 1.0, 1.0))
    return diagnose(pictures, backbone, taps, resize="short:64", **settings)


def numbers(line):
    return [cell.strip() for cell in line.replace("│", " ").split()]


def words(text):
    """Without spaces: titles are folded to the width of their tables."""
    return "".join(text.split())


def test_table_shows_what_most_readers_need(run, folder):
    ended = run("diagnose", folder, "-b", TINY, *TAPS, "--size", "short:64")
    assert ended.code == 0
    truth = expected(sorted(folder.iterdir()))
    lines = ended.out.splitlines()
    assert lines[0].startswith(f"{TINY}, 5 images, short:64")
    for name, tap in truth.taps.items():
        (line,) = [one for one in lines if one.startswith(name)]
        shown = ("participation_ratio", "excess_correlation", "top5_share", "effective_positions")
        cells = [f"{tap.quartiles(one).median:.4g}" for one in (*shown, "noise_ratio", "activation_entropy")]
        positions = sorted(tap.positions)[2]
        assert numbers(line) == [name, str(tap.tap.channels), str(positions), *cells]
    assert "--explain" in ended.err
    assert "sha256" in ended.err


def test_all_shows_every_diagnostic_and_how_taps_align(run, folder):
    ended = run("diagnose", folder, "-b", TINY, *TAPS, "--size", "short:64", "--all")
    truth = expected(sorted(folder.iterdir()))
    for name in DIAGNOSTICS:
        assert name in ended.out
    pooled = [tap.pooled["stable_rank"] for tap in truth.taps.values()]
    (line,) = [one for one in ended.out.splitlines() if one.startswith("stable_rank") and "pooled" in one]
    assert numbers(line)[2:] == [f"{value:.4g}" for value in pooled]
    assert f"CKA(debiased),{TINY}tap" in words(ended.out)
    aligned = float(cka_between(truth, truth)[0, 1])
    assert f"{aligned:.4g}" in ended.out


def test_json_holds_every_number_settings_and_weights(run, folder):
    ended = run("diagnose", folder, "-b", TINY, *TAPS, "--size", "short:64", "-f", "json", "--seed", "3")
    document = json.loads(ended.out)  # all of stdout
    (result,) = document["results"]
    truth = expected(sorted(folder.iterdir()), seed=3)
    assert document["format"] == "gramstyle-diagnosis"
    assert result == json.loads(json.dumps(truth.as_json()))
    assert result["versions"]["torch"] == torch.__version__
    assert result["settings"] == {"backbone": TINY, "resize": "short:64", "seed": 3}
    assert [one["tap"] for one in result["taps"]] == ["blocks.0", "blocks.1"]


def test_csv_has_one_row_per_tap_and_image_and_two_for_all(run, folder, tmp_path):
    path = tmp_path / "d.csv"
    assert run("diagnose", folder, "-b", TINY, *TAPS, "--size", "short:64", "-o", path).out == ""
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    truth = expected(sorted(folder.iterdir()))
    assert len(rows) == 2 * (5 + 2)
    assert {row["backbone"] for row in rows} == {TINY}
    assert {row["weights_sha256"] for row in rows} == {truth.identity.sha256}
    for row in rows[:5]:
        place = [image.name for image in truth.images].index(row["image"])
        for name in PER_IMAGE:
            value = float(truth.taps["blocks.0"].per_image[name][place])
            assert (row[name] == "") if value != value else (float(row[name]) == value)


def test_several_networks_stand_side_by_side(run, folder, tmp_path):
    drawing = tmp_path / "figure.png"
    ended = run(
        "diagnose", folder, "-b", TINY, "-b", OTHER, "--size", "short:64", "-f", "json", "--figure", drawing
    )  # fmt: skip
    assert ended.code == 0
    document = json.loads(ended.out)
    assert [one["settings"]["backbone"] for one in document["results"]] == [TINY, OTHER]
    (between,) = document["cka_between"]
    assert (between["rows"], between["columns"]) == (TINY, OTHER)
    shape = [len(one["taps"]) for one in document["results"]]
    debiased = between["cka"]["grams"]["debiased"]
    assert [len(debiased), len(debiased[0])] == shape
    with Image.open(drawing) as drawn:
        assert min(drawn.size) > 500
        assert drawn.info["Description"].count("sha256") == 2
    assert f"wrote {drawing}" in ended.err


def test_several_networks_align_in_tables(run, folder):
    ended = run("diagnose", folder, "-b", TINY, "-b", OTHER, "--size", "short:64", "--all", "-q")
    assert f"CKA(debiased),{TINY}down,{OTHER}acrosstap" in words(ended.out)
    assert ended.err == ""


def test_markdown_goes_to_a_file(run, two, tmp_path):
    for extra, name in (((), "tap"), (("--all",), "diagnostic")):
        path = tmp_path / f"{name}.md"
        assert run("diagnose", *two, "-b", TINY, *TAPS, "-o", path, *extra).code == 0
        text = path.read_text()
        assert text.startswith(f"## {TINY}\n\n| {name} |")


def test_explain_needs_no_image(run):
    ended = run("diagnose", "--explain")
    assert ended.code == 0
    for name in DIAGNOSTICS:
        assert name in ended.out
    assert "Roy and Vetterli 2007" in ended.out


def test_images_that_cannot_be_used_end_the_run_or_are_left_out(run, two, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    small = save_noise(tmp_path / "small.png", 3, (1, 40))
    how = ("-b", TINY, "--taps", "blocks.1", "--size", "none", "-f", "csv")
    for bad in (broken, small):
        ended = run("diagnose", *two, bad, *how)
        assert ended.code == 1
        assert bad.name in ended.err
        assert ended.out == ""
    ended = run("diagnose", *two, broken, small, *how, "--on-error", "skip")
    assert ended.code == 0
    names = {row["image"] for row in csv.DictReader(io.StringIO(ended.out)) if row["scope"] == "image"}
    assert names == {str(path) for path in two}
    assert "2 of 4 images skipped" in ended.err


def test_notes_of_images_are_said_once(run, tmp_path):
    for number in range(2):
        Image.new("RGBA", (64, 64), (10 * number, 20, 30, 100)).save(tmp_path / f"{number}.png")
    ended = run("diagnose", tmp_path, "-b", TINY, "--taps", "blocks.0", "--size", "none")
    assert "and 1 more: alpha composited on white" in ended.err


def test_a_seed_reaches_random_weights(run, two):
    ended = run("diagnose", two[0], "-b", "timm:test_efficientnet@random", *TAPS, "--seed", "4", "-f", "json")
    (result,) = json.loads(ended.out)["results"]
    assert result["weights"]["name"] == "random:4"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--taps", "blocks.9"), "tap of timm:test_efficientnet must be one of"),
        (("--size", "large"), "resize must be"),
        (("--figure", "x.bmp"), "suffix of a figure's file must be one of"),
        (("--dtype", "int8"), "dtype must be one of"),
        (("--background", "nocolour"), "background must be a colour's name"),
    ],
)
def test_wrong_usage_ends_before_any_work(arguments, said, run, two, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = run("diagnose", *two, "-b", TINY, *arguments)
    assert ended.code == 2
    assert said in ended.err
    assert ended.out == ""
