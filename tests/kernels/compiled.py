"""The kernels and the program that proves them, by any compiler and with any flags, without torch."""

import functools
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
CSRC = ROOT / "csrc"
PROOFS = Path(__file__).parent / "native"
INCLUDED = (f"-I{CSRC / 'include'}", f"-I{CSRC / 'cpu'}")
STANDARD = ("-std=c++17", "-pthread")


def compiler():
    """The C++ compiler that a build would take; None where there is none."""
    return next(filter(None, map(shutil.which, (os.environ.get("CXX") or "c++", "g++", "clang++"))), None)


def run(*command, **environment):
    """Output and errors of a command that must succeed."""
    done = subprocess.run(
        list(map(str, command)), env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout, done.stderr


@functools.cache
def works_with(cxx, *flags):
    """Whether programs that are built with `flags` run at all."""
    source = "#include <thread>\nint main() { std::thread([] {}).join(); }"
    program = Path(os.environ.get("TMPDIR", "/tmp")) / f"gramstyle-{os.getpid()}-{abs(hash(flags))}"
    command = [cxx, *STANDARD, *flags, "-x", "c++", "-", "-o", str(program)]
    try:
        built = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
        return built.returncode == 0 and subprocess.run([program], capture_output=True).returncode == 0
    finally:
        program.unlink(missing_ok=True)


def build(folder, cxx, *flags):
    """The program `proofs`: tests/kernels/native/main.cpp says what it takes. Warnings are errors."""
    sources = [*sorted((CSRC / "cpu").glob("*.cpp")), *sorted(PROOFS.glob("*.cpp"))]
    program = folder / "proofs"
    run(cxx, *STANDARD, "-Wall", "-Wextra", "-Werror", *flags, *INCLUDED, *sources, "-o", program)
    return program
