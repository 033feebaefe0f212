"""State dicts as bytes and back."""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import zipfile
from collections.abc import Mapping
from typing import IO, Any

import torch
from torch import Tensor

from gramstyle.errors import WeightsError


def normalised(state: Mapping[str, Tensor], keep: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """The tensors whose name starts with one of `keep` (all if empty), by name.

    Each is contiguous, owns its memory, is on the CPU, and is float32 if it is floating point.

    Raises:
        WeightsError: if nothing is left.
    """
    kept = {name: state[name] for name in sorted(state) if not keep or name.startswith(keep)}
    if not kept:
        found = ", ".join(sorted(state)[:5]) or "nothing"
        raise WeightsError(f"weights must hold tensors named {' or '.join(keep) or 'anything'}, got {found}")
    return {name: _plain(tensor) for name, tensor in kept.items()}


def _plain(tensor: Tensor) -> Tensor:
    plain = tensor.detach().to(
        device="cpu", dtype=torch.float32 if tensor.is_floating_point() else tensor.dtype
    )
    return plain.clone(memory_format=torch.contiguous_format)


def serialise(state: Mapping[str, Tensor]) -> bytes:
    """A safetensors file without metadata: equal tensors give equal bytes."""
    from safetensors.torch import save

    return bytes(save({name: state[name].contiguous() for name in sorted(state)}))


def digest(state: Mapping[str, Tensor]) -> str:
    """The sha256 of the tensors' safetensors file, in hexadecimal: who a state dict is."""
    return hashlib.sha256(serialise(state)).hexdigest()


def from_safetensors(data: bytes, what: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        WeightsError: if the bytes are not one, whole; the message starts with `what`.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return dict(sorted(load(data).items()))  # safetensors returns them in any order
    except (SafetensorError, KeyError, ValueError) as error:
        raise WeightsError(
            f"{what} must be a whole safetensors file, got {len(data)} bytes that are not: {error}. "
            "It may have been cut short; copy or fetch it again."
        ) from error


def from_torch(file: IO[bytes], what: str) -> dict[str, Tensor]:
    """The state dict in a file that ``torch.save`` wrote, without running what a pickle may hold.

    Raises:
        WeightsError: if it is not one, is damaged or holds anything but tensors; the message
            starts with `what`.
    """
    try:
        loaded = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(f"{what} {_refusal(str(error))}") from error
    except (EOFError, RuntimeError, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        why = str(error).partition("\n")[0] or type(error).__name__
        raise WeightsError(
            f"{what} must be a whole file written by torch.save, and could not be read: {why}. "
            "It may have been cut short; copy or fetch it again."
        ) from error
    return state_dict_in(loaded, what)


def from_torch_bytes(data: bytes, what: str) -> dict[str, Tensor]:
    """As `from_torch`, of bytes."""
    return from_torch(io.BytesIO(data), what)


def state_dict_in(loaded: Any, what: str) -> dict[str, Tensor]:
    """A state dict, bare or under the key ``state_dict`` as training scripts save it.

    Raises:
        WeightsError: if `loaded` is something else.
    """
    inner = loaded.get("state_dict", loaded) if isinstance(loaded, Mapping) else loaded
    if not isinstance(inner, Mapping):
        raise WeightsError(f"{what} must hold a state dict (names to tensors), got {type(inner).__name__}")
    strange = [
        name for name, value in inner.items() if not (isinstance(name, str) and isinstance(value, Tensor))
    ]
    if strange or not inner:
        got = f"{strange[0]!r}: {type(inner[strange[0]]).__name__}" if strange else "an empty one"
        raise WeightsError(
            f"{what} must hold a state dict (names to tensors), got {got}. "
            "Save model.state_dict() rather than the model or a training checkpoint."
        )
    return dict(inner)


def _refusal(message: str) -> str:
    """What torch's restricted unpickler said, without its advice to switch it off."""
    named = re.search(r"GLOBAL ([\w.]+)", message)
    if named:
        return (
            f"holds more than tensors: it asks for {named[1]}, which could run code, "
            "and was not loaded. Save model.state_dict() alone, or convert the file to safetensors."
        )
    first = message.partition("\n")[0]
    return f"must be a file written by torch.save, and could not be read safely: {first}"
