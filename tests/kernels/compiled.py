"""The kernels and the program that proves them, by any compiler and with any flags, without torch."""

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CSRC = ROOT / "csrc"
PROOFS = Path(__file__).parent / "native"
STANDARD = ("-std=c++17", "-pthread")
WARNINGS = ("-Wall", "-Wextra", "-Werror")


def compiler(*names):
    """The first C++ compiler of `names`, or that which a build would take; else the test is skipped."""
    names = names or (os.environ.get("CXX") or "c++", "g++", "clang++")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"there is no C++ compiler: looked for {', '.join(names)}")
    return found


def emulator(name):
    """QEMU for programs of another processor; where there is none the test is skipped."""
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name}")
    return name


def run(*command, **environment):
    """Output and errors of a command that must succeed."""
    done = subprocess.run(
        list(map(str, command)),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout, done.stderr


@functools.cache
def works_with(cxx, *flags):
    """Whether programs that are built with `flags` run at all."""
    source = "#include <thread>\nint main() { std::thread([] {}).join(); }"
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program"
        command = [cxx, *STANDARD, *flags, "-x", "c++", "-", "-o", str(program)]
        built = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
        return built.returncode == 0 and subprocess.run([program], capture_output=True).returncode == 0


def need(cxx, *flags):
    """Skip the test unless programs that are built with `flags` run."""
    if not works_with(cxx, *flags):
        pytest.skip(f"{cxx} makes no programs that run with {' '.join(flags)}")


def kernels(folder, cxx, *flags, csrc=CSRC, names="*"):
    """Objects of the kernels. Warnings are errors."""
    return _objects(folder, cxx, flags, sorted((csrc / "cpu").glob(f"{names}.cpp")), csrc)


def oracle(folder, cxx, *flags, names="*"):
    """Objects of the program: tests/kernels/native/main.cpp says what it takes."""
    return _objects(folder, cxx, flags, sorted(PROOFS.glob(f"{names}.cpp")), CSRC)


def linked(program, cxx, objects, *flags):
    """`program`, made of `objects`."""
    run(cxx, *STANDARD, *flags, *objects, "-o", program)
    return program


def _objects(folder, cxx, flags, sources, csrc):
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for source in sources:
        found.append(folder / f"{source.stem}.o")
        included = (f"-I{csrc / 'include'}", f"-I{csrc / 'cpu'}")
        run(cxx, *STANDARD, *WARNINGS, *flags, *included, "-c", source, "-o", found[-1])
    return found
