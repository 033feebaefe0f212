"""The source of the CUDA half's kernels, run thread by thread on the host; in `make proofs` under sanitizers.

Each program holds its oracle, sums in float64, and prints what differs from it; what the emulator
counts as undefined (a missing barrier, memory that nothing wrote) is an error too.
"""

import os
import subprocess

import pytest
from emulated import missing, programs

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

FORMATS = ("bfloat16", "float16", "tf32", "ieee")
GROUPS = {
    "machine": ["undefined", "products", "matrices", "tiles", "splits", "panels", "halves"],
    "gram": [
        *(f"{group}-{name}" for name in FORMATS for group in ("shapes", "alignment", "parts", "channels")),
        *("work", "nonfinite", "huge", "plain"),
    ],
    "backward": [
        *(f"{group}-{name}" for name in FORMATS if name != "tf32" for group in ("shapes", "alignment")),
        *("small", "plain"),
    ],
    "conv": ["stems", "rows", "expansions", "wide-stems", "parts", "work"],
}


@pytest.fixture(
    scope="module", params=[False, pytest.param(True, marks=pytest.mark.proofs)], ids=["plain", "sanitized"]
)
def folder(request):
    return programs(request.config.cache.mkdir("emulated"), sanitized=request.param)


@pytest.mark.parametrize(("program", "group"), [(name, one) for name, all_ in GROUPS.items() for one in all_])
def test_kernels_agree_with_float64(program, group, folder):
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # a failed launch abandons its threads
    done = subprocess.run(
        [str(folder / f"{program}_cases"), group],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
