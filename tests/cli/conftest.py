"""The program in this process: arguments in; exit code, stdout and stderr out."""

import sys
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from gramstyle.cli import main

TINY = "timm:test_efficientnet@random:1"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `gramstyle ARGUMENTS`; paths and numbers may be given as they are."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["gramstyle", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        seen = capsys.readouterr()
        code = ended.value.code
        return Ended(0 if code is None else code, seen.out, seen.err)

    return call


def save_noise(path, seed, size=(80, 96)):
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def two(tmp_path):
    return [save_noise(tmp_path / "a.png", 1), save_noise(tmp_path / "b.png", 2, (64, 70))]


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "pictures"
    made.mkdir()
    for number in range(5):
        save_noise(made / f"{number}.png", number, (64 + 8 * (number % 2), 72))
    return made
