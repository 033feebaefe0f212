"""Build the native halves. Everything else is declared in pyproject.toml.

GRAMSTYLE_NATIVE = auto (default) | cpu | cuda | none

* auto: build what can be built, and go on without the rest, with a warning: the CPU half where torch
  and a C++ compiler are at hand, the CUDA half where also nvcc and a CUDA build of torch are.
* cpu: build the CPU half alone, or fail.
* cuda: build both, or fail.
* none: install pure Python.

TORCH_CUDA_ARCH_LIST chooses other devices than CUDA_CODES, as for torch ("8.0;9.0"), and MAX_JOBS how
many kernels are compiled at once. Under pip's build isolation torch is not at hand: use
``pip install --no-build-isolation``.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent.resolve()
TORCH_FLOOR = (2, 10)  # oldest torch the binary loads into; a test keeps it in step with pyproject.toml
TARGET = "-DTORCH_TARGET_VERSION=0x{:02x}{:02x}000000000000".format(*TORCH_FLOOR)
CXX = ["-O3", "-std=c++17", "-fvisibility=hidden", TARGET]
CPU = (
    *("choose", "portable", "avx2", "avx512", "neon"),
    *("gram", "gram_backward", "conv_gram", "winograd", "sparse"),
)
CUDA_CODES = (80, 86, 89, 90, 100, 120)
CUDA_FLOOR = 80  # kernels are compiled once for it, and assembled for each device


def warn(message, half="native"):
    print(f"gramstyle: {message}; installing without the {half} half", file=sys.stderr)


def find_nvcc():
    """The CUDA compiler: of CUDA_HOME where that is set, else of the path, or where its installer puts it."""
    home = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH")
    found = None if home else shutil.which("nvcc")
    path = Path(found) if found else Path(home or "/usr/local/cuda", "bin", "nvcc")
    return str(path) if path.is_file() else None


def asked(nvcc, *question):
    return subprocess.run([nvcc, *question], capture_output=True, text=True, check=True)


def cuda_codes(nvcc):
    """Numbers of the devices to build for: those asked for, or the default ones that `nvcc` knows."""
    listed = re.findall(r"(\d+)\.(\d)[af]?(?:\+PTX)?(?=[\s;,]|$)", os.environ.get("TORCH_CUDA_ARCH_LIST", ""))
    wanted = sorted({int(major + minor) for major, minor in listed if int(major + minor) >= CUDA_FLOOR})
    if wanted:
        return wanted
    known = asked(nvcc, "--list-gpu-code").stdout
    return [code for code in CUDA_CODES if f"sm_{code}\n" in f"{known}\n"]


def cuda_library(nvcc):
    """The folder of the static CUDA runtime: the half then needs no library of one CUDA version."""
    top = re.search(r"^#\$ TOP=(.*)$", asked(nvcc, "--dryrun", "-c", "none.cu").stderr, re.MULTILINE)
    home = Path(top[1]).resolve() if top else Path(nvcc).resolve().parents[1]
    for folder in (home / "lib64", home / "lib", *home.glob("targets/*/lib")):
        if (folder / "libcudart_static.a").is_file():
            return str(folder)
    raise FileNotFoundError(f"libcudart_static.a under {home}")


def compile_kernels(nvcc, folder):
    """The objects of csrc/cuda, several at once; those of unchanged sources are kept."""
    codes = ",".join([*(f"sm_{code}" for code in cuda_codes(nvcc)), f"compute_{CUDA_FLOOR}"])
    flags = ["-O3", "-std=c++17", "--expt-relaxed-constexpr", "-Xcompiler=-fPIC,-fvisibility=hidden"]
    flags += [f"-gencode=arch=compute_{CUDA_FLOOR},code=[{codes}]"]
    flags += [f"-I{HERE / 'csrc/include'}", f"-I{HERE / 'csrc/cuda'}"]
    read = [*HERE.glob("csrc/cuda/*"), *HERE.glob("csrc/include/gramstyle/**/*.h")]
    state = hashlib.sha256(repr((flags, asked(nvcc, "--version").stdout)).encode())
    for path in sorted(read):
        state.update(path.read_bytes())
    folder = Path(folder, f"kernels-{state.hexdigest()[:16]}")
    folder.mkdir(parents=True, exist_ok=True)

    def compiled(source):
        target = folder / f"{source.stem}.o"
        if not target.exists():
            half_done = target.with_suffix(".part")
            command = [nvcc, *flags, "-c", str(source), "-o", str(half_done)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise RuntimeError(f"nvcc failed on {source.name}: {(done.stderr or done.stdout).strip()}")
            half_done.rename(target)
        return str(target)

    # The longest first: what is left at the end is short.
    sources = sorted(HERE.glob("csrc/cuda/*.cu"), key=lambda one: ("conv_shared" not in one.name, one.name))
    with ThreadPoolExecutor(int(os.environ.get("MAX_JOBS") or os.cpu_count() or 1)) as pool:
        return list(pool.map(compiled, sources))


class Halves:
    """What the build_ext of torch becomes: the failure of one half leaves the others unless `strict`."""

    nvcc = None
    strict = True

    def run(self):
        self.failed = []
        try:
            super().run()
        except Exception as error:  # whatever a missing or broken compiler raises
            if self.strict:
                raise
            self.give_up(self.extensions, error)

    def build_extension(self, ext):
        cuda = ext.name.endswith("_cuda")
        try:
            if cuda and self.failed:
                raise RuntimeError("it needs the CPU half")
            if cuda:
                ext.extra_objects = compile_kernels(self.nvcc, self.build_temp)
                ext.library_dirs.append(cuda_library(self.nvcc))
            super().build_extension(ext)
        except Exception as error:
            if self.strict:
                raise
            self.give_up([ext], error)

    def give_up(self, extensions, error):
        for ext in extensions:
            if ext not in self.failed:
                half = "CUDA" if ext.name.endswith("_cuda") else "native"
                warn(f"the {half} half did not build ({error})", half)
                self.failed.append(ext)

    def built(self):
        return [ext for ext in self.extensions if ext not in getattr(self, "failed", [])]

    def copy_extensions_to_source(self):
        self.extensions = self.built()
        if self.extensions:
            super().copy_extensions_to_source()

    def get_outputs(self):
        self.extensions = self.built()
        return super().get_outputs() if self.extensions else []

    def get_output_mapping(self):
        self.extensions = self.built()
        return super().get_output_mapping() if self.extensions else {}


def cuda_half(extension, nvcc):
    """The extension that holds kernels for GPUs; its objects are compiled when it is built."""
    codes = ",".join(map(str, cuda_codes(nvcc)))
    return extension(
        "gramstyle.kernels._cuda",
        ["csrc/bindings/cuda.cpp", "csrc/bindings/cuda_operators.cpp"],
        include_dirs=[str(HERE / "csrc/include")],
        libraries=["torch_cuda", "cudart_static", "dl", "rt", "pthread"],
        # torch declares what it has of CUDA under USE_CUDA
        extra_compile_args={"cxx": [*CXX, "-DUSE_CUDA", f"-DGRAMSTYLE_CODES={codes}"]},
        extra_link_args=["-Wl,--exclude-libs,ALL"],
        py_limited_api=True,
    )


def native(choice):
    """Arguments of `setup` that build what `choice` says."""
    if choice not in ("auto", "cpu", "cuda", "none"):
        raise SystemExit(f"GRAMSTYLE_NATIVE must be auto, cpu, cuda or none, got {choice!r}")
    if choice == "none":
        return {}
    try:
        import torch
        from torch.utils.cpp_extension import BuildExtension, CppExtension
    except ImportError as error:
        if choice != "auto":
            raise SystemExit(f"GRAMSTYLE_NATIVE={choice} needs torch while building: {error}") from error
        warn("torch is not importable while building (see --no-build-isolation)")
        return {}
    halves = [
        CppExtension(
            "gramstyle.kernels._cpu",
            ["csrc/bindings/cpu.cpp", *(f"csrc/cpu/{name}.cpp" for name in CPU)],
            include_dirs=[str(HERE / "csrc/include")],
            extra_compile_args={"cxx": CXX},
            py_limited_api=True,  # adds -DPy_LIMITED_API and leaves torch_python unlinked
        )
    ]
    nvcc = find_nvcc() if sys.platform == "linux" and torch.version.cuda is not None else None
    if choice == "cuda" and nvcc is None:
        raise SystemExit("GRAMSTYLE_NATIVE=cuda needs nvcc (CUDA_HOME) and a CUDA build of torch, on Linux")
    if choice != "cpu" and nvcc is not None:
        try:
            halves.append(cuda_half(CppExtension, nvcc))
        except (OSError, subprocess.CalledProcessError) as error:
            if choice == "cuda":
                raise SystemExit(f"GRAMSTYLE_NATIVE=cuda: {nvcc} does not run: {error}") from error
            warn(f"{nvcc} does not run ({error})", "CUDA")
    return {
        "ext_modules": halves,
        "cmdclass": {
            "build_ext": type("Build", (Halves, BuildExtension), {"nvcc": nvcc, "strict": choice != "auto"})
        },
        "options": {"bdist_wheel": {"py_limited_api": "cp310"}},
    }


setup(**native(os.environ.get("GRAMSTYLE_NATIVE", "auto")))
