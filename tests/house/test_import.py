"""Importing the package does nothing that can be seen."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, random, socket, sys, threading
import numpy, torch

def refused(*args, **options):
    raise AssertionError("opened a connection")

socket.socket.connect = refused
socket.create_connection = refused
socket.getaddrinfo = refused

def state():
    return {
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads(), threading.active_count()),
        "dtype": str(torch.get_default_dtype()),
        "device": str(torch.get_default_device()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "precision": torch.get_float32_matmul_precision(),
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32),
        "grad": torch.is_grad_enabled(),
        "torch": torch.get_rng_state().tolist(),
        "numpy": numpy.random.get_state()[1].tolist(),
        "python": random.getstate()[1],
        "cuda": torch.cuda.is_initialized(),
        "excepthook": sys.excepthook is sys.__excepthook__,
        "path": list(sys.path),
    }

before = state()
import gramstyle
after = state()
heavy = [
    *("torch._dynamo", "sympy", "timm", "torchvision", "matplotlib", "skimage", "sklearn", "h5py"),
    *("av", "cv2", "starlette", "uvicorn"),
    *("unearth", "jinja2", "typer", "rich", "pandas"),
]
json.dump({
    "changed": [name for name in before if before[name] != after[name]],
    "loaded": [name for name in heavy if name in sys.modules],
    "native": "gramstyle.kernels._cpu" in sys.modules,
}, open(sys.argv[1], "w"))
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    report = tmp_path_factory.mktemp("import") / "report.json"
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:gramstyle", "-c", SCRIPT, str(report)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done, json.loads(report.read_text())


def test_nothing_is_printed(imported):
    assert (imported[0].stdout, imported[0].stderr) == ("", "")


def test_no_heavy_library_is_loaded(imported):
    assert imported[1]["loaded"] == []


def test_no_global_setting_is_changed(imported):
    assert imported[1]["changed"] == []


def test_the_native_half_is_not_loaded(imported):
    assert not imported[1]["native"]
