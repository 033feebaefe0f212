"""Build the native half. Everything else is declared in pyproject.toml.

GRAMSTYLE_NATIVE = auto (default) | cpu | none

* auto: build where torch and a C++ compiler are at hand; go on without them, with a warning.
* cpu: build, or fail.
* none: install pure Python.

Under pip's build isolation torch is not at hand: use ``pip install --no-build-isolation``.
"""

import os
import sys
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent.resolve()
TORCH_FLOOR = (2, 10)  # oldest torch the binary loads into; a test keeps it in step with pyproject.toml
TARGET = "-DTORCH_TARGET_VERSION=0x{:02x}{:02x}000000000000".format(*TORCH_FLOOR)
CPU = ("choose", "portable", "avx2", "avx512", "neon", "gram", "gram_backward", "conv_gram")


def warn(message):
    print(f"gramstyle: {message}; installing without the native half", file=sys.stderr)


def tolerant(build_ext):
    """The build_ext of torch, for which a failure is a warning."""

    class TolerantBuild(build_ext):
        def run(self):
            try:
                super().run()
            except Exception as error:  # whatever a missing or broken compiler raises
                warn(f"the native half did not build ({error})")
                self.extensions = []

        def copy_extensions_to_source(self):
            if self.extensions:
                super().copy_extensions_to_source()

        def get_outputs(self):
            return super().get_outputs() if self.extensions else []

        def get_output_mapping(self):
            return super().get_output_mapping() if self.extensions else {}

    return TolerantBuild


def native(choice):
    """Arguments of `setup` that build what `choice` says."""
    if choice not in ("auto", "cpu", "none"):
        raise SystemExit(f"GRAMSTYLE_NATIVE must be auto, cpu or none, got {choice!r}")
    if choice == "none":
        return {}
    try:
        from torch.utils.cpp_extension import BuildExtension, CppExtension
    except ImportError as error:
        if choice == "cpu":
            raise SystemExit(f"GRAMSTYLE_NATIVE=cpu needs torch while building: {error}") from error
        warn("torch is not importable while building (see --no-build-isolation)")
        return {}
    cpu = CppExtension(
        "gramstyle.kernels._cpu",
        ["csrc/bindings/cpu.cpp", *(f"csrc/cpu/{name}.cpp" for name in CPU)],
        include_dirs=[str(HERE / "csrc/include")],
        extra_compile_args={"cxx": ["-O3", "-std=c++17", "-fvisibility=hidden", TARGET]},
        py_limited_api=True,  # adds -DPy_LIMITED_API and leaves torch_python unlinked
    )
    build = BuildExtension if choice == "cpu" else tolerant(BuildExtension)
    return {
        "ext_modules": [cpu],
        "cmdclass": {"build_ext": build},
        "options": {"bdist_wheel": {"py_limited_api": "cp310"}},
    }


setup(**native(os.environ.get("GRAMSTYLE_NATIVE", "auto")))
