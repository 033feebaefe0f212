"""The kernels' twins in Triton, under its interpreter, against the definitions in float64."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not there")

SCRIPT = """
import json, torch, triton_twins, twins
generator = torch.Generator().manual_seed(0)
worst = {}
for dtype in (torch.float32, torch.float16):
    for shape, last in (((2, 20, 45), False), ((1, 33, 70), True), ((1, 3, 5), False)):
        x = torch.randn(shape, generator=generator).to(dtype)
        x = x.transpose(1, 2).contiguous().transpose(1, 2) if last else x
        exact, _ = twins.gram(x[..., None])
        size, _ = twins.gram_sizes(x[..., None])
        worst[f"gram {dtype} {shape}"] = ((triton_twins.gram(x) - exact).abs() / size).max().item()
    for inputs, outputs, side, stride, pad in ((3, 24, 3, 1, 1), (3, 32, 3, 2, 1), (16, 40, 1, 1, 0)):
        x = torch.randn(1, inputs, 9, 11, generator=generator).to(dtype)
        weight = torch.randn(outputs, inputs, side, side, generator=generator).to(dtype)
        bias = torch.randn(outputs, generator=generator).to(dtype)
        rows = x[0].permute(1, 2, 0).contiguous()
        features, second = triton_twins.conv_gram(rows, weight, bias, stride, pad)
        exact = twins.convolved(x, weight, bias, [stride] * 2, [pad] * 2, [1, 1], 1, "relu")[0].flatten(1).T
        most = twins.convolved(x.abs(), weight.abs(), bias.abs(), [stride] * 2, [pad] * 2, [1, 1], 1, "none")
        error = (features.double() - exact).abs() / most[0].flatten(1).T
        name = f"{dtype} {inputs} -> {outputs}"
        worst[f"features {name}"] = error.max().item() - torch.finfo(dtype).eps / 2  # their rounding
        kept = features.T[None, ..., None]
        size, _ = twins.gram_sizes(kept)
        error = (second - twins.gram(kept)[0][0]).abs() / size[0].clamp_min(1e-9)
        worst[f"second {name}"] = error.max().item()
print(json.dumps(worst))
"""


@pytest.mark.proofs
def test_triton_says_the_same():
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, env=environment, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    worst = json.loads(done.stdout)
    assert len(worst) == 2 * (3 + 2 * 3)
    assert {name: error for name, error in worst.items() if not error < 1e-6} == {}
