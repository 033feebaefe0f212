"""How rounding grows with tiles, and that the page has the table."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("positive", [False, True])
def test_rounding_grows_with_tiles_and_the_page_has_the_table(script, positive):
    errors = [script.error(name, 16, positive, 0) for name in ("winograd2", "winograd4", "winograd6")]
    assert 1e-8 < errors[0] < errors[1] < errors[2] < 1e-5
    record = json.loads((ROOT / "analysis/results/rounding.json").read_text())
    assert script.table(record) in (ROOT / "docs/convolutions.md").read_text()


def test_gauss_loses_more_of_half_precision_and_the_page_has_the_table(script):
    """bfloat16 has 8 bits: four products that are rounded once are off by less than 2^-8."""
    three, four = (script.complex_error(route, "bfloat16", 0) for route in ("gauss", "stacked"))
    assert 1.5 * four < three
    assert 2.0**-11 < four < 2.0**-8
    record = json.loads((ROOT / "analysis/results/rounding.json").read_text())
    assert script.complex_table(record) in (ROOT / "docs/convolutions.md").read_text()
