"""What was measured on this machine, kept from one process to the next."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gramstyle.conv.rates import Rates
from gramstyle.files import write_text
from gramstyle.kernels import processor
from gramstyle.versions import versions
from gramstyle.weights import cache_folder

_FORMAT = 1

_open: dict[Path, Timings] = {}


@dataclass(kw_only=True)
class Timings:
    """Times of one device, precision and number of threads.

    A file that cannot be read is written anew; where none can be written, times live as long as the process.

    Attributes:
        path: of the file.
        machine: in words.
        rates: of the cost model; None until they are measured.
        measured: geometry -> algorithm -> seconds.
    """

    path: Path
    machine: str
    rates: Rates | None = None
    measured: dict[str, dict[str, float]] = field(default_factory=dict)

    def with_rates(self, rates: Rates) -> Rates:
        """Keep `rates`, and return them."""
        self.rates = rates
        self._write()
        return rates

    def with_measured(self, key: str, seconds: dict[str, float]) -> dict[str, float]:
        """Keep what was measured of a geometry, and return it."""
        self.measured = _read(self.path)[1] | self.measured | {key: seconds}
        self._write()
        return seconds

    def _write(self) -> None:
        record = {
            "format": _FORMAT,
            "machine": self.machine,
            "rates": self.rates,
            "measured": self.measured,
        }
        with contextlib.suppress(OSError):
            write_text(self.path, json.dumps(record, indent=1))


def timings_of(x: Tensor) -> Timings:
    """That of the device and precision of `x`, of these threads and these versions."""
    device = torch.cuda.get_device_name(x.device) if x.device.type == "cuda" else processor()
    known = versions()
    machine = (
        f"{device}, {precision_of(x)}, {torch.get_num_threads()} threads, "
        f"torch {known['torch']}, gramstyle {known['gramstyle']}"
    )
    name = hashlib.sha256(machine.encode()).hexdigest()[:16]
    path = cache_folder() / "conv" / f"{name}.json"
    if path not in _open:
        rates, measured = _read(path)
        _open[path] = Timings(path=path, machine=machine, rates=rates, measured=measured)
    return _open[path]


def precision_of(x: Tensor) -> str:
    """Type of `x`; of float32 on a GPU also whether torch may let cuDNN round it to TF32, which is faster."""
    kind = str(x.dtype).removeprefix("torch.")
    if x.device.type != "cuda" or x.dtype.to_real() != torch.float32:
        return kind
    cudnn: Any = torch.backends.cudnn
    return f"{kind} as tf32" if cudnn.conv.fp32_precision == "tf32" else kind


def _read(path: Path) -> tuple[Rates | None, dict[str, dict[str, float]]]:
    """Rates and measured times of a file; none where there is none, or another one than was expected."""
    try:
        record: Any = json.loads(path.read_text())
        if record["format"] != _FORMAT:
            return None, {}
        rates = {str(name): _three(rates) for name, rates in (record["rates"] or {}).items()}
        measured = {
            str(key): {str(name): float(took) for name, took in seconds.items()}
            for key, seconds in record["measured"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None, {}
    return rates or None, measured


def _three(rates: list[float]) -> tuple[float, float, float]:
    calls, operations, moved = map(float, rates)
    return calls, operations, moved
