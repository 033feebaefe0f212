"""A study that is killed, at whatever moment, goes on and ends with the same bits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from study.tiny_study import save_weights

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills copies of a process")

BATCHES = 3
"""Eight images, three at a time."""

KILLS = (
    ("looking at images", 4),
    ("images", 1),
    ("images", 2),
    ("rename", 1),  # the first file is written and has no name yet
    ("rename", 20),
    ("distances", 1),
    ("distances", 2),
    ("rename", 45),
)
"""What a run is doing when it dies, and the how-many-eth time it does that."""

SCRIPT = """
import json, os, signal, sys
from pathlib import Path

import scipy.stats, timm, torch

torch.set_num_threads(1)  # a process without threads of its own may be forked
from gramstyle import Extractor
from gramstyle.study import Sweep, run_study
from study.tiny_study import COVARIANCE, GRAM, PIXEL, settings_of, textured, undated

root, network = Path(sys.argv[1]), sys.argv[2]
sweeps = (
    Sweep(where="last", readouts=(GRAM, COVARIANCE)),
    Sweep(where="last", inputs=("grayscale", "colour-matched"), readouts=(GRAM,)),
    PIXEL,
)
settings = settings_of(network, sweeps=sweeps, random_seeds=(), diagnosed=2, draws=20, permutations=19)
forwards, forward = [], Extractor.forward


def counted(self, images):
    forwards.append(len(images))
    return forward(self, images)


Extractor.forward = counted
rename = Path.replace
os.fsync = lambda handle: None  # slow, and for machines that die, not for processes


def run(folder, progress=None):
    return run_study(textured(4, 2), settings, folder, device="cpu", batch_size=3, progress=progress)


def child(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(7)  # not killed
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def killed(folder, what, number):
    left = [number]

    def count():
        left[0] -= 1
        if left[0] == 0:
            die()

    def progress(name, done, total):
        if what == name or name == f"{network}: {what}":
            count()

    def renamed(path, target):
        count()
        return rename(path, target)

    if what == "rename":
        Path.replace = renamed
    run(folder, progress)


def finished(folder):
    files = [path for path in folder.rglob("*") if path.suffix in (".npz", ".safetensors")]
    return {
        str(path.relative_to(folder)): [path.stat().st_mtime_ns, path.stat().st_ino]
        for path in files
        if not path.name.startswith(".")
    }


def resumed(folder, place):
    forwards.clear()
    found = undated(run(folder))
    place.write_text(json.dumps({"results": found, "forwards": forwards, "files": finished(folder)}))


places = []
for number, (what, count) in enumerate([(None, 0), *json.loads(sys.argv[3])]):
    folder = root / str(number)
    codes = [] if what is None else [child(lambda: killed(folder, what, count))]
    before = finished(folder)
    parts = len(list(folder.rglob(".*")))
    codes.append(child(lambda: resumed(folder, root / "found.json")))
    found = json.loads((root / "found.json").read_text())
    print(json.dumps({"codes": codes, "before": before, "parts": parts, **found}))
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """What an uninterrupted run found, and for each of `KILLS` what was left of it and found after it."""
    root = tmp_path_factory.mktemp("killed")
    network = save_weights(root / "w.safetensors")
    here = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here.parent), str(here)])}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(root), network, json.dumps(KILLS)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=600,
    )
    whole, *rest = (json.loads(line) for line in done.stdout.splitlines())
    assert whole["codes"] == [7]
    return whole, dict(zip(KILLS, rest, strict=True))


@pytest.mark.proofs
@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: f"{kill[0]} {kill[1]}")
def test_a_killed_run_ends_with_the_bits_of_one_that_was_not(ended, kill):
    whole, after = ended
    assert after[kill]["codes"] == [-signal.SIGKILL, 7]
    assert after[kill]["results"] == whole["results"]
    assert set(after[kill]["files"]) == set(whole["files"])


@pytest.mark.proofs
@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: f"{kill[0]} {kill[1]}")
def test_what_was_finished_is_not_made_again(ended, kill):
    whole, after = ended
    left = after[kill]
    assert left["before"].items() <= left["files"].items()  # neither rewritten nor replaced
    assert len(whole["forwards"]) == 3 * BATCHES  # as they are, grey, and of one colour
    if kill[0] == "images":
        assert len(left["forwards"]) == 3 * BATCHES - kill[1]
    if kill[0] == "distances":
        assert left["forwards"] == []


@pytest.mark.proofs
def test_kills_struck_where_they_were_meant_to(ended):
    whole, after = ended
    kept = {kill: len(one["before"]) for kill, one in after.items()}
    assert kept["looking at images", 4] == 0
    assert kept["rename", 1] == 0
    assert 0 < kept["images", 1] < kept["images", 2] < kept["distances", 1] < kept["distances", 2]
    assert kept["distances", 2] < len(whole["files"])
    for (what, _), one in after.items():
        assert (one["parts"] > 0) == (what == "rename")  # a file half written, which nobody reads
