"""The CUDA source of the fused convolution, run thread by thread on the host under the sanitizers."""

import subprocess

import pytest
from emulated import missing, programs

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture(scope="module")
def folder(request):
    return programs(request.config.cache.mkdir("emulated"))


@pytest.mark.parametrize("group", ["stems", "rows", "expansions", "wide-stems", "parts", "work"])
def test_the_kernels_agree_with_float64(group, folder):
    done = subprocess.run([str(folder / "conv_cases"), group], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
