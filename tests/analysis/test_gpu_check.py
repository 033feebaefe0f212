"""The script that checks the CUDA half: no step loses the results of another."""

import json
import sys
import time

import pytest
import torch

ROW = {"kind": "copy", "bytes": 10, "seconds": 0.5, "bytes_per_second": 20.0}


def python(script, code, name="step", **options):
    return script.Step(name=name, command=[sys.executable, "-c", code], **{"seconds": 60, **options})


def checked(script, steps, tmp_path, total=100.0):
    lines, path = tmp_path / "lines", tmp_path / "results" / "device.json"
    good = script.check(steps, {"device": "one"}, lines, path, total)
    return good, json.loads(path.read_text())


def test_every_step_has_its_outcome_and_its_end(script, tmp_path, capsys):
    steps = [
        python(script, "print('well')", "good"),
        python(script, "print('x' * 9000); raise SystemExit(3)", "bad"),
        python(script, "import os; os.kill(os.getpid(), 9)", "killed"),
        script.Step(name="absent", command=None, seconds=1),
        python(
            script,
            f"open({str(tmp_path / 'lines')!r}, 'w').write({json.dumps(ROW)!r} + '\\n' + '{{\"cut')",
            "times",
        ),
    ]
    good, found = checked(script, steps, tmp_path)
    assert good is False
    assert [one["outcome"] for one in found["steps"]] == ["passed", "failed", "failed", "not there", "passed"]
    assert found["steps"][0]["said"] == "well\n"
    assert len(found["steps"][1]["said"]) == script.KEPT
    assert found["times"] == [ROW]
    assert found["device"] == "one"
    assert "bad: failed" in capsys.readouterr().out


def test_what_is_not_there_is_no_failure(script, tmp_path):
    steps = [python(script, "pass"), script.Step(name="absent", command=None, seconds=1)]
    assert checked(script, steps, tmp_path)[0] is True


@pytest.mark.proofs
def test_a_step_that_hangs_is_ended_with_what_it_started(script, tmp_path):
    left = tmp_path / "left"
    inner = f"import time, pathlib; time.sleep(4); pathlib.Path({str(left)!r}).touch()"
    outer = "import subprocess, sys; print('begun', flush=True); "
    outer += f"subprocess.run([sys.executable, '-c', {inner!r}])"
    start = time.monotonic()
    good, found = checked(script, [python(script, outer, seconds=1.5), python(script, "pass")], tmp_path)
    assert good is False
    assert [one["outcome"] for one in found["steps"]] == ["too slow", "passed"]
    assert found["steps"][0]["said"] == "begun\n"
    time.sleep(max(0.0, 5.5 - (time.monotonic() - start)))
    assert not left.exists()


def test_results_are_written_after_each_step(script, tmp_path):
    path = tmp_path / "results" / "device.json"
    look = f"import json; print(len(json.load(open({str(path)!r}))['steps']))"
    steps = [python(script, "pass"), python(script, look), python(script, look)]
    _, found = checked(script, steps, tmp_path)
    assert [one["said"] for one in found["steps"]] == ["", "1\n", "2\n"]
    assert [one.name for one in path.parent.iterdir()] == ["device.json"]


def test_later_steps_keep_their_time(script):
    steps = [
        script.Step(name=str(i), command=None, seconds=100, kept=kept) for i, kept in enumerate((5, 60, 10))
    ]
    assert script.limits(steps, 0, 200) == 100
    assert script.limits(steps, 0, 120) == 50
    assert script.limits(steps, 2, 33) == 33


def test_all_is_done_in_ten_minutes(script, tmp_path):
    steps = script.steps_for("9.0", tmp_path / "lines", tmp_path / "times.json")
    assert [one.name for one in steps] == [
        "build", "tests", "memcheck", "racecheck", "benchmark", "synccheck", "initcheck",
        "convolutions", "sparse convolutions in half precision",
    ]  # fmt: skip
    assert script.TOTAL < 10 * 60
    left = script.TOTAL
    for i, step in enumerate(steps):  # each takes all it may
        assert script.limits(steps, i, left) >= step.kept
        left -= script.limits(steps, i, left)
    assert left >= 0


@pytest.mark.proofs
@pytest.mark.skipif(torch.cuda.is_available(), reason="there they can")
def test_tests_that_cannot_run_are_no_success(script, tmp_path):
    steps = script.steps_for("9.0", tmp_path / "lines", tmp_path / "times.json")
    (tests,) = [one for one in steps if one.name == "tests"]
    done = script.run(tests, 100)
    assert done["outcome"] == "failed"
    assert "there is no CUDA device" in done["said"]


def test_files_that_steps_name_exist(script, tmp_path):
    for step in script.steps_for("9.0", tmp_path / "lines", tmp_path / "times.json"):
        for word in step.command or ():
            if word.endswith(".py"):
                assert (script.ROOT / word).is_file()
    assert script.steps_for("9.0", tmp_path, tmp_path)[0].environment == {
        "GRAMSTYLE_NATIVE": "cuda", "TORCH_CUDA_ARCH_LIST": "9.0",
    }  # fmt: skip


def test_without_a_device_nothing_is_written(script, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(script, "described", lambda: None)
    monkeypatch.setattr(script, "BENCHMARKS", tmp_path)
    assert script.main([]) == 2
    assert "there is no CUDA device" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("command", "code"), [("pass", 0), ("raise SystemExit(1)", 1)])
def test_the_file_is_named_after_the_device(command, code, script, tmp_path, monkeypatch):
    found = {"device": {"name": "NVIDIA H200", "capability": "9.0"}}
    monkeypatch.setattr(script, "described", lambda: found)
    monkeypatch.setattr(script, "BENCHMARKS", tmp_path)
    monkeypatch.setattr(script, "steps_for", lambda capability, lines, times: [python(script, command)])
    assert script.main([]) == code
    assert json.loads((tmp_path / "nvidia-h200.json").read_text())["device"]["name"] == "NVIDIA H200"


def test_programs_that_are_not_there_say_nothing(script):
    assert script.said("no-such-program-of-any-machine") is None
    assert script.said(sys.executable, "-c", "raise SystemExit(1)") is None
    assert script.said(sys.executable, "-c", "print(5)") == "5"
