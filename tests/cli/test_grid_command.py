"""gramstyle grid, interpolate and sheet; traces of a transfer."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

from gramstyle import read_image
from gramstyle.images import save_image

TINY = "timm:test_resnet@random:1"
FEW = ("--size", 32, "--min-size", 32, "--first-iterations", 2, "-b", TINY)


@pytest.fixture
def files(tmp_path, generator):
    """A folder of two contents and one of two styles."""
    for name in ("contents/a", "contents/b", "styles/s", "styles/t"):
        coarse = torch.rand(1, 3, 5, 5, generator=generator)
        made = torch.nn.functional.interpolate(coarse, size=(24, 32), mode="bilinear")[0]
        save_image(tmp_path / f"{name}.png", made)
    return tmp_path / "contents", tmp_path / "styles"


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_grid_that_loses_one_image_and_goes_on(run, files, tmp_path):
    contents, styles = files
    whole = (contents / "b.png").read_bytes()
    (contents / "b.png").write_bytes(b"no image")
    out = tmp_path / "out"
    arguments = (
        "grid", "--content", contents, "--style", styles / "s.png", "--content-weights", "0.01,1", "-o", out,
        *FEW, "--gradient-checkpointing",
    )  # fmt: skip
    ended = run(*arguments)
    assert ended.code == 1
    assert ended.err.count("error:") == 2
    assert "error: b_s_0.01.png and 1 more: cannot read " in ended.err
    assert "error: 2 of 4 failed" in ended.err
    names = ["a_s_0.01.png", "a_s_1.png", "b_s_0.01.png", "b_s_1.png"]
    rows = rows_of(out / "results.csv")
    assert [row["image"] for row in rows] == names
    assert [row["outcome"] for row in rows] == ["made"] * 2 + ["failed"] * 2
    assert [float(row["weight"]) for row in rows[:2]] == [0.01, 1.0]
    manifest = json.loads((out / "a_s_1.png.json").read_text())
    assert {term: float(rows[1][term]) for term in manifest["losses"]} == manifest["losses"]
    assert manifest["job"]["settings"]["content_weight"] == 1.0
    assert manifest["execution"]["asked"]["gradient_checkpointing"]
    with Image.open(out / "sheet.png") as sheet:
        assert min(sheet.size) > 3 * 32

    (contents / "b.png").write_bytes(whole)
    again = run(*arguments)
    assert again.code == 0, again.err
    assert again.err.count(": kept ") == again.err.count(": wrote ") == 2
    later = rows_of(out / "results.csv")
    assert [row["outcome"] for row in later] == ["kept"] * 2 + ["made"] * 2
    assert [row["seconds"] for row in later[:2]] == [row["seconds"] for row in rows[:2]]

    alone = run(
        "transfer", contents / "b.png", styles / "s.png", "-cw", 0.01, "-o", tmp_path / "one.png", *FEW
    )
    assert alone.code == 0, alone.err
    pair = [read_image(path).pixels for path in (tmp_path / "one.png", out / "b_s_0.01.png")]
    assert torch.equal(*pair)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--content", "contents", "--style", "none.png", "-o", "out"), "no such file or folder"),
        (
            ("--content", "contents", "--style", "styles", "-o", "styles/out"),
            "must be a folder apart",
        ),
        (("--content", "contents", "--style", "styles", "-o", "contents"), "got contents in contents"),
        (("--content", "contents", "--style", "styles", "-o", "out", "--content-weights", "1,x"), "numbers"),
        (("--content", "contents", "--style", "styles", "-o", "out", "--bits", 9), "--bits must be 8 or 16"),
        (
            ("--content", "contents", "--style", "styles", "-o", "out", "--device", "tpu:9"),
            "device must be auto, cpu",
        ),
        (("--content", "contents", "--style", "styles", "-o", "out", "--kernel", "fast"), "kernel must be"),
        (("--content", "contents", "--style", "styles", "-o", "out", "--dtype", "int8"), "dtype"),
    ],
)
def test_wrong_grids_are_refused_before_any_work(arguments, message, run, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = run("grid", *arguments, *FEW)
    assert ended.code in (1, 2)
    assert message in ended.err
    assert ended.err.count("error:") == 1
    assert not list(tmp_path.rglob("*.json"))


def test_a_walk_with_its_film(run, files, tmp_path):
    contents, styles = files
    out = tmp_path / "walk"
    few = ("interpolate", contents / "a.png", styles / "s.png", styles / "t.png", "-o", out, "--steps", 3)
    ended = run(*few, *FEW, "--film", out / "walk.gif", "--fps", "8", "--blend", "geodesic")
    assert ended.code == 0, ended.err
    jobs = [json.loads((out / f"{place:02d}.png.json").read_text())["job"] for place in range(3)]
    assert [[style["weight"] for style in job["styles"]] for job in jobs] == [[1, 0], [0.5, 0.5], [0, 1]]
    assert [job["start"] for job in jobs] == [None, str(out / "00.png"), str(out / "01.png")]
    assert {job["settings"]["blend"] for job in jobs} == {"geodesic"}
    assert [row["shares"] for row in rows_of(out / "results.csv")] == ["1 0", "0.5 0.5", "0 1"]
    assert (out / "sheet.png").exists()
    with Image.open(out / "walk.gif") as gif:
        assert (gif.n_frames, gif.size) == (4, (32, 24))
        assert gif.info["duration"] in (120, 130)  # an eighth of a second, in hundredths
        gif.seek(2)
        frame = np.asarray(gif.convert("RGB")).astype(int)
    last = read_image(out / "02.png").pixels.numpy().transpose(1, 2, 0) * 255
    assert np.abs(frame - last).mean() < 8
    assert run(*few, *FEW, "--blend", "geodesic").err.count(": kept ") == 3


def test_wrong_walks_are_refused(run, files, tmp_path):
    contents, styles = files
    four = [styles / "s.png", styles / "t.png"] * 2
    for given, message in (
        (four[:3], "styles must be two images, or four, got 3"),
        ([*four, "--film", "w.gif"], "--film is a walk between two styles, got four"),
        ([*four[:2], "--film", "w.png"], "a film must be written to a file that ends in .mp4"),
        ([*four[:2], "--film", "w.gif", "--fps", "0"], "--fps must be frames per second"),
        ([*four[:2], "--preset", "gatys2016", "--blend", "geodesic"], "needs the statistic gaussian"),
        ([*four[:2], "--device", "tpu:9"], "device must be auto, cpu"),
        ([*four[:2], "--kernel", "fast"], "kernel must be"),
    ):
        ended = run("interpolate", contents / "a.png", *given, "-o", tmp_path / "w")
        assert ended.code == 2
        assert message in ended.err


def test_a_sheet_of_any_images(run, files, tmp_path):
    out = tmp_path / "sheet.png"
    ended = run("sheet", *files, "-o", out, "--columns", 4, "--cell", 40)
    assert ended.code == 0, ended.err
    with Image.open(out) as sheet:
        assert sheet.size == (2 * 12 + 4 * 40 + 3 * 4, 2 * 12 + 30)
    named = run("sheet", *files, "-o", out, "--columns", 4, "--cell", 40, "--labels", "--title", "all")
    assert named.code == 0
    with Image.open(out) as sheet:
        assert sheet.size[1] == 2 * 12 + 30 + 24 + 12 + 24
    (files[0] / "c.png").write_bytes(b"no image")
    assert run("sheet", *files, "-o", out).code == 1
    skipping = run("sheet", *files, "-o", out, "--on-error", "skip")
    assert skipping.code == 0
    assert "1 of 5 images skipped" in skipping.err
    assert run("sheet", *files, "-o", tmp_path / "a.jpg").code == 2


def test_a_trace_has_each_step_once(run, files, tmp_path):
    contents, styles = files
    trace = tmp_path / "trace.jsonl"
    job = ("transfer", contents / "a.png", styles / "s.png", "-o", tmp_path / "o.png", "--trace", trace)
    steps = ("--size", 32, "--min-size", 32, "--first-iterations", 4, "-b", TINY)
    assert run(*job, *steps).code == 0
    whole = [json.loads(line) for line in trace.read_text().splitlines()]
    assert [one["step"] for one in whole] == [1, 2, 3, 4]
    assert whole[-1]["losses"] == json.loads((tmp_path / "o.png.json").read_text())["losses"]
    assert all(one["seconds"] > 0 for one in whole)

    from gramstyle.transfer import Job, Work  # the same job, stopped after two steps and its snapshot

    plain = json.loads((tmp_path / "o.png.json").read_text())["job"]
    half = Work(Job.from_json(plain), device="cpu", save_every=1).states()
    next(half), next(half)
    assert "going on after step 2 of" in run(*job, *steps).err
    again = [json.loads(line) for line in trace.read_text().splitlines()]
    assert [one["step"] for one in again] == [1, 2, 3, 4]
    assert [one["losses"] for one in again] == [one["losses"] for one in whole]
    assert [one["seconds"] for one in again[:2]] == [one["seconds"] for one in whole[:2]]

    (tmp_path / "letter.txt").write_text("dear\n")
    ended = run(*job[:-1], tmp_path / "letter.txt", *steps)
    assert ended.code in (1, 2)
    assert "trace must be a new file" in ended.err
