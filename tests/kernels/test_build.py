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
import torch

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


COMPILER = """#!/bin/sh
# Stands in for a C++ compiler: whatever is asked for is made, and empty.
while [ $# -gt 0 ]; do [ "$1" = -o ] && touch "$2"; shift; done
"""
NVCC = """#!/bin/sh
# Stands in for nvcc. $NVCC_FAILS names a kernel that does not compile.
case "$*" in
  --list-gpu-code) echo sm_80; echo sm_90 ;;
  --version) echo release 13.0 ;;
  --dryrun*) echo "#"'$'" TOP=$(dirname "$0")/.." >&2 ;;
  *"${NVCC_FAILS:-no such kernel}"*) echo "error: it does not compile" >&2; exit 1 ;;
  *) echo "$@" >>"$(dirname "$0")/asked"; while [ $# -gt 0 ]; do [ "$1" = -o ] && touch "$2"; shift; done ;;
esac
"""


@pytest.fixture
def compilers(tmp_path):
    """Stand-ins for both compilers, as environment variables."""
    home = tmp_path / "cuda"
    for name, text in (("bin/c++", COMPILER), ("bin/nvcc", NVCC), ("lib64/libcudart_static.a", "")):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    compiler = str(home / "bin/c++")
    return {"CC": compiler, "CXX": compiler, "CUDA_HOME": str(home), "TORCH_CUDA_ARCH_LIST": ""}


def setup(tree, *command, native, hide_torch=False, **changes):
    environment = {
        **os.environ,
        "GRAMSTYLE_NATIVE": native,
        "CC": "/bin/false",
        "CXX": "/bin/false",
        **changes,
    }
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


def wheel_of(tree, *, expected=(), **options):
    done = setup(tree, "-q", "bdist_wheel", "--dist-dir", "wheels", **options)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tree / "wheels").iterdir()
    names = zipfile.ZipFile(wheel).namelist()
    assert "gramstyle/gram/__init__.py" in names
    assert "gramstyle/py.typed" in names
    assert "gramstyle/report/page.html" in names
    libraries = [Path(one).name for one in names if one.endswith((".so", ".pyd"))]
    assert sorted(libraries) == sorted(expected)
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


@pytest.mark.proofs
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
    assert "GRAMSTYLE_NATIVE must be auto, cpu, cuda or none, got 'gpu'" in done.stderr


needs_cuda_torch = pytest.mark.skipif(torch.version.cuda is None, reason="torch was built without CUDA")
BOTH = ("_cpu.abi3.so", "_cuda.abi3.so")


@pytest.mark.proofs
@needs_cuda_torch
def test_auto_builds_both_halves_where_it_can(tree, compilers):
    name, said = wheel_of(tree, native="auto", expected=BOTH, **compilers)
    assert "-abi3-" in name
    assert "gramstyle:" not in said
    asked = Path(compilers["CUDA_HOME"], "bin/asked").read_text().splitlines()
    kernels = {path.name for path in (tree / "csrc/cuda").glob("*.cu")}
    assert {Path(one.split(" -c ")[1].split()[0]).name for one in asked} == kernels
    assert all("-gencode=arch=compute_80,code=[sm_80,sm_90,compute_80]" in one for one in asked)


@pytest.mark.proofs
@needs_cuda_torch
def test_devices_are_those_that_torch_is_told(tree, compilers):
    compilers["TORCH_CUDA_ARCH_LIST"] = "7.5;8.6 9.0a+PTX"
    wheel_of(tree, native="cuda", expected=BOTH, **compilers)
    asked = Path(compilers["CUDA_HOME"], "bin/asked").read_text()
    assert "code=[sm_86,sm_90,compute_80]" in asked


@pytest.mark.proofs
@needs_cuda_torch
def test_a_kernel_that_does_not_compile_leaves_the_cpu_half(tree, compilers):
    said = wheel_of(tree, native="auto", expected=BOTH[:1], NVCC_FAILS="gram_ieee.cu", **compilers)[1]
    assert "gramstyle: the CUDA half did not build (nvcc failed on gram_ieee.cu: error: it does not" in said
    assert "installing without the CUDA half" in said
    assert "without the native half" not in said


@pytest.mark.proofs
@needs_cuda_torch
def test_an_nvcc_that_does_not_run_leaves_the_cpu_half(tree, compilers):
    Path(compilers["CUDA_HOME"], "bin/nvcc").write_text("#!/bin/sh\nexit 3\n")
    said = wheel_of(tree, native="auto", expected=BOTH[:1], **compilers)[1]
    assert "bin/nvcc does not run" in said
    assert "installing without the CUDA half" in said


@pytest.mark.proofs
@needs_cuda_torch
def test_without_nvcc_the_cpu_half_is_all_and_nothing_is_said(tree, compilers):
    Path(compilers["CUDA_HOME"], "bin/nvcc").unlink()
    said = wheel_of(tree, native="auto", expected=BOTH[:1], **compilers)[1]
    assert "gramstyle:" not in said


@pytest.mark.proofs
@needs_cuda_torch
def test_cpu_leaves_nvcc_alone(tree, compilers):
    wheel_of(tree, native="cpu", expected=BOTH[:1], **compilers)
    assert not Path(compilers["CUDA_HOME"], "bin/asked").exists()


@pytest.mark.proofs
@needs_cuda_torch
def test_cuda_fails_where_a_kernel_does(tree, compilers):
    done = setup(tree, "build_ext", native="cuda", NVCC_FAILS="plain_gram.cu", **compilers)
    assert done.returncode != 0
    assert "nvcc failed on plain_gram.cu" in done.stderr


@pytest.mark.proofs
def test_cuda_fails_without_nvcc(tree, tmp_path):
    done = setup(tree, "build_ext", native="cuda", CUDA_HOME=str(tmp_path))
    assert done.returncode != 0
    assert "GRAMSTYLE_NATIVE=cuda needs nvcc (CUDA_HOME) and a CUDA build of torch" in done.stderr


@pytest.mark.proofs
@needs_cuda_torch
def test_kernels_that_did_not_change_are_not_compiled_again(tree, compilers):
    asked = Path(compilers["CUDA_HOME"], "bin/asked")
    for _ in range(2):
        done = setup(tree, "build_ext", native="cuda", **compilers)
        assert done.returncode == 0, done.stderr
    kernels = list((tree / "csrc/cuda").glob("*.cu"))
    assert len(asked.read_text().splitlines()) == len(kernels)
    header = tree / "csrc/cuda/machine.cuh"
    header.write_text(f"{header.read_text()}// changed\n")
    assert setup(tree, "build_ext", native="cuda", **compilers).returncode == 0
    assert len(asked.read_text().splitlines()) == 2 * len(kernels)


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
