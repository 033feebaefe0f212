"""How gramstyle transfer is run: in tiles, below a limit of memory, deterministic."""

import json

import pytest
import torch

from gramstyle import read_image
from gramstyle.cli.execution import byte_size
from gramstyle.images import save_image
from gramstyle.transfer import Objective

TINY = "timm:test_resnet@random:1"
FEW = ("--size", 40, "--min-size", 40, "--first-iterations", 3, "-b", TINY)


@pytest.fixture
def files(tmp_path, generator):
    """A content and a style."""
    paths = [tmp_path / f"{name}.png" for name in ("content", "style")]
    for path, size in zip(paths, ((34, 40), (36, 36)), strict=True):
        coarse = torch.rand(1, 3, 5, 5, generator=generator)
        save_image(path, torch.nn.functional.interpolate(coarse, size=size, mode="bilinear")[0])
    return paths


def execution(path):
    return json.loads(path.read_text())["execution"]


def test_tiles_are_told_and_done_again(run, files, tmp_path):
    whole = run("transfer", *files, "-o", tmp_path / "whole.png", *FEW)
    tiled = run("transfer", *files, "-o", tmp_path / "tiled.png", *FEW, "--tile", 20, "--deterministic")
    assert (whole.code, tiled.code) == (0, 0), tiled.err
    assert "by estimate" not in whole.err + tiled.err
    found = execution(tmp_path / "tiled.png.json")
    assert found["asked"] == {
        "tile": 20, "memory_limit": None, "gradient_checkpointing": False, "deterministic": True
    }  # fmt: skip
    assert [(one["height"], one["width"], one["tile"]) for one in found["scales"]] == [(34, 40, 20)]
    assert execution(tmp_path / "whole.png.json")["asked"]["tile"] == "auto"
    first, second = (read_image(tmp_path / f"{name}.png").pixels for name in ("whole", "tiled"))
    assert float((first - second).abs().max()) < 0.02
    assert run("rerun", tmp_path / "tiled.png.json", "-o", tmp_path / "again.png").code == 0
    assert torch.equal(read_image(tmp_path / "again.png").pixels, second)
    again = execution(tmp_path / "again.png.json")
    assert again == found
    assert run("rerun", tmp_path / "tiled.png.json", "--tile", "off", "-o", tmp_path / "off.png").code == 0
    assert execution(tmp_path / "off.png.json")["scales"][0]["tile"] is None


def test_a_limit_of_memory(run, files, tmp_path):
    ended = run("transfer", *files, "-o", tmp_path / "a.png", *FEW, "--memory-limit", "40 GB")
    assert ended.code == 0, ended.err
    assert "scale 1 of 1 whole: at most " in ended.err
    found = execution(tmp_path / "a.png.json")
    assert found["asked"]["memory_limit"] == 40 * 10**9
    assert 10**8 < found["scales"][0]["estimate"] < 2 * 10**9
    ended = run("texture", files[1], "-o", tmp_path / "b.png", *FEW, "--memory-limit", "5MB")
    assert ended.code == 1
    assert "memory_limit must be at least" in ended.err
    assert not (tmp_path / "b.png").exists()


def test_gradient_checkpointing(run, files, tmp_path):
    for name, options in (("a", ()), ("b", ("--gradient-checkpointing",))):
        assert run("transfer", *files, "-o", tmp_path / f"{name}.png", *FEW, *options).code == 0
    assert execution(tmp_path / "b.png.json")["scales"][0]["checkpointed"]
    first, second = (read_image(tmp_path / f"{name}.png").pixels for name in "ab")
    assert torch.equal(first, second)


def test_running_out_of_memory_is_one_line_and_keeps_the_image(run, files, tmp_path, monkeypatch):
    evaluate, seen = Objective.evaluate, []

    def call(self, image):
        seen.append(image)
        if len(seen) == 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")
        return evaluate(self, image)

    monkeypatch.setattr(Objective, "evaluate", call)
    ended = run("transfer", *files, "-o", tmp_path / "out.png", *FEW)
    assert ended.code == 1
    assert ended.err.count("error:") == 1
    assert "--memory-limit" in ended.err
    assert json.loads((tmp_path / "out.png.json").read_text())["steps"] == [2, 3]
    assert read_image(tmp_path / "out.png").pixels.shape == (3, 34, 40)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--tile", "0"), "--tile must be a number of pixels greater than 0, auto or off, got '0'"),
        (
            ("--memory-limit", "much"),
            "--memory-limit must be a size such as 2GB, 1.5GiB or 800MB, got 'much'",
        ),
        (("--memory-limit", "0GB"), "--memory-limit must be a size such as"),
        (("--memory-limit", "2GB", "--tile", "512"), "give one of --memory-limit and --tile"),
        (("--tile", "9", "--gradient-checkpointing"), "give one of --tile and --gradient-checkpointing"),
    ],
)
def test_wrong_usage(options, message, run, files, tmp_path):
    ended = run("transfer", *files, "-o", tmp_path / "out.png", *FEW, *options)
    assert ended.code == 2
    assert message in ended.err


def test_sizes_in_words():
    sizes = {
        "2GB": 2 * 10**9,
        "1.5 GiB": 3 * 2**29,
        "800mb": 8 * 10**8,
        "12": 12,
        "4g": 4 * 10**9,
        "1KiB": 1024,
    }
    assert {text: byte_size(text) for text in sizes} == sizes
