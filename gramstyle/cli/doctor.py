"""gramstyle doctor: what this installation can do."""

from __future__ import annotations

import torch

from gramstyle.cli.console import show, table
from gramstyle.kernels import reason_missing
from gramstyle.versions import versions
from gramstyle.weights import WEIGHTS, cache_folder, cached, label


def doctor() -> None:
    """Say versions, devices, which native halves were built, and which weights are at hand."""
    reasons = {device: reason_missing(device) for device in ("cpu", "cuda")}
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
        *(
            [f"native half, {device}", "built" if reason is None else f"not there: {reason}"]
            for device, reason in reasons.items()
        ),
        ["cache", str(cache_folder())],
        ["weights at hand", ", ".join(label(row) for row in WEIGHTS if cached(row)) or "none yet"],
    ]
    show(table(["", ""], rows))
