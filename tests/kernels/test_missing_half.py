"""What happens where the native half was not built, and in which order things may be imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
from gramstyle import NativeUnavailableError
from gramstyle.gram import gram
from gramstyle.kernels import available, reason_missing
from gramstyle.kernels import gram as native_gram

def message(call):
    try:
        call()
    except NativeUnavailableError as error:
        return str(error)

x = torch.ones(1, 2, 3, 4)
answer = {
    "available": available(),
    "reason": reason_missing(),
    "torch": gram(x, "none").tolist(),
    "gram": message(lambda: gram(x, kernel="fused")),
    "again": message(lambda: gram(x, kernel="fused")),
    "operator": message(lambda: native_gram(x)),
    "is an ImportError": issubclass(NativeUnavailableError, ImportError),
}
"""
    )


def test_absence_is_said_and_nothing_breaks(without):
    assert without["available"] is False
    assert "gramstyle.kernels._cpu" in without["reason"]
    assert without["torch"] == [[[12, 12], [12, 12]]]


@pytest.mark.parametrize("call", ["gram", "again", "operator"])
def test_the_error_tells_reason_and_remedy(without, call):
    said = without[call]
    assert said.startswith("kernel fused was asked for and its library is not there")
    assert without["reason"] in said
    assert "C++ compiler" in said
    assert "pip install --no-build-isolation" in said
    assert "use kernel reference" in said
    assert without["is an ImportError"]


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
