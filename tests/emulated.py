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
    with FileLock(f"{folder}.lock"):
        if not (folder / "built").exists():
            for old in cache.iterdir():
                if old.is_dir() and old != folder:
                    shutil.rmtree(old, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
            make(folder)
            (folder / "built").touch()
    return folder


def programs(cache: Path) -> Path:
    """The folder of the programs of `EMULATION`, built under the sanitizers.

    Kernels are instrumented; the emulator, which checks shared memory itself, is not, and optimised.
    """
    names = sorted(path.stem for path in EMULATION.glob("*_cases.cpp"))

    def make(folder: Path) -> None:
        core = ["-O2", "-DGRAMSTYLE_ADDRESS_SANITIZER"]
        jobs = [(one, ["-O0", *SANITIZE]) for one in kernels()]
        jobs += [(EMULATION / f"{name}.cpp", core) for name in [*names, "emulated_machine"]]
        with ThreadPoolExecutor(2) as pool:
            objects = list(pool.map(lambda job: compiled(job[0], folder, job[1]), jobs))
        shared = [one for one in objects if not one.endswith("_cases.cpp.o")]
        for name in names:
            target = [str(folder / f"{name}.cpp.o"), "-o", str(folder / name)]
            run([*COMPILER.split(), *SANITIZE, *shared, *target])

    return built(cache, make, names)


def operators(cache: Path) -> Path:
    """A library of the CUDA half's operators for CPU tensors, in namespace gramstyle_emulated."""
    import torch

    home = Path(torch.__file__).parent

    def make(folder: Path) -> None:
        stable = [*FLAGS, f"-isystem{home / 'include'}", f"-I{ROOT / 'csrc/bindings'}"]
        jobs = [(one, ["-O0", "-fPIC"]) for one in kernels()]
        jobs += [(EMULATION / "emulated_machine.cpp", ["-O2", "-fPIC"])]
        bindings = (ROOT / "csrc/bindings/cuda_operators.cpp", EMULATION / "module.cpp")
        jobs += [(one, stable) for one in bindings]
        with ThreadPoolExecutor(2) as pool:
            objects = list(pool.map(lambda job: compiled(job[0], folder, job[1]), jobs))
        torch_libraries = [f"-L{home / 'lib'}", "-ltorch_cpu", "-ltorch"]
        run([*COMPILER.split(), "-shared", *objects, *torch_libraries, "-o", str(folder / "operators.so")])

    return built(cache, make, torch.__version__) / "operators.so"
