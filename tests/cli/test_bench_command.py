"""gramstyle bench: tables, records, and arguments that make no sense."""

import json

import pytest
import torch

from gramstyle.conv import choice

from .conftest import TINY, save_noise


def test_gram_writes_every_round(run, tmp_path):
    ended = run("bench", "gram", "--size", 32, "--repeat", 3, "--output", tmp_path / "gram.json")
    assert ended.code == 0, ended.err
    assert "64 x 32 x 32" in ended.out
    record = json.loads((tmp_path / "gram.json").read_text())
    assert record["command"].startswith("gramstyle bench gram --size 32")
    assert record["versions"]["torch"] == torch.__version__
    assert record["machine"]["flops"] > 0
    assert len(record["rows"][0]["rounds_ms"]["bmm"]) == 3
    low, middle, high = sorted(record["rows"][0]["rounds_ms"]["bmm"])
    assert record["rows"][0]["median_ms"]["bmm"] == pytest.approx(middle, abs=1e-4)
    assert low <= high


def test_convolutions_of_a_network(run):
    ended = run("bench", "conv-gram", "-b", "mobilenet_v2@random", "--size", 32, "--repeat", 1)
    assert ended.code == 0, ended.err
    assert "mobilenet_v2 features_0" in ended.out
    assert "one pass" in ended.out


def test_descriptors_of_images(run, tmp_path):
    images = [save_noise(tmp_path / f"{seed}.png", seed) for seed in (1, 2)]
    ended = run("bench", "descriptor", *images, "-b", "mobilenet_v2@random", "--size", 64, "--repeat", 1)
    assert ended.code == 0, ended.err
    assert "mobilenet_v2@random" in ended.out


def test_steps_of_a_transfer(run, tmp_path):
    ended = run(
        "bench", "transfer", "-b", "resnet18@random", "--size", 64, "--repeat", 1, "-o", tmp_path / "t.json"
    )
    assert ended.code == 0, ended.err
    assert "64 x 64" in ended.out
    (row,) = json.loads((tmp_path / "t.json").read_text())["rows"]
    assert 0 < row["eager_error"] < 1e-2
    assert 0 < row["error"] < 1e-2
    assert set(row["median_ms"]) == {"eager", "auto", "auto, default memory"}


def test_threads_are_as_asked(run, tmp_path):
    before = torch.get_num_threads()
    try:
        ended = run(
            "bench", "gram", "--size", 32, "--repeat", 1, "--threads", 1, "-o", tmp_path / "gram.json"
        )
        assert ended.code == 0, ended.err
        assert json.loads((tmp_path / "gram.json").read_text())["machine"]["threads"] == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("gram", "--dtype", "int8"), 2, "dtype"),
        (("gram", "--size", 8), 2, "--size"),
        (("gram", "--output", "times.csv"), 1, "--output must end in .json, got times.csv"),
        (("conv-gram", "-b", "vgg61"), 2, "vgg61"),
        (("conv-gram", "-b", TINY), 1, "backbone must be one of the registry to be timed"),
    ],
)
def test_bad_arguments(run, arguments, code, message):
    ended = run("bench", *arguments)
    assert ended.code == code
    assert message in ended.err


def test_one_image_has_no_distances(run, tmp_path):
    ended = run("bench", "descriptor", save_noise(tmp_path / "a.png", 1), "--size", 64)
    assert ended.code == 1
    assert "needs at least two images" in ended.err


def test_algorithms_of_a_convolution(run, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAMSTYLE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(choice, "measure_rates", lambda *_: {"direct": (1, 0, 0), "library": (1, 0, 0)})
    output = tmp_path / "conv.json"
    shape = ("--shape", "1x2x9x9:4x3x3", "--stride", 2, "--sparsity", 0.5, "--sparsity", 0.75)
    ended = run("bench", "conv", *shape, "--repeat", 1, "-o", output)
    assert ended.code == 0, ended.err
    assert "shapes: 1x2x9x9:4x3x3, stride 2, 0.75 zero" in ended.out
    rows = json.loads(output.read_text())["rows"]
    assert [row["sparsity"] for row in rows] == [0.5, 0.75]
    assert rows[0]["stride"] == [2, 2]
    lines = (tmp_path / "conv.csv").read_text().splitlines()
    assert lines[0].startswith("sweep,name,input,weight,stride,dilation,groups,complex,sparsity,operations,")
    assert len(lines) == 1 + sum(len(row["median_ms"]) for row in rows)
    assert (tmp_path / "conv.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sweep", "tap"], "--sweep must be one of: taps"),
        (["--shape", "3x9x9:4x3x3"], "shape must be BxCxHxW:NxTAPSxTAPS"),
        (["--complex"], "--complex and --sparsity are of --shape: give one"),
        (["--sparsity", 0.5, "--sweep", "taps"], "--sparsity are of --shape"),
    ],
)
def test_convolutions_that_are_none(run, arguments, message):
    ended = run("bench", "conv", *arguments)
    assert ended.code == 2
    assert message in ended.err
