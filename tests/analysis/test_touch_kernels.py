"""What compute-sanitizer watches runs every kernel."""

import pytest
import torch

from gramstyle.kernels import available, fusible

pytestmark = pytest.mark.skipif(not available(), reason="the native half was not built")


def test_all_of_it_runs(script, capsys):
    script.main(["--device", "cpu"])
    assert capsys.readouterr().out == "216 calls\n"


def test_every_width_of_panels_and_every_path_is_touched(script):
    widths = {32 if c <= 32 else 64 if c <= 64 else 128 if c <= 128 else 256 for c in script.CHANNELS}
    assert widths == {32, 64, 128, 256}
    assert max(script.CHANNELS) > 256  # several units
    paths = {fusible(torch.bfloat16, (outputs, 3, 3, 3), 1) for outputs in script.OUTPUTS}
    assert paths == {"registers", "shared"}
    assert (torch.bfloat16, torch.float16, torch.float32, torch.float64) == script.TYPES
