"""The CUDA source of the gradient of features, run thread by thread on the host under the sanitizers."""

import subprocess

import pytest
from emulated import missing, programs

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

FORMATS = ("bfloat16", "float16", "ieee")
GROUPS = [f"{group}-{name}" for name in FORMATS for group in ("shapes", "alignment")]


@pytest.fixture(scope="module")
def folder(request):
    return programs(request.config.cache.mkdir("emulated"))


@pytest.mark.parametrize("group", [*GROUPS, "small", "plain"])
def test_the_kernels_agree_with_float64(group, folder):
    done = subprocess.run([str(folder / "backward_cases"), group], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
