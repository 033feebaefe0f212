"""The script that ranks readings for the default descriptor."""

from __future__ import annotations

import json


def remedy(network, name, development, held_out, **changed):
    condition = {
        "tap": "block1",
        "input": "as-is",
        "features": "as-is",
        "channels": "as-is",
        "metric": "frobenius",
        **changed,
    }
    gain = held_out - 0.5
    return {
        "network": network,
        "name": name,
        "condition": condition,
        "development": development,
        "held_out": held_out,
        "low": held_out - 0.01,
        "high": held_out + 0.01,
        "gain": gain,
        "gain_low": gain - 0.02,
        "gain_high": gain + 0.02,
    }


def study(corpus, *remedies):
    return {"corpus": {"name": corpus}, "remedies": list(remedies)}


def rows(text):
    return {
        line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ")[1:]
        for line in text.splitlines()[2:-2]
    }


def test_readings_are_ranked_on_development_styles_and_reported_on_the_others(script):
    first = [remedy("a", "one", 0.9, 0.6), remedy("a", "two", 0.8, 0.9)]
    second = [remedy("a", "two", 0.9, 0.7), remedy("a", "one", 0.9, 0.8)]
    second += [remedy("b", "one", 0.6, 0.7), remedy("b", "two", 0.5, 1.0)]
    studies = [{"remedies": first}, {"remedies": second}]
    text = script.ranking(studies)
    found = rows(text)
    assert list(found) == ["one", "two"]
    assert found["one"] == ["0.800", "0.700", "0.600", "0.200", "0.100"]
    assert found["two"] == ["0.733", "0.867", "0.700", "0.367", "0.200"]
    assert text.endswith("3 networks and corpora.")


def test_only_readings_that_stand_alone_and_were_measured_everywhere_are_ranked(script):
    studies = [
        {
            "remedies": [
                remedy("a", "plain", 0.6, 0.6),
                remedy("a", "hubs", 0.9, 0.9, metric="frobenius+csls"),
                remedy("a", "white", 0.9, 0.9, channels="whitened"),
                remedy("a", "soft", 0.9, 0.9, features="softmax-global"),
                remedy("a", "grey", 0.9, 0.9, input="grayscale"),
                remedy("a", "once", 0.9, 0.9),
                remedy("b", "plain", 0.6, 0.6),
            ]
        }
    ]
    assert list(rows(script.ranking(studies))) == ["plain"]


def test_folders_of_the_command_line_are_read(script, tmp_path, monkeypatch, capsys):
    (tmp_path / "summary.json").write_text(json.dumps(study("textures", remedy("a", "one", 0.9, 0.6))))
    monkeypatch.setattr("sys.argv", ["choose_descriptor.py", str(tmp_path)])
    script.main()
    said = capsys.readouterr().out
    assert "| one | 0.900 | 0.600 |" in said
    assert said.endswith("No reading averages taps.\n")


def test_the_default_chooses_no_tap(script):
    studies = [
        study(
            "textures",
            remedy("a", "one tap", 0.99, 0.9),
            remedy("a", "three", 0.8, 0.9, tap="taps from 1/4"),
            remedy("a", "two", 0.9, 0.7, tap="taps from 1/8"),
        ),
        study(
            "photographs",
            remedy("b", "one tap", 0.99, 0.9),
            remedy("b", "three", 0.8, 0.9, tap="taps from 1/4"),
            remedy("b", "two", 0.8, 0.6, tap="taps from 1/8"),
        ),
    ]
    assert script.choice(studies).splitlines() == [
        "Default: two.",
        "",
        "| corpus | network | held-out AUC | gain over L2 |",
        "| --- | --- | --- | --- |",
        "| textures | a | 0.700 [0.690, 0.710] | 0.200 [0.180, 0.220] |",
        "| photographs | b | 0.600 [0.590, 0.610] | 0.100 [0.080, 0.120] |",
    ]
