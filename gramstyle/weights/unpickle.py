"""Pickles that may hold numpy arrays in plain containers, and nothing that runs."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from gramstyle.errors import WeightsError

_RECONSTRUCT: Any = np.ndarray(0).__reduce__()[0]  # numpy's own, wherever this version keeps it


def _dtype(code: str, align: int = 0, copy: int = 0) -> np.dtype[Any]:
    """A dtype as old pickles ask for it: with integers, of which numpy 2.4 complains."""
    return np.dtype(code, bool(align), bool(copy))


_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
}


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that knows four names."""

    def find_class(self, module: str, name: str) -> Any:
        """The allowed object of that name.

        Raises:
            WeightsError: for every other name; nothing is imported.
        """
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise WeightsError(
                f"a pickle of arrays may ask for numpy arrays only, but this one asks for {module}.{name}; "
                "it was refused"
            ) from None


def load_arrays(data: bytes) -> Any:
    """The dicts, lists and numpy arrays in a pickle.

    Raises:
        WeightsError: if it asks for anything else, or is damaged.
    """
    try:
        return _ArraysOnly(io.BytesIO(data)).load()
    except WeightsError:
        raise
    except Exception as error:
        # A damaged pickle makes the unpickler raise almost anything.
        raise WeightsError(f"the pickle could not be read: {type(error).__name__}: {error}") from error
