"""What happens where the native half was not built, and in which order things may be imported."""

import json
import subprocess
import sys
from pathlib import Path

import gpu
import pytest
import torch

from gramstyle.kernels import reason_missing

ROOT = Path(__file__).parents[2]
BLOCKED = "import sys; sys.modules['gramstyle.kernels._cpu'] = None\n"
ANSWER = "import json; print(json.dumps(answer))"


def ask(script):
    """What `script` leaves in `answer`, in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{script}\n{ANSWER}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def without():
    return ask(
        BLOCKED
        + """
import torch
from gramstyle import Extractor, NativeUnavailableError
from gramstyle.gram import gram
from gramstyle.kernels import available, instructions, reason_missing
from gramstyle.kernels import gram as native_gram

def message(call):
    try:
        call()
    except NativeUnavailableError as error:
        return str(error)

x = torch.ones(1, 2, 3, 4)
image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
network = "timm:test_efficientnet@random:1"
maps = {kernel: Extractor(network, kernel=kernel)(image) for kernel in ("auto", "reference")}
answer = {
    "available": available(),
    "auto": gram(x, "none", kernel="auto").tolist(),
    "reference": gram(x, "none", kernel="reference").tolist(),
    "same maps": all(
        torch.allclose(maps["auto"][tap], one, atol=1e-5) for tap, one in maps["reference"].items()
    ),
    "network": message(lambda: Extractor(network, kernel="fused")),
    "reason": reason_missing(),
    "torch": gram(x, "none").tolist(),
    "gram": message(lambda: gram(x, kernel="fused")),
    "instructions": message(instructions),
    "again": message(lambda: gram(x, kernel="fused")),
    "operator": message(lambda: native_gram(x)),
    "is an ImportError": issubclass(NativeUnavailableError, ImportError),
}
"""
    )


def test_absence_is_said_and_nothing_breaks(without):
    assert without["available"] is False
    assert "gramstyle.kernels._cpu" in without["reason"]
    assert without["torch"] == without["auto"] == without["reference"] == [[[12, 12], [12, 12]]]
    assert without["same maps"] is True


@pytest.mark.parametrize("call", ["gram", "again", "operator", "network", "instructions"])
def test_the_error_tells_reason_and_remedy(without, call):
    said = without[call]
    assert said.startswith("kernel fused was asked for and its library is not there")
    assert without["reason"] in said
    assert "C++ compiler" in said
    assert "pip install --no-build-isolation" in said
    assert "use kernel reference" in said
    assert without["is an ImportError"]


@pytest.mark.proofs
def test_a_broken_library_is_a_reason_and_is_read_at_the_first_question(tmp_path):
    (tmp_path / "broken.so").write_bytes(b"no library at all")
    loaded, reason = ask(
        f"""
import importlib.machinery as machinery, importlib.util as util, sys
class Finder:
    def find_spec(name, path=None, target=None):
        if name == "gramstyle.kernels._cpu":
            file = {str(tmp_path / "broken.so")!r}
            loader = machinery.ExtensionFileLoader(name, file)
            return util.spec_from_file_location(name, file, loader=loader)
sys.meta_path.insert(0, Finder)
import gramstyle.gram
from gramstyle.kernels import reason_missing
before = "gramstyle.kernels._cpu" in sys.modules
answer = before, reason_missing()
"""
    )
    assert loaded is False
    assert "broken.so" in reason


ASKED = "from gramstyle.kernels import instructions; answer = instructions()"


@pytest.mark.proofs
@pytest.mark.skipif(reason_missing() is not None, reason="the native half was not built")
@pytest.mark.parametrize("asked", ["portable", ""])
def test_what_was_asked_for_is_used(asked):
    best = ask(f"import os; os.environ.pop('GRAMSTYLE_CPU', None); {ASKED}")
    assert ask(f"import os; os.environ['GRAMSTYLE_CPU'] = {asked!r}; {ASKED}") == (asked or best)


@pytest.mark.proofs
def test_instructions_that_do_not_exist_are_refused_at_the_first_question():
    said = ask(
        """
import os
os.environ["GRAMSTYLE_CPU"] = "avx"
import gramstyle
from gramstyle.kernels import available
answer = []
for attempt in range(2):
    try:
        available()
    except gramstyle.UnknownNameError as error:
        answer.append(str(error))
"""
    )
    expected = "GRAMSTYLE_CPU must be one of: avx2, avx512, portable, neon; got 'avx'"
    assert said == [expected, expected]


WITHOUT_CUDA = """
import sys
sys.modules["gramstyle.kernels._cuda"] = None
import torch
from gramstyle.errors import NativeUnavailableError
from gramstyle.kernels import available, capabilities, gram, gram_is_native, reason_missing
from gramstyle.kernels.native import require
x = torch.ones(1, 2, 3, 4)
try:
    require("cuda")
    said = None
except NativeUnavailableError as error:
    said = str(error)
answer = {
    "cpu": available(),
    "cuda": available("cuda"),
    "reason": reason_missing("cuda"),
    "mps": reason_missing("mps"),
    "capabilities": capabilities(),
    "said": said,
    "gram": gram(x).second.tolist() if available() else [[[12, 12], [12, 12]]],
    "auto": gram_is_native("auto", torch.device("cuda")),
}
"""


@pytest.mark.proofs
def test_the_cpu_half_works_without_the_cuda_half():
    answer = ask(WITHOUT_CUDA)
    assert answer["cuda"] is False
    assert answer["gram"] == [[[12, 12], [12, 12]]]
    assert answer["auto"] is False
    assert answer["capabilities"] == []
    assert answer["mps"] == "there is none for mps"


@pytest.mark.proofs
def test_the_missing_cuda_half_tells_reason_and_remedy():
    answer = ask(WITHOUT_CUDA)
    assert answer["said"].startswith("kernel fused was asked for on cuda and its library is not there")
    assert answer["reason"] in answer["said"]
    assert "nvcc" in answer["said"]
    assert "use kernel reference" in answer["said"]


def test_nothing_is_skipped_where_a_gpu_is_checked(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.missing() == "there is no CUDA device"
    monkeypatch.setenv("GRAMSTYLE_GPU_CHECK", "1")
    with pytest.raises(RuntimeError, match="there is no CUDA device"):
        gpu.missing()


@pytest.mark.proofs
def test_the_cuda_half_needs_the_cpu_half():
    answer = ask(BLOCKED + "from gramstyle.kernels import reason_missing; answer = reason_missing('cuda')")
    assert answer.startswith("it needs the CPU half: ")
