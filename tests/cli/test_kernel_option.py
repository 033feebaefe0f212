"""--kernel, in every command that runs a network."""

import pytest

from gramstyle.extract import Extractor

from .conftest import TINY

COMMANDS = {
    "distance": lambda images, out: (*images, "-b", TINY),
    "describe": lambda images, out: (*images, "-b", TINY, "-o", out / "d.safetensors"),
    "diagnose": lambda images, out: (*images, "-b", TINY),
    "demo": lambda images, out: (*images, "-b", TINY, "--crop", 32, "--gap", 0, "-o", out / "report"),
    "study": lambda images, out: ("--bundled", "-b", TINY, "--quick", "-o", out / "study"),
}


@pytest.fixture
def asked(monkeypatch):
    """Kernels that extractors were asked to use."""
    found = []
    made = Extractor.__init__

    def init(self, *arguments, **options):
        found.append(options.get("kernel", "auto"))
        made(self, *arguments, **options)
        raise KeyboardInterrupt  # what is computed is not looked at

    monkeypatch.setattr(Extractor, "__init__", init)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_extractors_use_the_kernel_that_is_asked_for(name, run, two, tmp_path, asked):
    for kernel in ("reference", "auto"):
        run(name, *COMMANDS[name](two, tmp_path), "--kernel", kernel)
    assert asked == ["reference", "auto"]


@pytest.mark.parametrize("name", COMMANDS)
def test_other_words_are_wrong_usage(name, run, two, tmp_path):
    ended = run(name, *COMMANDS[name](two, tmp_path), "--kernel", "cpp")
    assert ended.code == 2
    assert "kernel must be one of" in ended.err
