"""Sparse kernels in safetensors files that say how they are laid out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.conv.sparse.blocks import Blocks
from gramstyle.conv.sparse.csr import Csr
from gramstyle.conv.sparse.kernel import SparseKernel
from gramstyle.conv.sparse.two_four import TwoFour
from gramstyle.errors import StyleError, WeightsError
from gramstyle.files import replacing

FORMAT = "gramstyle-sparse"
VERSION = "1"
LAYOUTS: dict[str, type[SparseKernel]] = {one.layout: one for one in (Csr, Blocks, TwoFour)}
"""Name in files -> class."""


TENSORS: dict[str, tuple[str, ...]] = {
    "csr": ("values", "columns", "rows"),
    "blocks": ("values", "columns", "rows"),
    "2:4": ("values", "positions"),
}
"""Layout -> what a kernel has of it in a file."""


def save_sparse(path: str | os.PathLike[str], kernels: Mapping[str, SparseKernel]) -> None:
    """Write kernels to a file, whole or not at all.

    The tensor ``values`` of a kernel named conv1 is ``conv1.values``, and so on; the metadata hold format,
    version and, as JSON, the layout and dense shape of each kernel.

    Args:
        path: the file; what is there is replaced.
        kernels: name -> kernel, of any layouts.

    Raises:
        TypeError: for a kernel that is none.
        ValueError: for values that are not finite.
        StyleError: if there is no kernel.
        OSError: if the file cannot be written.
    """
    from safetensors.torch import save_file

    if not kernels:
        raise StyleError("kernels must hold at least one, got none")
    tensors, layouts = {}, {}
    for name, one in kernels.items():
        check.one_of_type(f"kernels[{name!r}]", one, SparseKernel)
        check.finite(one.values.detach(), f"values of {name}")
        layouts[name] = {"layout": one.layout, "shape": list(one.shape)}
        for part, tensor in one.tensors().items():
            tensors[f"{name}.{part}"] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
    metadata = {"format": FORMAT, "version": VERSION, "layouts": json.dumps(layouts, sort_keys=True)}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata)


def load_sparse(path: str | os.PathLike[str], layout: str | None = None) -> dict[str, SparseKernel]:
    """The kernels of a file that `save_sparse` wrote, on the cpu.

    Args:
        path: the file.
        layout: what all of them must be: csr, blocks or 2:4; None for any.

    Raises:
        FileNotFoundError: if there is none.
        WeightsError: if it is damaged, of another format or version, lacks tensors, or holds kernels that
            cannot be; the message names file and kernel.
        StyleError: for another layout than was asked for.
        UnknownNameError: if `layout` does not exist.
    """
    if layout is not None:
        check.name_in("layout", layout, LAYOUTS)
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    metadata, tensors = _opened(file)
    layouts = _layouts_of(file, metadata)
    others = sorted(name for name, one in layouts.items() if layout not in (None, one["layout"]))
    if others:
        raise StyleError(
            f"{file} holds {others[0]} in layout {layouts[others[0]]['layout']}, and {layout} was asked for: "
            "leave layout out, or make it from to_dense()"
        )
    found = {name: _kernel(file, name, one, tensors) for name, one in layouts.items()}
    if tensors:
        raise WeightsError(f"{file} is damaged: no kernel has tensor {sorted(tensors)[0]}")
    return found


def _opened(file: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as opened:
            return opened.metadata() or {}, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, OSError) as error:
        raise WeightsError(
            f"{file} is damaged or no safetensors file ({error}): write or fetch it anew"
        ) from error


def _layouts_of(file: Path, metadata: dict[str, str]) -> dict[str, Any]:
    """Kernel -> its layout and shape, as the metadata have them."""
    if metadata.get("format") != FORMAT:
        raise WeightsError(
            f"{file} holds no sparse kernels: its format is {metadata.get('format')!r}, not {FORMAT!r}; "
            "make them from dense weights, as by Csr.from_dense"
        )
    if metadata.get("version") != VERSION:
        raise WeightsError(
            f"{file} is of version {metadata.get('version')!r}, this gramstyle reads {VERSION!r}: update it"
        )
    try:
        layouts: dict[str, Any] = json.loads(metadata.get("layouts", ""))
        if not all(one["layout"] in LAYOUTS and isinstance(one["shape"], list) for one in layouts.values()):
            raise ValueError(f"layouts must be of {', '.join(LAYOUTS)}")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(f"{file} is damaged: its layouts cannot be read ({error})") from error
    return layouts


def _kernel(file: Path, name: str, said: dict[str, Any], tensors: dict[str, Tensor]) -> SparseKernel:
    """A kernel whose tensors are taken out of `tensors`."""
    parts: dict[str, Any] = {}
    for part in TENSORS[said["layout"]]:
        if f"{name}.{part}" not in tensors:
            raise WeightsError(f"{file} is damaged: tensor {name}.{part} is missing")
        parts[part] = tensors.pop(f"{name}.{part}")
    try:
        found = LAYOUTS[said["layout"]](**parts, shape=tuple(said["shape"]))
        check.finite(found.values, "values")
    except (ValueError, TypeError) as error:
        raise WeightsError(f"{file} holds a kernel {name} that cannot be: {error}") from error
    return found
