"""The kernels through their argument structs, against plain loops, under sanitizers and on other processors.

Nothing here needs torch, or the built library: the sources are compiled anew. Tests marked `proofs` do the
same for longer, with more compilers; CONTRIBUTING.md says how to run them.
"""

import functools
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .compiled import CSRC, compiler, emulator, kernels, linked, need, oracle, run, works_with

PLAIN = ("-O1",)
ADDRESSES = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
THREADS = ("-O1", "-fsanitize=thread")
TABLES = {"x86_64": ("avx512", "avx2", "portable"), "aarch64": ("neon", "portable")}
NEEDED = {
    "avx512": {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx2", "fma", "f16c"},
    "avx2": {"avx2", "fma", "f16c"},
}
HERE = TABLES.get(platform.machine(), ("portable",))
# features that the emulator does not know and says so, for each thread
SANDY_BRIDGE = "SandyBridge,-x2apic,-tsc-deadline"
HASWELL = "Haswell,-pcid,-x2apic,-tsc-deadline,-hle,-invpcid,-rtm"
KNOWN = (("empty",), ("direct",), ("activated",))
QUICK = (*KNOWN, ("far",), ("conversions",), ("calls", "0", "60"))
LONG = (*KNOWN, ("far",), ("conversions",), ("refusals",), ("long",), ("calls", "60", "1500"))

x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="compiles for this processor: not an x86")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return tmp_path_factory.mktemp("proofs")


@pytest.fixture(scope="module")
def references(workshop):
    """Plain loops, once for all programs: what is under test is instrumented, they need not be."""
    return oracle(workshop / "references", compiler(), "-O1")


@pytest.fixture(scope="module")
def objects(workshop):
    """Of the kernels, by flags."""

    @functools.cache
    def of(*flags):
        need(compiler(), *flags)
        return kernels(workshop / "".join(flags).replace(",", "-"), compiler(), *flags)

    return of


@pytest.fixture(scope="module")
def program(workshop, references, objects):
    """Of kernels by flags."""

    @functools.cache
    def of(*flags):
        name = workshop / "".join(("program", *flags)).replace(",", "-")
        return linked(name, compiler(), [*references, *objects(*flags)], *flags)

    return of


def prove(command, table, *tasks):
    """Run tasks with a table, where this processor has it."""
    if run(*command, "none", GRAMSTYLE_CPU=table)[0] != f"{table}\n":
        pytest.skip(f"this processor has no {table}")
    for task in tasks:
        assert run(*command, *task, GRAMSTYLE_CPU=table) == (f"{table}\n", "")


@pytest.mark.proofs
@pytest.mark.parametrize("table", HERE)
def test_addresses_and_undefined_behaviour(table, program):
    prove([program(*ADDRESSES)], table, *QUICK)


@pytest.mark.proofs
@pytest.mark.parametrize("task", ["long", "refusals"])
def test_long_sums_and_refused_memory(task, program):
    assert run(program(*PLAIN), task)[1] == ""


@pytest.mark.proofs
def test_threads(program):
    assert run(program(*THREADS), "threads", "0", "25")[1] == ""


@pytest.mark.proofs
@pytest.mark.parametrize(
    ("flags", "right", "wrong", "task", "said"),
    [
        (
            PLAIN,
            "std::min(step, last - p), room",
            "std::min(step, last - p - 1), room",
            "calls",
            "second [",
        ),
        (
            ADDRESSES,
            "(kTile * reader.step())",
            "(kTile * reader.step() / 2)",
            "calls",
            "heap-buffer-overflow",
        ),
        (
            THREADS,
            "T* room = scratch<T, 1>",
            "static T* room = scratch<T, 1>",
            "threads",
            "data race",
        ),
    ],
    ids=["a position is not read", "too little memory", "memory of all threads"],
)
def test_the_proofs_can_fail(flags, right, wrong, task, said, workshop, references, objects):
    tree = workshop / said.split()[0]
    shutil.copytree(CSRC, tree)
    text = (tree / "cpu/gram.cpp").read_text()
    assert text.count(right) == 1
    (tree / "cpu/gram.cpp").write_text(text.replace(right, wrong))
    broken = kernels(tree, compiler(), *flags, csrc=tree, names="gram")
    others = [one for one in objects(*flags) if one.stem != "gram"]
    program = linked(tree / "program", compiler(), [*references, *broken, *others], *flags)
    done = subprocess.run([program, task, "0", "60"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert said in done.stderr


# ---- which instructions


def features():
    """What the kernel says of this processor."""
    try:
        words = re.findall(r"^(?:flags|Features)\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        words = []
    if not words:
        pytest.skip("/proc/cpuinfo does not say what this processor has")
    return set(words[0].split())


def table_for(having):
    """The first table whose instructions are all in `having`."""
    return next(table for table in HERE if NEEDED.get(table, set()) <= having)


@pytest.mark.proofs
@pytest.mark.parametrize("asked", HERE)
def test_no_more_is_used_than_was_asked_for_and_nothing_that_is_not_there(asked, program):
    best = max(HERE.index(table_for(features())), HERE.index(asked))
    assert run(program(*PLAIN), "none", GRAMSTYLE_CPU=asked)[0] == f"{HERE[best]}\n"


@pytest.mark.proofs
def test_the_best_is_used_where_nothing_was_asked_for(program, monkeypatch):
    monkeypatch.delenv("GRAMSTYLE_CPU", raising=False)
    assert run(program(*PLAIN), "none")[0] == f"{table_for(features())}\n"


@x86
@pytest.mark.parametrize(
    ("processor", "table"), [("Nehalem", "portable"), (SANDY_BRIDGE, "portable"), (HASWELL, "avx2")]
)
def test_older_processors_meet_no_instruction_that_they_lack(processor, table, program):
    emulated = [emulator("qemu-x86_64"), "-cpu", processor, program(*PLAIN)]
    prove(emulated, table, ("empty",), ("calls", "0", "12"))


@x86
def test_a_newer_table_is_not_had_by_asking(program):
    emulated = [emulator("qemu-x86_64"), "-cpu", "Nehalem", program(*PLAIN)]
    assert run(*emulated, "none", GRAMSTYLE_CPU="avx512")[0] == "portable\n"


def vector_functions(file):
    """Names of functions with instructions of AVX or later, whose names all begin with a v."""
    found = set()
    for function in re.split(r"\n(?=[0-9a-f]+ <)", run("objdump", "-d", "--no-show-raw-insn", file)[0]):
        name = re.match(r"[0-9a-f]+ <(\w+)", function)
        if name and re.search(r"^ +[0-9a-f]+:\tv", function, re.MULTILINE):
            found.add(name[1])
    return found


def check_symbols(folder, cxx, *flags, csrc=CSRC):
    """Nothing that another file could be given for its own by the linker, and nothing run at the start.

    A weak function that was compiled for AVX-512 may take the place of the same one of any other file, which
    then fails on processors without.
    """
    for table in ("avx2", "avx512"):
        (file,) = kernels(folder, cxx, *flags, csrc=csrc, names=table)
        vectors = vector_functions(file)
        assert any(f"{table}6VectorE" in name for name in vectors), "objdump says nothing"
        listed = [line.split() for line in run("nm", file)[0].splitlines()]
        kinds = {one[2]: one[1] for one in listed if len(one) == 3}
        weak = {name for name in vectors if kinds[name] in "WVui"}
        assert sorted(name for name in weak if f"{table}6Vector" not in name) == []
        outside = [name for name, kind in kinds.items() if kind in "TDRB"]
        assert outside == [f"_ZN9gramstyle{len(table) + 8}{table}_kernelsE"]
        assert [name for name in kinds if "GLOBAL__sub" in name or "static_initialization" in name] == []


need_binutils = pytest.mark.skipif(
    None in (shutil.which("nm"), shutil.which("objdump")), reason="there is no nm, or no objdump"
)


@pytest.mark.proofs
@x86
@need_binutils
def test_objects_for_newer_processors_share_no_function(workshop):
    check_symbols(workshop / "symbols", compiler(), "-O0")  # where nothing is inlined


@x86
@need_binutils
def test_a_shared_function_would_be_found(workshop):
    tree = workshop / "shared"
    shutil.copytree(CSRC, tree)
    loops = tree / "cpu/loops.h"
    shared = "inline float zero_of_all() { return 0; }\n\n"
    text = loops.read_text()
    wrong = text.replace("template <class V>\nstruct Loops {", shared + "template <class V>\nstruct Loops {")
    wrong = wrong.replace("V sum = V::zero();", "V sum = V::all(T(zero_of_all()));")
    assert wrong != text
    loops.write_text(wrong)
    with pytest.raises(AssertionError, match="zero_of_all"):
        check_symbols(tree, compiler(), "-O0", csrc=tree)


# ---- ARM


@pytest.fixture(scope="module")
def on_arm(workshop):
    """The command that runs the program on an emulated ARM processor."""
    emulated, cxx = emulator("qemu-aarch64"), compiler("aarch64-linux-gnu-g++")
    both = [*kernels(workshop / "arm", cxx, *PLAIN), *oracle(workshop / "arm", cxx, *PLAIN)]
    return [emulated, linked(workshop / "program-arm", cxx, both, "-static")]


# ---- for longer


@pytest.mark.proofs
@pytest.mark.proofs
@pytest.mark.parametrize("table", HERE)
def test_addresses_at_length(table, program):
    prove([program(*ADDRESSES)], table, *LONG)


@pytest.mark.proofs
@pytest.mark.parametrize("table", HERE)
def test_threads_at_length(table, program):
    prove([program(*THREADS)], table, ("threads", "25", "400"))


@pytest.mark.proofs
@pytest.mark.parametrize("flags", [("-O0",), ("-O3",), ("-O2", "-march=native")], ids=" ".join)
@pytest.mark.parametrize("cxx", ["g++", "clang++"])
def test_other_compilers_and_optimisation(cxx, flags, tmp_path):
    cxx = compiler(cxx)
    need(cxx, *flags)
    both = [*kernels(tmp_path, cxx, *flags), *oracle(tmp_path, cxx, "-O1")]
    done = linked(tmp_path / "program", cxx, both, *flags)
    for table in HERE:
        if run(done, "none", GRAMSTYLE_CPU=table)[0] == f"{table}\n":
            prove([done], table, *KNOWN, ("conversions",), ("long",), ("calls", "0", "300"))


@x86
@need_binutils
@pytest.mark.proofs
@pytest.mark.parametrize("flags", [("-O0",), ("-O1",), ("-O3", "-fPIC", "-fvisibility=hidden")], ids=" ".join)
@pytest.mark.parametrize("cxx", ["g++", "clang++"])
def test_symbols_of_other_compilers(cxx, flags, tmp_path):
    check_symbols(tmp_path, compiler(cxx), *flags)


@x86
@pytest.mark.proofs
@pytest.mark.parametrize(("processor", "table"), [("Nehalem", "portable"), (HASWELL, "avx2")])
def test_older_processors_at_length(processor, table, program):
    emulated = [emulator("qemu-x86_64"), "-cpu", processor, program(*PLAIN)]
    prove(emulated, table, *QUICK)


@pytest.mark.proofs
@pytest.mark.parametrize("table", TABLES["aarch64"])
def test_arm(table, on_arm):
    prove(on_arm, table, *QUICK, ("calls", "60", "400"))


@pytest.mark.proofs
@pytest.mark.parametrize("table", HERE)
def test_any_bytes(table, tmp_path):
    cxx = compiler("clang++")
    fuzzed = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    if not works_with(cxx, *fuzzed, "-fsanitize=fuzzer-no-link"):
        pytest.skip(f"{cxx} has no libFuzzer")
    both = [
        *kernels(tmp_path, cxx, *fuzzed, "-fsanitize=fuzzer-no-link"),
        *oracle(
            tmp_path, cxx, *fuzzed, "-fsanitize=fuzzer-no-link", names="[af]*"
        ),  # allocate, fuzz: no main
    ]
    fuzzer = linked(tmp_path / "fuzzer", cxx, both, *fuzzed, "-fsanitize=fuzzer")
    options = ("-seed=1", "-max_len=96", "-max_total_time=60", "-timeout=60", f"-artifact_prefix={tmp_path}/")
    # on huge pages the sanitizer's own tables are 2 GiB
    options += ("-rss_limit_mb=8192", "-malloc_limit_mb=1024")
    said = run(fuzzer, *options, GRAMSTYLE_CPU=table)[1]
    assert re.search(r"Done \d+ runs", said)
