"""The benchmark of the CUDA half, on the cpu and small: all of it runs, and its rows hold what is read."""

import importlib.util
import json
from pathlib import Path

import pytest

from gramstyle.kernels import available

pytestmark = pytest.mark.skipif(not available(), reason="the native half was not built")


@pytest.fixture(scope="module")
def rows(script, tmp_path_factory):
    path = tmp_path_factory.mktemp("times") / "lines"
    script.main(["--device", "cpu", "--side", "24", "--repeat", "1", "--output", str(path)])
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_kind_is_timed(rows, script):
    kinds = [row["kind"] for row in rows]
    assert kinds.count("convolution") == 2 * len(script.CONVOLUTIONS)
    assert kinds.count("gradient") == 2 * len(script.GRADIENTS)
    assert kinds.count("copy") == 1
    shapes = {(row["type"], row["channels"], row["layout"]) for row in rows if row["kind"] == "gram"}
    assert {("bfloat16", 128, "planar"), ("tf32", 16, "channels-last"), ("ieee", 64, "planar")} <= shapes


def test_what_cannot_run_here_says_so_and_the_rest_goes_on(rows):
    for row in rows:
        if row["kind"] != "copy":
            errors = {name for name, value in row["seconds"].items() if not isinstance(value, float)}
            assert all("cudnn" in name for name in errors)
            assert all(value > 0 for value in row["seconds"].values() if isinstance(value, float))


def test_bars_are_told_from_these_rows(rows, script, monkeypatch):
    path = Path(script.__file__).parent / "kernel_bars.py"
    spec = importlib.util.spec_from_file_location("kernel_bars", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.bars(rows)
    assert len({(one["bar"], one["case"]) for one in found}) == len(found)
    assert all(one["measured"] is not None for one in found)
    # each early layer is one that is timed
    assert set(module.EARLY) <= {row["layer"] for row in rows if row["kind"] == "convolution"}


def test_working_sets_are_larger_than_the_cache(script):
    timer = script.Timer("cpu", 1)
    timer.cache = 1000
    made = []

    def make():
        made.append(script.torch.zeros(100, dtype=script.torch.uint8))
        return made[-1]

    timer.seconds(lambda x: x + 1, make, 100)
    assert len(made) == 15  # of 200 bytes each, read and written: three times the cache
    made.clear()
    timer.seconds(lambda x: x + 1, make, 10**6)
    assert len(made) == 2
