"""--sparsity, in every command that lets networks be changed."""

import json

import pytest

from gramstyle.extract import Extractor

NAME = "mobilenet_v2@random:1"
COMMANDS = {
    "distance": lambda images, out: (*images, "-b", NAME),
    "describe": lambda images, out: (*images, "-b", NAME, "-o", out / "d.safetensors"),
    "diagnose": lambda images, out: (*images, "-b", NAME),
    "study": lambda images, out: ("--bundled", "-b", NAME, "--quick", "-o", out / "study"),
    "transfer": lambda images, out: (*images, "-b", NAME, "-o", out / "out.png"),
    "texture": lambda images, out: (images[0], "-b", NAME, "-o", out / "out.png"),
}


@pytest.fixture
def asked(monkeypatch):
    """Sparsities that extractors were asked for."""
    found = []

    def init(self, *arguments, **options):
        found.append(options["sparsity"])
        raise KeyboardInterrupt  # what is computed is not looked at

    monkeypatch.setattr(Extractor, "__init__", init)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_networks_are_pruned_as_asked_for(name, run, two, tmp_path, asked):
    for words in (("--sparsity", "0.5"), ()):
        run(name, *COMMANDS[name](two, tmp_path), *words)
    assert asked == [0.5, 0.0]


@pytest.mark.parametrize("name", COMMANDS)
def test_shares_that_cannot_be_are_wrong_usage(name, run, two, tmp_path, asked):
    ended = run(name, *COMMANDS[name](two, tmp_path), "--sparsity", "1")
    assert (ended.code, asked) == (2, [])
    assert "sparsity must be from 0 up to but not 1, got 1.0" in ended.err


def test_results_say_it_and_are_not_mixed(run, two, tmp_path):
    small = ("-b", NAME, "--taps", "block2", "--size", "short:32")
    files = {}
    for sparsity in ("0", "0.5"):
        files[sparsity] = tmp_path / f"{sparsity}.safetensors"
        ended = run("describe", *two, *small, "--sparsity", sparsity, "-o", files[sparsity])
        assert ended.code == 0, ended.err
    ended = run("distance", files["0.5"], "--format", "json")
    (result,) = json.loads(ended.out)["results"]
    assert result["settings"]["sparsity"] == 0.5
    assert "pruned to a sparsity of 0.5" in result["weights"]["source"]
    ended = run("distance", *files.values())
    assert ended.code == 1
    assert "sparsity 0.0 against 0.5" in ended.err
    ended = run("distance", files["0"], "--sparsity", "0.5")
    assert ended.code == 2
    assert "--sparsity came too late" in ended.err
    ended = run("diagnose", *two, *small, "--sparsity", "0.5", "--format", "json")
    (result,) = json.loads(ended.out)["results"]
    assert result["settings"]["sparsity"] == 0.5
