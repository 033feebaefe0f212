"""Building from a copy of the tree, with and without what it needs."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NO_TORCH = "raise ImportError('torch is hidden')\n"


@pytest.fixture
def tree(tmp_path):
    """What a build reads, and nothing that was built."""
    copy = tmp_path / "tree"
    copy.mkdir()
    for name in ("setup.py", "pyproject.toml", "LICENSE", "MANIFEST.in", "CHANGELOG.md"):
        shutil.copy(ROOT / name, copy)
    (copy / "README.md").write_text("A stand-in.\n")
    built = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    for folder in ("gramstyle", "csrc"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=built)
    return copy


def setup(tree, *command, native, hide_torch=False):
    environment = {**os.environ, "GRAMSTYLE_NATIVE": native, "CC": "/bin/false", "CXX": "/bin/false"}
    if hide_torch:
        (tree / "hidden").mkdir()
        (tree / "hidden/torch.py").write_text(NO_TORCH)
        environment["PYTHONPATH"] = str(tree / "hidden")
    return subprocess.run(
        [sys.executable, "setup.py", *command],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def wheel_of(tree, **options):
    done = setup(tree, "-q", "bdist_wheel", "--dist-dir", "wheels", **options)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tree / "wheels").iterdir()
    names = zipfile.ZipFile(wheel).namelist()
    assert "gramstyle/gram/__init__.py" in names
    assert "gramstyle/py.typed" in names
    assert "gramstyle/report/page.html" in names
    assert [one for one in names if one.endswith((".so", ".pyd"))] == []
    return wheel.name, done.stderr


def test_none_builds_pure_python_without_compiler_or_torch(tree):
    name, said = wheel_of(tree, native="none", hide_torch=True)
    assert name.endswith("-py3-none-any.whl")
    assert "gramstyle:" not in said


def test_auto_goes_on_without_a_compiler_and_says_so(tree):
    _, said = wheel_of(tree, native="auto")
    assert "gramstyle: the native half did not build" in said
    assert "installing without the native half" in said


def test_auto_goes_on_without_torch_and_says_so(tree):
    name, said = wheel_of(tree, native="auto", hide_torch=True)
    assert name.endswith("-py3-none-any.whl")
    assert "torch is not importable while building (see --no-build-isolation)" in said


def test_cpu_fails_without_a_compiler(tree):
    done = setup(tree, "build_ext", native="cpu")
    assert done.returncode != 0
    assert "installing without the native half" not in done.stderr


def test_cpu_fails_without_torch(tree):
    done = setup(tree, "build_ext", native="cpu", hide_torch=True)
    assert done.returncode != 0
    assert "GRAMSTYLE_NATIVE=cpu needs torch while building: torch is hidden" in done.stderr


def test_a_choice_that_does_not_exist_is_refused(tree):
    done = setup(tree, "--version", native="gpu")
    assert done.returncode != 0
    assert "GRAMSTYLE_NATIVE must be auto, cpu or none, got 'gpu'" in done.stderr


def test_the_oldest_torch_is_the_same_in_both_files():
    floor = re.search(r"^TORCH_FLOOR = \((\d+), (\d+)\)", (ROOT / "setup.py").read_text(), re.MULTILINE)
    declared = re.search(r'^  "torch>=(\d+)\.(\d+)",$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert floor.groups() == declared.groups()


def test_a_source_distribution_holds_all_that_a_build_reads(tree):
    done = setup(tree, "-q", "sdist", "--dist-dir", "sources", native="none")
    assert done.returncode == 0, done.stderr
    (archive,) = (tree / "sources").iterdir()
    with tarfile.open(archive) as opened:
        inside = {name.partition("/")[2] for name in opened.getnames()}
    sources = {str(path.relative_to(tree)) for path in (tree / "csrc").rglob("*.*")}
    assert len(sources) >= 4
    assert sources | {"gramstyle/report/page.html", "gramstyle/py.typed", "setup.py"} <= inside
