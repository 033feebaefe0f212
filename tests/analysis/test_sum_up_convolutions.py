"""What a record of convolutions says, and that the page says the same."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]


def row(sweep, name, times, auto="library", kind="3 x 3"):
    return {
        "sweep": sweep,
        "name": name,
        "job": f"{sweep}: {name}",
        "kind": kind,
        "complex": sweep == "complex",
        "auto": auto,
        "median_ms": times,
    }


def test_sums_of_a_record(script):
    """Medians of 4 / 2 and 3 / 3, and a choice that is 4 / 2 from the best."""
    rows = [
        row("networks", "a", {"library": 8.0, "library, channels-last": 4.0, "winograd4": 2.0}),
        row("networks", "b", {"library": 3.0, "library, channels-last": 5.0, "winograd4": 9.0}),
    ]
    assert "| 3 x 3 | winograd4: 1 of 2 | 1.50 | 2.50 |" in script.kinds(rows)
    assert "| networks: b | winograd4 0.33 |" in script.gains(rows[1:])
    said = script.automatic(rows)
    assert "auto within 1.2 of the fastest: 1 of 2; the others" in said
    assert "| networks: a | 4.00 |" in said


def test_the_record_that_is_kept_can_be_summed_up(script):
    rows = json.loads((ROOT / "analysis/benchmarks/conv.json").read_text())["rows"]
    page = (ROOT / "docs/convolutions.md").read_text()
    said = script.automatic([one for one in rows if one["sweep"] != "sparse" and not one["complex"]])
    right, _, total = said.partition("fastest: ")[2].partition(";")[0].partition(" of ")
    assert f"for {right} of these {total} convolutions" in page
    layers = script.kinds([one for one in rows if one["sweep"] == "networks"])
    assert "| 3 x 3 | winograd4: 7 of 8 | 1.65 |" in layers
    assert "on 7 of 8 layers of VGG16, 1.65 times" in page
