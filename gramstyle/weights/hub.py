"""Official weights of torchvision and timm, fetched from where their libraries say they are."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from torch import Tensor

from gramstyle.errors import WeightsError
from gramstyle.types import Progress, TimmHub, TorchvisionHub
from gramstyle.weights.network import CHUNK, CONNECT_SECONDS, Scratch, reason, receive, within
from gramstyle.weights.tensors import from_safetensors, from_torch

_SILENCE_SECONDS = 30.0
_SHORT_HASH = re.compile(r"-([0-9a-f]{8,64})\.\w+$")


def url_of(source: TorchvisionHub | TimmHub) -> str:
    """Where the library keeps the official file.

    Raises:
        WeightsError: if the installed library does not know these weights.
    """
    return _torchvision_url(source) if isinstance(source, TorchvisionHub) else _timm_url(source)


def filename_of(source: TorchvisionHub | TimmHub) -> str:
    """The official file's name, e.g. ``vgg16-397923af.pth``."""
    return url_of(source).rpartition("/")[2]


def fetch(
    source: TorchvisionHub | TimmHub, into: Scratch, progress: Progress | None = None
) -> tuple[dict[str, Tensor], str]:
    """Download the official file; returns its state dict and its sha256.

    Raises:
        WeightsError: if it cannot be had, with a short reason, or is not what its name promises.
    """
    url = url_of(source)
    filename = url.rpartition("/")[2]
    sha256 = _download(url, filename, into, progress)
    return read_official(into.file, filename, sha256), sha256


def read_official(file: IO[bytes], filename: str, sha256: str) -> dict[str, Tensor]:
    """The state dict in an official file, whose name may carry the first digits of its sha256.

    Raises:
        WeightsError: if the sha256 differs, or the file is not a state dict.
    """
    promised = _SHORT_HASH.search(filename)
    if promised is not None and not sha256.startswith(promised[1]):
        raise WeightsError(
            f"{filename} must have a sha256 that starts with {promised[1]}, got {sha256}; it was not opened"
        )
    if filename.endswith(".safetensors"):
        return from_safetensors(file.read(), filename)
    return from_torch(file, filename)


def local_copies(source: TorchvisionHub | TimmHub) -> Iterator[Path]:
    """Official files that the library itself may have downloaded before."""
    if isinstance(source, TorchvisionHub):
        import torch

        path = Path(torch.hub.get_dir(), "checkpoints", filename_of(source))
        if path.is_file():
            yield path
        return
    from huggingface_hub import try_to_load_from_cache

    place = _timm_place(source)
    found = try_to_load_from_cache(*place) if place is not None else None
    if isinstance(found, str):
        yield Path(found)


def _torchvision_url(source: TorchvisionHub) -> str:
    models = import_module("torchvision.models")
    try:
        return str(models.get_weight(source.enum).url)
    except (AttributeError, KeyError, ValueError) as error:
        raise WeightsError(f"torchvision {version('torchvision')} has no weights {source.enum}") from error


def _timm_place(source: TimmHub) -> tuple[str, str] | None:
    """(repository, file) on the hub that timm loads from; None where it has a plain URL."""
    cfg = _timm_cfg(source)
    return (cfg.hf_hub_id, cfg.hf_hub_filename or "model.safetensors") if cfg.hf_hub_id else None


def _timm_url(source: TimmHub) -> str:
    from huggingface_hub import hf_hub_url

    place = _timm_place(source)
    return str(hf_hub_url(*place) if place is not None else _timm_cfg(source).url)


def _timm_cfg(source: TimmHub) -> Any:
    """What timm knows of these weights."""
    import timm

    cfg = timm.get_pretrained_cfg(source.model) if timm.is_model_pretrained(source.model) else None
    if cfg is None or not (cfg.hf_hub_id or cfg.url):
        raise WeightsError(f"timm {timm.__version__} has no weights {source.model}")
    return cfg


def _download(url: str, filename: str, into: Scratch, progress: Progress | None) -> str:
    """Fill `into` with what is at `url`; returns its sha256."""
    request = Request(url, headers={"User-Agent": "gramstyle"})
    try:
        response = within(CONNECT_SECONDS, lambda: urlopen(request, timeout=_SILENCE_SECONDS))
        with response:
            length = response.headers.get("Content-Length")
            total = int(length) if length is not None and length.isdecimal() else None
            size, sha256 = receive(
                iter(lambda: response.read(CHUNK), b""),
                into,
                what=f"downloading {filename}",
                total=total,
                progress=progress,
                at_most=total,
            )
    except WeightsError:
        raise
    except HTTPError as error:
        with error:  # it holds the connection
            raise WeightsError(reason(error)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise WeightsError(reason(error)) from error
    if total is not None and size != total:
        raise WeightsError(f"connection closed early, after {size} of {total} bytes")
    return sha256
