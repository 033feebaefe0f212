"""Kernels of csrc/cuda compiled for the host, where each thread of a block is a fiber."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parents[1]
CUDA = ROOT / "csrc/cuda"
EMULATION = ROOT / "tests/kernels/emulation"
INCLUDE = [ROOT / "csrc/include", CUDA, EMULATION]
COMPILER = os.environ.get("CXX", "g++")
FLAGS = ["-O0", "-fPIC", "-fvisibility=hidden", "-DTORCH_TARGET_VERSION=0x020a000000000000"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


def missing() -> str | None:
    """Why kernels cannot be emulated here; None where they can."""
    if shutil.which(COMPILER.split()[0]) is None:
        return f"no C++ compiler ({COMPILER})"
    return None


def kernels() -> list[Path]:
    """The sources of the CUDA half."""
    return sorted(CUDA.glob("*.cu"))


def digest(*parts: object) -> str:
    """Of every file a build may read, and of `parts`."""
    sha = hashlib.sha256(repr(parts).encode())
    for folder in (ROOT / "csrc", EMULATION):
        for path in sorted(folder.rglob("*.*")):
            sha.update(path.read_bytes())
    return sha.hexdigest()[:16]


def compiled(source: Path, folder: Path, flags: Sequence[str]) -> str:
    """The object of `source`; CUDA sources are read as C++."""
    target = folder / f"{source.name}.o"
    include = [f"-I{path}" for path in INCLUDE]
    command = [*COMPILER.split(), "-std=c++17", "-x", "c++", "-Wall", "-Wno-unknown-pragmas"]
    run([*command, *flags, *include, "-c", str(source), "-o", str(target)])
    return str(target)


def run(command: Sequence[str]) -> str:
    """What `command` printed. A failure raises with all of it."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def built(cache: Path, make: Callable[[Path], None], *parts: object) -> Path:
    """A folder that `make` has filled, now or in an earlier run on the same sources."""
    folder = cache / digest(COMPILER, *parts)
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "built").exists():
            for old in cache.iterdir():
                if old.is_dir() and old != folder:
                    shutil.rmtree(old, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
            make(folder)
            (folder / "built").touch()
    return folder


def objects(cache: Path) -> list[str]:
    """Kernels and emulator, compiled without sanitizers, for programs and for libraries."""

    def make(folder: Path) -> None:
        jobs = [(one, ["-O0", "-fPIC"]) for one in kernels()]
        jobs += [(EMULATION / "emulated_machine.cpp", ["-O2", "-fPIC"])]
        all_compiled(jobs, folder)

    return sorted(map(str, built(cache / "kernels", make).glob("*.o")))


def all_compiled(jobs: Sequence[tuple[Path, Sequence[str]]], folder: Path) -> list[str]:
    """The objects of sources with their flags, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda job: compiled(job[0], folder, job[1]), jobs))


def programs(cache: Path, *, sanitized: bool) -> Path:
    """The folder of the programs of `EMULATION`.

    Sanitized, kernels are instrumented; the emulator, which checks shared memory itself, is not, and
    optimised.
    """
    names = sorted(path.stem for path in EMULATION.glob("*_cases.cpp"))
    core = ["-O2", *(["-DGRAMSTYLE_ADDRESS_SANITIZER"] if sanitized else [])]
    flags = SANITIZE if sanitized else []

    def make(folder: Path) -> None:
        cases = [(EMULATION / f"{name}.cpp", core) for name in names]
        if sanitized:
            shared = [(one, ["-O0", *SANITIZE]) for one in kernels()]
            parts = all_compiled([*shared, (EMULATION / "emulated_machine.cpp", core)], folder)
        else:
            parts = objects(cache)
        for name, case in zip(names, all_compiled(cases, folder), strict=True):
            run([*COMPILER.split(), *flags, *parts, case, "-o", str(folder / name)])

    return built(cache / ("sanitized" if sanitized else "plain"), make, names)


def operators(cache: Path) -> Path:
    """A library of the CUDA half's operators for CPU tensors, in namespace gramstyle_emulated."""
    import torch

    home = Path(torch.__file__).parent

    def make(folder: Path) -> None:
        stable = [*FLAGS, f"-isystem{home / 'include'}", f"-I{ROOT / 'csrc/bindings'}"]
        bindings = (ROOT / "csrc/bindings/cuda_operators.cpp", EMULATION / "module.cpp")
        parts = [*objects(cache), *all_compiled([(one, stable) for one in bindings], folder)]
        torch_libraries = [f"-L{home / 'lib'}", "-ltorch_cpu", "-ltorch"]
        run([*COMPILER.split(), "-shared", *parts, *torch_libraries, "-o", str(folder / "operators.so")])

    return built(cache / "operators", make, torch.__version__) / "operators.so"
