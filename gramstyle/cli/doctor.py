"""gramstyle doctor: what this installation can do."""

from __future__ import annotations

import os
import shutil

import torch

from gramstyle.cli.console import show, table
from gramstyle.kernels import OLDEST, capabilities, instructions, reason_missing
from gramstyle.versions import versions
from gramstyle.weights import WEIGHTS, cache_folder, cached, label


def doctor() -> None:
    """Say versions, devices, which native halves were built, and which weights are at hand."""
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
        ["native half, cpu", cpu_half()],
        ["native half, cuda", cuda_half()],
        ["cache", str(cache_folder())],
        ["weights at hand", ", ".join(label(row) for row in WEIGHTS if cached(row)) or "none yet"],
    ]
    show(table(["", ""], rows))


def cpu_half() -> str:
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


def cuda_half() -> str:
    """Which devices the CUDA half was built for, and whether one of them is here."""
    reason = reason_missing("cuda")
    if reason is not None:
        return f"not there: {reason}"
    built = f"built for {', '.join(capabilities())} and newer"
    if not torch.cuda.is_available():
        return f"{built}; no device here"
    found = torch.cuda.get_device_capability()
    if found < OLDEST:
        return f"{built}; the device here is older ({found[0]}.{found[1]})"
    return f"{built}; runs on the device here ({found[0]}.{found[1]}), where kernel fused is asked for"
