"""Builds, tests and times the CUDA half and convolutions on the device at hand, in less than ten minutes.

    make gpu-check
    python analysis/gpu_check.py [--output FILE]

Every step is a process with a limit of its own, and results are written after each: one that fails or
hangs loses nothing of the others. Only the standard library is used here, for the same reason. The
results, with device, driver, versions and date, are to be committed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from kernel_bars import bars, table

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "analysis/benchmarks"
TOTAL = 570.0
"""Seconds for all steps."""

KEPT = 4000
"""Characters of what a step said that are kept: its end."""

DESCRIBE = """
import json, platform, torch
one = torch.cuda.get_device_properties(0)
import torch.backends.cudnn as cudnn
try:
    import triton
    triton_version = triton.__version__
except ImportError:
    triton_version = None
print(json.dumps({
    "device": {
        "name": one.name, "capability": f"{one.major}.{one.minor}",
        "multiprocessors": one.multi_processor_count,
        "memory": one.total_memory, "l2_cache": one.L2_cache_size, "devices": torch.cuda.device_count(),
    },
    "versions": {
        "python": platform.python_version(), "torch": torch.__version__, "cuda of torch": torch.version.cuda,
        "cudnn": cudnn.version(), "triton": triton_version,
    },
}))
"""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command and what it may take.

    Attributes:
        name: as results call it.
        command: and its arguments; None where a program is not there.
        seconds: most that it may take.
        kept: seconds that earlier steps leave for it.
        environment: added to that of this process.
    """

    name: str
    command: Sequence[str] | None
    seconds: float
    kept: float = 5.0
    environment: dict[str, str] = field(default_factory=dict)


def run(step: Step, seconds: float) -> dict[str, Any]:
    """Outcome (``passed``, ``failed``, ``too slow``, ``not there``), seconds, and the end of what it said."""
    result: dict[str, Any] = {"name": step.name, "outcome": "not there", "seconds": 0.0, "said": ""}
    if step.command is None:
        return result
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **step.environment}
    start = time.monotonic()
    with tempfile.TemporaryFile() as said:
        started = subprocess.Popen(
            step.command,
            cwd=ROOT,
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = started.wait(max(seconds, 1.0))
            result["outcome"] = "passed" if code == 0 else "failed"
        except subprocess.TimeoutExpired:
            result["outcome"] = "too slow"
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGKILL)  # compilers and tests it has started, too
                started.wait()
        said.seek(0)
        text = said.read().decode(errors="replace").replace(str(ROOT), ".")
    return {**result, "seconds": round(time.monotonic() - start, 1), "said": text[-KEPT:]}


def limits(steps: Sequence[Step], index: int, left: float) -> float:
    """Seconds that step `index` may take of `left`: later ones keep what they need."""
    return min(steps[index].seconds, left - sum(step.kept for step in steps[index + 1 :]))


def sanitizer() -> str | None:
    """compute-sanitizer, of the path or beside the compiler."""
    home = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH") or "/usr/local/cuda"
    beside = Path(home, "bin", "compute-sanitizer")
    return shutil.which("compute-sanitizer") or (str(beside) if beside.is_file() else None)


def steps_for(capability: str, lines: Path, times: Path) -> list[Step]:
    """What to do, in order. The benchmark writes `lines`; those of convolutions `times` and its like."""
    python, checker = sys.executable, sanitizer()
    build = {"GRAMSTYLE_NATIVE": "cuda", "TORCH_CUDA_ARCH_LIST": capability}
    tests = [f"tests/{name}.py" for name in ("kernels/test_gpu_torch", "kernels/test_gpu_numbers")]
    tests.append("tests/conv/test_gpu_conv.py")
    pytest = [python, "-m", "pytest", "-q", "-m", "cuda", "-W", "default", *tests]
    touch = [python, "analysis/touch_kernels.py"]
    tools = [
        Step(
            name=tool,
            command=checker and [checker, "--tool", tool, "--error-exitcode", "9", *touch],
            seconds=60,
            kept=10,
        )
        for tool in ("memcheck", "racecheck", "synccheck", "initcheck")
    ]
    bench = [python, "analysis/time_kernels.py", "--output", str(lines)]
    convolve = [python, "-m", "gramstyle", "bench", "conv", "--device", "cuda", "--repeat", "3", "--output"]
    halves = ["--sweep", "sparse", "--dtype", "float16"]
    cache = {"GRAMSTYLE_CACHE_DIR": str(lines.parent)}
    compile_ = [python, "setup.py", "-q", "build_ext", "--inplace"]
    return [
        Step(name="build", command=compile_, seconds=150, environment=build),
        Step(name="tests", command=pytest, seconds=180, kept=60, environment={"GRAMSTYLE_GPU_CHECK": "1"}),
        *tools[:2],
        Step(name="benchmark", command=bench, seconds=120, kept=90),
        *tools[2:],
        Step(
            name="convolutions",
            command=[*convolve, str(times.with_suffix(".json"))],
            seconds=180,
            kept=60,
            environment=cache,
        ),
        Step(
            name="sparse convolutions in half precision",
            command=[*convolve, str(times.with_name(f"{times.stem}-float16.json")), *halves],
            seconds=60,
            kept=20,
            environment=cache,
        ),
    ]


def said(*command: str) -> str | None:
    """What a program says; None where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def described() -> dict[str, Any] | None:
    """Device and versions; None without a device."""
    text = said(sys.executable, "-c", DESCRIBE)
    if text is None:
        return None
    found: dict[str, Any] = json.loads(text)
    release = re.search(r"release ([\d.]+)", said("nvcc", "--version") or "")
    found["versions"]["nvcc"] = release[1] if release else None
    found["versions"]["driver"] = said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    found["commit"] = said("git", "rev-parse", "HEAD")
    found["changed files"] = len((said("git", "status", "--porcelain", "-uno") or "").splitlines())
    found["date"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return found


def write(path: Path, results: dict[str, Any]) -> None:
    """Write `results`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(results, indent=1) + "\n")
    part.replace(path)


def rows_of(lines: Path) -> list[dict[str, Any]]:
    """What the benchmark has written so far; a line that was cut off is left out."""
    rows = []
    for line in lines.read_text().splitlines() if lines.exists() else []:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


def check(
    steps: Sequence[Step], results: dict[str, Any], lines: Path, path: Path, total: float = TOTAL
) -> bool:
    """Do `steps` and write what they give, after each; whether none failed."""
    end = time.monotonic() + total
    results["steps"] = []
    for i, step in enumerate(steps):
        print(f"{step.name} ...", flush=True)
        done = run(step, limits(steps, i, end - time.monotonic()))
        print(f"{step.name}: {done['outcome']}, {done['seconds']} s", flush=True)
        if done["outcome"] not in ("passed", "not there"):
            print(done["said"], flush=True)
        results["steps"].append(done)
        results["times"] = rows_of(lines)
        results["bars"] = bars(results["times"])
        write(path, results)
    return all(done["outcome"] in ("passed", "not there") for done in results["steps"])


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all steps passed; 1: one did not; 2: there is no device."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--output", type=Path, help="default: analysis/benchmarks/DEVICE.json")
    options = parser.parse_args(arguments)
    results = described()
    if results is None:
        print("there is no CUDA device that torch can use")
        return 2
    slug = re.sub(r"[^a-z0-9]+", "-", results["device"]["name"].lower()).strip("-")
    path = options.output or BENCHMARKS / f"{slug}.json"
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "times.jsonl")
        times = path.with_name(f"conv-{path.stem}.json")
        good = check(steps_for(results["device"]["capability"], lines, times), results, lines, path)
    print(table(results["bars"]))
    print(f"written: {path}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
