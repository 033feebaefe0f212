"""The built library asks torch for stable symbols only."""

import re
import subprocess
import sys
from pathlib import Path

import gramstyle.kernels._cpu as native
import pytest

ROOT = Path(__file__).parents[2]


def symbols(*options):
    listed = subprocess.run(
        ["nm", "-D", "--demangle", *options, native.__file__], capture_output=True, text=True, check=True
    )
    parts = 2 if "--defined-only" in options else 1
    return [line.split(maxsplit=parts)[-1] for line in listed.stdout.splitlines()]


@pytest.fixture(scope="module")
def undefined():
    return symbols("--undefined-only")


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


def test_nothing_of_the_package_is_exported_but_the_module():
    exported = symbols("--defined-only")
    assert "PyInit__cpu" in exported
    assert [one for one in exported if "gramstyle" in one] == []


def test_the_file_says_that_it_fits_every_python():
    assert native.__file__.endswith(("_cpu.abi3.so", "_cpu.pyd"))


def test_the_library_can_be_the_first_thing_imported():
    # it has no search path of its own: the package must have imported torch before it
    script = "import gramstyle.kernels._cpu, torch; torch.ops.gramstyle.gram.default"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
