"""Large maps in large pages: the system's own count of page faults."""

import subprocess
import sys
from pathlib import Path

import pytest

from gramstyle.bench.allocator import can_tune

ENABLED = Path("/sys/kernel/mm/transparent_hugepage/enabled")
FAULTS = """
import resource
import torch
from gramstyle.bench import allocator
from gramstyle.kernels import conv_gram, winograd

def faults(run):
    run(torch.ones(1, 16, 8, 8))
    x = torch.ones(1, 16, 512, 512)
    allocator.use("default")  # what was freed is not used again
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    kept = run(x)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

weight = torch.ones(64, 16, 3, 3)
print(faults(lambda x: conv_gram(x, weight, padding=1).features))
print(faults(lambda x: winograd(x, weight, padding=1)))
"""


def gives_large_pages():
    return ENABLED.exists() and "[never]" not in ENABLED.read_text()


@pytest.mark.proofs
@pytest.mark.skipif(not gives_large_pages(), reason="this system has no large pages for those who ask")
@pytest.mark.skipif(not can_tune(), reason="not glibc")
def test_large_maps_take_few_page_faults():
    """Maps of 64 MiB are 16384 small pages, or 32 large ones; memory in pieces may have some of either."""
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    for faults in map(int, done.stdout.split()):
        assert faults < 12000
