"""gramstyle describe: one file that distances can be taken from, and runs that survive kill -9."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

import gramstyle

from .conftest import TINY, save_noise


def test_distances_from_the_file_are_those_from_the_images(run, folder, tmp_path):
    out = tmp_path / "d.safetensors"
    assert run("describe", folder, "-b", TINY, "-o", out).code == 0
    assert not (tmp_path / "d.safetensors.parts").exists()
    stored = json.loads(run("distance", out, "-f", "json").out)["results"][0]
    direct = json.loads(run("distance", folder, "-b", TINY, "-f", "json").out)["results"][0]
    assert stored["combined"] == direct["combined"]
    assert stored["images"] == direct["images"]
    assert stored["settings"] == direct["settings"]


def test_two_files_are_compared_with_each_other(run, folder, two, tmp_path):
    for name, images in {"one": [folder], "two": two}.items():
        run("describe", *images, "-b", TINY, "-o", tmp_path / f"{name}.safetensors")
    ended = run("distance", tmp_path / "one.safetensors", tmp_path / "two.safetensors", "-f", "json")
    result = json.loads(ended.out)["results"][0]
    assert torch.tensor(result["combined"]).shape == (5, 2)
    assert [image["name"] for image in result["others"]] == [str(path) for path in two]
    truth = gramstyle.pairwise_style_distance(folder, two, backbone=TINY)
    assert torch.tensor(result["combined"]).double() == pytest.approx(truth.combined, rel=1e-6)


def test_another_metric_needs_no_network(run, folder, tmp_path, monkeypatch):
    out = tmp_path / "d.safetensors"
    run("describe", folder, "-b", TINY, "-o", out)
    monkeypatch.setattr(gramstyle.Extractor, "__init__", None)  # would fail if called
    ended = run("distance", out, "--metric", "cosine", "-f", "json")
    assert json.loads(ended.out)["results"][0]["settings"]["metric"] == "cosine"


def test_what_is_said_of_a_file_is_followed_or_refused(run, folder, tmp_path):
    out = tmp_path / "d.safetensors"
    run("describe", folder, "-b", TINY, "-o", out, "--metric", "relative-frobenius")

    def combined(*options):
        result = json.loads(run("distance", out, "-f", "json", *options).out)["results"][0]
        return result["settings"]["metric"], result["combined"][0][1]

    assert combined()[0] == "relative-frobenius"
    assert combined("--metric", "cosine")[0] == "cosine"  # a default, and said
    taps = len(gramstyle.load_descriptors(out).values)
    assert combined("--combine", "sum")[1] == pytest.approx(taps * combined()[1])
    for late in (
        ["--taps", "x"],
        ["-b", TINY],
        ["--size", "64"],
        ["--preset", "piq"],
        ["--norm", "positions"],
    ):
        ended = run("distance", out, *late)
        assert ended.code == 2, late
        assert "came too late" in ended.err or late[0] == "--taps"


def test_files_made_in_different_ways_are_refused(run, folder, tmp_path):
    for name, tap in {"one": "blocks.0", "two": "blocks.1"}.items():
        run("describe", folder, "-b", TINY, "--taps", tap, "-o", tmp_path / f"{name}.safetensors")
    ended = run("distance", tmp_path / "one.safetensors", tmp_path / "two.safetensors")
    assert ended.code == 1
    assert "taps ['blocks.0'] against ['blocks.1']" in ended.err.replace("(", "[").replace(",)", "]").replace(
        ")", "]"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"not safetensors", "damaged or not a safetensors file"), (None, "not a file of descriptors")],
)
def test_a_file_that_is_no_descriptors(run, tmp_path, content, words):
    path = tmp_path / "x.safetensors"
    if content is None:
        import safetensors.torch

        safetensors.torch.save_file({"a": torch.zeros(1)}, path)
    else:
        path.write_bytes(content)
    ended = run("distance", path)
    assert ended.code == 1
    assert str(path) in ended.err
    assert words in ended.err


def test_wrong_usage(run, folder, two, tmp_path):
    assert run("describe", folder, "-o", tmp_path / "d.json").code == 2
    assert run("describe", folder, "-b", TINY, "-b", "vgg16", "-o", tmp_path / "d.safetensors").code == 2
    assert run("distance", tmp_path / "d.safetensors", two[0]).code == 2


KILLED = """
import sys
import gramstyle.store as store
from gramstyle.cli import main
store.PART_IMAGES = 4
original = store.DescriptorWriter._part
def slow(self, part):
    import time
    kept = original(self, part)
    print("part", flush=True)
    time.sleep(60)
    return kept
if sys.argv.pop(1) == "slow":
    store.DescriptorWriter._part = slow
main()
"""


def program(*arguments):
    return [sys.executable, "-c", KILLED, *map(str, arguments)]


@pytest.mark.proofs
def test_a_killed_run_goes_on_where_it_was(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(10):
        save_noise(folder / f"{number}.png", number, (40, 40))
    out = tmp_path / "d.safetensors"
    options = ("describe", folder, "-b", TINY, "--taps", "blocks.0", "--batch-size", 2, "-o", out)
    with subprocess.Popen(program("slow", *options), stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "part\n"
        os.kill(first.pid, signal.SIGKILL)
    assert not out.exists()
    time.sleep(0.01)
    save_noise(folder / "1.png", 99, (40, 40))  # described before, and changed since
    second = subprocess.run(program("fast", *options), capture_output=True, text=True, check=True)
    assert "3 of 10 images were described by an earlier run" in second.stderr
    resumed = gramstyle.load_descriptors(out)
    assert [name.rsplit("/", 1)[1] for name in resumed.names] == [f"{number}.png" for number in range(10)]
    fresh = gramstyle.Describer(resumed.recipe).describe(gramstyle.read_images(resumed.names))
    torch.testing.assert_close(resumed.values["blocks.0"], fresh.values["blocks.0"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.safetensors", "many"]


def test_an_unfinished_run_with_other_settings_is_not_mixed_in(run, folder, tmp_path):
    parts = tmp_path / "d.safetensors.parts"
    parts.mkdir()
    (parts / "settings.json").write_text("{}")
    ended = run("describe", folder, "-b", TINY, "-o", tmp_path / "d.safetensors")
    assert ended.code == 1
    assert "unfinished run with other settings" in ended.err
    assert str(parts) in ended.err


FULL = """
import resource, signal, sys
from gramstyle.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
main()
"""


@pytest.mark.proofs
def test_a_full_disk_leaves_nothing_behind(folder, tmp_path):
    out = tmp_path / "d.json"
    command = [sys.executable, "-B", "-c", FULL, "distance", str(folder), "-b", TINY, "-o", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "File too large" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures"]
