"""The kernels through their argument structs, against plain loops, under sanitizers and on other processors.

Nothing here needs torch, or the built library: the sources are compiled anew. CONTRIBUTING.md says how to
let the same program and the fuzzer run for longer.
"""

import shutil
import subprocess

import pytest

from .compiled import build, compiler, run, works_with

ADDRESSES = ("-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
THREADS = ("-O1", "-g1", "-fsanitize=thread")
KINDS = ("avx512", "avx2", "neon", "portable")
QUICK = (("far",), ("conversions",), ("calls", "0", "25"))


def cxx_with(*flags):
    cxx = compiler()
    if cxx is None:
        pytest.skip("there is no C++ compiler")
    if not works_with(cxx, *flags):
        pytest.skip(f"{cxx} makes no programs that run with {' '.join(flags)}")
    return cxx


def kinds_here(program):
    """What this processor has of instructions that kernels are compiled for."""
    found = [kind for kind in KINDS if run(program, "far", GRAMSTYLE_CPU=kind)[0].split() == [kind]]
    assert "portable" in found
    return found


def test_addresses_and_undefined_behaviour(tmp_path):
    program = build(tmp_path, cxx_with(*ADDRESSES), *ADDRESSES)
    for kind in kinds_here(program):
        for what in (("calls", "0", "120"), ("long",), ("far",), ("conversions",), ("refusals",)):
            assert run(program, *what, GRAMSTYLE_CPU=kind) == (f"{kind}\n", "")


def test_threads(tmp_path):
    program = build(tmp_path, cxx_with(*THREADS), *THREADS)
    assert run(program, "threads", "0", "25")[1] == ""


def test_the_checks_can_fail(tmp_path):
    # a kernel that reads one position too few, which only sums can tell
    broken = tmp_path / "broken"
    shutil.copytree(CSRC, broken / "csrc")
