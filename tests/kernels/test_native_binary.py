"""The built libraries ask torch for stable symbols only."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gramstyle.kernels import reason_missing
from gramstyle.kernels.native import HALVES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=HALVES)
def half(request):
    """Name and file of a half."""
    if reason_missing(request.param) is not None:
        pytest.skip(reason_missing(request.param))
    name = HALVES[request.param]
    return name, importlib.import_module(f"gramstyle.kernels.{name}").__file__


def symbols(file, *options):
    listed = subprocess.run(
        ["nm", "-D", "--demangle", *options, file], capture_output=True, text=True, check=True
    )
    parts = 2 if "--defined-only" in options else 1
    return [line.split(maxsplit=parts)[-1] for line in listed.stdout.splitlines()]


@pytest.fixture(scope="module")
def undefined(half):
    return symbols(half[1], "--undefined-only")


def test_no_unstable_symbol_of_torch(undefined):
    unstable = [one for one in undefined if re.search(r"\b(at|c10|caffe2|torch)::", one)]
    assert unstable == []


def test_what_is_asked_of_torch_is_its_stable_interface(undefined):
    asked = [one for one in undefined if "torch" in one]
    assert asked, "nothing is asked of torch: the wrong file was read"
    others = [one for one in asked if not re.match(r"(aoti_torch_|torch_)\w+$", one)]
    assert others == []


def test_what_is_asked_of_python_is_its_limited_interface(undefined):
    asked = [one for one in undefined if re.match(r"_?Py", one)]
    assert asked == ["PyModule_AddStringConstant", "PyModule_Create2"]


def test_no_symbol_of_one_version_of_cuda(undefined):
    # the runtime is linked in: one file serves torch of any CUDA version that the driver does
    assert [one for one in undefined if re.match(r"_*(cuda|cu[A-Z]|nv)", one)] == []


def test_nothing_of_the_package_is_exported_but_the_module(half):
    name, file = half
    exported = symbols(file, "--defined-only")
    assert f"PyInit_{name}" in exported
    assert [one for one in exported if "gramstyle" in one] == []


def test_the_file_says_that_it_fits_every_python(half):
    name, file = half
    assert file.endswith((f"{name}.abi3.so", f"{name}.pyd"))


@pytest.mark.proofs
def test_the_library_can_be_the_first_thing_imported(half):
    # it has no search path of its own: the package must have imported torch before it
    script = f"import gramstyle.kernels.{half[0]} as _, gramstyle.kernels._cpu as _, torch; "
    script += "torch.ops.gramstyle.gram.default"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
