"""Versions of what computed a result."""

from __future__ import annotations

import platform
from importlib import metadata

import torch


def versions() -> dict[str, str]:
    """Name -> version, of this package and of those whose arithmetic it uses."""
    found = {"python": platform.python_version()}
    for name in ("gramstyle", "torch", "torchvision", "timm", "numpy", "pillow"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # run from a source tree that was never installed
            found[name] = "not installed"
    found["torch"] = torch.__version__  # with the build, +cpu or +cu130, which the metadata leaves out
    return found
