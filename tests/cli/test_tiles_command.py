"""--tile and --max-pixels of describe and distance."""

from __future__ import annotations

import json

import pytest
import torch

import gramstyle
from gramstyle.cli import console

from .conftest import TINY, save_noise


def test_descriptors_in_tiles_are_those_of_whole_images(run, folder, tmp_path):
    for name, tile in {"off": "off", "tiled": 24, "auto": "auto"}.items():
        out = tmp_path / f"{name}.safetensors"
        assert run("describe", folder, "-b", TINY, "--size", "none", "--tile", tile, "-o", out).code == 0
    off, tiled, auto = (
        gramstyle.load_descriptors(tmp_path / f"{one}.safetensors") for one in ("off", "tiled", "auto")
    )
    assert tiled.recipe == off.recipe
    assert tiled.images == off.images
    for tap, value in off.values.items():
        torch.testing.assert_close(tiled.values[tap], value, rtol=1e-4, atol=1e-5 * float(value.abs().max()))
        assert torch.equal(auto.values[tap], value)
        assert not torch.equal(tiled.values[tap], value)


def test_a_file_begun_in_tiles_is_compared_with_one_that_was_not(run, two, tmp_path):
    for path, tile in zip(two, ("off", "20"), strict=True):
        run(
            "describe",
            path,
            "-b",
            TINY,
            "--size",
            "none",
            "--tile",
            tile,
            "-o",
            tmp_path / f"{tile}.safetensors",
        )
    ended = run("distance", tmp_path / "off.safetensors", tmp_path / "20.safetensors", "-f", "json")
    across = json.loads(ended.out)["results"][0]["combined"][0][0]
    plain = json.loads(run("distance", *two, "-b", TINY, "--size", "none", "-f", "json").out)["results"][0]
    assert across == pytest.approx(plain["combined"][0][1], rel=1e-4)


def test_distances_in_tiles(run, two):
    found = [
        json.loads(run("distance", *two, "-b", TINY, "--size", "none", "--tile", tile, "-f", "json").out)
        for tile in ("off", "31")
    ]
    off, tiled = (one["results"][0] for one in found)
    assert tiled["settings"] == off["settings"]
    assert tiled["combined"][0][1] == pytest.approx(off["combined"][0][1], rel=1e-4)
    assert tiled["combined"][0][1] > 0


@pytest.mark.parametrize("tile", ["0", "-3", "big", "12.5", "1e3", ""])
@pytest.mark.parametrize("command", ["describe", "distance"])
def test_a_tile_that_is_none_is_wrong_usage(command, tile, run, two, tmp_path):
    output = ["-o", tmp_path / "d.safetensors"] if command == "describe" else []
    ended = run(command, *two, "-b", TINY, f"--tile={tile}", *output)
    assert ended.code == 2
    assert f"--tile must be a number of pixels greater than 0, auto or off, got {tile!r}" in ended.err


@pytest.mark.parametrize("command", ["describe", "distance"])
def test_files_that_claim_more_pixels_are_refused(command, run, two, tmp_path):
    output = ["-o", tmp_path / "d.safetensors"] if command == "describe" else []
    ended = run(command, *two, "-b", TINY, "--max-pixels", 5000, *output)
    assert ended.code == 1
    assert "96 x 80 is 7680 pixels, more than max_pixels=5000" in ended.err
    assert run(command, *two, "-b", TINY, "--max-pixels", 7680, *output).code == 0


def test_a_network_that_cannot_run_in_tiles_says_so(run, two):
    ended = run("distance", *two, "-b", "timm:test_convnext@random", "--tile", 32)
    assert ended.code == 1
    assert "timm:test_convnext cannot run in tiles because of permute at 'permute'" in ended.err
    assert run("distance", *two, "-b", "timm:test_convnext@random").code == 0


def test_each_tap_has_its_bar(run, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(console.Bars, "__call__", lambda _self, *each: told.append(each))
    image = save_noise(tmp_path / "a.png", 1, (64, 50))
    run("describe", image, "-b", TINY, "--size", "none", "--tile", 32, "-o", tmp_path / "d.safetensors")
    ends = {what: (done, total) for what, done, total in told if what.startswith("tiles")}
    taps = gramstyle.load_descriptors(tmp_path / "d.safetensors").values
    assert set(ends) == {f"tiles at {tap}" for tap in taps} | {
        what for what in ends if what.startswith("tiles for global means, round ")
    }
    assert all(done == total for done, total in ends.values())
