"""gramstyle distance: every format says what the functions say, and stdout holds nothing else."""

import csv
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

import gramstyle
from gramstyle.kernels import available

from .conftest import TINY, save_noise


def expected(paths, **settings):
    return gramstyle.pairwise_style_distance([str(path) for path in paths], backbone=TINY, **settings)


def test_json_holds_distances_settings_weights_and_versions(run, two):
    ended = run("distance", *two, "-b", TINY, "--format", "json")
    assert ended.code == 0
    document = json.loads(ended.out)  # all of stdout
    (result,) = document["results"]
    truth = expected(two)
    assert document["format"] == "gramstyle-distances"
    np.testing.assert_allclose(result["combined"], truth.combined, rtol=1e-6)
    assert list(result["per_tap"]) == list(truth.per_tap)
    for tap, values in result["per_tap"].items():
        np.testing.assert_allclose(values, truth.per_tap[tap], rtol=1e-6)
    assert result["weights"]["name"] == "random:1"
    assert len(result["weights"]["sha256"]) == 64
    assert result["versions"]["torch"] == torch.__version__
    assert result["settings"]["metric"] == "cosine"
    assert [image["name"] for image in result["images"]] == [str(path) for path in two]


def test_csv_has_one_row_per_pair(run, folder):
    ended = run("distance", folder, "-b", TINY, "-f", "csv", "--metric", "cosine")
    assert ended.code == 0
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    paths = sorted(folder.iterdir())
    truth = expected(paths, metric="cosine")
    assert len(rows) == 10
    assert {(row["weights_source"], row["weights_sha256"]) for row in rows} == {
        (truth.identity.source, truth.identity.sha256)
    }
    for row in rows:
        i, j = ([str(path) for path in paths].index(row[key]) for key in ("image", "other"))
        assert float(row["combined"]) == pytest.approx(float(truth.combined[i, j]), rel=1e-6)


def test_table_of_two_lists_taps_and_the_combined_distance(run, two):
    ended = run("distance", *two, "-b", TINY)
    truth = expected(two)
    for tap, values in truth.per_tap.items():
        assert tap in ended.out
        assert f"{float(values[0, 1]):.6g}" in ended.out
    assert "combined" in ended.out


def test_table_of_several_is_the_matrix(run, folder):
    ended = run("distance", folder, "-b", TINY)
    truth = expected(sorted(folder.iterdir()))
    for value in truth.combined[0, 1:]:
        assert f"{float(value):.4g}" in ended.out


def test_table_of_many_names_nearest_and_farthest(run, tmp_path):
    for number in range(14):
        save_noise(tmp_path / f"{number}.png", number, (40, 40))
    ended = run("distance", tmp_path, "-b", TINY, "--taps", "blocks.0")
    truth = expected(
        sorted(tmp_path.iterdir(), key=lambda path: int(path.stem)), taps=["blocks.0"]
    ).combined.fill_diagonal_(torch.inf)
    nearest = int(truth[0].argmin())
    first = next(line for line in ended.out.splitlines() if line.startswith("0.png"))
    assert f" {nearest}.png" in first
    assert "--format csv" in ended.err


def test_several_backbones_give_several_results(run, two, tmp_path):
    other = "timm:test_resnet@random"
    ended = run("distance", *two, "-b", TINY, "-b", other, "-f", "json", "--heatmap", tmp_path / "h.png")
    results = json.loads(ended.out)["results"]
    assert [one["weights"]["backbone"] for one in results] == ["timm:test_efficientnet", "timm:test_resnet"]
    for name in ("timm-test_efficientnet-random-1", "timm-test_resnet-random-0"):
        with Image.open(tmp_path / f"h-{name}.png") as drawn:
            assert min(drawn.size) > 200
            assert "sha256" in drawn.info["Description"]
    assert ended.err.count("sha256") == 2


def test_output_decides_the_format_by_its_suffix(run, two, tmp_path):
    assert run("distance", *two, "-b", TINY, "-o", tmp_path / "d.json").out == ""
    assert json.loads((tmp_path / "d.json").read_text())["version"] == 1
    run("distance", *two, "-b", TINY, "-o", tmp_path / "d.csv")
    assert (tmp_path / "d.csv").read_text().startswith("backbone,")


def test_options_reach_the_recipe(run, two):
    how = "--gram covariance --metric frobenius --combine sum --size short:48 --crop 40 --dtype float64"
    taps = ("--taps", "blocks.1,blocks.0", "--tap-weights", "3,1")
    ended = run("distance", *two, "-b", TINY, *taps, *how.split(), "-f", "json")
    (result,) = json.loads(ended.out)["results"]
    taps = result["per_tap"]
    assert list(taps) == ["blocks.0", "blocks.1"]
    assert result["combined"][0][1] == pytest.approx(taps["blocks.0"][0][1] + 3 * taps["blocks.1"][0][1])
    assert [(image["height"], image["width"]) for image in result["images"]] == [(40, 40), (40, 40)]
    assert result["dtype"] == "float64"
    assert result["settings"]["gram"] == {"statistic": "covariance", "norm": "positions", "center": False}


def test_seed_belongs_to_random_weights(run, two):
    def combined(*options):
        plain = run("distance", *two, "-b", "timm:test_efficientnet@random", "-f", "json", *options).out
        return json.loads(plain)["results"][0]["combined"][0][1]

    assert combined("--seed", 1) == pytest.approx(float(expected(two).combined[0, 1]), rel=1e-6)
    assert combined("--seed", 2) != pytest.approx(combined("--seed", 1), rel=1e-3)


def test_native_backend_gives_the_same_numbers(run, two):
    plain = run("distance", *two, "-b", TINY, "-f", "json", "--kernel", "fused")
    if not available():
        assert plain.code == 1
        assert "kernel fused was asked for and its library is not there" in plain.err
        return
    assert plain.code == 0
    found = json.loads(plain.out)["results"][0]["combined"][0][1]
    assert found == pytest.approx(float(expected(two).combined[0, 1]), rel=1e-5)


def test_alpha_as_a_mask_leaves_out_what_is_transparent(run, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (64, 128, 4), dtype=np.uint8)
    picture[..., 3] = 255
    Image.fromarray(picture[:, :64]).save(tmp_path / "left.png")
    picture[:, 64:, 3] = 0
    Image.fromarray(picture).save(tmp_path / "half.png")
    arguments = ("distance", tmp_path / "half.png", tmp_path / "left.png", "-b", TINY, "-f", "json")
    taps = ("--taps", "blocks.0")
    values = [
        json.loads(run(*arguments, *taps, "--alpha", how).out)["results"][0]["combined"][0][1]
        for how in ("mask", "composite")
    ]
    assert values[0] < 0.25 * values[1]


def test_background_is_the_colour_under_transparent_pixels(run, tmp_path):
    clear = np.zeros((64, 64, 4), dtype=np.uint8)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    Image.new("RGB", (64, 64), "#3366cc").save(tmp_path / "plain.png")
    arguments = ("distance", tmp_path / "clear.png", tmp_path / "plain.png", "-b", TINY, "-f", "json")
    same, white = (
        json.loads(run(*arguments, *colour).out)["results"][0]["combined"][0][1]
        for colour in (("--background", "#3366cc"), ())
    )
    assert same == 0
    assert white > 0.01


USAGE = {
    "backbone": (["-b", "vgg61"], ["backbone must be one of: vgg16, vgg1", "got 'vgg61'"]),
    "tap": (
        ["-b", "resnet18@random", "--taps", "layer1"],
        ["tap of resnet18 must be one of: layer1_", "'layer1'"],
    ),
    "metric": (["--metric", "cosin"], ["metric must be one of: cosine, ", "got 'cosin'"]),
    "norm": (["--norm", "position"], ["norm must be one of: positions, ", "got 'position'"]),
    "statistic": (["--gram", "grams"], ["statistic must be one of: gram, ", "got 'grams'"]),
    "combine": (["--combine", "men"], ["combine must be one of: mean, ", "got 'men'"]),
    "preset": (["--preset", "gatys"], ["preset must be one of: gatys2016, ", "got 'gatys'"]),
    "weights": (["-b", "vgg16@IMAGENET"], ["IMAGENET1K_V1", "got 'IMAGENET'"]),
    "dtype": (["--dtype", "half"], ["dtype must be one of", "got 'half'"]),
    "size": (["--size", "big"], ["short:512", "got 'big'"]),
    "alpha": (["--alpha", "masked"], ["alpha must be one of: mask, composite", "got 'masked'"]),
    "background": (["--background", "whiter"], ["background must be a colour's name", "'whiter'"]),
    "kernel": (["--kernel", "cpp"], ["kernel must be one of", "got 'cpp'"]),
    "metric and statistic": (
        ["--metric", "wasserstein", "--gram", "gram"],
        ["wasserstein is defined for", "gaussian"],
    ),
    "norm of a mean": (["--gram", "mean", "--norm", "none"], ["norm and center are for", "mean"]),
    "preset and option": (["--preset", "piq", "--metric", "mse"], ["--preset piq", "--metric", "leave out"]),
    "weights without taps": (["--tap-weights", "1,2"], ["tap weights need taps"]),
    "words as weights": (["--taps", "relu1_1", "--tap-weights", "x"], ["must be numbers", "'x'"]),
    "timm without a tag": (["-b", "timm:resnet18"], ["pinned by tag", "a1_in1k"]),
    "timm unknown": (["-b", "timm:resnet1"], ["no model 'resnet1'", "nearest: resnet1"]),
    "output folder": (["-o", "."], ["--output must name a file"]),
    "figure": (["--heatmap", "h.bmp"], ["suffix of a figure's file must be one of", ".png", "'.bmp'"]),
    "preset and a default": (["--preset", "piq", "--norm", "positions"], ["--norm", "leave out"]),
    "device": (["--device", "tpu9"], ["device must be auto, cpu, cuda", "tpu9"]),
}


@pytest.mark.parametrize("case", USAGE)
def test_wrong_usage_is_exit_2_and_one_message(run, two, case):
    options, words = USAGE[case]
    ended = run("distance", *two, *options)
    assert ended.code == 2
    assert ended.out == ""
    assert "Traceback" not in ended.err
    for word in words:
        assert word in ended.err


def test_cuda_asked_for_and_absent(run, two, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    ended = run("distance", *two, "--device", "cuda")
    assert ended.code == 2
    assert "device cuda was asked for" in ended.err
    assert "--device cpu" in ended.err


def broken(path):
    path.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    return path


def test_an_unreadable_image_ends_the_run_or_is_counted(run, folder):
    bad = broken(folder / "bad.png")
    failed = run("distance", folder, "-b", TINY)
    assert failed.code == 1
    assert str(bad) in failed.err
    assert failed.out == ""
    skipped = run("distance", folder, "-b", TINY, "--on-error", "skip", "-f", "json")
    assert skipped.code == 0
    assert len(json.loads(skipped.out)["results"][0]["images"]) == 5
    assert "1 of 6 images skipped" in skipped.err
    assert str(bad) in skipped.err


def test_an_image_too_small_for_a_tap(run, folder):
    save_noise(folder / "tiny.png", 9, (6, 6))
    failed = run("distance", folder, "-b", TINY)
    assert failed.code == 1
    assert "tiny.png: 6 x 6 pixels are too few" in failed.err
    skipped = run("distance", folder, "-b", TINY, "--on-error", "skip")
    assert skipped.code == 0
    assert "1 of 6 images skipped" in skipped.err


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_images(run, tmp_path, count):
    for number in range(count):
        save_noise(tmp_path / f"{number}.png", number)
    ended = run("distance", tmp_path, "-b", TINY)
    assert ended.code == 1
    assert ("at least two images, got 1" if count else str(tmp_path)) in ended.err


def test_nan_in_an_image_file(run, two, tmp_path):
    import tifffile

    pixels = np.full((64, 64, 3), 0.5, dtype=np.float32)
    pixels[3, 4] = np.nan
    tifffile.imwrite(tmp_path / "nan.tif", pixels, photometric="rgb")
    ended = run("distance", two[0], tmp_path / "nan.tif", "-b", TINY)
    assert ended.code == 1
    assert "nan.tif" in ended.err
    assert "Traceback" not in ended.err


def test_nothing_is_written_when_the_run_fails(run, folder, tmp_path):
    broken(folder / "bad.png")
    out, heat = tmp_path / "d.json", tmp_path / "h.png"
    assert run("distance", folder, "-b", TINY, "-o", out, "--heatmap", heat).code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures"]
