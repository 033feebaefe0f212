"""gramstyle doctor: what this installation can do."""

from __future__ import annotations

import os
import shutil

import torch

from gramstyle.cli.console import show, table
from gramstyle.kernels import instructions, reason_missing
from gramstyle.versions import versions
from gramstyle.weights import WEIGHTS, cache_folder, cached, label


def doctor() -> None:
    """Say versions, devices, whether the native half was built, and which weights are at hand."""
    cuda = (
        ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
        if torch.cuda.is_available()
        else "none"
    )
    rows = [
        ["versions", ", ".join(f"{name} {version}" for name, version in versions().items())],
        ["threads", str(torch.get_num_threads())],
        ["cuda devices", cuda],
        ["mps", "yes" if torch.backends.mps.is_available() else "no"],
        ["native half", _native_half()],
        ["cache", str(cache_folder())],
        ["weights at hand", ", ".join(label(row) for row in WEIGHTS if cached(row)) or "none yet"],
    ]
    show(table(["", ""], rows))


def _native_half() -> str:
    """Whether it was built, what it uses of this processor, and how to get it where it was not."""
    reason = reason_missing()
    if reason is None:
        return f"built, {instructions()}"
    names = (os.environ.get("CXX") or "c++", "g++", "clang++")
    compiler = any(map(shutil.which, names))
    return (
        f"absent, so plain torch computes: {reason}; "
        + (
            ""
            if compiler
            else f"no C++ compiler was found ({', '.join(dict.fromkeys(names))}): install one, then "
        )
        + "install gramstyle with `pip install --no-build-isolation`"
    )
